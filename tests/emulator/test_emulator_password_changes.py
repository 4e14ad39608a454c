"""A changed password: who changes it, what it must be, and which sessions it ends."""

from __future__ import annotations

from typing import Any

import pytest

from stack_fastapi.emulator import StackEmulator
from stack_fastapi.emulator.state.records import User
from stack_fastapi.emulator.state.sessions import Tokens

from .emulator_api import Api, Reply

EMAIL = "alice@example.com"
OLD, NEW = "correct horse", "another battery"
BCRYPT = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"


@pytest.fixture
def alice(emulator: StackEmulator) -> User:
    return emulator.create_user(primary_email=EMAIL, password=OLD)


@pytest.fixture
def here(emulator: StackEmulator, alice: User) -> Tokens:
    return emulator.sign_in(alice.id)


@pytest.fixture
def elsewhere(emulator: StackEmulator, alice: User) -> Tokens:
    return emulator.sign_in(alice.id)


def update(api: Api, token: str | None, old: Any = OLD, new: Any = NEW, **options: Any) -> Reply:
    body = {"old_password": old, "new_password": new}
    return api("POST", "/auth/password/update", body, token=token, access="client", **options)


def set_first(api: Api, token: str | None, password: Any = NEW) -> Reply:
    body = {"password": password}
    return api("POST", "/auth/password/set", body, token=token, access="client")


def can_sign_in(api: Api, password: str) -> bool:
    body = {"email": EMAIL, "password": password}
    return api("POST", "/auth/password/sign-in", body, access="client").status == 200


def is_live(api: Api, tokens: Tokens) -> bool:
    refreshed = api(
        "POST",
        "/auth/sessions/current/refresh",
        {},
        access="client",
        refresh_token=tokens.refresh_token,
    )
    if refreshed.status != 200:
        assert refreshed.outcome == (401, "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED")
    return refreshed.status == 200


# ---------------------------------------------------------------- by the user


def test_a_new_password_takes_the_old_ones_place(api: Api, here: Tokens) -> None:
    changed = update(api, here.access_token)
    assert (changed.status, changed.json) == (200, {"success": True})
    assert can_sign_in(api, NEW)
    assert not can_sign_in(api, OLD)


def test_the_session_that_is_named_stays(api: Api, here: Tokens, elsewhere: Tokens) -> None:
    update(api, here.access_token, refresh_token=here.refresh_token)
    assert is_live(api, here)
    assert not is_live(api, elsewhere)


def test_a_session_that_names_none_ends_as_well(api: Api, here: Tokens, elsewhere: Tokens) -> None:
    update(api, here.access_token)
    assert not is_live(api, here)
    assert not is_live(api, elsewhere)


def test_somebody_elses_session_saves_none(emulator: StackEmulator, api: Api, here: Tokens) -> None:
    stranger = emulator.sign_in(emulator.create_user().id)
    update(api, here.access_token, refresh_token=stranger.refresh_token)
    assert not is_live(api, here)
    assert is_live(api, stranger)


def test_access_tokens_outlive_the_change(api: Api, here: Tokens, elsewhere: Tokens) -> None:
    update(api, here.access_token, refresh_token=here.refresh_token)
    assert api("GET", "/users/me", token=elsewhere.access_token, access="client").status == 200


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("wrong", NEW, "PASSWORD_CONFIRMATION_MISMATCH"),
        ("", NEW, "PASSWORD_CONFIRMATION_MISMATCH"),
        (OLD, "short", "PASSWORD_TOO_SHORT"),
        ("wrong", "short", "PASSWORD_TOO_SHORT"),
        (OLD, "x" * 71, "SCHEMA_ERROR"),
        ("x" * 71, NEW, "SCHEMA_ERROR"),
        (None, NEW, "SCHEMA_ERROR"),
    ],
)
def test_a_change_that_is_refused_changes_nothing(
    api: Api, here: Tokens, old: Any, new: Any, code: str
) -> None:
    assert update(api, here.access_token, old, new).outcome == (400, code)
    assert can_sign_in(api, OLD)
    assert is_live(api, here)


def test_a_request_without_a_user_is_of_the_wrong_form(
    emulator: StackEmulator, api: Api, alice: User, here: Tokens
) -> None:
    assert update(api, None).outcome == (400, "SCHEMA_ERROR")
    assert set_first(api, None).outcome == (400, "SCHEMA_ERROR")
    emulator.delete_user(alice.id)
    assert update(api, here.access_token).outcome == (400, "SCHEMA_ERROR")


