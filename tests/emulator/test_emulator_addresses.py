"""E-mail addresses: two rules for their form, and who may change which."""

from __future__ import annotations

from typing import Any

import pytest

from stack_fastapi.emulator import StackEmulator
from stack_fastapi.emulator.state.records import User

from .emulator_api import Api
from .test_emulator_webhook_events import Ear

EMAIL, MOVED = "alice@example.com", "moved@example.com"
PASSWORD = "correct horse"
PAGE = "http://localhost:3000/verify"
NOBODY = "a1b2c3d4-0000-4000-8000-000000000001"
SCHEMA_ERROR = (400, "SCHEMA_ERROR")

#: What both rules take.
GOOD = ["a@example.com", "a.b+c@sub.example.org", "%!~&+{}=|`#@domain.test", "a@x-y.example"]
#: What server access takes and a sign-up does not.
INTRANET = [
    "a@b",
    "a@localhost",
    "a@127.0.0.1",
    "a@example.x",
    "a..b@example.com",
    ".a@example.com",
    "a.@example.com",
    f"{'a' * 250}@example.com",
]
#: What nobody takes.
BAD = [
    "a",
    "@example.com",
    "a@",
    "a@b@example.com",
    "ü@example.com",
    "a@exämple.com",
    "a@[127.0.0.1]",
    "a@ex_ample.com",
    "a@-example.com",
    "a@example-.com",
    "a@example..com",
    "a@example.com.",
    f"a@{'b' * 64}.com",
    " a@example.com",
    "a@example.com\n",
    '"a b"@example.com',
    "",
]


@pytest.fixture
def alice(emulator: StackEmulator) -> User:
    return emulator.create_user(primary_email=EMAIL, password=PASSWORD)


@pytest.fixture
def own(emulator: StackEmulator, alice: User) -> dict[str, Any]:
    """Options of a call as Alice."""
    return {"token": emulator.sign_in(alice.id).access_token, "access": "client"}


def sign_up(api: Api, email: str) -> tuple[int, str | None]:
    body = {"email": email, "password": PASSWORD}
    return api("POST", "/auth/password/sign-up", body, access="client").outcome


def can_sign_in(api: Api, email: str) -> bool:
    body = {"email": email, "password": PASSWORD}
    return api("POST", "/auth/password/sign-in", body, access="client").status == 200


# ---------------------------------------------------------------- the two rules


@pytest.mark.parametrize("email", GOOD)
def test_an_address_of_the_internet_is_good_everywhere(api: Api, email: str) -> None:
    assert sign_up(api, email) == (200, None)
    assert api("POST", "/users", {"primary_email": email}).status == 201


@pytest.mark.parametrize("email", INTRANET)
def test_servers_give_addresses_that_nobody_signs_up_with(api: Api, email: str) -> None:
    assert sign_up(api, email) == SCHEMA_ERROR
    body = {"primary_email": email, "primary_email_auth_enabled": True, "password": PASSWORD}
    assert api("POST", "/users", body).json["primary_email"] == email
    assert can_sign_in(api, email)


@pytest.mark.parametrize("email", BAD)
def test_what_is_no_address_is_refused_everywhere(api: Api, alice: User, email: str) -> None:
    assert sign_up(api, email) == SCHEMA_ERROR
    assert api("POST", "/users", {"primary_email": email}).outcome == SCHEMA_ERROR
    assert api("PATCH", f"/users/{alice.id}", {"primary_email": email}).outcome == SCHEMA_ERROR
    channel = f"/contact-channels/{alice.id}/{alice.channels[0].id}"
    assert api("PATCH", channel, {"value": email}).outcome == SCHEMA_ERROR


def test_capitals_are_kept_as_small_letters(emulator: StackEmulator, api: Api) -> None:
    assert sign_up(api, "CAPITALS@EXAMPLE.COM") == (200, None)
    (user,) = emulator.project.users.values()
    assert user.primary_email == "capitals@example.com"
    assert can_sign_in(api, "Capitals@Example.com")


# ---------------------------------------------------------------- the own address


def test_users_change_their_own_address(
    emulator: StackEmulator, api: Api, alice: User, own: Any
) -> None:
    alice.channels[0].is_verified = True
    changed = api("PATCH", "/users/me", {"primary_email": MOVED}, **own)
    assert changed.json["primary_email"] == MOVED
    assert changed.json["primary_email_verified"] is False
    assert [channel.value for channel in alice.channels] == [EMAIL, MOVED]
    assert can_sign_in(api, MOVED)


