"""However many ask at once, Stack is asked once."""

from __future__ import annotations

import asyncio
import gc
import itertools
import threading
import warnings
import weakref
from collections.abc import Iterator

import httpx2
import pytest
from blockbuster import BlockBuster
from fake_stack import FakeStack, app_of, connection_of, get
from starlette.types import ASGIApp, Receive, Scope, Send

from stack_fastapi import StackAuth, StackAuthSettings
from stack_fastapi.emulator import StackEmulator


class Crowd:
    """An app that tells when so many requests are inside."""

    def __init__(self, app: ASGIApp, size: int) -> None:
        self.complete = asyncio.Event()
        self._app = app
        self._missing = size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._missing -= 1
        if self._missing == 0:
            self.complete.set()
        await self._app(scope, receive, send)


async def test_ten_thousand_requests_of_one_unknown_user_ask_for_keys_and_user_once() -> None:
    stack = FakeStack()
    token = stack.sign_in()
    keys, user = stack.hold("jwks"), stack.hold("me")
    crowd = Crowd(app_of(stack.engine()), 10_000)
    requests = asyncio.gather(*(get(crowd, "/me", token) for _ in range(10_000)))
    await crowd.complete.wait()
    keys.open()
    user.open()
    replies = await requests
    assert {(reply.status, reply.json) for reply in replies} == {(200, next(iter(stack.users)))}
    assert stack.asked == {"jwks": 1, "me": 1}


async def test_a_thousand_users_with_ten_requests_each_are_asked_for_once_each() -> None:
    stack = FakeStack()
    tokens = {user_id: stack.token(user_id) for user_id in (stack.add_user() for _ in range(1000))}
    app = app_of(stack.engine())
    callers = [user_id for user_id in tokens for _ in range(10)]
    replies = await asyncio.gather(*(get(app, "/me", tokens[user_id]) for user_id in callers))
    assert [reply.json for reply in replies] == callers
    assert stack.asked == {"jwks": 1, "me": 1000}


async def test_a_hundred_tokens_of_one_user_within_the_lifetime_ask_once() -> None:
    stack = FakeStack()
    user_id = stack.add_user()
    app = app_of(stack.engine(user_cache_ttl=60))
    for _ in range(100):
        reply = await get(app, "/me", stack.token(user_id))
        assert (reply.status, reply.json) == (200, user_id)
        stack.clock.advance(0.5)
    assert stack.asked == {"jwks": 1, "me": 1}


async def test_requests_that_come_one_after_the_other_join_the_look_up_in_the_air() -> None:
    stack = FakeStack()
    token = stack.sign_in()
    app = app_of(stack.engine())
    gate = stack.hold("me")
    first = asyncio.create_task(get(app, "/me", token))
    await gate.reached.wait()
    late = [asyncio.create_task(get(app, "/me", token)) for _ in range(10)]
    gate.open()
    replies = await asyncio.gather(first, *late)
    assert {reply.status for reply in replies} == {200}
    assert stack.asked["me"] == 1


# ---------------------------------------------------------------- event loops


@pytest.fixture
def emulator() -> Iterator[StackEmulator]:
    emulator = StackEmulator()
    with emulator.serve():
        yield emulator


def engine_for(emulator: StackEmulator) -> StackAuth:
    project = emulator.project
    return StackAuth(
        StackAuthSettings(
            project_id=project.id,
            secret_server_key=project.secret_server_key,
            api_url=emulator.url,
        )
    )


def new_token(emulator: StackEmulator, number: int) -> str:
    user = emulator.create_user(primary_email=f"user-{number}@example.com")
    return emulator.sign_in(user.id).access_token


async def authenticate(auth: StackAuth, token: str) -> str:
    user = await auth.authenticate(connection_of(token))
    assert user is not None
    return user.id


def assert_nothing_is_left_open() -> None:
    """What is collected unclosed warns, and warnings are errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gc.collect()


def test_one_engine_serves_one_event_loop_after_the_other(emulator: StackEmulator) -> None:
    auth = engine_for(emulator)
    users = {asyncio.run(authenticate(auth, new_token(emulator, n))) for n in range(4)}
    assert len(users) == 4
    assert len(emulator.requests.to("*/jwks.json")) == 1
    assert_nothing_is_left_open()


def test_one_engine_serves_two_event_loops_in_two_threads_at_once(
    emulator: StackEmulator, no_blocking_calls: BlockBuster
) -> None:
    # Two threads that meet at the lock of a dictionary do wait, for microseconds.
    no_blocking_calls.functions["threading.Lock.acquire"].deactivate()
    auth = engine_for(emulator)
    tokens = [new_token(emulator, number) for number in range(40)]
    meeting = threading.Barrier(2, timeout=20)
    found: list[list[str]] = []

    async def ask_for_all() -> list[str]:
        return await asyncio.gather(*(authenticate(auth, token) for token in tokens))

    def run() -> None:
        meeting.wait()
        found.append(asyncio.run(ask_for_all()))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert found[0] == found[1]
    assert len(set(found[0])) == 40
    # Flights of two loops do not meet, but nobody asks more often than once in each.
    assert len(emulator.requests.to("*/users/me")) <= 80
    assert len(emulator.requests.to("*/jwks.json")) <= 2
    assert_nothing_is_left_open()


def test_what_one_event_loop_learnt_another_knows() -> None:
    stack = FakeStack()
    auth, token = stack.engine(), stack.sign_in()
    assert asyncio.run(authenticate(auth, token)) == asyncio.run(authenticate(auth, token))
    assert stack.asked == {"jwks": 1, "me": 1}


def test_an_event_loop_that_is_gone_is_forgotten() -> None:
    """Also one that was closed without a word to its asynchronous generators."""
    stack = FakeStack()
    auth = stack.engine()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(authenticate(auth, stack.sign_in()))
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    gone = weakref.ref(loop)
    del loop
    asyncio.run(authenticate(auth, stack.sign_in()))  # the next one may be what tidies up
    gc.collect()
    assert gone() is None


class CountingTransport(httpx2.MockTransport):
    """Counts how often it is closed."""

    closed = 0

    async def aclose(self) -> None:
        self.closed += 1


def test_an_event_loop_that_ends_closes_its_connections_and_no_others() -> None:
    stack = FakeStack()
    transport = CountingTransport(stack.answer)
    auth = StackAuth(stack.settings(), transport=transport, clock=stack.clock)
    for number in itertools.count(1):
        asyncio.run(authenticate(auth, stack.sign_in()))
        assert transport.closed == number
        if number == 3:
            break
