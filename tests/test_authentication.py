"""One request, one decision: whoever asks again is told the same."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import httpx2
import pytest
from fake_stack import FakeStack, app_of, get, scope_of
from starlette.requests import HTTPConnection

from stack_fastapi import (
    AnonymousUserNotAllowedError,
    ConfigurationError,
    InternalError,
    InvalidTokenError,
    NotAuthenticatedError,
    RestrictedUserNotAllowedError,
    StackAuth,
    StackAuthMiddleware,
    StackUnavailableError,
    User,
)
from stack_fastapi.dependencies.users import cached_user
from stack_fastapi.engine.authentication import Authentication
from stack_fastapi.engine.cached_decision import CachedDecision
from stack_fastapi.engine.misconfigured import MisconfiguredAuthentication
from stack_fastapi.engine.policy import Policy
from stack_fastapi.engine.stack_auth import decision_of
from stack_fastapi.telemetry import ProblemLog

RESTRICTED = {"is_restricted": True, "restricted_reason": {"type": "email_not_verified"}}


@pytest.fixture
def stack() -> FakeStack:
    return FakeStack()


def decision_for(stack: FakeStack, token: str | None, **changes: Any) -> Authentication:
    return stack.engine(**changes).begin(scope_of("/", token))


async def test_the_claims_and_the_user_are_found_out_once(stack: FakeStack) -> None:
    decision = decision_for(stack, stack.sign_in(), user_cache_ttl=0)
    assert await decision.claims() is await decision.claims()
    user = await decision.user()
    assert await decision.admit() is user
    assert await decision.user() is user
    assert decision.admitted is user
    assert stack.asked == {"jwks": 1, "me": 1}


async def test_every_max_age_is_asked_for_once(stack: FakeStack) -> None:
    decision = decision_for(stack, stack.sign_in())
    assert await decision.user(0) is await decision.user(0)
    assert stack.asked == {"jwks": 1, "me": 1}


async def test_a_failure_is_told_again_and_not_asked_for_again(stack: FakeStack) -> None:
    decision = decision_for(stack, stack.sign_in())
    stack.spoil(lambda request: httpx2.Response(429))
    errors = []
    for _ in range(3):
        with pytest.raises(StackUnavailableError) as caught:
            await decision.admit()
        errors.append(caught.value)
        stack.mend()
    assert errors[0] is errors[1] is errors[2]
    assert stack.asked == {"jwks": 1}


async def test_a_failure_that_is_told_often_does_not_grow(stack: FakeStack) -> None:
    decision = decision_for(stack, stack.sign_in())
    stack.spoil(lambda request: httpx2.Response(429))
    depths = []
    for _ in range(3):
        with pytest.raises(StackUnavailableError) as caught:
            await decision.user()
        traceback, depth = caught.value.__traceback__, 0
        while traceback is not None:
            traceback, depth = traceback.tb_next, depth + 1
        depths.append(depth)
    assert depths[1] == depths[2]


async def test_a_request_without_a_credential_is_signed_out_and_refused(stack: FakeStack) -> None:
    decision = decision_for(stack, None)
    assert decision.is_signed_out
    assert decision.admitted is None
    with pytest.raises(NotAuthenticatedError):
        await decision.admit()
    assert stack.asked == {}


async def test_a_credential_that_cannot_be_read_is_not_signed_out(stack: FakeStack) -> None:
    decision = decision_for(stack, "x" * 9000)
    assert not decision.is_signed_out
    assert decision.admitted is None
    with pytest.raises(InvalidTokenError):
        await decision.admit()
    assert stack.asked == {}


async def decided_and_remembered(auth: StackAuth, token: str) -> User:
    for _ in range(2):  # the first request of all brings the keys, and judges by none before them
        decision = auth.begin(scope_of("/", token))
        user = await decision.admit()
        decision.remember()
    return user


def decided_at_one_look(auth: StackAuth, token: str) -> User | None:
    scope = scope_of("/", token)
    return cached_user(scope) if auth.decide_cached(scope) else None


async def test_one_look_admits_whom_it_knows(stack: FakeStack) -> None:
    auth, token = stack.engine(), stack.sign_in()
    assert decided_at_one_look(auth, token) is None
    user = await decided_and_remembered(auth, token)
    assert decided_at_one_look(auth, token) is user
    assert decided_at_one_look(auth, token[:-1]) is None
    stack.clock.advance(60)
    assert decided_at_one_look(auth, token) is None


async def test_one_look_admits_nobody_whom_the_settings_do_not(stack: FakeStack) -> None:
    auth, user_id = stack.engine(), stack.add_user(**RESTRICTED)
    token = stack.token(user_id)  # from before the restriction
    decision = auth.begin(scope_of("/", token))
    with pytest.raises(RestrictedUserNotAllowedError):
        await decision.admit()
    decision.remember()
    assert decided_at_one_look(auth, token) is None
    assert (await decision.admit(Policy(allow_restricted=True))).id == user_id
    assert decision.admitted is None  # under another policy than the settings'
    decision.remember()
    assert decided_at_one_look(auth, token) is None


async def test_one_look_admits_a_token_until_it_expires(stack: FakeStack) -> None:
    auth = stack.engine()
    token = stack.token(stack.add_user(), exp=int(stack.clock()) + 10)
    await decided_and_remembered(auth, token)
    stack.clock.advance(9.5)
    assert decided_at_one_look(auth, token) is not None
    stack.clock.advance(0.5)
    assert decided_at_one_look(auth, token) is None


async def test_one_look_takes_no_token_that_a_clock_set_back_makes_one_of_the_future(
    stack: FakeStack,
) -> None:
    auth, token = stack.engine(clock_skew=30), stack.sign_in()
    await decided_and_remembered(auth, token)
    stack.clock.advance(-30)
    assert decided_at_one_look(auth, token) is not None
    stack.clock.advance(-1)
    assert decided_at_one_look(auth, token) is None


@pytest.mark.parametrize("what", ["user", "somebody else", "team", "key"])
async def test_any_eviction_ends_what_one_look_knows(stack: FakeStack, what: str) -> None:
    auth, user_id = stack.engine(), stack.add_user()
    token = stack.token(user_id)
    user = await decided_and_remembered(auth, token)
    await {
        "user": lambda: auth.evict(user_id),
        "somebody else": lambda: auth.evict("another id"),
        "team": lambda: auth.evict_team("an id"),
        "key": lambda: auth.evict_api_key("an id"),
    }[what]()
    assert decided_at_one_look(auth, token) is None
    again = await decided_and_remembered(auth, token)
    assert (again is user) is (what != "user")
    assert decided_at_one_look(auth, token) is again


async def test_an_eviction_while_a_request_is_decided_is_not_forgotten(stack: FakeStack) -> None:
    auth, token = stack.engine(), stack.sign_in()
    decision = auth.begin(scope_of("/", token))
    gate = stack.hold("me")
    request = asyncio.create_task(decision.admit())
    await gate.reached.wait()
    await auth.evict(next(iter(stack.users)))
    gate.open()
    await request
    decision.remember()
    assert decided_at_one_look(auth, token) is None


async def test_a_key_that_is_withdrawn_ends_what_one_look_knows(stack: FakeStack) -> None:
    auth, token = stack.engine(), stack.sign_in()
    await decided_and_remembered(auth, token)
    stack.rotate(keep_old=False)
    await auth.begin(scope_of("/", stack.sign_in())).admit()  # names a key that is new
    assert decided_at_one_look(auth, token) is None
    with pytest.raises(InvalidTokenError):
        await auth.begin(scope_of("/", token)).admit()


async def test_a_key_set_that_is_soon_stale_ends_what_one_look_knows(stack: FakeStack) -> None:
    auth, token = stack.engine(jwks_ttl=50), stack.sign_in()
    await decided_and_remembered(auth, token)
    stack.clock.advance(39)
    assert decided_at_one_look(auth, token) is not None
    stack.clock.advance(1)
    assert decided_at_one_look(auth, token) is None


async def test_who_lives_on_in_an_outage_is_not_decided_at_one_look(stack: FakeStack) -> None:
    auth, token = stack.engine(), stack.sign_in()
    await decided_and_remembered(auth, token)
    stack.clock.advance(60)
    stack.spoil(lambda request: httpx2.Response(500), "me", "id")
    await decided_and_remembered(auth, token)
    assert decided_at_one_look(auth, token) is None


async def test_two_engines_decide_each_for_itself(stack: FakeStack) -> None:
    one, two, token = stack.engine(), stack.engine(), stack.sign_in()
    await decided_and_remembered(one, token)
    scope = scope_of("/", token)
    assert one.decide_cached(scope)
    assert not two.decide_cached(scope)
    assert two.begin(scope).admitted is None
    assert scope["stack_fastapi"] is not None


HEADERS: dict[str, tuple[list[tuple[bytes, bytes]], bool | None]] = {
    "a token": ([(b"x-stack-access-token", b"TOKEN")], True),
    "under its new name": ([(b"x-hexclave-access-token", b"TOKEN")], True),
    "Bearer": ([(b"authorization", b"Bearer TOKEN")], True),
    "bearer": ([(b"authorization", b"bearer TOKEN")], True),
    "none": ([(b"accept", b"*/*")], None),
    "an empty one": ([(b"x-stack-access-token", b"")], False),
    "an empty one before a good one": (
        [(b"x-stack-access-token", b""), (b"x-stack-access-token", b"TOKEN")],
        False,
    ),
    "twice": ([(b"x-stack-access-token", b"TOKEN")] * 2, False),
    "in two places": (
        [(b"x-stack-access-token", b"TOKEN"), (b"authorization", b"Bearer TOKEN")],
        False,
    ),
    "and a cookie": ([(b"x-stack-access-token", b"TOKEN"), (b"cookie", b"a=b")], False),
    "white space": ([(b"x-stack-access-token", b" TOKEN")], False),
    "two spaces": ([(b"authorization", b"Bearer  TOKEN")], False),
    "another scheme": ([(b"authorization", b"Basic YTpi")], False),
    "Bearer alone": ([(b"authorization", b"Bearer ")], False),
    "a tab": ([(b"authorization", b"Bearer\tTOKEN")], False),
    "far too long": ([(b"x-stack-access-token", b"TOKEN" * 2000)], False),
}


@pytest.mark.parametrize(("headers", "decided"), HEADERS.values(), ids=HEADERS)
async def test_one_look_is_for_plain_tokens_and_for_guests(
    stack: FakeStack, headers: list[tuple[bytes, bytes]], decided: Any
) -> None:
    """Whatever else there is, the careful reader looks at."""
    auth, token = stack.engine(token_sources=("header", "bearer", "cookie")), stack.sign_in()
    user = await decided_and_remembered(auth, token)
    sent = [(name, value.replace(b"TOKEN", token.encode())) for name, value in headers]
    scope: dict[str, Any] = {"type": "http", "method": "GET", "headers": sent}
    assert auth.decide_cached(scope) is (decided is not False)
    if decided:
        assert scope["user"] is user
    elif decided is None:
        assert not scope["user"].is_authenticated
        assert scope["auth"].scopes == []


async def test_a_decision_at_one_look_becomes_a_requests_own_for_who_asks_more(
    stack: FakeStack,
) -> None:
    auth, token = stack.engine(), stack.sign_in()
    user = await decided_and_remembered(auth, token)
    scope = scope_of("/", token)
    assert auth.decide_cached(scope)
    decision = decision_of(HTTPConnection(scope))
    assert decision is not None
    assert decision.admitted is user
    assert await decision.user() is user
    assert decision_of(HTTPConnection(scope)) is decision
    changed = {**scope_of("/", token + "x"), "stack_fastapi": scope["stack_fastapi"]}
    with pytest.raises(InvalidTokenError):
        await auth.begin(changed).admit()
    other = {**scope_of("/", stack.sign_in())}
    assert not auth.decide_cached(other)
    other["stack_fastapi"] = CachedDecision(auth, auth._parts, user, None, b"another digest")
    assert auth.begin(other).admitted is None


async def test_a_guest_is_known_to_hold_nothing(stack: FakeStack) -> None:
    auth, scope = stack.engine(), scope_of("/")
    assert auth.decide_cached(scope)
    guest = scope["stack_fastapi"]
    assert guest.cached_permissions(None) is None
    assert not guest.holds(0, 0.0)  # nobody's token leads to it


async def test_an_anonymous_token_is_refused_before_anybody_is_looked_up(
    stack: FakeStack,
) -> None:
    auth = stack.engine()
    token = stack.token(
        stack.add_user(),
        iss=f"{stack.api_url}/api/v1/projects-anonymous-users/{stack.project_id}",
        aud=f"{stack.project_id}:anon",
        is_anonymous=True,
        is_restricted=True,
        restricted_reason={"type": "anonymous"},
    )
    for _ in range(2):
        decision = auth.begin(scope_of("/", token))
        with pytest.raises(AnonymousUserNotAllowedError):
            await decision.admit()
    assert stack.asked == {"jwks": 1}


async def test_asking_memory_again_does_not_undo_a_decision(stack: FakeStack) -> None:
    """As a second middleware of the same engine does."""
    auth, token = stack.engine(), stack.sign_in()
    decision = auth.begin(scope_of("/", token))
    stack.spoil(lambda request: httpx2.Response(429))
    with pytest.raises(StackUnavailableError):
        await decision.admit()
    stack.mend()
    stack.clock.advance(10)
    await auth.begin(scope_of("/", token)).admit()  # another request, to which Stack answers
    asked = stack.asked.total()
    with pytest.raises(StackUnavailableError):
        await decision.admit()
    assert stack.asked.total() == asked


async def test_two_middlewares_of_one_engine_decide_once(stack: FakeStack) -> None:
    auth = stack.engine()
    app = StackAuthMiddleware(app_of(auth), auth)
    stack.spoil(lambda request: httpx2.Response(429))
    assert (await get(app, "/me", stack.sign_in())).status == 503
    assert stack.asked == {"jwks": 1}


async def test_concurrent_questions_of_one_request_reach_stack_once(stack: FakeStack) -> None:
    decision = decision_for(stack, stack.sign_in())
    users = await asyncio.gather(*(decision.user(0) for _ in range(5)), decision.user())
    assert len(set(map(id, users))) == 1
    assert stack.asked == {"jwks": 1, "me": 1}


# ---------------------------------------------------------------- whatever breaks


async def test_whatever_breaks_lets_nobody_in_and_is_logged(
    stack: FakeStack, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(request: httpx2.Request) -> httpx2.Response:
        raise ZeroDivisionError

    auth, token = stack.engine(), stack.sign_in()
    stack.spoil(break_down, "me")
    decision = auth.begin(scope_of("/", token))
    for _ in range(2):
        with pytest.raises(InternalError):
            await decision.admit()
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.name == "stack_fastapi"
    # Where it broke, but not what the error says: that may quote a header.
    assert "ZeroDivisionError" in record.getMessage()
    assert "in break_down" in record.getMessage()
    assert record.exc_info is None
    reply = await get(app_of(auth), "/me", token)
    assert (reply.status, reply.code) == (503, "AUTHENTICATION_UNAVAILABLE")
    assert "retry-after" in reply.headers


async def test_a_cancelled_request_is_cancelled_and_no_answer(stack: FakeStack) -> None:
    decision = decision_for(stack, stack.sign_in())
    gate = stack.hold("me")
    request = asyncio.create_task(decision.admit())
    await gate.reached.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    gate.open()
    assert (await decision.admit()).id in stack.users


# ---------------------------------------------------------------- wrong settings


async def test_wrong_settings_let_nobody_in_whatever_is_asked(
    stack: FakeStack, caplog: pytest.LogCaptureFixture
) -> None:
    error = ConfigurationError(["project_id is missing"])
    decision = MisconfiguredAuthentication(error, ProblemLog(stack.clock))
    assert decision.admitted is None
    assert not decision.is_signed_out
    questions = (
        *(decision.claims, decision.user, decision.admit, lambda: decision.user(0)),
        lambda: decision.key_owner(None),
    )
    for question in questions:
        with pytest.raises(ConfigurationError):
            await question()
    critical = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert len(critical) == 1
    assert "project_id is missing" in critical[0].getMessage()
