"""Step 3 of 5: what Stack is asked about users, permissions, sessions and API keys."""
