"""One request to Stack at a time for each key, however many wait for the response.

A request in flight is a task of its own: whoever waits for it may be cancelled without ending it,
and everybody who waits gets its result or its failure. It is dropped when it ends, so a failure is
shared with those who waited and with nobody after them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from threading import Lock
from types import TracebackType
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from stack_fastapi.exceptions import StackUnavailableError

T = TypeVar("T")


class InFlight(Generic[T]):
    """A request that is in flight.

    Attributes:
        sequence: its place in the order of requests, arrivals and evictions.
        task: makes the request.
    """

    __slots__ = ("_origin", "sequence", "task")

    def __init__(self, task: asyncio.Task[T], sequence: int) -> None:
        self.task = task
        self.sequence = sequence
        self._origin: TracebackType | None = None

    async def result(self) -> T:
        """Wait for the response; cancelling the caller leaves the request alone.

        Raises:
            StackUnavailableError: somebody ended the request itself, such as a loop that closes.
        """
        await asyncio.wait([self.task])
        if self.task.cancelled():
            raise StackUnavailableError
        error = self.task.exception()
        if error is not None:
            # Many raise it: it keeps the frames that led to it, and collects none of theirs.
            self._origin = self._origin or error.__traceback__
            raise error.with_traceback(self._origin)
        return self.task.result()


@dataclass(slots=True, eq=False)
class _OnLoop(Generic[T]):
    """What is in flight on one event loop.

    Attributes:
        joinable: the newest request for each key.
        tasks: those of all requests, also of the ones that a newer one has overtaken.
    """

    joinable: dict[str, InFlight[T]] = field(default_factory=dict)
    tasks: set[asyncio.Task[T]] = field(default_factory=set)


class SingleFlight(Generic[T]):
    """Requests in flight by key; those of two event loops never meet.

    Args:
        next_sequence: counts upwards; given, so that several kinds of requests have one order.
    """

    def __init__(self, next_sequence: Callable[[], int]) -> None:
        self._by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, _OnLoop[T]] = (
            WeakKeyDictionary()
        )
        self._next_sequence = next_sequence
        # Loops in other threads come and go.
        self._lock = Lock()

    def join(
        self, key: str, request: Callable[[int], Awaitable[T]], *, not_before: int = 0
    ) -> tuple[InFlight[T], bool]:
        """The request for a key that is in flight, and whether this call began it.

        Args:
            key: what is asked for.
            request: makes the request, given its sequence number; called only if a new one begins.
            not_before: a sequence number; what began before it does not count.
        """
        with self._lock:
            here = self._by_loop.get(asyncio.get_running_loop()) or self._enter()
        found = here.joinable.get(key)
        if found is not None and not found.task.done() and found.sequence >= not_before:
            return found, False
        begun = here.joinable[key] = self._begin(here, key, request)
        return begun, True

    def in_flight(self, key: str) -> InFlight[T] | None:
        """The request that could be joined; None for none."""
        here = self._by_loop.get(asyncio.get_running_loop())
        found = None if here is None else here.joinable.get(key)
        return None if found is None or found.task.done() else found

    def _enter(self) -> _OnLoop[T]:
        """Begin with the running loop, and forget those that were closed in the middle."""
        for loop in [loop for loop in self._by_loop if loop.is_closed()]:
            del self._by_loop[loop]
        here = self._by_loop[asyncio.get_running_loop()] = _OnLoop()
        return here

    async def aclose(self) -> None:
        """End all requests of this event loop; those who wait hear that Stack is unavailable."""
        with self._lock:
            here = self._by_loop.pop(asyncio.get_running_loop(), _OnLoop())
        tasks = [*here.tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(
        self, here: _OnLoop[T], key: str, request: Callable[[int], Awaitable[T]]
    ) -> InFlight[T]:
        sequence = self._next_sequence()

        async def make() -> T:
            return await request(sequence)

        def end(task: asyncio.Task[T]) -> None:
            here.tasks.discard(task)
            if here.joinable.get(key) is begun:
                del here.joinable[key]
            if not task.cancelled():
                task.exception()  # nobody may have waited to the end: that is no lost error

        begun = InFlight(asyncio.create_task(make()), sequence)
        here.tasks.add(begun.task)
        begun.task.add_done_callback(end)
        return begun
