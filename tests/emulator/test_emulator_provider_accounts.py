"""Records of users' accounts at other providers: who sees, makes, changes and deletes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stack_fastapi.emulator import StackEmulator

from .emulator_api import Api, Reply, StandingClock

NOBODY = "a1b2c3d4-0000-4000-8000-000000000001"
ACCOUNTS = "/oauth-providers"
TAKEN = (400, "OAUTH_PROVIDER_ACCOUNT_ID_ALREADY_USED_FOR_SIGN_IN")


class World:
    """Two users of a project with two providers; the first one has an account."""

    def __init__(self, clock: StandingClock) -> None:
        config = {"oauth_providers": ["github", "google"]}
        self.emulator = StackEmulator(
            {"projects": {"p": {"id": "p", "config": config}}}, clock=clock
        )
        self.api = Api(self.emulator)
        self.ada, self.bob = self.emulator.create_user().id, self.emulator.create_user().id
        made = self.make()
        self.made = made.json
        self.path = f"{ACCOUNTS}/{self.ada}/{self.made['id']}"

    def make(self, **changes: Any) -> Reply:
        body = {
            "user_id": self.ada,
            "provider_config_id": "github",
            "account_id": "1",
            "email": "ada@example.com",
            "allow_sign_in": True,
            "allow_connected_accounts": True,
        }
        body = {name: value for name, value in (body | changes).items() if value is not None}
        return self.api("POST", ACCOUNTS, body)

    def client(self, user_id: str) -> dict[str, Any]:
        return {"access": "client", "token": self.emulator.sign_in(user_id).access_token}

    def listed(self, query: str = "") -> list[Any]:
        items: list[Any] = self.api("GET", f"{ACCOUNTS}{query}").json["items"]
        return items


@pytest.fixture
def world(clock: StandingClock) -> World:
    return World(clock)


def test_a_server_makes_an_account_and_everybody_sees_it(world: World) -> None:
    assert world.made == {
        "id": world.made["id"],
        "user_id": world.ada,
        "provider_config_id": "github",
        "type": "github",
        "account_id": "1",
        "email": "ada@example.com",
        "allow_sign_in": True,
        "allow_connected_accounts": True,
    }
    assert world.api("GET", world.path).json == world.made
    assert world.listed() == world.listed(f"?user_id={world.ada}") == [world.made]
    assert world.listed(f"?user_id={world.bob}") == []
    shown = {name: value for name, value in world.made.items() if name != "account_id"}
    own = world.client(world.ada)
    assert world.api("GET", f"{ACCOUNTS}/me/{world.made['id']}", **own).json == shown
    assert world.api("GET", f"{ACCOUNTS}?user_id=me", **own).json["items"] == [shown]
    in_user = [{"id": "github", "account_id": "1", "email": "ada@example.com"}]
    assert world.api("GET", f"/users/{world.ada}").json["oauth_providers"] == in_user


def test_an_account_may_have_no_address(world: World) -> None:
    made = world.make(account_id="2", email=None, provider_config_id="google")
    assert (made.status, "email" in made.json) == (201, False)


def test_users_see_their_own_accounts_alone(world: World) -> None:
    bob = world.client(world.bob)
    for path in (ACCOUNTS, f"{ACCOUNTS}?user_id={world.ada}", world.path):
        assert world.api("GET", path, **bob).outcome == (403, None)
    assert world.api("GET", f"/connected-accounts/{world.ada}", **bob).outcome == (403, None)
    for method, body in (("PATCH", {"allow_sign_in": False}), ("DELETE", None)):
        assert world.api(method, world.path, body, **bob).outcome == (403, None)
        foreign = f"{ACCOUNTS}/me/{world.made['id']}"
        assert world.api(method, foreign, body, **bob).outcome == (404, None)
    assert world.api("POST", ACCOUNTS, {}, **bob).code == "INSUFFICIENT_ACCESS_TYPE"
    nobody = world.api("GET", f"{ACCOUNTS}?user_id=me", access="client")
    assert nobody.code == "CANNOT_GET_OWN_USER_WITHOUT_USER"
    assert world.listed() == [world.made]


def test_who_is_not_there_has_no_accounts(world: World) -> None:
    gone = (404, "USER_NOT_FOUND")
    assert world.api("GET", f"{ACCOUNTS}?user_id={NOBODY}").outcome == gone
    assert world.api("GET", f"/connected-accounts/{NOBODY}").outcome == gone
    assert world.make(user_id=NOBODY).outcome == gone
    for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
        for owner, account in ((world.ada, NOBODY), (world.bob, world.made["id"])):
            asked = world.api(method, f"{ACCOUNTS}/{owner}/{account}", body)
            assert asked.outcome == (404, None)
    assert world.api("GET", f"{ACCOUNTS}/{world.ada}/github").outcome == (400, "SCHEMA_ERROR")


@pytest.mark.parametrize("name", ["user_id", "provider_config_id", "account_id", "allow_sign_in"])
def test_an_account_says_what_it_is(world: World, name: str) -> None:
    assert world.make(**{name: None}).outcome == (400, "SCHEMA_ERROR")
    assert world.make(foo=1).outcome == (400, "SCHEMA_ERROR")


def test_a_project_has_the_providers_that_it_names(world: World) -> None:
    assert world.make(provider_config_id="spotify").outcome == (404, None)


def test_one_account_of_a_kind_is_for_signing_in(world: World) -> None:
    assert world.make(account_id="2").outcome == (400, None)
    second = world.make(account_id="2", allow_sign_in=False)
    assert second.status == 201
    path = f"{ACCOUNTS}/{world.ada}/{second.json['id']}"
    assert world.api("PATCH", path, {"allow_sign_in": True}).outcome == (400, None)
    assert world.api("PATCH", path, {"account_id": "1"}).outcome == (400, None)
    assert world.make(allow_sign_in=False).outcome == (400, None)  # the same account again


def test_an_account_lets_one_user_in(world: World) -> None:
    assert world.make(user_id=world.bob).outcome == TAKEN
    second = world.make(user_id=world.bob, allow_sign_in=False)
    assert second.status == 201
    path = f"{ACCOUNTS}/{world.bob}/{second.json['id']}"
    wanted = {"allow_sign_in": True, "account_id": "1"}
    assert world.api("PATCH", path, wanted).outcome == TAKEN
    # Without an account's id, every other one counts.
    assert world.api("PATCH", path, {"allow_sign_in": True}).outcome == TAKEN
    world.api("DELETE", world.path)
    assert world.api("PATCH", path, wanted).json["allow_sign_in"] is True


def test_users_say_what_an_account_is_for_and_servers_whose_it_is(world: World) -> None:
    own = world.client(world.ada)
    changed = world.api("PATCH", world.path, {"allow_sign_in": False}, **own).json
    assert (changed["allow_sign_in"], changed["allow_connected_accounts"]) == (False, True)
    refused = world.api("PATCH", world.path, {"account_id": "x"}, **own)
    assert refused.outcome == (400, "SCHEMA_ERROR")
    fields = {"account_id": "3", "email": "lovelace@example.com"}
    assert world.api("PATCH", world.path, fields).json.items() >= fields.items()
    assert world.api("PATCH", world.path, {}).json.items() >= fields.items()


def test_connected_accounts_are_those_whose_tokens_may_be_asked_for(world: World) -> None:
    path, own = "/connected-accounts/me", world.client(world.ada)
    listed = {"user_id": world.ada, "provider": "github", "provider_account_id": "1"}
    assert world.api("GET", path, **own).json == {"items": [listed], "is_paginated": False}
    assert world.api("GET", f"/connected-accounts/{world.ada}").json["items"] == [listed]
    world.api("PATCH", world.path, {"allow_connected_accounts": False}, **own)
    assert world.api("GET", path, **own).json["items"] == []


def test_a_deleted_account_is_gone(world: World) -> None:
    own = world.client(world.ada)
    assert world.api("DELETE", world.path, **own).json == {"success": True}
    assert world.api("DELETE", world.path, **own).outcome == (404, None)
    assert world.listed() == []
    assert world.make().status == 201


def test_accounts_are_saved(world: World, tmp_path: Path) -> None:
    world.emulator.save(tmp_path / "saved.json")
    again = Api(StackEmulator(tmp_path / "saved.json"))
    assert again("GET", ACCOUNTS).json["items"] == [world.made]
    assert again("GET", world.path).json == world.made


def test_an_account_goes_with_its_user(world: World) -> None:
    world.api("DELETE", f"/users/{world.ada}")
    assert world.listed() == []
    assert world.make(user_id=world.bob).status == 201
