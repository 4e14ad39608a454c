"""A user without a token."""

# No "from __future__ import annotations": FastAPI cannot resolve local names that are text.

import time
from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from stack_fastapi import (
    AccessTokenClaims,
    CurrentPrincipal,
    CurrentTeam,
    Team,
    User,
    current_principal,
    current_user,
    require_api_key,
    require_permission,
    require_team_permission,
    require_user,
)
from stack_fastapi.testing import (
    StackEmulator,
    auth_for,
    fake_api_key,
    fake_user,
    override_user,
    sign_in,
)

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
    with override_user(app, None):
        assert set(statuses(TestClient(app)).values()) == {401}


SIGNED_IN = sign_in(StackEmulator())


@pytest.mark.parametrize(
    ("user", "given", "error", "says"),
    [
        ("alice", {}, TypeError, "the user is fake_user(...), the .user of"),
        (SIGNED_IN, {}, TypeError, "None for a guest, not of type SignedIn"),
        (User, {}, TypeError, "not of type"),
        (SIGNED_IN.user, {"api_key": "sk_1"}, TypeError, "api_key is fake_api_key(owner), not"),
        (SIGNED_IN.user, {"permissions": "admin"}, TypeError, "such as ['admin']"),
        (SIGNED_IN.user, {"team_permissions": {TEAM: "bill"}}, TypeError, "such as ['bill']"),
        (SIGNED_IN.user, {"team_permissions": {"acme": []}}, ValueError, "'acme' is none: pass a"),
        (SIGNED_IN.user, {"team_permissions": {TEAM.replace("1", "A"): []}}, ValueError, "lower"),
        (SIGNED_IN.user, {"team_permissions": {TEAM.replace("-", ""): []}}, ValueError, "is none"),
        (SIGNED_IN.user, {"team_permissions": {UUID(TEAM): []}}, ValueError, "str(uuid4())"),
        (SIGNED_IN.user, {"team_permissions": {None: ["read"]}}, ValueError, "None is none"),
        (None, {"permissions": ["read"]}, ValueError, "pass fake_user() for the user"),
        (None, {"team_permissions": {TEAM: []}}, ValueError, "pass fake_user() for the user"),
    ],
)
def test_what_cannot_work_is_refused_with_what_to_pass(
    user: Any, given: dict[str, Any], error: type[Exception], says: str
) -> None:
    app = app_with_permissions()
    with pytest.raises(error) as caught, override_user(app, user, **given):
        pytest.fail("it overrode")
    assert says in str(caught.value)
    assert "sk_1" not in str(caught.value)
    assert TestClient(app).get("/read").status_code == 503  # nothing stands in a middleware's place


@pytest.mark.parametrize("owner", ["x", None, SIGNED_IN])
def test_a_key_is_a_users_or_a_teams(owner: Any) -> None:
    with pytest.raises(TypeError, match=r"pass fake_user\(\), or stack_fastapi\.Team\("):
        fake_api_key(owner)


def test_a_key_alone_may_do_what_its_owner_holds() -> None:
    app = app_for_programs()
    with override_user(app, None, permissions=["read"], api_key=fake_api_key(fake_user())):
        assert TestClient(app).get("/reader-key").status_code == 200


# ---------------------------------------------------------------- second factors and API keys


def test_a_user_with_a_second_factor_passes_where_one_is_wanted() -> None:
    app, path = app_with_permissions(), "/careful"
    for user, status in ((fake_user(requires_totp_mfa=True), 200), (fake_user(), 403)):
        with override_user(app, user):
            assert TestClient(app).get(path).status_code == status


def app_for_programs() -> FastAPI:
    app = FastAPI()
    guards: dict[str, Any] = {
        "/any-key": require_api_key(),
        "/user-key": require_api_key("user"),
        "/reader-key": require_api_key("user", permission="read"),
        "/team-key": require_api_key("team"),
        "/user": require_user(),
        "/principal": current_principal,
    }
    for path, guard in guards.items():

        async def route(found: Annotated[Any, Depends(guard)]) -> str:
            return type(found).__name__

        app.add_api_route(path, route)
    return app


