"""Walking an app's routes, through included routers and mounts, whatever FastAPI's version.

Newer versions of FastAPI keep what an inclusion adds (prefix, dependencies) beside the route, and
the routes of static front ends in a list of their own; older ones copy the route and have none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from fastapi import routing
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Host, Mount, Router


def routes_of(app: object) -> list[Any]:
    """All routes of an app or router, as seen from it; nothing for any other ASGI app."""
    if not is_routed(app):
        return []
    router: Any = getattr(app, "router", app)
    front_ends: Callable[[], Iterable[Any]] = getattr(
        router, "_iter_low_priority_routes", lambda: ()
    )
    return [*effective(router.routes), *front_ends()]


def effective(routes: Iterable[BaseRoute]) -> Iterable[Any]:
    """Routes with the prefixes and dependencies that the routers around them add."""
    contexts: Callable[..., Iterable[Any]] | None = getattr(routing, "iter_route_contexts", None)
    return routes if contexts is None else contexts(routes)


def every_route(app: object, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The routes of an app and of whatever is mounted in it, each with its whole path.

    The path begins with the host where that decides. Middleware in between is looked through.
    """
    for route in routes_of(behind_middleware(app)):
        host = getattr(original(route), "host", "")
        path = f"{prefix}{host}{getattr(route, 'path', None) or ''}"
        yield path, route
        yield from every_route(app_behind(route), path)


def is_routed(app: object) -> bool:
    """Whether an ASGI app is a router, or has one."""
    return isinstance(getattr(app, "router", app), Router)


def behind_middleware(app: object) -> object:
    """The app that middleware leads to, where it keeps it as Starlette's does."""
    while not is_routed(app) and hasattr(app, "app"):
        app = app.app
    return app


def original(route: Any) -> Any:  # noqa: ANN401 - a route, or FastAPI's view of one
    """The route behind FastAPI's view of it."""
    return getattr(route, "original_route", route)


def app_behind(route: Any) -> object | None:  # noqa: ANN401 - as above
    """The app that a mount or a host leads to, without the middleware around it."""
    if not isinstance(original(route), (Mount, Host)):
        return None
    # Of FastAPI's view, if there is one: an inclusion may put a prefix around the app.
    app: object = getattr(route, "_base_app", None) or route.app
    return app


def mounted_apps(routes: Iterable[BaseRoute]) -> Iterator[Starlette]:
    """The Starlette and FastAPI apps that are mounted somewhere among routes."""
    for route in effective(routes):
        app = app_behind(route)
        if isinstance(app, Starlette):
            yield app
        elif isinstance(app, Router):
            yield from mounted_apps(app.routes)
