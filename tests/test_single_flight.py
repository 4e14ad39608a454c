"""One request at a time for each key: whoever joins, gives up, fails or comes late."""

from __future__ import annotations

import asyncio
import gc
import itertools
import traceback
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, ClassVar

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
)

from stack_fastapi import StackUnavailableError
from stack_fastapi.cache import InFlight, SingleFlight


class HeldRequest:
    """A request whose response the test gives."""

    def __init__(self) -> None:
        self.made_with: list[int] = []
        self.response: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def __call__(self, sequence: int) -> str:
        self.made_with.append(sequence)
        return await self.response


def never_made(_sequence: int) -> Awaitable[str]:
    raise AssertionError("whoever joins a request makes none")


def single_flight() -> SingleFlight[str]:
    """Requests with an order of their own."""
    return SingleFlight(itertools.count(1).__next__)


async def turn() -> None:
    """Let everything run that can run."""
    for _ in range(5):
        await asyncio.sleep(0)


# ---------------------------------------------------------------- one scene each


async def test_whoever_joins_waits_for_the_one_response() -> None:
    flights = single_flight()
    request = HeldRequest()
    first, began = flights.join("key", request)
    second, began_too = flights.join("key", never_made)
    assert (began, began_too) == (True, False)
    assert first is second
    waiting = [asyncio.create_task(first.result()) for _ in range(3)]
    await turn()
    request.response.set_result("response")
    assert await asyncio.gather(*waiting) == ["response"] * 3
    assert request.made_with == [first.sequence]
    assert flights.in_flight("key") is None


async def test_two_keys_are_two_requests() -> None:
    flights = single_flight()
    one, two = HeldRequest(), HeldRequest()
    flight_one, _ = flights.join("one", one)
    flight_two, began = flights.join("two", two)
    assert began
    two.response.set_result("2")
    assert await flight_two.result() == "2"
    assert flights.in_flight("one") is flight_one
    one.response.set_result("1")
    assert await flight_one.result() == "1"


async def test_the_response_comes_even_if_everybody_who_waited_was_cancelled() -> None:
    flights = single_flight()
    request = HeldRequest()
    flight, _ = flights.join("key", request)
    waiting = [asyncio.create_task(flight.result()) for _ in range(3)]
    await turn()
    for task in waiting:
        task.cancel()
    await turn()
    assert all(task.cancelled() for task in waiting)
    late, began = flights.join("key", never_made)
    assert not began
    request.response.set_result("response")
    assert await late.result() == "response"


async def test_a_failure_reaches_everybody_who_waited_and_nobody_after_them() -> None:
    flights = single_flight()
    request = HeldRequest()
    flight, _ = flights.join("key", request)
    waiting = [asyncio.create_task(flight.result()) for _ in range(3)]
    await turn()
    error = StackUnavailableError("down")
    request.response.set_exception(error)
    assert await asyncio.gather(*waiting, return_exceptions=True) == [error] * 3
    again = HeldRequest()
    later, began = flights.join("key", again)
    assert began
    again.response.set_result("up")
    assert await later.result() == "up"


async def test_a_failure_that_landed_is_not_shared_in_the_same_turn_of_the_loop() -> None:
    """Between a task's end and its callbacks, others may run."""
    flights = single_flight()
    request = HeldRequest()
    flight, _ = flights.join("key", request)
    await turn()
    seen: list[tuple[bool, bool, bool]] = []
    again = HeldRequest()

    def come_late(_response: object) -> None:
        in_flight = flights.in_flight("key")
        _, began = flights.join("key", again)
        seen.append((flight.task.done(), in_flight is not None, began))

    # Runs in the same turn as the flight's last step, and behind it.
    request.response.add_done_callback(come_late)
    request.response.set_exception(StackUnavailableError())
    await turn()
    assert seen == [(True, False, True)]
    again.response.set_result("up")
    await turn()
    assert flights.in_flight("key") is None


async def test_a_failure_that_nobody_hears_of_is_not_reported_as_lost() -> None:
    reports: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, report: reports.append(report))
    flights = single_flight()

    async def fail(_sequence: int) -> str:
        raise StackUnavailableError

    flights.join("key", fail)
    await turn()
    assert flights.in_flight("key") is None
    gc.collect()
    assert reports == []


