"""Step 5 of 5: what the OpenAPI document says of protected operations.

FastAPI itself reads from the dependencies that an operation is protected, and by which header.
Added here: that the token may also come as ``Authorization: Bearer``, and which answers an
operation may give when something is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette

from stack_fastapi.dependencies import Guard
from stack_fastapi.http_errors import PROBLEM_SCHEMA, documented_responses
from stack_fastapi.routes import mounted_apps

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

    def __init__(self, original: Callable[[], dict[str, Any]]) -> None:
        self._original = original

    def __call__(self) -> dict[str, Any]:
        schema = self._original()
        for operation in _protected_operations(schema):
            _complete(operation)
            components = schema.setdefault("components", {})
            schemes = components.setdefault("securitySchemes", {})
            schemes.setdefault(_BEARER, dict(_BEARER_SCHEME))
            schemas = components.setdefault("schemas", {})
            schemas.setdefault("StackAuthProblem", deepcopy(PROBLEM_SCHEMA))
        return schema


def document_authentication(app: Starlette) -> None:
    """Complete the OpenAPI documents of an app and of the apps mounted in it.

    The middleware does this when the app starts; call it where a document is written without
    the app running, such as in a script that exports it.
    """
    if isinstance(app, FastAPI) and not isinstance(app.openapi, _Documented):
        app.openapi = _Documented(app.openapi)  # type: ignore[method-assign] # FastAPI's own way
    for mounted in mounted_apps(app.routes):
        document_authentication(mounted)


def _complete(operation: dict[str, Any]) -> None:
    if not any(_BEARER in requirement for requirement in operation["security"]):
        operation["security"].append({_BEARER: []})
    for status, response in documented_responses().items():
        operation.setdefault("responses", {}).setdefault(status, response)


def _protected_operations(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in schema.get("paths", {}).values():
        for method, operation in path.items():
            if method in _OPERATIONS and any(
                Guard.scheme_name in requirement for requirement in operation.get("security", ())
            ):
                yield operation
