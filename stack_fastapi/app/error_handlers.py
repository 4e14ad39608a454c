"""Step 5 of 5: how the kit's errors are answered that a route lets through.

Guards raise answers. What ``auth.client``, ``auth.authenticate`` and their kin raise inside a route
is a ``StackAuthError``, and FastAPI would make a 500 of it. The handler that is put in here answers
as the guards do, in whatever form the app gives to HTTP errors.
"""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

from fastapi.exception_handlers import http_exception_handler
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketState

from stack_fastapi.app.routes import mounted_apps
from stack_fastapi.dependencies.http_errors import (
    StackHTTPException,
    StackWebSocketException,
    is_servers_fault,
)
from stack_fastapi.exceptions import StackApiError, StackAuthError
from stack_fastapi.telemetry import ProblemLog, logger

_Handler = Callable[..., Any]


def install_error_handlers(app: Starlette) -> None:
    """Let an app, and the apps mounted in it, answer the kit's errors that its routes let through.

    As guards are answered: 401 and 403 for ``CredentialsError`` and ``PolicyError``, 503 with
    ``Retry-After`` where Stack is unavailable or the kit misconfigured. What Stack refused to
    ``auth.client`` is 404 where Stack has no such thing, 422 where something is of another form
    than Stack takes (an id, for instance), and else 502. A WebSocket is closed with 1008, or 1013
    where a request gets 502 or 503. Whatever is no caller's fault gets a line in the log.

    The middleware does this when the app starts. An app that handles ``StackAuthError`` itself is
    left alone, and a handler for one of its subclasses goes before this one. A handler for
    ``StackHTTPException``, for ``HTTPException`` or for a status makes the answer, if there is one.

    Args:
        app: a FastAPI or Starlette app, started or not.
    """
    if StackAuthError not in app.exception_handlers:
        handler = _ErrorHandler(ProblemLog(time.time))
        app.add_exception_handler(StackAuthError, handler)  # type: ignore[arg-type]  # for both kinds
        if app.middleware_stack is not None:  # which was built without it
            _install_into(app.middleware_stack, handler)
    for mounted in mounted_apps(app.routes):
        install_error_handlers(mounted)


def _install_into(stack: object, handler: _Handler) -> None:
    for layer in _layers(stack):
        if isinstance(layer, ExceptionMiddleware):
            layer.add_exception_handler(StackAuthError, handler)
            return
    logger.warning(
        "a middleware of this app does not keep what it wraps in .app, so the handler for the "
        "errors of stack_fastapi could not be put in: call "
        "stack_fastapi.install_error_handlers(app) before the app starts"
    )


def _layers(stack: object) -> Iterator[object]:
    while stack is not None:
        yield stack
        stack = getattr(stack, "app", None)


class _ErrorHandler:
    """Answers an error of the kit as the app answers HTTP errors.

    Args:
        log: where operators hear of problems.
    """

    def __init__(self, log: ProblemLog) -> None:
        self._log = log

    async def __call__(
        self, connection: Request | WebSocket, error: StackAuthError
    ) -> Response | None:
        """The response to a request; None for a WebSocket, which is closed."""
        if is_servers_fault(error):
            where = _operation(connection)
            kind = error.message if isinstance(error, StackApiError) else error.code
            self._log.report(logging.ERROR, f"{where} {kind}", f"{where}: {error.message}")
        if isinstance(connection, WebSocket):
            await _close(connection, StackWebSocketException(error))
            return None
        answer = StackHTTPException(error)
        handler = _handler_of(connection.app, answer)
        response: Response = await _called(handler, connection, answer)
        return response


async def _close(websocket: WebSocket, ending: StackWebSocketException) -> None:
    states = (websocket.client_state, websocket.application_state)
    if WebSocketState.DISCONNECTED not in states:
        await websocket.close(ending.code, ending.reason)


def _handler_of(app: Starlette, answer: StackHTTPException) -> _Handler:
    """The app's own way to answer, looked up as Starlette does: a status first, then classes."""
    handlers = app.exception_handlers
    kinds = [kind for kind in type(answer).__mro__ if issubclass(kind, HTTPException)]
    found = (handlers[key] for key in (answer.status_code, *kinds) if key in handlers)
    return next(found, http_exception_handler)


async def _called(handler: _Handler, request: Request, answer: StackHTTPException) -> Any:  # noqa: ANN401 - an app's own
    if inspect.iscoroutinefunction(handler):
        return await handler(request, answer)
    response = await run_in_threadpool(handler, request, answer)
    return await response if inspect.isawaitable(response) else response


def _operation(connection: Request | WebSocket) -> str:
    """The route, as it is declared: a path as it came may hold anything."""
    scope = connection.scope
    path = getattr(scope.get("route"), "path", "a route")
    return f"{scope.get('method', 'WEBSOCKET')} {path}"
