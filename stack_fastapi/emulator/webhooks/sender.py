"""Sends what is due: in the thread of who asks for it, or in one of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from stack_fastapi.emulator.state.state import Clock
from stack_fastapi.emulator.webhooks.deliveries import Attempt, Entry, Post
from stack_fastapi.emulator.webhooks.outbox import Outbox
from stack_fastapi.emulator.webhooks.signing import sign

logger = logging.getLogger("stack_fastapi.emulator")

#: Seconds that a receiver may take, as Svix has it.
TIMEOUT = 15.0
#: Seconds that a delivery under way may still take when everything ends.
GRACE = 2.0


class Sender:
    """Takes deliveries out of an outbox and sends them.

    Args:
        outbox: Where they wait.
        clock: Unix time in seconds.
        post: Sends over HTTP.
    """

    def __init__(self, outbox: Outbox, clock: Clock, post: Post) -> None:
        self._outbox = outbox
        self._clock = clock
        self._post = post

    def send_next(self) -> bool:
        """Send the delivery that is due first; False if none is due."""
        with self._outbox.next() as entry:
            if entry is not None:
                self._send(entry)
        return entry is not None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send what is due in a thread of its own, until the block ends."""
        stopped = threading.Event()
        thread = threading.Thread(
            target=self._run, args=(stopped,), name="local-stack-webhooks", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            self._outbox.stop(stopped)
            thread.join(GRACE)

    def _run(self, stopped: threading.Event) -> None:
        while not stopped.is_set():
            try:
                while not stopped.is_set() and self.send_next():
                    pass
            except Exception as error:  # noqa: BLE001 - a caller's own `post`; the rest goes on
                logger.warning("A webhook could not be sent: %s", type(error).__name__)
            self._outbox.wait(stopped)

    def _send(self, entry: Entry) -> None:
        message, endpoint = entry.message, entry.endpoint
        headers = sign(message.secret, message.id, self._clock(), message.content)
        status: int | None = None
        try:
            post = endpoint.post or self._post
            status = post(endpoint.url, message.content, headers, TIMEOUT)
        finally:
            entry.attempts.append(Attempt(self._clock(), status))
