"""The example's own tests, with the kit's pytest plugin."""
