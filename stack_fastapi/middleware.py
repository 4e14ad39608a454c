"""Step 5 of 5: the ASGI middleware that every request passes.

It begins the request's decision, works it out unless told to wait, and leaves it for the
dependencies and for Starlette's ``request.user`` and ``request.auth``. It does not answer in the
app's place: a failure is kept and raised by the dependency that needs the user, so that public
routes stay public and the app's CORS headers and exception handlers apply. The one exception is an
app that takes users from its callers, which no dependency would stop.

No frame of it holds the connection while the app works: what is raised in there passes through,
and error reports show the variables of all frames that it passed.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stack_fastapi.app.guards import misplaced_guards, wanted_settings
from stack_fastapi.app.parameters import forgeable_records
from stack_fastapi.app.preparation import complete, routed_by
from stack_fastapi.app.security_schemes import Authenticating, default_sources
from stack_fastapi.dependencies.http_errors import refusing_app
from stack_fastapi.engine.authentication import Authentication
from stack_fastapi.engine.misconfigured import MisconfiguredAuthentication
from stack_fastapi.engine.stack_auth import SCOPE_KEY, StackAuth
from stack_fastapi.engine.starlette_user import sign_in
from stack_fastapi.exceptions import ConfigurationError, StackAuthError
from stack_fastapi.models import User
from stack_fastapi.telemetry import ProblemLog, logger
from stack_fastapi.tokens.credentials import SUBPROTOCOL, TOKEN_SUBPROTOCOL_PREFIX
from stack_fastapi.types import TokenSource


class StackAuthMiddleware(Authenticating):
    """Validates the access tokens of an app's requests and WebSockets.

    Args:
        app: the ASGI app behind it.
        auth: the engine to use; its owner closes it. None makes one from the environment, which
            lives and ends with the app's lifespan.
        eager: whether to look the user up before the route runs. False leaves that to the first
            dependency that needs it; until then ``request.user`` is nobody.

    Wrong settings do not raise here, where some servers would take that for an app without a
    lifespan and serve it: they stop the start-up, and every protected route answers 503. So does a
    guard that reads a team from a path parameter, on a route that has none of that name, and
    one that wants a setting which is not there. A route that would read a user, or another of
    Stack's records, from what its caller sends stops the start-up as well; where a server starts
    the app all the same, every request is answered with 503.
    """

    def __init__(self, app: ASGIApp, auth: StackAuth | None = None, *, eager: bool = True) -> None:
        self.app = app
        self._eager = eager
        self._owns = auth is None
        self._is_inspected = False
        self._closed: ASGIApp | None = None
        self._deciding: StackAuth | None = None
        self._auth: StackAuth | ConfigurationError
        try:
            self._auth = _engine(auth)
        except ConfigurationError as error:
            self._auth = error
            self._log = ProblemLog(time.monotonic)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of the server."""
        engine = self._deciding
        handled: Awaitable[None]
        if engine is not None and scope["type"] == "http" and engine.decide_cached(scope):
            handled = self.app(scope, receive, send)
        elif scope["type"] in {"http", "websocket"}:
            handled = self._connection(scope, receive, send)
        elif scope["type"] == "lifespan":
            handled = self._lifespan(scope, receive, send)
        else:
            handled = self.app(scope, receive, send)
        del scope, receive, send
        await handled

    async def _connection(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The way of a connection that is not decided at one look."""
        if not self._is_inspected:
            self._inspect(scope)
        if self._closed is not None:
            await self._closed(scope, receive, send)
            return
        decision = self._begin(scope)
        user = decision.admitted
        if user is None and self._eager and not decision.is_signed_out:
            user = await self._admitted(decision)
        sign_in(scope, user, decision.cached_permissions)
        if scope["type"] == "websocket":
            send = _answering_subprotocol(scope, send)
        handled = self.app(scope, receive, send)
        del scope, receive, send
        await handled

    def _begin(self, scope: Scope) -> Authentication:
        if isinstance(self._auth, StackAuth):
            return self._auth.begin(scope)
        decision = scope[SCOPE_KEY] = MisconfiguredAuthentication(self._auth, self._log)
        return decision

    async def _admitted(self, decision: Authentication) -> User | None:
        """The user, if the settings admit them; why not is the dependencies' to say."""
        try:
            user = await decision.admit()
        except StackAuthError:
            return None
        decision.remember()
        return user

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        complete(scope.get("app", self.app), self._token_sources())
        problem = self._problem(scope)
        if problem is not None:
            await receive()
            await send({"type": "lifespan.startup.failed", "message": problem.message})
            raise problem

        async def closing_send(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown"):
                await self._close()  # before the server hears that it may end the loop
            await send(message)

        try:
            await self.app(scope, receive, closing_send)
        finally:
            await self._close()

    async def _close(self) -> None:
        if self._owns and isinstance(self._auth, StackAuth):
            await self._auth.aclose()

    def _problem(self, scope: Scope) -> ConfigurationError | None:
        """What keeps the app from starting: settings, or routes that cannot be right."""
        if isinstance(self._auth, ConfigurationError):
            return self._auth
        app, settings = scope.get("app", self.app), self._auth.settings
        missing = [
            name for name in wanted_settings(app, type(self)) if getattr(settings, name) is None
        ]
        problems = [
            *map(settings.missing, sorted(missing)),
            *misplaced_guards(app),
            *forgeable_records(routed_by(self.app, scope)),
        ]
        return ConfigurationError(problems) if problems else None

    def _inspect(self, scope: Scope) -> None:
        """Look at the app once more: some servers skip the lifespan, or it added routes."""
        complete(scope.get("app", self.app), self._token_sources())
        problems = forgeable_records(routed_by(self.app, scope))
        if problems:
            error = ConfigurationError(problems)
            logger.critical("%s", error.message)
            self._closed = refusing_app(error)
        elif self._eager and isinstance(self._auth, StackAuth):
            self._deciding = self._auth
        self._is_inspected = True

    def _token_sources(self) -> Sequence[TokenSource]:
        if isinstance(self._auth, StackAuth):
            return self._auth.settings.token_sources
        return default_sources()


def _engine(auth: object) -> StackAuth:
    if auth is None:
        return StackAuth()
    if not isinstance(auth, StackAuth):
        problem = (
            f"auth must be a StackAuth, such as StackAuth(settings), not {type(auth).__name__}"
        )
        raise ConfigurationError([problem])
    return auth


def _answering_subprotocol(scope: Scope, send: Send) -> Send:
    """Answer ``stack-auth`` where the route chose no subprotocol, and never the token's.

    Browsers close a WebSocket whose server answers none of the subprotocols they offered. The
    token's is taken out of the scope, so that no route chooses it by accident.
    """
    offered = scope.get("subprotocols", [])
    clean = [word for word in offered if not word.startswith(TOKEN_SUBPROTOCOL_PREFIX)]
    scope["subprotocols"] = clean
    if len(clean) == len(offered) and SUBPROTOCOL not in offered:
        return send

    async def answering_send(message: Message) -> None:
        if message["type"] == "websocket.accept":
            chosen = message.get("subprotocol")
            if chosen is None or chosen.startswith(TOKEN_SUBPROTOCOL_PREFIX):
                fallback = SUBPROTOCOL if SUBPROTOCOL in clean else None
                message = {**message, "subprotocol": fallback}
        await send(message)

    return answering_send
