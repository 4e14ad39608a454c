"""Who may accept an invitation to a team, and who takes it back, as at the real server."""

from __future__ import annotations

from typing import Any

import pytest

from stack_fastapi.emulator import StackEmulator
from stack_fastapi.emulator.errors import CATALOGUE

from .emulator_api import Api, Reply

INVITED = "invited@example.com"
PAGE = "http://localhost:3000/invited"
NOBODY = "a1b2c3d4-0000-4000-8000-000000000001"
ACCEPT = "/team-invitations/accept"
USED = (409, "VERIFICATION_CODE_ALREADY_USED")


class World:
    """Two teams, an invitation to the first one, and somebody who was not invited."""

    def __init__(self, emulator: StackEmulator, api: Api) -> None:
        self.emulator, self.api = emulator, api
        self.owner, self.guest, self.rival = (
            emulator.create_user(primary_email=f"{name}@example.com")
            for name in ("owner", "guest", "rival")
        )
        self.team = emulator.create_team("Band", creator=self.owner.id)
        self.rivals = emulator.create_team("Rivals", creator=self.rival.id)
        self.id, self.code = self.invite()

    def invite(self, email: str = INVITED) -> tuple[str, str]:
        body = {"team_id": self.team.id, "email": email, "callback_url": PAGE}
        sent = self.api("POST", "/team-invitations/send-code", body).json
        return sent["id"], self.emulator.sent_emails[-1].code

    def client(self, user: Any) -> dict[str, Any]:
        return {"access": "client", "token": self.emulator.sign_in(user.id).access_token}

    def use(self, path: str, code: str | None = None, **options: Any) -> Reply:
        return self.api("POST", path, {"code": code or self.code}, **options)

    def is_member(self, user: Any) -> bool:
        return (self.team.id, user.id) in self.emulator.project.memberships

    def listed(self) -> list[Any]:
        items: list[Any] = self.api("GET", f"/team-invitations?team_id={self.team.id}").json[
            "items"
        ]
        return items


@pytest.fixture
def world(emulator: StackEmulator, api: Api) -> World:
    return World(emulator, api)


def test_whoever_has_the_code_joins_whatever_address_it_went_to(world: World) -> None:
    guest = world.client(world.guest)
    shown = world.use(f"{ACCEPT}/details", **guest).json
    assert shown == {"team_id": world.team.id, "team_display_name": "Band"}
    assert world.use(ACCEPT, **guest).json == {}
    assert world.is_member(world.guest)
    membership = world.emulator.project.memberships[world.team.id, world.guest.id]
    assert membership.permissions == {"team_member"}
    for path in (ACCEPT, f"{ACCEPT}/details", f"{ACCEPT}/check-code"):
        for options in (guest, world.client(world.rival), {}):
            assert world.use(path, **options).outcome == USED
    assert not world.is_member(world.rival)


def test_there_is_no_error_about_another_address() -> None:
    assert "TEAM_INVITATION_EMAIL_MISMATCH" not in CATALOGUE


def test_a_server_accepts_for_the_user_of_the_token(world: World) -> None:
    token = world.emulator.sign_in(world.guest.id).access_token
    assert world.use(f"{ACCEPT}/details", token=token).status == 200
    assert world.use(ACCEPT, world.code.upper(), token=token).json == {}
    assert world.is_member(world.guest)


@pytest.mark.parametrize("access", ["client", "server"])
def test_accepting_without_a_user_costs_the_code_and_looking_does_not(
    world: World, access: str
) -> None:
    nobody = (401, "USER_AUTHENTICATION_REQUIRED")
    assert world.use(f"{ACCEPT}/details", access=access).outcome == nobody
    assert world.use(f"{ACCEPT}/check-code", access=access).json == {"is_code_valid": True}
    assert world.use(ACCEPT, access=access).outcome == nobody
    assert world.use(ACCEPT, **world.client(world.guest)).outcome == USED
    assert world.listed() == []


def test_a_restricted_user_loses_the_code_as_well(world: World) -> None:
    guest = world.client(world.guest)
    world.emulator.restrict_user(world.guest.id)
    refused = (403, "TEAM_INVITATION_RESTRICTED_USER_NOT_ALLOWED")
    assert world.use(f"{ACCEPT}/details", **guest).outcome == refused
    assert world.use(ACCEPT, **guest).outcome == refused
    assert world.use(ACCEPT, **guest).outcome == USED


def test_accepting_by_id_still_asks_for_a_verified_address(world: World) -> None:
    path, guest = f"/team-invitations/{world.id}/accept?user_id=", world.client(world.guest)
    unknown = (404, "VERIFICATION_CODE_NOT_FOUND")
    assert world.api("POST", f"{path}me", {}, **guest).outcome == unknown
    assert world.api("POST", f"{path}{NOBODY}", {}).outcome == (404, "USER_NOT_FOUND")
    assert len(world.listed()) == 1
    own_id, _ = world.invite("guest@example.com")
    own = f"/team-invitations/{own_id}/accept?user_id=me"
    assert world.api("POST", own, {}, **guest).outcome == unknown
    world.guest.channels[0].is_verified = True
    assert world.api("POST", own, {}, **guest).json == {}


def test_an_unknown_user_has_no_invitations(world: World) -> None:
    answer = world.api("GET", f"/team-invitations?user_id={NOBODY}")
    assert (answer.status, answer.json) == (200, {"items": [], "is_paginated": False})
    refused = world.api(
        "GET", f"/team-invitations?user_id={NOBODY}", **world.client(world.guest)
    ).outcome
    assert refused == (400, "CANNOT_GET_OWN_USER_WITHOUT_USER")


@pytest.mark.parametrize("access", ["client", "server"])
def test_an_invitation_is_deleted_in_another_teams_name(world: World, access: str) -> None:
    rival = world.client(world.rival)
    own = f"/team-invitations/{world.id}?team_id={world.team.id}"
    assert world.api("DELETE", own, **rival).outcome == (404, "TEAM_MEMBERSHIP_NOT_FOUND")
    unknown = f"/team-invitations/{world.id}?team_id={NOBODY}"
    assert world.api("DELETE", unknown).outcome == (404, "TEAM_NOT_FOUND")
    assert len(world.listed()) == 1
    path = f"/team-invitations/{world.id}?team_id={world.rivals.id}"
    options = rival if access == "client" else {}
    assert world.api("DELETE", path, **options).json == {"success": True}
    assert world.listed() == []
    unknown_code = (404, "VERIFICATION_CODE_NOT_FOUND")
    assert world.use(ACCEPT, **world.client(world.guest)).outcome == unknown_code


def test_what_is_no_invitation_is_not_deleted_as_one(world: World) -> None:
    channel = world.guest.channels[0]
    path = f"/contact-channels/{world.guest.id}/{channel.id}/send-verification-code"
    world.api("POST", path, {"callback_url": PAGE})
    (code_id,) = world.emulator.project.codes.keys() - {world.id}
    refused = world.api("DELETE", f"/team-invitations/{code_id}?team_id={world.team.id}")
    assert refused.status == 500  # as the real server does where it finds none
    assert code_id in world.emulator.project.codes
