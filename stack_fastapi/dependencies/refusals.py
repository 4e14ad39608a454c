"""Step 5 of 5: how a guard's error becomes the answer, and what no error report gets to see.

Collectors of errors send the variables of every frame that an error passed, and a connection is a
mapping to them: with the headers, and the token in them. So a guard's error leaves the frames
behind that saw the connection, and the one that raises lets go of it.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Coroutine
from enum import Enum, auto
from typing import Any, Protocol, TypeVar
from weakref import WeakSet

from starlette.requests import HTTPConnection
from starlette.types import Scope

from stack_fastapi.dependencies.http_errors import answer_for
from stack_fastapi.exceptions import StackAuthError
from stack_fastapi.telemetry import logger

T = TypeVar("T")


class NotCached(Enum):
    """Says that one look at the request's decision is not enough."""

    NOT_CACHED = auto()


NOT_CACHED = NotCached.NOT_CACHED


class Cached(Protocol):
    """A guard that may know at one look, for whoever is let in as before."""

    def cached(self, scope: Scope) -> Any:  # noqa: ANN401 - of the guard's type
        """What it hands out, at once and without an error; ``NOT_CACHED`` to look closer."""
        ...


G = TypeVar("G", bound=Cached)

_told: WeakSet[Any] = WeakSet()


def refusing(
    enter: Callable[[G, HTTPConnection], Awaitable[T]],
) -> Callable[[G, HTTPConnection], Coroutine[Any, Any, T]]:
    """The ``__call__`` of a guard, from the method that lets in: its errors become the answer."""

    @functools.wraps(enter)
    async def answered(self: G, connection: HTTPConnection) -> T:
        try:
            known: T | NotCached = self.cached(connection.scope)
            if known is not NOT_CACHED:
                return known
            return await enter(self, connection)
        except StackAuthError as error:
            explain_overrides(connection)
            raise answer_for(error, connection) from error.with_traceback(None)
        finally:
            del connection

    return answered


def explain_overrides(connection: HTTPConnection) -> None:
    """Tell developers, once for each app, why their override of a guard does not count here."""
    app = connection.scope.get("app")
    overridden = getattr(app, "dependency_overrides", ())
    if not any(map(_is_ours, overridden)) or app in _told:
        return
    _told.add(app)
    logger.warning(
        "app.dependency_overrides holds a dependency of stack_fastapi, and another one refused "
        "this request: an override counts for that very dependency, and each require_…() is one of "
        "its own; in tests use stack_fastapi.testing.override_user(app, user): it counts for all"
    )


def _is_ours(dependency: object) -> bool:
    return str(getattr(dependency, "__module__", "")).startswith(f"{__package__}.")
