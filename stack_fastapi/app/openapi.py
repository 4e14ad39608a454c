"""Step 5 of 5: what the OpenAPI document says of protected operations.

FastAPI itself reads from the dependencies that an operation is protected. Added here: where the
settings let the token be, where an API key is taken and where guests are, the header or the part of
the path that names a team, what an operation asks for beyond a credential, and which answers it may
give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette

from stack_fastapi.app.guards import guarded_operations
from stack_fastapi.app.routes import mounted_apps
from stack_fastapi.app.security_schemes import arrange, default_sources, token_sources_of
from stack_fastapi.dependencies.http_errors import PROBLEM_SCHEMA, documented_responses
from stack_fastapi.dependencies.permissions import TEAM_HEADER, TEAM_PARAMETER
from stack_fastapi.dependencies.principals import API_KEY_MODEL, API_KEY_SCHEME
from stack_fastapi.dependencies.users import Guard, TokenGuard
from stack_fastapi.types import TokenSource

_OPERATIONS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
_SCHEMES = frozenset({TokenGuard.scheme_name, API_KEY_SCHEME})
_TEAM_HEADER = {
    "name": TEAM_HEADER,
    "in": "header",
    "required": False,
    "description": "The team that the request is about; the selected one if it is left out",
    "schema": {"type": "string", "format": "uuid", "title": TEAM_HEADER},
}


class _Documented:
    """An app's ``openapi`` method with our additions; what the app says itself stays."""

    def __init__(
        self,
        app: FastAPI,
        original: Callable[[], dict[str, Any]],
        sources: Sequence[TokenSource],
    ) -> None:
        self._app = app
        self._original = original
        self._sources = sources

    def __call__(self) -> dict[str, Any]:
        schema = self._original()
        guards = {(path, method): found for path, method, found in guarded_operations(self._app)}
        asked: set[str] = set()
        for place, operation in _protected_operations(schema):
            _complete(operation, guards.get(place, []), place[0])
            asked.update(*operation["security"])
        if asked:
            components = schema.setdefault("components", {})
            schemes = components.setdefault("securitySchemes", {})
            if API_KEY_SCHEME in asked:
                schemes.setdefault(API_KEY_SCHEME, deepcopy(API_KEY_MODEL))
            if TokenGuard.scheme_name in asked:
                arrange(schemes, self._sources)
            schemas = components.setdefault("schemas", {})
            schemas.setdefault("StackAuthProblem", deepcopy(PROBLEM_SCHEMA))
        return schema


def document_authentication(app: Starlette) -> None:
    """Complete the OpenAPI documents of an app and of the apps mounted in it.

    The middleware does this when the app starts; call it where a document is written without
    the app running, such as in a script that exports it. Where a token may be is read from the
    engine that the app's middleware was given, else from the environment (``STACK_TOKEN_SOURCES``).
    """
    complete_documents(app, default_sources())


def complete_documents(app: Starlette, sources: Sequence[TokenSource]) -> None:
    """The same, for apps whose middleware stands around them.

    Args:
        app: the app.
        sources: where tokens may be, for an app that has no middleware of its own.
    """
    sources = token_sources_of(app) or sources
    if isinstance(app, FastAPI) and not isinstance(app.openapi, _Documented):
        app.openapi = _Documented(app, app.openapi, sources)  # type: ignore[method-assign] # FastAPI's own way
    for mounted in mounted_apps(app.routes):
        complete_documents(mounted, sources)


def _complete(operation: dict[str, Any], guards: Sequence[Guard], path: str) -> None:
    security = operation["security"]
    if any(guard.takes_api_keys for guard in guards) and {API_KEY_SCHEME: []} not in security:
        security.append({API_KEY_SCHEME: []})
    ours = all(alternative.keys() <= _SCHEMES for alternative in security)
    if ours and guards and not any(guard.keeps_out for guard in guards) and {} not in security:
        security.append({})  # guests as well
    hides = any(guard.hides for guard in guards)
    for status, response in documented_responses(hides=hides).items():
        operation.setdefault("responses", {}).setdefault(status, response)
    for parameter in _read_by(guards, path):
        _add_parameter(operation, parameter)
    _describe(operation, guards)


def _read_by(guards: Sequence[Guard], path: str) -> Iterator[dict[str, Any]]:
    """The parameters that guards read, whether the route's function takes them or not."""
    for guard in guards:
        name = TEAM_PARAMETER if guard.team_header else guard.path_parameter
        if name is not None and f"{{{name}}}" in path:
            schema = {"type": "string", "format": "uuid", "title": name}
            yield {"name": name, "in": "path", "required": True, "schema": schema}
        elif guard.team_header:
            yield _TEAM_HEADER


def _add_parameter(operation: dict[str, Any], new: dict[str, Any]) -> None:
    """Add one that the app has not declared itself; names of headers have no case."""
    parameters = operation.setdefault("parameters", [])
    names = {(str(known.get("name")).lower(), known.get("in")) for known in parameters}
    if (new["name"].lower(), new["in"]) not in names:
        parameters.append(deepcopy(new))


def _describe(operation: dict[str, Any], guards: Sequence[Guard]) -> None:
    """Put what is asked for below the app's own words, once."""
    needs = dict.fromkeys(f"Needs {guard.needs}." for guard in guards if guard.needs)
    said = operation.get("description", "")
    parts = [said, *(sentence for sentence in needs if sentence not in said)]
    text = "\n\n".join(filter(None, parts))
    if text:
        operation["description"] = text


def _protected_operations(
    schema: dict[str, Any],
) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    for name, path in schema.get("paths", {}).items():
        for method, operation in path.items():
            if method in _OPERATIONS and any(
                _SCHEMES & requirement.keys() for requirement in operation.get("security", ())
            ):
                yield (name, method), operation
