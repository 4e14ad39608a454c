"""Starlette's own words for who is there."""

# No "from __future__ import annotations": FastAPI cannot resolve local names that are text.

from typing import Any

import pytest
from fastapi import Depends, FastAPI
from guarded_app import LocalStack
from signed_tokens import Stack
from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from stack_fastapi import StackAuthMiddleware, User, require_permission
from stack_fastapi.engine.starlette_user import GUEST, GUEST_CREDENTIALS, sign_in


def a_user() -> User:
    stack = Stack()
    return User.model_validate(stack.users[stack.add_user()])


async def who(request: Request) -> JSONResponse:
    return JSONResponse(
        {
            "authenticated": request.user.is_authenticated,
            "id": request.user.identity if request.user.is_authenticated else None,
            "scopes": request.auth.scopes,
        }
    )


@requires("authenticated")
async def members(request: Request) -> JSONResponse:
    return JSONResponse({"id": request.user.id})


@requires("authenticated", redirect="who")
async def members_or_there(request: Request) -> JSONResponse:
    return JSONResponse({"id": request.user.id})


def plain_app(stack: Stack, **options: Any) -> TestClient:
    app = Starlette(
        routes=[
            Route("/who", who, name="who"),
            Route("/members", members),
            Route("/elsewhere", members_or_there),
        ]
    )
    app.add_middleware(StackAuthMiddleware, auth=stack.engine(**options))
    return TestClient(app)


def test_a_user_is_somebody_and_may_do_what_somebody_may() -> None:
    scope: dict[str, Any] = {}
    user = a_user()
    sign_in(scope, user)
    assert scope["user"] is user
    assert scope["user"].is_authenticated
    assert scope["user"].identity == user.id
    assert scope["auth"].scopes == ["authenticated"]


def test_nobody_is_an_unauthenticated_user_who_may_do_nothing() -> None:
    scope: dict[str, Any] = {"user": a_user()}
    sign_in(scope, None)
    assert not scope["user"].is_authenticated
    assert scope["auth"].scopes == []


def test_a_plain_starlette_app_knows_its_user() -> None:
    stack = Stack()
    user_id = stack.add_user()
    answer = plain_app(stack).get("/who", headers={"X-Stack-Access-Token": stack.token(user_id)})
    assert answer.json() == {"authenticated": True, "id": user_id, "scopes": ["authenticated"]}


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer no.such.token"}])
def test_without_a_good_token_it_knows_nobody(headers: dict[str, str]) -> None:
    answer = plain_app(Stack()).get("/who", headers=headers)
    assert answer.json() == {"authenticated": False, "id": None, "scopes": []}


def test_requires_admits_a_user_and_keeps_everybody_else_out() -> None:
    stack = Stack()
    client = plain_app(stack)
    assert client.get("/members", headers=stack.sign_in()).status_code == 200
    assert client.get("/members").status_code == 403
    assert client.get("/members", headers={"Authorization": "Bearer x"}).status_code == 403


def test_requires_redirects_where_the_app_says_so() -> None:
    client = plain_app(Stack())
    answer = client.get("/elsewhere", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("http://testserver/who")


@pytest.mark.parametrize("kind", ["restricted", "anonymous"])
def test_a_type_of_user_whom_the_settings_do_not_admit_is_nobody(kind: Any) -> None:
    stack = Stack()
    assert plain_app(stack).get("/members", headers=stack.sign_in(kind)).status_code == 403
    allowed = plain_app(stack, allow_restricted=True, allow_anonymous=True)
    assert allowed.get("/members", headers=stack.sign_in(kind)).status_code == 200


def test_an_outage_makes_nobody_somebody() -> None:
    stack = Stack()
    headers = stack.sign_in()
    stack.down = True
    assert plain_app(stack).get("/members", headers=headers).status_code == 403


# ---------------------------------------------------------------- permissions as scopes


@requires("read")
async def readers(request: Request) -> JSONResponse:
    return JSONResponse(request.auth.scopes)


def app_with_permissions(stack: LocalStack, **options: Any) -> TestClient:
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=stack.engine(), **options)
    app.add_route("/readers", readers)

    @app.get("/ask", dependencies=[Depends(require_permission("read"))])
    async def ask(request: Request) -> list[str]:
        scopes: list[str] = request.auth.scopes
        return scopes

    return TestClient(app)


@pytest.mark.parametrize("eager", [True, False])
def test_permissions_are_scopes_once_they_are_known(*, eager: bool) -> None:
    stack = LocalStack()
    client = app_with_permissions(stack, eager=eager)
    alice = stack.sign_in(permissions=["read", "write"])
    assert client.get("/readers", headers=alice).status_code == 403  # nobody has asked yet
    assert client.get("/ask", headers=alice).json() == ["authenticated", "read", "write"]
    if eager:
        scopes = client.get("/readers", headers=alice).json()
        assert scopes == ["authenticated", "read", "write"]
    stack.clock.advance(60)
    assert client.get("/readers", headers=alice).status_code == 403  # known no more


def test_a_permission_of_that_name_makes_nobody_authenticated() -> None:
    stack = LocalStack()
    client = app_with_permissions(stack)
    alice = stack.sign_in(permissions=["authenticated", "read"])
    assert client.get("/ask", headers=alice).json() == ["authenticated", "authenticated", "read"]
    assert client.get("/readers").status_code == 403
    bob = stack.sign_in()
    client.get("/ask", headers=bob)
    assert client.get("/readers", headers=bob).status_code == 403


def test_an_api_key_is_nobody_to_starlette() -> None:
    stack = LocalStack()
    client = app_with_permissions(stack)
    alice = stack.sign_in(permissions=["read"])
    client.get("/ask", headers=alice)
    key = stack.emulator.create_user_api_key(alice.user.id)
    assert client.get("/readers", headers={"X-API-Key": key}).status_code == 403


def test_what_all_guests_share_keeps_nothing_of_one() -> None:
    with pytest.raises(AttributeError, match=r"request\.state"):
        GUEST.colour = "red"
    GUEST_CREDENTIALS.scopes.append("admin")
    assert GUEST_CREDENTIALS.scopes == []
    assert not GUEST.is_authenticated
