"""One question at a time: whoever joins, gives up, fails or comes late."""

from __future__ import annotations

import asyncio
import gc
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
    precondition,
    rule,
)

from stack_fastapi import StackUnavailableError
from stack_fastapi.cache import Flight, SingleFlight


class Question:
    """A question whose answer the test gives."""

    def __init__(self) -> None:
        self.asked_with: list[int] = []
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def __call__(self, ticket: int) -> str:
        self.asked_with.append(ticket)
        return await self.answer


def never_asked(_ticket: int) -> Awaitable[str]:
    raise AssertionError("a question that joins another flight is not asked")


async def turn() -> None:
    """Let everything run that can run."""
    for _ in range(5):
        await asyncio.sleep(0)


# ---------------------------------------------------------------- one scene each


async def test_whoever_joins_waits_for_the_one_answer() -> None:
    flights: SingleFlight[str] = SingleFlight()
    question = Question()
    first, began = flights.join("key", question)
    second, began_too = flights.join("key", never_asked)
    assert (began, began_too) == (True, False)
    assert first is second
    waiting = [asyncio.create_task(first.result()) for _ in range(3)]
    await turn()
    question.answer.set_result("answer")
    assert await asyncio.gather(*waiting) == ["answer"] * 3
    assert question.asked_with == [first.ticket]
    assert not flights.in_the_air("key")


async def test_two_keys_are_two_questions() -> None:
    flights: SingleFlight[str] = SingleFlight()
    one, two = Question(), Question()
    flight_one, _ = flights.join("one", one)
    flight_two, began = flights.join("two", two)
    assert began
    two.answer.set_result("2")
    assert await flight_two.result() == "2"
    assert flights.in_the_air("one")
    one.answer.set_result("1")
    assert await flight_one.result() == "1"


async def test_the_answer_comes_even_if_everybody_who_waited_was_cancelled() -> None:
    flights: SingleFlight[str] = SingleFlight()
    question = Question()
    flight, _ = flights.join("key", question)
    waiting = [asyncio.create_task(flight.result()) for _ in range(3)]
    await turn()
    for task in waiting:
        task.cancel()
    await turn()
    assert all(task.cancelled() for task in waiting)
    late, began = flights.join("key", never_asked)
    assert not began
    question.answer.set_result("answer")
    assert await late.result() == "answer"


async def test_a_failure_reaches_everybody_who_waited_and_nobody_after_them() -> None:
    flights: SingleFlight[str] = SingleFlight()
    question = Question()
    flight, _ = flights.join("key", question)
    waiting = [asyncio.create_task(flight.result()) for _ in range(3)]
    await turn()
    error = StackUnavailableError("down")
    question.answer.set_exception(error)
    assert await asyncio.gather(*waiting, return_exceptions=True) == [error] * 3
    again = Question()
    later, began = flights.join("key", again)
    assert began
    again.answer.set_result("up")
    assert await later.result() == "up"


async def test_a_failure_that_landed_is_not_shared_in_the_same_turn_of_the_loop() -> None:
    """Between a task's end and its callbacks, others may run."""
    flights: SingleFlight[str] = SingleFlight()
    question = Question()
    flight, _ = flights.join("key", question)
    await turn()
    seen: list[tuple[bool, bool, bool]] = []
    again = Question()

    def come_late(_answer: object) -> None:
        in_the_air = flights.in_the_air("key")
        _, began = flights.join("key", again)
        seen.append((flight.task.done(), in_the_air, began))

    # Runs in the same turn as the flight's last step, and behind it.
    question.answer.add_done_callback(come_late)
    question.answer.set_exception(StackUnavailableError())
    await turn()
    assert seen == [(True, False, True)]
    again.answer.set_result("up")
    await turn()
    assert not flights.in_the_air("key")


async def test_a_failure_that_nobody_hears_of_is_not_reported_as_lost() -> None:
    reports: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, report: reports.append(report))
    flights: SingleFlight[str] = SingleFlight()

    async def fail(_ticket: int) -> str:
        raise StackUnavailableError

    flights.join("key", fail)
    await turn()
    assert not flights.in_the_air("key")
    gc.collect()
    assert reports == []


