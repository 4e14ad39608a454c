"""The dependencies: on every kind of route, in every place where FastAPI takes one."""

# No "from __future__ import annotations": FastAPI cannot resolve local names that are text.

import logging
from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, Security
from fastapi.testclient import TestClient
from signed_tokens import Stack, bearer, code_of

from stack_fastapi import (
    CurrentClaims,
    CurrentUser,
    OptionalUser,
    StackAuthMiddleware,
    StackHTTPException,
    User,
    current_claims,
    current_user,
    optional_user,
    require_api_key,
    require_permission,
    require_team_member,
    require_team_permission,
    require_user,
)
from stack_fastapi.models import AccessTokenClaims

StrictUser = Annotated[User, Depends(require_user(verified_email=True))]


@pytest.fixture
def stack() -> Stack:
    return Stack()


def guarded(stack: Stack, app: FastAPI | None = None, **settings: Any) -> FastAPI:
    app = app or FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=stack.engine(**settings))
    return app


def app_with_every_kind_of_route(stack: Stack) -> FastAPI:
    app = guarded(stack)

    @app.get("/async/user")
    async def async_user(user: CurrentUser) -> str:
        return user.id

    @app.get("/sync/user")
    def sync_user(user: CurrentUser) -> str:
        return user.id

    @app.get("/async/claims")
    async def async_claims(claims: CurrentClaims) -> str:
        return claims.user_id

    @app.get("/sync/claims")
    def sync_claims(claims: CurrentClaims) -> str:
        return claims.user_id

    @app.get("/async/required")
    async def async_required(user: StrictUser) -> str:
        return user.id

    @app.get("/sync/required")
    def sync_required(user: StrictUser) -> str:
        return user.id

    @app.get("/async/optional")
    async def async_optional(user: OptionalUser) -> str:
        return user.id if user else "a guest"

    @app.get("/sync/optional")
    def sync_optional(user: OptionalUser) -> str:
        return user.id if user else "a guest"

    return app


KINDS = [f"/{way}/{what}" for way in ("async", "sync") for what in ("user", "claims", "required")]


@pytest.mark.parametrize("path", [*KINDS, "/async/optional", "/sync/optional"])
def test_every_kind_of_route_knows_its_user(stack: Stack, path: str) -> None:
    user_id = stack.add_user()
    client = TestClient(app_with_every_kind_of_route(stack))
    answer = client.get(path, headers=bearer(stack.token(user_id)))
    assert (answer.status_code, answer.json()) == (200, user_id)


@pytest.mark.parametrize("path", KINDS)
def test_every_kind_of_route_asks_a_guest_to_sign_in(stack: Stack, path: str) -> None:
    answer = TestClient(app_with_every_kind_of_route(stack)).get(path)
    assert answer.status_code == 401
    assert code_of(answer) == "USER_AUTHENTICATION_REQUIRED"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert "error" not in answer.headers["WWW-Authenticate"]
    assert stack.questions == []


@pytest.mark.parametrize("path", ["/async/optional", "/sync/optional"])
def test_an_optional_user_is_none_for_a_guest(stack: Stack, path: str) -> None:
    answer = TestClient(app_with_every_kind_of_route(stack)).get(path)
    assert (answer.status_code, answer.json()) == (200, "a guest")


@pytest.mark.parametrize("path", [*KINDS, "/async/optional", "/sync/optional"])
def test_a_bad_credential_is_401_on_every_kind_of_route(stack: Stack, path: str) -> None:
    client = TestClient(app_with_every_kind_of_route(stack))
    answer = client.get(path, headers=bearer(stack.token(stack.add_user(), exp=stack.now - 1)))
    assert answer.status_code == 401
    assert code_of(answer) == "ACCESS_TOKEN_EXPIRED"
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert stack.asked("GET /users") == 0


@pytest.mark.parametrize("path", [*KINDS, "/async/optional", "/sync/optional"])
def test_two_tokens_that_differ_are_refused_on_every_kind_of_route(stack: Stack, path: str) -> None:
    one, other = stack.add_user(), stack.add_user()
    headers = {"X-Stack-Access-Token": stack.token(one), **bearer(stack.token(other))}
    answer = TestClient(app_with_every_kind_of_route(stack)).get(path, headers=headers)
    assert answer.status_code == 401
    assert code_of(answer) == "AMBIGUOUS_CREDENTIALS"
    assert 'error="invalid_request"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("path", [*KINDS, "/async/optional", "/sync/optional"])
def test_an_outage_is_503_on_every_kind_of_route(stack: Stack, path: str) -> None:
    headers = stack.sign_in()
    stack.down = True
    answer = TestClient(app_with_every_kind_of_route(stack)).get(path, headers=headers)
    assert answer.status_code == 503
    assert code_of(answer) == "STACK_UNAVAILABLE"
    assert int(answer.headers["Retry-After"]) >= 1
    assert "WWW-Authenticate" not in answer.headers


