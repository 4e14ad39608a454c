"""Searching and filtering users as PostgreSQL does it for the real server."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from stack_fastapi.emulator import StackEmulator

from .emulator_api import Api

NAMES = ("100% sure", "a_b", "back\\slash", "Two\nlines")


@pytest.fixture(autouse=True)
def users(emulator: StackEmulator) -> list[Any]:
    return [emulator.create_user(display_name=name) for name in NAMES]


def search(api: Api, query: str) -> list[str]:
    found = api("GET", f"/users?query={quote(query, safe='')}").json["items"]
    return [user["display_name"] for user in found]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("SURE", ["100% sure"]),
        ("1%sure", ["100% sure"]),
        ("sure%1", []),
        ("a_b", ["a_b"]),
        ("_b", ["a_b"]),
        ("1__% s", ["100% sure"]),
        ("\\%", ["100% sure"]),
        ("\\_", ["a_b"]),
        ("\\\\", ["back\\slash"]),
        ("back\\slash", []),
        ("back\\\\slash", ["back\\slash"]),
        ("Two_lines", ["Two\nlines"]),
        ("T%s", ["Two\nlines"]),
        ("(", []),
        (" sure ", []),
        ("", list(NAMES)),
    ],
)
def test_wildcards_count(api: Api, query: str, found: list[str]) -> None:
    assert search(api, query) == found


def test_a_backslash_at_the_end_asks_for_a_percent_sign_there(
    emulator: StackEmulator, api: Api
) -> None:
    emulator.create_user(display_name="only 100%")
    assert search(api, "100\\") == ["only 100%"]


def test_many_wildcards_take_no_longer(emulator: StackEmulator, api: Api) -> None:
    emulator.create_user(display_name="a" * 250)
    assert search(api, "a%" * 100 + "b") == []


def test_wildcards_find_no_user_without_a_text(emulator: StackEmulator, api: Api) -> None:
    emulator.create_user(primary_email="alice@example.com")
    nameless = emulator.create_user()
    assert len(search(api, "%")) == len(NAMES) + 1
    assert len(search(api, "")) == len(NAMES) + 2
    assert api("GET", f"/users?query={nameless.id}").json["items"][0]["id"] == nameless.id


def test_an_id_is_found_whatever_stands_around_it(api: Api, users: list[Any]) -> None:
    id_ = users[0].id
    for query in (id_, id_.upper(), f" {id_}%", f'"{id_}"'):
        assert search(api, query) == ["100% sure"]
    assert search(api, id_[:-1]) == []


def test_only_anonymous_needs_anonymous_to_be_included(emulator: StackEmulator, api: Api) -> None:
    ghost = emulator.create_user(is_anonymous=True)
    for query in ("", "&include_anonymous=false", "&include_restricted=true"):
        refused = api("GET", f"/users?only_anonymous=true{query}")
        assert refused.outcome == (400, None)
        assert "include_anonymous" in refused.content.decode()
    found = api("GET", "/users?only_anonymous=true&include_anonymous=true").json["items"]
    assert [user["id"] for user in found] == [ghost.id]
    assert len(api("GET", "/users?only_anonymous=false").json["items"]) == len(NAMES)


def test_a_deleted_user_as_cursor_leads_to_an_empty_list(
    emulator: StackEmulator, api: Api, users: list[Any]
) -> None:
    cursor = api("GET", "/users?limit=1").json["pagination"]["next_cursor"]
    assert cursor == users[1].id
    emulator.delete_user(cursor)
    page = api("GET", f"/users?limit=1&cursor={cursor}").json
    assert page == {"items": [], "is_paginated": True, "pagination": {"next_cursor": None}}
