"""What Stack answers is held against what it was asked."""

from __future__ import annotations

from math import inf
from typing import Any

import httpx2
import pytest
from fake_stack import FakeStack, connection_of, found
from pydantic import SecretStr

from stack_fastapi import InvalidTokenError, SessionNotFoundError, StackAuth, StackUnavailableError
from stack_fastapi.cache import Store
from stack_fastapi.lookups.sessions import Sessions
from stack_fastapi.models import AccessTokenClaims
from stack_fastapi.types import Clocks


@pytest.fixture
def stack() -> FakeStack:
    return FakeStack()


async def test_another_users_record_for_a_token_is_no_answer(stack: FakeStack) -> None:
    auth, other = stack.engine(), stack.add_user()
    stack.spoil(lambda _request: found(stack.users[other]), "me")
    with pytest.raises(StackUnavailableError, match="another user"):
        await auth._parts.users.get(*await _asked(auth, stack.sign_in()))


async def test_another_users_record_for_an_id_is_no_answer(stack: FakeStack) -> None:
    auth, other = stack.engine(), stack.add_user()
    token = stack.sign_in()
    claims = (await _asked(auth, token))[0]
    assert (await auth._parts.users.get(*await _asked(auth, token))).id == claims.sub
    stack.spoil(lambda _request: found(stack.users[other]), "id")
    with pytest.raises(StackUnavailableError, match="another user"):
        await auth._parts.users.get(*await _asked(auth, token), max_age=0)
    await auth.evict(claims.sub)
    with pytest.raises(StackUnavailableError, match="another user"):
        await auth._parts.users.find(claims.sub, auth._parts.store.arrival())


async def _asked(auth: StackAuth, token: str) -> tuple[AccessTokenClaims, SecretStr, Any]:
    return await auth.verify(token), SecretStr(token), auth._parts.store.arrival()


@pytest.mark.parametrize("whose", ["mine", "another's"])
async def test_a_session_of_another_user_with_my_sessions_id_is_not_mine(
    stack: FakeStack, whose: str
) -> None:
    auth, other = stack.engine(), stack.add_user()
    claims = await auth.verify(stack.sign_in())
    session = {
        "id": claims.refresh_token_id,
        "user_id": claims.sub if whose == "mine" else other,
        "created_at": 1,
        "is_impersonation": False,
    }
    stack.spoil(
        lambda _request: httpx2.Response(200, json={"items": [session], "is_paginated": False}),
        "id",
    )
    sessions = Sessions(auth.client, Store(Clocks.of(stack.clock, None), 10, 10.0), ttl=60)
    if whose == "mine":
        await sessions.check(claims, auth._parts.store.arrival())
    else:
        with pytest.raises(SessionNotFoundError):
            await sessions.check(claims, auth._parts.store.arrival())


# ---------------------------------------------------------------- tokens of elsewhere


async def test_operators_hear_once_in_a_while_of_a_wrong_issuer_and_of_nothing_else_in_the_token(
    stack: FakeStack, caplog: pytest.LogCaptureFixture
) -> None:
    auth = stack.engine()
    iss = f"https://moved.example.com/api/v1/projects/{stack.project_id}"

    def told() -> list[str]:
        return [text for text in caplog.messages if "issued by" in text]

    tokens = [stack.token(stack.add_user(), iss=iss, name="Ada", email="ada@x.test") for _ in "abc"]
    for token in tokens:
        with pytest.raises(InvalidTokenError):
            await auth.verify(token)
    (message,) = told()
    assert "'https://moved.example.com'" in message
    assert "STACK_ISSUERS" in message
    claims = (stack.project_id, "Ada", "ada@x.test", *stack.users, *tokens)
    assert not any(text in caplog.text for text in claims)
    stack.clock.advance(60)
    with pytest.raises(InvalidTokenError):
        await auth.verify(tokens[0])
    assert len(told()) == 2


async def test_a_wrong_issuer_that_we_did_not_sign_is_told_to_nobody(
    stack: FakeStack, caplog: pytest.LogCaptureFixture
) -> None:
    forged = FakeStack().token(stack.add_user(), iss="https://evil.test/api/v1/projects/x")
    with pytest.raises(InvalidTokenError):
        await stack.engine().verify(forged)
    assert "evil" not in caplog.text


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({}, "INVALID_PROJECT_FOR_ACCESS_TOKEN"),
        ({"aud": "another-project:anon"}, "INVALID_PROJECT_FOR_ACCESS_TOKEN"),
        ({"iss": "https://elsewhere.test"}, "UNPARSABLE_ACCESS_TOKEN"),
        ({"iss": None}, "UNPARSABLE_ACCESS_TOKEN"),
        ({"aud": "somebody"}, "UNPARSABLE_ACCESS_TOKEN"),
    ],
)
async def test_a_token_of_another_project_is_called_so(
    stack: FakeStack, claims: dict[str, Any], code: str
) -> None:
    other = FakeStack(project_id="another-project")
    other.rotate(keep_old=False)
    with pytest.raises(InvalidTokenError) as caught:
        await stack.engine().authenticate(connection_of(other.token(other.add_user(), **claims)))
    assert caught.value.code == code


async def test_a_forged_token_of_our_own_project_is_no_token(stack: FakeStack) -> None:
    forger = FakeStack()
    forger.rotate(keep_old=False)
    with pytest.raises(InvalidTokenError) as caught:
        await stack.engine().authenticate(connection_of(forger.sign_in()))
    assert caught.value.code == "UNPARSABLE_ACCESS_TOKEN"


async def test_a_token_that_cannot_be_read_is_of_no_other_project(stack: FakeStack) -> None:
    other = FakeStack()
    other.rotate(keep_old=False)
    header, _, signature = other.sign_in().split(".")
    with pytest.raises(InvalidTokenError) as caught:
        await stack.engine().verify(f"{header}.bm90IEpTT04.{signature}")
    assert caught.value.code == "UNPARSABLE_ACCESS_TOKEN"


# ---------------------------------------------------------------- until when something is fresh


async def test_a_key_is_fresh_until_the_set_is_to_be_renewed_and_never_if_it_is_another(
    stack: FakeStack,
) -> None:
    auth = stack.engine(jwks_ttl=1000)
    keys, kid = auth._verifier._keys, stack.signing.kid
    started = auth._parts.store.clocks.monotonic()
    assert kid is not None
    await auth.verify(stack.sign_in())
    key = await keys.get(kid)
    assert key is not None
    assert started < keys.fresh_until(kid, key) < started + 1000
    assert keys.fresh_until("another", key) == -inf
    stack.rotate(keep_old=False)
    stack.clock.advance(1001)
    await auth.verify(stack.sign_in())
    assert keys.fresh_until(kid, key) == -inf


async def test_a_user_is_fresh_until_their_lifetime_is_over(stack: FakeStack) -> None:
    auth = stack.engine(user_cache_ttl=50)
    claims, *_ = asked = await _asked(auth, stack.sign_in())
    started = auth._parts.store.clocks.monotonic()
    await auth._parts.users.get(*asked)
    entry = auth._parts.users.cached(claims.sub)
    assert entry is not None
    assert auth._parts.users.validity(claims.sub, entry).until == started + 50
