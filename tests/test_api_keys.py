"""API keys: who is behind one, what it costs, when it ends, and where it is none."""

# No "from __future__ import annotations": FastAPI cannot resolve local names that are text.

import asyncio
from typing import Annotated, Any

import httpx2
import pytest
from fake_stack import Clock, get, refusal, scope_of, send
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from guarded_app import LocalStack, app_of, ask, key_owner, outcome

from stack_fastapi import (
    ApiKeyPrincipal,
    ConfigurationError,
    CurrentPrincipal,
    CurrentTeam,
    InvalidApiKeyError,
    OptionalUser,
    StackAuth,
    StackAuthMiddleware,
    StackAuthSettings,
    StackConfigurationError,
    StackUnavailableError,
    UserApiKeyPrincipal,
    require_api_key,
)
from stack_fastapi.dependencies.users import cached_user
from stack_fastapi.emulator.state.api_key_text import write
from stack_fastapi.types import ApiKeyType

UNKNOWN = "401 API_KEY_NOT_FOUND"


@pytest.fixture
def stack() -> LocalStack:
    return LocalStack()


def user_key(stack: LocalStack, **fields: Any) -> tuple[str, str]:
    """A new user's id and key."""
    alice = stack.sign_in(**fields)
    return alice.user.id, stack.emulator.create_user_api_key(alice.user.id)


def invented(number: int, owner: ApiKeyType = "user") -> str:
    """A well-formed key that nobody has."""
    return write(f"{number:032x}", owner, "0" * 45, is_public=False)


def key_id(stack: LocalStack) -> str:
    (found,) = stack.emulator.project.api_keys
    return found


def revoke(stack: LocalStack) -> None:
    for key in stack.emulator.project.api_keys.values():
        key.manually_revoked_at_millis = int(stack.clock() * 1000)


# ---------------------------------------------------------------- where it is sent


@pytest.mark.parametrize("path", ["/key", "/principal"])
async def test_both_places_are_read(stack: LocalStack, path: str) -> None:
    app = app_of(stack.engine())
    _, key = user_key(stack)
    for headers in (
        {"x_api_key": key},
        {"x_api_key": f" {key} "},
        {"authorization": f"Bearer {key}"},
        {"authorization": f"bearer  {key}"},
        {"authorization": f"Bearer {key}", "x_api_key": key},
    ):
        assert await outcome(app, path, **headers) == "200"


@pytest.mark.parametrize("path", ["/key", "/principal"])
async def test_two_keys_that_differ_are_refused_and_asked_about_nowhere(
    stack: LocalStack, path: str
) -> None:
    app = app_of(stack.engine())
    _, first = user_key(stack)
    _, second = user_key(stack)
    headers = {"authorization": f"Bearer {first}", "x_api_key": second}
    assert await outcome(app, path, **headers) == "401 AMBIGUOUS_CREDENTIALS"
    scope = scope_of(path, x_api_key=first)
    scope["headers"] *= 2
    assert (await send(app, scope)).code == "AMBIGUOUS_CREDENTIALS"
    assert stack.asked() == {}


async def test_bearer_holds_no_key_where_it_holds_no_token(stack: LocalStack) -> None:
    app = app_of(stack.engine(token_sources=("header",)))
    _, key = user_key(stack)
    assert await outcome(app, "/key", authorization=f"Bearer {key}") == "401 API_KEY_REQUIRED"
    assert await outcome(app, "/key", x_api_key=key) == "200"


@pytest.mark.parametrize(
    "headers",
    [{}, {"x_api_key": ""}, {"authorization": "Basic sk_x"}, {"authorization": "Digest pk_x"}],
    ids=str,
)
async def test_no_key_is_no_key(stack: LocalStack, headers: dict[str, str]) -> None:
    app = app_of(stack.engine())
    assert await outcome(app, "/key", **headers) == "401 API_KEY_REQUIRED"
    assert await outcome(app, "/principal", **headers) == "401 USER_AUTHENTICATION_REQUIRED"


