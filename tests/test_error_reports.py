"""What a collector of errors sends: the variables of every frame, and all that is in them.

Such collectors write a mapping out item by item, and an object attribute by attribute; a connection
is a mapping whose values are the headers.
"""

# No "from __future__ import annotations": FastAPI cannot resolve local names that are text.

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from fastapi.testclient import TestClient
from guarded_app import GUARDS, LocalStack, app_of as guarded_app_of
from pydantic import SecretStr
from starlette.requests import HTTPConnection, Request
from starlette.types import Receive, Scope, Send

from stack_fastapi import (
    CurrentAuth,
    CurrentClaims,
    CurrentUser,
    CurrentWebhook,
    OptionalUser,
    StackAuth,
    StackAuthError,
    StackHTTPException,
)
from stack_fastapi.testing import issue_token, signed_delivery

_DEPTH = 6
#: What a collector's report names as the place of a secret.
Leak = tuple[str, str]


def written(value: object, depth: int = _DEPTH) -> Iterator[str]:
    """All text that a collector writes of a variable, as far down as it goes."""
    yield repr(value)
    # The inside of a SecretStr is where a secret belongs; collectors show its repr.
    if depth == 0 or isinstance(value, (str, bytes, type, SecretStr, int, float)):
        return
    if isinstance(value, Mapping):
        for key, item in list(value.items()):
            yield from written(key, depth - 1)
            yield from written(item, depth - 1)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in list(value):
            yield from written(item, depth - 1)
    for item in list(getattr(value, "__dict__", {}).values()):
        yield from written(item, depth - 1)


