"""API keys under another owner's name: a server may do everything, a client nothing.

The real server does not compare the owner in the query with the key's own. An app that passes a
caller's ids on must do that itself, and its tests must be able to show that it does.
"""

from __future__ import annotations

from typing import Any

import pytest

from stack_fastapi.emulator import StackEmulator

from .emulator_api import Api, Reply, StandingClock

NOBODY = "a1b2c3d4-0000-4000-8000-000000000001"
MINUTE = 60_000


class Owners:
    """Two people with a team and keys each; the keys of the first one are asked for."""

    def __init__(self, emulator: StackEmulator, api: Api, kind: str) -> None:
        self._api, self._kind = api, kind
        one, two = emulator.create_user(), emulator.create_user()
        teams = [emulator.create_team("T", creator=user.id).id for user in (one, two)]
        self.own, self.foreign = teams if kind == "team" else (one.id, two.id)
        self.own_token = emulator.sign_in(one.id).access_token
        self.foreign_token = emulator.sign_in(two.id).access_token
        made = api("POST", self.path(), self.body(self.own)).json
        self.key_id, self.text = made["id"], made["value"]

    def path(self, below: str = "") -> str:
        return f"/{self._kind}-api-keys{below}"

    def body(self, owner: str, **fields: Any) -> dict[str, Any]:
        base = {f"{self._kind}_id": owner, "description": "d", "expires_at_millis": None}
        return base | fields

    def ask(self, method: str, owner: str, body: object = None, **options: Any) -> Reply:
        path = self.path(f"/{self.key_id}?{self._kind}_id={owner}")
        return self._api(method, path, body, **options)

    def check(self) -> Reply:
        return self._api("POST", self.path("/check"), {"api_key": self.text})


@pytest.fixture(params=["user", "team"])
def owners(emulator: StackEmulator, api: Api, request: pytest.FixtureRequest) -> Owners:
    return Owners(emulator, api, request.param)


def test_a_server_reads_any_key_whatever_owner_it_names(owners: Owners) -> None:
    shown = owners.ask("GET", owners.own).json
    assert shown["id"] == owners.key_id
    for owner in (owners.foreign, NOBODY):
        assert owners.ask("GET", owner).json == shown


def test_a_server_changes_and_revokes_any_key_whatever_owner_it_names(owners: Owners) -> None:
    for place, owner in enumerate((owners.foreign, NOBODY)):
        changed = owners.ask("PATCH", owner, {"description": f"renamed {place}"})
        assert changed.json["description"] == f"renamed {place}"
    assert owners.check().status == 200
    assert owners.ask("PATCH", owners.foreign, {"revoked": True}).status == 200
    assert owners.check().outcome == (401, "API_KEY_REVOKED")


def test_a_client_manages_its_own_key_whatever_owner_it_names(owners: Owners) -> None:
    for owner in (owners.own, owners.foreign, NOBODY):
        shown = owners.ask("GET", owner, access="client", token=owners.own_token)
        assert (shown.status, shown.json["id"]) == (200, owners.key_id)


def test_a_client_never_reaches_another_owners_key(owners: Owners) -> None:
    refused = {"/user-api-keys": (403, None), "/team-api-keys": (404, "API_KEY_NOT_FOUND")}
    for owner in (owners.own, owners.foreign, NOBODY):
        for method, body in (("GET", None), ("PATCH", {"revoked": True})):
            asked = owners.ask(method, owner, body, access="client", token=owners.foreign_token)
            assert asked.outcome == refused[owners.path()]
    assert owners.check().status == 200


def test_who_me_is_does_not_matter_to_whose_key_it_is(emulator: StackEmulator, api: Api) -> None:
    owners = Owners(emulator, api, "user")
    asked = owners.ask("GET", "me", access="client", token=owners.foreign_token)
    assert asked.outcome == (403, None)
    assert owners.ask("GET", "me").code == "CANNOT_GET_OWN_USER_WITHOUT_USER"


def test_a_key_of_another_project_is_not_found() -> None:
    world = {"projects": {name: {"id": name} for name in ("one", "two")}}
    emulator = StackEmulator(world)
    owner = emulator.create_user("one")
    key = emulator.create_user_api_key(owner.id)
    (key_id,) = emulator.projects["one"].api_keys
    path = f"/user-api-keys/{key_id}?user_id={owner.id}"
    assert Api(emulator, "two")("GET", path).outcome == (404, "API_KEY_NOT_FOUND")
    checked = Api(emulator, "two")("POST", "/user-api-keys/check", {"api_key": key})
    assert checked.outcome == (404, "API_KEY_NOT_FOUND")


def test_an_expiry_of_nothing_is_none(owners: Owners, api: Api) -> None:
    for nothing in (0, 0.0, "0", None):
        made = api("POST", owners.path(), owners.body(owners.own, expires_at_millis=nothing))
        assert made.status == 200
        assert "expires_at_millis" not in made.json


def test_an_expiry_loses_its_fraction(owners: Owners, api: Api, clock: StandingClock) -> None:
    soon = int(clock() * 1000) + MINUTE
    made = api("POST", owners.path(), owners.body(owners.own, expires_at_millis=soon + 0.5))
    assert made.json["expires_at_millis"] == soon
    check = owners.path("/check")
    assert api("POST", check, {"api_key": made.json["value"]}).status == 200
    clock.now += 61
    assert api("POST", check, {"api_key": made.json["value"]}).code == "API_KEY_EXPIRED"


@pytest.mark.parametrize("wrong", ["soon", True, [], "1e999"])
def test_an_expiry_is_a_number(owners: Owners, api: Api, wrong: object) -> None:
    made = api("POST", owners.path(), owners.body(owners.own, expires_at_millis=wrong))
    assert made.outcome == (400, "SCHEMA_ERROR")


@pytest.mark.parametrize("yes", [True, "true", "TRUE", 1])
def test_a_key_is_revoked_by_a_word_as_well(owners: Owners, yes: object) -> None:
    changed = owners.ask("PATCH", owners.own, {"revoked": yes})
    assert changed.json["manually_revoked_at_millis"] > 0
    assert owners.check().code == "API_KEY_REVOKED"
    renamed = owners.ask("PATCH", owners.own, {"description": "z"})
    assert renamed.json["description"] == "z"
    assert renamed.json["manually_revoked_at_millis"] == changed.json["manually_revoked_at_millis"]


@pytest.mark.parametrize("no", [False, "false", None, "yes"])
def test_a_key_is_never_unrevoked(owners: Owners, no: object) -> None:
    assert owners.ask("PATCH", owners.own, {"revoked": no}).outcome == (400, "SCHEMA_ERROR")
    assert owners.check().status == 200