async def test_a_shared_failure_does_not_collect_the_frames_of_those_who_waited() -> None:
    flights: SingleFlight[str] = SingleFlight()
    question = Question()
    flight, _ = flights.join("key", question)
    question.answer.set_exception(StackUnavailableError())

    async def depth() -> int:
        with pytest.raises(StackUnavailableError) as caught:
            await flight.result()
        return len(traceback.extract_tb(caught.value.__traceback__))

    assert len({await depth() for _ in range(5)}) == 1


@pytest.mark.parametrize("by", ["the question", "the loop"])
async def test_a_flight_that_is_ended_from_outside_is_an_outage_and_no_cancellation(
    by: str,
) -> None:
    flights: SingleFlight[str] = SingleFlight()
    question = Question()
    flight, _ = flights.join("key", question)
    waiting = asyncio.create_task(flight.result())
    await turn()
    if by == "the loop":
        flight.task.cancel()
    else:
        question.answer.cancel()
    with pytest.raises(StackUnavailableError):
        await waiting
    assert not flights.in_the_air("key")


async def test_a_flight_that_began_too_early_does_not_count() -> None:
    flights: SingleFlight[str] = SingleFlight()
    early, late = Question(), Question()
    first, _ = flights.join("key", early)
    arrival = flights.ticket()
    assert flights.join("key", never_asked)[0] is first
    assert flights.join("key", never_asked, not_before=first.ticket)[0] is first
    second, began = flights.join("key", late, not_before=arrival)
    assert began
    assert second.ticket > arrival > first.ticket
    assert flights.is_current("key", second.ticket)
    assert not flights.is_current("key", first.ticket)
    early.answer.set_result("old")
    assert await first.result() == "old"
    third, began = flights.join("key", never_asked, not_before=arrival)  # still the second one
    assert (third, began) == (second, False)
    late.answer.set_result("new")
    assert await third.result() == "new"


async def test_what_is_forgotten_cannot_be_joined_and_is_still_answered() -> None:
    flights: SingleFlight[str] = SingleFlight()
    old, new = Question(), Question()
    first, _ = flights.join("key", old)
    flights.forget("key")
    flights.forget("nothing is known of this one")
    assert not flights.in_the_air("key")
    assert not flights.is_current("key", first.ticket)
    second, began = flights.join("key", new)
    assert began
    old.answer.set_result("old")
    assert await first.result() == "old"
    assert flights.is_current("key", second.ticket)  # the old one's end is not the new one's
    new.answer.set_result("new")
    assert await second.result() == "new"


def test_flights_of_two_loops_do_not_meet_and_one_forget_is_for_all() -> None:
    flights: SingleFlight[str] = SingleFlight()
    loops = [asyncio.new_event_loop() for _ in range(2)]

    async def begin() -> tuple[Question, bool]:
        question = Question()
        _, began = flights.join("key", question)
        await turn()
        return question, began

    async def is_in_the_air() -> bool:
        return flights.in_the_air("key")

    begun = [loop.run_until_complete(begin()) for loop in loops]
    assert [began for _, began in begun] == [True, True]
    flights.forget("key")
    assert [loop.run_until_complete(is_in_the_air()) for loop in loops] == [False, False]
    for loop, (question, _) in zip(loops, begun, strict=True):
        question.answer.set_result("answer")
        loop.run_until_complete(turn())
        loop.close()


# ---------------------------------------------------------------- any order of scenes


class Flown:
    """What the model knows of a flight."""

    def __init__(self, key: str, flight: Flight[str], question: Question) -> None:
        self.key = key
        self.flight = flight
        self.question = question
        self.waiting: list[asyncio.Task[str]] = []
        self.in_the_air = True