def test_users_do_not_take_somebody_elses_address(
    emulator: StackEmulator, api: Api, own: Any
) -> None:
    emulator.create_user(primary_email=MOVED, password=PASSWORD)
    refused = api("PATCH", "/users/me", {"primary_email": MOVED}, **own)
    assert refused.outcome == (409, "USER_EMAIL_ALREADY_EXISTS")
    assert refused.json["details"] == {"email": MOVED, "would_work_if_email_was_verified": False}
    assert api("GET", "/users/me", **own).json["primary_email"] == EMAIL


def test_users_remove_their_own_address(api: Api, alice: User, own: Any) -> None:
    gone = api("PATCH", "/users/me", {"primary_email": None}, **own)
    assert (gone.status, gone.json["primary_email"]) == (200, None)
    assert [channel.is_primary for channel in alice.channels] == [False]


@pytest.mark.parametrize("field", ["primary_email_verified", "primary_email_auth_enabled"])
def test_only_servers_say_more_of_it(api: Api, own: Any, field: str) -> None:
    assert api("PATCH", "/users/me", {field: True}, **own).outcome == SCHEMA_ERROR


def test_what_is_said_of_an_address_that_goes_is_not_heard(api: Api, alice: User) -> None:
    flags = {"primary_email_verified": True, "primary_email_auth_enabled": True}
    gone = api("PATCH", f"/users/{alice.id}", {"primary_email": None, **flags})
    assert (gone.status, gone.json["primary_email_verified"]) == (200, False)
    assert alice.channels[0].is_verified is False
    # Of one that never was there is nothing to say.
    assert api("PATCH", f"/users/{alice.id}", flags).outcome == (400, None)
    assert api("POST", "/users", {"primary_email": None, **flags}).outcome == (400, None)


# ---------------------------------------------------------------- contact channels


def channels(api: Api, query: str, **options: Any) -> list[str]:
    listed = api("GET", f"/contact-channels?{query}", **options)
    assert listed.status == 200
    return [item["value"] for item in listed.json["items"]]


def test_contact_channels_are_found_by_id(
    emulator: StackEmulator, api: Api, alice: User, own: Any
) -> None:
    bob = emulator.create_user(primary_email=MOVED)
    id_ = alice.channels[0].id
    assert channels(api, f"contact_channel_id={id_}") == [EMAIL]
    assert channels(api, f"user_id={alice.id}&contact_channel_id={id_}") == [EMAIL]
    assert channels(api, f"user_id=me&contact_channel_id={id_}", **own) == [EMAIL]
    assert channels(api, f"user_id={bob.id}&contact_channel_id={id_}") == []
    assert channels(api, f"contact_channel_id={NOBODY}") == []
    refused = api("GET", f"/contact-channels?contact_channel_id={id_}", **own)
    assert refused.outcome == (403, None)


def test_verifying_an_address_tells_no_webhook(
    emulator: StackEmulator, api: Api, alice: User
) -> None:
    ear = Ear(emulator)
    path = f"/contact-channels/{alice.id}/{alice.channels[0].id}/send-verification-code"
    api("POST", path, {"callback_url": PAGE})
    code = {"code": emulator.sent_emails[0].code}
    assert api("POST", "/contact-channels/verify", code, access="client").status == 200
    assert alice.primary_email_verified
    assert ear.told() == []
    api("PATCH", f"/users/{alice.id}", {"display_name": "Alice"})
    assert [event for event, _ in ear.told()] == ["user.updated"]


# ---------------------------------------------------------------- callbacks


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost",
        "https://localhost:3000/verify?next=https://example.org#x",
        "myapp://localhost/verify",
        "http://app.localhost:3000/verify",
        "http://a.b.LOCALHOST/",
        "http://127.0.0.1:3000/verify",
        "http://127.0.0.2/",
        "http://127.255.0.99/",
        "http://user:word@localhost:3000/verify",
    ],
)
def test_this_machine_is_a_good_callback(emulator: StackEmulator, api: Api, url: str) -> None:
    body = {"email": EMAIL, "password": PASSWORD, "verification_callback_url": url}
    assert api("POST", "/auth/password/sign-up", body, access="client").status == 200
    assert "code=" in emulator.sent_emails[0].link


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1]:3000/verify",
        "http://localhost.example.org/verify",
        "http://localhost@example.org/verify",
        "http://notlocalhost/",
        "http://127.0.0.1.example.org/",
        "http://127.0.0.256/",
        "http://127.0.0/",
        "http://128.0.0.1/",
        "http://127a0b0c1/",
        r"http://example.org\@localhost/",
        "mailto:localhost",
        "https://example.org/localhost",
    ],
)
def test_any_other_machine_is_none(emulator: StackEmulator, api: Api, url: str) -> None:
    body = {"email": EMAIL, "password": PASSWORD, "verification_callback_url": url}
    refused = api("POST", "/auth/password/sign-up", body, access="client")
    assert refused.outcome == (400, "REDIRECT_URL_NOT_WHITELISTED")
    assert emulator.project.users == {}
