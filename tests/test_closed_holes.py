"""Holes that were found by attack; each stays closed."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import logging
from typing import Annotated, Any

import httpx2
import pytest
from fake_stack import FROM_STACK, Clock, FakeStack, app_of as plain_app_of, get, store_of
from fastapi import Depends, FastAPI
from guarded_app import LocalStack, app_of, outcome
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from stored import Texts, turn

from stack_fastapi import (
    CurrentUser,
    OptionalUser,
    StackAuth,
    StackAuthError,
    StackAuthMiddleware,
    StackHTTPException,
    User,
    require_permission,
    require_team_permission,
)
from stack_fastapi.cache.evictions import Evictions
from stack_fastapi.client.transport.circuit_breaker import PAUSE
from stack_fastapi.engine.stack_auth import SCOPE_KEY
from stack_fastapi.telemetry import ProblemLog
from stack_fastapi.testing import settings_for
from stack_fastapi.types import Clocks

# ---------------------------------------------------------------- two callers in one request


class Rewriting:
    """What stands between the kit's middleware and the routes, and sends another's token on."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self.token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if any(name == b"x-as" for name, _ in scope.get("headers", ())):
            scope = {**scope, "headers": [(b"x-stack-access-token", self.token.encode())]}
        await self.app(scope, receive, send)


async def test_no_request_has_two_callers() -> None:
    """Whoever changes the headers on the way makes nobody the user whom others' rights admit."""
    stack = LocalStack()
    alice, root = stack.sign_in(), stack.sign_in(permissions=["admin"])
    app = FastAPI()
    app.add_middleware(Rewriting, token=root.token)
    app.add_middleware(StackAuthMiddleware, auth=stack.engine())

    @app.get("/split")
    async def split(
        user: CurrentUser, holder: Annotated[User, Depends(require_permission("admin"))]
    ) -> list[str]:
        return [user.id, holder.id]

    @app.get("/optional")
    async def optional(user: OptionalUser) -> str | None:
        return user.id if user else None

    @app.get("/user")
    async def user_route(user: CurrentUser) -> str:
        return user.id

    for _ in range(3):
        assert (await get(app, "/user", alice.token)).json == alice.user.id
        assert (await get(app, "/split", alice.token, x_as="1")).status in {401, 403}
    for _ in range(3):
        assert (await get(app, "/optional", x_as="1")).json is None
        assert (await get(app, "/user", x_as="1")).code == "AMBIGUOUS_CREDENTIALS"


# ---------------------------------------------------------------- one record, one caller


async def test_what_stack_breaks_at_for_one_user_in_many_teams_closes_the_app_for_nobody() -> None:
    stack = LocalStack()
    odd, other = stack.sign_in(), stack.sign_in()
    teams = [stack.emulator.create_team(f"Team {number}").id for number in range(5)]
    for team_id in teams:
        stack.emulator.add_member(team_id, odd.user.id)

    class Breaking(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            if "permissions" in request.url.path and odd.user.id in str(request.url):
                return httpx2.Response(500, headers=FROM_STACK)
            transport: Any = stack.emulator.transport
            response: httpx2.Response = await transport.handle_async_request(request)
            return response

    auth = StackAuth(settings_for(stack.emulator), transport=Breaking(), clock=stack.clock)
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=auth)

    @app.get("/teams/{team_id}")
    async def team(_: Annotated[User, Depends(require_team_permission("read"))]) -> None: ...

    @app.get("/user")
    async def user_route(_: CurrentUser) -> None: ...

    for team_id in teams * 2:
        assert (await get(app, f"/teams/{team_id}", odd.token)).status == 503
    assert (await get(app, "/user", other.token)).status == 200


async def test_forged_tokens_that_are_signed_out_evict_nobody(stack: FakeStack) -> None:
    auth, user_id = stack.engine(user_cache_size=10), stack.add_user()
    app, token = plain_app_of(auth), stack.token(user_id)
    assert (await get(app, "/me", token)).status == 200

    def forged(subject: str) -> str:
        parts = (b'{"alg":"ES256","kid":"x"}', json.dumps({"sub": subject}).encode(), bytes(64))
        return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)

    stack.spoil(_refused_token, "id")
    for subject in [user_id, *(str(number) for number in range(100))]:
        with pytest.raises(StackAuthError):
            await auth.client.sessions.sign_out(forged(subject))
    asked = stack.asked.total()
    assert (await get(app, "/me", token)).status == 200
    assert stack.asked.total() == asked


