"""Every operation of the client once, with what it is given, and the ids in it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx2
from fake_stack import FROM_STACK, PROJECT_ID, SERVER_KEY

from stack_fastapi import Change, StackAuthSettings, StackServerClient
from stack_fastapi.client.transport.http import StackHttp
from stack_fastapi.telemetry import ProblemLog
from stack_fastapi.types import Clocks


@dataclass(frozen=True)
class Ids:
    """What names the records in a call; the fields are the placeholders of the docs."""

    user_id: str = "0a000000-0000-4000-8000-000000000001"
    team_id: str = "0b000000-0000-4000-8000-000000000002"
    session_id: str = "0c000000-0000-4000-8000-000000000003"
    key_id: str = "0d000000-0000-4000-8000-000000000004"
    channel_id: str = "0e000000-0000-4000-8000-000000000005"
    invitation_id: str = "0f000000-0000-4000-8000-000000000006"
    permission_id: str = "$read_members"


Operation = Callable[[StackServerClient, Ids], Awaitable[object]]


async def _all(items: AsyncIterable[object]) -> list[object]:
    return [item async for item in items]


OPERATIONS: dict[str, Operation] = {
    "users.get": lambda c, i: c.users.get(i.user_id),
    "users.list": lambda c, i: _all(c.users.list(team_id=i.team_id)),
    "users.create": lambda c, i: c.users.create(primary_email="a@example.com"),
    "users.update": lambda c, i: c.users.update(i.user_id, display_name="A"),
    "users.delete": lambda c, i: c.users.delete(i.user_id),
    "users.me": lambda c, i: c.users.me("a.b.c"),
    "users.update_me": lambda c, i: c.users.update_me("a.b.c", display_name="A"),
    "users.delete_me": lambda c, i: c.users.delete_me("a.b.c"),
    "teams.list": lambda c, i: c.teams.list(user_id=i.user_id),
    "teams.get": lambda c, i: c.teams.get(i.team_id),
    "teams.create": lambda c, i: c.teams.create("T", creator_user_id=i.user_id),
    "teams.update": lambda c, i: c.teams.update(i.team_id, display_name="T"),
    "teams.delete": lambda c, i: c.teams.delete(i.team_id),
    "memberships.add": lambda c, i: c.memberships.add(i.team_id, i.user_id),
    "memberships.remove": lambda c, i: c.memberships.remove(i.team_id, i.user_id),
    "member_profiles.list": lambda c, i: c.member_profiles.list(
        team_id=i.team_id, user_id=i.user_id
    ),
    "member_profiles.get": lambda c, i: c.member_profiles.get(i.team_id, i.user_id),
    "member_profiles.update": lambda c, i: c.member_profiles.update(
        i.team_id, i.user_id, display_name="P"
    ),
    "team_permissions.list": lambda c, i: c.team_permissions.list(
        team_id=i.team_id, user_id=i.user_id, permission_id=i.permission_id
    ),
    "team_permissions.has": lambda c, i: c.team_permissions.has(
        i.team_id, i.user_id, i.permission_id
    ),
    "team_permissions.grant": lambda c, i: c.team_permissions.grant(
        i.team_id, i.user_id, i.permission_id
    ),
    "team_permissions.revoke": lambda c, i: c.team_permissions.revoke(
        i.team_id, i.user_id, i.permission_id
    ),
    "project_permissions.list": lambda c, i: c.project_permissions.list(
        user_id=i.user_id, permission_id=i.permission_id
    ),
    "project_permissions.has": lambda c, i: c.project_permissions.has(i.user_id, i.permission_id),
    "project_permissions.grant": lambda c, i: c.project_permissions.grant(
        i.user_id, i.permission_id
    ),
    "project_permissions.revoke": lambda c, i: c.project_permissions.revoke(
        i.user_id, i.permission_id
    ),
    "sessions.list": lambda c, i: c.sessions.list(i.user_id),
    "sessions.create": lambda c, i: c.sessions.create(i.user_id),
    "sessions.impersonate": lambda c, i: c.sessions.impersonate(i.user_id, expires_in_millis=1000),
    "sessions.delete": lambda c, i: c.sessions.delete(i.session_id, i.user_id),
    "sessions.refresh": lambda c, i: c.sessions.refresh("a refresh token"),
    "sessions.sign_out": lambda c, i: c.sessions.sign_out("a.b.c"),
    "user_api_keys.check": lambda c, i: c.user_api_keys.check("sk_x"),
    "user_api_keys.create": lambda c, i: c.user_api_keys.create(i.user_id, description="k"),
    "user_api_keys.list": lambda c, i: c.user_api_keys.list(i.user_id),
    "user_api_keys.get": lambda c, i: c.user_api_keys.get(i.key_id, user_id=i.user_id),
    "user_api_keys.update": lambda c, i: c.user_api_keys.update(
        i.key_id, description="k", user_id=i.user_id
    ),
    "user_api_keys.revoke": lambda c, i: c.user_api_keys.revoke(i.key_id, user_id=i.user_id),
    "team_api_keys.check": lambda c, i: c.team_api_keys.check("sk_x"),
    "team_api_keys.create": lambda c, i: c.team_api_keys.create(i.team_id, description="k"),
    "team_api_keys.list": lambda c, i: c.team_api_keys.list(i.team_id),
    "team_api_keys.get": lambda c, i: c.team_api_keys.get(i.team_id, i.key_id),
    "team_api_keys.update": lambda c, i: c.team_api_keys.update(
        i.team_id, i.key_id, description="k"
    ),
    "team_api_keys.revoke": lambda c, i: c.team_api_keys.revoke(i.team_id, i.key_id),
    "contact_channels.list": lambda c, i: c.contact_channels.list(user_id=i.user_id),
    "contact_channels.get": lambda c, i: c.contact_channels.get(i.user_id, i.channel_id),
    "contact_channels.create": lambda c, i: c.contact_channels.create(i.user_id, "a@example.com"),
    "contact_channels.update": lambda c, i: c.contact_channels.update(
        i.user_id, i.channel_id, is_verified=True
    ),
    "contact_channels.delete": lambda c, i: c.contact_channels.delete(i.user_id, i.channel_id),
    "contact_channels.send_verification_code": lambda c, i: (
        c.contact_channels.send_verification_code(
            i.user_id, i.channel_id, callback_url="https://example.com/verify"
        )
    ),
    "contact_channels.verify": lambda c, i: c.contact_channels.verify("a code"),
    "team_invitations.list": lambda c, i: c.team_invitations.list(i.team_id),
    "team_invitations.list_of_user": lambda c, i: c.team_invitations.list_of_user(i.user_id),
    "team_invitations.accept": lambda c, i: c.team_invitations.accept(i.invitation_id, i.user_id),
    "team_invitations.send": lambda c, i: c.team_invitations.send(
        i.team_id, "a@example.com", callback_url="https://example.com/join"
    ),
    "team_invitations.revoke": lambda c, i: c.team_invitations.revoke(i.team_id, i.invitation_id),
    "project.current": lambda c, i: c.project.current(),
}


def _key(**owner: str) -> dict[str, object]:
    shown = {"description": "", "is_public": False, "created_at_millis": 1}
    return {"id": Ids().key_id, **shown, "value": {"last_four": "abcd"}, **owner}


def _list_of(**record: object) -> dict[str, object]:
    return {"items": [record], "is_paginated": False}


_OF_USER, _OF_TEAM = {"user_id": Ids().user_id}, {"team_id": Ids().team_id}
_USERS_KEY, _TEAMS_KEY = _key(type="user", **_OF_USER), _key(type="team", **_OF_TEAM)

#: What the look-up before a change says, where there is one: the record is the owner's.
LOOKED_UP: dict[str, object] = {
    "user_api_keys.update": _USERS_KEY,
    "user_api_keys.revoke": _USERS_KEY,
    "team_api_keys.update": _TEAMS_KEY,
    "team_api_keys.revoke": _TEAMS_KEY,
    "sessions.delete": _list_of(
        id=Ids().session_id, **_OF_USER, created_at=1, is_impersonation=False
    ),
    "team_invitations.revoke": _list_of(
        id=Ids().invitation_id,
        **_OF_TEAM,
        team_display_name="T",
        recipient_email="a@example.com",
        expires_at_millis=1,
    ),
}


class Talk:
    """A client whose every question gets one prepared answer, or meets one failure.

    Args:
        answer: the answer, or the failure.
        looked_up: what is read instead, before a change.
        **settings: others than the usual ones.

    Attributes:
        requests: what was asked.
        changes: what the client told.
    """

    def __init__(
        self, answer: httpx2.Response | Exception, looked_up: object = None, **settings: Any
    ) -> None:
        self.answer = answer
        self._looked_up = looked_up
        self.requests: list[httpx2.Request] = []
        self.changes: list[Change] = []
        values = {"project_id": PROJECT_ID, "secret_server_key": SERVER_KEY, **settings}
        self.http = StackHttp(
            StackAuthSettings(**values),
            Clocks.of(self._clock, None),
            ProblemLog(self._clock),
            httpx2.MockTransport(self._answer),
        )
        self.client = StackServerClient(self.http, PROJECT_ID, self._on_change)

    @staticmethod
    def _clock() -> float:
        return 1_800_000_000.0

    async def _on_change(self, change: Change) -> None:
        self.changes.append(change)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        if self._looked_up is not None and request.method == "GET":
            return answer(self._looked_up)
        if isinstance(self.answer, Exception):
            raise self.answer
        return httpx2.Response(
            self.answer.status_code, headers=self.answer.headers, content=self.answer.content
        )


def talk_of(name: str, outcome: httpx2.Response | Exception) -> Talk:
    """A talk in which an operation gets as far as its own endpoint."""
    return Talk(outcome, LOOKED_UP.get(name))


def answer(body: object, status: int = 200) -> httpx2.Response:
    """What Stack's own code says."""
    return httpx2.Response(status, headers=FROM_STACK, text=json.dumps(body))
