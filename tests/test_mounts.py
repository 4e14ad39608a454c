"""Apps in apps: each request is judged by the innermost middleware, on its own headers."""

# No "from __future__ import annotations": FastAPI cannot resolve local names that are text.

from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from guarded_app import LocalStack
from starlette.middleware.base import BaseHTTPMiddleware

from stack_fastapi import CurrentPrincipal, CurrentUser, OptionalUser, StackAuthMiddleware
from stack_fastapi.emulator import StackEmulator
from stack_fastapi.testing import SignedIn, auth_for, sign_in


class SeenAfter(BaseHTTPMiddleware):
    """Looks at ``request.user`` from outside when all is over."""

    seen: Any = None

    async def dispatch(self, request: Request, call_next: Any) -> Any:
        response = await call_next(request)
        type(self).seen = getattr(request.scope.get("user"), "id", None)
        return response


class WithoutToken(BaseHTTPMiddleware):
    """Takes the token out of the headers."""

    async def dispatch(self, request: Request, call_next: Any) -> Any:
        headers = request.scope["headers"]
        request.scope["headers"] = [item for item in headers if item[0] != b"x-stack-access-token"]
        return await call_next(request)


def with_routes() -> FastAPI:
    app = FastAPI()

    @app.get("/me")
    async def me(user: CurrentUser, request: Request) -> Any:
        return [user.id, request.user.id]

    @app.get("/optional")
    async def optional(user: OptionalUser, request: Request) -> Any:
        return [user and user.id, request.user.is_authenticated]

    @app.get("/who")
    async def who(principal: CurrentPrincipal) -> Any:
        return type(principal).__name__

    return app


class World:
    """An app of one project, with an app of another mounted in it and one of none."""

    def __init__(self) -> None:
        other = {"projects": {"main": {"id": "11111111-1111-4111-8111-111111111111"}}}
        stacks = {"outer": StackEmulator(), "inner": StackEmulator(other)}
        self.users = {name: sign_in(stack) for name, stack in stacks.items()}
        outer, inner, bare = with_routes(), with_routes(), with_routes()
        outer.add_middleware(SeenAfter)
        outer.add_middleware(StackAuthMiddleware, auth=auth_for(stacks["outer"]))
        inner.add_middleware(StackAuthMiddleware, auth=auth_for(stacks["inner"]))
        outer.mount("/inner", inner)
        outer.mount("/bare", bare)
        self.client = TestClient(outer, raise_server_exceptions=False)


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("path", ["/me", "/optional", "/who"])
@pytest.mark.parametrize(
    ("mount", "project"), [("", "outer"), ("/bare", "outer"), ("/inner", "inner")]
)
@pytest.mark.parametrize("caller", ["outer", "inner"])
def test_the_innermost_middleware_decides(
    world: World, mount: str, project: str, caller: str, path: str
) -> None:
    user: SignedIn = world.users[caller]
    answer = world.client.get(mount + path, headers=user)
    if caller != project:
        assert answer.status_code == 401
        assert answer.json()["detail"]["code"] in {
            "UNPARSABLE_ACCESS_TOKEN",
            "INVALID_PROJECT_FOR_ACCESS_TOKEN",
        }
    else:
        said = {"/me": [user.user.id] * 2, "/optional": [user.user.id, True]}
        assert answer.status_code == 200
        assert answer.json() == said.get(path, "UserPrincipal")
    # A middleware further out sees whom the same decision admitted, and nobody else.
    assert SeenAfter.seen == (user.user.id if caller == project else None)


@pytest.mark.parametrize("path", ["/me", "/who"])
@pytest.mark.parametrize(
    ("order", "allowed"), [("inside", {"/me": 200, "/who": 401}), ("outside", {})]
)
def test_headers_that_a_middleware_takes_away_prove_nothing_to_what_comes_after(
    order: str, allowed: dict[str, int], path: str
) -> None:
    stack, app = LocalStack(), with_routes()
    if order == "inside":
        app.add_middleware(WithoutToken)
    app.add_middleware(StackAuthMiddleware, auth=stack.engine())
    if order == "outside":
        app.add_middleware(WithoutToken)
    answer = TestClient(app).get(path, headers=stack.sign_in())
    assert answer.status_code == allowed.get(path, 401)
