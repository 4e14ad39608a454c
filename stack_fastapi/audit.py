"""Step 5 of 5: which routes does nothing of ours guard; for a test in the app's own suite."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

from stack_fastapi.app.guards import guards_of
from stack_fastapi.app.routes import app_behind, original, routes_of


@dataclass(frozen=True, slots=True, order=True)
class UnprotectedRoute:
    """A route that anybody can call.

    Attributes:
        path: as the app declares it, with the prefixes of routers and mounts.
        methods: HTTP methods in alphabetical order; ``WEBSOCKET`` for one, ``*`` for anything.
    """

    path: str
    methods: tuple[str, ...]

    def __str__(self) -> str:
        return f"{','.join(self.methods)} {self.path}"


def unprotected_routes(app: Starlette, *, public: Collection[str] = ()) -> list[UnprotectedRoute]:
    """The routes of an app that no dependency of the kit guards, in the order of their paths.

    Mounted apps are walked as well; what cannot be looked into counts as unprotected, and so do
    routes with ``optional_user``, which let everybody in. FastAPI's own pages (``/docs`` and
    the like) are listed too, for they are open::

        def test_every_route_is_guarded():
            assert unprotected_routes(app, public={"/health", "/docs", "/openapi.json"}) == []

    It sees routes. A middleware or an exception handler that answers by itself is none.

    Args:
        app: a FastAPI or Starlette app.
        public: paths that are meant to be open, as the result shows them.
    """
    meant = {public} if isinstance(public, str) else set(public)
    return sorted(route for route in _walk(routes_of(app), "") if route.path not in meant)


def _walk(routes: Iterable[Any], prefix: str) -> Iterator[UnprotectedRoute]:
    for route in routes:
        if any(guard.keeps_out for guard in guards_of(getattr(route, "dependant", None))):
            continue
        path = prefix + _path(route)
        inner: Iterable[Any] = routes_of(app_behind(route)) or getattr(
            original(route), "routes", []
        )
        if inner:  # a mounted app, or a group of front ends
            yield from _walk(inner, path)
        else:
            yield UnprotectedRoute(path, _methods(route))


def _path(route: Any) -> str:  # noqa: ANN401 - a route, or FastAPI's view of one
    """The path; a host has none, and its routes are told by theirs."""
    return str(getattr(route, "path", None) or getattr(route, "frontend_prefix", ""))


def _methods(route: Any) -> tuple[str, ...]:  # noqa: ANN401 - as above
    methods = getattr(route, "methods", None)
    if methods:
        return tuple(sorted(methods))
    return ("WEBSOCKET",) if isinstance(original(route), WebSocketRoute) else ("*",)
