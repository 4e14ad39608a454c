"""Step 5 of 5: the way from a route to the engine behind it. These let everybody in.

::

    @app.get("/members/{user_id}", dependencies=[Depends(require_permission("read"))])
    async def member(user_id: str, client: CurrentClient) -> PublicUser:
        return await client.users.get(user_id)
"""

# No "from __future__ import annotations": see ``dependencies.users``.

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection
from starlette.types import Scope

from stack_fastapi.client import StackServerClient
from stack_fastapi.dependencies.refusals import NOT_CACHED, NotCached, refusing
from stack_fastapi.engine.cached_decision import CachedDecision
from stack_fastapi.engine.stack_auth import SCOPE_KEY, StackAuth, engine_of


class _CurrentAuth:
    """The engine of the innermost middleware; asks nobody who is there, and is no guard."""

    def cached(self, scope: Scope) -> StackAuth | NotCached:
        """The engine that decided at one look."""
        decision = scope.get(SCOPE_KEY)
        owner = decision.owner if isinstance(decision, CachedDecision) else None
        return owner if isinstance(owner, StackAuth) else NOT_CACHED

    @refusing
    async def __call__(self, connection: HTTPConnection) -> StackAuth:
        """The engine, which outlives the request: background tasks may keep it.

        Raises:
            StackHTTPException, StackWebSocketException: no middleware, or wrong settings (503).
        """
        return engine_of(connection)


#: The engine behind the route.
current_auth = _CurrentAuth()

CurrentAuth = Annotated[StackAuth, Depends(current_auth)]


async def current_client(auth: CurrentAuth) -> StackServerClient:
    """Stack's REST API with server access, as a dependency; raises like ``current_auth``."""
    return auth.client


CurrentClient = Annotated[StackServerClient, Depends(current_client)]
