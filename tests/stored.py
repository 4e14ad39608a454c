"""A store of texts, whose clocks and whose source a test holds in its hands."""

from __future__ import annotations

import asyncio
from typing import Any

from fake_stack import Clock

from stack_fastapi.cache import Entry, Kind, Lookup, SharedTier, Store
from stack_fastapi.telemetry import ProblemLog
from stack_fastapi.types import Arrival, Cache, CachedAnswer, Clocks

TTL, STALE, LONGEST_FLIGHT = 60.0, 300.0, 10.0


class SharedTexts:
    """A shared cache in a dictionary; tests look into it and make it misbehave."""

    def __init__(self) -> None:
        self.entries: dict[str, Any] = {}
        self.lifetimes: dict[str, float] = {}
        self.deleted: list[str] = []
        self.can_delete = True

    async def get(self, key: str) -> CachedAnswer | None:
        return self.entries.get(key)

    async def set(self, key: str, answer: CachedAnswer, lifetime: float) -> None:
        self.entries[key] = answer
        self.lifetimes[key] = lifetime

    async def delete(self, key: str) -> None:
        if not self.can_delete:
            raise ConnectionError("redis://user:secret@cache.test is read only")
        self.deleted.append(key)
        self.entries.pop(key, None)


class Texts:
    """A ``Lookup`` of texts; "nothing" is the negative one.

    Attributes:
        wall: Unix time.
        monotonic: the time of durations; the store's clocks stand still until they are moved.
        value: what the next request is answered with, as of the moment at which it is sent.
        error: what it fails with instead.
        gate: what responses wait for on their way; None for nothing.
        requests: how many were sent.
    """

    def __init__(
        self,
        *,
        size: int = 100,
        cache: Cache | None = None,
        clocks: Clocks | None = None,
        timeout: float = 5.0,
        **kind: Any,
    ) -> None:
        self.wall, self.monotonic = Clock(), Clock()
        self.monotonic.now = 5000.0
        self.clocks = clocks or Clocks(self.wall, self.monotonic)
        shared = None
        if cache is not None:
            shared = SharedTier(cache, "project ", self.clocks, timeout, ProblemLog(self.monotonic))
            kind = {"is_sound": lambda _key, value: isinstance(value, str), **kind}
        self.store = Store(self.clocks, size, LONGEST_FLIGHT, shared)
        fields = {
            "ttl": TTL,
            "subjects_of": lambda text: (f"about {text}",),
            "is_negative": lambda text: text == "nothing",
            **kind,
        }
        self.lookup: Lookup[str] = self.store.lookup(Kind("text", **fields))
        self.value = "first"
        self.error: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.reached = asyncio.Event()
        self.requests = 0

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.wall.advance(seconds)
        self.monotonic.advance(seconds)

    async def request(self) -> str:
        """Ask the source."""
        self.requests += 1
        value, error, gate = self.value, self.error, self.gate
        self.reached.set()
        if gate is not None:
            await gate.wait()
        if error is not None:
            raise error
        return value

    async def entry(
        self, key: str = "key", max_age: float | None = None, arrival: Arrival | None = None
    ) -> Entry[str]:
        """What the lookup gives for a key that is its own subject."""
        arrival = arrival or self.store.arrival()
        return await self.lookup.get(key, (key,), self.request, arrival, max_age)

    async def get(self, key: str = "key", max_age: float | None = None) -> str:
        """The value of that."""
        return (await self.entry(key, max_age)).value

    def cached(self, key: str = "key") -> str | None:
        """What memory knows and is fresh."""
        entry = self.lookup.cached(key)
        return None if entry is None else entry.value

    async def held(self, key: str = "key", max_age: float | None = None) -> asyncio.Task[str]:
        """A caller whose request has been sent and whose response waits for ``gate``."""
        self.gate = self.gate or asyncio.Event()
        self.reached.clear()
        task = asyncio.create_task(self.get(key, max_age))
        await self.reached.wait()
        return task

    def no_more(self) -> asyncio.Event:
        """Hold nothing that is sent later; returns what still holds the rest."""
        assert self.gate is not None
        gate, self.gate = self.gate, None
        return gate

    def release(self) -> None:
        """Let go what is held; later responses are not held."""
        self.no_more().set()


async def turn() -> None:
    """Let everything run that can run."""
    for _ in range(10):
        await asyncio.sleep(0)
