"""Which events there are, and that their bodies look like the recorded ones."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from stack_fastapi.emulator import EVENT_TYPES, StackEmulator
from stack_fastapi.emulator.webhooks.webhooks import body

from .emulator_api import Api

RECORDED = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "recordings" / "webhooks.jsonl")
    .read_text()
    .splitlines()
]
URL = "http://localhost/webhooks"


class Ear:
    """Hears all messages of an emulator."""

    def __init__(self, emulator: StackEmulator, **options: Any) -> None:
        self._emulator = emulator
        emulator.webhooks.add(URL, post=lambda *_: 204, **options)

    @property
    def heard(self) -> list[Any]:
        return [json.loads(item.content) for item in self._emulator.webhooks.deliveries]

    def told(self) -> list[tuple[str, Any]]:
        return [(message["type"], message["data"]) for message in self.heard]


@pytest.fixture
def ear(emulator: StackEmulator) -> Ear:
    return Ear(emulator)


def live_a_life(emulator: StackEmulator, api: Api) -> None:
    """Every event at least once, over HTTP."""
    signed_up = {"email": "a@example.com", "password": "correct horse"}
    guest = api("POST", "/auth/anonymous/sign-up").json
    api("POST", "/auth/password/sign-up", signed_up, token=guest["access_token"])
    alice = api("POST", "/users", {"primary_email": "alice@example.com"}).json["id"]
    api("PATCH", f"/users/{alice}", {"restricted_by_admin": True})
    emulator.define_permission("read")
    api("POST", f"/project-permissions/{alice}/read", {})
    api("DELETE", f"/project-permissions/{alice}/read")
    first = {"display_name": "Team", "server_metadata": {"z": 3}}
    team = api("POST", "/teams", first).json["id"]
    api("PATCH", f"/teams/{team}", {"client_metadata": {"c": 1}})
    api("POST", f"/team-memberships/{team}/{alice}", {})
    api("POST", f"/team-permissions/{team}/{alice}/$read_members", {})
    api("DELETE", f"/team-permissions/{team}/{alice}/$read_members")
    api("DELETE", f"/team-memberships/{team}/{alice}")
    api("POST", f"/team-memberships/{team}/{alice}", {})
    api("DELETE", f"/users/{alice}")
    api("DELETE", f"/teams/{team}")


def test_the_recorded_types_are_known_and_each_is_sent(
    emulator: StackEmulator, api: Api, ear: Ear
) -> None:
    live_a_life(emulator, api)
    assert {message["type"] for message in RECORDED} == set(EVENT_TYPES)
    assert {message["type"] for message in ear.heard} == set(EVENT_TYPES)


def shape(value: Any) -> Any:
    """Keys and types; metadata is free, and null stands for any type beside it."""
    return {key: type(item) for key, item in value.items()}


@pytest.mark.parametrize("event", EVENT_TYPES)
def test_the_bodies_have_the_recorded_keys_and_types(
    emulator: StackEmulator, api: Api, ear: Ear, event: str
) -> None:
    live_a_life(emulator, api)
    recorded = [shape(message["data"]) for message in RECORDED if message["type"] == event]
    sent = [message for message in ear.heard if message["type"] == event]
    for message in sent:
        assert list(message) == ["type", "data"]
        for key, kind in shape(message["data"]).items():
            assert kind in {None.__class__, *(shape_[key] for shape_ in recorded)} or (
                key.endswith("metadata") or key.startswith("restricted_by_admin_")
            )
        assert {frozenset(message["data"])} == {frozenset(shape_) for shape_ in recorded}


def test_a_change_from_python_is_told_like_one_over_http(emulator: StackEmulator, ear: Ear) -> None:
    user = emulator.create_user(display_name="Alice")
    emulator.update_user(user.id, display_name="Al")
    team = emulator.create_team("Team", creator=user.id)
    emulator.delete_user(user.id)
    assert [event for event, _ in ear.told()] == [
        "user.created",
        "user.updated",
        "team.created",
        "user.deleted",
    ]
    names = [message["data"].get("display_name") for message in ear.heard]
    assert names == ["Alice", "Al", "Team", None]
    assert ear.heard[-1]["data"] == {"id": user.id, "teams": [{"id": team.id}]}


def test_a_new_member_gets_permissions_and_a_deleted_team_is_one_event(
    emulator: StackEmulator, ear: Ear
) -> None:
    user, team = emulator.create_user(), emulator.create_team("Team")
    emulator.add_member(team.id, user.id)
    ids = {"team_id": team.id, "user_id": user.id}
    assert ear.told()[2:] == [
        ("team_membership.created", ids),
        ("team_permission.created", {"id": "team_member", **ids}),
    ]
    Api(emulator)("DELETE", f"/teams/{team.id}")
    assert ear.told()[4:] == [("team.deleted", {"id": team.id})]


def test_a_team_on_sign_up_is_told_of(emulator: StackEmulator) -> None:
    made = StackEmulator(
        {"projects": {"p": {"id": "p", "config": {"create_team_on_sign_up": True}}}}
    )
    ear = Ear(made)
    made.create_user()
    assert [event for event, _ in ear.told()] == ["user.created", "team.created"]
    assert ear.heard[0]["data"]["selected_team_id"] is None  # not yet


def test_an_anonymous_user_who_signs_up_is_updated(
    emulator: StackEmulator, api: Api, ear: Ear
) -> None:
    guest = emulator.anonymous()
    form = {"email": "a@example.com", "password": "correct horse"}
    api("POST", "/auth/password/sign-up", form, token=guest.access_token)
    assert [event for event, _ in ear.told()] == ["user.created"]  # refused without the header
    api(
        "POST",
        "/auth/password/sign-up",
        form,
        token=guest.access_token,
        allow_anonymous_user="true",
    )
    event, data = ear.told()[-1]
    assert (event, data["id"], data["is_anonymous"]) == ("user.updated", guest.user_id, False)


def test_what_is_refused_or_only_looked_at_is_not_told(
    emulator: StackEmulator, api: Api, ear: Ear
) -> None:
    user = emulator.create_user(primary_email="a@example.com", password="pw")
    before = len(ear.heard)
    api("POST", "/users", {"primary_email": "a@example.com", "primary_email_auth_enabled": True})
    api("DELETE", f"/project-permissions/{user.id}/unknown")
    api("GET", f"/users/{user.id}")
    emulator.sign_in(user.id)
    assert len(ear.heard) == before


def test_a_receiver_may_want_some_events_and_one_project(emulator: StackEmulator) -> None:
    several = StackEmulator({"projects": {"one": {"id": "1"}, "two": {"id": "2"}}})
    ear = Ear(several, types=["user.deleted"], project="two")
    for project in ("one", "two"):
        user = several.create_user(project)
        several.delete_user(user.id)
    assert Counter(event for event, _ in ear.told()) == {"user.deleted": 1}


def test_text_is_sent_as_it_is(emulator: StackEmulator) -> None:
    emulator.webhooks.add(URL)
    emulator.create_user(display_name="Zoë")
    (delivery,) = emulator.webhooks.deliveries
    assert "Zoë".encode() in delivery.content
    assert b'{"type":"user.created","data":{' in delivery.content


def test_there_are_no_other_events() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        body("nonsense", {})  # type: ignore[arg-type]
