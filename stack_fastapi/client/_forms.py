"""The fields that can be set on each kind of record, under Stack's names."""

from __future__ import annotations

from typing import Literal, TypedDict

from pydantic import JsonValue, SecretStr

from stack_fastapi.client._given import NotGiven


class _UserFields(TypedDict, total=False):
    """What can be set on a user at any time; passkeys can only be turned off."""

    display_name: str | NotGiven | None
    profile_image_url: str | NotGiven | None
    client_metadata: JsonValue | NotGiven
    client_read_only_metadata: JsonValue | NotGiven
    server_metadata: JsonValue | NotGiven
    primary_email: str | NotGiven | None
    primary_email_verified: bool | NotGiven
    primary_email_auth_enabled: bool | NotGiven
    password: SecretStr | str | NotGiven | None
    password_hash: SecretStr | str | NotGiven
    totp_secret_base64: SecretStr | str | NotGiven | None
    otp_auth_enabled: bool | NotGiven
    passkey_auth_enabled: Literal[False] | NotGiven
    restricted_by_admin: bool | NotGiven
    restricted_by_admin_reason: str | NotGiven | None
    restricted_by_admin_private_details: str | NotGiven | None
    country_code: str | NotGiven | None


class NewUser(_UserFields, total=False):
    """What can be said of a new user.

    Stack keeps ``totp_secret_base64`` but asks for the second factor only once it has been changed.
    """

    is_anonymous: bool | NotGiven


class UserChanges(_UserFields, total=False):
    """What can be changed about a user; an anonymous one can become a normal one."""

    is_anonymous: Literal[False] | NotGiven
    selected_team_id: str | NotGiven | None


class NewTeam(TypedDict, total=False):
    """What can be said of a new team, beside its name."""

    creator_user_id: str | NotGiven
    profile_image_url: str | NotGiven | None
    client_metadata: JsonValue | NotGiven
    client_read_only_metadata: JsonValue | NotGiven
    server_metadata: JsonValue | NotGiven


class TeamChanges(TypedDict, total=False):
    """What can be changed about a team."""

    display_name: str | NotGiven
    profile_image_url: str | NotGiven | None
    client_metadata: JsonValue | NotGiven
    client_read_only_metadata: JsonValue | NotGiven
    server_metadata: JsonValue | NotGiven


class ProfileChanges(TypedDict, total=False):
    """What can be changed about a member's profile."""

    display_name: str | NotGiven
    profile_image_url: str | NotGiven | None


class NewContactChannel(TypedDict, total=False):
    """What can be said of a new contact channel, beside its value."""

    is_primary: bool | NotGiven
    is_verified: bool | NotGiven


class ContactChannelChanges(TypedDict, total=False):
    """What can be changed about a contact channel; a new value is not verified yet."""

    value: str | NotGiven
    is_primary: bool | NotGiven
    is_verified: bool | NotGiven
    used_for_auth: bool | NotGiven
