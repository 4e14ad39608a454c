"""What neither the scenario nor the recordings ask."""

from __future__ import annotations

from typing import Any

import pytest

from stack_fastapi.emulator import StackEmulator

from .emulator_api import Api

EMAIL = "alice@example.com"
PASSWORD = "correct horse"


@pytest.fixture
def user(emulator: StackEmulator) -> Any:
    return emulator.create_user(primary_email=EMAIL, password=PASSWORD)


def can_sign_in(api: Api, email: str) -> bool:
    body = {"email": email, "password": PASSWORD}
    return api("POST", "/auth/password/sign-in", body).status == 200


def test_newer_header_names_are_understood(emulator: StackEmulator, api: Api, user: Any) -> None:
    headers = {
        "x-hexclave-access-type": "server",
        "x-hexclave-project-id": emulator.project.id,
        "x-hexclave-secret-server-key": emulator.project.secret_server_key,
        "x-hexclave-access-token": emulator.sign_in(user.id).access_token,
    }
    assert api.raw("GET", "/api/v1/users/me", headers).json["id"] == user.id


def test_the_old_header_name_counts_where_both_are_sent(api: Api) -> None:
    headers = api.keys("server") | {"x-hexclave-access-type": "client"}
    assert api.raw("GET", "/api/v1/users", headers).status == 200


def test_repeated_headers_are_one(api: Api) -> None:
    headers = {name.upper(): value for name, value in api.keys("server").items()}
    twice = headers | {"x-stack-access-type": "server"}
    assert api.raw("GET", "/api/v1/users", twice).code == "INVALID_ACCESS_TYPE"


def test_a_request_without_a_host(api: Api) -> None:
    headers = api.keys("client") | {"host": ""}
    assert api.raw("POST", "/api/v1/auth/anonymous/sign-up", headers).status == 200


def test_redirects_keep_the_query(api: Api) -> None:
    moved = api.raw("GET", "/api/v1//users/?limit=1")
    assert (moved.status, moved.headers["location"]) == (308, "/api/v1/users?limit=1")


def test_without_an_access_type_there_is_no_caller(api: Api) -> None:
    body = {"email": EMAIL, "password": PASSWORD}
    assert api.raw("POST", "/api/v1/auth/password/sign-up", {}, body).code == "ACCESS_TYPE_REQUIRED"


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("application/json", b"\xff"),
        ("application/json", b'{"email": NaN}'),
        ("application/json", b"[" * 100_000),
        ("image/png", b""),
    ],
)
def test_bodies_that_cannot_be_read(api: Api, content_type: str, content: bytes) -> None:
    headers = api.keys("server") | {"content-type": content_type}
    assert api.raw("POST", "/api/v1/users", headers, content).code == "BODY_PARSING_ERROR"


@pytest.mark.parametrize(
    "body", [b'{"display_name": "\\ud83d"}', b'{"server_metadata": ["\\ud83d"]}']
)
def test_half_a_character_is_too_much(api: Api, body: bytes) -> None:
    headers = api.keys("server") | {"content-type": "application/json"}
    assert api.raw("POST", "/api/v1/users", headers, body).status == 500


@pytest.mark.parametrize(
    ("given", "kept"), [(True, "true"), (5, "5"), (5.0, "5"), (2.5, "2.5"), ("x", "x")]
)
def test_what_becomes_of_values_where_text_is_asked_for(api: Api, given: object, kept: str) -> None:
    assert api("POST", "/users", {"display_name": given}).json["display_name"] == kept


@pytest.mark.parametrize(("given", "kept"), [("true", True), ("1", True), (0, False), ("F", None)])
def test_what_becomes_of_values_where_a_flag_is_asked_for(
    api: Api, given: object, kept: object
) -> None:
    reply = api("POST", "/users", {"otp_auth_enabled": given})
    assert reply.json.get("otp_auth_enabled") == kept


