"""The app itself: who may do what stands in the types of the routes' parameters."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI

from example_app import basics, live, notes, webhooks
from example_app.database import Database
from example_app.live import Hub
from stack_fastapi import StackAuth, StackAuthMiddleware


def create_app(
    auth: StackAuth | None = None,
    *,
    database_url: str = "sqlite+aiosqlite:///notes.db",
    clock: Callable[[], float] = time.time,
    receives_webhooks: bool = True,
) -> FastAPI:
    """The example app.

    Args:
        auth: the engine to use; None makes one from the environment.
        database_url: where the notes are kept, as SQLAlchemy names it.
        clock: Unix time in seconds; it decides when a WebSocket's token has ended.
        receives_webhooks: whether Stack sends it webhooks; a ``webhook_secret`` is needed then.
    """
    database = Database(database_url)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await database.create_tables()
        yield
        await database.aclose()

    app = FastAPI(title="stack_fastapi example", lifespan=lifespan)
    app.state.database = database
    app.state.hub = Hub(clock)
    app.add_middleware(StackAuthMiddleware, auth=auth)
    for router in (basics.router, notes.router, live.router):
        app.include_router(router)
    if receives_webhooks:
        app.include_router(webhooks.router)
    return app
