"""Who opens an engine closes it, and an app that is not set up does not start."""

# No "from __future__ import annotations": FastAPI cannot resolve local names that are text.

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from signed_tokens import PROJECT_ID, SERVER_KEY, Stack, bearer, said_nothing_of
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stack_fastapi import ConfigurationError, CurrentUser, StackAuth, StackAuthMiddleware

During = Callable[[Message], Awaitable[None]]


async def nothing(message: Message) -> None: ...


async def live(app: ASGIApp, during: During = nothing) -> list[str]:
    """Start and stop an app; ``during`` runs whenever it says something, before it goes on."""
    said: list[str] = []
    events = iter(("lifespan.startup", "lifespan.shutdown"))

    async def receive() -> Message:
        return {"type": next(events)}

    async def send(message: Message) -> None:
        said.append(message["type"])
        await during(message)

    await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)
    return said


async def get(app: ASGIApp, path: str, headers: dict[str, str] | None = None) -> httpx2.Response:
    """One request on this very event loop."""
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get(path, headers=headers)


def app_of(auth: StackAuth | None = None) -> FastAPI:
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=auth)

    @app.get("/me")
    async def me(user: CurrentUser) -> str:
        return user.id

    return app


class Socket:
    """A Stack on a real socket of this event loop.

    Attributes:
        hung_up: set while no connection is open any more.
        connections: how many there have been.
    """

    def __init__(self) -> None:
        self.hung_up = asyncio.Event()
        self.connections = 0
        self.stack = Stack()
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> asyncio.Server:
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        self.stack = Stack(api_url=f"http://{host}:{port}")
        self.stack.now = time.time()
        return server

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        self.hung_up.clear()
        while await self._answer(reader, writer):
            pass
        writer.close()
        self._writers.discard(writer)
        if not self._writers:
            self.hung_up.set()

    async def hang_up(self) -> None:
        """End what a client left open."""
        for writer in tuple(self._writers):
            writer.close()
            await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            return False
        first, *lines = head.strip().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        method, target, _ = first.split(" ")
        request = httpx2.Request(method, f"http://{headers['Host']}{target}", headers=headers)
        answer = self.stack.respond(request)
        writer.write(f"HTTP/1.1 {answer.status_code} X\r\n".encode())
        writer.writelines(name + b": " + value + b"\r\n" for name, value in answer.headers.raw)
        writer.write(b"\r\n" + answer.content)
        await writer.drain()
        return True


@pytest.fixture
async def socket(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Socket]:
    """The environment leads to it."""
    listening = Socket()
    server = await listening.open()
    host, port = server.sockets[0].getsockname()
    monkeypatch.setenv("STACK_API_URL", f"http://{host}:{port}")
    monkeypatch.setenv("STACK_PROJECT_ID", PROJECT_ID)
    monkeypatch.setenv("STACK_SECRET_SERVER_KEY", SERVER_KEY)
    yield listening
    server.close()
    await listening.hang_up()


# ---------------------------------------------------------------- its own engine


async def test_its_own_engine_is_closed_before_the_server_hears_that_all_is_over(
    socket: Socket,
) -> None:
    app = app_of()
    user_id = socket.stack.add_user()

    async def during(message: Message) -> None:
        if message["type"] == "lifespan.startup.complete":
            answer = await get(app, "/me", bearer(socket.stack.token(user_id)))
            assert answer.json() == user_id
            assert not socket.hung_up.is_set()  # kept for the next question
        else:
            async with asyncio.timeout(10):
                await socket.hung_up.wait()

    said = await live(app, during)
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert socket.connections == 1


async def test_an_app_may_start_again(socket: Socket) -> None:
    app = app_of()
    answers: list[int] = []

    async def during(message: Message) -> None:
        if message["type"] == "lifespan.startup.complete":
            headers = socket.stack.sign_in()
            answers.append((await get(app, "/me", headers)).status_code)

    await live(app, during)
    await live(app, during)
    assert answers == [200, 200]
    async with asyncio.timeout(10):
        await socket.hung_up.wait()


