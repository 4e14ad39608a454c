"""Any order of look-ups, changes, evictions, failures and steps of clocks, against a model.

The model is the list of all requests that were sent: when, by whom, and what they were answered
with. Each response names its request, so that for each caller it is known what they were given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import Any, ClassVar

from fake_stack import Clock
from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from stored import LONGEST_FLIGHT, STALE, TTL, SharedTexts, turn

from stack_fastapi import StackUnavailableError
from stack_fastapi.cache import Entry, Kind, Lookup, SharedTier, Store
from stack_fastapi.telemetry import ProblemLog
from stack_fastapi.types import Arrival, Clocks

SIZE = 2
KEYS = ("a", "b")


class BrokenError(Exception):
    """A failure in which nothing stale is taken."""


def owner_of(key: str) -> str:
    """A subject that is known from the response alone."""
    return f"owner of {key}"


@dataclass(eq=False)
class Sent:
    """A request: what the source was asked, when, and how it ended.

    Attributes:
        order: its place among all that happened.
        at: monotonic time.
        version: what the source had to say then; an even one is that there is no such thing.
        ended: place of its end; None while it is in flight.
        failed: whether it ended with a failure that what is stale lives through.
    """

    number: int
    worker: Worker
    key: str
    order: int
    at: float
    version: int
    release: asyncio.Future[None]
    error: Exception | None
    ended: int | None = None
    failed: bool = False

    @property
    def is_negative(self) -> bool:
        return self.version % 2 == 0


@dataclass(eq=False)
class Caller:
    """Who waits for a response, and what for."""

    worker: Worker
    key: str
    max_age: float | None
    arrived: int
    arrived_at: float
    called: int
    called_at: float
    is_held: bool = False
    task: asyncio.Task[Entry[str]] | None = None


@dataclass(eq=False)
class Worker:
    """A store, and what was evicted from it.

    Attributes:
        evicted: the subjects with the place of each eviction.
        overflows: places at which all was forgotten, for want of room.
    """

    store: Store
    lookup: Lookup[str]
    evicted: list[tuple[int, str]] = field(default_factory=list)
    marks: set[str] = field(default_factory=set)
    overflows: list[int] = field(default_factory=list)

    def note_eviction(self, order: int, subject: str) -> None:
        if len(self.marks) >= SIZE:
            self.overflows.append(order)
            self.marks.clear()
        self.marks.add(subject)
        self.evicted.append((order, subject))

    def last_eviction(self, key: str, before: float = inf) -> int:
        """Place of the last eviction of a key, or of what its response is about."""
        about = {key, owner_of(key)}
        return max((at for at, who in self.evicted if who in about and at < before), default=0)

    def has_forgotten_since(self, key: str, order: int) -> bool:
        return max([self.last_eviction(key), *self.overflows]) > order


class StoreMachine(RuleBasedStateMachine):
    """Two workers with or without a shared cache, one source, two clocks."""

    WORKERS: ClassVar = st.sampled_from([0, 1])
    KEY: ClassVar = st.sampled_from(KEYS)
    AGES: ClassVar = st.sampled_from([None, None, 0.0, 5.0, 30.0, TTL, 1e9])
    arrivals: Bundle[tuple[int, Arrival, int, float]] = Bundle("arrivals")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.lost: list[Any] = []
        self.loop.set_exception_handler(lambda _loop, report: self.lost.append(report))
        self.wall, self.monotonic = Clock(), Clock()
        self.monotonic.now = 0.0
        self.order = 0
        self.versions = dict.fromkeys(KEYS, 1)
        self.error: Exception | None = None
        self.sent: list[Sent] = []
        self.callers: list[Caller] = []
        self.workers: list[Worker] = []

    @initialize(is_shared=st.booleans())
    def start(self, is_shared: bool) -> None:  # noqa: FBT001 - hypothesis passes it by name
        self.cache = SharedTexts() if is_shared else None
        self.workers = [self.new_worker() for _ in range(2)]

    def new_worker(self) -> Worker:
        clocks = Clocks(self.wall, self.monotonic)
        shared = None
        if self.cache is not None:
            shared = SharedTier(self.cache, "", clocks, 5.0, ProblemLog(self.monotonic))
        store = Store(clocks, SIZE, LONGEST_FLIGHT, shared)
        kind: Kind[str] = Kind(
            "text",
            TTL,
            stale_if_error=STALE,
            subjects_of=lambda text: (owner_of(text.split(":")[0]),),
            is_negative=lambda text: self.request_of(text).is_negative,
            is_sound=lambda key, text: isinstance(text, str) and text.startswith(key),
        )
        return Worker(store, store.lookup(kind))

    # ------------------------------------------------------------------ the source

    def tick(self) -> int:
        self.order += 1
        return self.order

    def request_of(self, text: str) -> Sent:
        return self.sent[int(text.split(":")[1])]

    async def ask(self, caller: Caller) -> str:
        self.check_that_a_request_was_needed(caller)
        sent = Sent(
            number=len(self.sent),
            worker=caller.worker,
            key=caller.key,
            order=self.tick(),
            at=self.monotonic(),
            version=self.versions[caller.key],
            release=self.loop.create_future(),
            error=self.error,
        )
        self.sent.append(sent)
        if not caller.is_held:
            sent.release.set_result(None)
        try:
            await sent.release
            if sent.error is not None:
                raise sent.error
        except StackUnavailableError:
            sent.failed = True
            raise
        finally:
            sent.ended = self.tick()
        return f"{sent.key}:{sent.number}"

    def in_flight(self) -> list[Sent]:
        return [sent for sent in self.sent if sent.ended is None]

    def check_that_a_request_was_needed(self, caller: Caller) -> None:
        """One at a time for each key, but for whom the newest in flight is too old.

        One that a newer one has overtaken cannot be joined any more.
        """
        made = (caller.worker, caller.key)
        newest = next(
            (sent for sent in reversed(self.sent) if (sent.worker, sent.key) == made), None
        )
        if newest is None or newest.ended is not None:
            return
        wants_newer = (
            caller.max_age is not None
            and caller.max_age <= LONGEST_FLIGHT
            and caller.arrived > newest.order
        )
        assert wants_newer or caller.worker.has_forgotten_since(caller.key, newest.order)

    # ------------------------------------------------------------------ what happens

    def run(self, action: Callable[[], Any] = lambda: None) -> Any:
        async def inside() -> Any:
            result = action()
            if asyncio.iscoroutine(result):
                result = await result
            await turn()
            return result

        result = self.loop.run_until_complete(inside())
        self.check_who_was_answered()
        return result

    def call(self, caller: Caller, arrival: Arrival) -> None:
        key = caller.key

        def begin() -> None:
            response = caller.worker.lookup.get(
                key, (key,), lambda: self.ask(caller), arrival, caller.max_age
            )
            caller.task = asyncio.create_task(response)

        self.callers.append(caller)
        self.run(begin)

    @rule(worker=WORKERS, key=KEY, max_age=AGES, is_held=st.booleans())
    def get(
        self,
        worker: int,
        key: str,
        max_age: float | None,
        is_held: bool,  # noqa: FBT001 - hypothesis passes it by name
    ) -> None:
        here, order, now = self.workers[worker], self.tick(), self.monotonic()
        arrival = here.store.arrival()
        self.call(Caller(here, key, max_age, order, now, order, now, is_held), arrival)

    @rule(worker=WORKERS, key=KEY)
    def meet(self, worker: int, key: str) -> None:
        """One caller before an eviction and one behind it, while a request is in flight."""
        self.get(worker, key, 0.0, is_held=True)
        self.change(key)
        self.evict(worker, key, by_owner=True, can_delete=True)
        self.get(worker, key, None, is_held=True)

    @rule(worker=WORKERS, target=arrivals)
    def arrive(self, worker: int) -> tuple[int, Arrival, int, float]:
        return worker, self.workers[worker].store.arrival(), self.tick(), self.monotonic()

    @rule(arrived=arrivals, key=KEY, max_age=AGES)
    def get_later(
        self, arrived: tuple[int, Arrival, int, float], key: str, max_age: float | None
    ) -> None:
        worker, arrival, order, at = arrived
        caller = Caller(
            self.workers[worker],
            key,
            max_age,
            order,
            at,
            self.tick(),
            self.monotonic(),
            is_held=True,
        )
        self.call(caller, arrival)

    @rule(key=KEY)
    def change(self, key: str) -> None:
        self.versions[key] += 1

    @rule(worker=WORKERS, key=KEY, by_owner=st.booleans(), can_delete=st.booleans())
    def evict(
        self,
        worker: int,
        key: str,
        by_owner: bool,  # noqa: FBT001 - hypothesis passes it by name
        can_delete: bool,  # noqa: FBT001
    ) -> None:
        here = self.workers[worker]
        # The key of a kind that is shared is its only subject.
        subject = owner_of(key) if by_owner and self.cache is None else key
        here.note_eviction(self.tick(), subject)
        state = here.store.evictions.state
        if self.cache is not None:
            self.cache.can_delete = can_delete

        async def forget() -> None:
            try:
                await here.store.evict(subject)
            except ConnectionError:
                assert not can_delete

        self.run(forget)
        assert here.store.evictions.state > state

    @rule(seconds=st.sampled_from([0.5, 5.0, 29.0, TTL, STALE]))
    def wait(self, seconds: float) -> None:
        end = self.monotonic() + seconds
        for sent in self.in_flight():
            if sent.at + LONGEST_FLIGHT <= end:  # as HTTP does
                self.pass_until(sent.at + LONGEST_FLIGHT)
                if not sent.release.done():
                    sent.error = StackUnavailableError("no answer in time")
                    self.run(partial(sent.release.set_result, None))
        self.pass_until(end)

    def pass_until(self, end: float) -> None:
        seconds = max(0.0, end - self.monotonic())
        self.wall.advance(seconds)
        self.monotonic.advance(seconds)

    @rule(seconds=st.sampled_from([5.0, 100.0, 3600.0]))
    def set_back(self, seconds: float) -> None:
        self.wall.advance(-seconds)

    @rule(error=st.sampled_from([None, StackUnavailableError("down"), BrokenError()]))
    def fail(self, error: Exception | None) -> None:
        self.error = error

    @precondition(lambda self: self.in_flight())
    @rule(which=st.integers(0, 10))
    def release(self, which: int) -> None:
        held = self.in_flight()
        sent = held[which % len(held)]
        self.run(lambda: sent.release.set_result(None))

    @precondition(lambda self: self.callers)
    @rule(which=st.integers(0, 10))
    def give_up(self, which: int) -> None:
        caller = self.callers.pop(which % len(self.callers))
        assert caller.task is not None
        self.run(caller.task.cancel)

    # ------------------------------------------------------------------ what must be true

    def check_who_was_answered(self) -> None:
        for caller in self.callers:
            assert caller.task is not None
            if caller.task.done():
                self.check(caller, caller.task)
        self.callers = [caller for caller in self.callers if not caller.task.done()]  # type: ignore[union-attr]

    def check(self, caller: Caller, task: asyncio.Task[Entry[str]]) -> None:
        error = task.exception()
        if error is None:
            sent = self.request_of(task.result().value)
            assert sent.key == caller.key
            self.check_age(caller, sent)
            self.check_evictions(caller, sent)
        else:
            assert isinstance(error, (StackUnavailableError, BrokenError))
            assert any(sent.error is error for sent in self.ended_since(caller))

    def ended_since(self, caller: Caller) -> list[Sent]:
        """Requests that the caller may have waited for."""
        return [
            sent
            for sent in self.sent
            if (sent.worker, sent.key) == (caller.worker, caller.key)
            and sent.ended is not None
            and sent.ended > caller.called
        ]

    def check_age(self, caller: Caller, sent: Sent) -> None:
        if caller.max_age is not None:
            assert sent.worker is caller.worker
            assert sent.order > caller.arrived or sent.at > caller.arrived_at - caller.max_age
            # Whatever was asked for, nothing is taken whose lifetime is over.
            assert sent.at > caller.called_at - TTL
        elif sent.at <= caller.called_at - TTL:
            assert not sent.is_negative
            assert sent.at > caller.called_at - TTL - STALE
            assert any(other.failed for other in self.ended_since(caller))

    def check_evictions(self, caller: Caller, sent: Sent) -> None:
        assert sent.order > caller.worker.last_eviction(caller.key, before=caller.called)

    @invariant()
    def memory_is_bounded(self) -> None:
        for worker in self.workers:
            lookup = worker.lookup
            for room in (lookup._positive, lookup._negative, lookup._failures):
                assert len(room._entries) <= SIZE
            assert len(worker.store.evictions._marks) <= SIZE

    @invariant()
    def nothing_is_known_that_was_evicted_or_is_too_old(self) -> None:
        for worker in self.workers:
            for key in KEYS:
                entry = worker.lookup.cached(key)
                if entry is not None:
                    sent = self.request_of(entry.value)
                    assert sent.at > self.monotonic() - TTL
                    assert sent.order > worker.last_eviction(key)

    def teardown(self) -> None:
        for sent in self.in_flight():
            self.run(partial(sent.release.set_result, None))
        while self.in_flight():
            self.release(0)
        assert self.callers == []
        assert asyncio.all_tasks(self.loop) == set()
        assert self.lost == []
        self.loop.close()


TestAnyOrder = StoreMachine.TestCase
TestAnyOrder.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
