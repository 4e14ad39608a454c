"""Lists of users: pages, order, search, filters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Annotated, Literal

from pydantic import Field

from stack_fastapi.emulator.errors import bad_request
from stack_fastapi.emulator.protocol import views
from stack_fastapi.emulator.protocol.call import Call
from stack_fastapi.emulator.protocol.fields import QueryFlag, Strict, Text, Uuid, Whole
from stack_fastapi.emulator.protocol.response import Answer, json_answer
from stack_fastapi.emulator.protocol.routing import SERVER, Route
from stack_fastapi.emulator.state.accounts import restricted_reason
from stack_fastapi.emulator.state.project import Project
from stack_fastapi.emulator.state.records import User

#: What the server leaves out of a search before it compares with ids.
_NO_ID = re.compile(r"[^a-zA-Z0-9_.-]")


class UserQuery(Strict):
    """Which users, in which order, and how many of them."""

    team_id: Uuid | None = None
    limit: Annotated[Whole, Field(ge=1)] | None = None
    cursor: Uuid | None = None
    order_by: Literal["signed_up_at"] = "signed_up_at"
    desc: QueryFlag = False
    query: Text = ""
    include_restricted: QueryFlag = False
    include_anonymous: QueryFlag = False
    only_anonymous: QueryFlag = False


def list_(call: Call) -> Answer:
    """One page of users; the cursor is the first user of the next page."""
    query = call.query(UserQuery)
    if query.only_anonymous and not query.include_anonymous:
        raise bad_request("only_anonymous=true needs include_anonymous=true.")
    fitting = _fitting(call.project, query)
    shown = [views.server_user(call.project, user) for user in islice(fitting, query.limit)]
    following = next(fitting, None)
    return json_answer(views.paginated(shown, following.id if following else None))


def _fitting(project: Project, query: UserQuery) -> Iterator[User]:
    """The users that fit, from the cursor on. Only those that are asked for are looked at."""
    users = list(project.users.values())
    users.sort(key=lambda user: user.signed_up_at_millis, reverse=query.desc)
    if query.cursor is not None:
        users = _from(users, query.cursor)
        if users and not _fits(project, users[0], query):
            users = []
    return (user for user in users if _fits(project, user, query))


def _fits(project: Project, user: User, query: UserQuery) -> bool:
    return (
        _is_included(project, user, query)
        and (query.team_id is None or (query.team_id, user.id) in project.memberships)
        and (not query.query or _is_found(user, query.query))
    )


def _is_included(project: Project, user: User, query: UserQuery) -> bool:
    """Anonymous users are restricted as well, so including them includes all."""
    if user.is_anonymous:
        return query.include_anonymous
    if query.only_anonymous:
        return False
    is_restricted = restricted_reason(project, user) is not None
    return not is_restricted or query.include_restricted or query.include_anonymous


def _is_found(user: User, query: str) -> bool:
    """Part of the name or of an address, or the whole id."""
    if _NO_ID.sub("", query).lower() == user.id:
        return True
    names = [] if user.display_name is None else [user.display_name]
    texts = (*names, *(channel.value for channel in user.channels))
    return any(_pattern(query).fullmatch(text) for text in texts)


@lru_cache(maxsize=8)
def _pattern(query: str) -> re.Pattern[str]:
    """What holds the text somewhere, as PostgreSQL's ILIKE finds it, wildcards and escapes too.

    Each part is matched as early as possible and for good, so that no query takes long.
    """
    parts, characters = [""], iter(f"%{query}%")
    for character in characters:
        if character == "%":
            parts.append("")
        elif character == "_":
            parts[-1] += "."
        else:
            parts[-1] += re.escape(next(characters) if character == "\\" else character)
    *firsts, last = parts
    found = "".join(f"(?>.*?{part})" for part in firsts)
    return re.compile(f"{found}.*{last}", re.DOTALL | re.IGNORECASE)


def _from(users: list[User], cursor: str) -> list[User]:
    place = next((place for place, user in enumerate(users) if user.id == cursor), len(users))
    return users[place:]


ROUTES = (Route("GET", "/users", list_, SERVER),)
