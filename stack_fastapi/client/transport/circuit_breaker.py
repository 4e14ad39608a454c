"""A circuit breaker: after too many failures in a row, stop asking for a while.

Pure: it is told the time and what happened, and says whether the next call may go out. Closed
lets everything through, open nothing, half-open one call whose outcome decides.

One that stands before everything counts failures of different requests, so that a single record
that Stack cannot handle, asked for again and again, does not look as if Stack were down. One that
stands before a single request opens after fewer.
"""

from __future__ import annotations

from collections.abc import Hashable

#: Failures in a row that open it, and how many different requests must be among them.
THRESHOLD, DIFFERENT = 10, 5
#: Failures in a row of one request that close that one off.
THRESHOLD_OF_ONE = 3
#: Seconds that it stays open.
PAUSE = 5.0
#: The longest that a server's own "come back later" keeps it open, in seconds.
LONGEST_PAUSE = 300.0


class CircuitBreaker:
    """Closed, open until a time, or half-open with one probe on its way.

    Args:
        threshold: failures in a row that open it.
        different: how many different requests must be among them.
    """

    def __init__(self, threshold: int = THRESHOLD, different: int = DIFFERENT) -> None:
        self._threshold = threshold
        self._different = different
        self._failures = 0
        self._failing: set[Hashable] = set()
        self._open_until: float | None = None
        self._probing = False

    def acquire(self, now: float) -> float | None:
        """Ask to make a call: None allows it, else the seconds until another try makes sense.

        Whoever was allowed must report with ``succeed``, ``fail`` or ``release``.
        """
        if self._open_until is None:
            return None
        if now < self._open_until:
            return self._open_until - now
        if self._probing:
            return PAUSE
        self._probing = True
        return None

    def succeed(self) -> None:
        """The server answered as it should."""
        self._failures = 0
        self._failing.clear()
        if self._open_until is None or self._probing:  # else a late response to an earlier call
            self._open_until = None
            self._probing = False

    def fail(self, now: float, request: Hashable = None, pause: float | None = None) -> None:
        """The call failed.

        Args:
            now: the time.
            request: tells it from other requests.
            pause: how many seconds the server itself asked to wait.
        """
        self._failures += 1
        if len(self._failing) < self._different:
            self._failing.add(request)
        if pause is not None:
            self._open(now + min(pause, LONGEST_PAUSE))
        elif self._probing or self._is_too_much:
            self._open(now + PAUSE)

    def release(self) -> None:
        """The call was given up, which says nothing; if it was the probe, the next one is."""
        self._probing = False

    @property
    def _is_too_much(self) -> bool:
        return self._failures >= self._threshold and len(self._failing) >= self._different

    def _open(self, until: float) -> None:
        self._open_until = max(until, self._open_until or until)
        self._probing = False
