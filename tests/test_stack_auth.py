"""The engine: built from settings, usable with and without FastAPI, closed by its owner."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import httpx2
import pytest
from fake_stack import FakeStack, Tasks, connection_of, scope_of
from guarded_app import LocalStack
from pydantic import SecretStr

from stack_fastapi import (
    AnonymousUserNotAllowedError,
    ConfigurationError,
    InvalidTokenError,
    NotAuthenticatedError,
    RestrictedUserNotAllowedError,
    StackAuth,
    StackUnavailableError,
    UserNotFoundError,
)
from stack_fastapi.engine.authentication import Authentication
from stack_fastapi.engine.stack_auth import SCOPE_KEY, decision_of


class ClosingTransport(httpx2.MockTransport):
    closed = 0

    async def aclose(self) -> None:
        self.closed += 1


@pytest.fixture
def stack() -> FakeStack:
    return FakeStack()


async def test_authenticate_returns_the_user_of_a_request(stack: FakeStack) -> None:
    user_id = stack.add_user()
    user = await stack.engine().authenticate(connection_of(stack.token(user_id)))
    assert user is not None
    assert user.id == user_id


async def test_authenticate_returns_none_without_a_credential(stack: FakeStack) -> None:
    assert await stack.engine().authenticate(connection_of(None)) is None
    assert stack.asked == {}


async def test_authenticate_raises_for_a_bad_credential_and_asks_nobody(stack: FakeStack) -> None:
    with pytest.raises(InvalidTokenError):
        await stack.engine().authenticate(connection_of("no.to.ken"))
    assert stack.asked == {}


async def test_authenticate_raises_for_users_whom_the_settings_do_not_admit(
    stack: FakeStack,
) -> None:
    token = stack.sign_in(is_restricted=True, restricted_reason={"type": "email_not_verified"})
    with pytest.raises(RestrictedUserNotAllowedError):
        await stack.engine().authenticate(connection_of(token))
    assert await stack.engine(allow_restricted=True).authenticate(connection_of(token))


async def test_one_connection_has_one_decision_for_each_engine(stack: FakeStack) -> None:
    first, second = stack.engine(), stack.engine()
    connection = connection_of(stack.sign_in())
    assert decision_of(connection) is None
    decision = first.begin(connection.scope)
    assert first.begin(connection.scope) is decision
    assert decision_of(connection) is decision
    assert second.begin(connection.scope) is not decision
    connection.scope[SCOPE_KEY] = "something else"
    assert decision_of(connection) is None
    assert isinstance(first.begin(connection.scope), Authentication)


async def test_settings_come_from_the_environment(
    stack: FakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError):
        StackAuth()
    monkeypatch.setenv("STACK_PROJECT_ID", stack.project_id)
    monkeypatch.setenv("STACK_SECRET_SERVER_KEY", "ssk_of_the_environment")
    assert StackAuth().settings.project_id == stack.project_id


async def test_the_clock_is_the_systems_unless_another_is_given(stack: FakeStack) -> None:
    auth = StackAuth(stack.settings(), transport=httpx2.MockTransport(stack.answer))
    stack.clock.now = time.time()
    assert await auth.authenticate(connection_of(stack.sign_in()))
    stack.clock.now -= 100_000
    with pytest.raises(InvalidTokenError, match="expired"):
        await auth.authenticate(connection_of(stack.sign_in()))


async def test_leaving_the_block_closes_the_connections_and_keeps_the_memory(
    stack: FakeStack,
) -> None:
    transport = ClosingTransport(stack.answer)
    async with StackAuth(stack.settings(), transport=transport, clock=stack.clock) as auth:
        token = stack.sign_in()
        assert await auth.authenticate(connection_of(token))
        assert transport.closed == 0
    assert transport.closed == 1
    assert await auth.authenticate(connection_of(token))
    assert stack.asked == {"jwks": 1, "me": 1}


async def test_the_block_closes_after_an_error_too_and_lets_it_through(stack: FakeStack) -> None:
    transport = ClosingTransport(stack.answer)

    async def work() -> None:
        async with StackAuth(stack.settings(), transport=transport, clock=stack.clock) as auth:
            await auth.client.jwks()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
    assert transport.closed == 1


async def test_closing_twice_or_unused_is_no_error(stack: FakeStack) -> None:
    transport = ClosingTransport(stack.answer)
    auth = StackAuth(stack.settings(), transport=transport, clock=stack.clock)
    await auth.aclose()
    await auth.client.jwks()
    await auth.aclose()
    await auth.aclose()
    assert transport.closed == 1
    await auth.client.jwks()
    await auth.aclose()
    assert transport.closed == 2


async def test_closing_ends_what_is_in_the_air(stack: FakeStack) -> None:
    """A refresh behind the scenes must not outlive its engine."""
    tasks = Tasks()
    async with stack.engine(jwks_ttl=3600) as auth:
        assert await auth.authenticate(connection_of(stack.sign_in()))
        stack.clock.advance(3599)
        gate = stack.hold("jwks")
        assert await auth.authenticate(connection_of(stack.sign_in()))
        await gate.reached.wait()
        assert tasks.running
    assert not tasks.running


async def test_closing_also_ends_a_look_up_that_an_eviction_disowned(stack: FakeStack) -> None:
    tasks = Tasks()
    async with stack.engine() as auth:
        user_id = stack.add_user()
        gate = stack.hold("me")
        request = asyncio.create_task(auth.authenticate(connection_of(stack.token(user_id))))
        await gate.reached.wait()
        await auth.evict(user_id)
    with pytest.raises(StackUnavailableError):
        await request
    assert not tasks.running


@pytest.mark.parametrize("steps", range(4))
async def test_closing_while_the_first_call_is_being_set_up_is_no_error(
    stack: FakeStack, steps: int
) -> None:
    auth, user_id = stack.engine(), stack.add_user()
    call = asyncio.create_task(auth.client.users.get(user_id))
    for _ in range(steps):
        await asyncio.sleep(0)
    await auth.aclose()
    await asyncio.wait([call])
    assert (await auth.client.users.get(user_id)).id == user_id
    await auth.aclose()


@pytest.mark.parametrize("wrapped", [False, True])
async def test_a_token_without_a_request_can_be_verified(stack: FakeStack, wrapped: bool) -> None:  # noqa: FBT001 - a parameter of the table
    auth, user_id = stack.engine(), stack.add_user()
    token = stack.token(user_id)
    claims = await auth.verify(SecretStr(token) if wrapped else token)
    assert claims.sub == user_id
    with pytest.raises(InvalidTokenError):
        await auth.verify(token[:-1])
    assert stack.asked == {"jwks": 1}


async def test_a_token_that_is_verified_is_of_a_type_of_user_that_the_settings_admit() -> None:
    stack = LocalStack()
    anonymous, restricted = (
        stack.sign_in(type=type_).token for type_ in ("anonymous", "restricted")
    )
    strict = stack.engine()
    with pytest.raises(AnonymousUserNotAllowedError):
        await strict.verify(anonymous)
    with pytest.raises(RestrictedUserNotAllowedError):
        await strict.verify(restricted)
    open_to_all = stack.engine(allow_anonymous=True, allow_restricted=True)
    assert (await open_to_all.verify(anonymous)).is_anonymous
    assert (await open_to_all.verify(restricted)).is_restricted


async def test_whoever_verifies_a_token_may_admit_other_types_of_users() -> None:
    stack = LocalStack()
    anonymous, restricted = (
        stack.sign_in(type=type_).token for type_ in ("anonymous", "restricted")
    )
    strict = stack.engine()
    assert (await strict.verify(anonymous, allow_anonymous=True)).is_anonymous
    assert (await strict.verify(restricted, allow_restricted=True)).is_restricted
    with pytest.raises(RestrictedUserNotAllowedError):
        await strict.verify(restricted, allow_anonymous=True)
    open_to_all = stack.engine(allow_anonymous=True, allow_restricted=True)
    with pytest.raises(AnonymousUserNotAllowedError):
        await open_to_all.verify(anonymous, allow_anonymous=False)
    with pytest.raises(RestrictedUserNotAllowedError):
        await open_to_all.verify(restricted, allow_restricted=False)


async def test_an_engine_is_usable_without_a_web_framework(stack: FakeStack) -> None:
    user_id = stack.add_user()
    async with stack.engine() as auth:
        assert (await auth.client.users.get(user_id)).id == user_id


@pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
async def test_a_transport_of_either_http_library_will_do(stack: FakeStack, library: Any) -> None:
    async def answer(request: Any) -> Any:
        honest = await stack.answer(
            httpx2.Request(request.method, str(request.url), headers=dict(request.headers))
        )
        return library.Response(
            honest.status_code, headers=dict(honest.headers), content=honest.content
        )

    auth = StackAuth(stack.settings(), transport=library.MockTransport(answer), clock=stack.clock)
    assert await auth.authenticate(connection_of(stack.sign_in()))


async def test_two_engines_in_one_process_do_not_meet(stack: FakeStack) -> None:
    other = FakeStack(project_id="another-project")
    here, there = stack.engine(), other.engine()
    user_id = stack.add_user()
    assert await here.authenticate(connection_of(stack.token(user_id)))
    with pytest.raises(InvalidTokenError):
        await there.authenticate(connection_of(stack.token(user_id)))
    with pytest.raises(UserNotFoundError):
        await there.authenticate(connection_of(other.token(user_id)))
    assert await here.authenticate(connection_of(stack.token(user_id)))


async def test_an_evicted_user_is_asked_for_again(stack: FakeStack) -> None:
    auth, user_id = stack.engine(), stack.add_user()
    assert await auth.authenticate(connection_of(stack.token(user_id)))
    await auth.evict(user_id)
    del stack.users[user_id]
    with pytest.raises(UserNotFoundError):
        await auth.authenticate(connection_of(stack.token(user_id)))


async def test_a_websocket_is_a_connection_too(stack: FakeStack) -> None:
    scope = {**scope_of("/", stack.sign_in()), "type": "websocket"}
    del scope["method"]
    assert (await stack.engine().begin(scope).admit()).id in stack.users
    with pytest.raises(NotAuthenticatedError):
        await stack.engine().begin({**scope, "headers": [], SCOPE_KEY: None}).admit()
