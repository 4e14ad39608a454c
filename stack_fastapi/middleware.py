"""Step 5 of 5: the ASGI middleware that every request passes.

It begins the request's decision, works it out unless told to wait, and leaves it for the
dependencies and for Starlette's ``request.user`` and ``request.auth``. It does not answer in the
app's place: a failure is kept and raised by the dependency that needs the user, so that public
routes stay public and the app's CORS headers and exception handlers apply. The one exception is an
app that takes users from its callers, which no dependency would stop.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stack_fastapi.app.guards import misplaced_guards, wanted_settings
from stack_fastapi.app.openapi import complete_documents
from stack_fastapi.app.parameters import forgeable_records
from stack_fastapi.app.routes import behind_middleware, is_routed
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
    one that wants a setting which is not there. An app with a route that would read a record of
    Stack's from its caller, such as ``user: User``, does not start, and where the server has no
    start-up every request is answered with 503.
    """

    def __init__(self, app: ASGIApp, auth: StackAuth | None = None, *, eager: bool = True) -> None:
        self.app = app
        self._eager = eager
        self._owns = auth is None
        self._documented = False
        self._inspected = False
        self._closed: ASGIApp | None = None
        self._auth: StackAuth | ConfigurationError
        try:
            self._auth = _engine(auth)
        except ConfigurationError as error:
            self._auth = error
            self._log = ProblemLog(time.time)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of the server."""
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        elif scope["type"] in {"http", "websocket"}:
            await self._connection(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _connection(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._document(scope)
        if not self._inspected:
            self._inspect(scope)
        if self._closed is not None:
            await self._closed(scope, receive, send)
            return
        decision = self._begin(scope)
        user = decision.admitted
        if user is None and self._eager and not decision.is_signed_out:
            user = decision.recall() or await self._admitted(decision)
        sign_in(scope, user, decision.recall_permissions)
        if scope["type"] == "websocket":
            send = _answering_subprotocol(scope, send)
        await self.app(scope, receive, send)

    def _begin(self, scope: Scope) -> Authentication:
        if isinstance(self._auth, StackAuth):
            return self._auth.begin(scope)
        decision = scope[SCOPE_KEY] = MisconfiguredAuthentication(self._auth, self._log)
        return decision

    async def _admitted(self, decision: Authentication) -> User | None:
        """The user, if the settings admit them; why not is the dependencies' to say."""
        try:
            return await decision.admit()
        except StackAuthError:
            return None

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._document(scope)
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
        """What keeps the app from starting: settings, or guards on routes of another shape."""
        if isinstance(self._auth, ConfigurationError):
            return self._auth
        app, settings = scope.get("app", self.app), self._auth.settings
        missing = [
            name for name in wanted_settings(app, type(self)) if getattr(settings, name) is None
        ]
        problems = [
            *map(settings.missing, sorted(missing)),
            *misplaced_guards(app),
            *forgeable_records(self._routed(scope)),
        ]
        return ConfigurationError(problems) if problems else None

    def _inspect(self, scope: Scope) -> None:
        """Close an app that believes its callers; some servers skip the lifespan, or add routes."""
        problems = forgeable_records(self._routed(scope))
        if problems:
            error = ConfigurationError(problems)
            logger.critical("%s", error.message)
            self._closed = refusing_app(error)
        self._inspected = True

    def _routed(self, scope: Scope) -> object:
        """What routes the requests that come through here."""
        app = behind_middleware(self.app)
        return app if is_routed(app) else scope.get("app")

    def _document(self, scope: Scope) -> None:
        if not self._documented:
            app = scope.get("app", self.app)
            if isinstance(app, Starlette):
                complete_documents(app, self._token_sources())
            self._documented = True

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
