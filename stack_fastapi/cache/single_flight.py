"""One question to Stack at a time, however many wait for the answer.

A flight is a task of its own: whoever waits for it may be cancelled without ending it, and
everybody who waits gets its result or its failure. It is forgotten when it lands, so a failure
is shared with those who waited and with nobody after them.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from threading import Lock
from types import TracebackType
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from stack_fastapi.exceptions import StackUnavailableError

T = TypeVar("T")


class Flight(Generic[T]):
    """A question that is on its way.

    Attributes:
        ticket: its place in the order of all flights and arrivals of one ``SingleFlight``.
        task: asks the question.
    """

    __slots__ = ("_origin", "task", "ticket")

    def __init__(self, task: asyncio.Task[T], ticket: int) -> None:
        self.task = task
        self.ticket = ticket
        self._origin: TracebackType | None = None

    async def result(self) -> T:
        """Wait for the answer; cancelling the caller leaves the flight alone.

        Raises:
            StackUnavailableError: somebody ended the flight itself, such as a loop that closes.
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
class _Sky(Generic[T]):
    """What is in the air on one event loop.

    Attributes:
        flights: those that may be joined, by key.
        tasks: those of all flights, also of the ones that were overtaken or forgotten.
    """

    flights: dict[str, Flight[T]] = field(default_factory=dict)
    tasks: set[asyncio.Task[T]] = field(default_factory=set)


class SingleFlight(Generic[T]):
    """Flights by key; those of two event loops never meet.

    Args:
        tickets: counts upwards; given, so that several kinds of flights have one order.
    """

    def __init__(self, tickets: Iterator[int] | None = None) -> None:
        self._by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, _Sky[T]] = WeakKeyDictionary()
        self._tickets = tickets or itertools.count(1)
        # Loops in other threads come and go while somebody forgets a key.
        self._lock = Lock()

    def ticket(self) -> int:
        """The next place in the order: what begins later gets a higher one."""
        return next(self._tickets)

    def join(
        self, key: str, question: Callable[[int], Awaitable[T]], *, not_before: int = 0
    ) -> tuple[Flight[T], bool]:
        """The flight for a key, and whether this call began it.

        Args:
            key: what is asked for.
            question: asks, given the flight's ticket; called only if a new flight begins.
            not_before: a ticket; a flight that began before it does not count.
        """
        with self._lock:
            sky = self._by_loop.setdefault(asyncio.get_running_loop(), _Sky())
        flight = sky.flights.get(key)
        if flight is not None and not flight.task.done() and flight.ticket >= not_before:
            return flight, False
        flight = sky.flights[key] = self._begin(sky, key, question)
        return flight, True

    def in_the_air(self, key: str) -> bool:
        """Whether there is a flight to join."""
        flight = self._joinable(key)
        return flight is not None and not flight.task.done()

    def is_current(self, key: str, ticket: int) -> bool:
        """Whether no newer flight, and no ``forget``, has overtaken this one."""
        flight = self._joinable(key)
        return flight is not None and flight.ticket == ticket

    def forget(self, key: str) -> None:
        """Let nobody else join what is on its way; those who wait still get their answer."""
        with self._lock:
            for sky in self._by_loop.values():
                sky.flights.pop(key, None)

    async def aclose(self) -> None:
        """End all flights of this event loop; those who wait hear that Stack is unavailable."""
        with self._lock:
            sky = self._by_loop.pop(asyncio.get_running_loop(), _Sky())
        tasks = [*sky.tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _joinable(self, key: str) -> Flight[T] | None:
        sky = self._by_loop.get(asyncio.get_running_loop())
        return None if sky is None else sky.flights.get(key)

    def _begin(self, sky: _Sky[T], key: str, question: Callable[[int], Awaitable[T]]) -> Flight[T]:
        ticket = self.ticket()

        async def ask() -> T:
            return await question(ticket)

        def land(task: asyncio.Task[T]) -> None:
            sky.tasks.discard(task)
            if sky.flights.get(key) is flight:
                del sky.flights[key]
            if not task.cancelled():
                task.exception()  # nobody may have waited to the end: that is no lost error

        flight = Flight(asyncio.create_task(ask()), ticket)
        sky.tasks.add(flight.task)
        flight.task.add_done_callback(land)
        return flight
