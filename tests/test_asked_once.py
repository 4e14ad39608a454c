"""Answers that nobody may live on: one question in a lifetime, and nothing that was forgotten."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import pytest
from fake_stack import Clock
from hypothesis import given, strategies as st

from stack_fastapi.cache import AskedOnce, Lifetimes
from stack_fastapi.types import Arrival

TTL, LONGEST_FLIGHT = 60.0, 10.0


class Asked:
    """An ``AskedOnce`` of texts, and the questions that reach the other side."""

    def __init__(self, size: int = 100) -> None:
        self.clock = Clock()
        self.tickets = itertools.count(1)
        self.times = 0
        self.answer = "first"
        self.gate: asyncio.Event | None = None
        self.reached = asyncio.Event()
        limits = Lifetimes(self.clock, size, TTL, LONGEST_FLIGHT)
        self.known: AskedOnce[str] = AskedOnce(
            limits, self.tickets, lambda text: (f"about {text}",), lambda text: text == "nothing"
        )

    def arrival(self) -> Arrival:
        return Arrival(self.clock(), next(self.tickets))

    async def question(self) -> str:
        self.times += 1
        answer = self.answer
        self.reached.set()
        if self.gate is not None:
            await self.gate.wait()
        return answer

    async def get(self, key: str = "key", max_age: float | None = None) -> str:
        return await self.known.get(key, (key,), self.question, self.arrival(), max_age)


async def test_it_asks_once_in_a_lifetime() -> None:
    asked = Asked()
    for _ in range(3):
        assert await asked.get() == "first"
    asked.clock.advance(TTL - 1)
    assert asked.known.recall("key") == "first"
    asked.clock.advance(1)
    assert asked.known.recall("key") is None
    assert await asked.get() == "first"
    assert asked.times == 2


async def test_a_lifetime_counts_from_the_question_and_not_from_its_answer() -> None:
    asked = Asked()
    asked.gate = asyncio.Event()
    task = asyncio.create_task(asked.get())
    await asked.reached.wait()
    asked.clock.advance(TTL)
    asked.gate.set()
    assert await task == "first"
    assert asked.known.recall("key") is None


async def test_all_who_come_while_it_asks_wait_for_one_answer() -> None:
    asked = Asked()
    asked.gate = asyncio.Event()
    tasks = [asyncio.create_task(asked.get()) for _ in range(100)]
    await asyncio.sleep(0)
    asked.gate.set()
    assert set(await asyncio.gather(*tasks)) == {"first"}
    assert asked.times == 1


@pytest.mark.parametrize(
    ("age", "max_age", "times"), [(5, 5, 2), (4, 5, 1), (0, 0, 2), (30, 40, 1), (59, None, 1)]
)
async def test_max_age_counts_from_the_arrival(
    age: float, max_age: float | None, times: int
) -> None:
    asked = Asked()
    await asked.get()
    asked.clock.advance(age)
    await asked.get(max_age=max_age)
    assert asked.times == times


@pytest.mark.parametrize(("max_age", "times"), [(0, 2), (10, 2), (11, 1), (None, 1)])
async def test_what_is_in_the_air_may_be_too_old(max_age: float | None, times: int) -> None:
    asked = Asked()
    asked.gate = asyncio.Event()
    first = asyncio.create_task(asked.get())
    await asked.reached.wait()
    second = asyncio.create_task(asked.get(max_age=max_age))
    await asyncio.sleep(0)
    asked.gate.set()
    await asyncio.gather(first, second)
    assert asked.times == times


@pytest.mark.parametrize("subject", ["key", "about first"])
async def test_what_was_forgotten_is_asked_for_again(subject: str) -> None:
    asked = Asked()
    await asked.get()
    asked.known.forget("another")
    assert asked.known.recall("key") == "first"
    asked.known.forget(subject)
    assert asked.known.recall("key") is None
    asked.answer = "second"
    assert await asked.get() == "second"
    assert asked.known.recall("key") == "second"


async def test_what_is_on_its_way_when_it_is_forgotten_is_not_kept_and_not_joined() -> None:
    asked = Asked()
    asked.gate = asyncio.Event()
    first = asyncio.create_task(asked.get())
    await asked.reached.wait()
    asked.known.forget("key")
    asked.answer = "second"
    second = asyncio.create_task(asked.get())
    await asked.reached.wait()
    asked.gate.set()
    assert [await first, await second] == ["first", "second"]
    assert asked.known.recall("key") == "second"


async def test_what_turns_out_to_be_about_something_forgotten_is_not_kept() -> None:
    asked = Asked()
    asked.gate = asyncio.Event()
    task = asyncio.create_task(asked.get())
    await asked.reached.wait()
    asked.known.forget("about first")
    asked.gate.set()
    assert await task == "first"
    assert asked.known.recall("key") is None


async def test_too_many_marks_forget_too_much_and_never_too_little() -> None:
    asked = Asked(size=3)
    await asked.get()
    asked.known.forget("key")
    for number in range(10):
        asked.known.forget(f"subject {number}")
    assert asked.known.recall("key") is None
    await asked.get()
    assert asked.known.recall("key") == "first"
    assert len(asked.known._forgotten._marks) <= 3


async def test_invented_keys_push_out_no_real_ones() -> None:
    asked = Asked(size=5)
    await asked.get("real")
    asked.answer = "nothing"
    for number in range(50):
        await asked.get(f"invented {number}")
    assert asked.known.recall("real") == "first"
    assert asked.known.recall("invented 49") == "nothing"
    assert asked.known.recall("invented 1") is None  # bounded, too


async def test_a_thing_that_appears_or_disappears_is_known_as_one_of_both() -> None:
    asked = Asked()
    for answer in ("nothing", "second", "nothing"):
        asked.answer = answer
        asked.clock.advance(1)
        assert await asked.get(max_age=0) == answer
        assert asked.known.recall("key") == answer


async def test_a_failure_reaches_who_waited_and_nobody_after() -> None:
    asked = Asked()

    async def fail() -> str:
        raise LookupError

    with pytest.raises(LookupError):
        await asked.known.get("key", (), fail, asked.arrival())
    assert await asked.get() == "first"


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("get"), st.sampled_from("ab")),
            st.tuples(st.just("forget"), st.sampled_from("ab")),
            st.tuples(st.just("change"), st.sampled_from("ab")),
            st.tuples(st.just("wait"), st.sampled_from([1.0, 30.0, 60.0])),
        )
    )
)
def test_nobody_sees_what_is_older_than_a_lifetime_or_was_forgotten(
    steps: list[tuple[str, str | float]],
) -> None:
    async def play() -> None:
        asked = Asked(size=2)
        truth = {"a": 0, "b": 0}
        #: The oldest value that may be seen, with the time at which it was replaced.
        replaced: dict[str, list[tuple[float, int]]] = {"a": [], "b": []}
        floor = {"a": 0, "b": 0}

        def reading(key: str) -> Callable[[], Awaitable[str]]:
            async def read() -> str:
                return str(truth[key])

            return read

        for what, value in steps:
            if isinstance(value, float):
                asked.clock.advance(value)
            elif what == "change":
                replaced[value].append((asked.clock(), truth[value]))
                truth[value] += 1
            elif what == "forget":
                asked.known.forget(value)
                floor[value] = truth[value]
            else:
                seen = int(await asked.known.get(value, (value,), reading(value), asked.arrival()))
                too_old = [old for at, old in replaced[value] if asked.clock() - at >= TTL]
                assert seen not in too_old
                assert floor[value] <= seen <= truth[value]

    asyncio.run(play())
