"""The way from a route to the engine: the innermost middleware's, with the guards' errors."""

# No "from __future__ import annotations": FastAPI cannot resolve local names that are text.

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import APIRouter, BackgroundTasks, FastAPI, WebSocket
from fastapi.testclient import TestClient
from guarded_app import LocalStack
from signed_tokens import Stack
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocketDisconnect

from stack_fastapi import (
    CurrentAuth,
    CurrentClient,
    StackAuth,
    StackAuthMiddleware,
    StackHTTPException,
    current_auth,
)
from stack_fastapi.app.guards import wanted_settings
from stack_fastapi.audit import unprotected_routes
from stack_fastapi.engine.authentication import Authentication
from stack_fastapi.engine.stack_auth import SCOPE_KEY
from stack_fastapi.testing import fake_user, override_user


@pytest.fixture
def stack() -> LocalStack:
    return LocalStack()


def router_of(seen: list[Any]) -> APIRouter:
    router = APIRouter()

    @router.get("/engine")
    async def engine(auth: CurrentAuth, client: CurrentClient) -> None:
        seen.append((auth, client))

    @router.get("/users/{user_id}")
    def user(user_id: str, client: CurrentClient) -> str:
        assert client is not None
        return user_id

    @router.post("/later")
    async def later(user_id: str, tasks: BackgroundTasks, client: CurrentClient) -> None:
        async def look() -> None:
            seen.append((await client.users.get(user_id)).id)

        tasks.add_task(look)

    @router.websocket("/ws")
    async def socket(websocket: WebSocket, auth: CurrentAuth) -> None:
        await websocket.accept()
        seen.append(auth)
        await websocket.close()

    return router


def app_of(auth: StackAuth | None, seen: list[Any]) -> FastAPI:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_middleware(StackAuthMiddleware, auth=auth)
    app.include_router(router_of(seen))
    return app


def test_a_route_gets_the_engine_and_its_client(stack: LocalStack) -> None:
    auth, seen = stack.engine(), []  # type: ignore[var-annotated]
    client = TestClient(app_of(auth, seen))
    assert client.get("/engine").status_code == 200  # also for a guest
    assert seen == [(auth, auth.client)]
    garbage = client.get("/users/x", headers={"X-Stack-Access-Token": "no.to.ken"})
    assert garbage.json() == "x"


def test_a_websocket_gets_it_too(stack: LocalStack) -> None:
    auth, seen = stack.engine(), []  # type: ignore[var-annotated]
    with TestClient(app_of(auth, seen)).websocket_connect("/ws"):
        pass
    assert seen == [auth]


def test_it_is_the_innermost_middlewares(stack: LocalStack) -> None:
    outer, inner, seen = stack.engine(), stack.engine(), []  # type: ignore[var-annotated]
    app = app_of(outer, seen)
    app.mount("/inner", app_of(inner, seen))
    client = TestClient(app)
    client.get("/engine")
    client.get("/inner/engine")
    assert [auth for auth, _ in seen] == [outer, inner]


def test_background_tasks_may_keep_it(stack: LocalStack) -> None:
    seen: list[Any] = []
    alice = stack.sign_in()
    app = app_of(stack.engine(), seen)
    assert TestClient(app).post(f"/later?user_id={alice.user.id}").status_code == 200
    assert seen == [alice.user.id]


@pytest.mark.parametrize("path", ["/engine", "/users/x"])
def test_without_middleware_it_is_the_guards_503(path: str) -> None:
    app = FastAPI()
    app.include_router(router_of([]))
    answer = TestClient(app).get(path)
    assert answer.status_code == 503
    assert answer.json()["detail"]["code"] == "STACK_AUTH_MIDDLEWARE_MISSING"
    with pytest.raises(WebSocketDisconnect) as closed, TestClient(app).websocket_connect("/ws"):
        pytest.fail("it opened")
    assert closed.value.code == 1013


def test_with_wrong_settings_it_is_the_guards_503() -> None:
    answer = TestClient(app_of(None, [])).get("/engine")
    assert answer.status_code == 503
    assert answer.json()["detail"]["code"] == "AUTHENTICATION_MISCONFIGURED"
    assert int(answer.headers["Retry-After"]) > 1


def test_they_are_no_guards(stack: LocalStack) -> None:
    app = app_of(stack.engine(), [])
    paths = [route.path for route in unprotected_routes(app)]
    assert paths == ["/engine", "/later", "/users/{user_id}", "/ws"]
    assert wanted_settings(app, StackAuthMiddleware) == set()
    assert "security" not in str(FastAPI(routes=app.routes).openapi())


def test_an_overridden_user_leaves_the_engine_as_it_is(stack: LocalStack) -> None:
    auth, seen = stack.engine(), []  # type: ignore[var-annotated]
    app, bare = app_of(auth, seen), FastAPI()
    bare.include_router(router_of(seen))
    for path, overridden in (("with", app), ("without", bare)):
        with override_user(overridden, fake_user()):
            answer = TestClient(overridden).get("/engine")
            assert answer.status_code == (200 if path == "with" else 503)
    assert seen == [(auth, auth.client)]


async def test_a_decision_that_is_nobodys_has_no_engine(stack: LocalStack) -> None:
    real = stack.engine().begin({"type": "http", "headers": []})
    decision = Authentication("no engine", None, real._parts, real.policy, real._log)
    connection = HTTPConnection({"type": "http", "headers": [], SCOPE_KEY: decision})
    with pytest.raises(StackHTTPException) as refused:
        await current_auth(connection)
    assert refused.value.error.code == "STACK_AUTH_MIDDLEWARE_MISSING"


# ---------------------------------------------------------------- the lifespan


async def me(auth: StackAuth, stack: Stack) -> str:
    """A question that opens a connection."""
    headers = [(name.lower().encode(), text.encode()) for name, text in stack.sign_in().items()]
    user = await auth.authenticate(HTTPConnection({"type": "http", "headers": headers}))
    assert user is not None
    return user.id


async def test_an_app_that_takes_the_engines_lifespan_closes_it() -> None:
    stack = Stack()
    auth = stack.engine()
    app = FastAPI(lifespan=auth.lifespan)
    async with app.router.lifespan_context(app):
        assert await me(auth, stack)
        assert stack.closed == 0
    assert stack.closed == 1


async def test_the_engines_lifespan_goes_into_the_apps_own() -> None:
    stack = Stack()
    auth = stack.engine()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        async with auth.lifespan(app):
            yield {"user": await me(auth, stack)}

    app = FastAPI(lifespan=lifespan)
    async with app.router.lifespan_context(app) as state:
        assert state is not None
        assert stack.closed == 0
    assert stack.closed == 1


async def test_the_engine_is_closed_where_the_app_fails() -> None:
    stack = Stack()
    auth = stack.engine()

    async def app() -> None:
        async with auth.lifespan():
            assert await me(auth, stack)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await app()
    assert stack.closed == 1