@pytest.mark.parametrize("millis", ["soon", True, "1e400", [1]])
def test_times_that_are_none(api: Api, user: Any, millis: object) -> None:
    body = {"user_id": user.id, "description": "x", "expires_at_millis": millis}
    reply = api("POST", "/user-api-keys", body)
    assert reply.code == "SCHEMA_ERROR"
    assert "soon" not in reply.json["details"]["message"]


@pytest.mark.parametrize("millis", ["60000", 60000.0])
def test_numbers_may_come_as_text(api: Api, user: Any, millis: object) -> None:
    body = {"user_id": user.id, "description": "x", "expires_at_millis": millis}
    assert api("POST", "/user-api-keys", body).json["expires_at_millis"] == 60000


def test_a_project_without_passwords() -> None:
    emulator = StackEmulator(
        {"projects": {"p": {"id": "p", "config": {"credential_enabled": False}}}}
    )
    body = {"email": EMAIL, "password": PASSWORD}
    for path in ("sign-up", "sign-in"):
        reply = Api(emulator)("POST", f"/auth/password/{path}", body)
        assert reply.code == "PASSWORD_AUTHENTICATION_NOT_ENABLED"


def test_a_callback_that_nobody_trusts() -> None:
    emulator = StackEmulator({"projects": {"p": {"id": "p", "config": {"allow_localhost": False}}}})
    body = {
        "email": EMAIL,
        "password": PASSWORD,
        "verification_callback_url": "http://localhost/x",
    }
    reply = Api(emulator)("POST", "/auth/password/sign-up", body)
    assert reply.code == "REDIRECT_URL_NOT_WHITELISTED"


def test_a_project_without_sign_up() -> None:
    emulator = StackEmulator({"projects": {"p": {"id": "p", "config": {"sign_up_enabled": False}}}})
    api, body = Api(emulator), {"email": EMAIL, "password": PASSWORD}
    refused = api("POST", "/auth/password/sign-up", body)
    assert refused.code == "SIGN_UP_NOT_ENABLED"
    assert api("POST", "/users", {"primary_email": EMAIL}).status == 201
    assert api("POST", "/auth/anonymous/sign-up", access="client").status == 200


@pytest.mark.parametrize(
    ("length", "outcome"),
    [
        (7, (400, "PASSWORD_TOO_SHORT")),
        (8, (200, None)),
        (70, (200, None)),
        (71, (400, "SCHEMA_ERROR")),
    ],
)
def test_how_long_a_password_may_be(api: Api, length: int, outcome: object) -> None:
    body = {"email": EMAIL, "password": "x" * length}
    assert api("POST", "/auth/password/sign-up", body).outcome == outcome


def test_a_callback_on_this_machine_is_trusted(api: Api) -> None:
    body = {
        "email": EMAIL,
        "password": PASSWORD,
        "verification_callback_url": "http://localhost:3000/x",
    }
    assert api("POST", "/auth/password/sign-up", body).status == 200


def test_teams_that_a_server_makes(emulator: StackEmulator, api: Api, user: Any) -> None:
    alone = api("POST", "/teams", {"display_name": "Alone", "server_metadata": {"a": 1}}).json
    assert alone["server_metadata"] == {"a": 1}
    body = {"display_name": "His", "creator_user_id": user.id}
    his = api("POST", "/teams", body).json
    assert [team["id"] for team in api("GET", "/teams").json["items"]] == [alone["id"], his["id"]]
    assert [item.team_id for item in emulator.project.memberships_of(user_id=user.id)] == [
        his["id"]
    ]
    unknown = body | {"creator_user_id": "a1b2c3d4-0000-4000-8000-000000000001"}
    assert api("POST", "/teams", unknown).code == "USER_NOT_FOUND"


