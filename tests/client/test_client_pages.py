"""Lists of users: all of them, each once, in order, however many there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from fake_stack import FROM_STACK, PROJECT_ID, SERVER_KEY

from stack_fastapi import StackAuth, StackAuthSettings, StackUnavailableError, User
from stack_fastapi.client import UserList, UserPage
from stack_fastapi.emulator import StackEmulator
from stack_fastapi.testing import auth_for

from .operations import Talk, answer

MANY = 1_000


class Ticking:
    """A clock that no two users sign up at the same time of."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


@pytest.fixture(scope="module")
def crowd() -> StackEmulator:
    """Many users; every tenth is anonymous, every tenth restricted."""
    stack = StackEmulator(clock=Ticking())
    team = stack.create_team("Team")
    for number in range(MANY):
        fields: dict[str, Any] = {"display_name": f"User {number}"}
        if number % 10 == 0:
            fields["is_anonymous"] = True
        if number % 10 == 1:
            fields["restricted_by_admin"] = True
        user = stack.create_user(**fields)
        if number % 10 == 2:
            stack.add_member(team.id, user.id)
    return stack


async def names(users: UserList) -> list[str]:
    return [str(user.display_name) async for user in users]


@pytest.mark.parametrize("limit", [7, 100, 799, 800, 5_000])
async def test_all_users_come_once_and_in_order(crowd: StackEmulator, limit: int) -> None:
    auth = auth_for(crowd)
    pages = [page async for page in auth.client.users.list(limit=limit).pages()]
    assert [len(page.items) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert pages[-1].next_cursor is None
    found = [str(user.display_name) for page in pages for user in page.items]
    assert found == [f"User {number}" for number in range(MANY) if number % 10 > 1]
    assert await names(auth.client.users.list(limit=limit)) == found


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"include_restricted": True}, lambda number: number % 10 > 0),
        ({"include_anonymous": True}, lambda number: True),
        ({"include_anonymous": True, "only_anonymous": True}, lambda number: number % 10 == 0),
        ({"include_restricted": False, "only_anonymous": False}, lambda number: number % 10 > 1),
        ({"query": "user 99"}, lambda number: number in {99, *range(992, 1000)}),
        ({"query": "nobody"}, lambda number: False),
    ],
)
async def test_filters_are_stacks(crowd: StackEmulator, fields: Any, kept: Any) -> None:
    found = await names(auth_for(crowd).client.users.list(limit=90, **fields))
    assert found == [f"User {number}" for number in range(MANY) if kept(number)]


async def test_the_last_may_come_first(crowd: StackEmulator) -> None:
    users = auth_for(crowd).client.users
    backwards = await names(users.list(order_by="signed_up_at", desc=True))
    assert backwards == (await names(users.list(desc=False)))[::-1]


async def test_members_of_a_team(crowd: StackEmulator) -> None:
    client = auth_for(crowd).client
    (team,) = await client.teams.list()
    members = await names(client.users.list(team_id=team.id, limit=30))
    assert members == [f"User {number}" for number in range(2, MANY, 10)]


async def test_a_list_can_begin_where_another_ended(crowd: StackEmulator) -> None:
    users = auth_for(crowd).client.users
    first: UserPage = await anext(aiter(users.list(limit=500).pages()))
    rest = users.list(limit=500, cursor=first.next_cursor)
    assert len(first.items) + len(await names(rest)) == len(await names(users.list()))


async def test_nothing_is_asked_before_somebody_iterates_and_no_page_too_many() -> None:
    body = {"items": [], "is_paginated": True, "pagination": {"next_cursor": "next"}}
    talk = Talk(answer(body))
    users = talk.client.users.list()
    assert talk.requests == []
    assert (await anext(users.pages())).items == []
    assert len(talk.requests) == 1


@pytest.mark.parametrize("lost", [StackEmulator.delete_user, StackEmulator.restrict_user])
async def test_a_place_that_was_lost_never_passes_for_the_end(
    lost: Callable[[StackEmulator, str], object],
) -> None:
    """The cursor is a user's id: once that one is not listed, Stack answers with an empty page."""
    stack = StackEmulator(clock=Ticking())
    for number in range(5):
        stack.create_user(display_name=str(number))
    found: list[User] = []
    pages = auth_for(stack).client.users.list(limit=2).pages()
    page = await anext(pages)
    found += page.items
    lost(stack, str(page.next_cursor))
    with pytest.raises(StackUnavailableError, match="changed while it was read"):
        await anext(pages)
    assert [user.display_name for user in found] == ["0", "1"]


@pytest.mark.parametrize("lost", [StackEmulator.delete_user, StackEmulator.restrict_user])
async def test_a_fresh_list_from_a_lost_place_on_is_not_an_empty_one(
    lost: Callable[[StackEmulator, str], object],
) -> None:
    """Who kept a page's ``next_cursor`` for later would take ``[]`` for the end of the list."""
    stack = StackEmulator(clock=Ticking())
    for number in range(5):
        stack.create_user(display_name=str(number))
    users = auth_for(stack).client.users
    cursor = str((await anext(aiter(users.list(limit=2).pages()))).next_cursor)
    assert await names(users.list(cursor=cursor)) == ["2", "3", "4"]
    lost(stack, cursor)
    with pytest.raises(StackUnavailableError, match="changed while it was read"):
        await names(users.list(cursor=cursor))


async def test_a_list_without_a_place_may_be_empty() -> None:
    assert await names(auth_for(StackEmulator()).client.users.list()) == []


@pytest.mark.parametrize("cursors", [["a", "a"], ["a", "b", "a"], ["a", "b", "c", "b"]])
async def test_pages_that_lead_in_circles_are_an_outage(cursors: list[str]) -> None:
    (user,) = [user async for user in auth_for(await _one_user()).client.users.list(limit=1)]
    rest = [*cursors]

    def page(request: httpx2.Request) -> httpx2.Response:
        end = {"is_paginated": True, "pagination": {"next_cursor": rest.pop(0)}}
        body = {"items": [user.model_dump()], **end}
        return httpx2.Response(200, headers=FROM_STACK, json=body)

    settings = StackAuthSettings(project_id=PROJECT_ID, secret_server_key=SERVER_KEY)
    auth = StackAuth(settings, transport=httpx2.MockTransport(page))
    with pytest.raises(StackUnavailableError, match="circles"):
        await names(auth.client.users.list(limit=1))
    assert rest == []


async def _one_user() -> StackEmulator:
    stack = StackEmulator()
    stack.create_user(display_name="One")
    return stack


async def test_a_list_may_be_larger_than_a_record() -> None:
    text = "m" * 3_000_000
    talk = Talk(answer({"items": [{"id": "t", "display_name": text}], "is_paginated": False}))
    (team,) = await talk.client.teams.list()
    assert team.display_name == text
    with pytest.raises(StackUnavailableError, match="too large"):
        await Talk(answer({"id": text})).client.project.current()