GARBAGE = {
    "short": "sk_nope",
    "no prefix": "nope",
    "cut off": invented(1)[:-1],
    "too long": "sk_" + "0" * 9_000,
    "wrong checksum": invented(1)[:-8] + "00000000",
    "not ASCII": "sk_é",
    "upper case": invented(1).upper(),
    "a token": "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl",
    "other": "sk_live_51H8xYzAbCdEfGhIjKlMnOpQrStUvWxYz",
}


@pytest.mark.parametrize("text", GARBAGE.values(), ids=GARBAGE)
async def test_a_garbage_key_never_reaches_stack(stack: LocalStack, text: str) -> None:
    app = app_of(stack.engine())
    for path in ("/key", "/principal", "/user-key", "/team-key"):
        assert await outcome(app, path, x_api_key=text) == UNKNOWN
    assert stack.asked() == {}


@pytest.mark.parametrize("text", ["Bearer sk_" + "0" * 9_000, "Bearer sk_é", "Bearer "])
async def test_a_bearer_that_cannot_be_read_lets_nobody_in(stack: LocalStack, text: str) -> None:
    app = app_of(stack.engine())
    for path in ("/key", "/principal"):
        assert (await get(app, path, authorization=text)).status == 401


async def test_the_wrong_type_is_known_without_asking(stack: LocalStack) -> None:
    app = app_of(stack.engine())
    _, key = user_key(stack)
    assert await outcome(app, "/team-key", x_api_key=key) == "401 WRONG_API_KEY_TYPE"
    assert await outcome(app, "/user-key", x_api_key=invented(1, "team")) == (
        "401 WRONG_API_KEY_TYPE"
    )
    assert stack.asked() == {}


# ---------------------------------------------------------------- where it is none


@pytest.mark.parametrize("way", ["header", "bearer"])
async def test_a_key_never_satisfies_what_wants_a_user(stack: LocalStack, way: str) -> None:
    auth = stack.engine()
    app = app_of(auth)
    alice = stack.sign_in(permissions=["read"], team="Acme", team_permissions=["bill"])
    assert alice.team is not None
    key = stack.emulator.create_user_api_key(alice.user.id)
    headers = {"x_api_key": key} if way == "header" else {"authorization": f"Bearer {key}"}
    assert await outcome(app, "/key", **headers) == "200"
    for path in ("/user", "/permission", "/live", "/team", f"/teams/{alice.team.id}/member"):
        assert (await get(app, path, **headers)).status == 401
    scope = scope_of("/", **headers)
    auth.decide_cached(scope)
    assert cached_user(scope) is None


async def test_a_key_in_the_place_of_a_token_is_no_key(stack: LocalStack) -> None:
    app = app_of(stack.engine())
    _, key = user_key(stack)
    assert await outcome(app, "/principal", key) == "401 UNPARSABLE_ACCESS_TOKEN"
    assert await outcome(app, "/principal", key, authorization=f"Bearer {key}") == (
        "401 UNPARSABLE_ACCESS_TOKEN"
    )


def test_only_routes_that_ask_read_a_key(stack: LocalStack) -> None:
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=stack.engine())

    @app.get("/optional")
    async def optional(user: OptionalUser) -> str | None:
        return user.id if user else None

    _, key = user_key(stack)
    client = TestClient(app)
    for text in (key, "another app's own", invented(1)):
        assert client.get("/optional", headers={"X-API-Key": text}).json() is None
    assert client.get("/optional", headers={"Authorization": f"Bearer {key}"}).status_code == 401
    assert stack.asked() == {}


# ---------------------------------------------------------------- beside a token


async def test_a_token_and_a_key_of_one_user_are_that_user(stack: LocalStack) -> None:
    app = app_of(stack.engine())
    alice = stack.sign_in()
    key = stack.emulator.create_user_api_key(alice.user.id)
    for headers in ({"x_api_key": key}, {"authorization": f"Bearer {key}"}):
        reply = await ask(app, "/principal", alice.token, **headers)
        assert reply.json == f"UserPrincipal {alice.user.id}"
        assert await outcome(app, "/key", alice.token, **headers) == "200"


