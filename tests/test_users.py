"""From claims to the user: asked once, remembered for a while, and forgotten when told to."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from fake_stack import FakeStack, Gate, Tasks, app_of, connection_of, found, get, refusal, scope_of
from hypothesis import given, settings, strategies as st

from stack_fastapi import (
    ApiSchemaError,
    CredentialsError,
    InvalidTokenError,
    PolicyError,
    StackAuth,
    StackUnavailableError,
    TokenExpiredError,
    User,
    UserNotFoundError,
)

TTL, STALE = 60.0, 300.0


@pytest.fixture
def stack() -> FakeStack:
    return FakeStack()


def engine(stack: FakeStack, **changes: Any) -> StackAuth:
    return stack.engine(**{"user_cache_ttl": TTL, "stale_if_error": STALE, **changes})


async def user_of(auth: StackAuth, token: str) -> User:
    user = await auth.authenticate(connection_of(token))
    assert user is not None
    return user


async def _held_look_up(stack: FakeStack, auth: StackAuth, token: str) -> tuple[Gate, Any]:
    gate = stack.hold("me")
    request = asyncio.create_task(user_of(auth, token))
    await gate.reached.wait()
    stack.mend()
    return gate, request


# ---------------------------------------------------------------- who is asked, and how


async def test_first_sight_shows_stack_the_token_and_later_looks_go_by_id(
    stack: FakeStack,
) -> None:
    auth, user_id = engine(stack), stack.add_user()
    token = stack.token(user_id)
    await user_of(auth, token)
    first = stack.requests[-1]
    assert first.url == "https://api.stack-auth.com/api/v1/users/me"
    assert first.headers["x-stack-access-token"] == token
    assert first.headers["x-stack-access-type"] == "server"
    assert first.headers["x-stack-allow-anonymous-user"] == "true"
    stack.clock.advance(TTL)
    await user_of(auth, stack.token(user_id))
    later = stack.requests[-1]
    assert later.url == f"https://api.stack-auth.com/api/v1/users/{user_id}"
    assert "x-stack-access-token" not in later.headers
    assert stack.asked == {"jwks": 1, "me": 1, "id": 1}


async def test_a_user_is_fetched_again_when_the_lifetime_is_over(stack: FakeStack) -> None:
    auth, user_id = engine(stack), stack.add_user(display_name="Ada")
    token = stack.token(user_id)
    assert (await user_of(auth, token)).display_name == "Ada"
    stack.users[user_id]["display_name"] = "Countess"
    stack.clock.advance(TTL - 0.5)
    assert (await user_of(auth, token)).display_name == "Ada"
    stack.clock.advance(0.5)
    assert (await user_of(auth, token)).display_name == "Countess"


async def test_a_slow_answer_is_as_old_as_its_question(stack: FakeStack) -> None:
    auth, token = engine(stack), stack.sign_in()
    gate = stack.hold("me")
    request = asyncio.create_task(user_of(auth, token))
    await gate.reached.wait()
    stack.clock.advance(TTL - 1)
    gate.open()
    await request
    stack.clock.advance(1)
    await user_of(auth, token)
    assert stack.asked["id"] == 1


async def test_users_do_not_get_each_others_records(stack: FakeStack) -> None:
    auth = engine(stack)
    users = [stack.add_user() for _ in range(5)]
    for _ in range(2):
        answers = await asyncio.gather(*(user_of(auth, stack.token(user)) for user in users))
        assert [user.id for user in answers] == users


async def test_no_more_users_are_kept_than_the_settings_allow(stack: FakeStack) -> None:
    auth = engine(stack, user_cache_size=3)
    tokens = [stack.sign_in() for _ in range(5)]
    for token in tokens:
        await user_of(auth, token)
    for token in tokens[-3:]:
        await user_of(auth, token)
    assert stack.asked["me"] == 5
    await user_of(auth, tokens[0])
    assert stack.asked["me"] == 6


# ---------------------------------------------------------------- gone users


async def test_a_gone_user_is_remembered_for_the_lifetime_and_not_longer(
    stack: FakeStack,
) -> None:
    auth, user_id = engine(stack), stack.add_user()
    record = stack.users.pop(user_id)
    for _ in range(3):
        with pytest.raises(UserNotFoundError):
            await user_of(auth, stack.token(user_id))
        stack.clock.advance(TTL / 4)
    assert stack.asked["me"] == 1
    stack.users[user_id] = record
    stack.clock.advance(TTL / 4)
    assert (await user_of(auth, stack.token(user_id))).id == user_id


@pytest.mark.parametrize("ttl", [TTL, 0.0])
async def test_a_user_who_goes_is_out_with_the_next_look_up_and_does_not_live_on(
    stack: FakeStack, ttl: float
) -> None:
    auth, user_id = engine(stack, user_cache_ttl=ttl), stack.add_user()
    token = stack.token(user_id)
    await user_of(auth, token)
    del stack.users[user_id]
    stack.clock.advance(ttl + 1)
    with pytest.raises(UserNotFoundError):
        await user_of(auth, token)
    stack.spoil(lambda request: httpx2.Response(500))
    stack.clock.advance(ttl + 1)
    with pytest.raises(StackUnavailableError):
        await user_of(auth, token)


async def test_a_gone_user_is_not_asked_for_by_everybody_at_once(stack: FakeStack) -> None:
    auth, user_id = engine(stack), stack.add_user()
    del stack.users[user_id]
    answers = await asyncio.gather(
        *(user_of(auth, stack.token(user_id)) for _ in range(50)), return_exceptions=True
    )
    assert {type(answer) for answer in answers} == {UserNotFoundError}
    assert stack.asked["me"] == 1


# ---------------------------------------------------------------- freshness


async def test_max_age_zero_asks_stack_for_every_request(stack: FakeStack) -> None:
    app, token = app_of(engine(stack)), stack.sign_in()
    for count in (1, 2, 3):
        assert (await get(app, "/fresh", token)).status == 200
        assert stack.asked["me"] + stack.asked["id"] == count  # the first one for both


async def test_max_age_zero_is_not_content_with_a_look_up_that_began_before(
    stack: FakeStack,
) -> None:
    """Not even if the clock stood still in between, and the older answer comes last."""
    auth, user_id = engine(stack), stack.add_user()
    token = stack.token(user_id)
    old, early = await _held_look_up(stack, auth, token)
    del stack.users[user_id]
    late = auth.begin(scope_of("/", token))
    with pytest.raises(UserNotFoundError):
        await late.user(max_age=0)
    old.open()
    assert (await early).id == user_id
    with pytest.raises(UserNotFoundError):
        await user_of(auth, token)


async def test_requests_that_came_before_a_look_up_began_share_it_with_max_age_zero(
    stack: FakeStack,
) -> None:
    app, token = app_of(engine(stack)), stack.sign_in()
    gate = stack.hold("jwks")
    requests = [asyncio.create_task(get(app, "/fresh", token)) for _ in range(20)]
    await gate.reached.wait()
    await asyncio.sleep(0)
    stack.clock.advance(1)
    gate.open()
    assert {(await request).status for request in requests} == {200}
    assert stack.asked == {"jwks": 1, "me": 1}


async def test_a_recent_enough_answer_satisfies_a_max_age(stack: FakeStack) -> None:
    app, token = app_of(engine(stack)), stack.sign_in()
    assert (await get(app, "/recent", token)).status == 200
    stack.clock.advance(29)
    assert (await get(app, "/recent", token)).status == 200
    assert stack.asked == {"jwks": 1, "me": 1}
    stack.clock.advance(2)
    assert (await get(app, "/recent", token)).status == 200
    assert stack.asked == {"jwks": 1, "me": 1, "id": 1}


async def test_a_look_up_in_the_air_is_recent_enough_for_a_max_age_that_it_satisfies(
    stack: FakeStack,
) -> None:
    """Else requests that come one after the other would each ask."""
    app, token = app_of(engine(stack)), stack.sign_in()
    assert (await get(app, "/me", token)).status == 200
    stack.clock.advance(40)
    gate = stack.hold("id")
    first = asyncio.create_task(get(app, "/recent", token))
    await gate.reached.wait()
    later = [asyncio.create_task(get(app, "/recent", token)) for _ in range(10)]
    await asyncio.sleep(0)
    gate.open()
    for request in (first, *later):
        assert (await request).status == 200
    assert stack.asked["id"] == 1


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from([None, 30.0, 0.0]), st.floats(0, 100), st.booleans()),
        max_size=12,
    )
)
def test_no_answer_is_older_than_was_asked_for(
    steps: list[tuple[float | None, float, bool]],
) -> None:
    """Whatever was asked before; the record tells at which time Stack wrote it."""

    async def run() -> None:
        stack = FakeStack()
        auth, user_id = engine(stack), stack.add_user()
        token = stack.token(user_id, exp=int(stack.clock()) + 20_000)

        def dated(request: httpx2.Request) -> httpx2.Response:
            return found(
                {**stack.users[user_id], "last_active_at_millis": int(stack.clock() * 1000)}
            )

        stack.spoil(dated, "me", "id")
        evicted_at = 0.0
        for max_age, pause, evicts in steps:
            stack.clock.advance(pause)
            if evicts:
                await auth.evict(user_id)
                evicted_at = stack.clock()
            asked_before = stack.asked.total()
            user = await auth.begin(scope_of("/", token)).user(max_age)
            written = (user.last_active_at_millis or 0) / 1000 + 0.002
            assert written >= max(stack.clock() - (TTL if max_age is None else max_age), evicted_at)
            if max_age == 0:
                assert stack.asked.total() > asked_before

    asyncio.run(run())


# ---------------------------------------------------------------- eviction


async def test_an_evicted_user_is_asked_for_again(stack: FakeStack) -> None:
    auth, user_id = engine(stack), stack.add_user()
    await user_of(auth, stack.token(user_id))
    await auth.evict(user_id)
    del stack.users[user_id]
    with pytest.raises(UserNotFoundError):
        await user_of(auth, stack.token(user_id))
    await auth.evict("nobody")


async def test_a_gone_user_can_be_evicted_too(stack: FakeStack) -> None:
    auth, user_id = engine(stack), stack.add_user()
    record = stack.users.pop(user_id)
    with pytest.raises(UserNotFoundError):
        await user_of(auth, stack.token(user_id))
    stack.users[user_id] = record
    await auth.evict(user_id)
    assert (await user_of(auth, stack.token(user_id))).id == user_id


async def test_what_is_in_the_air_at_an_eviction_is_not_kept(stack: FakeStack) -> None:
    auth, user_id = engine(stack), stack.add_user(display_name="Ada")
    token = stack.token(user_id)
    gate, request = await _held_look_up(stack, auth, token)
    stack.users[user_id]["display_name"] = "Countess"
    await auth.evict(user_id)
    gate.open()
    await request
    assert (await user_of(auth, token)).display_name == "Countess"


async def test_whoever_comes_after_an_eviction_does_not_join_what_was_in_the_air(
    stack: FakeStack,
) -> None:
    auth, user_id = engine(stack), stack.add_user()
    token = stack.token(user_id)
    gate, request = await _held_look_up(stack, auth, token)
    del stack.users[user_id]
    await auth.evict(user_id)
    with pytest.raises(UserNotFoundError):
        await user_of(auth, token)
    gate.open()
    assert (await request).id == user_id
    with pytest.raises(UserNotFoundError):
        await user_of(auth, token)


# ---------------------------------------------------------------- shared failures


async def test_a_failure_is_shared_with_those_who_waited_and_not_kept(stack: FakeStack) -> None:
    tasks = Tasks()
    auth, token = engine(stack), stack.sign_in()
    stack.spoil(lambda request: httpx2.Response(429), "me")
    answers = await asyncio.gather(
        *(user_of(auth, token) for _ in range(20)), return_exceptions=True
    )
    assert {type(answer) for answer in answers} == {StackUnavailableError}
    assert stack.asked["me"] == 1
    stack.mend()
    await user_of(auth, token)
    assert not tasks.running


REFUSALS: dict[str, tuple[int, type[CredentialsError | PolicyError]]] = {
    "ACCESS_TOKEN_EXPIRED": (401, TokenExpiredError),
    "UNPARSABLE_ACCESS_TOKEN": (401, InvalidTokenError),
    "RESTRICTED_USER_NOT_ALLOWED": (403, PolicyError),
}


@pytest.mark.parametrize("code", REFUSALS)
async def test_a_token_that_stack_refuses_does_not_hit_others_of_the_same_user(
    stack: FakeStack, code: str
) -> None:
    auth, user_id = engine(stack), stack.add_user()
    status, kind = REFUSALS[code]
    bad, good = stack.token(user_id), [stack.token(user_id) for _ in range(10)]

    async def judge(request: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(0)
        if request.headers["x-stack-access-token"] == bad:
            return refusal(status, code)
        return found(stack.users[user_id])

    stack.spoil(judge, "me")
    first, *others = await asyncio.gather(
        *(user_of(auth, token) for token in (bad, *good)), return_exceptions=True
    )
    assert isinstance(first, kind)
    assert {type(answer) for answer in others} == {User}
    assert stack.asked["me"] == 2


async def test_each_of_many_refused_tokens_is_refused_by_its_own_question(
    stack: FakeStack,
) -> None:
    auth, user_id = engine(stack), stack.add_user()
    stack.spoil(lambda request: refusal(401, "UNPARSABLE_ACCESS_TOKEN"), "me")
    answers = await asyncio.gather(
        *(user_of(auth, stack.token(user_id)) for _ in range(5)), return_exceptions=True
    )
    assert {type(answer) for answer in answers} == {InvalidTokenError}
    assert stack.asked["me"] == 5


async def test_what_cannot_be_a_users_id_is_never_sent_as_a_path(stack: FakeStack) -> None:
    """Whatever somebody passes as an id, it leads to no other endpoint."""
    auth = engine(stack)
    for user_id in ("../teams", "a/b?c#d", "%2e%2e", "ü", "..", "", "me"):
        with pytest.raises(ApiSchemaError):
            await auth.client.users.get(user_id)
    assert stack.requests == []
