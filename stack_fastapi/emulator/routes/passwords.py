"""Signing up and signing in with a password."""

from __future__ import annotations

from typing import Literal

from stack_fastapi.emulator.errors import KnownError
from stack_fastapi.emulator.protocol.account_fields import Password
from stack_fastapi.emulator.protocol.call import Call
from stack_fastapi.emulator.protocol.email_fields import Email, SignUpEmail
from stack_fastapi.emulator.protocol.fields import Strict, Text, Url
from stack_fastapi.emulator.protocol.response import Answer, json_answer
from stack_fastapi.emulator.protocol.routing import Route
from stack_fastapi.emulator.state import (
    accounts,
    passwords,
    sessions,
    sign_in_methods,
    verification_codes,
)
from stack_fastapi.emulator.state.records import User


class SignUp(Strict):
    """The body of a sign-up. What the pages say of a bot challenge is taken and not checked."""

    email: SignUpEmail
    password: Password
    verification_callback_url: Url = ""
    bot_challenge_token: Text = ""
    bot_challenge_phase: Literal["invisible", "visible"] = "invisible"
    bot_challenge_unavailable: Literal["true"] = "true"


class SignIn(Strict):
    """The body of a sign-in."""

    email: Email
    password: Password


def sign_up(call: Call) -> Answer:
    """A new user, or the signed-in anonymous one who becomes a real one."""
    project, form = call.project, call.body(SignUp)
    sign_in_methods.check_enabled(project)
    if form.verification_callback_url:
        verification_codes.check_callback(project, form.verification_callback_url)
    sign_in_methods.check_length(form.password)
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
    sign_in_methods.check_enabled(project)
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


def _upgrade(call: Call, user: User, changes: accounts.Changes) -> User:
    """The anonymous user's sessions end; the user signs up anew under the same id."""
    project, entropy = call.project, call.state.entropy
    accounts.change_user(
        project, user, {**changes, "is_anonymous": False}, entropy, call.now_millis
    )
    user.signed_up_at_millis = call.now_millis
    project.end_sessions(user.id)
    project.announce("user.updated", user)
    return user


ROUTES = (
    Route("POST", "/auth/password/sign-up", sign_up),
    Route("POST", "/auth/password/sign-in", sign_in),
)
