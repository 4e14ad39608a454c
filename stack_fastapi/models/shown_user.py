"""What of a user an answer may show: response models that hold nothing else, whatever Stack adds.

FastAPI makes them of the ``User`` that a route returns (``response_model=PublicUser``).
"""

from __future__ import annotations

from typing import Self

from pydantic import ConfigDict, JsonValue

from stack_fastapi.models._base import StackModel
from stack_fastapi.models.user import User


class _Shown(StackModel):
    """A part of a record; what is not named here is dropped."""

    model_config = ConfigDict(extra="ignore", from_attributes=True, strict=False)


class PublicUser(_Shown):
    """What anybody may see of a user: nothing that is private, and no address."""

    id: str
    display_name: str | None
    profile_image_url: str | None = None

    @classmethod
    def of(cls, user: User) -> Self:
        """This much of a user."""
        return cls.model_validate(user)


class OwnTeam(_Shown):
    """What members may see of a team; ``server_metadata`` is none of it."""

    id: str
    display_name: str
    profile_image_url: str | None = None
    client_metadata: JsonValue = None
    client_read_only_metadata: JsonValue = None


class OwnRestrictedReason(_Shown):
    """Why a user is restricted; see ``RestrictedReason``."""

    type: str


class OwnUser(PublicUser):
    """What users may see of themselves: Stack's own answer to a front end that asks for its user.

    Neither ``server_metadata``, ``risk_scores`` and the like, nor what an administrator wrote
    down: that an administrator restricted the user is told, and not why.
    """

    primary_email: str | None
    primary_email_verified: bool
    selected_team_id: str | None = None
    selected_team: OwnTeam | None = None
    signed_up_at_millis: int
    has_password: bool = False
    otp_auth_enabled: bool = False
    passkey_auth_enabled: bool = False
    requires_totp_mfa: bool | None = None
    client_metadata: JsonValue = None
    client_read_only_metadata: JsonValue = None
    is_anonymous: bool
    is_restricted: bool
    restricted_reason: OwnRestrictedReason | None = None
    restricted_by_admin: bool = False
