"""Whom a route admits: each type of user, under each policy, whatever is known of them already."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from signed_tokens import FLAGS, Stack, bearer, code_of

from stack_fastapi import (
    CurrentClaims,
    CurrentUser,
    OptionalUser,
    StackAuthMiddleware,
    User,
    require_user,
)
from stack_fastapi.types import UserType

OK, GUEST = "200", "200 as a guest"
SIGN_IN = "401 ANONYMOUS_AUTHENTICATION_NOT_ALLOWED"
RESTRICTED = "403 RESTRICTED_USER_NOT_ALLOWED"
UNVERIFIED = "403 EMAIL_NOT_VERIFIED"
GONE = "401 CANNOT_GET_OWN_USER_WITHOUT_USER"
OUTAGE = "503 STACK_UNAVAILABLE"
NONE_SENT = "401 USER_AUTHENTICATION_REQUIRED"
EXPIRED = "401 ACCESS_TOKEN_EXPIRED"


class Caller(NamedTuple):
    """A type of user in the token, and what Stack says of the user today."""

    token: UserType
    user: UserType | None
    changes: dict[str, Any] = {}  # noqa: RUF012 - never written to


CALLERS = {
    "normal": Caller("normal", "normal"),
    "unverified": Caller("normal", "normal", {"primary_email_verified": False}),
    "no e-mail": Caller("normal", "normal", {"primary_email": None}),
    "restricted": Caller("restricted", "restricted"),
    "anonymous": Caller("anonymous", "anonymous"),
    "restricted since": Caller("normal", "restricted"),
    "verified since": Caller("restricted", "normal"),
    "signed up since": Caller("anonymous", "normal"),
    "gone": Caller("normal", None),
}

#: caller → route → what happens, with settings that allow nothing more than the defaults do.
EXPECTED: dict[str, dict[str, str]] = {
    "normal": {},
    "unverified": {"/verified": UNVERIFIED, "/all-verified": UNVERIFIED},
    "no e-mail": {"/verified": UNVERIFIED, "/all-verified": UNVERIFIED},
    "restricted": {
        "/user": RESTRICTED,
        "/claims": RESTRICTED,
        "/optional": GUEST,
        "/required": RESTRICTED,
        "/anonymous": RESTRICTED,
        "/verified": RESTRICTED,
        "/all-verified": UNVERIFIED,
    },
    "anonymous": {
        "/user": SIGN_IN,
        "/claims": SIGN_IN,
        "/optional": GUEST,
        "/required": SIGN_IN,
        "/restricted": SIGN_IN,
        "/verified": SIGN_IN,
        "/all-verified": UNVERIFIED,
    },
    "restricted since": {
        "/user": RESTRICTED,
        "/optional": GUEST,
        "/required": RESTRICTED,
        "/anonymous": RESTRICTED,
        "/verified": RESTRICTED,
        "/all-verified": UNVERIFIED,
    },
    "verified since": {
        "/user": RESTRICTED,
        "/claims": RESTRICTED,
        "/optional": GUEST,
        "/required": RESTRICTED,
        "/anonymous": RESTRICTED,
        "/verified": RESTRICTED,
    },
    "signed up since": {
        "/user": SIGN_IN,
        "/claims": SIGN_IN,
        "/optional": GUEST,
        "/required": SIGN_IN,
        "/restricted": SIGN_IN,
        "/verified": SIGN_IN,
    },
    "gone": dict.fromkeys(
        (
            "/user",
            "/optional",
            "/required",
            "/anonymous",
            "/restricted",
            "/all",
            "/verified",
            "/all-verified",
        ),
        GONE,
    ),
}

ROUTES = (
    "/user",
    "/claims",
    "/optional",
    "/required",
    "/anonymous",
    "/restricted",
    "/all",
    "/verified",
    "/all-verified",
)
POLICIES: dict[str, dict[str, Any]] = {
    "/required": {},
    "/anonymous": {"allow_anonymous": True},
    "/restricted": {"allow_restricted": True},
    "/all": {"allow_anonymous": True, "allow_restricted": True},
    "/verified": {"verified_email": True},
    "/all-verified": {"allow_anonymous": True, "allow_restricted": True, "verified_email": True},
    "/now": {"max_age": 0},
    "/none": {"allow_anonymous": False, "allow_restricted": False},
}

TABLE = [
    pytest.param(caller, route, EXPECTED[caller].get(route, OK), id=f"{caller} at {route}")
    for caller in CALLERS
    for route in ROUTES
]


def app_of(stack: Stack, *, eager: bool = True, **settings: Any) -> TestClient:
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=stack.engine(**settings), eager=eager)

    @app.get("/user")
    async def current(user: CurrentUser) -> str:
        return user.id

    @app.get("/claims")
    async def claims(claims: CurrentClaims) -> str:
        return claims.sub

    @app.get("/optional")
    async def optional(user: OptionalUser) -> str | None:
        return user.id if user else None

    def add(path: str, policy: dict[str, Any]) -> None:
        async def route(user: User) -> str:
            return user.id

        route.__annotations__["user"] = Annotated[User, Depends(require_user(**policy))]
        app.get(path)(route)

    for path, policy in POLICIES.items():
        add(path, policy)
    return TestClient(app)


def arrive(stack: Stack, name: str) -> tuple[str, dict[str, str]]:
    """A caller's id and headers."""
    caller = CALLERS[name]
    user_id = stack.add_user(caller.user or "normal", **caller.changes)
    if caller.user is None:
        del stack.users[user_id]
    return user_id, bearer(stack.token(user_id, caller.token))


