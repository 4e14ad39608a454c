"""The one store of what Stack answered: asked once, fresh, stale, negative, evicted, shared.

Every response has a key, subjects, and the moment its request was sent. A ``Lookup`` serves one
kind of request; all lookups of a store have one order of requests, arrivals and evictions, which
decides where clocks are too coarse, and one set of evictions.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from math import inf
from threading import Lock
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

from stack_fastapi.cache.entry import Entry, Kind, Newest, Validity
from stack_fastapi.cache.evictions import Evictions
from stack_fastapi.cache.memory import MemoryCache
from stack_fastapi.cache.shared import SharedTier
from stack_fastapi.cache.single_flight import InFlight, SingleFlight
from stack_fastapi.exceptions import ResponseTooLargeError, UnavailableError
from stack_fastapi.types import Arrival, Clocks

T = TypeVar("T")

#: How long it is remembered that a response is too large to be read, in seconds.
TOO_LARGE_TTL = 10.0


class Store:
    """What Stack answered to one engine.

    Args:
        clocks: the time.
        size: the most responses of each kind that are kept in memory.
        longest_flight: the longest that a request takes, in seconds.
        shared: the tier behind this process's memory; None for none.
        longest_kept: the longest that a response about somebody is kept, in seconds.

    Attributes:
        clocks: the same.
        longest_flight: the same.
        shared: the same.
        size: the same.
        evictions: what was evicted, and when.
    """

    def __init__(
        self,
        clocks: Clocks,
        size: int,
        longest_flight: float,
        shared: SharedTier | None = None,
        longest_kept: float = inf,
    ) -> None:
        self.clocks = clocks
        self.longest_flight = longest_flight
        self.shared = shared
        self.size = size
        self.evictions = Evictions(size, clocks, longest_kept + longest_flight)
        self.next_sequence: Callable[[], int] = itertools.count(1).__next__
        self._lookups: list[Lookup[Any]] = []

    def arrival(self) -> Arrival:
        """Note that a request comes in now."""
        return Arrival(self.clocks.monotonic(), self.next_sequence())

    def lookup(self, kind: Kind[T]) -> Lookup[T]:
        """The responses to one kind of request."""
        lookup = Lookup(self, kind)
        self._lookups.append(lookup)
        return lookup

    async def evict(self, *subjects: str) -> None:
        """Forget all responses about the subjects: the next request asks Stack.

        What is on its way is not kept, and answers nobody who asks from now on. Raises whatever
        the shared cache raises; this process has forgotten by then.
        """
        for subject in subjects:
            self.evictions.mark(subject, self.next_sequence())
        deletions = (
            lookup.delete_shared(subject) for lookup in self._lookups for subject in subjects
        )
        # All of them, also where one fails or hangs.
        for outcome in await asyncio.gather(*deletions, return_exceptions=True):
            if outcome is not None:
                raise outcome

    async def aclose(self) -> None:
        """End what is in flight on this event loop; what is cached stays."""
        for lookup in self._lookups:
            await lookup.aclose()


class Lookup(Generic[T]):
    """The responses to one kind of request, by key.

    Args:
        store: whose they are.
        kind: how long they are good, and for what.
    """

    def __init__(self, store: Store, kind: Kind[T]) -> None:
        self._store = store
        self._kind = kind
        self._clock = store.clocks.monotonic
        self._positive: MemoryCache[Entry[T]] = MemoryCache(store.size, self._clock)
        self._negative: MemoryCache[Entry[T]] = MemoryCache(store.size, self._clock)
        self._failures: MemoryCache[Entry[UnavailableError]] = MemoryCache(store.size, self._clock)
        self._flights: SingleFlight[Entry[T]] = SingleFlight(store.next_sequence)
        # Of the keys that somebody keeps a response of, outside of what is bounded here.
        self._newest: WeakValueDictionary[str, Newest] = WeakValueDictionary()
        self._lock = Lock()  # loops of other threads keep and learn responses as well

    def cached(self, key: str) -> Entry[T] | None:
        """What memory knows under a key and is fresh; None says nothing."""
        entry = self.known(key)
        if entry is None or self._clock() - entry.asked_at >= self._kind.ttl:
            return None
        return entry

    def known(self, key: str) -> Entry[T] | None:
        """What memory knows under a key, fresh or stale, and was not evicted."""
        entry = self._positive.get(key) or self._negative.get(key)
        return None if entry is None or self._is_evicted(entry) else entry

    def validity(self, key: str, entry: Entry[T]) -> Validity:
        """How long a response that ``cached`` gave is good, for whoever keeps it."""
        with self._lock:
            newest = self._newest.get(key)
            if newest is None:
                newest = self._newest[key] = Newest(entry.sequence)
            known = self.known(key)  # looked at after that: what comes from now on changes it
            if known is not None:
                newest.sequence = max(newest.sequence, known.sequence)
        return Validity(entry.asked_at + self._kind.ttl, entry.sequence, newest)

    async def get(
        self,
        key: str,
        subjects: Collection[str],
        request: Callable[[], Awaitable[T]],
        arrival: Arrival,
        max_age: float | None = None,
    ) -> Entry[T]:
        """The response to a request; raises what the request raises.

        Args:
            key: tells this request from others of its kind.
            subjects: ids of what it is about, as far as that is known before the response.
            request: asks Stack.
            arrival: when the caller's own request came in.
            max_age: how many seconds before its arrival Stack may have been asked; None for the
                usual lifetime. Nothing stale is taken where it is given.
        """
        entry = self.cached(key)
        if entry is None and max_age is None:
            entry = await self._from_others(key)
        if entry is None or not _is_young_enough(entry, arrival, max_age):
            return await self._ask(key, subjects, request, arrival, max_age)
        if self._is_due(key, entry):
            self._join(key, subjects, request, 0)
        return entry

    async def newest(self, key: str) -> Entry[T] | None:
        """The response that is on its way, if there is one; raises what its request raises."""
        flight = self._flights.in_flight(key)
        return None if flight is None else await flight.result()

    async def delete_shared(self, key: str) -> None:
        """Take a response out of the shared cache, if this kind is in there."""
        if self._store.shared is not None and self._kind.is_sound is not None:
            await self._store.shared.delete(self._kind.name, key)

    async def aclose(self) -> None:
        """End what is in flight on this event loop."""
        await self._flights.aclose()

    # ------------------------------------------------------------------ asking

    async def _ask(
        self,
        key: str,
        subjects: Collection[str],
        request: Callable[[], Awaitable[T]],
        arrival: Arrival,
        max_age: float | None,
    ) -> Entry[T]:
        """Ask Stack, or take what is stale where it cannot say and that is allowed."""
        # What is in flight began at most ``longest_flight`` ago; where that is too old, only what
        # began after the caller's request came in counts.
        any_will_do = max_age is None or max_age > self._store.longest_flight
        not_before = 0 if any_will_do else arrival.sequence
        try:
            entry = await self._response(key, subjects, request, not_before)
            is_over = max_age is None and entry.asked_at < arrival.at - self._kind.ttl
            if is_over:  # it was on its way for longer than it is good
                entry = await self._response(key, subjects, request, arrival.sequence)
        except self._kind.lives_through:
            stale = self._stale(key)
            if max_age is not None or stale is None:
                raise
            entry = stale
        return entry

    async def _response(
        self,
        key: str,
        subjects: Collection[str],
        request: Callable[[], Awaitable[T]],
        not_before: int,
    ) -> Entry[T]:
        """The response to a request that nobody has evicted meanwhile."""
        # Of each subject the latest eviction alone is known: it may have been evicted before this
        # call and once more since. Where anything was, between request and call, this may have.
        newest_at_call = self._store.evictions.newest
        failure = self._failures.get(key)
        if failure is not None and not self._is_evicted(failure):
            raise failure.value.with_traceback(None)
        while True:
            flight, is_ours = self._join(key, subjects, request, not_before)
            try:
                entry = await flight.result()
            except self._kind.personal:
                if is_ours:
                    raise
                continue  # it was somebody else's credential that Stack refused
            # The response is about something that was evicted after its request was sent. Whoever
            # called before the eviction may have it; whoever called after it must ask again.
            if newest_at_call <= entry.sequence or not self._is_evicted(entry):
                return entry
            not_before = newest_at_call

    def _join(
        self,
        key: str,
        subjects: Collection[str],
        request: Callable[[], Awaitable[T]],
        not_before: int,
    ) -> tuple[InFlight[Entry[T]], bool]:
        # What was sent before an eviction of these subjects must not be joined after it.
        evicted = self._store.evictions.latest(subjects).sequence
        send = partial(self._send, key, subjects, request)
        return self._flights.join(key, send, not_before=max(not_before, evicted))

    async def _send(
        self,
        key: str,
        subjects: Collection[str],
        request: Callable[[], Awaitable[T]],
        sequence: int,
    ) -> Entry[T]:
        asked_at, asked_at_wall = self._clock(), self._store.clocks.wall()
        try:
            value = await request()
        except self._kind.lives_through as error:
            self._remember_failure(key, subjects, error, sequence)
            raise
        about = tuple(dict.fromkeys((*subjects, *self._kind.subjects_of(value))))
        entry = Entry(value, asked_at, asked_at_wall, sequence, about)
        await self._keep(key, entry)
        return entry

    # ------------------------------------------------------------------ keeping

    async def _keep(self, key: str, entry: Entry[T]) -> None:
        if not self._remember(key, entry):
            return
        shared = self._store.shared
        if shared is not None and self._kind.is_sound is not None:
            lifetime = self._lifetime(entry)
            await shared.set(self._kind.name, key, entry, lifetime)
            if self._is_evicted(entry):  # while it was being written: the deletion came too early
                await shared.discard(self._kind.name, key)

    def _remember(self, key: str, entry: Entry[T]) -> bool:
        """Keep a response in memory, unless it was evicted or overtaken on its way."""
        with self._lock:
            return self._replace(key, entry)

    def _replace(self, key: str, entry: Entry[T]) -> bool:
        before = self._positive.get(key) or self._negative.get(key)
        if self._is_evicted(entry) or (before is not None and _is_overtaken(entry, before)):
            return False
        room, other = self._positive, self._negative
        if self._kind.is_negative(entry.value):
            room, other = other, room
        room.set(key, entry, entry.asked_at + self._lifetime(entry) - self._clock())
        other.delete(key)
        if (kept := self._newest.get(key)) is not None:
            kept.sequence = entry.sequence
        if self._kind.is_basis and before is not None and before.value != entry.value:
            self._store.evictions.disturb()  # when it is there: nobody may build on the old one
        return True

    def _lifetime(self, entry: Entry[T]) -> float:
        negative = self._kind.is_negative(entry.value)
        return self._kind.ttl + (0 if negative else self._kind.stale_if_error)

    async def _from_others(self, key: str) -> Entry[T] | None:
        """What other workers know, if it is fresh; what is stale is remembered for an outage."""
        shared, is_sound = self._store.shared, self._kind.is_sound
        if shared is None or is_sound is None:
            return None
        entry: Entry[T] | None = await shared.get(
            self._kind.name, key, self._store.next_sequence(), is_sound
        )
        known = self.known(key)
        if entry is None or (known is not None and known.asked_at >= entry.asked_at):
            return self.cached(key)
        about = (*entry.subjects, *self._kind.subjects_of(entry.value))
        entry = entry._replace(subjects=tuple(dict.fromkeys(about)))
        if not self._is_from_before_eviction(entry):
            self._remember(key, entry)
        return self.cached(key)

    def _is_from_before_eviction(self, entry: Entry[T]) -> bool:
        """Whether the shared cache was too slow to delete it, or unable to."""
        eviction = self._store.evictions.latest(entry.subjects)
        longest = self._kind.ttl + self._kind.stale_if_error
        if self._clock() - eviction.at > longest:  # whatever the wall clock did since then
            return False
        return entry.asked_at_wall <= eviction.at_wall

    def _stale(self, key: str) -> Entry[T] | None:
        entry = self.known(key)
        if entry is None or self._kind.is_negative(entry.value):
            return None
        age = self._clock() - entry.asked_at
        return entry if age < self._kind.ttl + self._kind.stale_if_error else None

    def _remember_failure(
        self, key: str, subjects: Collection[str], error: UnavailableError, sequence: int
    ) -> None:
        """Do not ask again at once: what is too large stays so, and what is stale will do."""
        pause = self._kind.retry_after if self._stale(key) else 0.0
        if isinstance(error, ResponseTooLargeError):
            pause = TOO_LARGE_TTL
        if pause:
            now, now_wall = self._clock(), self._store.clocks.wall()
            entry = Entry(error, now, now_wall, sequence, (*subjects,))
            self._failures.set(key, entry, pause)

    def _is_evicted(self, entry: Entry[Any]) -> bool:
        return self._store.evictions.latest(entry.subjects).sequence > entry.sequence

    def _is_due(self, key: str, entry: Entry[T]) -> bool:
        """Whether a fresh response is to be renewed without anybody waiting."""
        age = self._clock() - entry.asked_at
        return age >= self._kind.refresh_after and self._failures.get(key) is None


def _is_overtaken(entry: Entry[Any], newest: Entry[Any]) -> bool:
    """Whether a response is older than what was remembered while it was on its way."""
    if newest.is_shared:  # its sequence tells when it was read, not when it was asked for
        return newest.asked_at > entry.asked_at
    return newest.sequence > entry.sequence


def _is_young_enough(entry: Entry[Any], arrival: Arrival, max_age: float | None) -> bool:
    if max_age is None:
        return True
    if entry.is_shared:  # another machine's clock says so
        return False
    return entry.sequence > arrival.sequence or entry.asked_at > arrival.at - max_age