def frames_of(error: BaseException | None) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Name and variables of the frames of an error and of what caused it."""
    while error is not None:
        trace = error.__traceback__
        while trace is not None:
            module = str(trace.tb_frame.f_globals.get("__name__"))
            name = f"{module}.{trace.tb_frame.f_code.co_name}"
            yield name, dict(trace.tb_frame.f_locals)
            trace = trace.tb_next
        error = error.__cause__ or error.__context__


def leaks_of(
    error: BaseException, secrets: tuple[str, ...], ours: str = "stack_fastapi"
) -> set[Leak]:
    """Function and variable where one of our frames shows a secret."""
    return {
        (function, variable)
        for function, variables in frames_of(error)
        if function.startswith(f"{ours}.")
        for variable, value in variables.items()
        if any(secret in text for text in written(value) for secret in secrets)
    }


class Collector:
    """Searches each error at the moment at which it is handled, as a collector does."""

    def __init__(self, app: FastAPI, *secrets: str) -> None:
        self.secrets = secrets
        self.leaks: set[Leak] = set()
        self.seen: list[Exception] = []
        app.add_exception_handler(StackHTTPException, self.answer)
        app.add_exception_handler(StackAuthError, self.answer)

    async def answer(self, request: Request, error: Exception) -> PlainTextResponse:
        self.look_at(error)
        return PlainTextResponse("", getattr(error, "status_code", 500))

    def look_at(self, error: Exception) -> None:
        self.seen.append(error)
        self.leaks |= leaks_of(error, self.secrets)


def app_of(auth: StackAuth) -> FastAPI:
    app = guarded_app_of(auth)

    @app.get("/claims")
    async def claims(claims: CurrentClaims) -> None: ...

    @app.get("/optional")
    async def optional(user: OptionalUser) -> None: ...

    @app.post("/webhook")
    async def webhook(event: CurrentWebhook) -> None: ...

    @app.get("/engine")
    async def engine(auth: CurrentAuth) -> None: ...

    @app.get("/boom")
    async def boom(user: CurrentUser) -> None:
        raise ZeroDivisionError

    return app


TEAM = "11111111-2222-4333-8444-555555555555"
PATHS = [
    *(path.replace("{team_id}", TEAM).replace("{club}", TEAM) for path in GUARDS),
    *("/user", "/principal", "/team", f"/teams/{TEAM}/current", "/everything", "/claims"),
    "/optional",
]


@pytest.fixture
def stack() -> LocalStack:
    return LocalStack.with_permissions()


def _expired(stack: LocalStack) -> str:
    return issue_token(stack.emulator, expires_in=-1)


def _forged(stack: LocalStack) -> str:
    head, payload, signature = stack.sign_in().token.split(".")
    return f"{head}.{payload}.{signature[::-1]}"


def _anonymous(stack: LocalStack) -> str:
    return stack.sign_in(type="anonymous").token


def _outage(stack: LocalStack) -> str:
    token = stack.sign_in().token
    stack.go_down()
    return token


@pytest.mark.parametrize("trouble", [_expired, _forged, _anonymous, _outage])
@pytest.mark.parametrize("path", PATHS)
def test_no_frame_of_a_guard_that_refuses_shows_the_token_or_a_key(
    stack: LocalStack, path: str, trouble: Callable[[LocalStack], str]
) -> None:
    token = trouble(stack)
    key = "sk_" + "k" * 45
    app = app_of(stack.engine())
    collector = Collector(app, token, token.split(".")[2], key)
    client = TestClient(app)
    client.get(path, headers={"X-Stack-Access-Token": token, "X-API-Key": key})
    if not (path == "/optional" and trouble is _anonymous):
        assert collector.seen
    assert collector.leaks == set()


def test_no_frame_of_the_middleware_shows_the_token_where_a_route_breaks(stack: LocalStack) -> None:
    token, collected = stack.sign_in().token, Collector(FastAPI())
    collected.secrets = (token,)
    app = app_of(stack.engine())

    async def collecting(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except ZeroDivisionError as error:
            collected.look_at(error)
            raise

    with pytest.raises(ZeroDivisionError) as broken:
        TestClient(collecting).get("/boom", headers={"X-Stack-Access-Token": token})
    assert collected.leaks == set()
    passed = [function for function, _ in frames_of(broken.value)]
    assert "stack_fastapi.middleware._connection" in passed


def test_no_frame_shows_the_headers_that_came_with_a_webhook(stack: LocalStack) -> None:
    token = stack.sign_in().token
    app = app_of(stack.engine())
    collector = Collector(app, token)
    forged = signed_delivery(stack.emulator, "user.updated", {}, secret="whsec_" + "A" * 32)
    nonsense = signed_delivery(stack.emulator, "user.updated", {"id": 3})
    for delivery in (forged, nonsense):
        headers = {**delivery.headers, "X-Stack-Access-Token": token}
        TestClient(app).post("/webhook", content=delivery.content, headers=headers)
    assert [getattr(error, "status_code", 0) for error in collector.seen] == [401, 503]
    assert collector.leaks == set()


@pytest.mark.parametrize("trouble", [_expired, _forged, _anonymous, _outage])
async def test_no_frame_of_the_engine_shows_the_token_that_it_refuses(
    stack: LocalStack, trouble: Callable[[LocalStack], str]
) -> None:
    auth, token = stack.engine(), trouble(stack)
    connection = HTTPConnection(
        {"type": "http", "headers": [(b"x-stack-access-token", token.encode())]}
    )
    for question in (auth.authenticate(connection), auth.verify(token)):
        with pytest.raises(StackAuthError) as refused:
            await question
        assert leaks_of(refused.value, (token, token.split(".")[2])) == set()


async def test_no_frame_of_the_engine_shows_the_headers_of_a_webhook(stack: LocalStack) -> None:
    token = stack.sign_in().token
    delivery = signed_delivery(stack.emulator, "user.updated", {}, secret="whsec_" + "A" * 32)
    headers = {**delivery.headers, "X-Stack-Access-Token": token}
    with pytest.raises(StackAuthError) as refused:
        await stack.engine().receive_webhook(headers, delivery.content)
    assert leaks_of(refused.value, (token,)) == set()


def test_a_route_without_the_middleware_shows_no_token(stack: LocalStack) -> None:
    token = stack.sign_in().token
    app = app_of(stack.engine())
    app.user_middleware.clear()
    collector = Collector(app, token)
    for path in (*PATHS, "/engine"):
        TestClient(app).get(path, headers={"X-Stack-Access-Token": token})
    assert len(collector.seen) == len(PATHS) + 1
    assert collector.leaks == set()


# ---------------------------------------------------------------- the search itself


class Holder:
    """An object whose repr says nothing."""

    def __init__(self, held: MutableMapping[str, Any]) -> None:
        self.held = held

    def __repr__(self) -> str:
        return "<something>"


def _fail(variable: object) -> None:
    raise LookupError


@pytest.mark.parametrize(
    "variable",
    [
        "secret-text",
        {"headers": [(b"x", b"secret-text")]},
        HTTPConnection({"type": "http", "headers": [(b"x", b"secret-text")]}),
        Holder({"deep": Holder({"er": "secret-text"})}),
    ],
    ids=["text", "scope", "connection", "object"],
)
def test_the_search_finds_what_a_collector_would_send(variable: object) -> None:
    """Else all of the above would prove nothing."""
    with pytest.raises(LookupError) as caught:
        _fail(variable)
    leaks = leaks_of(caught.value, ("secret-text",), ours=__name__)
    assert (f"{__name__}._fail", "variable") in leaks
    assert not any("secret-text" in text for text in written(SecretStr("secret-text")))
