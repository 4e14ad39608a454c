"""Apps inside apps, apps beside apps, and apps that change their event loop."""

# No "from __future__ import annotations": FastAPI cannot resolve local names that are text.

import asyncio
from types import TracebackType
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from signed_tokens import OTHER_PROJECT_ID, SERVER_KEY, Stack, bearer
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stack_fastapi import (
    CurrentClaims,
    CurrentUser,
    OptionalUser,
    StackAuth,
    StackAuthMiddleware,
    StackHTTPException,
)


@pytest.fixture
def stack() -> Stack:
    return Stack()


@pytest.fixture
def other() -> Stack:
    """Another project, with keys and users of its own."""
    return Stack(OTHER_PROJECT_ID)


def app_of(*engines: StackAuth, eager: bool = True) -> FastAPI:
    """An app behind the middleware of each engine; the last one is the innermost."""
    app = FastAPI()
    for auth in reversed(engines):
        app.add_middleware(StackAuthMiddleware, auth=auth, eager=eager)

    @app.get("/me")
    async def me(user: CurrentUser, request: Request) -> dict[str, Any]:
        return {"id": user.id, "here": request.user is user, "root": request.scope["root_path"]}

    @app.get("/claims")
    def claims(claims: CurrentClaims) -> dict[str, Any]:
        return {"id": claims.sub, "project": claims.aud}

    @app.get("/optional")
    async def optional(user: OptionalUser) -> str | None:
        return user.id if user else None

    return app


async def get(app: ASGIApp, path: str, headers: dict[str, str]) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get(path, headers=headers)


# ---------------------------------------------------------------- apps inside apps


@pytest.mark.parametrize("inner_has_it_too", [False, True], ids=["outside", "outside and inside"])
def test_a_mounted_app_of_the_same_project_shares_the_decision(
    stack: Stack, *, inner_has_it_too: bool
) -> None:
    auth = stack.engine()
    inner = app_of(auth) if inner_has_it_too else app_of()
    app = app_of(auth)
    app.mount("/inner", inner)
    user_id = stack.add_user()
    answer = TestClient(app).get("/inner/me", headers=bearer(stack.token(user_id)))
    assert answer.json() == {"id": user_id, "here": True, "root": "/inner"}
    assert stack.asked("GET /users") == 1
    assert TestClient(app).get("/inner/me").status_code == 401


def test_a_mounted_app_may_bring_the_middleware_alone(stack: Stack) -> None:
    app = app_of()
    app.mount("/inner", app_of(stack.engine()))
    client, headers = TestClient(app), stack.sign_in()
    assert client.get("/inner/me", headers=headers).status_code == 200
    assert client.get("/me", headers=headers).status_code == 503  # it is not in front of this one


@pytest.mark.parametrize("eager", [True, False], ids=["eager", "lazy"])
def test_a_mounted_app_of_another_project_knows_its_own_users_only(
    stack: Stack, other: Stack, *, eager: bool
) -> None:
    app = app_of(stack.engine(), eager=eager)
    app.mount("/inner", app_of(other.engine(), eager=eager))
    client = TestClient(app)
    ours, theirs = stack.add_user(), other.add_user()
    assert ours == theirs  # even where two users happen to have one id
    stack.users[ours]["display_name"] = "ours"
    headers = {"outer": bearer(stack.token(ours)), "inner": bearer(other.token(theirs))}
    for _ in ("cold", "warm"):
        assert client.get("/me", headers=headers["outer"]).json()["id"] == ours
        assert client.get("/inner/me", headers=headers["inner"]).json()["here"] is True
        for path, sent in (("/inner/me", "outer"), ("/me", "inner"), ("/inner/optional", "outer")):
            assert client.get(path, headers=headers[sent]).status_code == 401
    assert client.get("/inner/claims", headers=headers["inner"]).json() == {
        "id": theirs,
        "project": OTHER_PROJECT_ID,
    }
    assert stack.asked("GET /users") == other.asked("GET /users") == 1


