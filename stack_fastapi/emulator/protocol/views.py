"""Records as the API shows them: what a client may see, and what a server sees."""

from __future__ import annotations

from typing import Any

from stack_fastapi.emulator.state.accounts import restricted_reason
from stack_fastapi.emulator.state.project import Project
from stack_fastapi.emulator.state.records import (
    ApiKey,
    ContactChannel,
    Membership,
    OAuthAccount,
    PermissionDefinition,
    Session,
    Team,
    User,
    VerificationCode,
)

View = dict[str, Any]


def listed(items: list[View]) -> View:
    """A list that comes whole."""
    return {"items": items, "is_paginated": False}


def paginated(items: list[View], next_cursor: str | None) -> View:
    """One page of a list."""
    return {"items": items, "is_paginated": True, "pagination": {"next_cursor": next_cursor}}


def client_user(project: Project, user: User) -> View:
    """The signed-in user, for client access."""
    reason = restricted_reason(project, user)
    team = project.teams[user.selected_team_id] if user.selected_team_id else None
    return {
        "id": user.id,
        "primary_email": user.primary_email,
        "primary_email_verified": user.primary_email_verified,
        "display_name": user.display_name,
        "client_metadata": user.client_metadata,
        "client_read_only_metadata": user.client_read_only_metadata,
        "profile_image_url": user.profile_image_url,
        "signed_up_at_millis": user.signed_up_at_millis,
        "has_password": user.password_hash is not None,
        "auth_with_email": user.password_hash is not None or user.otp_auth_enabled,
        "oauth_providers": [
            {"id": item.provider_config_id, "account_id": item.account_id, "email": item.email}
            for item in user.oauth_accounts
        ],
        "selected_team_id": user.selected_team_id,
        "selected_team": client_team(team) if team else None,
        "requires_totp_mfa": user.totp_secret_base64 is not None,
        "otp_auth_enabled": user.otp_auth_enabled,
        "passkey_auth_enabled": user.passkey_auth_enabled,
        "is_anonymous": user.is_anonymous,
        "is_restricted": reason is not None,
        "restricted_reason": reason,
        "restricted_by_admin": user.restricted_by_admin,
        "restricted_by_admin_reason": user.restricted_by_admin_reason,
    }


def server_user(project: Project, user: User) -> View:
    """A user, for server access."""
    primary = user.primary_channel
    team = project.teams[user.selected_team_id] if user.selected_team_id else None
    return client_user(project, user) | {
        "primary_email_auth_enabled": primary is not None and primary.used_for_auth,
        "server_metadata": user.server_metadata,
        "selected_team": server_team(team) if team else None,
        "last_active_at_millis": user.last_active_at_millis,
        "restricted_by_admin_private_details": user.restricted_by_admin_private_details,
        "country_code": user.country_code,
        "risk_scores": {"sign_up": {"bot": 0, "free_trial_abuse": 0}},
    }


def client_team(team: Team) -> View:
    """A team, for client access."""
    return {
        "id": team.id,
        "display_name": team.display_name,
        "profile_image_url": team.profile_image_url,
        "client_metadata": team.client_metadata,
        "client_read_only_metadata": team.client_read_only_metadata,
    }


def server_team(team: Team) -> View:
    """A team, for server access."""
    return client_team(team) | {
        "created_at_millis": team.created_at_millis,
        "server_metadata": team.server_metadata,
    }


def client_profile(project: Project, membership: Membership) -> View:
    """A member's profile, for client access; what it lacks comes from the user."""
    user, name = project.users[membership.user_id], membership.display_name
    return {
        "team_id": membership.team_id,
        "user_id": membership.user_id,
        "display_name": user.display_name if name is None else name,
        "profile_image_url": membership.profile_image_url or user.profile_image_url,
    }


def server_profile(project: Project, membership: Membership) -> View:
    """A member's profile, for server access."""
    user = project.users[membership.user_id]
    return client_profile(project, membership) | {"user": server_user(project, user)}


def session(item: Session, current_id: str | None) -> View:
    """A session; `current_id` is that of the caller's token."""
    return {
        "id": item.id,
        "user_id": item.user_id,
        "created_at": item.created_at_millis,
        "last_used_at": item.last_used_at_millis,
        "is_impersonation": item.is_impersonation,
        "is_current_session": item.id == current_id,
    }


def channel(user: User, item: ContactChannel) -> View:
    """An e-mail address."""
    return {
        "id": item.id,
        "user_id": user.id,
        "type": "email",
        "value": item.value,
        "is_primary": item.is_primary,
        "is_verified": item.is_verified,
        "used_for_auth": item.used_for_auth,
    }


def client_oauth_account(user: User, item: OAuthAccount) -> View:
    """A user's account at another provider, for client access."""
    view: View = {
        "id": item.id,
        "user_id": user.id,
        "provider_config_id": item.provider_config_id,
        "type": item.provider_config_id,
        "allow_sign_in": item.allow_sign_in,
        "allow_connected_accounts": item.allow_connected_accounts,
    }
    return view if item.email is None else view | {"email": item.email}


def server_oauth_account(user: User, item: OAuthAccount) -> View:
    """The same for server access."""
    return client_oauth_account(user, item) | {"account_id": item.account_id}


def connected_account(user: User, item: OAuthAccount) -> View:
    """An account at another provider whose access tokens the app may ask for."""
    return {
        "user_id": user.id,
        "provider": item.provider_config_id,
        "provider_account_id": item.account_id,
    }


def invitation(project: Project, item: VerificationCode) -> View:
    """An invitation to a team that is there."""
    team = project.teams[str(item.team_id)]
    return {
        "id": item.id,
        "team_id": team.id,
        "team_display_name": team.display_name,
        "expires_at_millis": item.expires_at_millis,
        "recipient_email": item.email,
    }


def definition(item: PermissionDefinition) -> View:
    """A permission's definition."""
    view: View = {"id": item.id, "contained_permission_ids": item.contained_permission_ids}
    return view if item.description is None else view | {"description": item.description}


def api_key(item: ApiKey) -> View:
    """An API key, of which only the last characters are shown."""
    view: View = {
        "id": item.id,
        "type": item.owner_type,
        f"{item.owner_type}_id": item.owner_id,
        "description": item.description,
        "is_public": item.is_public,
        "created_at_millis": item.created_at_millis,
        "value": {"last_four": item.last_four},
    }
    for name in ("expires_at_millis", "manually_revoked_at_millis"):
        if getattr(item, name) is not None:
            view[name] = getattr(item, name)
    return view


def project(item: Project) -> View:
    """The project, for every access type."""
    config = item.config
    return {
        "id": item.id,
        "display_name": item.display_name,
        "config": {
            "sign_up_enabled": config.sign_up_enabled,
            "credential_enabled": config.credential_enabled,
            "magic_link_enabled": config.magic_link_enabled,
            "passkey_enabled": config.passkey_enabled,
            "client_team_creation_enabled": config.client_team_creation_enabled,
            "client_user_deletion_enabled": config.client_user_deletion_enabled,
            "allow_user_api_keys": config.allow_user_api_keys,
            "allow_team_api_keys": config.allow_team_api_keys,
            "enabled_oauth_providers": [{"id": id_} for id_ in config.oauth_providers],
            "domains": [],
        },
    }
