"""One HTTP request's connection: answering on it, and failing to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

from starlette.types import Receive, Scope, Send

from stack_fastapi.emulator.protocol.response import Answer

#: Set by our server in the scope's state: closes the connection at once.
HANG_UP = "local_stack_hang_up"
#: In every answer: nobody takes it for the real server's, and no page of another site gets it as a
#: picture or a script. Scripts that may ask (CORS) still may.
MARKS = {
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-stack-local": "true",
}


@dataclass(frozen=True)
class Connection:
    """The ASGI ends of one request.

    Attributes:
        closing: Ends waits that would never end; None where nobody closes.
    """

    scope: Scope
    receive: Receive
    send: Send
    closing: asyncio.Event | None = None

    async def answer(self, answer: Answer) -> None:
        """Send an answer whole."""
        await self._start(answer)
        await self.send({"type": "http.response.body", "body": answer.content})

    async def answer_half(self, answer: Answer) -> None:
        """Announce an answer, send half of it and hang up."""
        await self._start(answer)
        half = answer.content[: len(answer.content) // 2]
        await self.send({"type": "http.response.body", "body": half, "more_body": True})
        await self.hang_up()

    async def until_gone(self) -> None:
        """Wait until the client gives up or the server closes."""
        await self._wait(self.receive())

    async def pause(self, seconds: float) -> None:
        """Wait for a time, but not longer than until the server closes."""
        await self._wait(asyncio.sleep(seconds))

    async def hang_up(self) -> None:
        """Close the connection without another word.

        Raises:
            ConnectionResetError: There is none to close, for the client is in this process.
        """
        hang_up = self.scope.get("state", {}).get(HANG_UP)
        if hang_up is None:
            raise ConnectionResetError("The local Stack server closed the connection.")
        hang_up()
        await self.receive()

    async def _wait(self, event: Awaitable[object]) -> None:
        waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(event)]
        if self.closing is not None:
            waits.append(asyncio.ensure_future(self.closing.wait()))
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    async def _start(self, answer: Answer) -> None:
        headers = {"content-length": str(len(answer.content)), **answer.headers, **MARKS}
        if answer.content_type:
            headers["content-type"] = answer.content_type
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await self.send({"type": "http.response.start", "status": answer.status, "headers": raw})
