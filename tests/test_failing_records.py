"""A single record that Stack cannot hand out: its own requests fail, and nobody else's."""

from __future__ import annotations

import asyncio
import inspect
import json

import httpx2
import pytest
from fake_stack import FROM_STACK, Answerer, FakeStack, Reply, app_of, get
from guarded_app import LocalStack, app_of as guarded_app_of, outcome
from joserfc import jws
from pydantic import JsonValue

from stack_fastapi import StackAuth, StackUnavailableError
from stack_fastapi.cache.store import TOO_LARGE_TTL
from stack_fastapi.client.transport.circuit_breaker import DIFFERENT, PAUSE, THRESHOLD_OF_ONE
from stack_fastapi.client.transport.request import MAX_BODY
from stack_fastapi.exceptions import ResponseTooLargeError

#: A question is repeated so often before it has failed.
ATTEMPTS = 3


@pytest.fixture
def stack() -> FakeStack:
    return FakeStack()


def unavailable(reply: Reply) -> int:
    """Check that it is 503; returns the seconds that the caller is asked to wait."""
    assert (reply.status, reply.code) == (503, "STACK_UNAVAILABLE")
    return int(reply.headers["retry-after"])


def text(status: int, **headers: str) -> Answerer:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: httpx2.Response(status, headers=fields, text="<text>")


def oversized(_request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, headers=FROM_STACK, content=b'"' + b"a" * MAX_BODY + b'"')


def at(stack: FakeStack, user_id: str, answerer: Answerer) -> Answerer:
    """Spoil what is said of one user, whichever way they are asked for."""

    async def answer(request: httpx2.Request) -> httpx2.Response:
        token = request.headers.get("x-stack-access-token")
        subject = request.url.path.rpartition("/")[2]
        if token is not None:
            subject = json.loads(jws.extract_compact(token.encode()).payload)["sub"]
        answer = (answerer if subject == user_id else stack.honest)(request)
        return await answer if inspect.isawaitable(answer) else answer

    return answer


async def test_a_record_that_stack_breaks_at_cuts_off_nobody_else(stack: FakeStack) -> None:
    app, broken = app_of(stack.engine()), stack.add_user()
    stack.spoil(at(stack, broken, text(500, x_stack_request_id="a")), "me")
    for _ in range(50):
        # A token is another one every minute: the record is the same.
        unavailable(await get(app, "/me", stack.token(broken)))
        stack.clock.advance(0.01)
    for _ in range(10):
        assert (await get(app, "/me", stack.sign_in())).status == 200


async def test_a_record_that_stack_breaks_at_is_left_alone_for_a_while(stack: FakeStack) -> None:
    app, broken = app_of(stack.engine()), stack.add_user()
    stack.spoil(at(stack, broken, text(500, x_stack_request_id="a")), "me")
    for _ in range(THRESHOLD_OF_ONE):
        assert unavailable(await get(app, "/me", stack.token(broken))) == PAUSE
    asked = stack.asked["me"]
    assert asked == THRESHOLD_OF_ONE * ATTEMPTS
    stack.clock.advance(PAUSE - 1)
    assert unavailable(await get(app, "/me", stack.token(broken))) == 1
    assert stack.asked["me"] == asked
    stack.clock.advance(1)
    unavailable(await get(app, "/me", stack.token(broken)))
    assert stack.asked["me"] == asked + ATTEMPTS  # one probe
    unavailable(await get(app, "/me", stack.token(broken)))
    assert stack.asked["me"] == asked + ATTEMPTS
    stack.mend()
    stack.clock.advance(PAUSE)
    for _ in range(2):
        assert (await get(app, "/me", stack.token(broken))).status == 200


async def test_a_known_user_whose_record_breaks_lives_on_like_in_any_outage(
    stack: FakeStack,
) -> None:
    app, broken = app_of(stack.engine()), stack.add_user()
    token = stack.token(broken)
    assert (await get(app, "/me", token)).status == 200
    stack.spoil(at(stack, broken, text(500, x_stack_request_id="a")), "me", "id")
    stack.clock.advance(61)
    for _ in range(50):
        assert (await get(app, "/me", token)).status == 200
    assert stack.asked["id"] == THRESHOLD_OF_ONE * ATTEMPTS


async def test_a_pause_at_the_next_try_of_a_record_does_not_lock_it_out(stack: FakeStack) -> None:
    """Stack, asked once more about a record that it broke at, may say "later" as to anything."""
    app, broken = app_of(stack.engine()), stack.add_user()
    stack.spoil(at(stack, broken, text(500, x_stack_request_id="a")), "me")
    for _ in range(THRESHOLD_OF_ONE):
        unavailable(await get(app, "/me", stack.token(broken)))
    stack.clock.advance(PAUSE)
    stack.spoil(text(429, retry_after="30"), "me")
    unavailable(await get(app, "/me", stack.token(broken)))
    stack.mend()
    stack.clock.advance(30)
    assert (await get(app, "/me", stack.token(broken))).status == 200


