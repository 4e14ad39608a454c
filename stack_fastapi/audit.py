"""Step 5 of 5: which routes does nothing of ours guard; for a test in the app's own suite."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

from stack_fastapi.app.guards import guards_of
from stack_fastapi.app.routes import app_behind, is_routed, original, routes_of


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
        public: what is meant to be open: ``GET /posts`` or ``GET,POST /posts`` for these methods
            alone (HEAD comes with GET), a path alone for all of them. Lines of the result as well.

    Raises:
        ValueError: something in ``public`` is not open: left over or mistyped, it would hide
            whatever gets that path one day.
    """
    meant = _meant({public} if isinstance(public, str) else public)
    found, unused = [], set(meant)
    for route in _walk(app, ""):
        hidden = {method: meant & _names(method, route.path) for method in route.methods}
        unused.difference_update(*hidden.values())
        left = tuple(method for method, names in hidden.items() if not names)
        if left:
            found.append(UnprotectedRoute(route.path, left))
    if unused:
        stale = ", ".join(sorted(f"{method} {path}".strip() for method, path in unused))
        raise ValueError(f"public names what is not open: {stale}; take it out, or mend it")
    return sorted(found)


def _meant(entries: Collection[str]) -> frozenset[tuple[str, str]]:
    """Methods and paths; no method stands for all of them."""
    meant: set[tuple[str, str]] = set()
    for entry in entries:
        methods, _, path = ("", "", entry) if entry.startswith("/") else entry.rpartition(" ")
        meant.update((method.strip().upper(), path) for method in methods.split(","))
    return frozenset(meant)


def _names(method: str, path: str) -> set[tuple[str, str]]:
    """What an operation may be called where it is meant to be open."""
    return {("", path), (method, path), ("GET" if method == "HEAD" else method, path)}


def _walk(app: object, prefix: str) -> Iterator[UnprotectedRoute]:
    for route in routes_of(app):
        yield from _behind(route, prefix)
    router: Any = getattr(app, "router", app)
    if is_routed(app) and router.default != router.not_found:
        yield UnprotectedRoute(prefix + "/{path:path}", ("*",))


def _behind(route: Any, prefix: str) -> Iterator[UnprotectedRoute]:  # noqa: ANN401 - as below
    if any(guard.keeps_out for guard in guards_of(getattr(route, "dependant", None))):
        return
    path = prefix + _path(route)
    inner = app_behind(route)
    group: Iterable[Any] = getattr(original(route), "routes", ())  # such as that of front ends
    if routes_of(inner):
        yield from _walk(inner, path)
    elif group:
        for member in group:
            yield from _behind(member, path)
    else:
        yield UnprotectedRoute(path, _methods(route))


def _path(route: Any) -> str:  # noqa: ANN401 - a route, or FastAPI's view of one
    """The path; a host has none, and its routes are known by theirs."""
    return str(getattr(route, "path", None) or getattr(route, "frontend_prefix", ""))


def _methods(route: Any) -> tuple[str, ...]:  # noqa: ANN401 - as above
    methods = getattr(route, "methods", None)
    if methods:
        return tuple(sorted(methods))
    return ("WEBSOCKET",) if isinstance(original(route), WebSocketRoute) else ("*",)
