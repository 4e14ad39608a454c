"""Nobody's keys, sessions and invitations are reached in the name of somebody else.

With server access the real server acts on any of them, whichever owner is named. Each test runs
against the local Stack, and against one that ignores the owner as the recordings say.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from stack_fastapi import (
    ApiApiKeyNotFoundError,
    ApiTeamNotFoundError,
    ApiVerificationCodeNotFoundError,
    Change,
    StackApiError,
    StackServerClient,
    StackUnavailableError,
)
from stack_fastapi.client.transport.http import StackHttp, asgi_transport
from stack_fastapi.emulator import StackEmulator
from stack_fastapi.emulator.state.records import Team, User
from stack_fastapi.telemetry import ProblemLog
from stack_fastapi.testing import settings_for
from stack_fastapi.types import Clocks

from .operations import LOOKED_UP, OPERATIONS, Ids, Talk, answer
from .world import UNKNOWN

_KEY = re.compile(r"/api/v1/(?P<owner>team|user)-api-keys/(?P<id>[0-9a-f-]{36})")
PAGE = "http://localhost:3000/handler"


class IgnoringOwners:
    """A Stack that takes each key for that of the owner whom the query names."""

    def __init__(self, stack: StackEmulator) -> None:
        self._stack = stack
        self._app: ASGIApp = stack.app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(self._in_the_owners_name(scope), receive, send)

    def _in_the_owners_name(self, scope: Scope) -> Scope:
        match = _KEY.fullmatch(scope["path"])
        key = self._stack.project.api_keys.get(match["id"]) if match else None
        if match is None or key is None:
            return scope
        name = f"{match['owner']}_id"
        query = {name: values[0] for name, values in parse_qs(scope["query_string"]).items()}
        named = {str(name, "ascii"): str(value, "ascii") for name, value in query.items()}
        if name in named:
            named[name] = key.owner_id
        return {**scope, "query_string": urlencode(named).encode()}


@dataclass
class Scene:
    """Two users, two teams, and a client of theirs.

    Attributes:
        changes: what the client told.
    """

    stack: StackEmulator
    app: ASGIApp
    changes: list[Change] = field(default_factory=list)
    alice: User = field(init=False)
    bob: User = field(init=False)
    one: Team = field(init=False)
    two: Team = field(init=False)
    client: StackServerClient = field(init=False)

    def __post_init__(self) -> None:
        self.alice, self.bob = self.stack.create_user(), self.stack.create_user()
        self.one, self.two = self.stack.create_team("One"), self.stack.create_team("Two")
        clock = lambda: self.stack.now  # noqa: E731 - a name for it would be longer
        transport = asgi_transport(self.app)
        clocks = Clocks.of(clock, None)
        http = StackHttp(settings_for(self.stack), clocks, ProblemLog(clock), transport)
        self.client = StackServerClient(http, self.stack.project.id, self._heard)

    async def _heard(self, change: Change) -> None:
        self.changes.append(change)

    async def key(self, kind: str) -> Any:
        """A new key of team one, or of Alice."""
        if kind == "team":
            return await self.client.team_api_keys.create(self.one.id, description="old")
        return await self.client.user_api_keys.create(self.alice.id, description="old")


@pytest.fixture(params=["the local Stack", "one that ignores owners"])
def scene(request: pytest.FixtureRequest) -> Scene:
    stack = StackEmulator()
    return Scene(stack, stack.app if "local" in request.param else IgnoringOwners(stack))


async def test_the_stand_in_acts_on_any_owners_key() -> None:
    stack = StackEmulator()
    scene = Scene(stack, IgnoringOwners(stack))
    key = await scene.key("team")
    path, query = f"/team-api-keys/{key.id}", {"team_id": scene.two.id}
    shown: Any = await scene.client.request("GET", path, query=query)
    assert shown["team_id"] == scene.one.id
    revoked: Any = await scene.client.request(
        "PATCH", path, query={"team_id": UNKNOWN}, body={"revoked": True}
    )
    assert revoked["manually_revoked_at_millis"] > 0
    own = await scene.key("user")
    path, query = f"/user-api-keys/{own.id}", {"user_id": scene.bob.id}
    renamed: Any = await scene.client.request("PATCH", path, query=query, body={"description": "n"})
    assert renamed["user_id"] == scene.alice.id


# ---------------------------------------------------------------- API keys

Acting = Callable[[StackServerClient, str, str], Awaitable[object]]

#: Each call that names a key and its owner.
ON_KEYS: dict[str, dict[str, Acting]] = {
    "team": {
        "get": lambda c, owner, key: c.team_api_keys.get(owner, key),
        "update": lambda c, owner, key: c.team_api_keys.update(owner, key, description="new"),
        "revoke": lambda c, owner, key: c.team_api_keys.revoke(owner, key),
    },
    "user": {
        "get": lambda c, owner, key: c.user_api_keys.get(key, user_id=owner),
        "update": lambda c, owner, key: c.user_api_keys.update(
            key, description="new", user_id=owner
        ),
        "revoke": lambda c, owner, key: c.user_api_keys.revoke(key, user_id=owner),
    },
}
CALLS = [(kind, name) for kind, calls in ON_KEYS.items() for name in calls]


@pytest.mark.parametrize(("kind", "name"), CALLS)
async def test_a_key_of_somebody_else_is_not_there(scene: Scene, kind: str, name: str) -> None:
    key = await scene.key(kind)
    scene.changes.clear()
    others = {"team": scene.two.id, "user": scene.bob.id}
    for owner in (others[kind], UNKNOWN):
        with pytest.raises(ApiApiKeyNotFoundError) as caught:
            await ON_KEYS[kind][name](scene.client, owner, key.id)
        assert (caught.value.status, caught.value.stack_code) == (404, "API_KEY_NOT_FOUND")
    kept = scene.stack.project.api_keys[key.id]
    assert (kept.description, kept.manually_revoked_at_millis) == ("old", None)
    assert scene.changes == []


@pytest.mark.parametrize(("kind", "name"), CALLS)
async def test_a_key_that_never_was_is_not_there_either(scene: Scene, kind: str, name: str) -> None:
    owner = {"team": scene.one.id, "user": scene.alice.id}[kind]
    with pytest.raises(ApiApiKeyNotFoundError) as caught:
        await ON_KEYS[kind][name](scene.client, owner, UNKNOWN)
    assert (caught.value.status, caught.value.stack_code) == (404, "API_KEY_NOT_FOUND")


@pytest.mark.parametrize("kind", ON_KEYS)
async def test_ones_own_key_is_changed_however_its_owner_is_written(
    scene: Scene, kind: str
) -> None:
    key = await scene.key(kind)
    scene.changes.clear()
    owner = {"team": scene.one.id, "user": scene.alice.id}[kind]
    for name in ("get", "update", "revoke"):
        await ON_KEYS[kind][name](scene.client, owner.upper(), key.id.upper())
    kept = scene.stack.project.api_keys[key.id]
    assert (kept.description, kept.manually_revoked_at_millis is None) == ("new", False)
    user_id, team_id = (owner, None) if kind == "user" else (None, owner)
    assert scene.changes == [Change("api_key", user_id, team_id, key.id)] * 2


async def test_a_key_of_any_user_is_reached_where_no_user_is_named(scene: Scene) -> None:
    key, keys = await scene.key("user"), scene.client.user_api_keys
    scene.stack.requests.clear()
    assert (await keys.get(key.id)).user_id == scene.alice.id
    assert (await keys.update(key.id, description="new")).description == "new"
    assert (await keys.revoke(key.id)).manually_revoked_at is not None
    assert [item.method for item in scene.stack.requests] == ["GET", "PATCH", "PATCH"]
    assert scene.changes == [Change("api_key", scene.alice.id, id=key.id)] * 3


@pytest.mark.parametrize(("kind", "name"), CALLS)
async def test_a_question_is_one_call_and_a_change_two(scene: Scene, kind: str, name: str) -> None:
    key = await scene.key(kind)
    scene.stack.requests.clear()
    owner = {"team": scene.one.id, "user": scene.alice.id}[kind]
    await ON_KEYS[kind][name](scene.client, owner, key.id)
    asked = [item.method for item in scene.stack.requests]
    assert asked == (["GET"] if name == "get" else ["GET", "PATCH"])


@pytest.mark.parametrize("kind", ON_KEYS)
async def test_a_record_of_the_other_kind_is_nobodys(kind: str) -> None:
    """Whatever Stack makes of an id of the other kind, it is not shown as this owner's."""
    other = LOOKED_UP["team_api_keys.update" if kind == "user" else "user_api_keys.update"]
    for name in ("get", "update", "revoke"):
        talk = Talk(answer(other))
        owner = Ids().user_id if kind == "user" else Ids().team_id
        with pytest.raises(StackUnavailableError, match="documented"):
            await ON_KEYS[kind][name](talk.client, owner, Ids().key_id)
        assert [request.method for request in talk.requests] == ["GET"]