def outcome(client: TestClient, route: str, headers: dict[str, str], user_id: str = "") -> str:
    answer = client.get(route, headers=headers)
    if answer.status_code != 200:
        return f"{answer.status_code} {code_of(answer)}"
    assert answer.json() in {user_id, None}
    return OK if answer.json() else GUEST


@pytest.mark.parametrize("eager", [True, False], ids=["eager", "lazy"])
@pytest.mark.parametrize(("caller", "route", "expected"), TABLE)
def test_a_route_admits_whom_its_policy_says(
    *, caller: str, route: str, expected: str, eager: bool
) -> None:
    stack = Stack()
    user_id, headers = arrive(stack, caller)
    client = app_of(stack, eager=eager)

    assert outcome(client, route, headers, user_id) == expected, "cold"
    asked = len(stack.questions)
    assert outcome(client, route, headers, user_id) == expected, "warm"
    assert len(stack.questions) == asked, "warm, so nobody is asked"

    stack.now += 61
    stack.down = True
    stale = OUTAGE if expected == GONE else expected  # only users who are there live on
    assert outcome(client, route, headers, user_id) == stale, "stale"


@pytest.mark.parametrize(("caller", "route", "expected"), TABLE)
def test_what_one_route_found_out_opens_no_other(caller: str, route: str, expected: str) -> None:
    stack = Stack()
    user_id, headers = arrive(stack, caller)
    client = app_of(stack)
    client.get("/all", headers=headers)
    asked = stack.asked("GET /users")
    assert outcome(client, route, headers, user_id) == expected
    assert stack.asked("GET /users") == asked == 1


@pytest.mark.parametrize("route", [*ROUTES, "/now", "/none"])
def test_in_an_outage_nobody_new_is_let_in(route: str) -> None:
    stack = Stack()
    known_id, known = arrive(stack, "normal")
    client = app_of(stack)
    assert outcome(client, route, known, known_id) == OK  # the keys are known from here on
    new_id, new = arrive(stack, "normal")
    stack.down = True
    expected = OK if route == "/claims" else OUTAGE  # the keys are all that claims need
    assert outcome(client, route, new, new_id) == expected


