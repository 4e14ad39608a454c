"""A small API protected by ``stack_fastapi``: notes of teams, and a route for each way to ask."""