@pytest.mark.parametrize("spoilt", ["inner", "outer"])
def test_an_app_that_is_not_set_up_does_not_take_the_users_of_another_one(
    stack: Stack, spoilt: str
) -> None:
    engines = {"inner": stack.engine(), "outer": stack.engine(), spoilt: None}
    app, inner = app_of(), app_of()
    app.add_middleware(StackAuthMiddleware, auth=engines["outer"])
    inner.add_middleware(StackAuthMiddleware, auth=engines["inner"])
    app.mount("/inner", inner)
    client, headers = TestClient(app), stack.sign_in()
    found = {
        "outer": client.get("/me", headers=headers).status_code,
        "inner": client.get("/inner/me", headers=headers).status_code,
    }
    assert found == {"inner": 200, "outer": 200, spoilt: 503}


def test_the_innermost_middleware_decides_who_is_there(stack: Stack, other: Stack) -> None:
    client = TestClient(app_of(stack.engine(), other.engine()))
    assert client.get("/me", headers=other.sign_in()).json()["here"] is True
    assert client.get("/me", headers=stack.sign_in()).status_code == 401


@pytest.mark.parametrize(("outer", "inner"), [(True, False), (False, True), (True, True)])
def test_the_same_engine_twice_signs_nobody_out(stack: Stack, *, outer: bool, inner: bool) -> None:
    auth = stack.engine()
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=auth, eager=inner)
    app.add_middleware(StackAuthMiddleware, auth=auth, eager=outer)

    @app.get("/who")
    async def who(request: Request) -> bool:
        return bool(request.user.is_authenticated)

    @app.get("/me")
    async def me(user: CurrentUser, request: Request) -> bool:
        return request.user is user

    client, headers = TestClient(app), stack.sign_in()
    assert client.get("/who", headers=headers).json() is True
    assert client.get("/me", headers=headers).json() is True


def test_a_request_made_of_another_one_is_a_request_of_its_own(stack: Stack) -> None:
    """Batch endpoints copy a scope and change its headers: they must not lend their user."""
    app = app_of(stack.engine())

    @app.get("/batch")
    async def batch(request: Request) -> list[int]:
        async def inner(headers: list[tuple[bytes, bytes]]) -> int:
            said: list[Message] = []

            async def send(message: Message) -> None:
                said.append(message)

            path = {"path": "/me", "raw_path": b"/me", "headers": headers}
            await app({**request.scope, **path}, request.receive, send)
            status: int = said[0]["status"]
            return status

        return [await inner([]), await inner([(b"authorization", b"Bearer no.such.token")])]

    assert TestClient(app).get("/batch", headers=stack.sign_in()).json() == [401, 401]


# ---------------------------------------------------------------- paths


@pytest.mark.parametrize("way", ["root path", "mount"])
def test_a_path_in_front_of_the_app_changes_nothing(stack: Stack, way: str) -> None:
    user_id = stack.add_user()
    headers = bearer(stack.token(user_id))
    if way == "root path":
        client = TestClient(app_of(stack.engine()), root_path="/api")
    else:
        client = TestClient(Starlette(routes=[Mount("/api", app=app_of(stack.engine()))]))
    answer = client.get("/api/me" if way == "mount" else "/me", headers=headers)
    assert answer.json() == {"id": user_id, "here": True, "root": "/api"}
    assert client.get("/api/me" if way == "mount" else "/me").status_code == 401


# ---------------------------------------------------------------- apps beside apps


async def test_two_projects_in_one_process_do_not_meet(stack: Stack, other: Stack) -> None:
    apps = {stack: app_of(stack.engine()), other: app_of(other.engine())}
    users = {each: [each.add_user() for _ in range(5)] for each in apps}
    assert users[stack] == users[other]  # the same ids, on purpose
    for each in apps:
        for user_id in users[each]:
            each.users[user_id]["display_name"] = each.project_id

    async def ask(each: Stack, app: Stack, user_id: str) -> tuple[bool, int]:
        answer = await get(apps[app], "/me", bearer(each.token(user_id)))
        return each is app, answer.status_code

    asked = [
        ask(each, app, user_id)
        for _ in range(3)
        for each in apps
        for app in apps
        for user_id in users[each]
    ]
    answers = await asyncio.gather(*asked)
    assert {own for own, _ in answers} == {True, False}
    assert all(status == (200 if own else 401) for own, status in answers)
    assert stack.asked("GET /users") == other.asked("GET /users") == 5


