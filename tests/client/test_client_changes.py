"""Whoever caches what Stack says hears of each change, also of one that nobody knows of."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import pytest
from fake_stack import FROM_STACK, FakeStack, connection_of, refusal

from stack_fastapi import (
    ApiSchemaError,
    ApiUserNotFoundError,
    Change,
    StackApiError,
    StackAuth,
    StackConfigurationError,
    StackServerClient,
    StackUnavailableError,
)
from stack_fastapi.emulator.control.faults import Fault
from stack_fastapi.testing import settings_for
from stack_fastapi.types import CachedAnswer

from .operations import OPERATIONS, Ids, Talk, answer, talk_of
from .world import World

I = Ids()  # noqa: E741 - short, for the table
OF_USER = Change("user", I.user_id)
OF_MEMBER = Change("membership", I.user_id, I.team_id)
IN_TEAM = Change("team_permission", I.user_id, I.team_id)
IN_PROJECT = Change("project_permission", I.user_id)

#: What each change tells of that got no answer; all other operations tell nothing.
TOLD = {
    "users.create": Change("user"),
    "team_invitations.accept": Change("membership", I.user_id),
    "users.update": OF_USER,
    "users.delete": OF_USER,
    "users.update_me": Change("user"),
    "users.delete_me": Change("user"),
    "teams.create": Change("team", I.user_id),
    "teams.update": Change("team", team_id=I.team_id),
    "teams.delete": Change("team", team_id=I.team_id),
    "memberships.add": OF_MEMBER,
    "memberships.remove": OF_MEMBER,
    "member_profiles.update": OF_MEMBER,
    "team_permissions.grant": IN_TEAM,
    "team_permissions.revoke": IN_TEAM,
    "project_permissions.grant": IN_PROJECT,
    "project_permissions.revoke": IN_PROJECT,
    "sessions.create": Change("session", I.user_id),
    "sessions.impersonate": Change("session", I.user_id),
    "sessions.delete": Change("session", I.user_id, id=I.session_id),
    "sessions.sign_out": Change("session"),
    "user_api_keys.create": Change("api_key", I.user_id),
    "user_api_keys.update": Change("api_key", I.user_id, id=I.key_id),
    "user_api_keys.revoke": Change("api_key", I.user_id, id=I.key_id),
    "team_api_keys.create": Change("api_key", team_id=I.team_id),
    "team_api_keys.update": Change("api_key", team_id=I.team_id, id=I.key_id),
    "team_api_keys.revoke": Change("api_key", team_id=I.team_id, id=I.key_id),
    "contact_channels.create": OF_USER,
    "contact_channels.update": OF_USER,
    "contact_channels.delete": OF_USER,
    "contact_channels.verify": Change("user"),
}

UNKNOWN_OUTCOMES: dict[str, httpx2.Response | Exception] = {
    "no connection": httpx2.ConnectError(""),
    "no answer in time": httpx2.ReadTimeout(""),
    "cut off": httpx2.RemoteProtocolError(""),
    "500": httpx2.Response(500),
    "a proxy's refusal": httpx2.Response(403),
    "not JSON": httpx2.Response(200, headers=FROM_STACK, text="{"),
    "another shape": answer([]),
}


@pytest.mark.parametrize("outcome", UNKNOWN_OUTCOMES.values(), ids=UNKNOWN_OUTCOMES)
@pytest.mark.parametrize("name", OPERATIONS)
async def test_an_unknown_outcome_is_told(name: str, outcome: httpx2.Response | Exception) -> None:
    talk = talk_of(name, outcome)
    with pytest.raises(StackUnavailableError):
        await OPERATIONS[name](talk.client, I)
    assert talk.changes == ([TOLD[name]] if name in TOLD else [])


@pytest.mark.parametrize("name", TOLD)
async def test_a_refusal_is_told_only_of_what_is_repeated(name: str) -> None:
    """A repeated DELETE may be refused because the attempt before it has done its work."""
    talk = talk_of(name, answer({"code": "X"}, 404))
    with pytest.raises(StackApiError):
        await OPERATIONS[name](talk.client, I)
    repeated = talk.requests[-1].method == "DELETE"
    assert talk.changes == ([TOLD[name]] if repeated else [])


async def test_a_wrong_key_changes_nothing() -> None:
    talk = Talk(refusal(401, "INVALID_SECRET_SERVER_KEY"))
    with pytest.raises(StackConfigurationError):
        await talk.client.users.update(I.user_id, display_name="A")
    assert talk.changes == []


async def test_what_is_not_sent_is_not_told() -> None:
    talk = Talk(answer({}))
    with pytest.raises(ApiSchemaError):
        await talk.client.users.delete("..")
    assert talk.changes == []


async def test_a_caller_who_goes_away_leaves_an_unknown_outcome(world: World) -> None:
    asked, changes = asyncio.Event(), []

    async def silent(request: httpx2.Request) -> httpx2.Response:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def heard(change: Change) -> None:
        await asyncio.sleep(0)
        changes.append(change)

    talk = Talk(answer({}))
    auth = StackAuth(settings_for(world.stack), transport=httpx2.MockTransport(silent))
    client = StackServerClient(auth.client._http, "p", heard)
    call = asyncio.create_task(client.users.delete(I.user_id))
    await asked.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert changes == [OF_USER]
    assert talk.changes == []


async def test_what_the_listener_raises_reaches_the_caller() -> None:
    async def heard(change: Change) -> None:
        raise ZeroDivisionError

    talk = Talk(answer({"success": True}))
    with pytest.raises(ZeroDivisionError):
        await StackServerClient(talk.http, "p", heard).users.delete(I.user_id)


# ---------------------------------------------------------------- the engine's own caches

Doing = Callable[[StackServerClient, World], Awaitable[object]]

DOINGS: dict[str, Doing] = {
    "user": lambda c, w: c.users.update(w.bob.id, display_name="New"),
    "user, loudly": lambda c, w: c.users.update(w.bob.id.upper(), display_name="New"),
    "oneself": lambda c, w: c.users.update_me(w.token(w.bob), display_name="New"),
    "team": lambda c, w: c.teams.create("T", creator_user_id=w.bob.id),
    "membership": lambda c, w: c.memberships.add(w.team.id, w.bob.id),
    "project permission": lambda c, w: c.project_permissions.grant(w.bob.id, "read_docs"),
    "team permission": lambda c, w: c.team_permissions.grant(w.team.id, w.bob.id, "view_bills"),
    "session": lambda c, w: c.sessions.create(w.bob.id),
    "key": lambda c, w: c.user_api_keys.create(w.bob.id, description="k"),
    "channel": lambda c, w: c.contact_channels.create(w.bob.id, "new@example.com", is_primary=True),
}


@pytest.fixture
async def auth(world: World) -> AsyncIterator[StackAuth]:
    async with StackAuth(settings_for(world.stack)) as auth:
        yield auth


async def seen(auth: StackAuth, world: World, token: str) -> Any:
    """Bob as a request sees him, and how often Stack was asked about him for it."""
    before = len(world.stack.requests)
    user = await auth.authenticate(connection_of(token))
    assert user is not None
    asked = [item.path for item in [*world.stack.requests][before:] if "/users/" in item.path]
    return user, len(asked)


@pytest.mark.parametrize("name", DOINGS)
async def test_a_change_is_seen_by_the_next_request(
    world: World, auth: StackAuth, name: str
) -> None:
    token = world.token(world.bob)
    if name == "team permission":
        world.stack.add_member(world.team.id, world.bob.id)
    assert (await seen(auth, world, token))[1] == 1
    assert (await seen(auth, world, token))[1] == 0
    await DOINGS[name](auth.client, world)
    user, asked = await seen(auth, world, token)
    assert asked == 1
    assert user == await auth.client.users.get(world.bob.id)


async def test_somebody_who_was_deleted_is_out_at_once(world: World, auth: StackAuth) -> None:
    token = world.token(world.bob)
    await seen(auth, world, token)
    await auth.client.users.delete(world.bob.id)
    with pytest.raises(Exception, match="does not exist any more"):
        await auth.authenticate(connection_of(token))


async def test_nobody_else_is_forgotten(world: World, auth: StackAuth) -> None:
    token = world.token(world.alice)
    await seen(auth, world, token)
    await auth.client.users.update(world.bob.id, display_name="New")
    await auth.client.teams.update(world.team.id, display_name="New")
    assert (await seen(auth, world, token))[1] == 0


async def test_a_lost_answer_is_an_unknown_outcome(world: World, auth: StackAuth) -> None:
    token = world.token(world.bob)
    await seen(auth, world, token)
    fault = Fault(kind="truncated", path=f"*/users/{world.bob.id}", method="PATCH", times=1)
    world.stack.faults.add(fault)
    with pytest.raises(StackUnavailableError):
        await auth.client.users.update(world.bob.id, display_name="Perhaps")
    user, asked = await seen(auth, world, token)
    assert asked == 1
    assert user.display_name == world.stack.user_json(world.bob.id)["display_name"]


async def test_a_deletion_whose_answer_was_lost_is_seen(world: World, auth: StackAuth) -> None:
    token = world.token(world.bob)
    await seen(auth, world, token)
    fault = Fault(kind="truncated", path=f"*/users/{world.bob.id}", method="DELETE", times=1)
    world.stack.faults.add(fault)
    try:
        await auth.client.users.delete(world.bob.id)
    except ApiUserNotFoundError:  # the second attempt's
        assert world.stack.requests[-1].known_error == "USER_NOT_FOUND"
    with pytest.raises(Exception, match="does not exist any more"):
        await auth.authenticate(connection_of(token))


class BadCache:
    """A shared cache that fails to forget, or never comes back."""

    def __init__(self, *, hangs: bool) -> None:
        self._hangs = hangs

    async def get(self, key: str) -> CachedAnswer | None:
        return None

    async def set(self, key: str, answer: CachedAnswer, lifetime: float) -> None:
        return

    async def delete(self, key: str) -> None:
        if self._hangs:
            await asyncio.Event().wait()
        raise ConnectionError("redis://user:marked-password@example.com")


@pytest.mark.parametrize("hangs", [True, False])
async def test_a_shared_cache_that_fails_does_not_undo_the_change(
    hangs: bool,  # noqa: FBT001 - a parameter of the test
    caplog: pytest.LogCaptureFixture,
) -> None:
    stack = FakeStack()
    user_id = stack.add_user()
    auth = stack.engine(cache=BadCache(hangs=hangs), timeout=0.05)
    await auth.authenticate(connection_of(stack.token(user_id)))
    stack.users[user_id]["display_name"] = "New"
    with caplog.at_level(logging.WARNING, logger="stack_fastapi"):
        changed = await auth.client.users.update(user_id, display_name="New")
    assert changed.display_name == "New"
    user = await auth.authenticate(connection_of(stack.token(user_id)))
    assert user is not None
    assert user.display_name == "New"
    assert "the shared cache failed" in caplog.text
    assert "marked-password" not in caplog.text


async def test_a_change_needs_nobody_who_listens() -> None:
    talk = Talk(answer({"success": True}))
    await StackServerClient(talk.http, "p").users.delete(I.user_id)
    assert len(talk.requests) == 1
