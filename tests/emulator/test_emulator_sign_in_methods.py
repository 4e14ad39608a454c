"""Which ways to sign in a user gets, and which nobody gets: not with server access either."""

from __future__ import annotations

from typing import Any

import pytest

from stack_fastapi.emulator import StackEmulator
from stack_fastapi.emulator.errors import PlainError

from .emulator_api import Api

EMAIL = "alice@example.com"
PASSWORD = "correct horse"
BCRYPT = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
TOTP = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA="
PROJECT = "11111111-1111-4111-8111-111111111111"
REFUSED = (400, None)

OFF = {"credential_enabled": False, "magic_link_enabled": False}


@pytest.fixture
def bare() -> StackEmulator:
    """A project where users sign in neither with passwords nor with codes."""
    return StackEmulator({"projects": {"bare": {"id": PROJECT, "config": OFF}}})


@pytest.mark.parametrize(
    "fields",
    [{"password": PASSWORD}, {"password_hash": BCRYPT}, {"otp_auth_enabled": True}],
    ids=lambda fields: next(iter(fields)),
)
def test_what_is_off_is_refused_to_servers_as_well(
    bare: StackEmulator, fields: dict[str, Any]
) -> None:
    api = Api(bare)
    body = {"primary_email": EMAIL, "primary_email_auth_enabled": True}
    assert api("POST", "/users", body | fields).outcome == REFUSED
    assert bare.project.users == {}
    made = api("POST", "/users", body).json
    refused = api("PATCH", f"/users/{made['id']}", fields)
    assert refused.outcome == REFUSED
    assert refused.headers["content-type"].startswith("text/plain")
    assert api("GET", f"/users/{made['id']}").json["auth_with_email"] is False


def test_what_is_off_is_refused_to_seeds_as_well() -> None:
    users = [{"primary_email": EMAIL, "password": PASSWORD}]
    with pytest.raises(PlainError, match="does not let users have passwords"):
        StackEmulator({"projects": {"bare": {"id": PROJECT, "config": OFF, "users": users}}})


def test_what_is_off_may_be_said_to_be_off(bare: StackEmulator) -> None:
    body = {"primary_email": EMAIL, "password": None, "otp_auth_enabled": False}
    assert Api(bare)("POST", "/users", body).status == 201


def test_what_a_user_has_already_may_stay_and_go(emulator: StackEmulator, api: Api) -> None:
    user = emulator.create_user(primary_email=EMAIL, password=PASSWORD, otp_auth_enabled=True)
    emulator.project.config.credential_enabled = emulator.project.config.magic_link_enabled = False
    path = f"/users/{user.id}"
    kept = api("PATCH", path, {"password": "another battery", "otp_auth_enabled": True}).json
    assert (kept["has_password"], kept["otp_auth_enabled"]) == (True, True)
    gone = api("PATCH", path, {"password": None, "otp_auth_enabled": False}).json
    assert (gone["has_password"], gone["otp_auth_enabled"]) == (False, False)
    assert api("PATCH", path, {"password": PASSWORD}).outcome == REFUSED


def test_a_password_and_a_hash_exclude_each_other(emulator: StackEmulator, api: Api) -> None:
    both = {"password": PASSWORD, "password_hash": BCRYPT}
    assert api("POST", "/users", both).outcome == REFUSED
    assert api("POST", "/users", both | {"password": None}).outcome == REFUSED
    path = f"/users/{emulator.create_user(primary_email=EMAIL).id}"
    assert api("PATCH", path, both).outcome == REFUSED


@pytest.mark.parametrize("text", [None, ""])
def test_a_hash_cannot_be_empty(api: Api, text: str | None) -> None:
    assert api("POST", "/users", {"password_hash": text}).outcome == (400, "SCHEMA_ERROR")


def test_a_hash_is_one_of_bcrypts(api: Api) -> None:
    argon = "$argon2id$v=19$m=65536,t=3,p=4$YQ$YQ"
    assert api("POST", "/users", {"password_hash": argon}).outcome == REFUSED
    kept = api("POST", "/users", {"password_hash": BCRYPT.replace("$2b$", "$2y$")})
    assert kept.json["has_password"] is True


def test_a_first_password_needs_an_address(emulator: StackEmulator, api: Api) -> None:
    path = f"/users/{emulator.create_user().id}"
    assert api("PATCH", path, {"password": PASSWORD}).outcome == REFUSED
    changed = api("PATCH", path, {"password": PASSWORD, "primary_email": EMAIL})
    assert changed.json["has_password"] is True


# ---------------------------------------------------------------- second factor


def test_a_secret_at_creation_does_not_switch_the_second_factor_on(api: Api) -> None:
    made = api("POST", "/users", {"totp_secret_base64": TOTP})
    assert (made.status, made.json["requires_totp_mfa"]) == (201, False)


def test_a_secret_by_patch_does(emulator: StackEmulator, api: Api) -> None:
    user = emulator.create_user()
    path, token = f"/users/{user.id}", emulator.sign_in(user.id).access_token
    assert api("PATCH", path, {"totp_secret_base64": TOTP}).json["requires_totp_mfa"] is True
    own: dict[str, Any] = {"token": token, "access": "client"}
    gone = api("PATCH", "/users/me", {"totp_secret_base64": None}, **own)
    assert gone.json["requires_totp_mfa"] is False
    back = api("PATCH", "/users/me", {"totp_secret_base64": ""}, **own)
    assert back.json["requires_totp_mfa"] is True


@pytest.mark.parametrize("secret", ["!!!", "YQ", "YQ=", "c2Vj cmV0", "c2VjcmV0\n", "_-_-", 1])
def test_a_secret_is_base64(emulator: StackEmulator, api: Api, secret: object) -> None:
    body = {"totp_secret_base64": secret}
    assert api("POST", "/users", body).outcome == (400, "SCHEMA_ERROR")
    path = f"/users/{emulator.create_user().id}"
    assert api("PATCH", path, body).outcome == (400, "SCHEMA_ERROR")


def test_python_makes_users_with_a_second_factor(emulator: StackEmulator, api: Api) -> None:
    user = emulator.create_user(totp_secret_base64=TOTP)
    assert api("GET", f"/users/{user.id}").json["requires_totp_mfa"] is True


# ---------------------------------------------------------------- passkeys


def test_passkeys_are_ignored_at_creation(api: Api) -> None:
    made = api("POST", "/users", {"passkey_auth_enabled": True})
    assert (made.status, made.json["passkey_auth_enabled"]) == (201, False)


def test_passkeys_cannot_be_turned_on(emulator: StackEmulator, api: Api) -> None:
    user = emulator.create_user()
    body, token = {"passkey_auth_enabled": True}, emulator.sign_in(user.id).access_token
    assert api("PATCH", f"/users/{user.id}", body).outcome == REFUSED
    assert api("PATCH", "/users/me", body, token=token, access="client").outcome == REFUSED
    assert user.passkey_auth_enabled is False


def test_passkeys_can_be_turned_off(emulator: StackEmulator, api: Api) -> None:
    user = emulator.create_user(passkey_auth_enabled=True)
    changed = api("PATCH", f"/users/{user.id}", {"passkey_auth_enabled": False})
    assert changed.json["passkey_auth_enabled"] is False
    assert user.passkey_auth_enabled is False
