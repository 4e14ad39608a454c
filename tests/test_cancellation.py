"""Whoever gives up, and whenever: nobody else suffers, and nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import warnings
from typing import Any

import httpx2
import pytest
from fake_stack import (
    FakeStack,
    Gate,
    Stage,
    Tasks,
    app_of,
    connection_of,
    get,
    serving,
    speaking_for,
)
from hypothesis import given, settings, strategies as st

from stack_fastapi import StackAuth, StackUnavailableError

stages = pytest.mark.parametrize("stage", ["jwks", "me"])


@pytest.fixture
def stack() -> FakeStack:
    return FakeStack()


async def end(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def reached(gate: Gate, *calls: asyncio.Task[Any]) -> None:
    """Wait until a call got to the gate, or all of them ended without."""
    while not gate.reached.is_set() and not all(call.done() for call in calls):  # noqa: ASYNC110 - steps of the loop
        await asyncio.sleep(0)


# ---------------------------------------------------------------- waiters


@stages
async def test_a_waiter_who_gives_up_leaves_the_answer_to_the_others(
    stack: FakeStack, stage: Stage
) -> None:
    tasks = Tasks()
    app, token = app_of(stack.engine()), stack.sign_in()
    gate = stack.hold(stage)
    first, *others = [asyncio.create_task(get(app, "/me", token)) for _ in range(10)]
    await gate.reached.wait()
    await end(first)
    gate.open()
    assert {(await other).status for other in others} == {200}
    await tasks.finished()
    assert stack.asked == {"jwks": 1, "me": 1}


@stages
async def test_an_answer_that_nobody_waits_for_any_more_is_kept(
    stack: FakeStack, stage: Stage
) -> None:
    tasks = Tasks()
    app, token = app_of(stack.engine()), stack.sign_in()
    gate = stack.hold(stage)
    requests = [asyncio.create_task(get(app, "/me", token)) for _ in range(5)]
    await gate.reached.wait()
    for request in requests:
        await end(request)
    gate.open()
    await tasks.finished()
    assert (await get(app, "/me", token)).status == 200
    assert stack.asked == {"jwks": 1, "me": 1}


@stages
async def test_a_failure_that_nobody_waits_for_any_more_is_no_lost_error(
    stack: FakeStack, stage: Stage
) -> None:
    tasks = Tasks()
    app, token = app_of(stack.engine()), stack.sign_in()
    opened = asyncio.Event()

    async def fail_late(request: httpx2.Request) -> httpx2.Response:
        await opened.wait()
        return httpx2.Response(429)

    stack.spoil(fail_late, stage)
    request = asyncio.create_task(get(app, "/me", token))
    while not stack.asked[stage]:  # noqa: ASYNC110 - steps of the loop
        await asyncio.sleep(0)
    await end(request)
    lost: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: lost.append(context))
    opened.set()
    await tasks.finished()
    gc.collect()
    assert lost == []
    stack.mend()
    stack.clock.advance(10)
    assert (await get(app, "/me", token)).status == 200


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_any_cancellations_at_any_moment_leave_the_rest_served(data: st.DataObject) -> None:
    """The schedule says after which of the loop's steps which waiter gives up."""
    count = data.draw(st.integers(2, 6))
    schedule = data.draw(st.lists(st.tuples(st.integers(0, 4), st.integers(0, count - 1))))

    async def run() -> None:
        stack, tasks = FakeStack(), Tasks()
        app, token = app_of(stack.engine()), stack.sign_in()
        requests = [asyncio.create_task(get(app, "/me", token)) for _ in range(count)]
        for steps, victim in schedule:
            for _ in range(steps):
                await asyncio.sleep(0)
            requests[victim].cancel()
        answers = await asyncio.gather(*requests, return_exceptions=True)
        for answer in answers:
            assert isinstance(answer, asyncio.CancelledError) or answer.status == 200  # type: ignore[union-attr] # a reply
        await tasks.finished()
        assert (await get(app, "/me", token)).status == 200
        assert stack.asked == {"jwks": 1, "me": 1}

    asyncio.run(run())


# ---------------------------------------------------------------- the flight itself


@stages
async def test_a_look_up_that_is_ended_from_outside_is_an_outage_and_not_stuck(
    stack: FakeStack, stage: Stage
) -> None:
    tasks = Tasks()
    app, token = app_of(stack.engine()), stack.sign_in()
    gate = stack.hold(stage)
    requests = [asyncio.create_task(get(app, "/me", token)) for _ in range(3)]
    await gate.reached.wait()
    for task in tasks.running - set(requests):
        task.cancel()
    for request in requests:
        reply = await request
        assert reply.status == 503
        assert "retry-after" in reply.headers
    await tasks.finished()
    stack.mend()
    assert (await get(app, "/me", token)).status == 200


@stages
def test_an_event_loop_that_ends_in_the_middle_leaves_nothing_behind(
    stack: FakeStack, stage: Stage
) -> None:
    auth, token = stack.engine(), stack.sign_in()

    async def leave() -> None:
        gate = stack.hold(stage)
        request = asyncio.create_task(auth.authenticate(connection_of(token)))
        await gate.reached.wait()
        assert not request.done()

    async def stay() -> bool:
        stack.mend()
        return await auth.authenticate(connection_of(token)) is not None

    for _ in range(3):
        asyncio.run(leave())
    assert asyncio.run(stay())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gc.collect()


