"""Signed-in users, tokens and engines, without pytest's fixtures."""

from __future__ import annotations

from typing import Any

import httpx
import httpx2
import pytest
from fastapi import FastAPI, WebSocket
from fastapi.testclient import TestClient

import stack_fastapi.testing
from stack_fastapi import CurrentUser, StackAuthMiddleware, StackAuthSettings, User
from stack_fastapi.emulator import KnownError
from stack_fastapi.testing import (
    SignedIn,
    StackEmulator,
    auth_for,
    fake_user,
    issue_token,
    settings_for,
    sign_in,
)

from .protected_app import create_app

EMAIL = "alice@example.com"


@pytest.fixture
def stack() -> StackEmulator:
    return StackEmulator()


@pytest.fixture
def client(stack: StackEmulator) -> TestClient:
    return TestClient(create_app(auth_for(stack)))


def code_of(answer: Any) -> str:
    return str(answer.json()["detail"]["code"])


def test_the_object_itself_is_the_headers(stack: StackEmulator, client: TestClient) -> None:
    me = sign_in(stack, primary_email=EMAIL)
    for headers in (me, me.headers, me.bearer, {**me}):
        assert client.get("/me", headers=headers).json() == me.user.id
    assert len(me) == 1
    assert me["X-Stack-Access-Token"] == me.token == me.tokens.access_token


def test_a_request_does_not_change_who_is_signed_in(stack: StackEmulator) -> None:
    """Starlette's test client writes into the headers of a WebSocket."""
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=auth_for(stack))

    @app.websocket("/ws")
    async def ws(websocket: WebSocket, user: CurrentUser) -> None:
        await websocket.accept()
        await websocket.send_text(user.id)
        await websocket.close()

    alice, client = sign_in(stack), TestClient(app)
    with pytest.raises(TypeError, match=r"headers=alice\.headers"):
        client.websocket_connect("/ws", headers=alice)
    with client.websocket_connect("/ws", headers=alice.headers) as session:
        assert session.receive_text() == alice.user.id
    assert list(alice) == ["X-Stack-Access-Token"]


def test_the_user_is_the_one_that_routes_see(stack: StackEmulator) -> None:
    me = sign_in(stack, primary_email=EMAIL, display_name="Alice")
    assert isinstance(me.user, User)
    assert (me.user.primary_email, me.user.display_name) == (EMAIL, "Alice")


def test_no_repr_shows_a_token(stack: StackEmulator) -> None:
    me = sign_in(stack)
    assert me.token not in repr(me)
    assert me.tokens.refresh_token not in repr(me)
    assert me.user.id in repr(me)


@pytest.mark.parametrize(
    ("type_", "status", "code"),
    [
        ("anonymous", 401, "ANONYMOUS_AUTHENTICATION_NOT_ALLOWED"),
        ("restricted", 403, "RESTRICTED_USER_NOT_ALLOWED"),
    ],
)
def test_other_types_of_users(
    stack: StackEmulator, client: TestClient, type_: Any, status: int, code: str
) -> None:
    me = sign_in(stack, type=type_)
    refused = client.get("/me", headers=me)
    assert (refused.status_code, code_of(refused)) == (status, code)
    assert me.user.user_type == type_


def test_permissions_and_teams(stack: StackEmulator) -> None:
    me = sign_in(stack, permissions=["read"], team="Acme", team_permissions=["bill", "pay"])
    assert me.team is not None
    other = sign_in(stack, permissions=["read"], team=me.team, team_permissions=["bill"])
    assert other.team is me.team
    project = stack.project
    assert [user.permissions for user in project.users.values()] == [{"read"}, {"read"}]
    held = [item.permissions for item in project.memberships_of(team_id=me.team.id)]
    assert held == [{"team_member", "bill", "pay"}, {"team_member", "bill"}]
    assert sign_in(stack).team is None


def test_a_type_of_user_that_there_is_not(stack: StackEmulator) -> None:
    with pytest.raises(ValueError, match="normal, restricted, anonymous, not 'admin'"):
        sign_in(stack, type="admin")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["permissions", "team_permissions"])
def test_one_text_is_no_list_of_permissions(stack: StackEmulator, name: str) -> None:
    given: dict[str, Any] = {name: "read"}
    with pytest.raises(TypeError, match=r"such as \['read'\]"):
        sign_in(stack, team="Acme", **given)
    assert stack.project.users == {}


