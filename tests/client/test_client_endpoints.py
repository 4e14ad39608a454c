"""Which endpoint each method calls: as the docs say, whatever it is given."""

from __future__ import annotations

import inspect
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from stack_fastapi import ApiSchemaError, StackApiError

from .operations import OPERATIONS, Ids, Talk, answer

DOCS = (Path(__file__).parents[2] / "docs" / "client.md").read_text()
REFUSED = answer({"code": "X"}, 404)
ROOT = "/api/v1"


def documented() -> dict[str, str]:
    """Method and endpoint of each row in the docs."""
    section = DOCS.split("\n## What there is\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if "`" in line[:4]]
    return {method.strip("`"): endpoint.strip("`") for method, endpoint in rows}


def methods() -> set[str]:
    """Every public method of every resource."""
    client = Talk(REFUSED).client
    return {
        f"{name}.{method}"
        for name, resource in vars(client).items()
        if not name.startswith("_")
        for method, _ in inspect.getmembers(resource, callable)
        if not method.startswith("_")
    }


async def ask(name: str, ids: Ids) -> tuple[list[httpx2.Request], StackApiError]:
    """What is sent, and the refusal that comes of it."""
    talk = Talk(REFUSED)
    with pytest.raises(StackApiError) as caught:
        await OPERATIONS[name](talk.client, ids)
    return talk.requests, caught.value


def endpoint(request: httpx2.Request) -> str:
    path = request.url.raw_path.decode().partition("?")[0].removeprefix(ROOT)
    for field in fields(Ids):
        path = path.replace(getattr(Ids(), field.name), f"{{{field.name}}}")
        path = path.replace("%24read_members", "{permission_id}")
    return f"{request.method} {path}"


def test_every_method_is_in_the_docs_and_in_the_table_of_these_tests() -> None:
    assert methods() == set(documented()) == set(OPERATIONS)


@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_method_calls_the_endpoint_of_the_docs(name: str) -> None:
    (request,), _ = await ask(name, Ids())
    assert endpoint(request) == documented()[name]


@pytest.mark.parametrize("name", OPERATIONS)
async def test_what_changes_something_sends_a_body(name: str) -> None:
    (request,), _ = await ask(name, Ids())
    by_path_alone = name == "team_invitations.accept"  # as the official client does it
    if request.method in {"POST", "PATCH"} and not by_path_alone:
        assert isinstance(json.loads(request.content), dict)
    else:
        assert request.content == b""


# ---------------------------------------------------------------- attacks

#: What somebody may send where an id is expected.
NO_IDS = [
    "",
    ".",
    "..",
    "../teams",
    "..%2fteams",
    "%2e%2e",
    "a/b",
    "/",
    "//evil.example/",
    "\\..\\users",
    "x?team_id=y",
    "x#y",
    "x;y",
    "me",
    "check",
    "current",
    "verify",
    "send-code",
    "0a000000-0000-4000-8000-000000000001/../../teams",
    "0a000000-0000-4000-8000-000000000001\n",
    " 0a000000-0000-4000-8000-000000000001",
    "0a000000-0000-4000-8000-00000000000\uff11",
    "0a000000000040008000000000000001",
    "{0a000000-0000-4000-8000-000000000001}",
    "ü",
    "\0",
    "\r\nX-Stack-Access-Type: admin",
    "\ud800",
    "İ",
    "K" * 100_000,
]
#: The same for permissions, whose ids are words.
_WORDS = {"me", "check", "current", "verify", "0a000000000040008000000000000001"}
NO_PERMISSIONS = [text for text in NO_IDS if text not in _WORDS] + [
    "$",
    "read docs",
    "Read",
    "read\n",
    "a$b",
]


@pytest.mark.parametrize("field", [field.name for field in fields(Ids)])
@pytest.mark.parametrize("name", OPERATIONS)
async def test_no_id_leads_to_another_endpoint(name: str, field: str) -> None:
    (honest,), _ = await ask(name, Ids())
    for text in NO_PERMISSIONS if field == "permission_id" else NO_IDS:
        sent, error = await ask(name, replace(Ids(), **{field: text}))
        if sent:  # the method has no use for this one
            assert [(item.method, item.url, item.content) for item in sent] == [
                (honest.method, honest.url, honest.content)
            ]
        else:
            assert isinstance(error, ApiSchemaError)
            assert (error.status, error.stack_code) == (400, "SCHEMA_ERROR")
            assert error.details["message"]


@pytest.mark.parametrize("name", OPERATIONS)
async def test_ids_are_sent_as_stack_writes_them(name: str) -> None:
    names = [field.name for field in fields(Ids) if field.name != "permission_id"]
    loud = replace(Ids(), **{field: getattr(Ids(), field).upper() for field in names})
    assert [request.url for request in (await ask(name, loud))[0]] == [
        request.url for request in (await ask(name, Ids()))[0]
    ]


@pytest.mark.parametrize("text", ["a&limit=1", "é ü", "a+b", "%26", "\ud800", "x" * 3000, ""])
async def test_what_is_searched_for_stays_in_its_field(text: str) -> None:
    talk = Talk(answer({"items": [], "is_paginated": False}))
    assert [page.items async for page in talk.client.users.list(query=text).pages()] == [[]]
    (request,) = talk.requests
    assert dict(request.url.params) == {"limit": "100", "query": text.replace("\ud800", "?")}


# ---------------------------------------------------------------- paths of the caller's own


@pytest.mark.parametrize(
    "path",
    [
        "",
        "users",
        "//users",
        "/users/",
        "/users//x",
        "/users/../teams",
        "/users/.",
        "/users/%2e%2e/teams",
        "/users/x%2fy",
        "/users/x%5cy",
        "/users/x\\y",
        "/users?limit=1",
        "/users#x",
        "/users/é",
        "/users/a b",
        "/users/x\n",
        "/users/%zz",
        "/users/%00",
        "http://evil.example/users",
        "@evil.example/users",
        ".evil.example",
    ],
)
async def test_a_path_that_could_mean_another_one_is_not_asked(path: str) -> None:
    talk = Talk(REFUSED)
    with pytest.raises(ValueError, match="a path begins with one slash"):
        await talk.client.request("GET", path)
    assert talk.requests == []


@pytest.mark.parametrize(
    "path", ["/a", "/a/b.c", "/a/$x:y", "/a/%C3%A9", "/a/b@c", "/a/...", "/a/%24"]
)
async def test_any_other_path_is_asked_as_it_is(path: str) -> None:
    talk = Talk(answer([1]))
    assert await talk.client.request("GET", path) == [1]
    assert talk.requests[0].url.raw_path.decode() == ROOT + path


@pytest.mark.parametrize("method", ["HEAD", "get", "CONNECT", "GET / HTTP/1.1\r\n"])
async def test_only_the_methods_of_the_api_are_sent(method: Any) -> None:
    talk = Talk(REFUSED)
    with pytest.raises(ValueError, match="the method must be one of GET"):
        await talk.client.request(method, "/users")
    assert talk.requests == []


@pytest.mark.parametrize(
    ("method", "content"), [("POST", b"{}"), ("PUT", b"{}"), ("PATCH", b"{}"), ("GET", b"")]
)
async def test_a_body_is_sent_where_stack_wants_one(method: Any, content: bytes) -> None:
    talk = Talk(answer(None))
    assert await talk.client.request(method, "/x") is None
    assert talk.requests[0].content == content


async def test_a_field_that_does_not_exist_is_named_and_not_sent() -> None:
    talk = Talk(REFUSED)
    wrong: Any = {"displayname": "A", "secret_thing": "marked"}
    with pytest.raises(TypeError, match="no such field: displayname, secret_thing"):
        await talk.client.users.update(Ids().user_id, **wrong)
    assert talk.requests == []
    assert talk.changes == []
