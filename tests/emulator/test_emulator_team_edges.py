"""Teams at the edge of what is allowed: pictures, names that are empty, fields that are null."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from stack_fastapi.emulator import StackEmulator
from stack_fastapi.emulator.protocol.image_fields import MAX_IMAGE_LENGTH

from .emulator_api import Api

NOBODY = "a1b2c3d4-0000-4000-8000-000000000001"
HTTPS = "https://example.com/t.png"
SIGNATURES = {
    "png": b"\x89PNG\r\n\x1a\n",
    "jpeg": b"\xff\xd8\xff\xe0",
    "gif": b"GIF89a",
    "webp": b"RIFF\x10\x00\x00\x00WEBPVP8 ",
}


def picture(media_type: str, content: bytes) -> str:
    return f"data:image/{media_type};base64,{base64.b64encode(content).decode()}"


GOOD = [picture(name, content + b"rest") for name, content in SIGNATURES.items()]
BROKEN = [
    "javascript:alert(1)",
    "ftp://example.com/t.png",
    "file:///etc/passwd",
    "https:",
    "data:,",
    "data:image/png;base64,",
    "data:image/png;base64,AAAA",
    "data:image/png;base64,*",
    "data:image/png,iVBORw0KGgo=",
    "data:image/png;base64," + "\u00fc",
    picture("svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    picture("png", b"<script>"),
    picture("webp", b"RIFF\x10\x00\x00\x00WAVEfmt "),
    picture("jpeg", b""),
]


class World:
    """A team with a creator, who asks as a client, and the server, which asks as itself."""

    def __init__(self, emulator: StackEmulator, api: Api) -> None:
        self.emulator, self.api = emulator, api
        self.creator = emulator.create_user(primary_email="alice@example.com", display_name="Al")
        self.team = emulator.create_team("T", creator=self.creator.id)
        self.client: dict[str, Any] = {
            "access": "client",
            "token": emulator.sign_in(self.creator.id).access_token,
        }

    def writes(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Where a picture can be said: method, path, the rest of the body."""
        profile = f"/team-member-profiles/{self.team.id}/{self.creator.id}"
        return [
            ("POST", "/teams", {"display_name": "T"}),
            ("PATCH", f"/teams/{self.team.id}", {}),
            ("PATCH", profile, {}),
        ]


@pytest.fixture
def world(emulator: StackEmulator, api: Api) -> World:
    return World(emulator, api)


def test_a_server_says_where_a_picture_is(world: World) -> None:
    for method, path, rest in world.writes():
        for url in (HTTPS, "http://localhost/t.png", *GOOD, None):
            shown = world.api(method, path, rest | {"profile_image_url": url})
            assert shown.json["profile_image_url"] == url


def test_a_client_sends_the_picture_itself(world: World) -> None:
    for method, path, rest in world.writes():
        for url in (*GOOD, None):
            shown = world.api(method, path, rest | {"profile_image_url": url}, **world.client)
            assert shown.json["profile_image_url"] == url
        refused = world.api(method, path, rest | {"profile_image_url": HTTPS}, **world.client)
        assert refused.outcome == (400, None)


@pytest.mark.parametrize("url", BROKEN)
def test_what_is_no_picture_is_refused(world: World, url: str) -> None:
    before = list(world.emulator.project.teams.values())
    for method, path, rest in world.writes():
        for options in ({}, world.client):
            refused = world.api(method, path, rest | {"profile_image_url": url}, **options)
            assert refused.outcome == (400, None)
            assert url not in refused.content.decode()
    assert list(world.emulator.project.teams.values()) == before


@pytest.mark.parametrize("url", ["nope", "", 5])
def test_a_picture_that_is_no_url_is_of_the_wrong_form(world: World, url: object) -> None:
    for method, path, rest in world.writes():
        refused = world.api(method, path, rest | {"profile_image_url": url})
        assert refused.outcome == (400, "SCHEMA_ERROR")


