"""Proof that a session lives, and that there is a second factor; and what they do not prove."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fake_stack import get
from guarded_app import LocalStack, app_of, outcome

from stack_fastapi import SecondFactorRequiredError, SessionNotFoundError
from stack_fastapi.emulator.state.sessions import open_session
from stack_fastapi.testing import issue_token, sign_in

OVER = "401 SESSION_NOT_FOUND"


@pytest.fixture
def stack() -> LocalStack:
    return LocalStack()


async def test_a_session_that_was_signed_out_is_over_within_three_seconds(
    stack: LocalStack,
) -> None:
    app = app_of(stack.engine())
    alice = stack.sign_in()
    assert await outcome(app, "/live", alice.token) == "200"
    stack.emulator.revoke_session(alice.tokens.session_id)
    assert await outcome(app, "/user", alice.token) == "200"  # the token itself is still good
    stack.clock.advance(2.9)
    assert await outcome(app, "/live", alice.token) == "200"
    stack.clock.advance(0.1)
    assert await outcome(app, "/live", alice.token) == OVER


async def test_max_age_and_eviction_see_it_at_once(stack: LocalStack) -> None:
    auth = stack.engine()
    app = app_of(auth)
    alice, bob = stack.sign_in(), stack.sign_in()
    for somebody in (alice, bob):
        assert await outcome(app, "/live", somebody.token) == "200"
        stack.emulator.revoke_session(somebody.tokens.session_id)
    assert await outcome(app, "/live-now", alice.token) == OVER
    await auth.evict(bob.user.id)
    assert await outcome(app, "/live", bob.token) == OVER


async def test_a_thousand_requests_of_a_session_ask_once(stack: LocalStack) -> None:
    app = app_of(stack.engine())
    alice = stack.sign_in()
    replies = await asyncio.gather(*(get(app, "/live", alice.token) for _ in range(1_000)))
    assert {reply.status for reply in replies} == {200}
    assert stack.asked() == {"users": 1, "sessions": 1}


async def test_a_session_that_just_began_is_in_no_list_from_before(stack: LocalStack) -> None:
    app = app_of(stack.engine())
    alice = stack.sign_in()
    assert await outcome(app, "/live", alice.token) == "200"
    again = stack.emulator.sign_in(alice.user.id)
    assert await outcome(app, "/live", again.access_token) == "200"


async def test_another_users_session_proves_nothing(stack: LocalStack) -> None:
    app = app_of(stack.engine())
    alice, bob = stack.sign_in(), stack.sign_in()
    forged = issue_token(stack.emulator, alice.user.id, refresh_token_id=bob.tokens.session_id)
    assert await outcome(app, "/live", forged) == OVER


async def test_a_token_that_names_no_session_proves_nothing_and_asks_nobody(
    stack: LocalStack,
) -> None:
    app = app_of(stack.engine())
    alice = stack.sign_in()
    token = stack.emulator.issue_token(alice.user.id, without=["refresh_token_id"])
    assert await outcome(app, "/user", token) == "200"
    stack.asked()
    assert await outcome(app, "/live", token) == OVER
    assert stack.asked() == {}


async def test_an_impersonation_cannot_be_told_from_a_session_that_ended(
    stack: LocalStack,
) -> None:
    app = app_of(stack.engine())
    alice = stack.sign_in()
    state = stack.emulator._state
    session, _ = open_session(
        stack.emulator.project,
        stack.emulator.project.users[alice.user.id],
        state.entropy,
        state.clock(),
        is_impersonation=True,
    )
    token = issue_token(stack.emulator, alice.user.id, refresh_token_id=session.id)
    assert await outcome(app, "/user", token) == "200"
    assert await outcome(app, "/live", token) == OVER


async def test_in_an_outage_no_session_is_known_to_live(stack: LocalStack) -> None:
    app = app_of(stack.engine())
    alice = stack.sign_in()
    assert await outcome(app, "/live", alice.token) == "200"
    stack.go_down("*/auth/sessions")
    stack.clock.advance(3)
    assert await outcome(app, "/live", alice.token) == "503 STACK_UNAVAILABLE"
    assert await outcome(app, "/user", alice.token) == "200"


@pytest.mark.parametrize(("ttl", "age", "expected"), [(0, 0, OVER), (1, 1, OVER), (60, 1, "200")])
async def test_users_that_are_kept_for_less_bring_sessions_down_with_them(
    stack: LocalStack, ttl: float, age: float, expected: str
) -> None:
    app = app_of(stack.engine(user_cache_ttl=ttl))
    alice = stack.sign_in()
    assert await outcome(app, "/live", alice.token) == "200"
    stack.emulator.revoke_session(alice.tokens.session_id)
    stack.clock.advance(age)
    assert await outcome(app, "/live", alice.token) == expected


# ---------------------------------------------------------------- the second factor

TOTP: dict[str, Any] = {"totp_secret_base64": "c2VjcmV0"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "403 SECOND_FACTOR_REQUIRED"),
        (TOTP, "200"),
        # Ways to sign in by themselves, without a password: first factors.
        ({"otp_auth_enabled": True}, "403 SECOND_FACTOR_REQUIRED"),
        ({"otp_auth_enabled": True, **TOTP}, "200"),
    ],
    ids=["none", "an authenticator", "codes by e-mail", "both"],
)
async def test_only_an_authenticator_is_a_second_factor(
    stack: LocalStack, fields: dict[str, Any], expected: str
) -> None:
    alice = stack.sign_in(
        primary_email="alice@example.com", primary_email_auth_enabled=True, **fields
    )
    assert await outcome(app_of(stack.engine()), "/mfa", alice.token) == expected


async def test_a_passkey_is_a_first_factor(stack: LocalStack) -> None:
    alice = stack.sign_in()
    stack.emulator.project.users[alice.user.id].passkey_auth_enabled = True
    app = app_of(stack.engine())
    assert await outcome(app, "/mfa", alice.token) == "403 SECOND_FACTOR_REQUIRED"


async def test_token_and_user_must_both_say_so(stack: LocalStack) -> None:
    auth = stack.engine()
    app = app_of(auth)
    alice = stack.sign_in()
    stack.emulator.update_user(alice.user.id, **TOTP)
    assert await outcome(app, "/mfa", alice.token) == "403 SECOND_FACTOR_REQUIRED"
    fresh = stack.emulator.sign_in(alice.user.id).access_token
    assert await outcome(app, "/mfa", fresh) == "200"
    stack.emulator.update_user(alice.user.id, totp_secret_base64=None)
    await auth.evict(alice.user.id)
    assert await outcome(app, "/mfa", fresh) == "403 SECOND_FACTOR_REQUIRED"


async def test_a_token_from_before_there_was_the_claim_proves_nothing(stack: LocalStack) -> None:
    alice = sign_in(stack.emulator, **TOTP)
    token = stack.emulator.issue_token(alice.user.id, without=["requires_totp_mfa"])
    assert await outcome(app_of(stack.engine()), "/mfa", token) == "403 SECOND_FACTOR_REQUIRED"


def test_what_both_say_tells_what_to_do() -> None:
    assert "sign in again" in SessionNotFoundError().message
    assert "authenticator" in SecondFactorRequiredError().message
