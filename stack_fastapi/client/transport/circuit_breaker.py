"""A circuit breaker: after too many failures in a row, stop asking for a while.

Pure: it is told the time and what happened, and says whether the next call may go out. Closed
lets everything through, open nothing, half-open one call whose outcome decides.
"""

from __future__ import annotations

#: Failures in a row that open it.
THRESHOLD = 10
#: Seconds that it stays open.
PAUSE = 5.0
#: The longest that a server's own "come back later" keeps it open, in seconds.
LONGEST_PAUSE = 300.0


class CircuitBreaker:
    """Closed, open until a time, or half-open with one probe on its way."""

    def __init__(self) -> None:
        self._failures = 0
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
        if self._open_until is None or self._probing:  # else a late answer to an earlier call
            self._open_until = None
            self._probing = False

    def fail(self, now: float, pause: float | None = None) -> None:
        """The call failed; ``pause`` is how many seconds the server itself asked to wait."""
        self._failures += 1
        if pause is not None:
            self._open(now + min(pause, LONGEST_PAUSE))
        elif self._probing or self._failures >= THRESHOLD:
            self._open(now + PAUSE)

    def release(self) -> None:
        """The call was given up, which says nothing; if it was the probe, the next one is."""
        self._probing = False

    def _open(self, until: float) -> None:
        self._open_until = max(until, self._open_until or until)
        self._probing = False
