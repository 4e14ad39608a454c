"""Answers that nobody may live on: from memory while they are fresh, else from Stack or not at all.

Unlike ``users``, which let a known user live on in an outage, nothing here is taken beyond its
lifetime: what these answers say grants something. They stay in the memory of this process.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator
from typing import Generic, NamedTuple, TypeVar

from stack_fastapi.cache.memory import MemoryCache
from stack_fastapi.cache.single_flight import SingleFlight
from stack_fastapi.types import Arrival, Clock

T = TypeVar("T")


class _Entry(NamedTuple, Generic[T]):
    """An answer, when it was asked for, and what it is about."""

    value: T
    asked_at: float
    ticket: int
    subjects: frozenset[str]


class _Forgotten:
    """Since when nothing counts that is known of a subject.

    A mark instead of a search through everything that is known. When there are too many marks,
    one for all subjects takes their place: that forgets too much, never too little.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._marks: dict[str, int] = {}
        self._all = 0

    def mark(self, subject: str, ticket: int) -> None:
        if len(self._marks) >= self._size:
            self._all = ticket
            self._marks.clear()
        self._marks[subject] = ticket

    def since(self, subjects: Collection[str]) -> int:
        return max([self._all, *(self._marks.get(subject, 0) for subject in subjects)])


class Lifetimes(NamedTuple):
    """What bounds the answers of an ``AskedOnce``; times in seconds.

    Attributes:
        clock: Unix time.
        size: the most answers that are kept.
        ttl: how long an answer is used, from its question.
        longest_flight: the longest that a question takes.
    """

    clock: Clock
    size: int
    ttl: float
    longest_flight: float


class AskedOnce(Generic[T]):
    """Stack's answers by key, asked for once in a lifetime, however many wait for them.

    Args:
        lifetimes: what bounds them.
        tickets: the order of arrivals and look-ups.
        subjects_of: ids of what an answer turned out to be about, beside those that were asked for.
        is_nothing: whether an answer says that there is no such thing. Those are kept apart, so
            that invented keys push out no real ones.
    """

    def __init__(
        self,
        lifetimes: Lifetimes,
        tickets: Iterator[int],
        subjects_of: Callable[[T], Collection[str]] = lambda _: (),
        is_nothing: Callable[[T], bool] = lambda _: False,
    ) -> None:
        self._limits = lifetimes
        self._clock = lifetimes.clock
        self._subjects_of = subjects_of
        self._is_nothing = is_nothing
        self._known: MemoryCache[_Entry[T]] = MemoryCache(lifetimes.size, lifetimes.clock)
        self._nothing: MemoryCache[_Entry[T]] = MemoryCache(lifetimes.size, lifetimes.clock)
        self._flights: SingleFlight[_Entry[T]] = SingleFlight(tickets)
        self._forgotten = _Forgotten(lifetimes.size)

    def recall(self, key: str) -> T | None:
        """The answer under a key, where it is known and fresh; None says nothing."""
        entry = self._fresh(key)
        return None if entry is None else entry.value

    async def get(
        self,
        key: str,
        subjects: Collection[str],
        question: Callable[[], Awaitable[T]],
        arrival: Arrival,
        max_age: float | None = None,
    ) -> T:
        """The answer to a question; raises what the question raises.

        Args:
            key: tells this question from others.
            subjects: ids of what it is about; ``forget`` takes them.
            question: asks Stack.
            arrival: when the request came in.
            max_age: how many seconds before its arrival Stack may have been asked; None for the
                usual lifetime.
        """
        entry = self._fresh(key)
        if entry is not None and (max_age is None or entry.asked_at > arrival.at - max_age):
            return entry.value

        async def ask(ticket: int) -> _Entry[T]:
            return await self._ask(key, subjects, question, ticket)

        # What is in the air may be too old for this request, or be about what was forgotten.
        any_will_do = max_age is None or max_age > self._limits.longest_flight
        not_before = max(self._forgotten.since(subjects), 0 if any_will_do else arrival.ticket)
        flight, _ = self._flights.join(key, ask, not_before=not_before)
        return (await flight.result()).value

    def forget(self, subject: str) -> None:
        """Forget all answers about a subject; what is on its way is not kept."""
        self._forgotten.mark(subject, self._flights.ticket())

    async def aclose(self) -> None:
        """End the questions that are in the air on this event loop; what is known stays."""
        await self._flights.aclose()

    async def _ask(
        self,
        key: str,
        subjects: Collection[str],
        question: Callable[[], Awaitable[T]],
        ticket: int,
    ) -> _Entry[T]:
        asked_at = self._clock()
        value = await question()
        entry = _Entry(value, asked_at, ticket, frozenset((*subjects, *self._subjects_of(value))))
        if self._flights.is_current(key, ticket):
            memory, other = self._known, self._nothing
            if self._is_nothing(value):
                memory, other = other, memory
            memory.set(key, entry, self._limits.ttl)
            other.delete(key)
        return entry

    def _fresh(self, key: str) -> _Entry[T] | None:
        entry = self._known.get(key) or self._nothing.get(key)
        if entry is None or not 0 <= self._clock() - entry.asked_at < self._limits.ttl:
            return None
        return None if self._forgotten.since(entry.subjects) > entry.ticket else entry
