"""What a user may do: asked once in a lifetime, never stale, forgotten when told to."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from fake_stack import get, scope_of
from guarded_app import LocalStack, app_of, outcome

from stack_fastapi import (
    StackAuth,
    StackAuthSettings,
    StackConfigurationError,
    StackUnavailableError,
)
from stack_fastapi.emulator import Fault
from stack_fastapi.lookups.permissions import answered

TTL = 60


@pytest.fixture
def stack() -> LocalStack:
    return LocalStack()


async def test_a_thousand_concurrent_requests_of_a_user_cost_one_call_of_each_kind(
    stack: LocalStack,
) -> None:
    app = app_of(stack.engine())
    alice = stack.sign_in(permissions=["read"])
    replies = await asyncio.gather(*(get(app, "/permission", alice.token) for _ in range(1_000)))
    assert {reply.status for reply in replies} == {200}
    assert stack.asked() == {"users": 1, "project": 1}


async def test_one_request_asks_once_however_many_permissions_it_is_about(
    stack: LocalStack,
) -> None:
    app = app_of(stack.engine(user_cache_ttl=0))
    alice = stack.sign_in(permissions=["read"])
    assert await outcome(app, "/everything", alice.token) == "200"
    assert stack.asked() == {"users": 1, "project": 1}


async def test_a_permission_within_another_counts(stack: LocalStack) -> None:
    stack.emulator.define_permission("read")
    stack.emulator.define_permission("write", contains=("read",))
    stack.emulator.define_permission("admin", contains=("write",))
    app = app_of(stack.engine())
    for held, expected in (("read", "403"), ("write", "200"), ("admin", "200")):
        alice = stack.sign_in(permissions=[held])
        assert (await get(app, "/permission", alice.token)).status == 200
        assert str((await get(app, "/both", alice.token)).status) == expected


async def test_permissions_live_as_long_as_users_do(stack: LocalStack) -> None:
    app = app_of(stack.engine())
    alice = stack.sign_in(permissions=["read"])
    assert await outcome(app, "/permission", alice.token) == "200"
    stack.emulator.revoke(alice.user.id, "read")
    stack.clock.advance(TTL - 1)
    assert await outcome(app, "/permission", alice.token) == "200"
    stack.clock.advance(1)
    assert await outcome(app, "/permission", alice.token) == "403 PROJECT_PERMISSION_REQUIRED"


async def test_a_clock_that_was_set_back_keeps_nothing_alive(stack: LocalStack) -> None:
    app = app_of(stack.engine())
    alice = stack.sign_in(permissions=["read"])
    assert await outcome(app, "/permission", alice.token) == "200"
    stack.emulator.revoke(alice.user.id, "read")
    stack.clock.advance(-10)
    assert await outcome(app, "/permission", alice.token) == "200"  # no older than before
    stack.clock.advance(TTL)
    assert await outcome(app, "/permission", alice.token) == "403 PROJECT_PERMISSION_REQUIRED"


@pytest.mark.parametrize(
    "path", ["/permission", "/teams/{team}/permission", "/teams/{team}/member"]
)
async def test_an_outage_never_grants(stack: LocalStack, path: str) -> None:
    app = app_of(stack.engine())
    alice = stack.sign_in(permissions=["read"], team="Acme", team_permissions=["bill"])
    assert alice.team is not None
    path = path.format(team=alice.team.id)
    assert await outcome(app, path, alice.token) == "200"
    stack.go_down()
    assert await outcome(app, path, alice.token) == "200"  # still fresh
    stack.clock.advance(TTL)
    assert await outcome(app, "/user", alice.token) == "200"  # the user lives on
    assert await outcome(app, path, alice.token) == "503 STACK_UNAVAILABLE"
    stack.come_back()


async def test_a_failure_is_told_to_all_of_a_request_and_kept_for_no_other(
    stack: LocalStack,
) -> None:
    auth = stack.engine()
    alice = stack.sign_in(permissions=["read"])
    decision = auth.begin(scope_of("/", alice.token))
    user = await decision.admit()
    stack.go_down("*/project-permissions")
    for _ in range(2):
        with pytest.raises(StackUnavailableError):
            await decision.permissions(user)
        stack.come_back()
        assert decision.cached_permissions(user) is None
    assert stack.asked() == {"users": 1, "project": 3}  # one question, three attempts
    again = auth.begin(scope_of("/", alice.token))
    assert await again.permissions(user) == {"read"}
    assert again.cached_permissions(user) == frozenset({"read"})
    assert decision.cached_permissions(user) is None


async def test_max_age_applies_to_the_permissions_too(stack: LocalStack) -> None:
    app = app_of(stack.engine())
    alice = stack.sign_in(permissions=["read"], team="Acme", team_permissions=["bill"])
    assert alice.team is not None
    paths = ["/now", f"/teams/{alice.team.id}/now"]
    for path in paths:
        assert await outcome(app, path, alice.token) == "200"
    stack.emulator.revoke(alice.user.id, "read")
    stack.emulator.revoke(alice.user.id, "bill", team_id=alice.team.id)
    stack.asked()
    for path in paths:
        assert (await get(app, path, alice.token)).status == 403
    assert stack.asked() == {"users": 2, "project": 1, "team": 1}


# ---------------------------------------------------------------- eviction


def change(stack: LocalStack, alice: Any) -> None:
    stack.emulator.revoke(alice.user.id, "read")
    stack.emulator.remove_member(alice.team.id, alice.user.id)


PLACES = ("/permission", "/teams/{}/permission", "/teams/{}/member")


@pytest.mark.parametrize(
    ("evicted", "expected"),
    [
        ("user", [403, 403, 403]),
        ("team", [200, 403, 403]),
        ("nobody", [200, 200, 200]),
        ("somebody else", [200, 200, 200]),
    ],
)
async def test_who_is_evicted_is_asked_about_again(
    stack: LocalStack, evicted: str, expected: list[int]
) -> None:
    auth = stack.engine()
    app = app_of(auth)
    alice = stack.sign_in(permissions=["read"], team="Acme", team_permissions=["bill"])
    bob = stack.sign_in(team="Other")
    assert alice.team is not None
    assert bob.team is not None
    paths = [place.format(alice.team.id) for place in PLACES]
    for path in paths:
        assert await outcome(app, path, alice.token) == "200"
    change(stack, alice)
    if evicted == "user":
        await auth.evict(alice.user.id)
    elif evicted == "team":
        await auth.evict_team(alice.team.id)
    elif evicted == "somebody else":
        await auth.evict(bob.user.id)
        await auth.evict_team(bob.team.id)
    assert [(await get(app, path, alice.token)).status for path in paths] == expected


async def test_closing_ends_what_is_in_the_air(stack: LocalStack) -> None:
    auth = stack.engine()
    alice = stack.sign_in(permissions=["read"])
    decision = auth.begin(scope_of("/", alice.token))
    user = await decision.admit()
    stack.emulator.faults.add(Fault(kind="timeout"))
    asked = asyncio.create_task(decision.permissions(user))
    await asyncio.sleep(0)
    await auth.aclose()
    with pytest.raises(StackUnavailableError):
        await asked


async def test_a_refusal_by_stack_is_the_operators_to_mend(stack: LocalStack) -> None:
    auth = stack.engine()
    with pytest.raises(StackConfigurationError, match="SCHEMA_ERROR"):
        await answered(auth.client.teams.list(user_id="no UUID"))
    with pytest.raises(StackConfigurationError, match="status 404"):
        await answered(auth.client.request("GET", "/no-such-path"))


@pytest.mark.parametrize(
    "body",
    [[], {}, {"items": [], "is_paginated": True}, {"items": {}, "is_paginated": False}],
    ids=str,
)
async def test_a_list_that_is_none_or_only_a_part_grants_nothing(body: Any) -> None:
    settings = StackAuthSettings(project_id="p", secret_server_key="ssk_x")
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json=body))
    auth = StackAuth(settings, transport=transport)
    for question in (auth.client.teams.list, auth.client.team_permissions.list):
        with pytest.raises(StackUnavailableError):
            await question()


async def test_a_permission_of_somebody_else_in_the_answer_is_not_mine() -> None:
    """Should Stack ever take no notice of the filter."""
    mine, other, team = (f"{n}1111111-2222-4333-8444-555555555555" for n in "123")
    items = [
        {"id": "read", "user_id": other, "team_id": team},
        {"id": "write", "user_id": mine, "team_id": other},
    ]
    body = {"items": items, "is_paginated": False}
    settings = StackAuthSettings(project_id="p", secret_server_key="ssk_x")
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json=body))
    auth = StackAuth(settings, transport=transport)
    arrival = auth._parts.store.arrival()
    assert await auth._parts.permissions.held(mine, team, arrival) == frozenset()
    assert await auth._parts.permissions.held(mine, None, arrival) == frozenset({"write"})


# ---------------------------------------------------------------- decided at one look


@pytest.mark.parametrize("path", ["/permission", "/teams/{team}/permission"])
async def test_what_is_known_at_one_look_ends_with_every_change(
    stack: LocalStack, path: str
) -> None:
    auth = stack.engine()
    app = app_of(auth)
    alice = stack.sign_in(permissions=["read"], team="Acme", team_permissions=["bill"])
    assert alice.team is not None
    path, team_id = path.format(team=alice.team.id), alice.team.id
    for _ in range(5):
        assert await outcome(app, path, alice.token) == "200"
    stack.asked()
    assert await outcome(app, path, alice.token) == "200"
    assert stack.asked() == {}

    stack.emulator.revoke(alice.user.id, "read")
    stack.emulator.revoke(alice.user.id, "bill", team_id=team_id)
    fresh = "/now" if team_id not in path else f"/teams/{team_id}/now"
    assert (await get(app, fresh, alice.token)).status == 403
    assert (await get(app, path, alice.token)).status == 403  # and known from then on


@pytest.mark.parametrize("path", ["/permission", "/teams/{team}/permission"])
async def test_what_is_known_at_one_look_ends_with_the_lifetime_and_with_an_eviction(
    stack: LocalStack, path: str
) -> None:
    auth = stack.engine()
    app = app_of(auth)
    alice = stack.sign_in(permissions=["read"], team="Acme", team_permissions=["bill"])
    assert alice.team is not None
    path, team_id = path.format(team=alice.team.id), alice.team.id
    for end in (lambda: auth.evict(alice.user.id), lambda: auth.evict_team(team_id), None):
        for _ in range(5):
            assert await outcome(app, path, alice.token) == "200"
        stack.asked()
        if end is None:
            stack.clock.advance(TTL)
        else:
            await end()
        assert await outcome(app, path, alice.token) == "200"
        assert stack.asked() != {} or end is not None
    stack.emulator.revoke(alice.user.id, "read")
    stack.emulator.revoke(alice.user.id, "bill", team_id=team_id)
    await auth.evict(alice.user.id)
    assert (await get(app, path, alice.token)).status == 403