@pytest.mark.parametrize("path", ["/key", "/principal"])
async def test_a_token_and_a_key_that_differ_in_owner_are_refused(
    stack: LocalStack, path: str
) -> None:
    app = app_of(stack.engine())
    alice = stack.sign_in(team="Acme")
    assert alice.team is not None
    _, other = user_key(stack)
    for key in (other, stack.emulator.create_team_api_key(alice.team.id)):
        for headers in ({"x_api_key": key}, {"authorization": f"Bearer {key}"}):
            assert await outcome(app, path, alice.token, **headers) == ("401 AMBIGUOUS_CREDENTIALS")


@pytest.mark.parametrize("path", ["/key", "/principal"])
async def test_a_good_key_does_not_make_up_for_a_bad_token(stack: LocalStack, path: str) -> None:
    app = app_of(stack.engine())
    user_id, key = user_key(stack)
    bad = stack.emulator.sign_in(user_id).access_token[:-4]
    assert await outcome(app, path, bad, x_api_key=key) == "401 UNPARSABLE_ACCESS_TOKEN"
    token = stack.emulator.sign_in(user_id).access_token
    assert await outcome(app, path, token, x_api_key=invented(1)) == UNKNOWN
    assert await outcome(app, path, token, x_api_key="sk_x") == UNKNOWN


# ---------------------------------------------------------------- what it costs


async def test_a_thousand_requests_with_a_key_ask_once(stack: LocalStack) -> None:
    app = app_of(stack.engine())
    _, key = user_key(stack)
    replies = await asyncio.gather(*(get(app, "/key", x_api_key=key) for _ in range(1_000)))
    assert {reply.status for reply in replies} == {200}
    assert stack.asked() == {"user keys": 1, "users": 1}


async def test_an_unknown_key_costs_one_check_in_a_lifetime(stack: LocalStack) -> None:
    app = app_of(stack.engine())
    for _ in range(50):
        assert await outcome(app, "/key", x_api_key=invented(1)) == UNKNOWN
    assert stack.asked() == {"user keys": 1}
    stack.clock.advance(60)
    assert await outcome(app, "/key", x_api_key=invented(1)) == UNKNOWN
    assert stack.asked() == {"user keys": 1}


async def test_invented_keys_do_not_push_out_a_real_one(stack: LocalStack) -> None:
    app = app_of(stack.engine(user_cache_size=5))
    _, key = user_key(stack)
    assert await outcome(app, "/key", x_api_key=key) == "200"
    for number in range(20):
        assert await outcome(app, "/key", x_api_key=invented(number)) == UNKNOWN
    stack.asked()
    assert await outcome(app, "/key", x_api_key=key) == "200"
    assert stack.asked() == {}


def test_two_guards_of_a_request_ask_once(stack: LocalStack) -> None:
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=stack.engine(user_cache_ttl=0))

    @app.get("/")
    async def route(
        one: CurrentPrincipal,
        two: Annotated[ApiKeyPrincipal, Depends(require_api_key())],
    ) -> bool:
        return one is two

    _, key = user_key(stack)
    client = TestClient(app)
    assert client.get("/", headers={"X-API-Key": key}).json() is True
    assert stack.asked() == {"user keys": 1, "users": 1}
    alice = stack.sign_in()
    own = stack.emulator.create_user_api_key(alice.user.id)
    headers = {**alice, "Authorization": f"Bearer {own}"}
    assert client.get("/", headers=headers).json() is False  # a user, and a key
    assert stack.asked()["user keys"] == 1