def test_a_first_password_ends_no_session(emulator: StackEmulator, api: Api) -> None:
    user = emulator.create_user(primary_email=EMAIL, primary_email_auth_enabled=True)
    tokens = emulator.sign_in(user.id)
    assert update(api, tokens.access_token).outcome == (400, "USER_DOES_NOT_HAVE_PASSWORD")
    assert set_first(api, tokens.access_token, "short").outcome == (400, "PASSWORD_TOO_SHORT")
    assert set_first(api, tokens.access_token, "x" * 71).outcome == (400, "SCHEMA_ERROR")
    assert set_first(api, tokens.access_token).json == {"success": True}
    assert can_sign_in(api, NEW)
    assert is_live(api, tokens)


def test_who_has_a_password_sets_no_first_one(api: Api, here: Tokens) -> None:
    assert set_first(api, here.access_token).outcome == (400, None)
    assert can_sign_in(api, OLD)


def test_where_passwords_are_off_nobody_gets_one(
    emulator: StackEmulator, api: Api, here: Tokens
) -> None:
    emulator.project.config.credential_enabled = False
    off = (400, "PASSWORD_AUTHENTICATION_NOT_ENABLED")
    assert update(api, here.access_token).outcome == off
    assert set_first(api, here.access_token).outcome == off


# ---------------------------------------------------------------- by a server


@pytest.mark.parametrize(
    "change", [{"password": NEW}, {"password": None}, {"password_hash": BCRYPT}]
)
def test_a_password_that_a_server_changes_ends_all_sessions(
    api: Api, alice: User, here: Tokens, elsewhere: Tokens, change: dict[str, Any]
) -> None:
    assert api("PATCH", f"/users/{alice.id}", change).status == 200
    assert not is_live(api, here)
    assert not is_live(api, elsewhere)
    assert not can_sign_in(api, OLD)


def test_so_does_one_that_is_changed_at_users_me(api: Api, here: Tokens) -> None:
    assert api("PATCH", "/users/me", {"password": NEW}, token=here.access_token).status == 200
    assert not is_live(api, here)


def test_so_does_one_that_is_changed_from_python(
    emulator: StackEmulator, api: Api, alice: User, here: Tokens
) -> None:
    emulator.update_user(alice.id, password=NEW)
    assert not is_live(api, here)


def test_other_changes_and_other_users_end_no_session(
    emulator: StackEmulator, api: Api, alice: User, here: Tokens
) -> None:
    api("PATCH", f"/users/{alice.id}", {"display_name": "Alice"})
    bob = emulator.create_user(primary_email="bob@example.com", password=OLD)
    api("PATCH", f"/users/{bob.id}", {"password": NEW})
    assert is_live(api, here)


# ---------------------------------------------------------------- lengths


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("1234567", "PASSWORD_TOO_SHORT"),
        ("\N{GRINNING FACE}" * 3, "PASSWORD_TOO_SHORT"),
        ("\N{GRINNING FACE}" * 4, None),
        ("x" * 70, None),
        ("x" * 71, "SCHEMA_ERROR"),
        ("\N{GRINNING FACE}" * 36, "SCHEMA_ERROR"),
        ("ü" * 36, None),
        ("ü" * 37, "SCHEMA_ERROR"),
        ("\ud83d" * 8, "SCHEMA_ERROR"),
    ],
)
def test_lengths_of_passwords_are_counted_as_javascript_does(
    api: Api, password: str, code: str | None
) -> None:
    body = {"email": EMAIL, "password": password}
    assert api("POST", "/auth/password/sign-up", body, access="client").code == code
    if code is None:
        assert can_sign_in(api, password)


def test_a_refused_password_is_not_repeated(api: Api) -> None:
    body = {"email": EMAIL, "password": "secret\ud83d"}
    refused = api("POST", "/auth/password/sign-up", body, access="client")
    assert refused.outcome == (400, "SCHEMA_ERROR")
    assert b"d83d" not in refused.content.lower()
    assert b"secret" not in refused.content


def test_a_server_may_set_a_short_password_but_no_long_one(api: Api, alice: User) -> None:
    assert api("PATCH", f"/users/{alice.id}", {"password": "x" * 71}).code == "SCHEMA_ERROR"
    assert api("PATCH", f"/users/{alice.id}", {"password": "short"}).status == 200
    assert can_sign_in(api, "short")
    body = {"email": EMAIL, "password": "x" * 71}
    assert api("POST", "/auth/password/sign-in", body).code == "SCHEMA_ERROR"
