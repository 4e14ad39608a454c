"""Users: making, changing and deleting them. No HTTP in here.

The changes come as a mapping with the API's field names, checked for their form beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stack_fastapi.emulator.errors import KnownError, bad_request, membership_not_found
from stack_fastapi.emulator.state import oauth_accounts, passwords, sign_in_methods
from stack_fastapi.emulator.state.entropy import Entropy
from stack_fastapi.emulator.state.project import Project
from stack_fastapi.emulator.state.records import ContactChannel, Membership, Team, User

Changes = Mapping[str, Any]

#: Fields that are taken over as they come.
_PLAIN_FIELDS = (
    "profile_image_url",
    "client_metadata",
    "client_read_only_metadata",
    "server_metadata",
    "is_anonymous",
    "otp_auth_enabled",
    "passkey_auth_enabled",
    "totp_secret_base64",
    "country_code",
)


def normal_email(email: str) -> str:
    """The address as it is stored and compared."""
    return email.strip().lower()


def create_user(project: Project, changes: Changes, entropy: Entropy, now_millis: int) -> User:
    """A new user, with the project's default permissions and perhaps a team of its own.

    Raises:
        KnownError: Somebody else signs in with the address.
        PlainError: The fields do not go together.
    """
    user = User(entropy.uuid(), now_millis, now_millis)
    change_user(project, user, changes, entropy, now_millis)
    oauth_accounts.add_first(project, user, changes.get("oauth_providers", ()), entropy)
    user.permissions.update(project.config.user_default_permissions)
    project.users[user.id] = user
    project.announce("user.created", user)
    if project.config.create_team_on_sign_up:
        team = Team(entropy.uuid(), _team_name(user), now_millis)
        project.teams[team.id] = team
        add_creator(project, team.id, user.id)
        user.selected_team_id = team.id
        project.announce("team.created", team)
    return user


def update_user(
    project: Project, user: User, changes: Changes, entropy: Entropy, now_millis: int
) -> None:
    """Change a user and tell of it; a changed or removed password ends all sessions.

    Raises:
        KnownError: See `change_user`.
        PlainError: Likewise, and where passkeys are to be turned on: registering one does that.
    """
    if changes.get("passkey_auth_enabled"):
        raise bad_request("Passkeys cannot be turned on: a user registers one.")
    change_user(project, user, changes, entropy, now_millis)
    if "password" in changes or "password_hash" in changes:
        project.end_sessions(user.id)
    project.announce("user.updated", user)


def change_user(
    project: Project, user: User, changes: Changes, entropy: Entropy, now_millis: int
) -> None:
    """Change a user; nothing is changed if anything is refused.

    Raises:
        KnownError: Somebody else signs in with the address, or the user is not in the team that
            was to be selected.
        PlainError: The fields do not go together, or add a way to sign in that the project has
            turned off.
    """
    _check_email(project, user, changes)
    sign_in_methods.check_changes(project, user, changes)
    _check_selected_team(project, user, changes)
    for name in _PLAIN_FIELDS:
        if name in changes:
            setattr(user, name, changes[name])
    if "display_name" in changes:
        user.display_name = changes["display_name"] or None
    if "selected_team_id" in changes:
        user.selected_team_id = changes["selected_team_id"]
    _change_email(user, changes, entropy, now_millis)
    _change_password(user, changes, entropy)
    _change_restriction(user, changes)


def with_email_auth(changes: Changes) -> Changes:
    """The same for who has an address and a password: signs in with them, unless it says no.

    The API asks for `primary_email_auth_enabled` beside the two, which is easily forgotten.
    """
    if changes.get("primary_email") and changes.get("password"):
        return {"primary_email_auth_enabled": True, **changes}
    return changes


def delete_user(project: Project, user_id: str) -> None:
    """Delete a user with all sessions, memberships and API keys."""
    teams = [{"id": team.id} for team in project.teams_of(user_id)]
    del project.users[user_id]
    project.end_sessions(user_id)
    project.memberships = {
        pair: membership for pair, membership in project.memberships.items() if pair[1] != user_id
    }
    project.api_keys = {
        id_: key for id_, key in project.api_keys.items() if key.owner_id != user_id
    }
    project.announce("user.deleted", {"id": user_id, "teams": teams})


def add_creator(project: Project, team_id: str, user_id: str) -> None:
    """Make a user a member of the team that the user made."""
    permissions = set(project.config.team_creator_default_permissions)
    project.memberships[team_id, user_id] = Membership(team_id, user_id, permissions=permissions)


def restricted_reason(project: Project, user: User) -> dict[str, str] | None:
    """Why a user is restricted; None if the user is not."""
    if user.is_anonymous:
        return {"type": "anonymous"}
    if project.config.require_email_verification and not user.primary_email_verified:
        return {"type": "email_not_verified"}
    if user.restricted_by_admin:
        return {"type": "restricted_by_administrator"}
    return None


def _team_name(user: User) -> str:
    name = user.display_name or user.primary_email
    return f"{name}'s Team" if name else "Personal Team"


def _check_email(project: Project, user: User, changes: Changes) -> None:
    if user.id in project.users and changes.get("primary_email", "") is None:
        return  # Without an address the other fields say nothing.
    primary = user.primary_channel
    email = changes.get("primary_email", user.primary_email)
    verified = changes.get("primary_email_verified", False)
    used = changes.get("primary_email_auth_enabled", primary is not None and primary.used_for_auth)
    if not email:
        if verified:
            raise bad_request("primary_email_verified needs a primary_email.")
        if changes.get("primary_email_auth_enabled"):
            raise bad_request("primary_email_auth_enabled needs a primary_email.")
    elif used:
        check_free(project, user, email)


def check_free(project: Project, user: User, email: str) -> None:
    """Make sure that nobody else signs in with the address.

    Raises:
        KnownError: Somebody does.
    """
    found = project.auth_channel(normal_email(email))
    if found is not None and found[0] is not user:
        raise KnownError(
            "USER_EMAIL_ALREADY_EXISTS",
            {"email": normal_email(email), "would_work_if_email_was_verified": False},
        )


def _check_selected_team(project: Project, user: User, changes: Changes) -> None:
    team_id = changes.get("selected_team_id")
    if team_id is not None and (team_id, user.id) not in project.memberships:
        raise membership_not_found(team_id, user.id)


def _change_email(user: User, changes: Changes, entropy: Entropy, now_millis: int) -> None:
    if "primary_email" in changes:
        _set_primary(user, changes["primary_email"], entropy, now_millis)
    primary = user.primary_channel
    if primary is None:
        return
    for field, attribute in (
        ("primary_email_verified", "is_verified"),
        ("primary_email_auth_enabled", "used_for_auth"),
    ):
        if field in changes:
            setattr(primary, attribute, changes[field])


def _set_primary(user: User, email: str | None, entropy: Entropy, now_millis: int) -> None:
    """Make an address the primary one. The one so far stays, but is no longer primary."""
    old = user.primary_channel
    for channel in user.channels:
        channel.is_primary = False
    if email is None:
        return
    value = normal_email(email)
    new = next((channel for channel in user.channels if channel.value == value), None)
    if new is None:
        new = ContactChannel(entropy.uuid(), value, now_millis)
        user.channels.append(new)
    new.is_primary = True
    new.used_for_auth = old is not None and old.used_for_auth


def _change_password(user: User, changes: Changes, entropy: Entropy) -> None:
    if "password" in changes:
        password = changes["password"]
        user.password_hash = (
            None if password is None else passwords.hash_password(password, entropy.salt())
        )
    elif "password_hash" in changes:
        user.password_hash = changes["password_hash"]


def _change_restriction(user: User, changes: Changes) -> None:
    """Reason and details belong to a restriction and go with it."""
    if "restricted_by_admin" not in changes:
        return
    user.restricted_by_admin = changes["restricted_by_admin"]
    for name in ("restricted_by_admin_reason", "restricted_by_admin_private_details"):
        if name in changes or not user.restricted_by_admin:
            setattr(user, name, changes.get(name) if user.restricted_by_admin else None)
