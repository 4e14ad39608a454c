"""Step 5 of 5: which guards stand in front of which route, and whether they can work there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fastapi.dependencies.models import Dependant

from stack_fastapi.app.routes import app_behind, every_route, routes_of
from stack_fastapi.dependencies.permissions import missing_parameter
from stack_fastapi.dependencies.users import Guard

_PARAMETER = re.compile(r"{([A-Za-z_][A-Za-z0-9_]*)(?::[A-Za-z_][A-Za-z0-9_]*)?}")


def guards_of(dependant: Dependant | None) -> Iterator[Guard]:
    """The kit's dependencies of a route, and of those that it depends on."""
    for child in getattr(dependant, "dependencies", ()):
        if isinstance(child.call, Guard):
            yield child.call
        yield from guards_of(child)


def guarded_operations(app: object) -> Iterator[tuple[str, str, list[Guard]]]:
    """Path, method and guards of an app's own operations, as OpenAPI names them."""
    for route in routes_of(app):
        guards = list(guards_of(getattr(route, "dependant", None)))
        for method in getattr(route, "methods", None) or ():
            if guards:
                yield str(getattr(route, "path_format", "")), method.lower(), guards


def misplaced_guards(app: object) -> list[str]:
    """A sentence for each guard whose path parameter its route does not have."""
    return list(dict.fromkeys(_misplaced(app)))


def wanted_settings(app: object, middleware: type) -> set[str]:
    """The settings that guards of an app, or of apps mounted in it, cannot do without.

    Args:
        app: the app.
        middleware: ours; a mounted app that has one of its own has its own settings.
    """
    return {
        name
        for route in _all_routes(app, middleware)
        for guard in guards_of(getattr(route, "dependant", None))
        for name in guard.wanted_settings
    }


def _all_routes(app: object, middleware: type) -> Iterator[Any]:
    for route in routes_of(app):
        yield route
        inner = app_behind(route)
        if all(item.cls is not middleware for item in getattr(inner, "user_middleware", ())):
            yield from _all_routes(inner, middleware)


def _misplaced(app: object) -> Iterator[str]:
    for path, route in every_route(app):
        given = set(_PARAMETER.findall(path))
        for guard in guards_of(getattr(route, "dependant", None)):
            if guard.path_parameter not in {None, *given}:
                yield missing_parameter(guard.path_parameter, path)
