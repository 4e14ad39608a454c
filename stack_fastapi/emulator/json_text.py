"""JSON and text as the real server reads, keeps and measures them, where Python does otherwise."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

#: From here on, JavaScript writes whole numbers with an exponent.
_WITH_EXPONENT = 1e21


def read(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """The value of a JSON text (RFC 8259); its numbers are doubles, as in JavaScript.

    Raises:
        ValueError: It is no JSON.
        RecursionError: It is nested too deeply.
    """
    return json.loads(text, parse_constant=refuse_constant, parse_int=_number, parse_float=_number)


def kept(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """A copy of the value as it is kept: a number beyond all doubles is null."""
    top = [value]
    waiting: list[Any] = [top]  # no recursion: what could be read may be nested as deeply
    while waiting:
        part = waiting.pop()
        for place, item in enumerate(part) if isinstance(part, list) else part.items():
            if isinstance(item, (list, dict)):
                part[place] = item.copy()
                waiting.append(part[place])
            elif isinstance(item, float) and not math.isfinite(item):
                part[place] = None
    return top[0]


def refuse_constant(name: str) -> None:
    """For `json.loads(parse_constant=…)`: Python reads NaN and Infinity, JSON has no such thing.

    Raises:
        ValueError: Always.
    """
    raise ValueError(f"{name} is not JSON")


def utf16_length(text: str) -> int:
    """The length as JavaScript counts it, and with it the server: an emoji is two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _number(text: str) -> int | float:
    value = float(text)
    if not value.is_integer() or abs(value) >= _WITH_EXPONENT:
        return value
    return int(Decimal(repr(value)))  # the fewest digits that mean this double, then zeros
