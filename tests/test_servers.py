"""A real server on a real socket: what callers and operators get to see."""

# No "from __future__ import annotations": FastAPI cannot resolve local names that are text.

import os
import re
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI, WebSocket
from signed_tokens import Stack, bearer, code_of
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from stack_fastapi import CurrentUser, OptionalUser, StackAuth, StackAuthMiddleware

APP = """
    from fastapi import FastAPI
    from stack_fastapi import CurrentUser, StackAuthMiddleware

    app = FastAPI()
    app.add_middleware(StackAuthMiddleware)

    @app.get("/me")
    async def me(user: CurrentUser) -> str:
        return user.id
"""


class Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


@contextmanager
def serving(app: Any, **options: Any) -> Iterator[str]:
    """The host and port of an app that a real server serves in another thread."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_config=None, **options)
        config.load()
        server = Server(config)
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            assert server.listens.wait(20)
            host, port = listener.getsockname()
            yield f"{host}:{port}"
        finally:
            server.should_exit = True
            thread.join()


def app_of(auth: StackAuth | None) -> FastAPI:
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=auth)

    @app.get("/me")
    async def me(user: CurrentUser) -> str:
        return user.id

    @app.get("/public")
    def public() -> str:
        return "welcome"

    @app.websocket("/socket")
    async def talk(socket: WebSocket, user: CurrentUser) -> None:
        await socket.accept()
        await socket.send_text(user.id)
        await socket.close()

    @app.websocket("/guests")
    async def guests(socket: WebSocket, user: OptionalUser) -> None:
        await socket.accept()
        await socket.send_text("a guest" if user is None else user.id)
        await socket.close()

    return app


def clean_environment(**variables: str) -> dict[str, str]:
    """This process's variables without settings of ours, and some more."""
    ours = ("STACK_", "HEXCLAVE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, **variables}


# ---------------------------------------------------------------- callers


@pytest.mark.parametrize("lifespan", ["on", "off"])
def test_a_request_and_a_websocket_make_the_round_trip(lifespan: str) -> None:
    stack = Stack()
    user_id = stack.add_user()
    token = stack.token(user_id)
    auth = stack.engine(token_sources=("header", "bearer", "subprotocol"))
    with serving(app_of(auth), lifespan=lifespan) as host:
        assert httpx2.get(f"http://{host}/me", headers=bearer(token)).json() == user_id
        guest = httpx2.get(f"http://{host}/me")
        assert guest.status_code == 401
        assert guest.headers["WWW-Authenticate"].startswith("Bearer")
        assert httpx2.get(f"http://{host}/public").status_code == 200

        words = [Subprotocol("stack-auth"), Subprotocol(f"stack.access-token.{token}")]
        with connect(f"ws://{host}/socket", subprotocols=words) as websocket:
            assert websocket.recv() == user_id
            assert websocket.subprotocol == "stack-auth"
        with connect(f"ws://{host}/socket", additional_headers=bearer(token)) as websocket:
            assert websocket.recv() == user_id
        with connect(f"ws://{host}/guests", subprotocols=words[:1]) as websocket:
            assert websocket.recv() == "a guest"
            assert websocket.subprotocol == "stack-auth"
        for sent in ({}, bearer("no.such.token")):
            with pytest.raises(InvalidStatus) as refused:
                connect(f"ws://{host}/socket", additional_headers=sent)
            assert refused.value.response.status_code in {401, 403}
    assert stack.asked("GET /users") == 1


def test_a_server_without_lifespan_serves_public_routes_of_an_app_that_is_not_set_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with serving(app_of(None), lifespan="off") as host:
        assert httpx2.get(f"http://{host}/public").status_code == 200
        for headers in ({}, Stack().sign_in()):
            answer = httpx2.get(f"http://{host}/me", headers=headers)
            assert answer.status_code == 503
            assert code_of(answer) == "AUTHENTICATION_MISCONFIGURED"
    assert caplog.text.count("STACK_PROJECT_ID") == 1


# ---------------------------------------------------------------- operators


@pytest.mark.parametrize("lifespan", ["auto", "on"])
def test_a_server_of_an_app_that_is_not_set_up_stops_and_says_once_what_to_do(
    tmp_path: Path, lifespan: str
) -> None:
    (tmp_path / "served.py").write_text(textwrap.dedent(APP))
    command = [sys.executable, "-m", "uvicorn", "served:app", "--port", "0"]
    ended = subprocess.run(  # noqa: S603 - this very interpreter, and words from this file
        [*command, "--lifespan", lifespan],
        cwd=tmp_path,
        env=clean_environment(STACK_SECRET_SERVER_KEY="ssk_spoilt by spaces", STACK_TIMEOUT="0"),
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    shown = ended.stdout + ended.stderr
    assert ended.returncode == 3, shown
    assert shown.count("stack_fastapi is not set up") == 1
    for variable in ("STACK_PROJECT_ID", "STACK_SECRET_SERVER_KEY", "STACK_TIMEOUT"):
        assert len(re.findall(rf"\b{variable}\b", shown)) == 1
    assert "Traceback" not in shown
    assert "ssk_spoilt" not in shown
    assert "Uvicorn running" not in shown
