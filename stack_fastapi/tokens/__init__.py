"""Steps 1 and 2 of 5: where a credential is, and whether it is good."""
