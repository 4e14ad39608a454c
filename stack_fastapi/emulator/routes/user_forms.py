"""The bodies that make and change users."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from stack_fastapi.emulator.protocol.account_fields import (
    CountryCode,
    DisplayName,
    Password,
    TotpSecret,
)
from stack_fastapi.emulator.protocol.email_fields import Email
from stack_fastapi.emulator.protocol.fields import Flag, Metadata, Name, Strict, Text, Uuid, to_flag
from stack_fastapi.emulator.protocol.image_fields import ClientImage, ServerImage


class _User(Strict):
    """What everybody may say of a user."""

    display_name: DisplayName | None = None
    client_metadata: Metadata = None
    primary_email: Email | None = None
    totp_secret_base64: TotpSecret | None = None
    otp_auth_enabled: Flag = False
    passkey_auth_enabled: Flag = False


class ClientUserUpdate(_User):
    """What users may change about themselves."""

    profile_image_url: ClientImage | None = None
    selected_team_id: Uuid | None = None


class _ServerUser(_User):
    """What a server may say of a user."""

    profile_image_url: ServerImage | None = None
    client_read_only_metadata: Metadata = None
    server_metadata: Metadata = None
    primary_email_verified: Flag = False
    primary_email_auth_enabled: Flag = False
    password: Password | None = None
    password_hash: Annotated[Text, Field(min_length=1)] = ""
    restricted_by_admin: Flag = False
    restricted_by_admin_reason: Text | None = None
    restricted_by_admin_private_details: Text | None = None
    country_code: CountryCode | None = None

    @model_validator(mode="after")
    def _reasons_need_a_restriction(self) -> Self:
        given = self.restricted_by_admin_reason or self.restricted_by_admin_private_details
        if given is not None and not self.restricted_by_admin:
            raise ValueError("a reason needs restricted_by_admin")
        return self


class ServerUserUpdate(_ServerUser):
    """What a server may change about a user."""

    selected_team_id: Uuid | None = None
    is_anonymous: Annotated[Literal[False], BeforeValidator(to_flag)] = False


class UserOAuthAccount(Strict):
    """A new user's account at another provider."""

    id: Name
    account_id: Name
    email: Name | None = None


class UserCreate(_ServerUser):
    """What a server says of a new user, who is in no team yet."""

    is_anonymous: Flag = False
    oauth_providers: list[UserOAuthAccount] = Field(default_factory=list)
