"""The signed-in user's own password: another one, or a first one."""

from __future__ import annotations

from stack_fastapi.emulator.errors import KnownError, bad_request
from stack_fastapi.emulator.protocol.account_fields import Password
from stack_fastapi.emulator.protocol.call import Call
from stack_fastapi.emulator.protocol.fields import Strict
from stack_fastapi.emulator.protocol.response import Answer, success
from stack_fastapi.emulator.protocol.routing import Route
from stack_fastapi.emulator.state import passwords, sign_in_methods
from stack_fastapi.emulator.state.records import Session, User


class Update(Strict):
    """The password so far and the new one."""

    old_password: Password
    new_password: Password


class First(Strict):
    """The password of a user who has none."""

    password: Password


def update(call: Call) -> Answer:
    """Change the password: all sessions end but the one whose refresh token came along."""
    user, form = call.signed_in_user(), call.body(Update)
    sign_in_methods.check_enabled(call.project)
    sign_in_methods.check_length(form.new_password)
    if user.password_hash is None:
        raise KnownError("USER_DOES_NOT_HAVE_PASSWORD")
    if not passwords.is_right(form.old_password, user.password_hash):
        raise KnownError("PASSWORD_CONFIRMATION_MISMATCH")
    _set_password(call, user, form.new_password)
    call.project.end_sessions(user.id, but=_named_session(call))
    return success()


def set_first(call: Call) -> Answer:
    """Take a first password; sessions stay."""
    user, form = call.signed_in_user(), call.body(First)
    sign_in_methods.check_enabled(call.project)
    sign_in_methods.check_length(form.password)
    if user.password_hash is not None:
        raise bad_request("The user has a password; change it at /auth/password/update.")
    _set_password(call, user, form.password)
    return success()


def _named_session(call: Call) -> Session | None:
    refresh_token = call.request.stack_header("refresh-token")
    return call.project.session_of(refresh_token) if refresh_token else None


def _set_password(call: Call, user: User, password: str) -> None:
    user.password_hash = passwords.hash_password(password, call.state.entropy.salt())


ROUTES = (
    Route("POST", "/auth/password/update", update),
    Route("POST", "/auth/password/set", set_first),
)