class SingleFlightMachine(RuleBasedStateMachine):
    """Joins, cancellations, landings and forgetting in any order, against a table of flights."""

    KEYS: ClassVar = st.sampled_from(["a", "b"])
    flown: Bundle[Flown] = Bundle("flown")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.lost: list[Any] = []
        self.loop.set_exception_handler(lambda _loop, report: self.lost.append(report))
        self.flights: SingleFlight[str] = SingleFlight()
        self.table: dict[str, Flown] = {}
        self.all: list[Flown] = []
        self.last_ticket = 0

    def run(self, action: Callable[[], Any]) -> Any:
        async def inside() -> Any:
            result = action()
            await turn()
            return result

        return self.loop.run_until_complete(inside())

    @rule(key=KEYS, fresh=st.booleans(), target=flown)
    def join(self, key: str, fresh: bool) -> Any:  # noqa: FBT001 - hypothesis passes it by name
        def action() -> tuple[Flight[str], bool, Question]:
            not_before = self.flights.ticket() if fresh else 0
            question = Question()
            flight, began = self.flights.join(key, question, not_before=not_before)
            return flight, began, question

        flight, began, question = self.run(action)
        expected = self.table.get(key)
        assert began is (fresh or expected is None)
        if began:
            assert flight.ticket > self.last_ticket
            assert question.asked_with == [flight.ticket]
            self.last_ticket = flight.ticket
            current = self.table[key] = Flown(key, flight, question)
            self.all.append(current)
        else:
            assert expected is not None
            assert flight is expected.flight
            assert question.asked_with == []
            current = expected
        self.run(lambda: current.waiting.append(asyncio.create_task(flight.result())))
        return multiple(current) if began else multiple()

    @rule(flown=flown, which=st.integers(0, 5))
    def give_up(self, flown: Flown, which: int) -> None:
        still = [task for task in flown.waiting if not task.done()]
        if still:
            task = still[which % len(still)]
            self.run(task.cancel)
            assert task.cancelled()

    @rule(flown=flown, how=st.sampled_from(["answer", "failure", "cancellation"]))
    def land(self, flown: Flown, how: str) -> None:
        if not flown.in_the_air:
            return
        waited = [task for task in flown.waiting if not task.done()]
        error = StackUnavailableError(how)
        answer = flown.question.answer
        if how == "answer":
            self.run(lambda: answer.set_result("answer"))
            assert [task.result() for task in waited] == ["answer"] * len(waited)
        elif how == "failure":
            self.run(lambda: answer.set_exception(error))
            assert all(task.exception() is error for task in waited)
        else:
            self.run(answer.cancel)
            assert all(isinstance(task.exception(), StackUnavailableError) for task in waited)
        flown.in_the_air = False
        if self.table.get(flown.key) is flown:
            del self.table[flown.key]

    @rule(key=KEYS)
    def forget(self, key: str) -> None:
        self.run(lambda: self.flights.forget(key))
        self.table.pop(key, None)

    @precondition(lambda self: self.all)
    @rule()
    def ask_who_is_current(self) -> None:
        for flown in self.all:
            current = self.run(partial(self.flights.is_current, flown.key, flown.flight.ticket))
            assert current is (self.table.get(flown.key) is flown)

    @invariant()
    def the_table_holds_what_is_in_the_air_and_nothing_else(self) -> None:
        for key in ("a", "b"):
            assert self.run(partial(self.flights.in_the_air, key)) is (key in self.table)

    @invariant()
    def no_task_is_left_behind(self) -> None:
        expected = {flown.flight.task for flown in self.all if flown.in_the_air}
        expected |= {task for flown in self.all for task in flown.waiting if not task.done()}
        assert asyncio.all_tasks(self.loop) == expected

    def teardown(self) -> None:
        for flown in self.all:
            self.land(flown, "answer")
        assert asyncio.all_tasks(self.loop) == set()
        assert not any(sky.flights or sky.tasks for sky in self.flights._by_loop.values())
        assert self.lost == []
        self.loop.close()


TestAnyOrder = SingleFlightMachine.TestCase
TestAnyOrder.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
