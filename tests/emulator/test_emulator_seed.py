"""What an emulator starts with."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from stack_fastapi.emulator import KnownError, StackEmulator

from .emulator_api import Api

KEY = (
    "sk_z4fnr6w2z7ahetwqmv44q2avcjtb9k31880e0kz5v85q04bf025a0e20c46218aef0606c35eb5c1"
    "user1574ck4u7hd1cbf7ac"
)
ID = "4bf025a0-e20c-4621-8aef-0606c35eb5c1"
USER_ID = "11111111-1111-4111-8111-111111111111"
BOB_ID = "33333333-3333-4333-8333-333333333333"
TEAM_ID = "22222222-2222-4222-8222-222222222222"
EMAIL = "alice@example.com"


def test_what_one_emulator_changes_no_other_one_sees() -> None:
    given = seed(config={"user_default_permissions": ["read"]})
    for start in (None, given):
        one = StackEmulator(start).project
        one.config.user_default_permissions.append("x")
        one.config.team_member_default_permissions.clear()
        for definition in one.definitions.values():
            definition.contained_permission_ids.append("x")
        other, fresh = StackEmulator(start).project, StackEmulator(start).project
        assert (other.config, other.definitions) == (fresh.config, fresh.definitions)
        assert "x" not in other.config.user_default_permissions
        assert all("x" not in item.contained_permission_ids for item in other.definitions.values())


def test_a_mistyped_part_of_a_project_is_named() -> None:
    with pytest.raises(ValueError, match="'main' has what there is not: 'user'"):
        StackEmulator({"projects": {"main": {"id": "p", "user": []}}})


def test_a_webhook_secret_is_the_seeds_or_the_same_each_time() -> None:
    given = f"whsec_{base64.b64encode(bytes(16)).decode()}"
    assert StackEmulator(seed(webhook_secret=given)).project.webhook_secret == given
    absent = {StackEmulator(seed()).project.webhook_secret for _ in range(2)}
    assert absent == {StackEmulator().project.webhook_secret}


@pytest.mark.parametrize("key", [b"", b"k", bytes(15)])
def test_a_webhook_secret_that_is_short_is_refused_and_not_quoted(key: bytes) -> None:
    given = base64.b64encode(key).decode()
    with pytest.raises(ValueError, match="A webhook secret is whsec_ and") as caught:
        StackEmulator(seed(webhook_secret=f"whsec_{given}"))
    assert not given or given not in str(caught.value)


@pytest.mark.parametrize("secret", [None, 1, ["whsec_"], {}])
def test_a_webhook_secret_that_is_no_text_is_refused(secret: object) -> None:
    with pytest.raises(ValueError, match="webhook secret"):
        StackEmulator(seed(webhook_secret=secret))


def seed(**fields: Any) -> dict[str, Any]:
    return {
        "access_token_lifetime_seconds": 60,
        "projects": {
            "main": {
                "id": "p",
                "team_permission_definitions": [{"id": "billing"}],
                "project_permission_definitions": [
                    {"id": "all", "contained_permission_ids": ["read"]},
                    {"id": "read"},
                ],
                **fields,
            }
        },
    }


def full() -> dict[str, Any]:
    return seed(
        users=[
            {"id": USER_ID, "primary_email": EMAIL, "password": "pw", "permissions": ["all"]},
            {"display_name": "Bob"},
            {"id": BOB_ID, "primary_email": "bob@example.com"},
        ],
        teams=[
            {
                "id": TEAM_ID,
                "display_name": "Team",
                "members": [
                    {"user_id": EMAIL, "permissions": ["billing"]},
                    {"user_id": BOB_ID},
                ],
            },
            {"display_name": "Empty"},
        ],
        api_keys=[
            {"user_id": USER_ID, "description": "mine", "value": KEY},
            {"team_id": TEAM_ID, "is_public": True},
        ],
    )


def test_users_teams_and_keys_are_planted() -> None:
    api = Api(StackEmulator(full()))
    signed_in = api("POST", "/auth/password/sign-in", {"email": EMAIL, "password": "pw"})
    assert signed_in.json["user_id"] == USER_ID
    teams = api("GET", f"/teams?user_id={USER_ID}").json["items"]
    assert [team["id"] for team in teams] == [TEAM_ID]
    in_team = api("GET", f"/team-permissions?team_id={TEAM_ID}").json["items"]
    assert [item["id"] for item in in_team] == ["billing"]
    held = api("GET", f"/project-permissions?user_id={USER_ID}&recursive=true").json["items"]
    assert [item["id"] for item in held] == ["all", "read"]
    checked = api("POST", "/user-api-keys/check", {"api_key": KEY}).json
    assert (checked["id"], checked["user_id"], checked["description"]) == (ID, USER_ID, "mine")
    keys = api("GET", f"/team-api-keys?team_id={TEAM_ID}").json["items"]
    assert [key["is_public"] for key in keys] == [True]


def test_a_seed_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    path.write_text(json.dumps(full()))
    emulator = StackEmulator(path)
    assert emulator.project.id == "p"
    assert emulator.project.secret_server_key.startswith("ssk_")


def test_each_new_user_may_get_a_team_and_permissions() -> None:
    config = {"create_team_on_sign_up": True, "user_default_permissions": ["read"]}
    emulator = StackEmulator(seed(config=config))
    user = emulator.create_user(display_name="Alice")
    api = Api(emulator)
    teams = api("GET", f"/teams?user_id={user.id}").json["items"]
    assert [team["display_name"] for team in teams] == ["Alice's Team"]
    assert user.permissions == {"read"}


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({}, "no projects"),
        ({"projects": {"main": {}}}, "'id'"),
        ({"projects": []}, "no projects"),
        ({"projects": ["main"]}, "items"),
        (seed(config={"no_such_rule": True}), "no_such_rule"),
        (seed(users=[{"nickname": "Al"}]), "nickname"),
        (seed(teams=[{"display_name": "T", "members": [{"user_id": "x"}]}]), "'x'"),
        (seed(api_keys=[{"team_id": "x"}]), "team"),
        (seed(users=[{"id": USER_ID}], api_keys=[{"user_id": USER_ID, "value": "sk_x"}]), "well"),
        (
            seed(
                teams=[{"id": TEAM_ID, "display_name": "T"}],
                api_keys=[{"team_id": TEAM_ID, "value": KEY}],
            ),
            "well",
        ),
    ],
)
def test_a_wrong_seed_is_refused(wrong: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        StackEmulator(wrong)


def test_a_permission_that_contains_nothing_known_is_refused() -> None:
    definitions = [{"id": "a", "contained_permission_ids": ["unknown"]}]
    with pytest.raises(KnownError) as caught:
        StackEmulator(seed(project_permission_definitions=definitions))
    assert caught.value.details == {"permission_id": "unknown"}
