"""Which endpoint each method calls: as the docs say, whatever it is given."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, is_typeddict

import httpx2
import pytest

from stack_fastapi import ApiSchemaError, StackApiError
from stack_fastapi.client import _forms

from .operations import LOOKED_UP, OPERATIONS, Ids, Talk, answer, talk_of

DOCS = (Path(__file__).parents[2] / "docs" / "client.md").read_text()
REFUSED = answer({"code": "X"}, 404)
ROOT = "/api/v1"


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, as they are read: without marks and escapes."""
    section = DOCS.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [
        [cell.strip("`").replace("\\|", "|") for cell in line[2:-2].split(" | ")] for line in lines
    ]


def documented() -> dict[str, str]:
    """Method and endpoint of each row in the docs."""
    return {method: endpoint for method, endpoint, *_ in rows("What there is")}


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


def parameters(method: Callable[..., object]) -> str:
    """What a method takes, as its source says."""
    found = [*inspect.signature(method).parameters.values()]
    words = [_parameter(item) for item in found]
    named = [item for item in found if item.kind is item.KEYWORD_ONLY]
    if named:
        words.insert(found.index(named[0]), "*")
    return ", ".join(words) or "-"


def _parameter(item: inspect.Parameter) -> str:
    if item.kind is item.VAR_KEYWORD:
        return f"**{item.name}: {item.annotation.removeprefix('Unpack[').removesuffix(']')}"
    default = "" if item.default is item.empty else f" = {item.default!r}"
    return f"{item.name}: {item.annotation}{default}"


def fields_of(form: type) -> str:
    """The fields of a form with their types; each may be left out."""
    texts = {
        name: str(getattr(annotation, "__forward_arg__", annotation)).split(" | ")
        for name, annotation in form.__annotations__.items()
    }
    assert all(parts.count("NotGiven") == 1 for parts in texts.values())
    for parts in texts.values():
        parts.remove("NotGiven")
    return ", ".join(f"{name}: {' | '.join(parts)}" for name, parts in texts.items())


async def ask(name: str, ids: Ids) -> tuple[list[httpx2.Request], StackApiError]:
    """What is sent, and the refusal that comes of it."""
    talk = talk_of(name, REFUSED)
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


def test_the_docs_say_what_each_method_takes_and_returns() -> None:
    client = Talk(REFUSED).client
    for name, _, takes, returns in rows("What there is"):
        resource, method = name.split(".")
        found = getattr(getattr(client, resource), method)
        assert takes == parameters(found), name
        assert returns == inspect.signature(found).return_annotation, name


def test_the_docs_say_which_fields_can_be_set() -> None:
    forms = {name: fields_of(form) for name, form in inspect.getmembers(_forms, is_typeddict)}
    private = {name for name in forms if name.startswith("_")}
    expected = {name: text for name, text in forms.items() if name not in private}
    assert dict(rows("Fields")) == expected
    taken = {cell.rpartition(": ")[2] for *_, cell, _ in rows("What there is") if "**" in cell}
    assert taken == set(expected)


def test_the_docs_say_what_is_read_before_it_is_changed() -> None:
    compared = rows("Whose record it is")
    named = {
        name if "." in name[1:] else f"{first.partition('.')[0]}{name}"
        for methods, *_ in compared
        for first, *others in [re.findall(r"[\w.]*\.\w+", methods)]
        for name in (first, *others)
    }
    assert named == set(LOOKED_UP)


@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_method_calls_the_endpoint_of_the_docs(name: str) -> None:
    (*before, request), _ = await ask(name, Ids())
    assert [item.method for item in before] == ["GET"] * (name in LOOKED_UP)
    assert endpoint(request) == documented()[name]


@pytest.mark.parametrize("name", OPERATIONS)
async def test_what_changes_something_sends_a_body(name: str) -> None:
    (*_, request), _ = await ask(name, Ids())
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
    honest, _ = await ask(name, Ids())
    for text in NO_PERMISSIONS if field == "permission_id" else NO_IDS:
        sent, error = await ask(name, replace(Ids(), **{field: text}))
        if sent:  # the method has no use for this one
            assert [(item.method, item.url, item.content) for item in sent] == [
                (item.method, item.url, item.content) for item in honest
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