async def test_two_requests_at_once_see_their_own_users(stack: Stack) -> None:
    app = app_of(stack.engine())
    users = [stack.add_user() for _ in range(20)]
    answers = await asyncio.gather(
        *(get(app, "/me", bearer(stack.token(user_id))) for user_id in users)
    )
    assert [answer.json()["id"] for answer in answers] == users
    assert all(answer.json()["here"] for answer in answers)


# ---------------------------------------------------------------- event loops


def test_every_request_may_come_on_an_event_loop_of_its_own(stack: Stack) -> None:
    client, headers = TestClient(app_of(stack.engine())), stack.sign_in()
    for _ in range(3):
        assert client.get("/me", headers=headers).status_code == 200
    assert stack.asked("GET /users") == 1
    assert stack.asked("GET /projects") == 1
    stack.now += 61
    assert client.get("/me", headers=headers).status_code == 200
    assert stack.asked("GET /users") == 2


def test_a_test_client_may_be_entered_again_and_again(stack: Stack) -> None:
    app, headers = app_of(stack.engine()), stack.sign_in()
    for _ in range(3):
        with TestClient(app) as client:
            assert client.get("/me", headers=headers).status_code == 200
            assert client.get("/claims", headers=stack.sign_in()).status_code == 200
        assert TestClient(app).get("/me", headers=headers).status_code == 200


# ---------------------------------------------------------------- what the app gets to see


def frames(error: BaseException | None) -> list[TracebackType]:
    """All frames of an error and of what it came from."""
    found: list[TracebackType] = []
    while error is not None:
        step = error.__traceback__
        while step is not None:
            found.append(step)
            step = step.tb_next
        error = error.__cause__ or error.__context__
    return found


@pytest.mark.parametrize("eager", [True, False], ids=["eager", "lazy"])
@pytest.mark.parametrize("trouble", ["expired", "unreadable", "outage", "gone", "anonymous"])
@pytest.mark.parametrize("path", ["/me", "/claims", "/optional"])
def test_no_error_that_the_app_handles_leads_to_a_secret(
    stack: Stack, path: str, trouble: str, *, eager: bool
) -> None:
    caught: list[StackHTTPException] = []
    app = app_of(stack.engine(), eager=eager)

    async def handler(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, StackHTTPException)
        caught.append(error)
        return JSONResponse(None, status_code=error.status_code)

    app.add_exception_handler(StackHTTPException, handler)
    kind: Any = "anonymous" if trouble == "anonymous" else "normal"
    user_id = stack.add_user(kind)
    token = stack.token(user_id, kind, **({"exp": stack.now - 1} if trouble == "expired" else {}))
    if trouble == "unreadable":
        token = "no" + token
    if trouble == "gone":
        del stack.users[user_id]
    stack.down = trouble == "outage"
    TestClient(app).get(path, headers=bearer(token))
    for error in caught:
        for step in frames(error):
            if "stack_fastapi" in step.tb_frame.f_code.co_filename:
                seen = repr(step.tb_frame.f_locals)
                assert SERVER_KEY not in seen
                assert token.rsplit(".", 1)[1] not in seen
    assert caught or (path, trouble) in {
        ("/claims", "gone"),
        ("/optional", "anonymous"),
    }


async def test_who_was_found_inside_stays_inside(stack: Stack, other: Stack) -> None:
    """A middleware outside, such as an access log, looks at the scope after the answer."""
    seen: list[str] = []
    inner = app_of(other.engine())
    app = app_of(stack.engine())
    app.mount("/inner", inner)

    async def access_log(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)
        user = scope.get("user")
        seen.append("nobody" if user is None or not user.is_authenticated else user.identity)

    assert (await get(access_log, "/inner/me", other.sign_in())).status_code == 200
    assert (await get(access_log, "/me", stack.sign_in())).status_code == 200
    assert seen[0] in {"nobody", *other.users}
    assert seen[1] in {"nobody", *stack.users}
