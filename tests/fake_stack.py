"""A Stack whose every answer a test can spoil, hold back or count; and an app that trusts it.

The local server in ``stack_fastapi.emulator`` is the faithful one. This one is for bad days: what
it says of a user is a recorded answer with the id changed, and its tokens have the recorded claims.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import httpx2
from fastapi import Depends, FastAPI
from joserfc import jws
from joserfc.jwk import ECKey
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message

from stack_fastapi import (
    CurrentUser,
    OptionalUser,
    StackAuth,
    StackAuthMiddleware,
    StackAuthSettings,
    User,
    require_user,
)
from stack_fastapi.cache import Store
from stack_fastapi.types import Cache, Clocks

PROJECT_ID = "11111111-2222-4333-8444-555555555555"
SERVER_KEY = "ssk_test_key_that_opens_nothing"
API_URL = "https://api.stack-auth.com"
#: Every answer of Stack's own code has this header.
FROM_STACK = {"x-stack-request-id": "5khg59m8wppht0rj"}

#: What is asked of Stack: the keys, a token's user, a user by id.
Stage = Literal["jwks", "me", "id"]
STAGES: tuple[Stage, ...] = ("jwks", "me", "id")

Answerer = Callable[[httpx2.Request], httpx2.Response | Awaitable[httpx2.Response]]


def _recorded_user() -> dict[str, Any]:
    lines = (Path(__file__).parent / "recordings" / "exchanges.jsonl").read_text().splitlines()
    exchanges = (json.loads(line) for line in lines)
    exchange = next(item for item in exchanges if item["name"] == "users/me server")
    user: dict[str, Any] = exchange["response"]["body"]
    return user


_RECORDED_USER = _recorded_user()


class Clock:
    """Unix time that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


def store_of(clock: Clock, size: int = 100) -> Store:
    """A store of responses in memory alone."""
    return Store(Clocks.of(clock, None), size, longest_flight=10.0)


class Gate:
    """Answers wait behind it until it is opened."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    def open(self) -> None:
        self.opened.set()


class Tasks:
    """The tasks that were begun since this was made, in the test itself."""

    def __init__(self) -> None:
        self._before = asyncio.all_tasks()

    @property
    def running(self) -> set[asyncio.Task[Any]]:
        return {
            task
            for task in asyncio.all_tasks() - self._before
            if task is not asyncio.current_task()
        }

    async def finished(self) -> None:
        """Wait until none is left."""
        while tasks := self.running:
            await asyncio.wait(tasks)


class FakeStack:
    """One project of a Stack server.

    Attributes:
        users: user by id, as server access sees them.
        keys: the key pairs whose public halves are published, by key id.
        asked: how many requests reached each stage.
        requests: all of them.
        spoiled: what answers a stage in place of the honest answer.
    """

    def __init__(self, project_id: str = PROJECT_ID, api_url: str = API_URL) -> None:
        self.project_id = project_id
        self.api_url = api_url
        self.clock = Clock()
        self.users: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, ECKey] = {}
        self.asked: Counter[Stage] = Counter()
        self.requests: list[httpx2.Request] = []
        self.spoiled: dict[Stage, Answerer] = {}
        self._numbers = itertools.count(1)
        self._key_numbers = itertools.count(1)
        self.signing = self.rotate()

    # ------------------------------------------------------------------ what it knows

    def rotate(self, *, keep_old: bool = True) -> ECKey:
        """Sign with a new key from now on."""
        kid = f"key-{next(self._key_numbers)}"
        self.signing = ECKey.generate_key("P-256", {"kid": kid, "alg": "ES256"})
        self.keys = {**(self.keys if keep_old else {}), kid: self.signing}
        return self.signing

    def add_user(self, **fields: Any) -> str:
        """A new user; returns the id."""
        user_id = str(UUID(int=next(self._numbers), version=4))
        self.users[user_id] = {**_RECORDED_USER, "id": user_id, **fields}
        return user_id

    def token(self, user_id: str, *, key: ECKey | None = None, **claims: Any) -> str:
        """A new access token of a normal user; no two are the same."""
        now = int(self.clock())
        payload = {
            "sub": user_id,
            "iss": f"{self.api_url}/api/v1/projects/{self.project_id}",
            "aud": self.project_id,
            "iat": now,
            "exp": now + 3600,
            "project_id": self.project_id,
            "branch_id": "main",
            "refresh_token_id": str(UUID(int=next(self._numbers), version=4)),
            "role": "authenticated",
            "is_anonymous": False,
            "is_restricted": False,
            "restricted_reason": None,
            **claims,
        }
        key = key or self.signing
        header = {"alg": "ES256", "kid": key.kid}
        return jws.serialize_compact(header, json.dumps(payload), key, algorithms=["ES256"])

    def sign_in(self, **fields: Any) -> str:
        """The token of a new user."""
        return self.token(self.add_user(**fields))

    # ------------------------------------------------------------------ who asks it

    def settings(self, **changes: Any) -> StackAuthSettings:
        return StackAuthSettings(
            **{
                "project_id": self.project_id,
                "secret_server_key": SERVER_KEY,
                "api_url": self.api_url,
                **changes,
            }
        )

    def engine(self, *, cache: Cache | None = None, **changes: Any) -> StackAuth:
        """An engine that asks this Stack and shares its clock."""
        return StackAuth(
            self.settings(**changes),
            transport=httpx2.MockTransport(self.answer),
            clock=self.clock,
            cache=cache,
        )

    # ------------------------------------------------------------------ how it answers

    def hold(self, stage: Stage) -> Gate:
        """Let a stage's answers, as of the moment of the question, wait behind a gate."""
        gate = Gate()

        async def late(request: httpx2.Request) -> httpx2.Response:
            answer = self.honest(request)
            gate.reached.set()
            await gate.opened.wait()
            return answer

        self.spoiled[stage] = late
        return gate

    def spoil(self, answerer: Answerer, *stages: Stage) -> None:
        for stage in stages or STAGES:
            self.spoiled[stage] = answerer

    def mend(self) -> None:
        self.spoiled.clear()

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        stage = _stage_of(request)
        self.asked[stage] += 1
        self.requests.append(request)
        answer = self.spoiled.get(stage, self.honest)(request)
        return await answer if inspect.isawaitable(answer) else answer

    def honest(self, request: httpx2.Request) -> httpx2.Response:
        stage = _stage_of(request)
        if stage == "jwks":
            keys = [key.as_dict(private=False) for key in self.keys.values()]
            return httpx2.Response(200, headers=FROM_STACK, json={"keys": keys})
        if request.headers["x-stack-secret-server-key"] != SERVER_KEY:
            return refusal(401, "INVALID_SECRET_SERVER_KEY")
        if stage == "id":
            user = self.users.get(request.url.path.rpartition("/")[2])
            return found(user) if user else refusal(404, "USER_NOT_FOUND")
        payload = jws.extract_compact(request.headers["x-stack-access-token"].encode()).payload
        user = self.users.get(json.loads(payload)["sub"])
        return found(user) if user else refusal(400, "CANNOT_GET_OWN_USER_WITHOUT_USER")