def outcomes(client: TestClient) -> list[str]:
    paths = ("/any-key", "/user-key", "/reader-key", "/team-key", "/user", "/principal")
    answers = [client.get(path) for path in paths]
    return [
        str(answer.json() if answer.status_code == 200 else code_of(answer)) for answer in answers
    ]


def test_an_api_key_of_the_user_counts_where_keys_do() -> None:
    app, alice = app_for_programs(), fake_user()
    with override_user(app, alice, permissions=["read"], api_key=fake_api_key(alice)):
        assert outcomes(TestClient(app)) == [
            *["UserApiKeyPrincipal"] * 3,
            "WRONG_API_KEY_TYPE",
            "User",
            "UserPrincipal",
        ]


def test_a_program_comes_with_its_key_alone() -> None:
    app, alice = app_for_programs(), fake_user()
    with override_user(app, None, api_key=fake_api_key(alice)):
        assert outcomes(TestClient(app)) == [
            *["UserApiKeyPrincipal"] * 2,
            "PROJECT_PERMISSION_REQUIRED",
            "WRONG_API_KEY_TYPE",
            "USER_AUTHENTICATION_REQUIRED",
            "UserApiKeyPrincipal",
        ]
    team = Team(id=TEAM, display_name="Acme")
    with override_user(app, None, api_key=fake_api_key(team)):
        assert outcomes(TestClient(app)) == [
            "TeamApiKeyPrincipal",
            *["WRONG_API_KEY_TYPE"] * 2,
            "TeamApiKeyPrincipal",
            "USER_AUTHENTICATION_REQUIRED",
            "TeamApiKeyPrincipal",
        ]


def test_a_key_whose_owner_is_somebody_else_or_not_admitted_is_refused() -> None:
    app, guest = app_for_programs(), fake_user(is_anonymous=True)
    with override_user(app, fake_user(), api_key=fake_api_key(fake_user())):
        assert outcomes(TestClient(app))[0] == "AMBIGUOUS_CREDENTIALS"
    with override_user(app, None, api_key=fake_api_key(guest)):
        assert outcomes(TestClient(app))[0] == "ANONYMOUS_AUTHENTICATION_NOT_ALLOWED"


def test_a_made_up_key_says_whose_it_is() -> None:
    alice, team = fake_user(), Team(id=TEAM, display_name="Acme")
    users, teams = fake_api_key(alice), fake_api_key(team)
    assert (users.user, users.key.type, users.key.user_id) == (alice, "user", alice.id)
    assert (teams.team, teams.key.type, teams.key.team_id) == (team, "team", team.id)
    assert (users.key.team_id, teams.key.user_id) == (None, None)


@pytest.mark.parametrize("field", ["permissions", "team_permissions", "team"])
def test_a_user_who_is_asked_to_carry_permissions_names_the_function_that_takes_them(
    field: str,
) -> None:
    with pytest.raises(ValueError, match=rf"^{field}: .*override_user\(app, fake_user\(\), perm"):
        fake_user(**{field: ["read"]})  # type: ignore[arg-type]  # as a test would by mistake


# ---------------------------------------------------------------- FastAPI's own overrides


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


@pytest.mark.parametrize("make", [lambda guard: guard, lambda _: require_user], ids=["it", "maker"])
def test_an_override_that_cannot_count_is_explained_once(
    caplog: pytest.LogCaptureFixture, make: Any
) -> None:
    app = create_app(auth_for(StackEmulator()))
    app.dependency_overrides[make(current_user)] = fake_user
    client = TestClient(app)
    assert [client.get("/careful").status_code for _ in range(3)] == [401] * 3
    (line,) = warnings_in(caplog)
    assert "stack_fastapi.testing.override_user(app, user)" in line


def test_an_override_opens_nothing_but_the_dependency_that_it_names() -> None:
    app, alice = create_app(auth_for(StackEmulator())), fake_user()
    app.dependency_overrides[current_user] = lambda: alice
    client = TestClient(app)
    assert client.get("/me").json() == alice.id
    assert {client.get(path).status_code for path in ("/any", "/careful", "/claims")} == {401}


def test_other_overrides_need_no_explanation(caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(auth_for(StackEmulator()))
    app.dependency_overrides[app_for_programs] = fake_user
    assert TestClient(app).get("/careful").status_code == 401
    assert warnings_in(caplog) == []
