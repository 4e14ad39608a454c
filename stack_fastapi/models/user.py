"""A user, as server access sees it."""

from __future__ import annotations

from datetime import datetime

from pydantic import JsonValue

from stack_fastapi.models._base import StackModel, from_millis
from stack_fastapi.models.claims import RestrictedReason
from stack_fastapi.models.team import Team
from stack_fastapi.types import UserType


class User(StackModel):
    """A signed-in user; the fields are Stack's, and fields that Stack adds later are kept.

    Trust: ``primary_email`` is the user's own claim until ``primary_email_verified``, and
    ``client_metadata`` is the user's to write. Roles belong in permissions or in
    ``server_metadata``.

    All requests of a user share one object: treat what is in the metadata as read-only.

    Attributes:
        signed_up_at_millis: milliseconds since the epoch; ``signed_up_at`` as a datetime.
        is_restricted: True for anonymous users too.
        otp_auth_enabled: may sign in with a code by e-mail; that is no second factor.
        passkey_auth_enabled: may sign in with a passkey, and without one as well.
        requires_totp_mfa: has set up an authenticator app, and signing in asks for its code.
    """

    id: str
    display_name: str | None
    primary_email: str | None
    primary_email_verified: bool
    primary_email_auth_enabled: bool = False
    profile_image_url: str | None = None
    selected_team_id: str | None = None
    selected_team: Team | None = None
    signed_up_at_millis: int
    last_active_at_millis: int | None = None
    has_password: bool = False
    otp_auth_enabled: bool = False
    passkey_auth_enabled: bool = False
    requires_totp_mfa: bool | None = None
    client_metadata: JsonValue = None
    client_read_only_metadata: JsonValue = None
    server_metadata: JsonValue = None
    is_anonymous: bool
    is_restricted: bool
    restricted_reason: RestrictedReason | None = None
    restricted_by_admin: bool = False
    restricted_by_admin_reason: str | None = None
    restricted_by_admin_private_details: str | None = None

    @property
    def signed_up_at(self) -> datetime:
        """When the user signed up, in UTC."""
        return from_millis(self.signed_up_at_millis)

    @property
    def user_type(self) -> UserType:
        """Which of Stack's three kinds of users this is now; a token may still say another."""
        if self.is_anonymous:
            return "anonymous"
        return "restricted" if self.is_restricted else "normal"

    @property
    def is_authenticated(self) -> bool:
        """Always True: Starlette's word for "this is somebody", for ``request.user``."""
        return True

    @property
    def identity(self) -> str:
        """The user's id, under Starlette's name for it."""
        return self.id