async def test_a_shared_failure_does_not_collect_the_frames_of_those_who_waited() -> None:
    flights = single_flight()
    request = HeldRequest()
    flight, _ = flights.join("key", request)
    request.response.set_exception(StackUnavailableError())

    async def depth() -> int:
        with pytest.raises(StackUnavailableError) as caught:
            await flight.result()
        return len(traceback.extract_tb(caught.value.__traceback__))

    assert len({await depth() for _ in range(5)}) == 1


@pytest.mark.parametrize("by", ["the request", "the loop"])
async def test_a_request_that_is_ended_from_outside_is_an_outage_and_no_cancellation(
    by: str,
) -> None:
    flights = single_flight()
    request = HeldRequest()
    flight, _ = flights.join("key", request)
    waiting = asyncio.create_task(flight.result())
    await turn()
    if by == "the loop":
        flight.task.cancel()
    else:
        request.response.cancel()
    with pytest.raises(StackUnavailableError):
        await waiting
    assert flights.in_flight("key") is None


async def test_a_request_that_began_too_early_does_not_count() -> None:
    numbers = itertools.count(1).__next__
    flights: SingleFlight[str] = SingleFlight(numbers)
    early, late = HeldRequest(), HeldRequest()
    first, _ = flights.join("key", early)
    arrival = numbers()
    assert flights.join("key", never_made)[0] is first
    assert flights.join("key", never_made, not_before=first.sequence)[0] is first
    second, began = flights.join("key", late, not_before=arrival)
    assert began
    assert second.sequence > arrival > first.sequence
    assert flights.in_flight("key") is second
    early.response.set_result("old")
    assert await first.result() == "old"
    assert flights.in_flight("key") is second  # the old one's end is not the new one's
    third, began = flights.join("key", never_made, not_before=arrival)  # still the second one
    assert (third, began) == (second, False)
    late.response.set_result("new")
    assert await third.result() == "new"


async def test_closing_ends_what_is_in_flight_and_whoever_waits_hears_of_an_outage() -> None:
    flights = single_flight()
    flight, _ = flights.join("key", HeldRequest())
    waiting = [asyncio.create_task(flight.result()) for _ in range(3)]
    await turn()
    await flights.aclose()
    assert flight.task.cancelled()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StackUnavailableError] * 3
    again = HeldRequest()
    later, began = flights.join("key", again)
    assert began
    again.response.set_result("up")
    assert await later.result() == "up"


async def test_closing_ends_overtaken_requests_too() -> None:
    flights = single_flight()
    overtaken, _ = flights.join("key", HeldRequest())
    newest, _ = flights.join("key", HeldRequest(), not_before=overtaken.sequence + 1)
    await turn()
    await flights.aclose()
    assert overtaken.task.cancelled()
    assert newest.task.cancelled()


async def test_closing_where_nothing_is_in_flight_is_no_error() -> None:
    await single_flight().aclose()


def test_requests_of_two_loops_do_not_meet() -> None:
    flights = single_flight()
    loops = [asyncio.new_event_loop() for _ in range(2)]

    async def begin() -> tuple[HeldRequest, InFlight[str], bool]:
        request = HeldRequest()
        flight, began = flights.join("key", request)
        await turn()
        return request, flight, began

    async def in_flight() -> InFlight[str] | None:
        return flights.in_flight("key")

    begun = [loop.run_until_complete(begin()) for loop in loops]
    assert [began for _, _, began in begun] == [True, True]
    found = [loop.run_until_complete(in_flight()) for loop in loops]
    assert found == [flight for _, flight, _ in begun]
    loops[0].run_until_complete(flights.aclose())
    found = [loop.run_until_complete(in_flight()) for loop in loops]
    assert found == [None, begun[1][1]]  # closing is for one loop alone
    begun[1][0].response.set_result("response")
    for loop in loops:
        loop.run_until_complete(turn())
        loop.close()


# ---------------------------------------------------------------- any order of scenes


class Sent:
    """What the model knows of a request."""

    def __init__(self, key: str, flight: InFlight[str], request: HeldRequest) -> None:
        self.key = key
        self.flight = flight
        self.request = request
        self.waiting: list[asyncio.Task[str]] = []
        self.in_flight = True