async def test_another_key_in_a_copied_scope_is_another_question(stack: LocalStack) -> None:
    auth = stack.engine()
    first, key = user_key(stack)
    second, other = user_key(stack)
    scope = scope_of("/", x_api_key=key)
    decision = auth.begin(scope)
    found = await key_owner(decision, scope)
    assert isinstance(found, UserApiKeyPrincipal)
    assert found.user.id == first
    copied = {**scope, "headers": [(b"x-api-key", other.encode())]}
    assert auth.begin(copied) is decision  # neither carries a token
    found = await key_owner(decision, copied)
    assert isinstance(found, UserApiKeyPrincipal)
    assert found.user.id == second


# ---------------------------------------------------------------- when it ends


async def test_a_revoked_key_ends_within_the_lifetime(stack: LocalStack) -> None:
    app = app_of(stack.engine())
    _, key = user_key(stack)
    assert await outcome(app, "/key", x_api_key=key) == "200"
    revoke(stack)
    stack.clock.advance(59)
    assert await outcome(app, "/key", x_api_key=key) == "200"
    stack.clock.advance(1)
    assert await outcome(app, "/key", x_api_key=key) == "401 API_KEY_REVOKED"


@pytest.mark.parametrize("evicted", ["key", "user"])
async def test_an_evicted_key_ends_at_once(stack: LocalStack, evicted: str) -> None:
    auth = stack.engine()
    app = app_of(auth)
    user_id, key = user_key(stack)
    assert await outcome(app, "/key", x_api_key=key) == "200"
    revoke(stack)
    if evicted == "key":
        await auth.evict_api_key(key_id(stack))
    else:
        await auth.evict(user_id)
    assert await outcome(app, "/key", x_api_key=key) == "401 API_KEY_REVOKED"


async def test_a_key_ends_when_its_time_is_over_whatever_is_remembered(stack: LocalStack) -> None:
    app = app_of(stack.engine())
    alice = stack.sign_in()
    ends_at = int(stack.clock() * 1000) + 10_000
    key = stack.emulator.create_user_api_key(alice.user.id, expires_at_millis=ends_at)
    assert await outcome(app, "/key", x_api_key=key) == "200"
    stack.clock.advance(9.9)
    assert await outcome(app, "/key", x_api_key=key) == "200"
    stack.clock.advance(0.1)
    assert await outcome(app, "/key", x_api_key=key) == "401 API_KEY_EXPIRED"
    stack.clock.advance(1)
    app = app_of(stack.engine())
    assert await outcome(app, "/key", x_api_key=key) == "401 API_KEY_EXPIRED"  # as Stack says


async def test_an_outage_grants_no_key(stack: LocalStack) -> None:
    app = app_of(stack.engine())
    _, key = user_key(stack)
    assert await outcome(app, "/key", x_api_key=key) == "200"
    stack.go_down()
    stack.clock.advance(59)
    assert await outcome(app, "/key", x_api_key=key) == "200"
    stack.clock.advance(1)
    assert await outcome(app, "/key", x_api_key=key) == "503 STACK_UNAVAILABLE"


# ---------------------------------------------------------------- its owner


async def test_the_owner_counts_as_they_are_now(stack: LocalStack) -> None:
    auth = stack.engine()
    app = app_of(auth)
    user_id, key = user_key(stack)
    assert await outcome(app, "/key", x_api_key=key) == "200"
    stack.emulator.restrict_user(user_id)
    await auth.evict(user_id)
    assert await outcome(app, "/key", x_api_key=key) == "403 RESTRICTED_USER_NOT_ALLOWED"
    del stack.emulator.project.users[user_id]
    await auth.evict(user_id)
    assert await outcome(app, "/key", x_api_key=key) == UNKNOWN


@pytest.mark.parametrize(
    ("kind", "settings", "expected"),
    [
        ("restricted", {}, "403 RESTRICTED_USER_NOT_ALLOWED"),
        ("restricted", {"allow_restricted": True}, "200"),
        ("anonymous", {}, "401 ANONYMOUS_AUTHENTICATION_NOT_ALLOWED"),
        ("anonymous", {"allow_anonymous": True}, "200"),
    ],
)
async def test_the_settings_say_whose_keys_are_taken(
    stack: LocalStack, kind: str, settings: dict[str, bool], expected: str
) -> None:
    app = app_of(stack.engine(**settings))
    _, key = user_key(stack, type=kind)
    for path in ("/key", "/principal"):
        assert await outcome(app, path, x_api_key=key) == expected