def test_an_event_loop_that_ends_in_the_middle_closes_its_sockets(stack: FakeStack) -> None:
    async def leave() -> None:
        async with serving(speaking_for(stack)) as server:
            gate = stack.hold("me")
            auth = StackAuth(stack.settings(api_url=server.url), clock=stack.clock)
            stack_token = stack.token(
                stack.add_user(), iss=f"{server.url}/api/v1/projects/{stack.project_id}"
            )
            asyncio.create_task(auth.authenticate(connection_of(stack_token)))  # noqa: RUF006 - left behind on purpose
            await gate.reached.wait()

    asyncio.run(leave())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gc.collect()


# ---------------------------------------------------------------- calls without a flight


async def test_calls_that_their_callers_end_are_not_held_against_stack(stack: FakeStack) -> None:
    """Else anybody who hangs up often enough would cut the others off."""
    auth, user_id = stack.engine(), stack.add_user()
    for _ in range(30):
        gate = stack.hold("id")
        call = asyncio.create_task(auth.client.users.get(user_id))
        await reached(gate, call)
        call.cancel()
        await asyncio.wait([call])
    assert stack.asked["id"] == 30
    stack.mend()
    assert (await auth.client.users.get(user_id)).id == user_id


@pytest.mark.parametrize("steps", range(5))
async def test_the_first_call_of_all_may_be_ended_at_any_moment(
    stack: FakeStack, steps: int
) -> None:
    """The connections are being set up then, for whoever comes next as well."""
    auth, user_id = stack.engine(), stack.add_user()
    call = asyncio.create_task(auth.client.users.get(user_id))
    for _ in range(steps):
        await asyncio.sleep(0)
    call.cancel()
    await asyncio.wait([call])
    assert (await auth.client.users.get(user_id)).id == user_id


async def test_a_probe_that_its_caller_ends_does_not_keep_the_circuit_open(
    stack: FakeStack,
) -> None:
    auth, user_id = stack.engine(), stack.add_user()
    stack.spoil(lambda request: httpx2.Response(429, headers={"retry-after": "30"}))
    with pytest.raises(StackUnavailableError):
        await auth.client.users.get(user_id)
    stack.clock.advance(30)
    gate = stack.hold("id")
    probe = asyncio.create_task(auth.client.users.get(user_id))
    await gate.reached.wait()
    await end(probe)
    stack.mend()
    stack.clock.advance(30)
    assert (await auth.client.users.get(user_id)).id == user_id


async def test_calls_that_their_callers_end_leave_no_connection_behind(stack: FakeStack) -> None:
    """More of them than a pool holds: a leak would show as a pool that is used up."""
    tasks = Tasks()
    user_id = stack.add_user()
    async with serving(speaking_for(stack)) as server:
        async with StackAuth(stack.settings(api_url=server.url), clock=stack.clock) as auth:
            for _ in range(3):
                gate = stack.hold("id")
                calls = [asyncio.create_task(auth.client.users.get(user_id)) for _ in range(50)]
                await reached(gate, *calls)
                for call in calls:
                    call.cancel()
                await asyncio.wait(calls)
                gate.open()
                await server.all_closed.wait()
            stack.mend()
            stack.clock.advance(10)
            assert (await auth.client.users.get(user_id)).id == user_id
        await server.all_closed.wait()
        assert server.open == 0
    await tasks.finished()


async def test_a_request_that_hangs_up_leaves_its_look_up_one_connection_and_no_more(
    stack: FakeStack,
) -> None:
    tasks = Tasks()
    async with serving(speaking_for(stack)) as server:
        settings = stack.settings(api_url=server.url, issuers=[stack.api_url])
        async with StackAuth(settings, clock=stack.clock) as auth:
            app, token = app_of(auth), stack.sign_in()
            for _ in range(5):
                gate = stack.hold("me")
                request = asyncio.create_task(get(app, "/me", token))
                await gate.reached.wait()
                await end(request)
                gate.open()
                stack.mend()
                assert (await get(app, "/me", token)).status == 200
                await auth.evict(next(iter(stack.users)))
            assert server.open == 1
        await server.all_closed.wait()
    await tasks.finished()


async def test_closing_while_somebody_waits_is_an_outage_for_them(stack: FakeStack) -> None:
    tasks = Tasks()
    async with serving(speaking_for(stack)) as server:
        settings = stack.settings(api_url=server.url, issuers=[stack.api_url], timeout=0.5)
        auth = StackAuth(settings, clock=stack.clock)
        app, token = app_of(auth), stack.sign_in()
        gate = stack.hold("me")
        request = asyncio.create_task(get(app, "/me", token))
        await gate.reached.wait()
        await auth.aclose()
        reply = await request
        assert reply.status == 503
        gate.open()
        await server.all_closed.wait()
    await tasks.finished()