def _stage_of(request: httpx2.Request) -> Stage:
    if request.url.path.endswith("/.well-known/jwks.json"):
        return "jwks"
    return "me" if request.url.path == "/api/v1/users/me" else "id"


def found(user: Any) -> httpx2.Response:
    return httpx2.Response(200, headers=FROM_STACK, json=user)


def refusal(status: int, code: str) -> httpx2.Response:
    """How Stack refuses, with a code of its own."""
    headers = {"x-stack-known-error": code, **FROM_STACK}
    return httpx2.Response(status, headers=headers, json={"code": code, "error": "<message>"})


# ---------------------------------------------------------------- an app, and how to ask it

FreshUser = Annotated[User, Depends(require_user(max_age=0))]
RecentUser = Annotated[User, Depends(require_user(max_age=30))]


def app_of(auth: StackAuth) -> FastAPI:
    """An app with protected routes and a public one."""
    app = FastAPI(openapi_url=None)
    app.add_middleware(StackAuthMiddleware, auth=auth)

    @app.get("/me")
    async def me(user: CurrentUser) -> str:
        return user.id

    @app.get("/fresh")
    async def fresh(user: FreshUser) -> str:
        return user.id

    @app.get("/recent")
    async def recent(user: RecentUser) -> str:
        return user.id

    @app.get("/optional")
    async def optional(user: OptionalUser) -> str | None:
        return user.id if user else None

    @app.get("/public")
    async def public() -> str:
        return "open to all"

    return app


class Reply:
    """An app's answer."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["detail"]["code"])

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message.get("body", b"")


def scope_of(path: str, token: str | None = None, **headers: str) -> dict[str, Any]:
    """The ASGI scope of a request; underscores in names of headers stand for hyphens."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        fields["x-stack-access-token"] = token
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "server": ("app.test", 80),
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
    }


def connection_of(token: str | None) -> HTTPConnection:
    """What ``StackAuth.authenticate`` takes."""
    return HTTPConnection(scope_of("/", token))


async def _receive_nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def get(app: ASGIApp, path: str, token: str | None = None, **headers: str) -> Reply:
    """Ask an app as a server does."""
    return await send(app, scope_of(path, token, **headers))


async def send(app: ASGIApp, scope: dict[str, Any]) -> Reply:
    """Ask an app with a scope of the test's own making."""
    reply = Reply()
    await app(scope, _receive_nothing, reply.send)
    return reply


# ---------------------------------------------------------------- a real socket

Speaker = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class SocketServer:
    """A loopback server that says what a test wants.

    Attributes:
        url: where it listens.
        open: how many connections are open now.
        accepted: how many there were.
    """

    def __init__(self, speak: Speaker) -> None:
        self.url = ""
        self.open = 0
        self.accepted = 0
        self.all_closed = asyncio.Event()
        self._speak = speak

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.accepted += 1
        self.all_closed.clear()
        try:
            await self._speak(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has gone, which is the point of many a test
        finally:
            writer.close()
            self.open -= 1
            if not self.open:
                self.all_closed.set()


@asynccontextmanager
async def serving(speak: Speaker) -> AsyncIterator[SocketServer]:
    """A loopback server, as long as the block lasts."""
    handler = SocketServer(speak)
    server = await asyncio.start_server(handler.connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    handler.url = f"http://127.0.0.1:{port}"
    try:
        yield handler
    finally:
        server.close()
        await server.wait_closed()


def speaking_for(stack: FakeStack) -> Speaker:
    """Speak HTTP/1.1 for a fake Stack, one request after the other."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            fields = dict(line.split(": ", 1) for line in head[1:] if line)
            url = stack.api_url + head[0].split(" ")[1]
            answer = await stack.answer(httpx2.Request("GET", url, headers=fields))
            lines = [
                f"HTTP/1.1 {answer.status_code} Whatever",
                f"content-length: {len(answer.content)}",
                *(f"{name}: {value}" for name, value in FROM_STACK.items()),
                "",
                "",
            ]
            writer.write("\r\n".join(lines).encode() + answer.content)
            await writer.drain()

    return speak
