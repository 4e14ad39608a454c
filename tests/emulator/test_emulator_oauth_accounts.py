"""Records of users' accounts at other providers, and what the app may ask of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stack_fastapi.emulator import StackEmulator
from stack_fastapi.emulator.state.records import User

from .emulator_api import Api, Reply

PROJECT = "11111111-1111-4111-8111-111111111111"
NOBODY = "a1b2c3d4-0000-4000-8000-000000000001"
SEED = {"oauth_providers": {"main": ["github", "google"]}, "projects": {"main": {"id": PROJECT}}}
TAKEN = (400, "OAUTH_PROVIDER_ACCOUNT_ID_ALREADY_USED_FOR_SIGN_IN")


@pytest.fixture
def emulator() -> StackEmulator:
    return StackEmulator(SEED)


@pytest.fixture
def alice(emulator: StackEmulator) -> User:
    return emulator.create_user(display_name="Alice")


def add(api: Api, user_id: str, account: str = "octocat", **changed: Any) -> Reply:
    body = {
        "user_id": user_id,
        "provider_config_id": "github",
        "account_id": account,
        "email": "octocat@example.com",
        "allow_sign_in": True,
        "allow_connected_accounts": True,
    }
    return api("POST", "/oauth-providers", body | changed)


def listed(api: Api, path: str, **options: Any) -> list[Any]:
    answer = api("GET", path, **options)
    assert answer.json["is_paginated"] is False
    return list(answer.json["items"])


def own(emulator: StackEmulator, user: User) -> dict[str, Any]:
    """Options of a call as this user."""
    return {"token": emulator.sign_in(user.id).access_token, "access": "client"}


def test_a_new_project_has_no_provider() -> None:
    api = Api(StackEmulator())
    user_id = api("POST", "/users", {}).json["id"]
    assert listed(api, f"/oauth-providers?user_id={user_id}") == []
    assert listed(api, f"/connected-accounts/{user_id}") == []
    assert add(api, user_id).outcome == (404, None)
    assert api("GET", "/projects/current").json["config"]["enabled_oauth_providers"] == []


def test_a_seed_says_which_providers_there_are(api: Api) -> None:
    shown = api("GET", "/projects/current").json["config"]["enabled_oauth_providers"]
    assert shown == [{"id": "github"}, {"id": "google"}]


def test_providers_of_a_project_that_is_not_there_are_refused() -> None:
    with pytest.raises(ValueError, match="project 'mian'"):
        StackEmulator(SEED | {"oauth_providers": {"mian": ["github"]}})


def test_a_server_records_an_account(emulator: StackEmulator, api: Api, alice: User) -> None:
    made = add(api, alice.id)
    record = {
        "id": made.json["id"],
        "user_id": alice.id,
        "provider_config_id": "github",
        "type": "github",
        "account_id": "octocat",
        "email": "octocat@example.com",
        "allow_sign_in": True,
        "allow_connected_accounts": True,
    }
    assert (made.status, made.json) == (201, record)
    path = f"/oauth-providers/{alice.id}/{record['id']}"
    assert api("GET", path).json == record
    assert listed(api, f"/oauth-providers?user_id={alice.id}") == [record]
    bob = emulator.create_user()
    assert listed(api, "/oauth-providers") == [record]
    assert listed(api, f"/oauth-providers?user_id={bob.id}") == []
    shown = api("GET", f"/users/{alice.id}").json["oauth_providers"]
    assert shown == [{"id": "github", "account_id": "octocat", "email": "octocat@example.com"}]
    connected = {"user_id": alice.id, "provider": "github", "provider_account_id": "octocat"}
    assert listed(api, f"/connected-accounts/{alice.id}") == [connected]


def test_clients_see_their_own_without_the_accounts_id(
    emulator: StackEmulator, api: Api, alice: User
) -> None:
    record = add(api, alice.id).json
    del record["account_id"]
    mine, others = own(emulator, alice), own(emulator, emulator.create_user())
    assert listed(api, "/oauth-providers?user_id=me", **mine) == [record]
    assert api("GET", f"/oauth-providers/me/{record['id']}", **mine).json == record
    assert len(listed(api, "/connected-accounts/me", **mine)) == 1
    for path in (
        f"/oauth-providers?user_id={alice.id}",
        "/oauth-providers",
        f"/oauth-providers/{alice.id}/{record['id']}",
        f"/connected-accounts/{alice.id}",
    ):
        assert api("GET", path, **others).outcome == (403, None)
    no_user = (400, "CANNOT_GET_OWN_USER_WITHOUT_USER")
    assert api("GET", "/connected-accounts/me", access="client").outcome == no_user
    assert api("GET", "/oauth-providers?user_id=me", access="client").outcome == no_user


def test_who_is_not_there_has_none(api: Api, alice: User) -> None:
    unknown = (404, "USER_NOT_FOUND")
    assert api("GET", f"/oauth-providers?user_id={NOBODY}").outcome == unknown
    assert api("GET", f"/connected-accounts/{NOBODY}").outcome == unknown
    assert add(api, NOBODY).outcome == unknown
    add(api, alice.id)
    assert api("GET", f"/oauth-providers/{alice.id}/{NOBODY}").outcome == (404, None)
    assert api("GET", f"/oauth-providers/{alice.id}/github").outcome == (400, "SCHEMA_ERROR")


def test_an_account_is_looked_for_among_its_owners(
    emulator: StackEmulator, api: Api, alice: User
) -> None:
    account_id, bob = add(api, alice.id).json["id"], emulator.create_user()
    for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
        for owner, account in ((alice.id, NOBODY), (bob.id, account_id)):
            asked = api(method, f"/oauth-providers/{owner}/{account}", body)
            assert asked.outcome == (404, None)
        asked = api(method, f"/oauth-providers/me/{account_id}", body, **own(emulator, bob))
        assert asked.outcome == (404, None)
    assert len(alice.oauth_accounts) == 1


@pytest.mark.parametrize("name", ["user_id", "provider_config_id", "account_id", "allow_sign_in"])
def test_an_account_says_what_it_is(api: Api, alice: User, name: str) -> None:
    body = {
        "user_id": alice.id,
        "provider_config_id": "github",
        "account_id": "octocat",
        "allow_sign_in": True,
        "allow_connected_accounts": True,
    }
    left = {key: value for key, value in body.items() if key != name}
    assert api("POST", "/oauth-providers", left).outcome == (400, "SCHEMA_ERROR")
    made = api("POST", "/oauth-providers", body)
    assert (made.status, "email" in made.json) == (201, False)


def test_only_servers_record_accounts(emulator: StackEmulator, api: Api, alice: User) -> None:
    refused = api("POST", "/oauth-providers", {}, **own(emulator, alice))
    assert refused.outcome == (401, "INSUFFICIENT_ACCESS_TYPE")
    assert add(api, alice.id, provider_config_id="spotify").outcome == (404, None)
    assert add(api, alice.id, foo=1).outcome == (400, "SCHEMA_ERROR")
    assert alice.oauth_accounts == []


def test_nobody_signs_in_with_somebody_elses_account(
    emulator: StackEmulator, api: Api, alice: User
) -> None:
    add(api, alice.id)
    bob = emulator.create_user()
    assert add(api, bob.id).outcome == TAKEN
    assert add(api, bob.id, allow_sign_in=False).status == 201


def test_a_user_has_an_account_once_and_one_of_a_provider_for_signing_in(
    api: Api, alice: User
) -> None:
    add(api, alice.id)
    assert add(api, alice.id, allow_sign_in=False).outcome == (400, None)
    assert add(api, alice.id, "second").outcome == (400, None)
    assert add(api, alice.id, "second", allow_sign_in=False, email=None).status == 201
    path = f"/oauth-providers/{alice.id}/{alice.oauth_accounts[-1].id}"
    assert api("PATCH", path, {"allow_sign_in": True}).outcome == (400, None)
    assert add(api, alice.id, "third", provider_config_id="google").status == 201
    assert [item.account_id for item in alice.oauth_accounts] == ["octocat", "second", "third"]


def test_clients_change_what_their_accounts_are_for(
    emulator: StackEmulator, api: Api, alice: User
) -> None:
    record, mine = add(api, alice.id).json, own(emulator, alice)
    path = f"/oauth-providers/me/{record['id']}"
    changed = api("PATCH", path, {"allow_connected_accounts": False}, **mine)
    assert (changed.status, changed.json["allow_connected_accounts"]) == (200, False)
    assert listed(api, "/connected-accounts/me", **mine) == []
    assert api("PATCH", path, {"account_id": "x"}, **mine).outcome == (400, "SCHEMA_ERROR")
    assert api("PATCH", path, {"allow_sign_in": False}, **mine).json["allow_sign_in"] is False
    assert api("PATCH", path, {"allow_sign_in": True}, **mine).json["allow_sign_in"] is True
    stranger = own(emulator, emulator.create_user())
    there = f"/oauth-providers/{alice.id}/{record['id']}"
    assert api("PATCH", there, {}, **stranger).outcome == (403, None)


def test_servers_change_the_account_itself(emulator: StackEmulator, api: Api, alice: User) -> None:
    path = f"/oauth-providers/{alice.id}/{add(api, alice.id).json['id']}"
    changed = api("PATCH", path, {"account_id": "new", "email": "new@example.com"}).json
    assert (changed["account_id"], changed["email"]) == ("new", "new@example.com")
    assert api("PATCH", path, {}).json == changed
    add(api, alice.id, "second", allow_sign_in=False)
    assert api("PATCH", path, {"account_id": "second"}).outcome == (400, None)
    assert api("GET", path).json == changed


def test_signing_in_again_needs_the_account_to_be_named(
    emulator: StackEmulator, api: Api, alice: User
) -> None:
    """The real server compares with everybody's accounts where the request names none."""
    path = f"/oauth-providers/{alice.id}/{add(api, alice.id, allow_sign_in=False).json['id']}"
    add(api, emulator.create_user().id, "somebody else's")
    assert api("PATCH", path, {"allow_sign_in": True}).outcome == TAKEN
    named = {"allow_sign_in": True, "account_id": "octocat"}
    taken = {"allow_sign_in": True, "account_id": "somebody else's"}
    assert api("PATCH", path, taken).outcome == TAKEN
    assert api("PATCH", path, named).json["allow_sign_in"] is True


