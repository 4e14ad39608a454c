"""The tier that workers share, behind a store: other machines' clocks, and evictions."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fake_stack import Clock
from stored import STALE, TTL, SharedTexts, Texts, turn

from stack_fastapi import StackUnavailableError
from stack_fastapi.cache import Kind, Lookup
from stack_fastapi.types import CachedAnswer, Clocks

NAME = "project text/key"


def written(cache: SharedTexts, value: object, asked_at: object) -> None:
    """What another worker, or another program, wrote for ``key``."""
    cache.entries[NAME] = CachedAnswer(value, asked_at)  # type: ignore[arg-type]


async def test_a_response_is_written_with_its_time_and_lifetime() -> None:
    cache = SharedTexts()
    texts = Texts(cache=cache, stale_if_error=STALE)
    await texts.get()
    assert cache.entries == {NAME: CachedAnswer("first", texts.wall())}
    assert cache.lifetimes == {NAME: TTL + STALE}
    texts.value = "nothing"
    await texts.get(max_age=0)
    assert cache.lifetimes == {NAME: TTL}


async def test_kinds_that_are_not_shared_stay_in_this_process() -> None:
    cache = SharedTexts()
    texts = Texts(cache=cache)
    private: Lookup[str] = texts.store.lookup(Kind("private", TTL))
    await private.get("key", ("key",), texts.request, texts.store.arrival())
    assert cache.entries == {}
    await texts.store.evict("key")
    assert cache.deleted == [NAME]


@pytest.mark.parametrize(
    ("age", "requests"), [(0, 0), (TTL - 1, 0), (TTL, 1), (TTL + STALE, 1), (-1, 1), (-1e9, 1)]
)
async def test_what_others_wrote_is_as_old_as_they_say_and_never_from_the_future(
    age: float, requests: int
) -> None:
    cache = SharedTexts()
    texts = Texts(cache=cache)
    written(cache, "theirs", texts.wall() - age)
    assert await texts.get() == ("first" if requests else "theirs")
    assert texts.requests == requests


@pytest.mark.parametrize("asked_at", [float("nan"), float("inf"), -1.0, "1", None])
async def test_what_is_no_time_is_no_response(asked_at: Any) -> None:
    cache = SharedTexts()
    texts = Texts(cache=cache)
    written(cache, "theirs", asked_at)
    assert await texts.get() == "first"


@pytest.mark.parametrize("value", [None, 7, b"theirs"])
async def test_what_can_be_no_response_is_none(value: object) -> None:
    cache = SharedTexts()
    texts = Texts(cache=cache)
    written(cache, value, texts.wall())
    assert await texts.get() == "first"


async def test_what_others_wrote_ages_in_here_as_it_does_there() -> None:
    cache = SharedTexts()
    texts = Texts(cache=cache)
    written(cache, "theirs", texts.wall() - 50)
    await texts.get()
    texts.advance(9)
    assert texts.cached() == "theirs"
    texts.advance(1)
    assert texts.cached() is None


@pytest.mark.parametrize("max_age", [0, 30, TTL, 1e9])
async def test_another_machines_clock_proves_no_age(max_age: float) -> None:
    cache = SharedTexts()
    texts = Texts(cache=cache)
    written(cache, "theirs", texts.wall())
    assert await texts.get() == "theirs"
    assert await texts.get(max_age=max_age) == "first"
    assert texts.requests == 1


async def test_a_cached_response_of_our_own_proves_an_age_though_others_wrote_too() -> None:
    cache = SharedTexts()
    texts = Texts(cache=cache)
    await texts.get()
    written(cache, "theirs", texts.wall())
    assert await texts.get(max_age=30) == "first"
    assert texts.requests == 1


async def test_what_others_wrote_lives_on_in_an_outage_and_never_where_there_was_nothing() -> None:
    cache = SharedTexts()
    texts = Texts(cache=cache, stale_if_error=STALE)
    texts.error = StackUnavailableError()
    written(cache, "theirs", texts.wall() - TTL - 1)
    assert await texts.get() == "theirs"
    assert texts.requests == 1
    written(cache, "nothing", texts.wall() - TTL - 1)
    await texts.store.evict("key")
    with pytest.raises(StackUnavailableError):
        await texts.get()


async def test_the_younger_of_ours_and_theirs_is_taken() -> None:
    cache = SharedTexts()
    texts = Texts(cache=cache, stale_if_error=STALE)
    await texts.get()
    texts.advance(TTL + 10)
    written(cache, "older", texts.wall() - TTL - 20)
    texts.error = StackUnavailableError()
    assert await texts.get() == "first"
    written(cache, "younger", texts.wall() - 1)
    assert await texts.get() == "younger"
    assert texts.requests == 2


async def test_a_response_on_its_way_is_kept_though_others_wrote_an_older_one_meanwhile() -> None:
    cache = SharedTexts()
    texts = Texts(cache=cache)
    texts.value = "new"
    task = await texts.held(max_age=0)
    written(cache, "old", texts.wall() - 40)
    assert await texts.get() == "old"  # within its lifetime
    texts.release()
    assert await task == "new"
    assert texts.cached() == "new"
    assert cache.entries[NAME].value == "new"


async def test_a_response_on_its_way_is_not_kept_where_others_wrote_a_younger_one() -> None:
    cache = SharedTexts()
    texts = Texts(cache=cache)
    task = await texts.held(max_age=0)
    texts.advance(1)
    written(cache, "younger", texts.wall())
    assert await texts.get() == "younger"
    texts.release()
    assert await task == "first"
    assert texts.cached() == "younger"
    assert cache.entries[NAME].value == "younger"


# ---------------------------------------------------------------- evictions


async def test_an_eviction_is_for_all_workers() -> None:
    cache = SharedTexts()
    texts = Texts(cache=cache)
    await texts.get()
    await texts.store.evict("key")
    assert cache.entries == {}


async def test_a_cache_that_cannot_delete_brings_nothing_back() -> None:
    cache = SharedTexts()
    texts = Texts(cache=cache, stale_if_error=STALE)
    await texts.get()
    cache.can_delete = False
    with pytest.raises(ConnectionError):
        await texts.store.evict("key")
    texts.value = "second"
    assert await texts.get() == "second"
    written(cache, "first", texts.wall() - 1)  # the other worker wrote late
    texts.error = StackUnavailableError()
    texts.advance(TTL)
    assert await texts.get() == "second"  # stale, and still no "first"


async def test_what_was_asked_for_after_an_eviction_is_taken_from_others() -> None:
    cache = SharedTexts()
    texts = Texts(cache=cache)
    await texts.get()
    await texts.store.evict("key")
    texts.advance(1)
    written(cache, "theirs", texts.wall())
    assert await texts.get() == "theirs"


@pytest.mark.parametrize("step", [-3600.0, -100.0, -1.0, 1.0])
async def test_a_wall_clock_that_is_set_after_an_eviction_brings_nothing_back(
    step: float,
) -> None:
    cache = SharedTexts()
    texts = Texts(cache=cache, stale_if_error=STALE)
    await texts.get()
    cache.can_delete = False
    with pytest.raises(ConnectionError):
        await texts.store.evict("key")
    texts.wall.advance(step)
    texts.value = "second"
    for seconds in (0, 1, 50, 98, 3600):
        texts.advance(seconds)
        texts.lookup._positive.delete("key")  # memory is small
        assert await texts.get() == "second"
        written(cache, "first", 1_800_000_000.0)  # as it was all along


class HeldTexts(SharedTexts):
    """Waits before it does one of its operations."""

    def __init__(self, operation: str) -> None:
        super().__init__()
        self.operation = operation
        self.opened = asyncio.Event()
        self.reached = asyncio.Event()

    async def _wait(self, operation: str) -> None:
        if operation == self.operation:
            self.reached.set()
            await self.opened.wait()

    async def get(self, key: str) -> CachedAnswer | None:
        found = await super().get(key)
        await self._wait("get")
        return found

    async def set(self, key: str, answer: CachedAnswer, lifetime: float) -> None:
        await self._wait("set")
        await super().set(key, answer, lifetime)


async def test_what_is_written_too_late_is_deleted_again() -> None:
    cache = HeldTexts("set")
    texts = Texts(cache=cache)
    task = asyncio.create_task(texts.get())
    await cache.reached.wait()
    await texts.store.evict("key")
    assert cache.deleted == [NAME]
    cache.opened.set()
    await task
    assert cache.deleted == [NAME, NAME]
    assert cache.entries == {}


async def test_what_is_written_too_late_and_cannot_be_deleted_breaks_no_request() -> None:
    cache = HeldTexts("set")
    texts = Texts(cache=cache)
    task = asyncio.create_task(texts.get())
    await cache.reached.wait()
    await texts.store.evict("about first")  # known from the response alone
    cache.can_delete = False
    cache.opened.set()
    assert await task == "first"
    assert texts.cached() is None


async def test_what_was_evicted_on_its_way_is_not_written_at_all() -> None:
    cache = SharedTexts()
    texts = Texts(cache=cache)
    task = await texts.held()
    await texts.store.evict("key")
    texts.release()
    await task
    assert cache.lifetimes == {}


async def test_what_is_written_in_time_is_not_deleted() -> None:
    cache = HeldTexts("set")
    texts = Texts(cache=cache)
    task = asyncio.create_task(texts.get())
    await cache.reached.wait()
    await texts.store.evict("another")
    cache.opened.set()
    await task
    assert NAME in cache.entries


async def test_a_read_under_way_at_an_eviction_brings_nothing_back() -> None:
    cache = HeldTexts("get")
    texts = Texts(cache=cache)
    written(cache, "theirs", texts.wall())
    task = asyncio.create_task(texts.get())
    await cache.reached.wait()
    await texts.store.evict("key")
    cache.opened.set()
    assert await task == "first"
    assert texts.cached() == "first"


async def test_a_read_that_was_overtaken_by_a_response_does_not_replace_it() -> None:
    cache = HeldTexts("get")
    texts = Texts(cache=cache)
    written(cache, "theirs", texts.wall() - 1)
    slow = asyncio.create_task(texts.get())
    await cache.reached.wait()
    assert await texts.get(max_age=0) == "first"
    cache.opened.set()
    assert await slow == "first"
    assert texts.requests == 1
    assert texts.cached() == "first"


async def test_an_eviction_tells_the_shared_cache_of_each_subject_though_one_fails() -> None:
    class Picky(SharedTexts):
        async def delete(self, key: str) -> None:
            self.can_delete = not key.endswith("one")
            await super().delete(key)

    cache = Picky()
    texts = Texts(cache=cache)
    for key in ("one", "two"):
        await texts.get(key)
    with pytest.raises(ConnectionError):
        await texts.store.evict("one", "two")
    assert [texts.cached("one"), texts.cached("two")] == [None, None]
    assert [*cache.entries] == ["project text/one"]


# ---------------------------------------------------------------- a wall clock that is set


async def test_a_wall_clock_that_is_set_back_makes_our_own_response_no_younger() -> None:
    cache = SharedTexts()
    texts = Texts(cache=cache, stale_if_error=STALE)
    await texts.get()
    texts.wall.advance(-90)
    texts.advance(100)
    texts.value = "second"
    assert await texts.get() == "second"


async def test_a_wall_clock_that_is_set_back_makes_nobodys_response_younger() -> None:
    """The other workers on this machine have the same clock, and wrote before it was set."""
    cache = SharedTexts()
    texts = Texts(cache=cache, stale_if_error=STALE)
    await texts.get("something else")  # so that this worker has seen the clock before
    written(cache, "theirs", texts.wall())
    texts.wall.advance(-90)
    for seconds in (0, 30, 61, 30):
        texts.advance(seconds)
        assert await texts.get() == "first"
        await texts.store.evict("key")
        written(cache, "theirs", 1_800_000_000.0)
    assert texts.requests == 5


async def test_after_the_clock_was_set_back_what_is_written_later_is_taken_in_time() -> None:
    cache = SharedTexts()
    texts = Texts(cache=cache)
    await texts.get("something else")
    texts.wall.advance(-90)
    assert await texts.get("another") == "first"  # has seen it
    texts.advance(91)
    written(cache, "theirs", texts.wall())
    assert await texts.get() == "theirs"


@pytest.mark.parametrize("jitter", [0.0, 1e-3, 0.5])
async def test_clocks_that_are_read_one_after_the_other_differ_a_little(jitter: float) -> None:
    cache = SharedTexts()
    wall, monotonic = Clock(), Clock()
    noise = iter([jitter, 0.0] * 100)
    texts = Texts(cache=cache, clocks=Clocks(lambda: wall() + next(noise), monotonic))
    for number in range(5):
        wall.advance(2)
        monotonic.advance(2)
        cache.entries[f"project text/{number}"] = CachedAnswer("theirs", wall() - 1)
        assert await texts.get(f"{number}") == "theirs"
    assert texts.requests == 0


async def test_a_cache_that_hangs_holds_a_request_no_longer_than_its_timeout() -> None:
    cache = HeldTexts("get")
    texts = Texts(cache=cache, timeout=0.05)
    assert await texts.get() == "first"
    await turn()