class SingleFlightMachine(RuleBasedStateMachine):
    """Joins, cancellations, responses and closings in any order, against a table of requests."""

    KEYS: ClassVar = st.sampled_from(["a", "b"])
    sent: Bundle[Sent] = Bundle("sent")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.lost: list[Any] = []
        self.loop.set_exception_handler(lambda _loop, report: self.lost.append(report))
        self.next_sequence = itertools.count(1).__next__
        self.flights: SingleFlight[str] = SingleFlight(self.next_sequence)
        self.table: dict[str, Sent] = {}
        self.all: list[Sent] = []
        self.last_sequence = 0

    def run(self, action: Callable[[], Any]) -> Any:
        async def inside() -> Any:
            result = action()
            await turn()
            return result

        return self.loop.run_until_complete(inside())

    def join_from(self, key: str, not_before: int) -> Any:
        """Join what counts from a sequence number on; a new request, if one began."""

        def action() -> tuple[InFlight[str], bool, HeldRequest]:
            request = HeldRequest()
            flight, began = self.flights.join(key, request, not_before=not_before)
            return flight, began, request

        flight, began, request = self.run(action)
        expected = self.table.get(key)
        assert began is (expected is None or expected.flight.sequence < not_before)
        if began:
            assert flight.sequence > self.last_sequence
            assert flight.sequence >= not_before
            assert request.made_with == [flight.sequence]
            self.last_sequence = flight.sequence
            current = self.table[key] = Sent(key, flight, request)
            self.all.append(current)
        else:
            assert expected is not None
            assert flight is expected.flight
            assert request.made_with == []
            current = expected
        self.run(lambda: current.waiting.append(asyncio.create_task(flight.result())))
        return multiple(current) if began else multiple()

    @rule(key=KEYS, fresh=st.booleans(), target=sent)
    def join(self, key: str, fresh: bool) -> Any:  # noqa: FBT001 - hypothesis passes it by name
        return self.join_from(key, self.next_sequence() if fresh else 0)

    @rule(key=KEYS, than=sent, later=st.integers(-1, 1), target=sent)
    def join_what_is_not_older(self, key: str, than: Sent, later: int) -> Any:
        return self.join_from(key, min(than.flight.sequence + later, self.next_sequence()))

    @rule(sent=sent, which=st.integers(0, 5))
    def give_up(self, sent: Sent, which: int) -> None:
        still = [task for task in sent.waiting if not task.done()]
        if still:
            task = still[which % len(still)]
            self.run(task.cancel)
            assert task.cancelled()

    @rule(sent=sent, how=st.sampled_from(["response", "failure", "cancellation"]))
    def end(self, sent: Sent, how: str) -> None:
        if not sent.in_flight:
            return
        waited = [task for task in sent.waiting if not task.done()]
        error = StackUnavailableError(how)
        response = sent.request.response
        if how == "response":
            self.run(lambda: response.set_result("response"))
            assert [task.result() for task in waited] == ["response"] * len(waited)
        elif how == "failure":
            self.run(lambda: response.set_exception(error))
            assert all(task.exception() is error for task in waited)
        else:
            self.run(response.cancel)
            assert all(isinstance(task.exception(), StackUnavailableError) for task in waited)
        sent.in_flight = False
        if self.table.get(sent.key) is sent:
            del self.table[sent.key]

    @rule()
    def close(self) -> None:
        self.loop.run_until_complete(self.flights.aclose())
        self.run(lambda: None)
        for sent in self.all:
            if sent.in_flight:
                assert sent.flight.task.cancelled()
                assert all(task.done() for task in sent.waiting)
                sent.in_flight = False
        self.table.clear()

    @invariant()
    def the_newest_of_what_is_in_flight_can_be_joined_and_nothing_else(self) -> None:
        for key in ("a", "b"):
            sent = self.table.get(key)
            found = self.run(partial(self.flights.in_flight, key))
            assert found is (None if sent is None else sent.flight)

    @invariant()
    def no_task_is_left_behind(self) -> None:
        expected = {sent.flight.task for sent in self.all if sent.in_flight}
        expected |= {task for sent in self.all for task in sent.waiting if not task.done()}
        assert asyncio.all_tasks(self.loop) == expected

    def teardown(self) -> None:
        for sent in self.all:
            self.end(sent, "response")
            for task in sent.waiting:
                if not task.cancelled():
                    task.exception()  # heard of
        assert asyncio.all_tasks(self.loop) == set()
        assert not any(here.joinable or here.tasks for here in self.flights._by_loop.values())
        assert self.lost == []
        self.loop.close()


TestAnyOrder = SingleFlightMachine.TestCase
TestAnyOrder.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
