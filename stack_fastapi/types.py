"""What can be passed in: Protocols for clocks and caches, and the records they handle."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any, Literal, NamedTuple, Protocol

#: Returns seconds: Unix time, or a time that only runs forwards.
Clock = Callable[[], float]

#: Where a request may carry its access token; see ``credentials``.
TokenSource = Literal["header", "bearer", "stack_auth", "cookie", "subprotocol"]

#: Stack's three kinds of users, each with an issuer, an audience and keys of its own.
UserType = Literal["normal", "restricted", "anonymous"]

#: Who may own an API key.
ApiKeyType = Literal["user", "team"]


class Clocks(NamedTuple):
    """The two kinds of time.

    Attributes:
        wall: Unix time in seconds, for what others wrote down: a token's ``exp`` and ``iat``,
            webhooks, what other workers cached. Operators and time servers may set it back.
        monotonic: seconds since whenever, never backwards, for all durations: how old an answer
            is, how long a pause lasts.
    """

    wall: Clock
    monotonic: Clock

    @classmethod
    def of(cls, wall: Clock | None, monotonic: Clock | None) -> Clocks:
        """The clocks that were passed in, or the system's.

        Where only ``wall`` is passed, durations follow it, but for its steps backwards.
        """
        if monotonic is None:
            monotonic = _system_monotonic if wall is None else _Forwards(wall)
        return cls(wall or time.time, monotonic)


class _Forwards:
    """Runs when a clock runs, and goes on from where it was when that one is set back."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = clock()
        self._set_back = 0.0  # by how much in all
        self._lock = Lock()  # two threads must not see one step twice

    def __call__(self) -> float:
        with self._lock:
            now = self._clock()
            self._set_back += max(0.0, self._last - now)
            self._last = now
            return now + self._set_back


#: Where the system has it, time that goes on while the machine sleeps: answers age then as well.
_system_monotonic: Clock = (
    partial(time.clock_gettime, time.CLOCK_BOOTTIME)
    if hasattr(time, "CLOCK_BOOTTIME")
    else time.monotonic
)


class Arrival(NamedTuple):
    """When a request came in.

    Attributes:
        at: monotonic time in seconds.
        sequence: its place in the order of arrivals and look-ups, where clocks are too coarse.
    """

    at: float
    sequence: int


#: What a change through the client makes stale.
ChangeKind = Literal[
    "user",
    "team",
    "membership",
    "team_permission",
    "project_permission",
    "session",
    "api_key",
]


@dataclass(frozen=True, slots=True)
class Change:
    """What was changed in Stack through the client, or may have been: nobody heard the outcome.

    An id is None where it plays no part or is not known, such as that of a new team whose answer
    did not arrive.

    Attributes:
        kind: what was made, changed or deleted. A user's contact channels count as the user.
        user_id: whose it is.
        team_id: the team that it belongs to, or the team itself.
        id: a session's or an API key's.
    """

    kind: ChangeKind
    user_id: str | None = None
    team_id: str | None = None
    id: str | None = None


#: Hears of each change that the client made or may have made.
ChangeHandler = Callable[[Change], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """What Stack answered to a request, and when that was sent.

    Attributes:
        value: a frozen model, or None where Stack said that there is no such thing.
        asked_at: Unix time in seconds at which the request was sent. Freshness counts from
            here: a response may be older than its arrival, never younger than its request.
    """

    value: object
    asked_at: float


class Connection(Protocol):
    """A request or a WebSocket: anything with its ASGI scope, such as Starlette's classes."""

    @property
    def scope(self) -> MutableMapping[str, Any]:
        """The ASGI scope."""
        ...


class Cache(Protocol):
    """A bounded store of Stack's answers; one may serve several engines.

    Keys are opaque text and already tell API, project and branch apart. An implementation may
    drop an entry at any time, and must not return one after its lifetime.
    """

    async def get(self, key: str) -> CachedAnswer | None:
        """The answer under a key; None where there is none."""
        ...

    async def set(self, key: str, answer: CachedAnswer, lifetime: float) -> None:
        """Keep an answer for at most ``lifetime`` seconds."""
        ...

    async def delete(self, key: str) -> None:
        """Forget the answer under a key; an unknown key is no error."""
        ...
