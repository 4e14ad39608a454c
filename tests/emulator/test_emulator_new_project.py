"""What a project has that nobody set up, and what a seed says about providers."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from stack_fastapi.emulator import StackEmulator

from .emulator_api import Api

ADMIN = [
    "$delete_team",
    "$invite_members",
    "$manage_api_keys",
    "$read_members",
    "$remove_members",
    "$update_team",
]
MEMBER = ["$invite_members", "$read_members"]
PROVIDERS = ["github", "google"]


def bare(**fields: Any) -> StackEmulator:
    return StackEmulator({"projects": {"bare": {"id": "bare", **fields}}})


def with_own_teams() -> tuple[StackEmulator, Api]:
    emulator = bare(config={"create_team_on_sign_up": True})
    return emulator, Api(emulator)


def held(api: Api, team_id: str, user_id: str, query: str = "") -> list[str]:
    path = f"/team-permissions?team_id={team_id}&user_id={user_id}{query}"
    return [item["id"] for item in api("GET", path).json["items"]]


def claims_of(token: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))


# ---------------------------------------------------------------- permissions


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"config": {"sign_up_enabled": False}},
        {"project_permission_definitions": [{"id": "read"}], "users": [{"permissions": ["read"]}]},
    ],
)
def test_a_project_without_settings_of_team_permissions_has_those_of_a_new_one(
    fields: dict[str, Any],
) -> None:
    emulator = bare(**fields)
    api = Api(emulator)
    listed = api("GET", "/team-permission-definitions", access="admin").json["items"]
    assert [item["id"] for item in listed] == [*ADMIN, "team_admin", "team_member"]
    assert listed[-2] == {
        "id": "team_admin",
        "description": "Default permission for team admins",
        "contained_permission_ids": ADMIN,
    }
    assert listed[-1] == {
        "id": "team_member",
        "description": "Default permission for team members",
        "contained_permission_ids": MEMBER,
    }
    creator, member = emulator.create_user(), emulator.create_user()
    team = api("POST", "/teams", {"display_name": "Fresh", "creator_user_id": creator.id}).json
    emulator.add_member(team["id"], member.id)
    assert held(api, team["id"], creator.id) == ["team_admin"]
    assert held(api, team["id"], creator.id, "&recursive=true") == [*ADMIN, "team_admin"]
    assert held(api, team["id"], member.id) == ["team_member"]
    assert held(api, team["id"], member.id, "&recursive=true") == [*MEMBER, "team_member"]


def test_a_project_with_team_permissions_of_its_own_has_only_those() -> None:
    emulator = bare(team_permission_definitions=[{"id": "billing"}])
    assert not {"team_admin", "team_member"} & emulator.project.definitions.keys()
    user = emulator.create_user()
    team = emulator.create_team("T", creator=user.id)
    assert held(Api(emulator), team.id, user.id) == []


@pytest.mark.parametrize("name", ["team_creator_default_permissions", "user_default_permissions"])
def test_who_says_what_people_hold_is_heard(name: str) -> None:
    emulator = bare(config={name: []})
    config = emulator.project.config
    assert getattr(config, name) == []
    assert config.team_member_default_permissions == ["team_member"]


def test_a_new_project_is_saved_as_what_it_became(tmp_path: Path) -> None:
    emulator = bare()
    emulator.project.config.team_member_default_permissions.clear()
    Api(emulator)("DELETE", "/team-permission-definitions/team_admin", access="admin")
    emulator.save(tmp_path / "saved.json")
    again = StackEmulator(tmp_path / "saved.json").project
    assert again.config == emulator.project.config
    assert again.definitions == emulator.project.definitions


# ---------------------------------------------------------------- a team for each


def test_a_new_user_gets_a_team_of_its_own_which_is_selected() -> None:
    emulator, api = with_own_teams()
    made = api("POST", "/users", {"display_name": "Ada"}).json
    (team,) = api("GET", f"/teams?user_id={made['id']}").json["items"]
    assert team["display_name"] == "Ada's Team"
    assert held(api, team["id"], made["id"]) == ["team_admin"]
    # The answer to the creation is from before that.
    assert (made["selected_team_id"], made["selected_team"]) == (None, None)
    shown = api("GET", f"/users/{made['id']}").json
    assert (shown["selected_team_id"], shown["selected_team"]) == (team["id"], team)
    token = emulator.sign_in(made["id"]).access_token
    assert claims_of(token)["selected_team_id"] == team["id"]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({}, "Personal Team"),
        ({"primary_email": "ada@example.com"}, "ada@example.com's Team"),
        ({"primary_email": "ada@example.com", "display_name": "Ada"}, "Ada's Team"),
    ],
)
def test_the_own_team_is_named_after_its_user(fields: dict[str, str], name: str) -> None:
    emulator, _ = with_own_teams()
    user = emulator.create_user(**fields)
    assert [team.display_name for team in emulator.project.teams_of(user.id)] == [name]


def test_an_anonymous_user_gets_a_team_in_the_user_and_in_the_claim() -> None:
    _, api = with_own_teams()
    made = api("POST", "/auth/anonymous/sign-up", access="client").json
    own: dict[str, Any] = {
        "access": "client",
        "token": made["access_token"],
        "allow_anonymous_user": "true",
    }
    shown = api("GET", "/users/me", **own).json
    assert shown["selected_team"]["display_name"] == "Personal Team"
    assert claims_of(made["access_token"])["selected_team_id"] == shown["selected_team_id"]


def test_who_signs_up_has_the_own_team_in_the_first_token() -> None:
    emulator, api = with_own_teams()
    form = {"email": "ada@example.com", "password": "correct horse"}
    made = api("POST", "/auth/password/sign-up", form, access="client").json
    (team,) = emulator.project.teams.values()
    assert claims_of(made["access_token"])["selected_team_id"] == team.id


# ---------------------------------------------------------------- providers


def social(providers: object = PROVIDERS) -> dict[str, Any]:
    return {
        "oauth_providers": {"social": providers},
        "projects": {"social": {"id": "social"}, "other": {"id": "other"}},
    }


def shown_providers(emulator: StackEmulator, project: str) -> object:
    shown = Api(emulator, project)("GET", "/projects/current", access="client").json
    return shown["config"]["enabled_oauth_providers"]


def test_a_project_shows_the_providers_of_its_seed(tmp_path: Path) -> None:
    emulator = StackEmulator(social())
    for _ in range(2):
        assert shown_providers(emulator, "social") == [{"id": "github"}, {"id": "google"}]
        assert shown_providers(emulator, "other") == []
        emulator.save(tmp_path / "saved.json")
        emulator = StackEmulator(tmp_path / "saved.json")


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (social("github"), "oauth_providers.*'social'"),
        (social([1]), "oauth_providers.*'social'"),
        (social() | {"oauth_providers": {"nope": []}}, "oauth_providers.*'nope'"),
        (social() | {"oauth_providers": ["github"]}, "oauth_providers"),
        (social() | {"issuers": []}, "has what there is not: 'issuers'"),
    ],
)
def test_what_is_wrong_with_a_seed_is_named(wrong: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        StackEmulator(wrong)