def test_an_account_is_forgotten_once(emulator: StackEmulator, api: Api, alice: User) -> None:
    record, mine = add(api, alice.id).json, own(emulator, alice)
    stranger = own(emulator, emulator.create_user())
    path = f"/oauth-providers/{alice.id}/{record['id']}"
    assert api("DELETE", path, **stranger).outcome == (403, None)
    assert api("DELETE", path, **mine).json == {"success": True}
    assert api("DELETE", path, **mine).outcome == (404, None)
    assert api("GET", "/users/me", **mine).json["oauth_providers"] == []
    assert add(api, alice.id).status == 201


def test_an_account_goes_with_its_user(emulator: StackEmulator, api: Api, alice: User) -> None:
    add(api, alice.id)
    api("DELETE", f"/users/{alice.id}")
    assert listed(api, "/oauth-providers") == []
    assert add(api, emulator.create_user().id).status == 201


def test_a_server_makes_a_user_with_accounts(api: Api) -> None:
    account = {"id": "github", "account_id": "octocat"}
    made = api("POST", "/users", {"oauth_providers": [account]}).json
    assert made["oauth_providers"] == [account | {"email": None}]
    (record,) = listed(api, f"/oauth-providers?user_id={made['id']}")
    assert "email" not in record
    assert (record["allow_sign_in"], record["allow_connected_accounts"]) == (True, True)
    assert api("POST", "/users", {"oauth_providers": []}).json["oauth_providers"] == []


