"""A user without a token."""

# No "from __future__ import annotations": FastAPI cannot resolve local names that are text.

import time
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from stack_fastapi import (
    AccessTokenClaims,
    CurrentPrincipal,
    CurrentTeam,
    User,
    require_api_key,
    require_permission,
    require_team_permission,
    require_user,
)
from stack_fastapi.testing import StackEmulator, auth_for, fake_user, override_user, sign_in

from .protected_app import create_app


def apps() -> Iterator[tuple[str, FastAPI]]:
    yield "signed out", create_app(auth_for(StackEmulator()))
    yield "without settings", create_app()
    yield "without middleware", create_app(with_middleware=False)


@pytest.fixture(params=["signed out", "without settings", "without middleware"])
def app(request: pytest.FixtureRequest) -> FastAPI:
    return dict(apps())[request.param]


@pytest.fixture
def user() -> User:
    return fake_user(
        primary_email="alice@example.com", primary_email_verified=True, display_name="Alice"
    )


PATHS = ("/me", "/any", "/careful", "/guest", "/request", "/inner/me", "/mounted/me")


def test_every_way_to_ask_gives_the_user(app: FastAPI, user: User) -> None:
    client = TestClient(app)
    with override_user(app, user):
        assert {path: client.get(path).json() for path in PATHS} == dict.fromkeys(PATHS, user.id)
        claims = AccessTokenClaims.model_validate(client.get("/claims").json())
        assert (claims.sub, claims.email, claims.name) == (user.id, user.primary_email, "Alice")
        assert claims.iat <= time.time() < claims.exp
        with client.websocket_connect("/ws") as socket:
            assert socket.receive_text() == user.id


def test_it_ends_with_the_block(user: User) -> None:
    app = create_app(auth_for(StackEmulator()))
    client = TestClient(app)
    before = app.router.middleware_stack
    with pytest.raises(LookupError), override_user(app, user):
        raise LookupError
    assert app.router.middleware_stack == before
    assert client.get("/me").status_code == 401


def test_the_inner_one_counts(app: FastAPI, user: User) -> None:
    client = TestClient(app)
    with override_user(app, user):
        with override_user(app, fake_user(id="inner")):
            assert client.get("/me").json() == "inner"
        assert client.get("/me").json() == user.id


def test_a_token_that_is_sent_does_not_count(user: User) -> None:
    stack = StackEmulator()
    app = create_app(auth_for(stack))
    with override_user(app, user):
        assert TestClient(app).get("/me", headers=sign_in(stack)).json() == user.id


def code_of(answer: Any) -> str:
    return str(answer.json()["detail"]["code"])


def test_the_routes_policies_still_hold(app: FastAPI) -> None:
    client = TestClient(app)
    with override_user(app, fake_user(is_anonymous=True)):
        refused = client.get("/me")
        assert refused.status_code == 401
        assert code_of(refused) == "ANONYMOUS_AUTHENTICATION_NOT_ALLOWED"
        assert client.get("/any").status_code == 200
        assert client.get("/guest").json() is None
        assert client.get("/request").json() is None
    with override_user(app, fake_user(restricted_by_admin=True)):
        assert code_of(client.get("/me")) == "RESTRICTED_USER_NOT_ALLOWED"
    with override_user(app, fake_user(primary_email="alice@example.com")):
        assert code_of(client.get("/careful")) == "EMAIL_NOT_VERIFIED"


def test_the_settings_policy_counts() -> None:
    app = create_app(auth_for(StackEmulator(), allow_anonymous=True))
    with override_user(
        app,
        fake_user(
            is_anonymous=True,
        ),
    ):
        assert TestClient(app).get("/me").status_code == 200


def test_a_guest(app: FastAPI) -> None:
    client = TestClient(app)
    with override_user(app, None):
        for path in ("/me", "/any", "/careful", "/claims"):
            assert code_of(client.get(path)) == "USER_AUTHENTICATION_REQUIRED"
        assert client.get("/guest").json() is None
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws"):
            pytest.fail("it opened")


def test_the_lifespan_is_the_apps_own(user: User) -> None:
    app = create_app(auth_for(StackEmulator()))
    with override_user(app, user), TestClient(app) as client:
        assert client.get("/me").json() == user.id


# ---------------------------------------------------------------- what the user may do


def app_with_permissions() -> FastAPI:
    app = FastAPI()

    @app.get("/read", dependencies=[Depends(require_permission("read"))])
    async def read(request: Request) -> list[str]:
        scopes: list[str] = request.auth.scopes
        return scopes

    @app.get("/{team_id}/bill", dependencies=[Depends(require_team_permission("bill", max_age=0))])  # noqa: FAST003 - the guard reads it
    async def bill() -> None: ...

    @app.get("/team/{team_id}")  # noqa: FAST003 - the same
    async def team(team: CurrentTeam) -> str:
        return team.id

    @app.get("/careful", dependencies=[Depends(require_user(live_session=True, mfa=True))])
    async def careful() -> None: ...

    @app.get("/who")
    async def who(principal: CurrentPrincipal) -> str:
        return type(principal).__name__

    @app.get("/key", dependencies=[Depends(require_api_key())])
    async def keyed() -> None: ...

    return app


TEAM = "11111111-2222-4333-8444-555555555555"


def statuses(client: TestClient) -> dict[str, int]:
    paths = ("/read", f"/{TEAM}/bill", f"/team/{TEAM}", "/careful", "/who", "/key")
    headers = {"X-API-Key": "whatever the request carries"}
    return {path: client.get(path, headers=headers).status_code for path in paths}


def test_the_user_may_do_what_the_test_says() -> None:
    app, alice = app_with_permissions(), fake_user(totp_secret_base64="c2VjcmV0")
    client = TestClient(app)
    with override_user(app, alice, permissions=["read"], team_permissions={TEAM: ["bill"]}):
        assert client.get("/read").json() == ["authenticated", "read"]
        assert client.get(f"/team/{TEAM}").json() == TEAM
        assert client.get("/who").json() == "UserPrincipal"
        assert list(statuses(client).values()) == [200, 200, 200, 200, 200, 401]


def test_the_user_may_do_nothing_that_the_test_does_not_say() -> None:
    app = app_with_permissions()
    with override_user(app, fake_user()):
        assert list(statuses(TestClient(app)).values()) == [403, 403, 403, 403, 200, 401]
    with override_user(app, fake_user(), team_permissions={TEAM: []}):
        assert list(statuses(TestClient(app)).values()) == [403, 403, 200, 403, 200, 401]
    with override_user(app, None, permissions=["read"]):
        assert set(statuses(TestClient(app)).values()) == {401}