@pytest.mark.parametrize("when", ["startup", "shutdown"])
async def test_its_own_engine_is_closed_where_the_apps_own_lifespan_fails(
    socket: Socket, when: str
) -> None:
    auth_headers = socket.stack.sign_in()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        assert (await get(app, "/me", auth_headers)).status_code == 200
        if when == "startup":
            raise ZeroDivisionError
        yield
        raise ZeroDivisionError

    app = app_of()
    app.router.lifespan_context = lifespan
    messages: list[Message] = []

    async def during(message: Message) -> None:
        messages.append(message)
        if message["type"] == "lifespan.shutdown.failed":
            async with asyncio.timeout(10):
                await socket.hung_up.wait()

    with pytest.raises(ZeroDivisionError):
        await live(app, during)
    assert messages[-1]["type"] == f"lifespan.{when}.failed"
    assert "ZeroDivisionError" in messages[-1]["message"]
    async with asyncio.timeout(10):
        await socket.hung_up.wait()


async def test_an_app_without_a_lifespan_is_served_all_the_same(socket: Socket) -> None:
    inner = app_of()
    inner.user_middleware.clear()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError  # what such apps do (ASGI, "Lifespan Protocol")
        await inner(scope, receive, send)

    served = StackAuthMiddleware(app)
    with pytest.raises(NotImplementedError):
        await live(served)
    assert (await get(served, "/me", socket.stack.sign_in())).status_code == 200


# ---------------------------------------------------------------- an engine of somebody else's


async def test_an_engine_that_was_passed_in_is_its_owners_to_close() -> None:
    stack = Stack()
    async with AsyncExitStack() as owner:
        auth = await owner.enter_async_context(stack.engine())
        app = app_of(auth)

        async def during(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                assert (await get(app, "/me", stack.sign_in())).status_code == 200

        await live(app, during)
        assert stack.closed == 0
        assert (await get(app, "/me", stack.sign_in())).status_code == 200
    assert stack.closed == 1


def test_the_apps_lifespan_sees_its_own_messages_and_state() -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        yield {"from": "the app"}

    app = FastAPI(lifespan=lifespan)
    app.add_middleware(StackAuthMiddleware, auth=Stack().engine())

    @app.get("/")
    async def route(request: Request) -> str:
        return str(request.state.__getattr__("from"))

    with TestClient(app) as client:
        assert client.get("/").json() == "the app"


# ---------------------------------------------------------------- settings that are wrong


async def test_an_app_that_is_not_set_up_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        entered.append("the app's own lifespan")
        yield

    monkeypatch.setenv("STACK_SECRET_SERVER_KEY", "ssk with spaces")
    monkeypatch.setenv("HEXCLAVE_API_URL", "ftp://nowhere")
    monkeypatch.setenv("STACK_TIMEOUT", "0")
    app = app_of()
    app.router.lifespan_context = lifespan
    messages: list[Message] = []

    async def during(message: Message) -> None:
        messages.append(message)

    with pytest.raises(ConfigurationError) as stopped:
        await live(app, during)
    assert [message["type"] for message in messages] == ["lifespan.startup.failed"]
    text = messages[0]["message"]
    for variable in (
        "STACK_PROJECT_ID",
        "HEXCLAVE_PROJECT_ID",
        "STACK_SECRET_SERVER_KEY",
        "HEXCLAVE_API_URL",
        "STACK_TIMEOUT",
    ):
        assert variable in text
    assert text == stopped.value.message
    assert said_nothing_of(["ssk with spaces", "ftp://nowhere"], text)
    assert entered == []


def test_a_test_client_that_is_entered_says_so_too() -> None:
    with pytest.raises(ConfigurationError, match="STACK_PROJECT_ID"), TestClient(app_of()):
        pass


@pytest.mark.parametrize("wrong", [StackAuth, "a project id", object()])
async def test_something_that_is_no_engine_stops_the_start_up_as_well(wrong: Any) -> None:
    app = app_of(wrong)
    messages: list[Message] = []

    async def during(message: Message) -> None:
        messages.append(message)

    with pytest.raises(ConfigurationError, match="StackAuth"):
        await live(app, during)
    assert [message["type"] for message in messages] == ["lifespan.startup.failed"]
    assert (await get(app, "/me")).status_code == 503


def test_adding_the_middleware_raises_nothing_but_a_wrong_engine_does() -> None:
    """Some servers would take an error there for an app without a lifespan, and serve it."""
    StackAuthMiddleware(app_of())
    with pytest.raises(ConfigurationError, match="STACK_PROJECT_ID"):
        StackAuth()
