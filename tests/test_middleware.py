"""What the middleware does to every request, and what it leaves alone."""

# No "from __future__ import annotations": FastAPI cannot resolve local names that are text.

import logging
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from signed_tokens import SERVER_KEY, Stack, bearer, code_of, refusal, said_nothing_of
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import Message, Receive, Scope, Send

from stack_fastapi import (
    CurrentClaims,
    CurrentUser,
    OptionalUser,
    StackAuth,
    StackAuthMiddleware,
    StackHTTPException,
    User,
    require_user,
)

ORIGIN = "https://app.example.com"


@pytest.fixture
def stack() -> Stack:
    return Stack()


def app_of(auth: StackAuth | None, *, eager: bool = True) -> FastAPI:
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=auth, eager=eager)

    @app.get("/public")
    async def public(request: Request) -> dict[str, Any]:
        return {"somebody": request.user.is_authenticated, "scopes": request.auth.scopes}

    @app.get("/me")
    async def me(user: CurrentUser, request: Request) -> bool:
        return request.user is user and request.auth.scopes == ["authenticated"]

    @app.get("/claims")
    async def claims(claims: CurrentClaims) -> str:
        return claims.sub

    @app.get("/optional")
    async def optional(user: OptionalUser, request: Request) -> bool:
        return user is request.user and request.auth.scopes == ["authenticated"]

    @app.get("/guests-too")
    async def guests_too(
        user: Annotated[User, Depends(require_user(allow_anonymous=True))], request: Request
    ) -> bool:
        return request.user is user and request.auth.scopes == ["authenticated"]

    return app


# ---------------------------------------------------------------- public routes stay public


def broken_token(stack: Stack) -> dict[str, str]:
    return {"Authorization": "Bearer not.a.token"}


def expired_token(stack: Stack) -> dict[str, str]:
    return bearer(stack.token(stack.add_user(), exp=stack.now - 1))


def two_tokens(stack: Stack) -> dict[str, str]:
    return {"X-Stack-Access-Token": "one", "Authorization": "Bearer two"}


def huge_token(stack: Stack) -> dict[str, str]:
    return bearer("x" * 10_000)


def outage(stack: Stack) -> dict[str, str]:
    stack.down = True
    return bearer(stack.token(stack.add_user()))


def nonsense(stack: Stack) -> dict[str, str]:
    stack.answer = refusal(418, "TEAPOT")
    return bearer(stack.token(stack.add_user()))


def anonymous(stack: Stack) -> dict[str, str]:
    return stack.sign_in("anonymous")


def gone(stack: Stack) -> dict[str, str]:
    return bearer(stack.token("99999999-9999-4999-8999-999999999999"))


@pytest.mark.parametrize("eager", [True, False], ids=["eager", "lazy"])
@pytest.mark.parametrize(
    "trouble",
    [broken_token, expired_token, two_tokens, huge_token, outage, nonsense, anonymous, gone],
)
def test_a_public_route_answers_whatever_is_wrong(
    stack: Stack, trouble: Callable[[Stack], dict[str, str]], *, eager: bool
) -> None:
    headers = trouble(stack)
    answer = TestClient(app_of(stack.engine(), eager=eager)).get("/public", headers=headers)
    assert answer.status_code == 200
    assert answer.json() == {"somebody": False, "scopes": []}


