"""JSON as the standard has it (RFC 8259), where Python's own reader is more generous."""

from __future__ import annotations


def refuse_constant(name: str) -> None:
    """For `json.loads(parse_constant=…)`: Python reads NaN and Infinity, JSON has no such thing.

    Raises:
        ValueError: Always.
    """
    raise ValueError(f"{name} is not JSON")
