"""What a signed-in user may do with client access, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from stack_fastapi.emulator import StackEmulator

from .emulator_api import API, Api, Reply

UNKNOWN = "a1b2c3d4-0000-4000-8000-000000000001"


@dataclass
class World:
    """Alice made a team that Bob is in; each has an address and an API key."""

    emulator: StackEmulator
    api: Api
    alice: Any
    bob: Any
    team: Any

    def ask(self, who: Any, method: str, path: str, body: object = None) -> Reply:
        token = self.emulator.sign_in(who.id).access_token if who else None
        return self.api(method, path, body, access="client", token=token)


@pytest.fixture
def world(emulator: StackEmulator, api: Api) -> World:
    alice, bob = (
        emulator.create_user(primary_email=f"{name}@example.com", password="correct horse")
        for name in ("alice", "bob")
    )
    team = emulator.create_team("Team", creator=alice.id)
    emulator.add_member(team.id, bob.id)
    return World(emulator, api, alice, bob, team)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/teams?user_id={alice}"),
        ("GET", "/teams"),
        ("GET", "/auth/sessions?user_id={alice}"),
        ("GET", "/contact-channels"),
        ("GET", "/contact-channels/{alice}/{channel}"),
        ("GET", "/project-permissions?user_id={alice}"),
        ("GET", "/team-permissions?user_id={alice}"),
        ("GET", "/user-api-keys?user_id={alice}"),
        ("PATCH", "/team-member-profiles/{team}/{alice}"),
        ("POST", "/teams"),
    ],
)
def test_what_is_somebody_elses_is_forbidden(world: World, method: str, path: str) -> None:
    path = path.format(alice=world.alice.id, channel=world.alice.channels[0].id, team=world.team.id)
    body: dict[str, str] | None = {} if method == "PATCH" else None
    if method == "POST":
        body = {"display_name": "X", "creator_user_id": world.alice.id}
    refused = world.ask(world.bob, method, path, body)
    assert (refused.status, refused.code) == (403, None)


def test_teams_and_their_members(world: World) -> None:
    made = world.ask(world.alice, "POST", "/teams", {"display_name": "Second"})
    assert made.status == 201
    mine = world.ask(world.alice, "GET", "/teams?user_id=me").json["items"]
    assert [team["display_name"] for team in mine] == ["Team", "Second"]
    path = f"/teams/{world.team.id}"
    assert world.ask(world.alice, "PATCH", path, {"display_name": "First"}).status == 200
    assert world.team.display_name == "First"
    assert world.ask(world.bob, "GET", path).json["display_name"] == "First"
    assert world.ask(world.bob, "DELETE", path).code == "TEAM_PERMISSION_REQUIRED"
    assert world.ask(world.bob, "GET", f"/teams/{made.json['id']}").code == (
        "TEAM_MEMBERSHIP_NOT_FOUND"
    )
    assert world.ask(None, "GET", path).code == "USER_AUTHENTICATION_REQUIRED"
    assert world.ask(world.alice, "DELETE", path).status == 200


def test_members_leave_and_are_removed(world: World) -> None:
    path = f"/team-memberships/{world.team.id}"
    assert world.ask(world.bob, "DELETE", f"{path}/{world.alice.id}").code == (
        "TEAM_PERMISSION_REQUIRED"
    )
    assert world.ask(world.bob, "DELETE", f"{path}/me").status == 200
    again = f"{path}/{world.bob.id}"
    assert world.api("POST", again, {}).status == 201
    assert world.api("POST", again, {}).code == "TEAM_MEMBERSHIP_ALREADY_EXISTS"
    assert world.ask(world.alice, "DELETE", again).status == 200
    assert world.api("DELETE", again).code == "TEAM_MEMBERSHIP_NOT_FOUND"


def test_profiles_of_members(world: World) -> None:
    path = f"/team-member-profiles/{world.team.id}"
    assert world.ask(world.bob, "PATCH", f"{path}/me", {"display_name": "B"}).status == 200
    assert world.ask(world.alice, "GET", f"{path}/{world.bob.id}").json["display_name"] == "B"
    assert world.ask(world.alice, "GET", "/team-member-profiles").status == 400
    by_server = world.api("GET", f"/team-member-profiles?user_id={world.bob.id}").json["items"]
    assert [item["user"]["id"] for item in by_server] == [world.bob.id]


def test_own_api_keys(world: World) -> None:
    body = {"user_id": "me", "description": "mine", "expires_at_millis": None}
    made = world.ask(world.alice, "POST", "/user-api-keys", body).json
    path = f"/user-api-keys/{made['id']}"
    assert world.ask(world.alice, "GET", path).json["value"] == {"last_four": made["value"][-4:]}
    assert world.ask(world.bob, "GET", path).status == 403
    changed = world.ask(world.alice, "PATCH", path, {"description": "old", "revoked": True}).json
    assert changed["description"] == "old"
    again = world.ask(world.alice, "PATCH", path, {"revoked": True}).json
    assert again["manually_revoked_at_millis"] == changed["manually_revoked_at_millis"]
    check = world.api("POST", "/user-api-keys/check", {"api_key": made["value"]})
    assert check.outcome == (401, "API_KEY_REVOKED")
    assert world.api("GET", f"/user-api-keys?user_id={UNKNOWN}").json["items"] == []
    assert world.api("GET", f"/user-api-keys/{UNKNOWN}").code == "API_KEY_NOT_FOUND"
    assert world.ask(world.alice, "GET", path + "?user_id=me").status == 200
    assert world.ask(world.alice, "GET", f"{path}?user_id={world.bob.id}").status == 200


@pytest.mark.parametrize("owner", ["user", "team"])
def test_api_keys_may_be_off(owner: str) -> None:
    config = {"allow_user_api_keys": False, "allow_team_api_keys": False}
    api = Api(StackEmulator({"projects": {"p": {"id": "p", "config": config}}}))
    refused = api("GET", f"/{owner}-api-keys?{owner}_id={UNKNOWN}")
    assert (refused.status, refused.code) == (400, None)


def test_own_addresses(world: World) -> None:
    body = {"user_id": "me", "type": "email", "value": "b2@example.com", "used_for_auth": False}
    made = world.ask(world.bob, "POST", "/contact-channels", body).json
    assert (made["is_verified"], made["is_primary"]) == (False, False)
    assert world.ask(world.bob, "POST", "/contact-channels", body).status == 400
    path = f"/contact-channels/me/{made['id']}"
    assert world.ask(world.bob, "PATCH", path, {"is_primary": True}).json["is_primary"]
    assert world.bob.primary_email == "b2@example.com"
    taken = body | {"value": "alice@example.com", "used_for_auth": True}
    refused = world.ask(world.bob, "POST", "/contact-channels", taken)
    assert refused.code == "CONTACT_CHANNEL_ALREADY_USED_FOR_AUTH_BY_SOMEONE_ELSE"
    assert world.ask(world.bob, "DELETE", path).status == 200
    assert world.bob.primary_email is None


def test_granting_is_for_servers(world: World) -> None:
    path = f"/team-permissions/{world.team.id}/{world.bob.id}/$update_team"
    refused = world.ask(world.bob, "POST", path, {})
    assert refused.json["details"]["allowed_access_types"] == ["server", "admin"]
    assert world.api("POST", path, {}).status == 201
    assert world.api("DELETE", path).status == 200
    assert world.api("DELETE", path).code == "TEAM_PERMISSION_NOT_FOUND"


@pytest.mark.parametrize("enabled", [True, False])
def test_leaving_the_project(enabled: bool) -> None:  # noqa: FBT001 - from the table
    config = {"client_user_deletion_enabled": enabled, "client_team_creation_enabled": enabled}
    emulator = StackEmulator({"projects": {"p": {"id": "p", "config": config}}})
    api, user = Api(emulator), emulator.create_user()
    token = emulator.sign_in(user.id).access_token
    team = api("POST", "/teams", {"display_name": "X"}, access="client", token=token)
    assert team.status == (201 if enabled else 403)
    left = api("DELETE", "/users/me", access="client", token=token)
    assert left.status == (200 if enabled else 400)


def test_upgrading_an_anonymous_user(emulator: StackEmulator, api: Api) -> None:
    ghost, other = emulator.anonymous(), emulator.create_user()
    emulator.sign_in(other.id)
    body = {"email": "ghost@example.com", "password": "correct horse"}
    made = api(
        "POST",
        "/auth/password/sign-up",
        body,
        access="client",
        token=ghost.access_token,
        allow_anonymous_user="true",
    ).json
    assert made["user_id"] == ghost.user_id
    owners = [session.user_id for session in emulator.project.sessions.values()]
    assert sorted(owners) == sorted([other.id, ghost.user_id])
    assert ghost.session_id not in emulator.project.sessions


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"x-stack-access-type": "client"}, "ACCESS_TYPE_WITHOUT_PROJECT_ID"),
        ({"x-stack-secret-server-key": "ssk_x"}, "PROJECT_KEY_WITHOUT_ACCESS_TYPE"),
        ({"x-stack-access-token": "x"}, "ACCESS_TYPE_REQUIRED"),
    ],
)
def test_who_calls_must_be_said(api: Api, headers: dict[str, str], code: str) -> None:
    assert api.raw("GET", f"{API}/users/me", headers).code == code


def test_what_a_reason_needs(api: Api) -> None:
    for field in ("restricted_by_admin_reason", "restricted_by_admin_private_details"):
        assert api("POST", "/users", {field: "x"}).code == "SCHEMA_ERROR"


def test_a_picture_needs_a_url(api: Api) -> None:
    assert api("POST", "/users", {"profile_image_url": "nope"}).code == "SCHEMA_ERROR"


def test_ending_a_session(world: World) -> None:
    own, other = world.emulator.sign_in(world.bob.id), world.emulator.sign_in(world.alice.id)
    path = "/auth/sessions"
    current = world.api(
        "DELETE",
        f"{path}/{own.session_id}?user_id=me",
        access="client",
        token=own.access_token,
    )
    assert current.code == "CANNOT_DELETE_CURRENT_SESSION"
    assert world.ask(world.bob, "DELETE", f"{path}/{other.session_id}?user_id=me").status == 404
    assert world.ask(world.bob, "DELETE", f"{path}/{own.session_id}?user_id=me").status == 200
    signed_out = world.ask(None, "DELETE", f"{path}/current")
    assert signed_out.json["details"]["user_id"] is None


def test_a_project_may_ask_for_the_clients_key() -> None:
    config = {"require_publishable_client_key": True}
    emulator = StackEmulator({"projects": {"p": {"id": "p", "config": config}}})
    headers = {"x-stack-access-type": "client", "x-stack-project-id": "p"}
    refused = Api(emulator).raw("GET", f"{API}/projects/current", headers)
    assert refused.code == "PUBLISHABLE_CLIENT_KEY_REQUIRED_FOR_PROJECT"
