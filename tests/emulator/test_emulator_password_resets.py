"""Forgotten passwords: a code by e-mail resets one, once, and ends all sessions."""

from __future__ import annotations

from typing import Any

import pytest

from stack_fastapi.emulator import StackEmulator
from stack_fastapi.emulator.state.records import User
from stack_fastapi.emulator.state.verification_codes import LIFETIME_MILLIS

from .emulator_api import Api, Reply, StandingClock
from .test_emulator_webhook_events import Ear

EMAIL = "alice@example.com"
OLD, NEW = "correct horse", "another battery"
PAGE = "http://localhost:3000/reset"
UNKNOWN = "0" * 45


@pytest.fixture
def alice(emulator: StackEmulator) -> User:
    return emulator.create_user(primary_email=EMAIL, password=OLD)


def send(api: Api, email: str = EMAIL, page: str = PAGE) -> Reply:
    body = {"email": email, "callback_url": page}
    return api("POST", "/auth/password/send-reset-code", body, access="client")


def code_for(emulator: StackEmulator, api: Api) -> str:
    assert send(api).status == 200
    return emulator.sent_emails[-1].code


def reset(api: Api, code: str, password: Any = NEW, access: str = "client") -> Reply:
    body = {"code": code, "password": password}
    return api("POST", "/auth/password/reset", body, access=access)


def check(api: Api, code: str, **more: str) -> Reply:
    return api("POST", "/auth/password/reset/check-code", {"code": code, **more}, access="client")


def can_sign_in(api: Api, password: str) -> bool:
    body = {"email": EMAIL, "password": password}
    return api("POST", "/auth/password/sign-in", body, access="client").status == 200


@pytest.mark.parametrize("access", ["client", "server"])
def test_a_code_resets_the_password_and_ends_all_sessions(
    emulator: StackEmulator, api: Api, alice: User, access: str
) -> None:
    token = emulator.sign_in(alice.id).access_token
    ear, code = Ear(emulator), code_for(emulator, api)
    (sent,) = emulator.sent_emails
    assert (sent.to, sent.type, sent.link) == (EMAIL, "password_reset", f"{PAGE}?code={code}")
    assert check(api, code).json == {"is_code_valid": True}
    assert reset(api, code, access=access).json == {"success": True}
    assert (can_sign_in(api, OLD), can_sign_in(api, NEW)) == (False, True)
    assert len(api("GET", f"/auth/sessions?user_id={alice.id}").json["items"]) == 1
    assert api("GET", "/users/me", token=token, access="client").status == 200
    assert not alice.primary_email_verified
    assert [event for event, _ in ear.told()] == ["user.updated"]


def test_a_code_resets_once_and_older_ones_stay_good(
    emulator: StackEmulator, api: Api, alice: User
) -> None:
    older, code = code_for(emulator, api), code_for(emulator, api)
    reset(api, code.upper())
    used = (409, "VERIFICATION_CODE_ALREADY_USED")
    assert reset(api, code).outcome == used
    assert check(api, code).outcome == used
    assert reset(api, older, OLD).status == 200
    assert can_sign_in(api, OLD)


def test_a_reset_gives_a_first_password(emulator: StackEmulator, api: Api) -> None:
    user = emulator.create_user(primary_email=EMAIL, primary_email_auth_enabled=True)
    reset(api, code_for(emulator, api))
    assert can_sign_in(api, NEW)
    assert user.password_hash is not None


def test_nobody_learns_who_signs_in_here(emulator: StackEmulator, api: Api, alice: User) -> None:
    known, unknown = send(api, EMAIL.upper()), send(api, "bob@example.com")
    assert (known.status, known.json) == (unknown.status, unknown.json)
    assert [email.to for email in emulator.sent_emails] == [EMAIL]
    elsewhere = "https://evil.example.org/"
    assert send(api, page=elsewhere).outcome == (400, "REDIRECT_URL_NOT_WHITELISTED")
    assert send(api, "bob@example.com", elsewhere).status == 200


def test_a_short_password_costs_the_code_and_a_long_one_does_not(
    emulator: StackEmulator, api: Api, alice: User
) -> None:
    code = code_for(emulator, api)
    assert reset(api, code, "x" * 71).outcome == (400, "SCHEMA_ERROR")
    assert reset(api, code, "short").outcome == (400, "PASSWORD_TOO_SHORT")
    assert reset(api, code).outcome == (409, "VERIFICATION_CODE_ALREADY_USED")
    assert can_sign_in(api, OLD)


def test_what_is_no_code_of_this_kind_is_not_found(
    emulator: StackEmulator, api: Api, alice: User
) -> None:
    missing = (404, "VERIFICATION_CODE_NOT_FOUND")
    assert reset(api, UNKNOWN).outcome == missing
    assert reset(api, UNKNOWN, "short").outcome == missing
    path = f"/contact-channels/{alice.id}/{alice.channels[0].id}/send-verification-code"
    api("POST", path, {"callback_url": PAGE})
    assert reset(api, emulator.sent_emails[0].code).outcome == missing
    assert check(api, UNKNOWN, password=NEW).outcome == (400, "SCHEMA_ERROR")
    assert reset(api, "x" * 44).outcome == (400, "SCHEMA_ERROR")


def test_a_code_lives_seven_days(
    emulator: StackEmulator, api: Api, alice: User, clock: StandingClock
) -> None:
    code = code_for(emulator, api)
    clock.now += LIFETIME_MILLIS / 1000
    assert check(api, code).status == 200
    clock.now += 1
    assert reset(api, code).outcome == (400, "VERIFICATION_CODE_EXPIRED")


def test_a_user_who_is_gone_gets_no_password(
    emulator: StackEmulator, api: Api, alice: User
) -> None:
    code = code_for(emulator, api)
    emulator.delete_user(alice.id)
    assert reset(api, code).outcome == (404, "USER_NOT_FOUND")


def test_where_passwords_are_off_nobody_resets_one(
    emulator: StackEmulator, api: Api, alice: User
) -> None:
    code = code_for(emulator, api)
    emulator.project.config.credential_enabled = False
    off = (400, "PASSWORD_AUTHENTICATION_NOT_ENABLED")
    assert send(api).outcome == off
    assert reset(api, code).outcome == off
