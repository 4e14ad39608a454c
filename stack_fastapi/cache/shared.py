"""The tier that workers share: somebody else's server behind this process's memory.

It may fail, hang, forget, or hold what another program wrote, and none of that may break a
request, let the wrong user in or bring back what was evicted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from math import inf
from typing import TypeGuard, TypeVar

from stack_fastapi.cache.entry import Entry
from stack_fastapi.telemetry import ProblemLog
from stack_fastapi.types import Cache, CachedAnswer, Clocks

T = TypeVar("T")

#: By how much two clocks may seem to differ because one is read after the other, in seconds.
_JITTER = 1.0


class SharedTier:
    """A cache behind this process's memory, kept at arm's length.

    Args:
        cache: the cache.
        namespace: tells this project's entries from others'.
        clocks: the time.
        timeout: how long the cache may take, in seconds.
        log: where operators hear that it failed.
    """

    def __init__(
        self, cache: Cache, namespace: str, clocks: Clocks, timeout: float, log: ProblemLog
    ) -> None:
        self._cache = cache
        self._namespace = namespace
        self._clocks = clocks
        self._timeout = timeout
        self._log = log
        # By how much the wall clock is ahead of the monotonic one, and up to which time responses
        # were written before it was set back: those may seem younger than they are.
        self._ahead = clocks.wall() - clocks.monotonic()
        self._doubtful_until = -inf

    async def get(
        self, kind: str, key: str, sequence: int, is_sound: Callable[[str, object], bool]
    ) -> Entry[T] | None:
        """What the cache knows; None for nothing, and for what can be no response.

        Args:
            kind: what sort of request it is the response to.
            key: what is asked for, and its only subject.
            sequence: the place of this look in the order of requests and evictions.
            is_sound: whether a value can be the response under a key.
        """
        answer = await self._guarded(self._cache.get(self._name(kind, key)))
        now, now_wall = self._now()
        if not _is_answer(answer, now_wall) or not is_sound(key, answer.value):
            return None
        if answer.asked_at <= self._doubtful_until:
            return None
        # Its age by the wall clock, for that is all that two machines have in common.
        asked_at = now - (now_wall - answer.asked_at)
        return Entry(answer.value, asked_at, answer.asked_at, sequence, (key,), is_shared=True)  # type: ignore[arg-type] # sound: a T

    async def set(self, kind: str, key: str, entry: Entry[T], lifetime: float) -> None:
        """Let the others know a response, for ``lifetime`` seconds."""
        answer = CachedAnswer(entry.value, entry.asked_at_wall)
        await self._guarded(self._cache.set(self._name(kind, key), answer, lifetime))

    async def discard(self, kind: str, key: str) -> None:
        """Delete a response that should not have been written; a failure is reported alone."""
        await self._guarded(self._cache.delete(self._name(kind, key)))

    async def delete(self, kind: str, key: str) -> None:
        """Delete a response; raises whatever the cache raises."""
        await self._cache.delete(self._name(kind, key))

    def _now(self) -> tuple[float, float]:
        """Monotonic and wall time; notes whether the latter was set back."""
        now, now_wall = self._clocks.monotonic(), self._clocks.wall()
        if now_wall - now < self._ahead - _JITTER:
            self._doubtful_until = now + self._ahead
            self._ahead = now_wall - now
        self._ahead = max(self._ahead, now_wall - now)
        return now, now_wall

    def _name(self, kind: str, key: str) -> str:
        return f"{self._namespace}{kind}/{key}"

    async def _guarded(self, operation: Awaitable[T]) -> T | None:
        try:
            async with asyncio.timeout(self._timeout):
                return await operation
        except Exception as error:  # noqa: BLE001 - whatever a cache raises, Stack can be asked
            message = f"the shared cache failed: {type(error).__name__}"  # its text may hold a URL
            self._log.report(logging.WARNING, "CACHE", message)
            return None


def _is_answer(answer: object, now: float) -> TypeGuard[CachedAnswer]:
    """Whether it is a response at all, of a time that is not ahead of ours."""
    if not isinstance(answer, CachedAnswer):
        return False
    asked_at: object = answer.asked_at  # as another program wrote it
    return isinstance(asked_at, (int, float)) and 0 <= asked_at <= now
