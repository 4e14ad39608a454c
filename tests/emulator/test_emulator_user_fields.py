"""Fields of a user at the edge of what is allowed: names, countries, images, teams, numbers."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from stack_fastapi.emulator import StackEmulator

from .emulator_api import Api

SCHEMA_ERROR = (400, "SCHEMA_ERROR")
NOBODY = "a1b2c3d4-0000-4000-8000-000000000001"
EMOJI = "\N{GRINNING FACE}"
WEB = "https://example.com/a.png"


def data_url(content: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


IMAGES = {
    "png": data_url(b"\x89PNG\r\n\x1a\n" + bytes(9)),
    "jpeg": data_url(b"\xff\xd8\xff\xe0" + bytes(9), "jpeg"),
    "gif": data_url(b"GIF89a" + bytes(9), "gif"),
    "webp": data_url(b"RIFF\n\0\0\0WEBPVP8 ", "webp"),
}
BROKEN = {
    "javascript": "javascript:alert(1)",
    "ftp": "ftp://example.com/a.png",
    "no image": "data:image/png;base64,AAAA",
    "no base64": "data:image/png;base64,!",
    "bad padding": "data:image/png;base64,AAA",
    "no ASCII": "data:image/png;base64,ü",
    "text": "data:text/plain;base64,AAAA",
    "not encoded": "data:image/png,AAAA",
    "svg": data_url(b"<svg/>", "svg+xml"),
    "too long": data_url(b"GIF89a" + bytes(230_400)),
}


@pytest.fixture
def own(emulator: StackEmulator) -> dict[str, Any]:
    """Options of a call as a user of one's own."""
    return {"token": emulator.sign_in(emulator.create_user().id).access_token, "access": "client"}


@pytest.mark.parametrize("name", ["x" * 256, EMOJI * 128])
def test_a_name_has_up_to_256_units_of_utf_16(api: Api, own: Any, name: str) -> None:
    assert api("POST", "/users", {"display_name": name}).json["display_name"] == name
    changed = api("PATCH", "/users/me", {"display_name": name}, **own)
    assert changed.json["display_name"] == name


@pytest.mark.parametrize("name", ["x" * 257, EMOJI * 128 + "x"])
def test_a_longer_name_is_refused(api: Api, own: Any, name: str) -> None:
    assert api("POST", "/users", {"display_name": name}).outcome == SCHEMA_ERROR
    assert api("PATCH", "/users/me", {"display_name": name}, **own).outcome == SCHEMA_ERROR


@pytest.mark.parametrize(
    ("given", "kept"), [("us", "US"), (" de\t", "DE"), ("FR", "FR"), (None, None)]
)
def test_a_country_is_kept_in_capitals(api: Api, given: str | None, kept: str | None) -> None:
    created = api("POST", "/users", {"country_code": given})
    assert (created.status, created.json["country_code"]) == (201, kept)


@pytest.mark.parametrize("given", ["USA", "12", "", "u", "ÜÜ", "u s", 49])
def test_a_country_has_two_letters(emulator: StackEmulator, api: Api, given: object) -> None:
    assert api("POST", "/users", {"country_code": given}).outcome == SCHEMA_ERROR
    path = f"/users/{emulator.create_user().id}"
    assert api("PATCH", path, {"country_code": given}).outcome == SCHEMA_ERROR


def test_users_do_not_say_where_they_come_from(api: Api, own: Any) -> None:
    assert api("PATCH", "/users/me", {"country_code": "FR"}, **own).outcome == SCHEMA_ERROR


# ---------------------------------------------------------------- images


@pytest.mark.parametrize("kind", IMAGES)
def test_users_send_their_image_itself(api: Api, own: Any, kind: str) -> None:
    image = IMAGES[kind]
    assert api("PATCH", "/users/me", {"profile_image_url": image}, **own).status == 200
    assert api("GET", "/users/me", **own).json["profile_image_url"] == image
    assert api("POST", "/users", {"profile_image_url": image}).status == 201


