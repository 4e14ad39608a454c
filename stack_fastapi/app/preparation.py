"""Step 5 of 5: what the middleware does once with the app that it stands in."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.types import Scope

from stack_fastapi.app.error_handlers import install_error_handlers
from stack_fastapi.app.openapi import complete_documents
from stack_fastapi.app.routes import behind_middleware, is_routed
from stack_fastapi.types import TokenSource


def complete(app: object, sources: Sequence[TokenSource]) -> None:
    """Complete an app's OpenAPI documents, and let it answer the kit's errors; once is enough.

    Args:
        app: the app; nothing happens where it is none of Starlette's.
        sources: where tokens may be.
    """
    if isinstance(app, Starlette):
        complete_documents(app, sources)
        install_error_handlers(app)


def routed_by(app: object, scope: Scope) -> object:
    """What routes the requests that come through a middleware around ``app``."""
    inner = behind_middleware(app)
    return inner if is_routed(inner) else scope.get("app")
