"""What was asked of the emulator. No token, no key and no body is kept."""

from __future__ import annotations

import fnmatch
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

#: Older requests are forgotten.
CAPACITY = 10_000


@dataclass(frozen=True)
class LoggedRequest:
    """One request and how it ended.

    Attributes:
        path: Without the query, as sent.
        status: The HTTP status before any override; 0 if no answer was given.
        known_error: The code of Stack's, if it was such an error.
        user_id: The signed-in user.
        time: When it came; Unix time in seconds.
        fault: The kind of fault that was played, if any.
    """

    method: str
    path: str
    status: int
    known_error: str | None
    project_id: str | None
    user_id: str | None
    access_type: str | None
    time: float
    fault: str | None = None


class RequestLog:
    """The requests so far, oldest first. Safe to use from any thread."""

    def __init__(self) -> None:
        self._requests: deque[LoggedRequest] = deque(maxlen=CAPACITY)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._requests)

    def __iter__(self) -> Iterator[LoggedRequest]:
        with self._lock:
            return iter(list(self._requests))

    def __getitem__(self, index: int) -> LoggedRequest:
        return self._requests[index]

    def add(self, request: LoggedRequest) -> None:
        """Remember a request."""
        with self._lock:
            self._requests.append(request)

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._requests.clear()

    def to(
        self,
        path: str = "*",
        *,
        method: str | None = None,
        status: int | None = None,
        user_id: str | None = None,
    ) -> list[LoggedRequest]:
        """The requests that fit.

        Args:
            path: A shell pattern for the whole path, such as `*/users/me`.
            method: Only this method.
            status: Only those that ended so.
            user_id: Only those with this user's token.
        """
        return [
            request
            for request in self
            if fnmatch.fnmatchcase(request.path, path)
            and method in {None, request.method}
            and status in {None, request.status}
            and user_id in {None, request.user_id}
        ]
