"""An app protected by ``stack_fastapi``, with one route for each way to ask who is there."""
