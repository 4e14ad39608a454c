"""A person with a browser, without the browser: reads screens, fills in forms, sends them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

from stack_fastapi.emulator import StackEmulator
from stack_fastapi.emulator.page import Page
from stack_fastapi.emulator.page.rendering import load

PREFIX = "/local-stack/page"
HOST = "127.0.0.1:8101"
ORIGIN = f"http://{HOST}"
#: Templates do not change; compiling them for each test would take most of its time.
RENDERER = load()


@dataclass
class Form:
    method: str
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    #: Those of them that cannot be changed.
    hidden: dict[str, str] = field(default_factory=dict)
    #: Select → what it offers.
    options: dict[str, list[str]] = field(default_factory=dict)


class Screen(HTMLParser):
    """A screen taken apart: every element, the text, the forms with what they would send."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.forms: list[Form] = []
        self.parts: list[str] = []
        self.links: dict[str, str] = {}
        self._href: str | None = None
        self._select: str | None = None
        self._option: dict[str, str] | None = None
        self._textarea: str | None = None
        self.feed(html)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.parts).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.append((tag, given))
        if tag == "form":
            self.forms.append(Form(given["method"], given["action"]))
        elif tag == "a":
            self._href = given["href"]
        elif tag == "input" and "name" in given:
            if given["type"] != "checkbox" or "checked" in given:
                self.forms[-1].fields[given["name"]] = given.get("value", "")
            if given["type"] == "hidden":
                self.forms[-1].hidden[given["name"]] = given["value"]
        elif tag == "textarea" and "name" in given:
            self._textarea = given["name"]
            self.forms[-1].fields[given["name"]] = ""
        elif tag == "select":
            self._select = given["name"]
            self.forms[-1].options[given["name"]] = []
        elif tag == "option":
            self._option = given

    def handle_data(self, data: str) -> None:
        if self._option is not None and self._select is not None:
            self._choose(self._option.get("value", data), "selected" in self._option)
            self._option = None
        elif self._textarea is not None:
            self.forms[-1].fields[self._textarea] += data
        else:
            self.parts.append(data)
            if self._href is not None:
                self.links[data.strip()] = self._href

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = None
        elif tag == "textarea" and self._textarea is not None:
            form = self.forms[-1]
            form.fields[self._textarea] = form.fields[self._textarea].removeprefix("\n")
            self._textarea = None
        elif tag == "a":
            self._href = None

    def _choose(self, value: str, is_selected: bool) -> None:  # noqa: FBT001 - a private helper
        form, name = self.forms[-1], str(self._select)
        form.options[name].append(value)
        if is_selected or name not in form.fields:
            form.fields[name] = value


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def screen(self) -> Screen:
        assert self.headers["content-type"] == "text/html; charset=utf-8", self.content
        return Screen(self.content.decode())


@dataclass
class Person:
    """Looks at one door of an emulator."""

    emulator: StackEmulator
    app: Any = None
    peer: tuple[str, int] | None = ("127.0.0.1", 1234)

    def __post_init__(self) -> None:
        if self.app is None:
            it = self.emulator
            self.app = it.app
            vars(self.app)["page"] = Page(it._state, it.faults, it.requests, lambda: RENDERER)

    def at(self, *parts: str) -> str:
        return "/".join([f"{PREFIX}/projects/{self.emulator.project.id}", *parts])

    def look(self, path: str) -> Screen:
        reply = self.get(path)
        assert reply.status == 200, reply.content
        return reply.screen

    def get(self, path: str, **headers: str) -> Reply:
        return self.ask("GET", path, headers)

    def send(self, path: str, do: str, /, **fields: str | None) -> Reply:
        """Fill in the form on a screen that does this and has these values, and send it.

        A field that is None is a box that is not ticked.
        """
        screen = self.look(path)
        forms = [
            form
            for form in screen.forms
            if form.fields.get("do") == do
            and all(fields.get(name, value) == value for name, value in form.hidden.items())
        ]
        assert forms, f"no form for {do} on {path}"
        form = forms[0]
        sent: dict[str, str | None] = {**form.fields, **fields}
        return self.post(form.action, {k: v for k, v in sent.items() if v is not None})

    def do(self, path: str, do: str, /, **fields: str | None) -> Screen:
        """The same, and follow to the screen that comes next."""
        reply = self.send(path, do, **fields)
        if reply.status == 303:
            return self.look(reply.headers["location"])
        return reply.screen

    def post(self, path: str, fields: Mapping[str, str], **headers: str) -> Reply:
        sent = {
            "content-type": "application/x-www-form-urlencoded",
            "origin": ORIGIN,
            "sec-fetch-site": "same-origin",
            **headers,
        }
        return self.ask("POST", path, sent, urlencode(fields).encode())

    def token(self) -> str:
        return self.look(self.at("faults")).html.split('name="token" value="')[1].split('"')[0]

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> Reply:
        return asyncio.run(self._ask(method, path, {"host": HOST, **(headers or {})}, content))

    async def _ask(
        self, method: str, path: str, headers: Mapping[str, str], content: bytes
    ) -> Reply:
        target, _, query = path.partition("?")
        scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": target,
            "raw_path": target.encode(),
            "query_string": query.encode(),
            "headers": [
                (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
            ],
            "scheme": "http",
            "client": self.peer,
            "state": {},
        }
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        start = sent[0]
        return Reply(
            start["status"],
            {name.decode(): value.decode() for name, value in start["headers"]},
            b"".join(message["body"] for message in sent[1:]),
        )
