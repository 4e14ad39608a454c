"""Requests that few clients send: odd encodings, paths that climb, numbers beyond all measure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stack_fastapi.emulator import Fault, StackEmulator

from .emulator_api import API, Api, Reply

NIL = "00000000-0000-0000-0000-000000000000"
BOM = b"\xef\xbb\xbf"


def post(api: Api, content: bytes, content_type: str = "application/json") -> Reply:
    headers = api.keys("server") | {"content-type": content_type}
    return api.raw("POST", f"{API}/users", headers, content)


def test_a_byte_order_mark_is_no_part_of_the_body(api: Api) -> None:
    assert post(api, BOM + b'{"display_name":"bom"}').json["display_name"] == "bom"
    form = "application/x-www-form-urlencoded"
    assert post(api, BOM + b"display_name=bom", form).json["display_name"] == "bom"
    assert post(api, BOM * 2 + b"{}").outcome == (400, "BODY_PARSING_ERROR")


def test_bytes_that_are_no_utf_8_are_taken_and_replaced(api: Api) -> None:
    assert post(api, b'{"display_name":"a\xffb"}').json["display_name"] == "a\ufffdb"
    assert post(api, b"\xff").outcome == (400, "BODY_PARSING_ERROR")
    assert post(api, b"\xff", "text/plain").outcome == (400, "SCHEMA_ERROR")


def test_a_charset_changes_nothing(api: Api) -> None:
    content = '{"display_name":"\u00fc"}'.encode()
    made = post(api, content, "application/json; charset=latin1")
    assert made.json["display_name"] == "\u00fc"


@pytest.mark.parametrize("content_type", ["APPLICATION/JSON", "Application/Json; charset=utf-8"])
def test_a_content_type_in_capitals_is_none(api: Api, content_type: str) -> None:
    assert post(api, b"{}", content_type).outcome == (400, "BODY_PARSING_ERROR")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("9007199254740992", "9007199254740992"),
        ("9007199254740993", "9007199254740992"),
        ("-9007199254740993", "-9007199254740992"),
        ("123456789012345678901", "123456789012345680000"),
        ("1e21", "1e+21"),
        ("1" + "0" * 21, "1e+21"),
        ("1.0", "1"),
        ("-0.0", "0"),
        ("1e2", "100"),
        ("0.1", "0.1"),
        ("1e400", "null"),
        ("-1e400", "null"),
        ("9" * 5000, "null"),
        ("[1e400, {}]", "[null,{}]"),
    ],
)
def test_numbers_are_kept_as_doubles(
    emulator: StackEmulator, api: Api, text: str, kept: str, tmp_path: Path
) -> None:
    made = post(api, b'{"client_metadata":{"n":%s}}' % text.encode())
    shown = made.content.decode().partition('"client_metadata":{"n":')[2].partition('},"client')[0]
    assert json.loads(shown) == json.loads(kept)
    emulator.save(tmp_path / "saved.json")
    again = Api(StackEmulator(tmp_path / "saved.json"))
    assert again("GET", f"/users/{made.json['id']}").content == made.content


def test_a_number_beyond_all_doubles_is_none_that_counts(emulator: StackEmulator, api: Api) -> None:
    content = b'{"user_id":"%s","description":"d","expires_at_millis":1e400}'
    headers = api.keys("server") | {"content-type": "application/json"}
    sent = content % emulator.create_user().id.encode()
    assert api.raw("POST", f"{API}/user-api-keys", headers, sent).outcome == (400, "SCHEMA_ERROR")


def test_metadata_of_teams_are_kept_like_those_of_users(api: Api) -> None:
    content = b'{"display_name":"T","server_metadata":[1e400],"client_metadata":9007199254740993}'
    headers = api.keys("server") | {"content-type": "application/json"}
    team = api.raw("POST", f"{API}/teams", headers, content).json
    assert (team["server_metadata"], team["client_metadata"]) == ([None], 2**53)


def test_what_can_be_read_can_be_kept_however_deeply_it_is_nested(api: Api) -> None:
    deep = b"[" * 800 + b"1e400" + b"]" * 800
    made = post(api, b'{"client_metadata":%s}' % deep)
    assert made.status == 201
    assert deep.replace(b"1e400", b"null") in made.content
    too_deep = b'{"client_metadata":%s}' % (b"[" * 100_000)
    assert post(api, too_deep).outcome == (400, "BODY_PARSING_ERROR")


def test_metadata_is_copied_and_not_changed(emulator: StackEmulator) -> None:
    given: dict[str, Any] = {"n": [float("inf")], "m": {"k": float("nan")}}
    user = emulator.create_user(client_metadata=given)
    assert user.client_metadata == {"n": [None], "m": {"k": None}}
    assert given["n"] == [float("inf")]
    given["n"].append(1)
    assert user.client_metadata["n"] == [None]


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/users/%2e%2e/teams", "/teams"),
        ("/users/x/.%2E/%2e./teams", "/teams"),
        ("/%2e/teams", "/teams"),
        ("/users/../teams", "/teams"),
        ("/../v1/teams", "/teams"),
        ("/../../../../../api/v1/teams", "/teams"),
    ],
)
def test_a_path_climbs(api: Api, path: str, meant: str) -> None:
    climbed = api("GET", path)
    assert (climbed.status, climbed.content) == (200, api("GET", meant).content)


def test_a_slash_that_is_encoded_is_none(api: Api) -> None:
    user = api("POST", "/users", {}).json["id"]
    for path in (f"/users/x%2F..%2F{user}", f"/users/{user}%2F"):
        assert api("GET", path).outcome == (400, "SCHEMA_ERROR")


@pytest.mark.parametrize("end", ["/%2e", "/x/.."])
def test_a_path_that_climbs_at_its_end_ends_in_a_slash(api: Api, end: str) -> None:
    moved = api("GET", f"/teams{end}")
    assert (moved.status, moved.headers["location"]) == (308, f"{API}/teams")


def test_whoever_climbs_meets_the_same_guards(emulator: StackEmulator) -> None:
    far = Api(emulator, client=("192.0.2.1", 1234))
    for path in ("/api/%2e%2e/local-stack/emails", "/api/v1/../../local-stack/emails"):
        assert far.raw("GET", path).outcome == (403, None)
    emulator.faults.add(Fault(kind="status", status=503, path="*/teams"))
    assert far("GET", "/users/%2e%2e/teams").status == 503
    assert [item.path for item in emulator.requests] == [f"{API}/teams"]


def test_the_nil_uuid_is_of_the_right_form_and_nobodys(api: Api) -> None:
    assert api("GET", f"/users/{NIL}").outcome == (404, "USER_NOT_FOUND")
    assert api("GET", f"/teams/{NIL}").outcome == (404, "TEAM_NOT_FOUND")
    assert api("GET", f"/users/{NIL[:-1]}1").outcome == (400, "SCHEMA_ERROR")


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_a_bad_admin_token_beats_a_good_key(api: Api, access: str) -> None:
    bad = (401, "UNPARSABLE_ADMIN_ACCESS_TOKEN")
    options: dict[str, Any] = {"access": access, "admin_access_token": "x"}
    assert api("GET", "/projects/current", **options).outcome == bad
    assert api("GET", "/projects/current", access=access, admin_access_token="").status == 200
    unknown = api.keys(access) | {"x-stack-admin-access-token": "x", "x-stack-project-id": NIL}
    assert api.raw("GET", f"{API}/projects/current", unknown).code == "CURRENT_PROJECT_NOT_FOUND"


def test_only_anonymous_users_need_to_be_included(emulator: StackEmulator, api: Api) -> None:
    ghost = emulator.anonymous().user_id
    for query in ("only_anonymous=true", "only_anonymous=true&include_anonymous=false"):
        assert api("GET", f"/users?{query}").outcome == (400, None)
    both = api("GET", "/users?only_anonymous=true&include_anonymous=true").json["items"]
    assert [user["id"] for user in both] == [ghost]
    assert api("GET", "/users?only_anonymous=false").json["items"] == []