def _refused_token(_request: httpx2.Request) -> httpx2.Response:
    code = "UNPARSABLE_ACCESS_TOKEN"
    headers = {"x-stack-known-error": code, **FROM_STACK}
    return httpx2.Response(401, headers=headers, json={"code": code, "error": "<message>"})


async def test_a_session_is_not_proved_by_a_request_from_before_its_three_seconds() -> None:
    """One that was in flight for longer than its response is good proves nothing to who joined."""
    texts = Texts(ttl=3.0)
    first = await texts.held()
    texts.advance(9)
    second = asyncio.create_task(texts.get())
    await turn()
    texts.value = "second"
    texts.release()
    assert [await first, await second] == ["first", "second"]
    assert texts.requests == 2


# ---------------------------------------------------------------- threads, and what is bounded


def test_a_slow_thread_does_not_undo_a_later_eviction() -> None:
    evictions = Evictions(100, Clocks.of(Clock(), None))
    evictions.mark("alice", 7)
    evictions.mark("alice", 3)
    assert evictions.latest(("alice",)).sequence == evictions.newest == 7


def test_marks_that_are_of_no_use_any_more_make_room_first() -> None:
    clock = Clock()
    evictions = Evictions(3, Clocks.of(clock, None), longest=60)
    for sequence, subject in enumerate("abc", start=1):
        evictions.mark(subject, sequence)
    clock.advance(61)
    evictions.mark("d", 4)
    assert evictions.latest(("somebody else",)).sequence == 0
    for sequence, subject in enumerate("efg", start=5):
        evictions.mark(subject, sequence)
    assert evictions.latest(("somebody else",)).sequence == 7  # too many: all are forgotten


async def test_what_is_kept_beside_a_token_is_bounded() -> None:
    stack = LocalStack()
    auth = stack.engine()
    app = app_of(auth)
    alice = stack.sign_in(team="Acme", team_permissions=["bill"])
    teams = [stack.emulator.create_team(f"Team {number}").id for number in range(70)]
    for team_id in teams:
        stack.emulator.add_member(team_id, alice.user.id)
        stack.emulator.grant(alice.user.id, "bill", team_id=team_id)
    for _ in range(2):
        for team_id in teams:
            assert await outcome(app, f"/teams/{team_id}/permission", alice.token) == "200"
    scope: dict[str, Any] = {
        "type": "http",
        "headers": [(b"x-stack-access-token", alice.token.encode())],
    }
    assert auth.decide_cached(scope)
    assert 0 < len(scope[SCOPE_KEY]._held) <= 32


def test_invented_problems_do_not_fill_the_memory() -> None:
    log = ProblemLog(Clock())
    for number in range(3000):
        log.report(logging.DEBUG, f"METHOD{number} /route", "a line")
    assert len(log._last) <= 1000


async def test_a_team_guard_without_a_path_is_a_refusal_and_no_error() -> None:
    guard = require_team_permission("read")
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    with pytest.raises(StackHTTPException) as refused:
        await guard(Request(scope))
    assert refused.value.status_code == 503


def test_loops_that_were_closed_in_the_middle_are_forgotten() -> None:
    store = store_of(Clock())
    never = asyncio.Event

    async def begin(lookup: Any) -> None:
        task = asyncio.create_task(
            lookup.get("key", ("key",), lambda: never().wait(), store.arrival())
        )
        await turn()
        task.cancel()

    texts = Texts()
    for _ in range(5):
        loop = asyncio.new_event_loop()
        loop.run_until_complete(begin(texts.lookup))
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(turn())
        loop.close()
    gc.collect()
    assert len(texts.lookup._flights._by_loop) <= 1


@pytest.fixture
def stack() -> FakeStack:
    return FakeStack()


async def test_a_record_that_may_be_tried_again_waits_for_all_others_and_is_tried_then(
    stack: FakeStack,
) -> None:
    """Its own breaker lets one probe through, and the one of all requests none: it gets it back."""
    auth = stack.engine(user_cache_ttl=0, stale_if_error=0)
    app, odd = plain_app_of(auth), stack.sign_in()
    stack.spoil(lambda _request: httpx2.Response(500, headers=FROM_STACK), "me", "id")
    for _ in range(3):
        assert (await get(app, "/me", odd)).status == 503
    stack.clock.advance(PAUSE)  # the record may be tried again
    for _ in range(12):
        assert (await get(app, "/me", stack.sign_in())).status == 503  # nothing may, for a while
    asked = stack.asked.total()
    assert (await get(app, "/me", odd)).status == 503
    assert stack.asked.total() == asked
    stack.mend()
    stack.clock.advance(PAUSE)
    assert (await get(app, "/me", odd)).status == 200