@pytest.mark.parametrize("path", [*KINDS, "/async/optional", "/sync/optional"])
def test_without_the_middleware_every_kind_of_route_says_which_line_is_missing(
    stack: Stack, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = app_with_every_kind_of_route(stack)
    app.user_middleware.clear()
    for headers in ({}, stack.sign_in()):
        answer = TestClient(app).get(path, headers=headers)
        assert answer.status_code == 503
        assert code_of(answer) == "STACK_AUTH_MIDDLEWARE_MISSING"
        assert "app.add_middleware(stack_fastapi.StackAuthMiddleware)" in answer.text
        assert int(answer.headers["Retry-After"]) >= 1
    lines = [record for record in caplog.records if record.name == "stack_fastapi"]
    assert lines
    assert all(record.levelno >= logging.ERROR for record in lines)
    assert "app.add_middleware(stack_fastapi.StackAuthMiddleware)" in caplog.text


@pytest.mark.parametrize("dependency", [current_user, current_claims, require_user()])
def test_a_whole_app_can_be_guarded(stack: Stack, dependency: Any) -> None:
    app = guarded(stack, FastAPI(dependencies=[Depends(dependency)]))

    @app.get("/")
    async def route(request: Request) -> str:
        return str(request.user.identity)

    user_id = stack.add_user()
    client = TestClient(app)
    assert client.get("/").status_code == 401
    assert client.get("/", headers=bearer(stack.token(user_id))).json() == user_id


@pytest.mark.parametrize("dependency", [current_user, current_claims, require_user()])
@pytest.mark.parametrize("where", ["router", "inclusion", "decorator"])
def test_a_router_and_a_single_route_can_be_guarded(
    stack: Stack, dependency: Any, where: str
) -> None:
    app, guard = guarded(stack), [Depends(dependency)]
    router = APIRouter(prefix="/items", dependencies=guard if where == "router" else [])

    @router.get("/", dependencies=guard if where == "decorator" else [])
    def route() -> str:
        return "inside"

    app.include_router(router, dependencies=guard if where == "inclusion" else [])
    client = TestClient(app)
    assert client.get("/items/").status_code == 401
    assert client.get("/items/", headers=stack.sign_in()).json() == "inside"


def test_all_dependencies_of_a_request_share_one_decision(stack: Stack) -> None:
    async def name(user: CurrentUser) -> User:
        return user

    def also(claims: CurrentClaims, user: OptionalUser) -> tuple[AccessTokenClaims, User | None]:
        return claims, user

    async def generator(user: CurrentUser) -> AsyncIterator[User]:
        yield user

    class Account:
        def __init__(self, user: StrictUser, request: Request) -> None:
            self.user = user
            self.seen = request.user

    app = guarded(stack, FastAPI(dependencies=[Depends(current_user)]))

    @app.get("/")
    def route(
        user: CurrentUser,
        named: Annotated[User, Depends(name)],
        both: Annotated[tuple[AccessTokenClaims, User | None], Depends(also)],
        yielded: Annotated[User, Depends(generator)],
        account: Annotated[Account, Depends()],
    ) -> bool:
        users = (named, both[1], yielded, account.user, account.seen)
        return all(one is user for one in users) and both[0].user_id == user.id

    headers = stack.sign_in()
    assert TestClient(app).get("/", headers=headers).json() is True
    assert stack.asked("GET /users") == 1
    assert stack.asked("GET /projects") == 1


def test_a_failure_is_found_out_once_for_all_dependencies(stack: Stack) -> None:
    app = guarded(stack)
    told: list[str] = []

    async def catching(request: Request) -> None:
        for dependency in (current_user, optional_user, current_user):
            with pytest.raises(StackHTTPException) as refused:
                await dependency(request)
            told.append(refused.value.error.code)

    @app.get("/", dependencies=[Depends(catching)])
    async def route() -> None: ...

    headers = bearer(stack.token("99999999-9999-4999-8999-999999999999"))
    assert TestClient(app).get("/", headers=headers).status_code == 200
    assert told == ["CANNOT_GET_OWN_USER_WITHOUT_USER"] * 3
    assert stack.asked("GET /users") == 1


def test_all_that_want_it_fresh_ask_once(stack: Stack) -> None:
    app = guarded(stack)

    @app.get("/")
    async def route(
        one: Annotated[User, Depends(require_user(max_age=0))],
        other: Annotated[User, Depends(require_user(max_age=0, allow_anonymous=True))],
    ) -> bool:
        return one is other

    client, headers = TestClient(app), stack.sign_in()
    client.get("/", headers=headers)
    stack.now += 1
    stack.questions.clear()
    assert client.get("/", headers=headers).json() is True
    assert stack.questions == [f"GET /users/{next(iter(stack.users))}"]


def test_a_dependency_can_be_overridden_as_any_other(stack: Stack) -> None:
    strict = require_user(max_age=0)
    app = guarded(stack)
    somebody = User.model_validate(stack.users[stack.add_user()])

    @app.get("/user")
    async def user_route(user: CurrentUser) -> str:
        return user.id

    @app.get("/strict")
    async def strict_route(user: Annotated[User, Depends(strict)]) -> str:
        return user.id

    @app.get("/claims")
    async def claims_route(claims: CurrentClaims) -> str:
        return claims.sub

    @app.get("/optional")
    async def optional_route(user: OptionalUser) -> str:
        return user.id if user else "a guest"

    app.dependency_overrides = {
        current_user: lambda: somebody,
        strict: lambda: somebody,
        optional_user: lambda: somebody,
    }
    client = TestClient(app)
    for path in ("/user", "/strict", "/optional"):
        assert client.get(path).json() == somebody.id
    assert client.get("/claims").status_code == 401  # was not overridden
    app.dependency_overrides = {}
    assert client.get("/user").status_code == 401
    assert client.get("/strict").status_code == 401
    assert client.get("/optional").json() == "a guest"
    assert stack.questions == []


def test_an_override_needs_no_middleware() -> None:
    app = FastAPI()
    stack = Stack()
    somebody = User.model_validate(stack.users[stack.add_user()])

    @app.get("/")
    async def route(user: CurrentUser) -> str:
        return user.id

    app.dependency_overrides[current_user] = lambda: somebody
    assert TestClient(app).get("/").json() == somebody.id


def test_security_with_scopes_guards_like_depends(stack: Stack) -> None:
    app = guarded(stack)

    @app.get("/")
    async def route(user: Annotated[User, Security(current_user, scopes=["items"])]) -> str:
        return user.id

    assert TestClient(app).get("/").status_code == 401
    assert TestClient(app).get("/", headers=stack.sign_in()).status_code == 200


@pytest.mark.parametrize("max_age", [-1, -0.001, float("nan"), float("-inf")])
def test_an_age_that_makes_no_sense_is_an_error_where_the_route_is_written(max_age: float) -> None:
    with pytest.raises(ValueError, match="max_age"):
        require_user(max_age=max_age)


@pytest.mark.parametrize("max_age", [0, 0.0, 30, 1e9, float("inf"), None])
def test_any_other_age_is_fine(max_age: float | None) -> None:
    assert require_user(max_age=max_age) is not require_user(max_age=max_age)


def test_two_routes_with_policies_of_their_own_do_not_mix(stack: Stack) -> None:
    """A policy is the dependency's, and no request changes it."""
    app = guarded(stack)

    @app.get("/open")
    async def open_route(user: Annotated[User, Depends(require_user(allow_anonymous=True))]) -> str:
        return user.id

    @app.get("/both")
    async def both(
        one: Annotated[User, Depends(require_user(allow_anonymous=True))], other: CurrentUser
    ) -> str:
        return one.id + other.id

    client, headers = TestClient(app), stack.sign_in("anonymous")
    for _ in range(2):
        assert client.get("/open", headers=headers).status_code == 200
        assert client.get("/both", headers=headers).status_code == 401


# ---------------------------------------------------------------- without the parentheses


@pytest.mark.parametrize(
    "factory",
    [
        require_user,
        require_permission,
        require_team_permission,
        require_team_member,
        require_api_key,
    ],
    ids=lambda factory: factory.__name__,
)
def test_what_makes_dependencies_is_none_itself(factory: Any) -> None:
    """Called for each request, with what the query says, it would check nothing: an open route."""

    async def secret() -> str:
        return "SECRET"

    async def greeting(user: Annotated[Any, Depends(factory)]) -> str:
        return "SECRET"

    app, router = FastAPI(), APIRouter(dependencies=[Depends(factory)])
    with pytest.raises(TypeError, match="add the parentheses"):
        app.get("/{team_id}")(greeting)
    with pytest.raises(TypeError, match="add the parentheses"):
        app.get("/{team_id}", dependencies=[Depends(factory)])(secret)
    with pytest.raises(TypeError, match="add the parentheses"):
        router.get("/{team_id}")(secret)
    with pytest.raises(TypeError, match="add the parentheses"):
        FastAPI(dependencies=[Depends(factory)]).get("/{team_id}")(secret)


def test_including_a_router_with_one_opens_nothing_either() -> None:
    """Newer versions of FastAPI look at what an inclusion adds when the first request comes."""

    async def secret() -> str:
        return "SECRET"

    app, router = FastAPI(), APIRouter()
    router.get("/secret")(secret)
    with pytest.raises(TypeError, match="add the parentheses"):
        _include_and_ask(app, router)


def _include_and_ask(app: FastAPI, router: APIRouter) -> None:
    app.include_router(router, dependencies=[Depends(require_user)])
    TestClient(app).get("/secret")
