"""The cache of one process: bounded, each value with a lifetime of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from stack_fastapi.cache import MemoryCache

SIZE = 3


def test_a_value_is_there_until_its_lifetime_is_over(clock: Any) -> None:
    cache: MemoryCache[str] = MemoryCache(SIZE, clock)
    cache.set("short", "s", 10)
    cache.set("long", "l", 20)
    clock.advance(9.999)
    assert (cache.get("short"), cache.get("long")) == ("s", "l")
    clock.advance(0.001)
    assert (cache.get("short"), cache.get("long")) == (None, "l")
    clock.advance(10)
    assert cache.get("long") is None


def test_an_unknown_key_is_nothing_and_no_error(clock: Any) -> None:
    cache: MemoryCache[str] = MemoryCache(SIZE, clock)
    assert cache.get("key") is None
    cache.delete("key")


def test_the_one_that_was_not_used_for_longest_makes_room(clock: Any) -> None:
    cache: MemoryCache[str] = MemoryCache(SIZE, clock)
    for key in "abc":
        cache.set(key, key, 10)
    cache.get("a")
    cache.set("d", "d", 10)
    assert [cache.get(key) for key in "abcd"] == ["a", None, "c", "d"]


@pytest.mark.parametrize("lifetime", [0, -1])
def test_a_value_without_a_lifetime_is_not_kept_and_its_predecessor_neither(
    clock: Any, lifetime: float
) -> None:
    """Else a user who is gone would leave the user of a minute ago behind."""
    cache: MemoryCache[str] = MemoryCache(SIZE, clock)
    cache.set("key", "old", 300)
    cache.set("key", "new", lifetime)
    assert cache.get("key") is None


def test_a_value_may_be_falsy(clock: Any) -> None:
    cache: MemoryCache[int] = MemoryCache(SIZE, clock)
    cache.set("key", 0, 10)
    assert cache.get("key") == 0


def test_a_deleted_value_stays_away(clock: Any) -> None:
    cache: MemoryCache[str] = MemoryCache(SIZE, clock)
    cache.set("key", "old", 10)
    cache.delete("key")
    assert cache.get("key") is None
    cache.set("key", "new", 5)
    assert cache.get("key") == "new"


def test_deleting_a_value_whose_lifetime_is_over_is_no_error(clock: Any) -> None:
    cache: MemoryCache[str] = MemoryCache(SIZE, clock)
    cache.set("key", "value", 10)
    clock.advance(11)
    cache.delete("key")
    assert cache.get("key") is None


def test_several_threads_may_use_it_at_once(clock: Any) -> None:
    """A threaded server runs an event loop in each of its threads."""
    cache: MemoryCache[int] = MemoryCache(SIZE, clock)

    def use(number: int) -> bool:
        for turn in range(300):
            key = str((number + turn) % 7)
            cache.set(key, int(key), turn % 3)
            if cache.get(key) not in {None, int(key)}:
                return False
            cache.delete(str(turn % 5))
        return True

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(use, range(8)))


class MemoryCacheMachine(RuleBasedStateMachine):
    """Against a plain dictionary that keeps the order of use."""

    KEYS = st.sampled_from("abcde")

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_800_000_000.0
        self.cache: MemoryCache[int] = MemoryCache(SIZE, lambda: self.now)
        self.model: dict[str, tuple[int, float]] = {}  # the least recently used in front

    def forget_what_is_over(self) -> None:
        self.model = {key: item for key, item in self.model.items() if self.now < item[1]}

    @rule(key=KEYS, value=st.integers(), lifetime=st.sampled_from([0, 1, 5, 300]))
    def set(self, key: str, value: int, lifetime: float) -> None:
        self.cache.set(key, value, lifetime)
        self.forget_what_is_over()
        self.model.pop(key, None)
        if lifetime > 0:
            if len(self.model) == SIZE:
                del self.model[next(iter(self.model))]
            self.model[key] = (value, self.now + lifetime)

    @rule(key=KEYS)
    def get(self, key: str) -> None:
        self.forget_what_is_over()
        expected = self.model.pop(key, None)
        if expected is not None:
            self.model[key] = expected
        assert self.cache.get(key) == (expected and expected[0])

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        self.cache.delete(key)
        self.model.pop(key, None)

    @rule(seconds=st.sampled_from([0.5, 1, 4, 300]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def it_is_bounded(self) -> None:
        assert len(self.cache._entries) <= SIZE


TestAgainstTheModel = MemoryCacheMachine.TestCase
TestAgainstTheModel.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