async def test_a_caller_who_leaves_during_the_next_try_of_a_record_does_not_lock_it_out(
    stack: FakeStack,
) -> None:
    auth, broken = stack.engine(), stack.add_user()
    stack.spoil(at(stack, broken, text(500, x_stack_request_id="a")), "id")
    for _ in range(THRESHOLD_OF_ONE):
        with pytest.raises(StackUnavailableError):
            await auth.client.users.get(broken)
    stack.clock.advance(PAUSE)
    gate = stack.hold("id")
    leaving = asyncio.create_task(auth.client.users.get(broken))
    await gate.reached.wait()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    stack.mend()
    assert (await auth.client.users.get(broken)).id == broken


async def test_many_different_records_that_fail_are_an_outage(stack: FakeStack) -> None:
    app = app_of(stack.engine())
    stack.spoil(text(500, x_stack_request_id="a"), "me")
    users = [stack.add_user() for _ in range(DIFFERENT)]
    for user in users * 2:  # each of them too rarely to be left alone
        unavailable(await get(app, "/me", stack.token(user)))
    stack.mend()
    asked = stack.asked["me"]
    unavailable(await get(app, "/me", stack.sign_in()))
    assert stack.asked["me"] == asked
    stack.clock.advance(PAUSE)
    assert (await get(app, "/me", stack.sign_in())).status == 200


async def test_an_open_breaker_of_one_record_is_no_probe_of_all(stack: FakeStack) -> None:
    """Whoever is turned away at the second door gives back what they were given at the first."""
    app, broken = app_of(stack.engine()), stack.add_user()
    stack.spoil(text(500, x_stack_request_id="a"), "me")
    for _ in range(THRESHOLD_OF_ONE):
        unavailable(await get(app, "/me", stack.token(broken)))
    stack.spoil(text(429, retry_after="1"), "me")
    stack.clock.advance(PAUSE - 2)
    unavailable(await get(app, "/me", stack.sign_in()))
    stack.mend()
    stack.clock.advance(1)
    unavailable(await get(app, "/me", stack.token(broken)))  # its own breaker is open
    assert (await get(app, "/me", stack.sign_in())).status == 200


async def test_a_record_that_is_too_large_is_asked_for_once_and_troubles_nobody_else(
    stack: FakeStack,
) -> None:
    app, large = app_of(stack.engine()), stack.add_user()
    other = stack.sign_in()
    stack.spoil(at(stack, large, oversized), "me", "id")
    for _ in range(50):
        unavailable(await get(app, "/me", stack.token(large)))
    assert stack.asked["me"] == 1  # neither repeated nor asked for by each request
    for _ in range(2):
        assert (await get(app, "/me", other)).status == 200
    stack.clock.advance(TOO_LARGE_TTL - 0.1)
    unavailable(await get(app, "/me", stack.token(large)))
    assert stack.asked["me"] == 2
    stack.mend()
    stack.clock.advance(0.1)
    assert (await get(app, "/me", stack.token(large))).status == 200


async def test_a_record_that_has_become_too_large_lives_on_like_in_any_outage(
    stack: FakeStack,
) -> None:
    auth, large = stack.engine(), stack.add_user()
    app, token = app_of(auth), stack.token(large)
    assert (await get(app, "/me", token)).status == 200
    stack.spoil(at(stack, large, oversized), "me", "id")
    stack.clock.advance(61)
    for _ in range(10):
        assert (await get(app, "/me", token)).status == 200
    assert stack.asked["id"] == 1
    unavailable(await get(app, "/fresh", token))
    await auth.evict(large)
    unavailable(await get(app, "/me", token))  # and Stack was asked anew
    assert stack.asked["me"] == 2


async def test_a_user_whose_own_metadata_is_too_large_troubles_nobody_else() -> None:
    """With client access anybody may write megabytes into what is theirs."""
    stack = LocalStack()
    auth = stack.engine()
    app, mallory = guarded_app_of(auth), stack.sign_in()
    async with StackAuth(auth.settings, transport=stack.emulator.transport) as other:
        metadata: JsonValue = {"x": "y" * MAX_BODY}
        with pytest.raises(ResponseTooLargeError):  # which is the answer to the change
            await other.client.users.update(mallory.user.id, client_metadata=metadata)
    stack.asked()
    for _ in range(20):
        assert await outcome(app, "/user", mallory.token) == "503 STACK_UNAVAILABLE"
    assert stack.asked() == {"users": 1}
    assert await outcome(app, "/user", stack.sign_in().token) == "200"
