"""What is asked again: what may happen twice, and what Stack put off for a moment."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import stamina
from fake_stack import FROM_STACK, PROJECT_ID, SERVER_KEY

from stack_fastapi import Change, StackAuth, StackAuthSettings, StackUnavailableError

from .operations import OPERATIONS, Ids, Talk, talk_of

METHODS = ("GET", "POST", "PATCH", "DELETE", "PUT")
LIMITED = httpx2.Response(429, headers={**FROM_STACK, "retry-after": "1"})
OK = httpx2.Response(200, headers=FROM_STACK, json={"ok": True})


class Limiter:
    """A Stack that puts questions off, and a clock that goes on while somebody waits."""

    def __init__(self, *answers: httpx2.Response, step: float = 2.0, **settings: Any) -> None:
        self.asked = 0
        self._answers = iter(answers)
        ticks = itertools.count()
        self.auth = StackAuth(
            StackAuthSettings(project_id=PROJECT_ID, secret_server_key=SERVER_KEY, **settings),
            transport=httpx2.MockTransport(self._answer),
            clock=lambda: 1_800_000_000.0 + step * next(ticks),
        )

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked += 1
        return next(self._answers)


@pytest.fixture
def with_real_pauses() -> Iterator[None]:
    with stamina.set_testing(False):
        yield


@pytest.mark.parametrize("failure", [httpx2.Response(503), httpx2.ConnectError("")])
@pytest.mark.parametrize("name", OPERATIONS)
async def test_only_what_may_happen_twice_is_repeated(
    name: str, failure: httpx2.Response | Exception
) -> None:
    talk = talk_of(name, failure)
    with pytest.raises(StackUnavailableError):
        await OPERATIONS[name](talk.client, Ids())
    last = talk.requests[-1]
    asked = [request for request in talk.requests if request.url == last.url]
    times = [request.method for request in asked].count(last.method)
    assert times == (3 if last.method in {"GET", "DELETE"} else 1)


@pytest.mark.parametrize("method", METHODS)
async def test_what_was_put_off_is_asked_again_whatever_it_is(method: Any) -> None:
    """A question that was limited was not looked at, so it did not happen."""
    stack = Limiter(LIMITED, LIMITED, OK)
    assert await stack.auth.client.request(method, "/x") == {"ok": True}
    assert stack.asked == 3


@pytest.mark.parametrize("seconds", ["5", "6", "3600"])
async def test_a_pause_that_does_not_fit_into_the_time_is_left_to_the_caller(seconds: str) -> None:
    late = httpx2.Response(429, headers={**FROM_STACK, "retry-after": seconds})
    stack = Limiter(late, OK, timeout=5)
    with pytest.raises(StackUnavailableError) as caught:
        await stack.auth.client.request("GET", "/x")
    assert caught.value.retry_after == float(seconds)
    assert caught.value.__context__ is None
    assert stack.asked == 1


async def test_a_limit_without_a_time_is_not_asked_again() -> None:
    stack = Limiter(httpx2.Response(429, headers=FROM_STACK), OK)
    with pytest.raises(StackUnavailableError, match="429"):
        await stack.auth.client.request("GET", "/x")
    assert stack.asked == 1


async def test_nobody_asks_while_stack_wants_quiet() -> None:
    """One is told to wait; by the clock the pause is not over, so neither does anybody else ask."""
    stack = Limiter(LIMITED, OK, step=0.0)
    for _ in range(3):
        with pytest.raises(StackUnavailableError, match="not asking"):
            await stack.auth.client.request("GET", "/x")
    assert stack.asked == 1


@pytest.mark.usefixtures("with_real_pauses")
async def test_a_pause_is_kept() -> None:
    stack = Limiter(LIMITED, OK)
    question = asyncio.create_task(stack.auth.client.request("GET", "/x"))
    done, _ = await asyncio.wait([question], timeout=0.3)
    assert not done
    assert stack.asked == 1
    question.cancel()
    await asyncio.wait([question])


async def test_a_pause_counts_against_the_time() -> None:
    """The time bounds the whole call, however often Stack says that it takes but a moment."""
    stack = Limiter(*[LIMITED] * 10_000, timeout=1.001)
    async with asyncio.timeout(20):
        with pytest.raises(StackUnavailableError, match="429"):
            await stack.auth.client.request("GET", "/x")
    assert stack.asked >= 1


async def test_a_change_that_was_put_off_for_too_long_is_told_like_an_unknown_outcome() -> None:
    talk = Talk(httpx2.Response(429, headers={**FROM_STACK, "retry-after": "60"}))
    with pytest.raises(StackUnavailableError):
        await talk.client.users.update(Ids().user_id, display_name="A")
    assert talk.changes == [Change("user", Ids().user_id)]


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "PUT"])
async def test_a_change_that_stacks_own_code_broke_at_is_not_repeated(method: Any) -> None:
    """Stack looked at it, and would break there again: at a second sign-out, for instance."""
    talk = Talk(httpx2.Response(500, headers=FROM_STACK))
    with pytest.raises(StackUnavailableError, match="500"):
        await talk.client.request(method, "/x")
    assert len(talk.requests) == 1


async def test_a_question_that_stacks_own_code_broke_at_is_repeated() -> None:
    talk = Talk(httpx2.Response(500, headers=FROM_STACK))
    with pytest.raises(StackUnavailableError, match="500"):
        await talk.client.request("GET", "/x")
    assert len(talk.requests) == 3
