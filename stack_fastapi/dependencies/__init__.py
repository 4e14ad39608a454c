"""Step 5 of 5: the dependencies that routes name, and how their errors are answered."""
