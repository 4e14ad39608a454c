"""The cache of one process."""

from __future__ import annotations

from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

from cachetools import TLRUCache

from stack_fastapi.types import Clock

V = TypeVar("V")


def _expires_at(_key: Hashable, entry: tuple[object, float], now: float) -> float:
    return now + entry[1]


class MemoryCache(Generic[V]):
    """Values by key: bounded, the least recently used out first, each with its own lifetime.

    Args:
        size: the most entries that are kept.
        clock: monotonic time in seconds.

    Attributes:
        size: the same.
    """

    def __init__(self, size: int, clock: Clock) -> None:
        self.size = size
        self._entries: TLRUCache[Hashable, tuple[V, float]] = TLRUCache(
            size, _expires_at, timer=clock
        )
        # A threaded server may run several event loops over one engine.
        self._lock = Lock()

    def get(self, key: Hashable) -> V | None:
        """The value under a key; None where there is none or its lifetime is over."""
        try:
            with self._lock:
                return self._entries[key][0]
        except KeyError:
            return None

    def set(self, key: Hashable, value: V, lifetime: float) -> None:
        """Keep a value for ``lifetime`` seconds."""
        with self._lock:
            self._entries[key] = (value, lifetime)

    def delete(self, key: Hashable) -> None:
        """Forget the value under a key."""
        with self._lock:
            self._entries.pop(key, None)