def test_team_permissions_need_a_team(stack: StackEmulator) -> None:
    with pytest.raises(ValueError, match="need a team"):
        sign_in(stack, team_permissions=["bill"])
    with pytest.raises(ValueError, match="nickname"):
        sign_in(stack, nickname="Al")


def test_another_project(stack: StackEmulator) -> None:
    several = StackEmulator({"projects": {"one": {"id": "1"}, "two": {"id": "2"}}})
    me = sign_in(several, project="two", permissions=["read"], team="T", team_permissions=["t"])
    assert list(several.projects["two"].users) == [me.user.id]
    clients = {
        name: TestClient(create_app(auth_for(several, project=name))) for name in ("one", "two")
    }
    assert clients["two"].get("/me", headers=me).json() == me.user.id
    assert clients["one"].get("/me", headers=me).status_code == 401


def test_settings_may_be_changed(stack: StackEmulator) -> None:
    settings = settings_for(stack, allow_anonymous=True)
    assert isinstance(settings, StackAuthSettings)
    assert settings.allow_anonymous
    assert settings.secret_server_key.get_secret_value() == stack.project.secret_server_key
    client = TestClient(create_app(auth_for(stack, allow_anonymous=True)))
    assert client.get("/me", headers=sign_in(stack, type="anonymous")).status_code == 200


def test_the_engine_goes_by_the_clock_of_the_emulator() -> None:
    now = [1_800_000_000.0]
    stack = StackEmulator(clock=lambda: now[0])
    client = TestClient(create_app(auth_for(stack)))
    me = sign_in(stack)
    assert client.get("/me", headers=me).status_code == 200
    now[0] += 600
    assert code_of(client.get("/me", headers=me)) == "ACCESS_TOKEN_EXPIRED"


@pytest.mark.parametrize("library", [httpx, httpx2])
async def test_with_an_asynchronous_client(stack: StackEmulator, library: Any) -> None:
    app, me = create_app(auth_for(stack)), sign_in(stack)
    transport = library.ASGITransport(app=app)
    async with library.AsyncClient(transport=transport, base_url="http://app") as client:
        answer = await client.get("/me", headers=me)
    assert answer.json() == me.user.id


# ---------------------------------------------------------------- tokens


def test_a_token_that_has_expired(stack: StackEmulator, client: TestClient) -> None:
    for seconds, expected in ((-1, 401), (-10_000, 401), (10, 200), (5_000, 200)):
        token = issue_token(stack, expires_in=seconds)
        answer = client.get("/me", headers={"X-Stack-Access-Token": token})
        assert answer.status_code == expected
        if expected == 401:
            assert code_of(answer) == "ACCESS_TOKEN_EXPIRED"


def test_a_token_says_what_it_is_told(stack: StackEmulator, client: TestClient) -> None:
    me = sign_in(stack)
    token = issue_token(stack, me.user.id, name="Mallory")
    claims = client.get("/claims", headers={"X-Stack-Access-Token": token}).json()
    assert (claims["sub"], claims["name"]) == (me.user.id, "Mallory")
    with pytest.raises(KnownError):
        issue_token(stack, "nobody")
    wrong = issue_token(stack, me.user.id, aud="elsewhere")
    assert client.get("/me", headers={"X-Stack-Access-Token": wrong}).status_code == 401


# ---------------------------------------------------------------- users who are nobody


def test_a_fake_user_has_every_field(stack: StackEmulator) -> None:
    user = fake_user(primary_email=EMAIL)
    real = sign_in(stack, primary_email=EMAIL).user
    assert user.model_dump().keys() == real.model_dump().keys()
    assert user.primary_email == EMAIL
    assert fake_user(id="chosen").id == "chosen"
    assert fake_user().id != fake_user().id
    with pytest.raises(ValueError, match="nickname"):
        fake_user(nickname="Al")


# ---------------------------------------------------------------- the package


def test_every_name_is_there() -> None:
    module = stack_fastapi.testing
    assert sorted(module.__all__) == module.__all__
    assert sorted(module._HOMES) == sorted(module.__all__)
    for name in module.__all__:
        assert getattr(module, name).__name__ == name
    assert module.SignedIn is SignedIn
    with pytest.raises(AttributeError, match="nonsense"):
        module.nonsense  # noqa: B018 - that it raises is the point
