"""What operators get to see. No message holds a token or a key."""

from __future__ import annotations

import logging
from threading import Lock

from stack_fastapi.types import Clock

#: Every log line of the kit comes from here.
logger = logging.getLogger("stack_fastapi")

_INTERVAL = 60.0
#: How many problems are told apart.
_MOST_PROBLEMS = 1000


class ProblemLog:
    """Logs a problem when it appears and then once a minute, however many requests meet it.

    Args:
        clock: monotonic time in seconds.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: dict[str, float] = {}
        self._lock = Lock()

    def report(self, level: int, problem: str, message: str) -> None:
        """Log a message unless the same problem was logged less than a minute ago.

        Args:
            level: a level of the ``logging`` module.
            problem: a short stable word for it, of which there are few.
            message: a sentence for the operator.
        """
        now = self._clock()
        with self._lock:
            last = self._last.get(problem, float("-inf"))
            due = now - last >= _INTERVAL
            if due:
                self._last.pop(problem, None)
                self._last[problem] = now
            if len(self._last) > _MOST_PROBLEMS:
                del self._last[next(iter(self._last))]  # the one that was logged longest ago
        if due:
            logger.log(level, "%s", message)