def test_a_route_that_wants_it_fresh_takes_nothing_stale() -> None:
    stack = Stack()
    user_id, headers = arrive(stack, "normal")
    client = app_of(stack)
    assert outcome(client, "/now", headers, user_id) == OK
    stack.users[user_id] |= FLAGS["restricted"]
    assert outcome(client, "/user", headers, user_id) == OK  # known for a minute
    assert outcome(client, "/now", headers, user_id) == RESTRICTED
    assert outcome(client, "/user", headers, user_id) == RESTRICTED  # and known from then on
    stack.users[user_id] |= FLAGS["normal"]
    stack.down = True
    assert outcome(client, "/now", headers, user_id) == OUTAGE
    assert outcome(client, "/user", headers, user_id) == RESTRICTED


def test_a_user_who_lives_on_does_so_for_a_while_only() -> None:
    stack = Stack()
    user_id, headers = arrive(stack, "normal")
    client = app_of(stack)
    assert outcome(client, "/user", headers, user_id) == OK
    stack.down = True
    stack.now += 60 + 300 - 1
    assert outcome(client, "/user", headers, user_id) == OK
    stack.now += 1
    assert outcome(client, "/user", headers, user_id) == OUTAGE


@pytest.mark.parametrize("route", ["/required", "/user", "/claims", "/optional"])
@pytest.mark.parametrize(
    ("caller", "settings", "admitted"),
    [
        ("restricted", {"allow_restricted": True}, True),
        ("restricted", {"allow_anonymous": True}, False),
        ("anonymous", {"allow_anonymous": True}, True),
        ("anonymous", {"allow_restricted": True}, False),
    ],
)
def test_the_settings_open_every_route_that_says_nothing(
    *, caller: str, settings: dict[str, bool], admitted: bool, route: str
) -> None:
    stack = Stack()
    user_id, headers = arrive(stack, caller)
    client = app_of(stack, **settings)
    found = outcome(client, route, headers, user_id)
    assert (found == OK) == admitted
    if not admitted and route == "/optional":
        assert found == GUEST


@pytest.mark.parametrize(
    ("caller", "expected"), [("restricted", RESTRICTED), ("anonymous", SIGN_IN), ("normal", OK)]
)
def test_a_route_may_be_stricter_than_the_settings(caller: str, expected: str) -> None:
    stack = Stack()
    user_id, headers = arrive(stack, caller)
    client = app_of(stack, allow_anonymous=True, allow_restricted=True)
    assert outcome(client, "/none", headers, user_id) == expected
    assert outcome(client, "/user", headers, user_id) == OK


@pytest.mark.parametrize("caller", ["restricted", "anonymous"])
def test_nobody_is_looked_up_whose_token_already_says_no(caller: str) -> None:
    stack = Stack()
    _, headers = arrive(stack, caller)
    app_of(stack).get("/user", headers=headers)
    assert stack.asked("GET /users") == 0


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("temperature", ["cold", "warm"])
def test_an_expired_token_is_401_whatever_is_known_of_its_user(
    route: str, temperature: str
) -> None:
    stack = Stack()
    user_id, headers = arrive(stack, "normal")
    client = app_of(stack)
    if temperature == "warm":
        client.get(route, headers=headers)
    stack.now += 600
    assert outcome(client, route, headers, user_id) == EXPIRED


@pytest.mark.parametrize("route", [route for route in ROUTES if route != "/optional"])
def test_no_policy_lets_a_guest_in(route: str) -> None:
    stack = Stack()
    client = app_of(stack, allow_anonymous=True, allow_restricted=True)
    assert outcome(client, route, {}) == NONE_SENT


def test_claims_alone_cost_no_question_about_the_user() -> None:
    stack = Stack()
    user_id, headers = arrive(stack, "normal")
    assert outcome(app_of(stack, eager=False), "/claims", headers, user_id) == OK
    assert stack.questions == [f"GET /projects/{stack.project_id}/.well-known/jwks.json"]
