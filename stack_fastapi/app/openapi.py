"""Step 5 of 5: what the OpenAPI document says of protected operations.

FastAPI itself reads from the dependencies that an operation is protected, and by which header.
Added here: that the token may also come as ``Authorization: Bearer``, where an API key is taken,
what an operation asks for beyond a credential, and which answers it may give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette

from stack_fastapi.app.guards import guarded_operations
from stack_fastapi.app.routes import mounted_apps
from stack_fastapi.dependencies.http_errors import PROBLEM_SCHEMA, documented_responses
from stack_fastapi.dependencies.principals import API_KEY_MODEL, API_KEY_SCHEME
from stack_fastapi.dependencies.users import Guard

_OPERATIONS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
_BEARER = "StackBearer"
_BEARER_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "The access token of a Stack Auth user, as Authorization: Bearer",
}


class _Documented:
    """An app's ``openapi`` method with our additions; what the app says itself stays."""

    def __init__(self, app: FastAPI, original: Callable[[], dict[str, Any]]) -> None:
        self._app = app
        self._original = original

    def __call__(self) -> dict[str, Any]:
        schema = self._original()
        guards = {(path, method): found for path, method, found in guarded_operations(self._app)}
        for place, operation in _protected_operations(schema):
            _complete(operation, guards.get(place, []))
            components = schema.setdefault("components", {})
            schemes = components.setdefault("securitySchemes", {})
            schemes.setdefault(_BEARER, dict(_BEARER_SCHEME))
            if any(guard.takes_api_keys for guard in guards.get(place, [])):
                schemes.setdefault(API_KEY_SCHEME, deepcopy(API_KEY_MODEL))
            schemas = components.setdefault("schemas", {})
            schemas.setdefault("StackAuthProblem", deepcopy(PROBLEM_SCHEMA))
        return schema


def document_authentication(app: Starlette) -> None:
    """Complete the OpenAPI documents of an app and of the apps mounted in it.

    The middleware does this when the app starts; call it where a document is written without
    the app running, such as in a script that exports it.
    """
    if isinstance(app, FastAPI) and not isinstance(app.openapi, _Documented):
        app.openapi = _Documented(app, app.openapi)  # type: ignore[method-assign] # FastAPI's own way
    for mounted in mounted_apps(app.routes):
        document_authentication(mounted)


def _complete(operation: dict[str, Any], guards: Sequence[Guard]) -> None:
    schemes = [_BEARER]
    if any(guard.takes_api_keys for guard in guards):
        schemes.append(API_KEY_SCHEME)
    for scheme in schemes:
        if not any(scheme in requirement for requirement in operation["security"]):
            operation["security"].append({scheme: []})
    hides = any(guard.hides for guard in guards)
    for status, response in documented_responses(hides=hides).items():
        operation.setdefault("responses", {}).setdefault(status, response)
    _describe(operation, guards)


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
                scheme in requirement
                for requirement in operation.get("security", ())
                for scheme in (Guard.scheme_name, API_KEY_SCHEME)
            ):
                yield (name, method), operation
