"""What a route lets through is answered as the guards answer: whose fault it is decides."""

# No "from __future__ import annotations": FastAPI cannot resolve local names that are text.

import logging
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from fastapi import APIRouter, FastAPI, HTTPException, Request, WebSocket
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.testclient import TestClient
from guarded_app import LocalStack
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect, WebSocketState

from stack_fastapi import (
    ApiUserEmailExistsError,
    ApiUserNotFoundError,
    ConfigurationError,
    InvalidTokenError,
    RestrictedUserNotAllowedError,
    StackApiError,
    StackAuth,
    StackAuthError,
    StackAuthMiddleware,
    StackHTTPException,
    StackUnavailableError,
    install_error_handlers,
)

ORIGIN = "https://app.example.com"


@pytest.fixture
def stack() -> LocalStack:
    return LocalStack()


def routes_of(auth: StackAuth) -> APIRouter:
    """Routes that a user writes: they ask Stack, and think of nothing going wrong."""
    router = APIRouter()

    @router.get("/users/{user_id}")
    async def user(user_id: str) -> str:
        return (await auth.client.users.get(user_id)).id

    @router.get("/teams/{team_id}")
    def team(team_id: str) -> str:
        raise StackUnavailableError(f"of a def route: {team_id}", retry_after=7)

    @router.delete("/users/{user_id}/sessions/{session_id}", status_code=204)
    async def sign_out(user_id: str, session_id: str) -> None:
        await auth.client.sessions.delete(session_id, user_id=user_id)

    @router.post("/users")
    async def create(email: str) -> str:
        fields = {"primary_email": email, "primary_email_auth_enabled": True}
        return (await auth.client.users.create(**fields)).id  # type: ignore[arg-type]

    @router.get("/mine")
    async def mine(request: Request) -> str:
        found = await auth.authenticate(request)
        return "nobody" if found is None else found.id

    @router.get("/verified")
    async def verified(token: str) -> str:
        return (await auth.verify(token)).sub

    @router.get("/broken")
    async def broken() -> None:
        raise ZeroDivisionError

    @router.websocket("/ws")
    async def socket(websocket: WebSocket, user_id: str) -> None:
        if user_id.startswith("open:"):
            await websocket.accept()
        await auth.client.users.get(user_id.removeprefix("open:"))

    return router


def app_of(auth: StackAuth, **options: Any) -> FastAPI:
    app = FastAPI(**options)
    app.add_middleware(StackAuthMiddleware, auth=auth)
    app.add_middleware(CORSMiddleware, allow_origins=[ORIGIN])
    app.include_router(routes_of(auth))
    return app


def client_of(app: ASGIApp) -> TestClient:
    return TestClient(app, raise_server_exceptions=False, headers={"Origin": ORIGIN})


def said(answer: Any) -> str:
    detail = answer.json()["detail"]
    assert detail.keys() - {"restricted_reason"} == {"code", "message"}
    return f"{answer.status_code} {detail['code']}"


# ---------------------------------------------------------------- what is answered


def test_an_outage_inside_a_route_is_503_as_a_guards_is(
    stack: LocalStack, caplog: pytest.LogCaptureFixture
) -> None:
    client = client_of(app_of(stack.engine()))
    stack.go_down()
    answer = client.get(f"/users/{uuid4()}")
    assert said(answer) == "503 STACK_UNAVAILABLE"
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert any("GET /users/{user_id}: " in record.getMessage() for record in caplog.records)


def test_the_time_to_come_back_is_the_errors_own(stack: LocalStack) -> None:
    answer = client_of(app_of(stack.engine())).get("/teams/x")
    assert said(answer) == "503 STACK_UNAVAILABLE"
    assert answer.headers["Retry-After"] == "7"
    assert "of a def route" not in answer.text


def test_an_id_that_stack_does_not_have_is_404(stack: LocalStack) -> None:
    client = client_of(app_of(stack.engine()))
    answer = client.get(f"/users/{uuid4()}")
    assert said(answer) == "404 USER_NOT_FOUND"
    assert "www-authenticate" not in answer.headers
    assert "retry-after" not in answer.headers


def test_what_stack_does_not_have_is_404_also_where_stack_has_no_code_for_it(
    stack: LocalStack,
) -> None:
    client, user = client_of(app_of(stack.engine())), stack.sign_in().user
    assert said(client.delete(f"/users/{user.id}/sessions/{uuid4()}")) == "404 NOT_FOUND"


@pytest.mark.parametrize("user_id", ["me", "..%2Fteams", "a b", "0", "'"])
def test_an_id_that_none_can_be_is_422(stack: LocalStack, user_id: str) -> None:
    client = client_of(app_of(stack.engine()))
    stack.emulator.requests.clear()
    answer = client.get(f"/users/{user_id}")
    if answer.status_code == 404:  # a path of its own
        assert answer.json() == {"detail": "Not Found"}
    else:
        assert said(answer) == "422 SCHEMA_ERROR"
    assert stack.asked() == {}