@pytest.mark.parametrize("accounts", [[{"id": "github"}], [{"id": "github", "foo": 1}], "x", None])
def test_an_account_has_an_id(api: Api, accounts: object) -> None:
    refused = api("POST", "/users", {"oauth_providers": accounts})
    assert refused.outcome == (400, "SCHEMA_ERROR")


def test_accounts_are_of_the_projects_providers(
    emulator: StackEmulator, api: Api, alice: User
) -> None:
    before = len(emulator.project.users)
    unknown = {"oauth_providers": [{"id": "spotify", "account_id": "x"}]}
    assert api("POST", "/users", unknown).outcome == (400, None)
    assert len(emulator.project.users) == before
    body: dict[str, Any] = {"oauth_providers": []}
    assert api("PATCH", f"/users/{alice.id}", body).outcome == (400, "SCHEMA_ERROR")


def test_accounts_are_saved(emulator: StackEmulator, api: Api, alice: User, tmp_path: Path) -> None:
    add(api, alice.id)
    emulator.save(tmp_path / "saved.json")
    again = StackEmulator(tmp_path / "saved.json")
    assert listed(Api(again), "/oauth-providers") == listed(api, "/oauth-providers")
    assert again.project.users[alice.id].oauth_accounts == alice.oauth_accounts
    assert again.project.config.oauth_providers == ["github", "google"]
