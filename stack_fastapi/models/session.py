"""Sessions, and the tokens of a new one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import SecretStr, model_validator

from stack_fastapi.models._base import StackModel, from_millis

_WITH_UNIT = {"created_at": "created_at_millis", "last_used_at": "last_used_at_millis"}


class Session(StackModel):
    """A session that has not ended.

    Stack writes both times as ``created_at`` and ``last_used_at``, in milliseconds.

    Attributes:
        id: what the session's access tokens call ``refresh_token_id``.
        created_at_millis: milliseconds since the epoch.
        last_used_at_millis: the same; None where it was not used yet.
        is_impersonation: whether a server made it to act in the user's place.
    """

    id: str
    user_id: str
    created_at_millis: int
    last_used_at_millis: int | None = None
    is_impersonation: bool
    is_current_session: bool = False

    @model_validator(mode="before")
    @classmethod
    def _name_the_unit(cls, record: object) -> object:
        """The times under the names that all other records have for theirs."""
        if not isinstance(record, Mapping):
            return record
        return {_WITH_UNIT.get(name, name): value for name, value in record.items()}

    @property
    def created_at(self) -> datetime:
        """When the session began, in UTC."""
        return from_millis(self.created_at_millis)

    @property
    def last_used_at(self) -> datetime | None:
        """When it was last used, in UTC; None where it was not."""
        return None if self.last_used_at_millis is None else from_millis(self.last_used_at_millis)


class SessionTokens(StackModel):
    """The tokens of a new session; both open everything of the user's."""

    access_token: SecretStr
    refresh_token: SecretStr


class AccessToken(StackModel):
    """A fresh access token of a session."""

    access_token: SecretStr
