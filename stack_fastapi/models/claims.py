"""The claims of an access token."""

from __future__ import annotations

from stack_fastapi.models._base import StackModel
from stack_fastapi.types import UserType


class RestrictedReason(StackModel):
    """Why a user is restricted.

    Attributes:
        type: ``anonymous``, ``email_not_verified``, ``restricted_by_administrator``, or one
            that a newer server added.
    """

    type: str


class AccessTokenClaims(StackModel):
    """What a verified access token says; times are Unix seconds.

    A snapshot of the moment the token was issued: the fetched ``User`` is newer. ``role`` always
    reads ``authenticated`` and is no authorisation. Unknown claims are kept in ``model_extra``.

    Attributes:
        sub: the user's id.
        refresh_token_id: the session that the token belongs to.
        is_restricted: True for anonymous users too.
    """

    sub: str
    iss: str
    aud: str
    exp: int | float
    iat: int | float
    nbf: int | float | None = None
    project_id: str | None = None
    branch_id: str
    refresh_token_id: str | None = None
    role: str | None = None
    name: str | None = None
    email: str | None = None
    email_verified: bool | None = None
    selected_team_id: str | None = None
    signed_up_at: int | float | None = None
    is_anonymous: bool
    is_restricted: bool
    restricted_reason: RestrictedReason | None = None
    requires_totp_mfa: bool | None = None

    @property
    def user_id(self) -> str:
        """The user's id; the same as ``sub``."""
        return self.sub

    @property
    def user_type(self) -> UserType:
        """Which of Stack's three kinds of users the token was issued for."""
        if self.is_anonymous:
            return "anonymous"
        return "restricted" if self.is_restricted else "normal"
