"""API keys of users and of teams."""

from __future__ import annotations

from datetime import datetime

from pydantic import SecretStr

from stack_fastapi.models._base import StackModel, from_millis
from stack_fastapi.types import ApiKeyType


class ApiKeyValue(StackModel):
    """What is shown of a key.

    Attributes:
        last_four: its last four characters, which belong to the checksum.
    """

    last_four: str


class _KeyRecord(StackModel):
    """What all records of keys hold."""

    id: str
    type: ApiKeyType
    user_id: str | None = None
    team_id: str | None = None
    description: str
    is_public: bool
    created_at_millis: int
    expires_at_millis: int | None = None
    manually_revoked_at_millis: int | None = None

    @property
    def created_at(self) -> datetime:
        """When the key was made, in UTC."""
        return from_millis(self.created_at_millis)

    @property
    def expires_at(self) -> datetime | None:
        """When it expires, in UTC; None for never."""
        return None if self.expires_at_millis is None else from_millis(self.expires_at_millis)

    @property
    def manually_revoked_at(self) -> datetime | None:
        """When it was revoked, in UTC; None where it was not."""
        millis = self.manually_revoked_at_millis
        return None if millis is None else from_millis(millis)


class ApiKey(_KeyRecord):
    """A key that exists, which says neither that it is valid nor what it is.

    Attributes:
        type: whether it acts for a user or for a team.
        user_id: whose it is; None for a team's.
        team_id: the same, for a team's.
        is_public: whether it may be seen by everybody, as its ``pk_`` says.
        expires_at_millis: milliseconds since the epoch; None for never.
        manually_revoked_at_millis: the same; None where it was not revoked.
    """

    value: ApiKeyValue


class CreatedApiKey(_KeyRecord):
    """A new key with its text, which Stack shows this once.

    Attributes:
        value: the key itself; hand it to its owner and keep it nowhere.
    """

    value: SecretStr
