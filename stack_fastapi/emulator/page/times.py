"""Times as a person reads them. Pure: the time it is now is passed in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from stack_fastapi.emulator.page.visit import View

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Seconds in a unit, from the longest to the shortest.
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def moment(millis: float, now_millis: float) -> View:
    """A point in time: for programs, in full, and how far it is from now."""
    try:
        when = _EPOCH + timedelta(milliseconds=millis)
    except OverflowError:  # dates that Python does not have
        return {"iso": "", "full": f"{millis:.0f} ms", "clock": "", "distance": "far away"}
    return {
        "iso": when.isoformat(timespec="milliseconds"),
        "full": f"{when:%Y-%m-%d %H:%M:%S} UTC",
        "clock": f"{when:%H:%M:%S}.{when.microsecond // 1000:03d}",
        "distance": _distance((millis - now_millis) / 1000),
    }


def _distance(seconds: float) -> str:
    size = abs(seconds)
    for length, unit in _UNITS:
        if size >= length:
            amount = f"{int(size // length)} {unit}"
            return f"in {amount}" if seconds > 0 else f"{amount} ago"
    return "now"