# ---------------------------------------------------------------- sessions


async def test_a_session_of_another_user_goes_on(scene: Scene) -> None:
    tokens = scene.stack.sign_in(scene.alice.id)
    for user_id in (scene.bob.id, UNKNOWN):
        with pytest.raises(StackApiError) as caught:
            await scene.client.sessions.delete(tokens.session_id, user_id)
        assert (caught.value.status, caught.value.stack_code) == (404, None)
    assert tokens.session_id in scene.stack.project.sessions
    await scene.client.sessions.delete(tokens.session_id.upper(), scene.alice.id.upper())
    assert tokens.session_id not in scene.stack.project.sessions


async def test_an_impersonation_is_ended_by_its_own_token_and_not_by_its_id(scene: Scene) -> None:
    """Stack lists it for administrators alone, so that nobody here can say whose it is."""
    sessions, alice = scene.client.sessions, scene.alice.id
    tokens = await sessions.impersonate(alice, expires_in_millis=60_000)
    (session_id,) = scene.stack.project.sessions
    with pytest.raises(StackApiError) as caught:
        await sessions.delete(session_id, alice)
    assert caught.value.status == 404
    assert [*scene.stack.project.sessions] == [session_id]
    await sessions.sign_out(tokens.access_token)
    assert [*scene.stack.project.sessions] == []


