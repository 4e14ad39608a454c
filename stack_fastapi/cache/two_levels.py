"""This process's memory in front of a cache that all workers share.

Memory is asked first and always there. The shared cache is somebody else's server: it may fail,
hang, forget, or hold what another program wrote, and none of that may break a request, let the
wrong user in or bring back what was forgotten.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeGuard, TypeVar

from stack_fastapi.cache.memory import MemoryCache
from stack_fastapi.telemetry import ProblemLog
from stack_fastapi.types import Cache, CachedAnswer, Clock

T = TypeVar("T")


class TwoLevelCache:
    """Answers of Stack, near and shared.

    Args:
        near: the memory of this process.
        shared: the other one; None for none.
        clock: Unix time in seconds.
        lifetime: the longest that an answer is kept, in seconds.
        timeout: how long the shared cache may take, in seconds.
        log: where operators hear that it failed.
    """

    def __init__(
        self,
        near: MemoryCache[CachedAnswer],
        shared: Cache | None,
        clock: Clock,
        lifetime: float,
        timeout: float,
        log: ProblemLog,
    ) -> None:
        self._near = near
        self._shared = shared
        self._clock = clock
        self._timeout = timeout
        self._log = log
        self._forgotten = 0
        self._lifetime = lifetime
        # When each was forgotten: the shared cache may still hold what is older.
        self._marks: MemoryCache[float] = MemoryCache(near.size, clock)

    def near(self, key: str) -> CachedAnswer | None:
        """What this process itself remembers."""
        return self._near.get(key)

    async def shared(
        self, key: str, lifetime: float, is_sound: Callable[[object], bool]
    ) -> CachedAnswer | None:
        """What the shared cache knows; remembered here as well.

        Args:
            key: what is asked for.
            lifetime: how long it may be remembered here, in seconds from its question.
            is_sound: whether a value can be an answer to this question.
        """
        if self._shared is None:
            return None
        answer = await self._guarded(self._shared.get(key))
        if not self._is_good(answer, is_sound) or self._is_forgotten(key, answer):
            return None
        self._near.set(key, answer, answer.asked_at + lifetime - self._clock())
        return answer

    async def keep(self, key: str, answer: CachedAnswer, lifetime: float) -> None:
        """Remember an answer here and for the others, for ``lifetime`` seconds."""
        forgotten = self._forgotten
        self._near.set(key, answer, lifetime)
        if self._shared is not None:
            await self._guarded(self._shared.set(key, answer, lifetime))
            if self._forgotten != forgotten:  # perhaps this one, while it was being written
                await self._guarded(self._shared.delete(key))

    async def forget(self, key: str) -> None:
        """Forget an answer here and for the others; raises whatever the shared cache raises."""
        self._forgotten += 1
        self._near.delete(key)
        if self._shared is not None:
            self._marks.set(key, self._clock(), self._lifetime)
            await self._shared.delete(key)

    def _is_forgotten(self, key: str, answer: CachedAnswer) -> bool:
        """Whether it is from before this process was told to forget it."""
        mark = self._marks.get(key)
        return mark is not None and answer.asked_at <= mark

    def _is_good(
        self, answer: object, is_sound: Callable[[object], bool]
    ) -> TypeGuard[CachedAnswer]:
        """Whether it is an answer at all, of a time that is not ahead of ours."""
        if not isinstance(answer, CachedAnswer) or not is_sound(answer.value):
            return False
        asked_at: object = answer.asked_at  # as another program wrote it
        return isinstance(asked_at, (int, float)) and 0 <= asked_at <= self._clock()

    async def _guarded(self, operation: Awaitable[T]) -> T | None:
        try:
            async with asyncio.timeout(self._timeout):
                return await operation
        except Exception as error:  # noqa: BLE001 - whatever a cache raises, Stack can be asked
            message = f"the shared cache failed: {type(error).__name__}"  # its text may hold a URL
            self._log.report(logging.WARNING, "CACHE", message)
            return None
