"""What all models have in common."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict


class StackModel(BaseModel):
    """A record as Stack names it: frozen, types as in the JSON, unknown fields kept."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)


def from_millis(millis: int) -> datetime:
    """The point in time, in UTC, of milliseconds since the epoch."""
    return datetime.fromtimestamp(millis / 1000, tz=UTC)