@pytest.mark.parametrize("other", ["user_id", "id"])
async def test_a_list_that_ignores_whose_sessions_were_asked_for_ends_none(other: str) -> None:
    listed: Any = LOOKED_UP["sessions.delete"]
    wrong = {**listed, "items": [{**listed["items"][0], other: UNKNOWN}]}
    talk = Talk(answer(wrong))
    with pytest.raises(StackApiError):
        await OPERATIONS["sessions.delete"](talk.client, Ids())
    assert [request.method for request in talk.requests] == ["GET"]


# ---------------------------------------------------------------- invitations


async def test_an_invitation_to_another_team_is_not_taken_back(scene: Scene) -> None:
    invitations = scene.client.team_invitations
    sent = await invitations.send(scene.one.id, "carol@example.com", callback_url=PAGE)
    with pytest.raises(ApiVerificationCodeNotFoundError) as caught:
        await invitations.revoke(scene.two.id, sent.id)
    assert (caught.value.status, caught.value.stack_code) == (404, "VERIFICATION_CODE_NOT_FOUND")
    with pytest.raises(ApiTeamNotFoundError):
        await invitations.revoke(UNKNOWN, sent.id)
    assert [item.id for item in await invitations.list(scene.one.id)] == [sent.id]
    await invitations.revoke(scene.one.id.upper(), sent.id.upper())
    assert await invitations.list(scene.one.id) == []


async def test_an_invitation_taken_back_twice_is_not_there(scene: Scene) -> None:
    invitations = scene.client.team_invitations
    sent = await invitations.send(scene.one.id, "carol@example.com", callback_url=PAGE)
    await invitations.revoke(scene.one.id, sent.id)
    with pytest.raises(ApiVerificationCodeNotFoundError):
        await invitations.revoke(scene.one.id, sent.id)


@pytest.mark.parametrize("other", ["team_id", "id"])
async def test_a_list_that_ignores_which_teams_was_asked_for_takes_nothing_back(
    other: str,
) -> None:
    listed: Any = LOOKED_UP["team_invitations.revoke"]
    wrong = {**listed, "items": [{**listed["items"][0], other: UNKNOWN}]}
    talk = Talk(answer(wrong))
    with pytest.raises(ApiVerificationCodeNotFoundError):
        await OPERATIONS["team_invitations.revoke"](talk.client, Ids())
    assert [request.method for request in talk.requests] == ["GET"]
