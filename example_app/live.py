"""Changes of a team's notes, pushed over a WebSocket for as long as the token lives.

A WebSocket is checked when it opens. What ends it afterwards: the token's end, a webhook that tells
that somebody has left the team, and the listener itself.

The listeners are those of this process. With several workers, let each of them hear of changes
through the database or a broker, and publish here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Depends, WebSocket
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocketDisconnect

from stack_fastapi import CurrentClaims, Team, require_team_member

#: Changes that may wait for a slow listener before the line is cut.
BACKLOG = 100

_POLICY_VIOLATION = 1008  # RFC 6455, section 7.4.1: what the kit closes with as well
_TRY_AGAIN_LATER = 1013


@dataclass(frozen=True)
class End:
    """Why no more changes are sent; without a code the listener has gone by itself."""

    code: int | None = None
    reason: str = ""


@dataclass(eq=False)
class Listener:
    """A WebSocket that waits for a team's changes."""

    team_id: str
    user_id: str
    mailbox: asyncio.Queue[dict[str, Any] | End] = field(default_factory=asyncio.Queue)

    def put(self, change: dict[str, Any]) -> None:
        """Have a change sent; whoever does not keep up is cut off."""
        if self.mailbox.qsize() >= BACKLOG:
            self.end(End(_TRY_AGAIN_LATER, "TOO_SLOW"))
        else:
            self.mailbox.put_nowait(change)

    def end(self, end: End) -> None:
        """Send nothing any more, not even what is waiting."""
        while not self.mailbox.empty():
            self.mailbox.get_nowait()
        self.mailbox.put_nowait(end)


class Hub:
    """Who listens to which team.

    Args:
        clock: Unix time in seconds; it decides when a token ends.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._listeners: set[Listener] = set()

    @contextmanager
    def listening(self, team_id: str, user_id: str) -> Iterator[Listener]:
        """Hear of a team's changes while the block lasts."""
        listener = Listener(team_id, user_id)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def publish(self, team_id: str, change: dict[str, Any]) -> None:
        """Tell a team's listeners of a change."""
        for listener in self._listeners:
            if listener.team_id == team_id:
                listener.put(change)

    def end(self, reason: str, *, team_id: str | None = None, user_id: str | None = None) -> None:
        """Cut the lines of a team, of a user, or of a user in a team."""
        for listener in self._listeners:
            if team_id in {None, listener.team_id} and user_id in {None, listener.user_id}:
                listener.end(End(_POLICY_VIOLATION, reason))


def _hub(connection: HTTPConnection) -> Hub:
    hub: Hub = connection.app.state.hub
    return hub


CurrentHub = Annotated[Hub, Depends(_hub)]
Member = Annotated[Team, Depends(require_team_member())]

router = APIRouter(tags=["notes"])


async def _listening(
    team_id: str, claims: CurrentClaims, hub: CurrentHub
) -> AsyncIterator[Listener]:
    with hub.listening(team_id, claims.sub) as listener:
        yield listener


Listening = Annotated[Listener, Depends(_listening)]


@router.websocket("/teams/{team_id}/notes/live")
async def live(
    websocket: WebSocket,
    listener: Listening,  # before Member: what ends a membership while it is checked ends this
    _: Member,
    claims: CurrentClaims,
    hub: CurrentHub,
) -> None:
    """A team's changes, for its members."""
    await websocket.accept()
    reader = asyncio.create_task(_hear(websocket, listener))
    try:
        async with asyncio.timeout(claims.exp - hub.clock()):
            end = await _push(websocket, listener)
    except TimeoutError:
        end = End(_POLICY_VIOLATION, "ACCESS_TOKEN_EXPIRED")
    finally:
        reader.cancel()
    if end.code is not None:
        with suppress(WebSocketDisconnect, RuntimeError):  # it has just gone by itself
            await websocket.close(end.code, end.reason)


async def _push(websocket: WebSocket, listener: Listener) -> End:
    try:
        while not isinstance(change := await listener.mailbox.get(), End):
            await websocket.send_json(change)
    except WebSocketDisconnect:
        return End()
    return change


async def _hear(websocket: WebSocket, listener: Listener) -> None:
    """Notice when the listener goes; what it says does not matter."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass
    listener.end(End())
