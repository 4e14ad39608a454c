"""A list of users, page after page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TypedDict

from stack_fastapi.client._calls import Calls, Listing, read
from stack_fastapi.client._paths import with_query
from stack_fastapi.client.transport.request import MAX_LIST
from stack_fastapi.exceptions import StackUnavailableError
from stack_fastapi.models import User


class UserFilter(TypedDict):
    """The query of ``GET /users``, without the place to begin at."""

    team_id: str | None
    query: str | None
    order_by: str | None
    desc: bool | None
    include_restricted: bool | None
    include_anonymous: bool | None
    only_anonymous: bool | None
    limit: int


@dataclass(frozen=True, slots=True)
class UserPage:
    """One page of users.

    Attributes:
        next_cursor: what to pass as ``cursor`` for the next page; None after the last one.
    """

    items: list[User]
    next_cursor: str | None


class UserList:
    """Users that fit a filter; each iteration asks anew.

    Args:
        calls: asks Stack.
        fields: which users.
        cursor: where to begin; None for the beginning.
    """

    def __init__(self, calls: Calls, fields: UserFilter, cursor: str | None) -> None:
        self._calls = calls
        self._fields = fields
        self._cursor = cursor

    async def __aiter__(self) -> AsyncIterator[User]:
        async for page in self.pages():
            for user in page.items:
                yield user

    async def pages(self) -> AsyncIterator[UserPage]:
        """The pages, each fetched when it is asked for."""
        page = await self._page(self._cursor)
        seen = {self._cursor}
        yield page
        while page.next_cursor is not None:
            if page.next_cursor in seen:
                raise StackUnavailableError("its pages of users go round in circles")
            seen.add(page.next_cursor)
            page = await self._page(page.next_cursor)
            yield page

    async def _page(self, cursor: str | None) -> UserPage:
        path = with_query("/users", **self._fields, cursor=cursor)
        listing = read(Listing, await self._calls.http.call("GET", path, max_body=MAX_LIST))
        users = [read(User, item) for item in listing.items]
        # The cursor is the id of the page's first user. Where that one is gone, Stack answers with
        # an empty page, which must not pass for the end of the list.
        if cursor is not None and not users:
            raise StackUnavailableError("the list of users changed while it was read")
        return UserPage(users, listing.next_cursor)