def test_a_picture_that_is_too_large_is_refused(world: World) -> None:
    def of_length(base64_characters: int) -> str:
        content = SIGNATURES["png"].ljust(base64_characters // 4 * 3, b".")
        return picture("png", content)

    for method, path, rest in world.writes():
        for characters, outcome in (
            (MAX_IMAGE_LENGTH, None),
            (MAX_IMAGE_LENGTH + 4, (400, None)),
            (1_000_000, (400, "SCHEMA_ERROR")),
        ):
            body = rest | {"profile_image_url": of_length(characters)}
            sent = world.api(method, path, body, **world.client)
            assert sent.status in {200, 201} if outcome is None else sent.outcome == outcome


def test_who_makes_a_team_is_somebody_or_not_named(world: World) -> None:
    for options in ({}, world.client):
        body = {"display_name": "T", "creator_user_id": None}
        assert world.api("POST", "/teams", body, **options).outcome == (400, "SCHEMA_ERROR")
    body = {"display_name": "T", "creator_user_id": NOBODY}
    assert world.api("POST", "/teams", body).outcome == (404, "USER_NOT_FOUND")
    body["creator_user_id"] = world.creator.id
    made = world.api("POST", "/teams", body).json["id"]
    assert (made, world.creator.id) in world.emulator.project.memberships
    nobodys = world.api("POST", "/teams", {"display_name": "T"}).json["id"]
    assert world.emulator.project.memberships_of(team_id=nobodys) == []


def test_a_members_name_may_be_empty(world: World) -> None:
    path = f"/team-member-profiles/{world.team.id}/{world.creator.id}"
    assert world.api("GET", path).json["display_name"] == "Al"
    assert world.api("PATCH", path, {"display_name": ""}).json["display_name"] == ""
    assert world.api("GET", path, **world.client).json["display_name"] == ""
    assert world.api("PATCH", path, {"display_name": None}).outcome == (400, "SCHEMA_ERROR")


# ---------------------------------------------------------------- permissions


def test_the_systems_permissions_are_all_that_begin_with_a_dollar_sign(world: World) -> None:
    wrong = (400, "SCHEMA_ERROR")
    path = f"/team-permissions/{world.team.id}/{world.creator.id}"
    assert world.api("POST", f"{path}/$nope", {}).outcome == wrong
    assert world.api("DELETE", f"{path}/$nope").outcome == wrong
    assert world.api("GET", "/team-permissions?permission_id=$nope").outcome == wrong
    assert world.api("POST", f"{path}/nope", {}).outcome == (404, "PERMISSION_NOT_FOUND")
    assert world.api("POST", f"{path}/$read_members", {}).status == 201
    assert world.api("POST", f"{path}/%24update_team", {}).json["id"] == "$update_team"
    contained = {"id": "x", "contained_permission_ids": ["$nope"]}
    defined = world.api("POST", "/team-permission-definitions", contained, access="admin")
    assert defined.outcome == wrong


@pytest.mark.parametrize("scope", ["team", "project"])
def test_a_definition_says_what_it_is_or_nothing(world: World, scope: str) -> None:
    path = f"/{scope}-permission-definitions"
    wrong = (400, "SCHEMA_ERROR")
    empty = {"id": "edge", "description": None}
    assert world.api("POST", path, empty, access="admin").outcome == wrong
    made = world.api("POST", path, {"id": "edge"}, access="admin")
    assert (made.status, "description" in made.json) == (201, False)
    for body in ({"description": None}, {"id": None}):
        assert world.api("PATCH", f"{path}/edge", body, access="admin").outcome == wrong
    named = world.api("PATCH", f"{path}/edge", {"description": ""}, access="admin")
    assert named.json == {"id": "edge", "description": "", "contained_permission_ids": []}
    renamed = world.api("PATCH", f"{path}/edge", {"id": "edge_two"}, access="admin")
    assert renamed.json == {"id": "edge_two", "contained_permission_ids": []}


def test_the_systems_permissions_cannot_be_changed(world: World) -> None:
    path = "/team-permission-definitions/$read_members"
    gone = (404, "PERMISSION_NOT_FOUND")
    assert world.api("PATCH", path, {"description": "x"}, access="admin").outcome == gone
    assert world.api("DELETE", path, access="admin").outcome == gone
