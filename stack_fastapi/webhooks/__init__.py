"""What Stack tells by itself: whether it was Stack, and what that makes stale."""
