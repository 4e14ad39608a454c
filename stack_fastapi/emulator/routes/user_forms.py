"""The bodies that make and change users."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from stack_fastapi.emulator.fields import Email, Flag, Metadata, Name, Strict, Text, Url, Uuid


class ClientUserUpdate(Strict):
    """What users may change about themselves."""

    display_name: Name | None = None
    profile_image_url: Url | None = None
    client_metadata: Metadata = None
    selected_team_id: Uuid | None = None
    totp_secret_base64: Text | None = None
    otp_auth_enabled: Flag = False
    passkey_auth_enabled: Flag = False


class ServerUserUpdate(ClientUserUpdate):
    """What a server may change about a user."""

    client_read_only_metadata: Metadata = None
    server_metadata: Metadata = None
    primary_email: Email | None = None
    primary_email_verified: Flag = False
    primary_email_auth_enabled: Flag = False
    password: Text | None = None
    password_hash: Text | None = None
    is_anonymous: Literal[False] = False
    restricted_by_admin: Flag = False
    restricted_by_admin_reason: Text | None = None
    restricted_by_admin_private_details: Text | None = None
    country_code: Text | None = None

    @model_validator(mode="after")
    def _reasons_need_a_restriction(self) -> Self:
        given = self.restricted_by_admin_reason or self.restricted_by_admin_private_details
        if given is not None and not self.restricted_by_admin:
            raise ValueError("a reason needs restricted_by_admin")
        return self


class UserCreate(ServerUserUpdate):
    """What a server says of a new user."""

    is_anonymous: Flag = False  # type: ignore[assignment]  # wider than when changing a user
