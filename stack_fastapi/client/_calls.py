"""Requests and changes of all resources, and how responses become models."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, Self, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError, model_validator

from stack_fastapi.client import _checks
from stack_fastapi.client.transport.request import MAX_LIST
from stack_fastapi.client.transport.response import NotSentError
from stack_fastapi.exceptions import (
    ApiAccessTokenExpiredError,
    ApiAccessTokenInvalidError,
    ApiAccessTokenProjectError,
    StackApiError,
    StackConfigurationError,
    StackUnavailableError,
)
from stack_fastapi.models._base import StackModel
from stack_fastapi.tokens.claims import RefusedTokenError, read_object, split
from stack_fastapi.types import Change, ChangeHandler

if TYPE_CHECKING:
    from stack_fastapi.client.transport.http import StackHttp

M = TypeVar("M", bound=BaseModel)

# A token that Stack does not take says nothing about whom a change would have been.
_TOKEN_REFUSED = (
    ApiAccessTokenExpiredError,
    ApiAccessTokenInvalidError,
    ApiAccessTokenProjectError,
)


class Success(StackModel):
    """The answer to a change that leaves nothing to show."""

    success: Literal[True]


class Pagination(StackModel):
    """Where a list goes on; None where it ends."""

    next_cursor: str | None


class Listing(StackModel):
    """A list, or one page of it; the items are not read yet.

    Either it comes whole and says so, or it says where it goes on: what does neither may be a part
    of one, and must not pass for all of it.
    """

    items: list[object]
    is_paginated: bool
    pagination: Pagination | None = None

    @model_validator(mode="after")
    def _check_end(self) -> Self:
        if self.is_paginated and self.pagination is None:
            raise ValueError("a page that does not say where the list goes on")
        return self

    @property
    def next_cursor(self) -> str | None:
        """Where the list goes on; None where it does not."""
        return None if self.pagination is None else self.pagination.next_cursor


class Calls:
    """What the resources ask Stack through.

    Args:
        http: asks.
        on_change: hears of each change that was made or may have been; what it raises reaches
            the caller.
    """

    def __init__(self, http: StackHttp, on_change: ChangeHandler | None) -> None:
        self.http = http
        self._on_change = on_change

    async def read(self, model: type[M], path: str, *, token: SecretStr | None = None) -> M:
        """One record."""
        return read(model, await self.http.call("GET", path, token=token))

    async def read_list(self, model: type[M], path: str) -> list[M]:
        """All records of a list that comes whole."""
        listing = read(Listing, await self.http.call("GET", path, max_body=MAX_LIST))
        if listing.next_cursor is not None:
            raise StackUnavailableError("its answer is a part of a list that should come whole")
        return [read(model, item) for item in listing.items]

    async def post(self, model: type[M], path: str, body: dict[str, object]) -> M:
        """A request that needs a body, or a message that changes no record."""
        _checks.storable(body)
        return read(model, await self.http.call("POST", path, body=body))

    async def delete(self, model: type[M], path: str) -> M:
        """Delete what no cache of ours knows."""
        return read(model, await self.http.call("DELETE", path))

    async def change(
        self,
        model: type[M],
        method: Literal["POST", "PATCH", "DELETE"],
        path: str,
        change: Change,
        *,
        made: Callable[[M], Change] | None = None,
        body: dict[str, object] | None = None,
        token: SecretStr | None = None,
    ) -> M:
        """Change something, and tell of it unless Stack refused and it certainly did not happen.

        Args:
            model: what the answer is.
            method: DELETE is repeated, so that a refusal may be that of a second attempt.
            path: where.
            change: what to tell.
            made: what to tell instead, from the answer.
            body: what to send.
            token: the access token of the user in whose name.
        """
        _checks.storable(body)
        happened = True
        try:
            record = read(model, await self.http.call(method, path, body=body, token=token))
            change = made(record) if made else change
        except (*_TOKEN_REFUSED, NotSentError):
            happened = False  # nobody knows who asked, or nobody was asked
            raise
        except (StackApiError, StackConfigurationError):
            happened = method == "DELETE"
            raise
        finally:
            await self.tell(change, happened=happened)
        return record

    async def tell(self, change: Change, *, happened: bool = True) -> None:
        """Tell of a change that was made, or may have been, by whomever."""
        if happened and self._on_change is not None:
            await self._on_change(change)


def read(model: type[M], body: object) -> M:
    """A decoded answer as a model.

    Raises:
        StackUnavailableError: it is not of the documented shape.
    """
    try:
        return model.model_validate(body)
    except (ValidationError, RecursionError):
        del body  # it may hold a new key, or a session's tokens
    raise StackUnavailableError(f"its answer is not a {model.__name__} as documented")


def claim(token: SecretStr, name: str) -> str | None:
    """What an access token says of itself; not verified, and good for forgetting alone."""
    try:
        value = read_object(split(token.get_secret_value()).payload).get(name)
    except RefusedTokenError:
        return None
    return value if isinstance(value, str) else None
