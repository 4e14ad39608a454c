"""The record of an API key; the key itself is not in it."""

from __future__ import annotations

from stack_fastapi.models._base import StackModel
from stack_fastapi.types import ApiKeyType


class ApiKeyValue(StackModel):
    """What Stack shows of a key.

    Attributes:
        last_four: its last four characters, which belong to the checksum.
    """

    last_four: str


class ApiKey(StackModel):
    """An API key of a user or of a team.

    Attributes:
        type: who owns it; ``user_id`` or ``team_id`` says which one.
        is_public: whether it may be shown.
        created_at_millis: milliseconds since the epoch.
        expires_at_millis: milliseconds since the epoch; None if it does not expire.
        manually_revoked_at_millis: milliseconds since the epoch; None if it was not revoked.
    """

    id: str
    type: ApiKeyType
    user_id: str | None = None
    team_id: str | None = None
    description: str
    is_public: bool
    created_at_millis: int
    expires_at_millis: int | None = None
    manually_revoked_at_millis: int | None = None
    value: ApiKeyValue