async def test_a_team_that_is_gone_takes_its_keys_along(stack: LocalStack) -> None:
    auth = stack.engine()
    app = app_of(auth)
    team = stack.emulator.create_team("Acme")
    key = stack.emulator.create_team_api_key(team.id)
    assert await outcome(app, "/team-key", x_api_key=key) == "200"
    assert stack.asked() == {"team keys": 1, "teams": 1}
    del stack.emulator.project.teams[team.id]  # its key is still there
    assert await outcome(app, "/team-key", x_api_key=key) == "200"
    await auth.evict_team(team.id)
    assert await outcome(app, "/team-key", x_api_key=key) == UNKNOWN
    assert await outcome(app, "/team-key", x_api_key=key) == UNKNOWN
    assert stack.asked() == {"team keys": 1, "teams": 1}


async def test_the_owners_permission_counts(stack: LocalStack) -> None:
    app = app_of(stack.engine())
    _, key = user_key(stack)
    reply = await ask(app, "/reader-key", x_api_key=key)
    assert (reply.status, reply.json["detail"]["missing"]) == (403, ["read"])
    _, good = user_key(stack, permissions=["read"])
    assert await outcome(app, "/reader-key", x_api_key=good) == "200"
    team = stack.emulator.create_team("Acme")
    teams = stack.emulator.create_team_api_key(team.id)
    assert await outcome(app, "/reader-key", x_api_key=teams) == "403 PROJECT_PERMISSION_REQUIRED"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"kind": "robot"}, "kind is"),
        ({"kind": "team", "permission": "read"}, "a team holds no permissions"),
        ({"permission": "Read"}, "no id of a permission"),
    ],
)
def test_a_guard_that_makes_no_sense_is_refused_at_once(
    arguments: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        require_api_key(**arguments)


# ---------------------------------------------------------------- what Stack may answer


async def test_a_project_without_keys_is_the_operators_to_mend(
    stack: LocalStack, caplog: pytest.LogCaptureFixture
) -> None:
    app = app_of(stack.engine())
    _, key = user_key(stack)
    stack.emulator.project.config.allow_user_api_keys = False
    for _ in range(3):
        assert await outcome(app, "/key", x_api_key=key) == "503 AUTHENTICATION_MISCONFIGURED"
    assert stack.asked() == {"user keys": 1}
    assert "does not allow API keys of users" in caplog.text


RECORD = {
    "id": "00000000-0000-0000-0000-000000000001",
    "type": "user",
    "user_id": "9ec598fe-f3c1-46c0-a2c3-c9d962ba42f7",
    "description": "k",
    "is_public": False,
    "created_at_millis": 1,
    "value": {"last_four": "f7ac"},
}
TEAM = "1c28fd6b-c1af-488c-97db-e6e652619f08"


def answering(*answers: httpx2.Response) -> StackAuth:
    given = iter(answers)
    return StackAuth(
        StackAuthSettings(project_id="p", secret_server_key="ssk_x"),
        transport=httpx2.MockTransport(lambda _: next(given)),
        clock=Clock(),
    )


def good(body: Any) -> httpx2.Response:
    return httpx2.Response(200, json=body)


STRANGE: dict[str, tuple[list[httpx2.Response], type[Exception]]] = {
    "another key": ([good({**RECORD, "id": TEAM})], StackUnavailableError),
    "another type": ([good({**RECORD, "type": "team", "team_id": TEAM})], StackUnavailableError),
    "no owner": ([good({**RECORD, "user_id": None})], StackUnavailableError),
    "no record": ([good({})], StackUnavailableError),
    "revoked": ([good({**RECORD, "manually_revoked_at_millis": 1})], InvalidApiKeyError),
    "expired": ([good({**RECORD, "expires_at_millis": 1})], InvalidApiKeyError),
    "other type": ([refusal(400, "WRONG_API_KEY_TYPE")], InvalidApiKeyError),
    "an unknown code": ([refusal(418, "TEAPOT")], StackConfigurationError),
    "a wrong server key": ([refusal(401, "INVALID_SECRET_SERVER_KEY")], ConfigurationError),
    "another owner": (
        [good(RECORD), good({"id": TEAM})],
        StackUnavailableError,
    ),
}


@pytest.mark.parametrize(("answers", "expected"), STRANGE.values(), ids=STRANGE)
async def test_a_strange_answer_lets_nobody_in(
    answers: list[httpx2.Response], expected: type[Exception]
) -> None:
    auth = answering(*answers)
    scope = scope_of("/", x_api_key=invented(1))
    for _ in range(2):
        with pytest.raises(expected):
            await key_owner(auth.begin(scope), scope)


STRANGE_TEAMS: dict[str, tuple[httpx2.Response, type[Exception]]] = {
    "another team": (good({"id": RECORD["id"], "display_name": "x"}), StackUnavailableError),
    "a code": (refusal(400, "SCHEMA_ERROR"), StackConfigurationError),
    "gone": (refusal(404, "TEAM_NOT_FOUND"), InvalidApiKeyError),
}


@pytest.mark.parametrize(("answer", "expected"), STRANGE_TEAMS.values(), ids=STRANGE_TEAMS)
async def test_a_strange_answer_about_a_team_lets_nobody_in(
    answer: httpx2.Response, expected: type[Exception]
) -> None:
    record = {**RECORD, "type": "team", "team_id": TEAM}
    del record["user_id"]
    auth = answering(good(record), answer)
    scope = scope_of("/", x_api_key=invented(1, "team"))
    with pytest.raises(expected):
        await key_owner(auth.begin(scope), scope)


# ---------------------------------------------------------------- with nothing set up


def test_without_settings_or_middleware_nobody_gets_in(stack: LocalStack) -> None:
    _, key = user_key(stack)
    for middlewares, code in (
        ([], "STACK_AUTH_MIDDLEWARE_MISSING"),
        ([StackAuthMiddleware], "AUTHENTICATION_MISCONFIGURED"),
    ):
        app = FastAPI()
        for middleware in middlewares:
            app.add_middleware(middleware)

        @app.get("/principal")
        async def principal(principal: CurrentPrincipal) -> None: ...

        @app.get("/key", dependencies=[Depends(require_api_key())])
        async def keyed() -> None: ...

        @app.get("/team")
        async def team(team: CurrentTeam) -> None: ...

        for path in ("/principal", "/key", "/team"):
            answer = TestClient(app).get(path, headers={"X-API-Key": key})
            assert (answer.status_code, answer.json()["detail"]["code"]) == (503, code)


# ---------------------------------------------------------------- in the document


def test_the_document_says_where_a_key_is_taken(stack: LocalStack) -> None:
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=stack.engine())

    @app.get("/principal")
    async def principal(principal: CurrentPrincipal) -> None: ...

    @app.get("/key", dependencies=[Depends(require_api_key("user", permission="read"))])
    async def keyed() -> None: ...

    document = TestClient(app).get("/openapi.json").json()
    schemes = ("StackApiKey", "StackAccessToken")
    key, token = (dict[str, list[str]]({scheme: []}) for scheme in schemes)
    operations = {path: item["get"] for path, item in document["paths"].items()}
    assert operations["/principal"]["security"] == [token, key]
    assert operations["/key"]["security"] == [key]
    assert operations["/key"]["description"] == (
        "Needs `read` in the project, held by the key's owner."
    )
    assert operations["/key"]["responses"].keys() >= {"401", "403", "503"}
    scheme = document["components"]["securitySchemes"]["StackApiKey"]
    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "header", "X-API-Key")