def test_a_new_address_takes_the_old_ones_place(api: Api, user: Any) -> None:
    path = f"/users/{user.id}"
    changed = api("PATCH", path, {"primary_email": "new@example.com"}).json
    assert changed["primary_email"] == "new@example.com"
    assert changed["primary_email_auth_enabled"]
    assert not changed["primary_email_verified"]
    assert can_sign_in(api, "new@example.com")
    assert can_sign_in(api, EMAIL)
    back = api("PATCH", path, {"primary_email": EMAIL}).json
    assert back["primary_email"] == EMAIL
    channels = api("GET", f"/contact-channels?user_id={user.id}").json["items"]
    assert [(item["value"], item["is_primary"]) for item in channels] == [
        (EMAIL, True),
        ("new@example.com", False),
    ]
    assert api("PATCH", path, {"primary_email": None}).json["primary_email"] is None


@pytest.mark.parametrize("field", ["primary_email_verified", "primary_email_auth_enabled"])
def test_what_needs_an_address(api: Api, field: str) -> None:
    refused = api("POST", "/users", {field: True})
    assert (refused.status, refused.code) == (400, None)


def test_a_password_can_be_taken_away(api: Api, user: Any) -> None:
    changed = api("PATCH", f"/users/{user.id}", {"password": None}).json
    assert not changed["has_password"]
    assert not can_sign_in(api, EMAIL)


def test_a_new_value_of_a_channel_is_not_verified(api: Api, user: Any) -> None:
    channel = user.channels[0]
    api("PATCH", f"/users/{user.id}", {"primary_email_verified": True})
    path = f"/contact-channels/{user.id}/{channel.id}"
    changed = api("PATCH", path, {"value": "Other@Example.com"}).json
    assert (changed["value"], changed["is_verified"]) == ("other@example.com", False)


def test_channels_of_nobody(api: Api, user: Any) -> None:
    unknown = "a1b2c3d4-0000-4000-8000-000000000001"
    path = f"/contact-channels/{unknown}/{user.channels[0].id}"
    assert api("GET", path).status == 404
    assert api("PATCH", path, {}).status == 400


def test_signing_out_twice_fails_as_the_real_server_does(
    emulator: StackEmulator, api: Api, user: Any
) -> None:
    token = emulator.sign_in(user.id).access_token
    path = "/auth/sessions/current"
    assert api("DELETE", path, token=token, access="client").status == 200
    again = api("DELETE", path, token=token, access="client", override_error_status="true")
    assert again.status == 500


def test_a_selected_team_that_is_left_is_no_longer_selected(
    emulator: StackEmulator, api: Api, user: Any
) -> None:
    first, second = (emulator.create_team(name, creator=user.id) for name in "AB")
    shown = api("PATCH", f"/users/{user.id}", {"selected_team_id": first.id}).json
    assert shown["selected_team"]["created_at_millis"] == first.created_at_millis
    api("DELETE", f"/teams/{second.id}")
    assert user.selected_team_id == first.id
    api("DELETE", f"/teams/{first.id}")
    assert user.selected_team_id is None


def test_a_member_reads_the_own_profile_without_a_permission(
    emulator: StackEmulator, api: Api, user: Any
) -> None:
    team = emulator.create_team("Team")
    emulator.add_member(team.id, user.id)
    emulator.revoke(user.id, "team_member", team_id=team.id)
    token = emulator.sign_in(user.id).access_token
    mine = api(
        "GET", f"/team-member-profiles?team_id={team.id}&user_id=me", token=token, access="client"
    )
    assert [item["user_id"] for item in mine.json["items"]] == [user.id]
    all_ = api("GET", f"/team-member-profiles?team_id={team.id}", token=token, access="client")
    assert all_.code == "TEAM_PERMISSION_REQUIRED"


