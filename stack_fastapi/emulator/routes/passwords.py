"""Signing up and signing in with a password."""

from __future__ import annotations

from stack_fastapi.emulator import accounts, passwords, sessions, verification_codes
from stack_fastapi.emulator.answer import Answer, json_answer
from stack_fastapi.emulator.call import Call
from stack_fastapi.emulator.errors import KnownError
from stack_fastapi.emulator.fields import Email, Password, Strict, Text, Url
from stack_fastapi.emulator.project import Project
from stack_fastapi.emulator.records import User
from stack_fastapi.emulator.routing import Route


class SignUp(Strict):
    """The body of a sign-up."""

    email: Email
    password: Password
    verification_callback_url: Url = ""


class SignIn(Strict):
    """The body of a sign-in."""

    email: Email
    password: Text


def sign_up(call: Call) -> Answer:
    """A new user, or the signed-in anonymous one who becomes a real one."""
    project, form = call.project, call.body(SignUp)
    _check_passwords_allowed(project)
    if form.verification_callback_url:
        verification_codes.check_callback(project, form.verification_callback_url)
    if len(form.password) < passwords.MIN_LENGTH:
        raise KnownError("PASSWORD_TOO_SHORT", {"min_length": passwords.MIN_LENGTH})
    if not project.config.sign_up_enabled:
        raise KnownError("SIGN_UP_NOT_ENABLED")
    changes = {
        "primary_email": form.email,
        "primary_email_auth_enabled": True,
        "password": form.password,
    }
    if call.own_user is not None and call.own_user.is_anonymous:
        user = _upgrade(call, call.own_user, changes)
    else:
        user = accounts.create_user(project, changes, call.state.entropy, call.now_millis)
    if form.verification_callback_url:
        verification_codes.send_verification(
            call.state,
            project,
            user,
            accounts.normal_email(form.email),
            form.verification_callback_url,
        )
    return signed_in(call, user)


def sign_in(call: Call) -> Answer:
    """A new session for who knows the password."""
    project, form = call.project, call.body(SignIn)
    _check_passwords_allowed(project)
    found = project.auth_channel(accounts.normal_email(form.email))
    user = found[0] if found else None
    if user is None or not passwords.is_right(form.password, user.password_hash):
        raise KnownError("EMAIL_PASSWORD_MISMATCH")
    if user.totp_secret_base64 is not None:
        raise KnownError(
            "MULTI_FACTOR_AUTHENTICATION_REQUIRED", {"attempt_code": call.state.entropy.secret()}
        )
    return signed_in(call, user)


def signed_in(call: Call, user: User) -> Answer:
    """The tokens of a new session."""
    tokens = sessions.sign_in(call.project, user, call.state.entropy, call.issue)
    return json_answer(
        {
            "access_token": tokens.access_token,
            "refresh_token": tokens.refresh_token,
            "user_id": user.id,
        }
    )


def _check_passwords_allowed(project: Project) -> None:
    if not project.config.credential_enabled:
        raise KnownError("PASSWORD_AUTHENTICATION_NOT_ENABLED")


def _upgrade(call: Call, user: User, changes: accounts.Changes) -> User:
    """The anonymous user's sessions end; the user signs up anew under the same id."""
    project, entropy = call.project, call.state.entropy
    accounts.change_user(
        project, user, {**changes, "is_anonymous": False}, entropy, call.now_millis
    )
    user.signed_up_at_millis = call.now_millis
    project.sessions = {
        id_: session for id_, session in project.sessions.items() if session.user_id != user.id
    }
    project.announce("user.updated", user)
    return user


ROUTES = (
    Route("POST", "/auth/password/sign-up", sign_up),
    Route("POST", "/auth/password/sign-in", sign_in),
)