def test_what_else_stack_refuses_is_502_with_a_line_in_the_log_and_no_word_of_stacks(
    stack: LocalStack, caplog: pytest.LogCaptureFixture
) -> None:
    client = client_of(app_of(stack.engine()))
    taken = "alice@example.com"
    stack.sign_in(primary_email=taken, primary_email_auth_enabled=True)
    answers = [client.post(f"/users?email={taken}") for _ in range(3)]
    assert [said(answer) for answer in answers] == ["502 STACK_API_ERROR"] * 3
    assert "EMAIL" not in answers[0].text.upper()
    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert lines == [f"POST /users: Stack answered 409 {ApiUserEmailExistsError.code}."]
    assert taken not in caplog.text


def test_a_wrong_server_key_is_503(stack: LocalStack) -> None:
    client = client_of(app_of(stack.engine(secret_server_key="ssk_another_one")))
    answer = client.get(f"/users/{uuid4()}")
    assert said(answer) == "503 AUTHENTICATION_MISCONFIGURED"
    assert "KEY" not in answer.text.upper()


def test_credentials_that_a_route_looks_at_by_itself_are_401_and_403(stack: LocalStack) -> None:
    client = client_of(app_of(stack.engine()))
    garbage = client.get("/mine", headers={"X-Stack-Access-Token": "no.to.ken"})
    assert said(garbage) == "401 UNPARSABLE_ACCESS_TOKEN"
    assert 'error="invalid_token"' in garbage.headers["WWW-Authenticate"]
    assert said(client.get("/verified?token=x")) == "401 UNPARSABLE_ACCESS_TOKEN"
    restricted = stack.sign_in(type="restricted")
    assert said(client.get("/mine", headers=restricted)) == "403 RESTRICTED_USER_NOT_ALLOWED"
    assert client.get("/mine").json() == "nobody"


def test_other_exceptions_are_the_apps_own(stack: LocalStack) -> None:
    assert client_of(app_of(stack.engine())).get("/broken").status_code == 500
    with pytest.raises(ZeroDivisionError):
        TestClient(app_of(stack.engine())).get("/broken")


# ---------------------------------------------------------------- WebSockets


@pytest.mark.parametrize("prefix", ["", "open:"], ids=["before it opens", "when it is open"])
@pytest.mark.parametrize(
    ("user_id", "down", "ending"),
    [
        (str(uuid4()), False, (1008, "USER_NOT_FOUND")),
        ("me", False, (1008, "SCHEMA_ERROR")),
        (str(uuid4()), True, (1013, "STACK_UNAVAILABLE")),
    ],
    ids=["not found", "no id", "outage"],
)
def test_a_websocket_is_closed_as_the_guards_close_it(
    stack: LocalStack, prefix: str, user_id: str, ending: tuple[int, str], *, down: bool
) -> None:
    client = TestClient(app_of(stack.engine()))
    if down:
        stack.go_down()
    with (
        pytest.raises(WebSocketDisconnect) as closed,
        client.websocket_connect(f"/ws?user_id={prefix}{user_id}") as socket,
    ):
        socket.receive_text()
    assert (closed.value.code, closed.value.reason) == ending


def test_a_websocket_that_the_route_has_closed_is_closed_once(stack: LocalStack) -> None:
    app = app_of(stack.engine())

    @app.websocket("/late")
    async def late(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close(4000)
        assert websocket.application_state is WebSocketState.DISCONNECTED
        raise StackUnavailableError

    with (
        pytest.raises(WebSocketDisconnect) as closed,
        TestClient(app).websocket_connect("/late") as socket,
    ):
        socket.receive_text()
    assert closed.value.code == 4000


# ---------------------------------------------------------------- whose handler counts


async def as_teapot(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"from": "the app"}, 418)


def as_teapot_in_a_thread(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"from": "the app"}, 418)


class Teapot:
    """A handler that is an object."""

    async def __call__(self, request: Request, error: Exception) -> JSONResponse:
        return await as_teapot(request, error)


@pytest.mark.parametrize("kind", [StackAuthError, ApiUserNotFoundError, StackApiError])
def test_an_apps_own_handler_for_our_errors_counts(
    stack: LocalStack, kind: type[Exception]
) -> None:
    app = app_of(stack.engine(), exception_handlers={kind: as_teapot})
    assert client_of(app).get(f"/users/{uuid4()}").status_code == 418


@pytest.mark.parametrize("kind", [StackHTTPException, HTTPException, 404])
@pytest.mark.parametrize("handler", [as_teapot, as_teapot_in_a_thread, Teapot()])
def test_an_apps_own_form_of_http_errors_is_that_of_these_too(
    stack: LocalStack, kind: Any, handler: Callable[..., Any]
) -> None:
    app = app_of(stack.engine(), exception_handlers={kind: handler})
    answer = client_of(app).get(f"/users/{uuid4()}")
    assert (answer.status_code, answer.json()) == (418, {"from": "the app"})
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


