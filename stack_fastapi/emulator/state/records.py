"""What a project holds, as plain data: no HTTP and no rules in here.

Times are milliseconds since the epoch. Secrets are left out of every repr.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from stack_fastapi.emulator.state.api_key_text import OwnerType

#: Any JSON value: the writer of metadata decides what it looks like.
Json = Any
Scope = Literal["team", "project"]
#: What a code that was sent by e-mail is for.
CodeType = Literal["contact_channel_verification", "password_reset", "team_invitation"]


@dataclass
class ContactChannel:
    """An e-mail address of a user."""

    id: str
    value: str
    created_at_millis: int
    is_primary: bool = False
    is_verified: bool = False
    used_for_auth: bool = False


@dataclass
class OAuthAccount:
    """A user's account at another provider."""

    id: str
    provider_config_id: str
    account_id: str
    email: str | None = None
    allow_sign_in: bool = True
    allow_connected_accounts: bool = True


@dataclass
class User:
    """A user. What follows from other fields (`is_restricted`, …) is computed where it is shown."""

    id: str
    signed_up_at_millis: int
    last_active_at_millis: int
    display_name: str | None = None
    profile_image_url: str | None = None
    client_metadata: Json = None
    client_read_only_metadata: Json = None
    server_metadata: Json = None
    is_anonymous: bool = False
    otp_auth_enabled: bool = False
    passkey_auth_enabled: bool = False
    totp_secret_base64: str | None = field(default=None, repr=False)
    password_hash: str | None = field(default=None, repr=False)
    restricted_by_admin: bool = False
    restricted_by_admin_reason: str | None = None
    restricted_by_admin_private_details: str | None = None
    country_code: str | None = None
    selected_team_id: str | None = None
    #: Project permissions granted directly.
    permissions: set[str] = field(default_factory=set)
    channels: list[ContactChannel] = field(default_factory=list)
    oauth_accounts: list[OAuthAccount] = field(default_factory=list)

    @property
    def primary_channel(self) -> ContactChannel | None:
        """The primary e-mail address, if there is one."""
        return next((channel for channel in self.channels if channel.is_primary), None)

    @property
    def primary_email(self) -> str | None:
        """The text of the primary e-mail address, if there is one."""
        return self.primary_channel.value if self.primary_channel else None

    @property
    def primary_email_verified(self) -> bool:
        """Whether the primary e-mail address is known to be the user's."""
        return self.primary_channel is not None and self.primary_channel.is_verified


@dataclass
class Session:
    """A session: what a refresh token stands for."""

    id: str
    user_id: str
    created_at_millis: int
    last_used_at_millis: int
    expires_at_millis: int
    refresh_token_digest: str = field(repr=False)
    is_impersonation: bool = False


@dataclass
class Team:
    """A team."""

    id: str
    display_name: str
    created_at_millis: int
    profile_image_url: str | None = None
    client_metadata: Json = None
    client_read_only_metadata: Json = None
    server_metadata: Json = None


@dataclass
class Membership:
    """A user in a team, with a profile of its own and the permissions granted there."""

    team_id: str
    user_id: str
    display_name: str | None = None
    profile_image_url: str | None = None
    permissions: set[str] = field(default_factory=set)


@dataclass
class PermissionDefinition:
    """A permission that can be granted in teams or in the whole project."""

    id: str
    scope: Scope
    description: str | None = None
    contained_permission_ids: list[str] = field(default_factory=list)


@dataclass
class ApiKey:
    """An API key of a user or a team. Its text is kept as a digest: nobody can read it again."""

    id: str
    owner_type: OwnerType
    owner_id: str
    description: str
    created_at_millis: int
    digest: str = field(repr=False)
    last_four: str
    is_public: bool = False
    expires_at_millis: int | None = None
    manually_revoked_at_millis: int | None = None


@dataclass
class VerificationCode:
    """A code that was sent by e-mail, and the e-mail. Its text is kept: nobody else reads it.

    Attributes:
        email: Where it went.
        link: The callback URL with the code.
        user_id: Whose address it verifies, or whose password it resets.
        team_id: Where it invites to.
        attempts: How often somebody tried it, or one that differs in the first characters.
    """

    id: str
    type: CodeType
    email: str
    code: str = field(repr=False)
    link: str = field(repr=False)
    created_at_millis: int
    expires_at_millis: int
    user_id: str | None = None
    team_id: str | None = None
    used_at_millis: int | None = None
    attempts: int = 0


@dataclass
class Endpoint:
    """Where a project's webhooks go.

    Attributes:
        types: Only these events; all if empty.
        allow_remote: Whether it may be on another machine.
        post: Sends in place of HTTP; see `webhooks.Post`.
    """

    url: str
    types: tuple[str, ...] = ()
    allow_remote: bool = False
    post: Callable[[str, bytes, Mapping[str, str], float], int | None] | None = field(
        default=None, repr=False
    )


@dataclass
class ProjectConfig:
    """What a project allows. The names are those of the seed."""

    sign_up_enabled: bool = True
    credential_enabled: bool = True
    magic_link_enabled: bool = False
    passkey_enabled: bool = False
    #: Ids of the providers whose accounts users may have.
    oauth_providers: list[str] = field(default_factory=list)
    allow_localhost: bool = True
    require_publishable_client_key: bool = False
    require_email_verification: bool = False
    client_team_creation_enabled: bool = True
    client_user_deletion_enabled: bool = True
    create_team_on_sign_up: bool = False
    allow_user_api_keys: bool = True
    allow_team_api_keys: bool = True
    team_creator_default_permissions: list[str] = field(default_factory=list)
    team_member_default_permissions: list[str] = field(default_factory=list)
    user_default_permissions: list[str] = field(default_factory=list)


def digest_of(secret: str) -> str:
    """What is kept of a refresh token or an API key: its SHA-256. They are random and long."""
    return hashlib.sha256(secret.encode()).hexdigest()
