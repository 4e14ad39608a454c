"""What all models have in common."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict


class StackModel(BaseModel):
    """A record as Stack names it: frozen, types as in the JSON, unknown fields kept."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)


class Compactor:
    """Makes records that are kept share what they have in common.

    Pydantic gives each record a set of the fields that were given, of some two kilobytes; those of
    all users are alike. Names of fields that a newer Stack added, and values that hardly vary, are
    as many texts as there were responses.

    Args:
        names: fields whose values are the same in most records.
    """

    def __init__(self, *names: str) -> None:
        self._names = names
        self._given: dict[frozenset[str], set[str]] = {}

    def compact(self, record: StackModel) -> None:
        """Take what others have in place of what is equal to it; the record stays equal as well."""
        given = record.__pydantic_fields_set__
        shared = self._given.setdefault(frozenset(given), given)
        object.__setattr__(record, "__pydantic_fields_set__", shared)
        extra = {sys.intern(name): value for name, value in (record.model_extra or {}).items()}
        object.__setattr__(record, "__pydantic_extra__", extra)
        for name in self._names:
            value = getattr(record, name)
            if isinstance(value, str):
                record.__dict__[name] = sys.intern(value)


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