def test_an_apps_catch_all_keeps_what_is_not_ours(stack: LocalStack) -> None:
    app = app_of(stack.engine(), exception_handlers={Exception: as_teapot})
    client = client_of(app)
    assert client.get("/broken").status_code == 418
    assert client.get(f"/users/{uuid4()}").status_code == 404


# ---------------------------------------------------------------- which apps have it


def test_mounted_apps_have_it_too_whether_they_ran_before_or_not(stack: LocalStack) -> None:
    auth = stack.engine()
    app, inner, used, own = app_of(auth), FastAPI(), FastAPI(), FastAPI()
    own.add_exception_handler(StackAuthError, as_teapot)
    for path, mounted in (("/inner", inner), ("/used", used), ("/own", own)):
        mounted.include_router(routes_of(auth))
        app.mount(path, mounted)
    with pytest.raises(ApiUserNotFoundError):
        TestClient(used).get(f"/users/{uuid4()}")
    client = client_of(app)
    statuses = [client.get(f"{path}/users/{uuid4()}").status_code for path in ("/inner", "/used")]
    assert statuses == [404, 404]
    assert client.get(f"/own/users/{uuid4()}").status_code == 418


def test_an_app_that_is_wrapped_from_outside_has_it(stack: LocalStack) -> None:
    app = FastAPI()
    app.include_router(routes_of(stack.engine()))
    wrapped = StackAuthMiddleware(app, stack.engine())
    assert said(client_of(wrapped).get(f"/users/{uuid4()}")) == "404 USER_NOT_FOUND"


def test_a_starlette_app_has_it(stack: LocalStack) -> None:
    auth = stack.engine()

    async def user(request: Request) -> PlainTextResponse:
        return PlainTextResponse((await auth.client.users.get(request.path_params["id"])).id)

    async def plain(scope: Scope, receive: Receive, send: Send) -> None:
        await auth.client.users.get("..")

    app = Starlette(routes=[Route("/users/{id}", user), Mount("/plain", plain)])
    app.add_middleware(StackAuthMiddleware, auth=auth)
    assert said(client_of(app).get(f"/users/{uuid4()}")) == "404 USER_NOT_FOUND"
    assert said(client_of(app).get("/plain/")) == "422 SCHEMA_ERROR"


def test_it_is_put_in_behind_other_middlewares(stack: LocalStack) -> None:
    class Slow(BaseHTTPMiddleware):
        async def dispatch(self, request: Request, call_next: Any) -> Any:
            return await call_next(request)

    app = FastAPI()
    app.add_middleware(Slow)
    app.add_middleware(CORSMiddleware, allow_origins=[ORIGIN])
    app.add_middleware(StackAuthMiddleware, auth=stack.engine())
    app.include_router(routes_of(stack.engine()))
    answer = client_of(app).get(f"/users/{uuid4()}")
    assert said(answer) == "404 USER_NOT_FOUND"
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


def hiding(app: ASGIApp) -> ASGIApp:
    """A middleware that does not show what it wraps."""

    async def hidden(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    return hidden


@pytest.mark.parametrize("early", [True, False], ids=["called early", "left to the middleware"])
def test_where_it_cannot_be_put_in_a_log_line_says_what_to_do(
    stack: LocalStack, caplog: pytest.LogCaptureFixture, *, early: bool
) -> None:
    app = FastAPI()
    app.add_middleware(hiding)
    app.add_middleware(StackAuthMiddleware, auth=stack.engine())
    app.include_router(routes_of(stack.engine()))
    if early:
        install_error_handlers(app)
    client = client_of(app)
    statuses = [client.get(f"/users/{uuid4()}").status_code for _ in range(2)]
    assert statuses == ([404] if early else [500]) * 2
    assert caplog.text.count("install_error_handlers(app) before the app starts") == (not early)


def test_an_app_without_the_middleware_may_put_it_in_itself(stack: LocalStack) -> None:
    app = FastAPI()
    app.include_router(routes_of(stack.engine()))
    install_error_handlers(app)
    install_error_handlers(app)
    assert said(client_of(app).get("/users/me")) == "422 SCHEMA_ERROR"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidTokenError("expired"), 401),
        (RestrictedUserNotAllowedError(), 403),
        (ConfigurationError(["a word of the operator's"]), 503),
        (StackAuthError("a word of the operator's"), 503),
        (StackApiError(400, "SOMETHING_NEW", {"a": "word of the operator's"}), 502),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_each_kind_of_error_has_its_status(error: StackAuthError, status: int) -> None:
    app = FastAPI()
    install_error_handlers(app)

    @app.get("/")
    async def route() -> None:
        raise error

    answer = client_of(app).get("/")
    assert answer.status_code == status
    assert "operator's" not in answer.text
    assert "SOMETHING_NEW" not in answer.text
