"""Step 4 of 5: one decision for a request, the policy, and the engine that owns everything."""
