"""Which deliveries are due, and whose they are. No HTTP and no thread in here."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from stack_fastapi.emulator.state.records import Endpoint
from stack_fastapi.emulator.state.state import Clock
from stack_fastapi.emulator.webhooks.deliveries import (
    RETRY_AFTER,
    Delivery,
    Entry,
    Message,
    Order,
    ordered,
)

#: Older deliveries are forgotten.
CAPACITY = 10_000


class Outbox:
    """The deliveries, one owner of each at a time. Safe to use from any thread.

    Args:
        clock: Unix time in seconds.
        retry_after: Seconds between one attempt and the next.
    """

    def __init__(self, clock: Clock, retry_after: Sequence[float] = RETRY_AFTER) -> None:
        self._clock = clock
        self._retry_after = tuple(retry_after)
        self._log: deque[Entry] = deque(maxlen=CAPACITY)
        self._waiting: list[Entry] = []
        self._under_way = 0
        self._rank = 0
        self._is_held = False
        self._changed = threading.Condition()

    @property
    def deliveries(self) -> list[Delivery]:
        """All of them, oldest first."""
        with self._changed:
            return [entry.view() for entry in self._log]

    def put(self, message: Message, endpoint: Endpoint) -> None:
        """Send a message to a receiver as soon as possible."""
        with self._changed:
            self._rank += 1
            entry = Entry(message, endpoint, self._clock(), self._rank)
            self._log.append(entry)
            self._waiting.append(entry)
            self._changed.notify_all()

    def drop(self, endpoint: Endpoint) -> None:
        """Send nothing to a receiver any more."""
        with self._changed:
            self._waiting = [entry for entry in self._waiting if entry.endpoint is not endpoint]
            for entry in self._log:
                if entry.endpoint is endpoint and not entry.is_delivered:
                    entry.is_given_up = True

    def repeat(self, message_id: str) -> None:
        """Send a message again to everybody who was to get it.

        Raises:
            KeyError: There is none with this id.
        """
        with self._changed:
            sent = {id(e.endpoint): e for e in self._log if e.message.id == message_id}
            if not sent:
                raise KeyError(message_id)
            for entry in sent.values():
                self.put(entry.message, entry.endpoint)

    def hold(self) -> None:
        """Keep everything back."""
        with self._changed:
            self._is_held = True

    def release(self, order: Order) -> None:
        """Let everything go that was kept back, in an order.

        Raises:
            ValueError: An id in the order is none of a message that waits.
        """
        with self._changed:
            fresh = [entry for entry in self._waiting if not entry.attempts]
            for entry in ordered(fresh, order):
                self._rank += 1
                entry.rank, entry.due = self._rank, self._clock()
            self._is_held = False
            self._changed.notify_all()

    @contextmanager
    def next(self) -> Iterator[Entry | None]:
        """Own the delivery that is due first while a block sends it; None if none is due."""
        with self._changed:
            entry = self._next_due()
            if entry is not None:
                self._waiting.remove(entry)
                self._under_way += 1
        try:
            yield entry
        finally:
            if entry is not None:
                self._finish(entry)

    def wait(self, stopped: threading.Event) -> None:
        """Wait until something is due, was put in, or `stop` was called."""
        with self._changed:
            if not stopped.is_set() and self._next_due() is None:
                self._changed.wait(self._pause())

    def stop(self, stopped: threading.Event) -> None:
        """Set an event and wake who waits."""
        with self._changed:
            stopped.set()
            self._changed.notify_all()

    def wait_until_idle(self, seconds: float) -> None:
        """Wait until nobody is sending, but not longer than some seconds."""
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way, seconds)

    def _next_due(self) -> Entry | None:
        now = self._clock()
        due = [entry for entry in self._waiting if entry.due <= now and not self._is_held]
        return min(due, key=lambda entry: (entry.due, entry.rank), default=None)

    def _pause(self) -> float | None:
        """Seconds until something is due."""
        if self._is_held or not self._waiting:
            return None
        return max(0.0, min(entry.due for entry in self._waiting) - self._clock())

    def _finish(self, entry: Entry) -> None:
        with self._changed:
            self._under_way -= 1
            if not entry.is_delivered and not entry.is_given_up:
                self._try_again_later(entry)
            self._changed.notify_all()

    def _try_again_later(self, entry: Entry) -> None:
        tried = len(entry.attempts)
        if tried > len(self._retry_after):
            entry.is_given_up = True
            return
        entry.due = self._clock() + self._retry_after[tried - 1]
        self._waiting.append(entry)
