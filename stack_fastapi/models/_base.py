"""What all models have in common."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict


class StackModel(BaseModel):
    """A record as Stack names it: frozen, types as in the JSON, unknown fields kept."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)


_EPOCH = datetime.fromtimestamp(0, tz=UTC)
_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


def from_millis(millis: int) -> datetime:
    """The point in time, in UTC, of milliseconds since the epoch.

    A moment beyond Python's calendar, such as the end of a key that is to last for ever, is the
    last or the first one that the calendar has.
    """
    try:
        return _EPOCH + timedelta(milliseconds=millis)
    except OverflowError:
        return _LAST if millis > 0 else _FIRST
