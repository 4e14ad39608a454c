"""One response of Stack as it is kept, and what all responses to one kind of request share."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from math import inf
from typing import Generic, NamedTuple, TypeVar

from stack_fastapi.exceptions import StackUnavailableError, UnavailableError

T = TypeVar("T")


class Entry(NamedTuple, Generic[T]):
    """What Stack answered.

    Attributes:
        value: the response, as a value.
        asked_at: monotonic time in seconds at which the request was sent. Age counts from here:
            a response may be older than its arrival, never younger than its request.
        asked_at_wall: the same moment in Unix time, to compare with what others wrote down.
        sequence: the request's place in the order of requests, arrivals and evictions.
        subjects: ids of what the response is about; an eviction names one of them.
        is_shared: whether another worker asked; its clock proves no ``max_age``.
    """

    value: T
    asked_at: float
    asked_at_wall: float
    sequence: int
    subjects: tuple[str, ...]
    is_shared: bool = False


class Newest:
    """The sequence number of the newest response under a key, for whoever keeps an older one."""

    __slots__ = ("__weakref__", "sequence")

    def __init__(self, sequence: int) -> None:
        self.sequence = sequence


class Validity(NamedTuple):
    """How long a response is good, to look up nothing for that; evictions are beside it.

    Attributes:
        until: monotonic time.
        sequence: that of the response.
        newest: has another sequence number as soon as there is a newer response.
    """

    until: float
    sequence: int
    newest: Newest

    def holds(self, now: float) -> bool:
        """Whether it is good at a monotonic time."""
        return now < self.until and self.newest.sequence == self.sequence


def _no_subjects(_value: object) -> Collection[str]:
    return ()


def _never(_value: object) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """How long the responses to one kind of request are good, and for what; times in seconds.

    Attributes:
        name: tells it from other kinds.
        ttl: how long a response is fresh, from its request.
        stale_if_error: how long beyond that it is taken where Stack cannot say (RFC 5861).
        lives_through: the failures in which it is.
        retry_after: after such a failure, how long Stack is not asked again.
        refresh_after: the age at which a fresh response is renewed without anybody waiting.
        subjects_of: ids of what a response turned out to be about, beside those asked for.
        is_negative: whether a response says that there is no such thing. Those are kept apart,
            so that invented keys push out no real ones, and are never taken stale.
        personal: failures that are about the credential a request was made with: whoever waited
            for somebody else's request makes one of their own.
        is_basis: whether other responses were judged by this one, so that a new one puts all that
            was put together to the test.
        is_sound: whether a value from the shared cache can be the response under a key; None
            where the kind is not shared. The key of a shared kind is its only subject.
    """

    name: str
    ttl: float
    stale_if_error: float = 0.0
    lives_through: tuple[type[UnavailableError], ...] = (StackUnavailableError,)
    retry_after: float = 0.0
    refresh_after: float = inf
    subjects_of: Callable[[T], Collection[str]] = _no_subjects
    is_negative: Callable[[T], bool] = _never
    personal: tuple[type[Exception], ...] = ()
    is_basis: bool = False
    is_sound: Callable[[str, object], bool] | None = None