@pytest.mark.parametrize("url", [WEB, "http://example.com/a.png"])
def test_only_servers_name_an_image_on_the_web(api: Api, own: Any, url: str) -> None:
    assert api("POST", "/users", {"profile_image_url": url}).json["profile_image_url"] == url
    refused = api("PATCH", "/users/me", {"profile_image_url": url}, **own)
    assert refused.outcome == (400, None)
    by_server = api("PATCH", "/users/me", {"profile_image_url": url}, token=own["token"])
    assert by_server.json["profile_image_url"] == url


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_image_is_refused_to_everybody(api: Api, own: Any, what: str) -> None:
    body = {"profile_image_url": BROKEN[what]}
    assert api("POST", "/users", body).outcome == (400, None)
    assert api("PATCH", "/users/me", body, **own).outcome == (400, None)


@pytest.mark.parametrize("url", ["nope", "https://example.com/a b.png", "http://[", ""])
def test_what_is_no_url_is_of_the_wrong_form(api: Api, own: Any, url: str) -> None:
    assert api("POST", "/users", {"profile_image_url": url}).outcome == SCHEMA_ERROR
    assert api("PATCH", "/users/me", {"profile_image_url": url}, **own).outcome == SCHEMA_ERROR


def test_an_image_can_be_taken_away(emulator: StackEmulator, api: Api, own: Any) -> None:
    api("PATCH", "/users/me", {"profile_image_url": IMAGES["png"]}, **own)
    gone = api("PATCH", "/users/me", {"profile_image_url": None}, **own)
    assert gone.json["profile_image_url"] is None


# ---------------------------------------------------------------- what one request has alone


@pytest.mark.parametrize("team", [None, NOBODY])
def test_a_new_user_selects_no_team(api: Api, team: str | None) -> None:
    assert api("POST", "/users", {"selected_team_id": team}).outcome == SCHEMA_ERROR


def test_a_team_is_selected_later(emulator: StackEmulator, api: Api) -> None:
    path = f"/users/{emulator.create_user().id}"
    assert api("PATCH", path, {"selected_team_id": None}).status == 200
    refused = api("PATCH", path, {"selected_team_id": NOBODY})
    assert refused.outcome == (404, "TEAM_MEMBERSHIP_NOT_FOUND")


@pytest.mark.parametrize("given", [True, "true", "1"])
def test_nobody_becomes_anonymous(emulator: StackEmulator, api: Api, given: object) -> None:
    assert api("POST", "/users", {"is_anonymous": given}).json["is_anonymous"] is True
    path = f"/users/{emulator.create_user().id}"
    assert api("PATCH", path, {"is_anonymous": given}).outcome == SCHEMA_ERROR


@pytest.mark.parametrize("given", [False, "false", "0"])
def test_who_was_anonymous_need_not_be(emulator: StackEmulator, api: Api, given: object) -> None:
    path = f"/users/{emulator.create_user(is_anonymous=True).id}"
    assert api("PATCH", path, {"is_anonymous": given}).json["is_anonymous"] is False


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"9007199254740991", 2**53 - 1),
        (b"9007199254740993", 2**53),
        (b"-9007199254740993", -(2**53)),
        (b"1" + b"0" * 30, 1e30),
        (b"9" * 400, None),
        (b"-0", 0),
    ],
)
def test_whole_numbers_are_kept_as_javascript_keeps_them(
    api: Api, sent: bytes, kept: float | None
) -> None:
    headers = api.keys("server") | {"content-type": "application/json"}
    body = b'{"client_metadata": {"n": ' + sent + b"}}"
    created = api.raw("POST", "/api/v1/users", headers, body)
    assert created.json["client_metadata"] == {"n": kept}


def test_the_nil_uuid_is_an_id_that_nobody_has(api: Api) -> None:
    nil = "00000000-0000-0000-0000-000000000000"
    assert api("GET", f"/users/{nil}").outcome == (404, "USER_NOT_FOUND")
    almost = "00000000-0000-0000-0000-000000000001"
    assert api("GET", f"/users/{almost}").outcome == SCHEMA_ERROR