def test_a_public_route_answers_although_the_settings_are_wrong(
    stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    client = TestClient(app_of(None))
    assert client.get("/public", headers=stack.sign_in()).json()["somebody"] is False
    assert client.get("/public").status_code == 200


@pytest.mark.parametrize("path", ["/me", "/claims", "/optional", "/guests-too"])
@pytest.mark.parametrize("eager", [True, False], ids=["eager", "lazy"])
def test_with_wrong_settings_every_protected_route_is_unavailable(
    stack: Stack,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    path: str,
    *,
    eager: bool,
) -> None:
    monkeypatch.setenv("STACK_SECRET_SERVER_KEY", "a key with spaces")
    client = TestClient(app_of(None, eager=eager))
    headers = stack.sign_in()
    for sent in ({}, headers, headers):
        answer = client.get(path, headers=sent)
        assert answer.status_code == 503
        assert code_of(answer) == "AUTHENTICATION_MISCONFIGURED"
        assert int(answer.headers["Retry-After"]) >= 1
        assert "PROJECT_ID" not in answer.text
        assert "key" not in answer.text
    lines = [record for record in caplog.records if record.name == "stack_fastapi"]
    assert [record.levelno for record in lines] == [logging.CRITICAL]  # once, not once a request
    assert "STACK_PROJECT_ID" in caplog.text
    assert "STACK_SECRET_SERVER_KEY" in caplog.text
    assert said_nothing_of(["a key with spaces", *headers.values()], caplog.text)


# ---------------------------------------------------------------- whose fault it is, end to end


@pytest.mark.parametrize(
    "answer",
    [
        refusal(401, "INVALID_SECRET_SERVER_KEY"),
        refusal(400, "CURRENT_PROJECT_NOT_FOUND"),
        refusal(400, "PROJECT_KEY_WITHOUT_ACCESS_TYPE"),
        refusal(400, "SOME_PROJECT_ERROR_OF_TOMORROW"),
    ],
    ids=lambda answer: answer.headers["x-stack-known-error"],
)
def test_the_operators_mistake_is_503_and_one_error_in_the_log(
    stack: Stack, caplog: pytest.LogCaptureFixture, answer: Any
) -> None:
    client = TestClient(app_of(stack.engine()))
    headers = stack.sign_in()
    assert client.get("/claims", headers=stack.sign_in()).status_code == 200  # the keys are known
    stack.answer = answer
    caplog.clear()
    for _ in range(3):
        given = client.get("/me", headers=headers)
        assert given.status_code == 503
        assert code_of(given) == "AUTHENTICATION_MISCONFIGURED"
        assert int(given.headers["Retry-After"]) >= 1
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert answer.headers["x-stack-known-error"] in errors[0].getMessage()
    assert said_nothing_of([SERVER_KEY, *headers.values()], caplog.text)


def test_a_project_that_stack_does_not_know_is_the_operators_mistake(
    stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    """Its key set is 404 as plain text: that is where a wrong project id shows first."""
    headers = stack.sign_in()
    client = TestClient(app_of(stack.engine(project_id="00000000-0000-4000-8000-000000000000")))
    for _ in range(3):
        answer = client.get("/me", headers=headers)
        assert answer.status_code == 503
        assert code_of(answer) == "AUTHENTICATION_MISCONFIGURED"
        assert int(answer.headers["Retry-After"]) >= 1
        assert "WWW-Authenticate" not in answer.headers
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert "PROJECT_ID" in errors[0].getMessage()


def test_something_that_breaks_inside_is_503_and_never_500(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stack = Stack()
    headers = stack.sign_in()
    broken: Any = [None]  # a key set that cannot even be read as one
    stack.respond = lambda request: broken  # type: ignore[method-assign] # it is a stand-in already
    answer = TestClient(app_of(stack.engine())).get("/me", headers=headers)
    assert answer.status_code == 503
    assert code_of(answer) == "AUTHENTICATION_UNAVAILABLE"
    assert int(answer.headers["Retry-After"]) >= 1
    assert "stack_fastapi could not decide" in caplog.text
    assert said_nothing_of([SERVER_KEY, *headers.values()], caplog.text)


# ---------------------------------------------------------------- request.user and eager


def test_an_eager_middleware_knows_the_user_before_any_dependency(stack: Stack) -> None:
    answer = TestClient(app_of(stack.engine())).get("/public", headers=stack.sign_in())
    assert answer.json() == {"somebody": True, "scopes": ["authenticated"]}


def test_a_lazy_middleware_leaves_a_public_route_without_a_question(stack: Stack) -> None:
    client = TestClient(app_of(stack.engine(), eager=False))
    answer = client.get("/public", headers=stack.sign_in())
    assert answer.json() == {"somebody": False, "scopes": []}
    assert stack.questions == []


@pytest.mark.parametrize("eager", [True, False], ids=["eager", "lazy"])
@pytest.mark.parametrize("path", ["/me", "/optional", "/guests-too"])
def test_behind_a_dependency_request_user_is_the_user(
    stack: Stack, path: str, *, eager: bool
) -> None:
    client, headers = TestClient(app_of(stack.engine(), eager=eager)), stack.sign_in()
    assert client.get(path, headers=headers).json() is True, "cold"
    assert client.get(path, headers=headers).json() is True, "warm"


@pytest.mark.parametrize("eager", [True, False], ids=["eager", "lazy"])
def test_request_user_is_whom_the_route_admits_though_the_settings_do_not(
    stack: Stack, *, eager: bool
) -> None:
    client = TestClient(app_of(stack.engine(), eager=eager))
    assert client.get("/guests-too", headers=stack.sign_in("anonymous")).json() is True


@pytest.mark.parametrize("eager", [True, False], ids=["eager", "lazy"])
def test_who_was_found_by_the_engine_itself_is_request_user_behind_a_dependency(
    stack: Stack, *, eager: bool
) -> None:
    auth = stack.engine()
    app = app_of(auth, eager=eager)

    async def own(request: Request) -> None:
        assert await auth.authenticate(request) is not None

    @app.get("/own", dependencies=[Depends(own)])
    async def route(user: CurrentUser, request: Request) -> bool:
        return request.user is user

    assert TestClient(app).get("/own", headers=stack.sign_in()).json() is True
    assert stack.asked("GET /users") == 1


def test_the_engine_answers_none_for_a_guest_and_raises_for_a_bad_token(stack: Stack) -> None:
    app = app_of(stack.engine())
    auth = stack.engine()

    @app.get("/own")
    async def route(request: Request) -> bool:
        return await auth.authenticate(request) is None

    client = TestClient(app)
    assert client.get("/own").json() is True
    answer = client.get("/own", headers=broken_token(stack))
    assert answer.status_code == 401
    assert answer.json()["detail"]["code"] == "UNPARSABLE_ACCESS_TOKEN"


# ---------------------------------------------------------------- the app's own answers


@pytest.mark.parametrize("order", ["CORS outside", "CORS inside"])
@pytest.mark.parametrize(
    ("trouble", "status"), [(broken_token, 401), (outage, 503), (anonymous, 401)]
)
def test_a_browser_may_read_our_answers(
    stack: Stack, order: str, trouble: Callable[[Stack], dict[str, str]], status: int
) -> None:
    app = FastAPI()
    if order == "CORS inside":
        app.add_middleware(CORSMiddleware, allow_origins=[ORIGIN])
    app.add_middleware(StackAuthMiddleware, auth=stack.engine())
    if order == "CORS outside":
        app.add_middleware(CORSMiddleware, allow_origins=[ORIGIN])

    @app.get("/me")
    async def me(user: CurrentUser) -> str:
        return user.id

    headers = {"Origin": ORIGIN, **trouble(stack)}
    answer = TestClient(app).get("/me", headers=headers)
    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    asking = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    assert TestClient(app).options("/me", headers=asking).status_code == 200


@pytest.mark.parametrize("kind", [StarletteHTTPException, HTTPException, StackHTTPException])
def test_the_apps_own_exception_handlers_apply(stack: Stack, kind: type[Exception]) -> None:
    app = app_of(stack.engine())

    async def handler(request: Request, error: Exception) -> Response:
        assert isinstance(error, StackHTTPException)
        body = {"error": error.error.code, "status": error.status_code}
        return JSONResponse(body, status_code=418, headers=dict(error.headers or {}))

    app.add_exception_handler(kind, handler)
    answer = TestClient(app).get("/me")
    assert answer.status_code == 418
    assert answer.json() == {"error": "USER_AUTHENTICATION_REQUIRED", "status": 401}
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


# ---------------------------------------------------------------- what is not ours


@pytest.mark.parametrize("kind", ["wsgi", "webtransport", "lifespan.state"])
async def test_other_kinds_of_connections_pass_untouched(stack: Stack, kind: str) -> None:
    seen: list[tuple[Any, ...]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((scope, receive, send))

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        raise AssertionError

    scope: Scope = {"type": kind}
    await StackAuthMiddleware(app, stack.engine())(scope, receive, send)
    assert seen == [(scope, receive, send)]
    assert scope == {"type": kind}


async def test_an_error_of_the_app_passes_untouched(stack: Stack) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError

    async def never(*_: Any) -> Any:
        raise AssertionError

    scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    with pytest.raises(ZeroDivisionError):
        await StackAuthMiddleware(app, stack.engine())(scope, never, never)
