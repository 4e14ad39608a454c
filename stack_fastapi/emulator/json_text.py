"""JSON as the standard has it (RFC 8259), where Python's own reader is more generous."""

from __future__ import annotations

import math

#: Beyond it, the server's numbers are no longer all the whole ones.
_MAX_SAFE_INTEGER = 2**53


def refuse_constant(name: str) -> None:
    """For `json.loads(parse_constant=…)`: Python reads NaN and Infinity, JSON has no such thing.

    Raises:
        ValueError: Always.
    """
    raise ValueError(f"{name} is not JSON")


def read_integer(text: str) -> int | None:
    """For `json.loads(parse_int=…)`: the number as the server keeps it.

    Its numbers are floating-point ones: a large integer is rounded, one too large becomes null.
    """
    number = float(text)
    if math.isinf(number):
        return None
    return int(number) if abs(number) >= _MAX_SAFE_INTEGER else int(text)