def test_renaming_a_permission_keeps_who_holds_it(
    emulator: StackEmulator, api: Api, user: Any
) -> None:
    emulator.define_permission("old")
    emulator.define_permission("outer", contains=("old",))
    emulator.grant(user.id, "old")
    path = "/project-permission-definitions/old"
    taken = api("PATCH", path, {"id": "outer"}, access="admin")
    assert taken.code == "PERMISSION_ID_ALREADY_EXISTS"
    renamed = api("PATCH", path, {"id": "new"}, access="admin")
    assert renamed.json == {"id": "new", "contained_permission_ids": []}
    assert user.permissions == {"new"}
    listed = api("GET", "/project-permission-definitions", access="admin").json["items"]
    assert [(item["id"], item["contained_permission_ids"]) for item in listed] == [
        ("new", []),
        ("outer", ["new"]),
    ]
    api("DELETE", "/project-permission-definitions/new", access="admin")
    assert user.permissions == set()
    assert emulator.project.definitions["outer"].contained_permission_ids == []


def test_system_permissions_cannot_be_changed(api: Api) -> None:
    path = "/team-permission-definitions"
    assert api("DELETE", f"{path}/$update_team", access="admin").code == "PERMISSION_NOT_FOUND"
    assert api("POST", path, {"id": "$mine"}, access="admin").code == "SCHEMA_ERROR"


def test_users_search_and_pages_go_together(emulator: StackEmulator, api: Api, clock: Any) -> None:
    for number in range(5):
        clock.now += 1
        emulator.create_user(display_name=f"User {number}")
    first = api("GET", "/users?query=user&limit=2&desc=true").json
    names = [item["display_name"] for item in first["items"]]
    cursor = first["pagination"]["next_cursor"]
    rest = api("GET", f"/users?query=user&desc=true&cursor={cursor}").json
    names += [item["display_name"] for item in rest["items"]]
    assert names == [f"User {number}" for number in (4, 3, 2, 1, 0)]
    assert rest["pagination"] == {"next_cursor": None}


def test_only_anonymous_users(emulator: StackEmulator, api: Api) -> None:
    emulator.create_user()
    ghost = emulator.anonymous().user_id
    both = api("GET", "/users?only_anonymous=true&include_anonymous=true").json["items"]
    assert [item["id"] for item in both] == [ghost]


def test_an_address_without_a_password_signs_nobody_in(emulator: StackEmulator, api: Api) -> None:
    emulator.create_user(primary_email=EMAIL, primary_email_auth_enabled=True)
    assert not can_sign_in(api, EMAIL)


def test_who_may_not_manage_a_teams_keys_sees_none(
    emulator: StackEmulator, api: Api, user: Any
) -> None:
    team = emulator.create_team("Team")
    emulator.create_team_api_key(team.id)
    token = emulator.sign_in(user.id).access_token
    path = f"/team-api-keys?team_id={team.id}"
    assert api("GET", path, token=token, access="client").code == "API_KEY_NOT_FOUND"
    emulator.add_member(team.id, user.id)
    assert api("GET", path, token=token, access="client").code == "API_KEY_NOT_FOUND"
    emulator.grant(user.id, "$manage_api_keys", team_id=team.id)
    assert len(api("GET", path, token=token, access="client").json["items"]) == 1


def test_a_browsers_questions_before_the_request(api: Api) -> None:
    reply = api.raw("OPTIONS", "/api/v1/users/me", {"origin": "https://app.example"})
    allowed = reply.headers["access-control-allow-headers"].split(", ")
    assert {"x-stack-access-token", "x-hexclave-access-token", "content-type"} <= set(allowed)


def test_a_cursor_that_is_no_user_of_the_list_leads_to_nothing(
    emulator: StackEmulator, api: Api
) -> None:
    emulator.create_user(primary_email="alice@example.com")
    guest = emulator.anonymous().user_id
    without = api("GET", f"/users?cursor={guest}").json
    assert without == {"items": [], "is_paginated": True, "pagination": {"next_cursor": None}}
    listed = api("GET", f"/users?include_anonymous=true&cursor={guest}").json["items"]
    assert [item["id"] for item in listed] == [guest]
