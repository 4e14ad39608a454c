"""An HTTP client for each event loop: its connections belong to the loop that opened them.

Knows no HTTP library. A client ends with its loop, even where nobody closes it: it is held by an
asynchronous generator, and a loop that ends closes those.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any
from weakref import WeakKeyDictionary


class Pools:
    """A client for each event loop.

    Args:
        new_client: makes one, in a thread; it has ``aclose``.
    """

    def __init__(self, new_client: Callable[[], Any]) -> None:
        self._new_client = new_client
        self._by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, _Pool] = WeakKeyDictionary()

    async def client(self) -> Any:  # noqa: ANN401 - a client of either library
        """The running loop's client."""
        loop = asyncio.get_running_loop()
        pool = self._by_loop.get(loop)
        if pool is None:
            self._drop_closed_loops()
            pool = self._by_loop[loop] = _Pool(self._new_client)
        return await pool.client()

    async def aclose(self) -> None:
        """Close the running loop's client; another call makes a new one."""
        pool = self._by_loop.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.aclose()

    def _drop_closed_loops(self) -> None:
        """A loop that was closed without closing its generators would be kept alive by ours."""
        for loop in [loop for loop in self._by_loop if loop.is_closed()]:
            del self._by_loop[loop]


class _Pool:
    """The client of one event loop, made when it is first needed."""

    def __init__(self, new_client: Callable[[], Any]) -> None:
        self._new_client = new_client
        self._owner: AsyncGenerator[None] | None = None
        self._client: Any = None
        self._lock = asyncio.Lock()

    async def client(self) -> Any:  # noqa: ANN401 - as above
        if self._client is None:
            async with self._lock:
                await self._open()
        return self._client

    async def aclose(self) -> None:
        async with self._lock:
            if self._owner is not None:
                await self._owner.aclose()

    async def _open(self) -> None:
        if self._client is None:
            # Reading the certificates takes a while: not in the event loop.
            client = await asyncio.to_thread(self._new_client)
            self._owner = _own(client)
            await anext(self._owner)
            self._client = client


async def _own(client: Any) -> AsyncGenerator[None]:  # noqa: ANN401 - as above
    """Holds a client. A loop that ends closes its asynchronous generators, and so this."""
    try:
        yield
    finally:
        await client.aclose()
