"""Which ways to sign in a user may be given. Server access does not get around a project's rules.

The changes come as a mapping with the API's field names, checked for their form beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stack_fastapi.emulator.errors import KnownError, bad_request
from stack_fastapi.emulator.json_text import utf16_length
from stack_fastapi.emulator.state import passwords
from stack_fastapi.emulator.state.project import Project
from stack_fastapi.emulator.state.records import User


def check_changes(project: Project, user: User, changes: Mapping[str, Any]) -> None:
    """Make sure that the changes add no way to sign in that the project has turned off.

    What a user has already may stay, and may be taken away.

    Raises:
        PlainError: They do, or they contradict each other.
    """
    _check_hash(changes)
    if changes.get("otp_auth_enabled") and not user.otp_auth_enabled:
        _check_one_time_codes(project)
    if sets_password(changes) and user.password_hash is None:
        _check_first_password(project, user, changes)


def sets_password(changes: Mapping[str, Any]) -> bool:
    """Whether the user has a password of the changes' afterwards."""
    return changes.get("password") is not None or "password_hash" in changes


def check_enabled(project: Project) -> None:
    """Make sure that the project's users have passwords.

    Raises:
        KnownError: They have not.
    """
    if not project.config.credential_enabled:
        raise KnownError("PASSWORD_AUTHENTICATION_NOT_ENABLED")


def check_length(password: str) -> None:
    """Make sure that a password that a user chose is long enough; servers may set shorter ones.

    Raises:
        KnownError: It is too short.
    """
    if utf16_length(password) < passwords.MIN_LENGTH:
        raise KnownError("PASSWORD_TOO_SHORT", {"min_length": passwords.MIN_LENGTH})


def _check_hash(changes: Mapping[str, Any]) -> None:
    if "password_hash" not in changes:
        return
    if "password" in changes:
        raise bad_request("Send either password or password_hash.")
    if not passwords.is_known_hash(changes["password_hash"]):
        raise bad_request("The password hash is not a bcrypt hash.")


def _check_one_time_codes(project: Project) -> None:
    if not project.config.magic_link_enabled:
        raise bad_request("The project does not let users sign in with one-time codes.")


def _check_first_password(project: Project, user: User, changes: Mapping[str, Any]) -> None:
    if not project.config.credential_enabled:
        raise bad_request("The project does not let users have passwords.")
    email = changes.get("primary_email", user.primary_email)
    if user.id in project.users and not email:
        raise bad_request("A first password needs a primary_email.")
