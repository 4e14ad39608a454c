"""The project's keys: fetched once, kept fresh behind the scenes, never thrown away."""

from __future__ import annotations

import asyncio
import json
import math
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from fake_stack import FROM_STACK, Clock, FakeStack, Tasks, connection_of, store_of
from hypothesis import given, settings, strategies as st
from joserfc.jwk import ECKey, OctKey, RSAKey

from stack_fastapi import (
    InvalidTokenError,
    StackAuth,
    StackUnavailableError,
    UnavailableError,
    User,
)
from stack_fastapi.tokens.jwks import BURST, KeySet

TTL, COOLDOWN = 3600.0, 30.0
#: A set is refreshed without anybody waiting for it some time before its end, but not early.
SOON_STALE = TTL * 0.95


async def ask(auth: StackAuth, token: str) -> User | None:
    return await auth.authenticate(connection_of(token))


async def assert_admitted(auth: StackAuth, *tokens: str) -> None:
    for user in await asyncio.gather(*(ask(auth, token) for token in tokens)):
        assert user is not None


async def refused_for(auth: StackAuth, token: str) -> str:
    with pytest.raises(InvalidTokenError) as caught:
        await ask(auth, token)
    return caught.value.reason


@pytest.fixture
def stack() -> FakeStack:
    return FakeStack()


# ---------------------------------------------------------------- rotation


async def test_the_first_token_with_a_new_key_passes_after_one_refetch(stack: FakeStack) -> None:
    auth, user_id = stack.engine(), stack.add_user()
    await assert_admitted(auth, stack.token(user_id))
    stack.rotate()  # at once: no cool-down has begun with the first load
    await assert_admitted(auth, stack.token(user_id))
    assert stack.asked["jwks"] == 2


async def test_a_burst_of_tokens_with_a_new_key_all_pass_after_one_refetch(
    stack: FakeStack,
) -> None:
    auth, user_id = stack.engine(), stack.add_user()
    await assert_admitted(auth, stack.token(user_id))
    stack.rotate()
    await assert_admitted(auth, *(stack.token(user_id) for _ in range(50)))
    assert stack.asked["jwks"] == 2


def _invented(number: int) -> ECKey:
    private = FakeStack().signing.as_dict(private=True)
    return ECKey.import_key(private, {"kid": f"invented-{number}"})


async def test_a_thousand_invented_key_ids_cause_a_few_refetches_in_a_cooldown(
    stack: FakeStack,
) -> None:
    auth, user_id = stack.engine(jwks_cooldown=COOLDOWN), stack.add_user()
    await assert_admitted(auth, stack.token(user_id))
    refusals: Counter[str] = Counter()
    for number in range(1000):
        with pytest.raises((InvalidTokenError, StackUnavailableError)) as caught:
            await ask(auth, stack.token(user_id, key=_invented(number)))
        refusals[caught.value.code] += 1
        stack.clock.advance(COOLDOWN / 1001)
    # Stack was asked about the first ones; nobody knows of the others.
    assert refusals == {"UNPARSABLE_ACCESS_TOKEN": BURST, "STACK_UNAVAILABLE": 1000 - BURST}
    assert stack.asked["jwks"] == 1 + BURST


async def test_an_invented_key_id_hides_no_rotation(stack: FakeStack) -> None:
    """Anybody can invent one at the moment of a rotation, and at each."""
    auth, user_id = stack.engine(jwks_cooldown=COOLDOWN), stack.add_user()
    await assert_admitted(auth, stack.token(user_id))
    assert await refused_for(auth, stack.token(user_id, key=_invented(0))) == "unknown_key"
    stack.rotate()
    await assert_admitted(auth, stack.token(user_id))


async def test_many_invented_key_ids_make_a_rotation_an_outage_and_no_refusal(
    stack: FakeStack,
) -> None:
    auth, user_id = stack.engine(jwks_cooldown=COOLDOWN), stack.add_user()
    await assert_admitted(auth, stack.token(user_id))
    for number in range(10):
        with pytest.raises((InvalidTokenError, StackUnavailableError)):
            await ask(auth, stack.token(user_id, key=_invented(number)))
    stack.clock.advance(1)
    stack.rotate()
    with pytest.raises(StackUnavailableError) as caught:
        await ask(auth, stack.token(user_id))
    assert caught.value.retry_after == COOLDOWN - 1
    stack.clock.advance(caught.value.retry_after)
    await assert_admitted(auth, stack.token(user_id))


async def test_a_clock_that_is_set_back_hides_no_rotation(stack: FakeStack) -> None:
    auth, user_id = stack.engine(jwks_cooldown=COOLDOWN), stack.add_user()
    await assert_admitted(auth, stack.token(user_id))
    for number in range(10):
        with pytest.raises((InvalidTokenError, StackUnavailableError)):
            await ask(auth, stack.token(user_id, key=_invented(number)))
    stack.clock.advance(-3600)
    await assert_admitted(auth, stack.token(user_id))
    stack.clock.advance(COOLDOWN)
    stack.rotate()
    await assert_admitted(auth, stack.token(user_id))


async def test_an_unknown_key_is_asked_for_again_after_the_cooldown(stack: FakeStack) -> None:
    auth, user_id = stack.engine(jwks_cooldown=COOLDOWN), stack.add_user()
    stranger = FakeStack().rotate()
    await assert_admitted(auth, stack.token(user_id))
    assert await refused_for(auth, stack.token(user_id, key=stranger)) == "unknown_key"
    assert await refused_for(auth, stack.token(user_id, key=stranger)) == "unknown_key"
    assert stack.asked["jwks"] == 2
    stack.keys[stranger.kid or ""] = stranger
    stack.clock.advance(COOLDOWN)
    await assert_admitted(auth, stack.token(user_id, key=stranger))
    assert stack.asked["jwks"] == 3


async def test_a_new_key_is_found_though_an_older_refresh_was_in_the_air(
    stack: FakeStack,
) -> None:
    """The refresh that is under way may have been answered before the rotation."""
    auth, user_id = stack.engine(jwks_ttl=TTL), stack.add_user()
    await assert_admitted(auth, stack.token(user_id))
    stack.clock.advance(SOON_STALE)
    gate = stack.hold("jwks")
    await assert_admitted(auth, stack.token(user_id))
    await gate.reached.wait()
    stack.rotate()
    stack.mend()
    request = asyncio.create_task(ask(auth, stack.token(user_id)))
    await asyncio.sleep(0)
    gate.open()
    assert await request is not None


async def test_a_withdrawn_key_ends_with_the_next_refresh_even_for_remembered_tokens(
    stack: FakeStack,
) -> None:
    auth, user_id = stack.engine(jwks_ttl=TTL), stack.add_user()
    token = stack.token(user_id, exp=int(stack.clock()) + 20 * 3600)
    await assert_admitted(auth, token)
    stack.rotate(keep_old=False)
    await assert_admitted(auth, token)  # nobody has told us yet
    stack.clock.advance(TTL)
    assert await refused_for(auth, token) == "unknown_key"


async def test_a_key_that_changed_under_its_id_ends_what_the_old_one_proved(
    stack: FakeStack,
) -> None:
    auth, user_id = stack.engine(jwks_ttl=TTL), stack.add_user()
    token = stack.token(user_id, exp=int(stack.clock()) + 20 * 3600)
    await assert_admitted(auth, token)
    stack.keys[stack.signing.kid or ""] = FakeStack().signing
    stack.clock.advance(TTL)
    assert await refused_for(auth, token) == "bad_signature"


# ---------------------------------------------------------------- freshness


async def test_a_set_that_is_soon_stale_is_refreshed_without_anybody_waiting(
    stack: FakeStack,
) -> None:
    tasks = Tasks()
    auth, token = stack.engine(jwks_ttl=TTL), stack.sign_in()
    await assert_admitted(auth, token)
    stack.clock.advance(SOON_STALE)
    gate = stack.hold("jwks")
    await assert_admitted(auth, stack.sign_in(), stack.sign_in())
    await gate.reached.wait()
    assert stack.asked["jwks"] == 2
    gate.open()
    await tasks.finished()
    stack.clock.advance(TTL / 2)  # the old set would be over by now
    await assert_admitted(auth, stack.sign_in())
    assert stack.asked["jwks"] == 2


async def test_a_fresh_set_is_not_asked_for_again(stack: FakeStack) -> None:
    tasks = Tasks()
    auth = stack.engine(jwks_ttl=TTL)
    await assert_admitted(auth, stack.sign_in())
    stack.clock.advance(TTL / 2)
    await assert_admitted(auth, stack.sign_in())
    await tasks.finished()
    assert stack.asked["jwks"] == 1


async def test_a_stale_set_lets_nobody_in_while_its_refresh_is_in_the_air(
    stack: FakeStack,
) -> None:
    auth, user_id = stack.engine(jwks_ttl=TTL), stack.add_user()
    old_key = stack.signing
    await assert_admitted(auth, stack.token(user_id))
    stack.rotate(keep_old=False)
    stack.clock.advance(TTL)
    gate = stack.hold("jwks")
    first = asyncio.create_task(refused_for(auth, stack.token(user_id, key=old_key)))
    await gate.reached.wait()
    second = asyncio.create_task(refused_for(auth, stack.token(user_id, key=old_key)))
    await asyncio.sleep(0)
    gate.open()
    assert [await first, await second] == ["unknown_key", "unknown_key"]


# ---------------------------------------------------------------- bad answers


def _answer(status: int = 200, **content: Any) -> Callable[[httpx2.Request], httpx2.Response]:
    return lambda request: httpx2.Response(status, headers=FROM_STACK, **content)


BAD_ANSWERS = {
    "500": _answer(500),
    "404": _answer(404, text="<text>"),
    "400 of Stack": _answer(400, json={"code": "SCHEMA_ERROR", "error": "<message>"}),
    "429": _answer(429),
    "redirect": _answer(302),
    "not JSON": _answer(text="<html>"),
    "nothing": _answer(),
    "null": _answer(json=None),
    "list": _answer(json=[]),
    "no keys": _answer(json={"keys": []}),
    "keys of a wrong type": _answer(json={"keys": {"kid": "x"}}),
    "unusable keys": _answer(json={"keys": [None, 1, {}, {"kid": "x", "kty": "EC"}]}),
}


@pytest.mark.parametrize("answer", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
@pytest.mark.parametrize("age", [SOON_STALE, TTL, 20 * TTL], ids=["soon stale", "stale", "old"])
async def test_a_bad_answer_throws_no_keys_away(
    stack: FakeStack, answer: Callable[[httpx2.Request], httpx2.Response], age: float
) -> None:
    tasks = Tasks()
    auth = stack.engine(jwks_ttl=TTL)
    await assert_admitted(auth, stack.sign_in())
    stack.clock.advance(age)
    stack.spoil(answer, "jwks")
    await assert_admitted(auth, stack.sign_in())
    await tasks.finished()
    assert stack.asked["jwks"] > 1
    await assert_admitted(auth, stack.sign_in())


@pytest.mark.parametrize("answer", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
async def test_nobody_calls_a_key_unknown_while_stack_cannot_say(
    stack: FakeStack, answer: Callable[[httpx2.Request], httpx2.Response]
) -> None:
    """The caller is not to blame: the key may be new."""
    auth, user_id = stack.engine(), stack.add_user()
    await assert_admitted(auth, stack.token(user_id))
    stack.spoil(answer, "jwks")
    stack.rotate()
    for _ in range(2):
        with pytest.raises(UnavailableError):
            await ask(auth, stack.token(user_id))


async def test_a_failed_first_load_is_repeated_by_the_next_request(stack: FakeStack) -> None:
    auth, token = stack.engine(), stack.sign_in()
    stack.spoil(_answer(404, text="<text>"), "jwks")
    with pytest.raises(UnavailableError):
        await ask(auth, token)
    stack.mend()
    await assert_admitted(auth, token)


async def test_a_refresh_that_fails_is_not_repeated_within_the_cooldown(stack: FakeStack) -> None:
    auth = stack.engine(jwks_ttl=TTL, jwks_cooldown=COOLDOWN)
    await assert_admitted(auth, stack.sign_in())
    stack.clock.advance(TTL)
    stack.spoil(_answer(json={"keys": []}), "jwks")
    for _ in range(10):
        await assert_admitted(auth, stack.sign_in())
    assert stack.asked["jwks"] == 2
    stack.clock.advance(COOLDOWN)
    await assert_admitted(auth, stack.sign_in())
    assert stack.asked["jwks"] == 3


# ---------------------------------------------------------------- documents


def _fetching(document: object) -> Callable[[], Awaitable[object]]:
    async def fetch() -> object:
        return document

    return fetch


def _key_set(document: object) -> KeySet:
    return KeySet(_fetching(document), store_of(Clock()), ttl=TTL, cooldown=COOLDOWN)


def _jwk(**changes: Any) -> dict[str, Any]:
    return {**ECKey.generate_key("P-256", {"kid": "good"}).as_dict(private=False), **changes}


async def test_keys_of_other_kinds_are_passed_over() -> None:
    others = [
        OctKey.generate_key(256, {"kid": "oct"}).as_dict(private=True),
        RSAKey.generate_key(2048, {"kid": "rsa"}).as_dict(private=False),
        ECKey.generate_key("P-384", {"kid": "p384"}).as_dict(private=False),
        _jwk(kid="for encryption", use="enc"),
    ]
    for jwk in others:
        keys = _key_set({"keys": [*others, _jwk()]})
        assert await keys.get("good") is not None
        assert await keys.get(str(jwk["kid"])) is None


BROKEN_KEYS: dict[str, dict[str, Any]] = {
    "no kid": {"kid": None},
    "kid is a number": {"kid": 7},
    "x is a number": {"x": 7},
    "y is missing": {"y": None},
    "not base64": {"x": "!"},
    "not ASCII": {"x": "ключ"},
    "empty": {"x": "", "y": ""},
    "too long": {"x": "A" * 100_000},
    "not on the curve": {"x": "A" * 43, "y": "A" * 43},
    "another type": {"kty": "oct", "k": "c2VjcmV0"},
}


@pytest.mark.parametrize("changes", BROKEN_KEYS.values(), ids=BROKEN_KEYS)
async def test_a_broken_key_spoils_no_other(changes: dict[str, Any]) -> None:
    keys = _key_set({"keys": [_jwk(**{"kid": "bad", **changes}), _jwk()]})
    assert await keys.get("good") is not None
    assert await keys.get("bad") is None


async def test_only_a_key_of_the_set_is_fresh() -> None:
    keys, others = _key_set({"keys": [_jwk()]}), _key_set({"keys": [_jwk()]})
    key, other = await keys.get("good"), await others.get("good")
    assert key is not None
    assert other is not None
    assert keys.fresh_until("good", key) > Clock()()
    assert keys.fresh_until("good", other) == -math.inf  # another one under the same id
    assert keys.fresh_until("bad", key) == -math.inf
    assert _key_set({"keys": []}).fresh_until("good", key) == -math.inf


async def test_a_published_private_half_is_not_kept() -> None:
    private = ECKey.generate_key("P-256", {"kid": "good"}).as_dict(private=True)
    key = await _key_set({"keys": [private]}).get("good")
    assert key is not None
    assert not key.key.is_private


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["keys", "kid", "kty", "crv", "x", "y", "use"]), inner, max_size=6
        )
    ),
    max_leaves=12,
)
_ALMOST_KEY = st.fixed_dictionaries(
    {"kid": st.just("good"), "kty": st.just("EC"), "crv": st.just("P-256"), "x": _JSON, "y": _JSON}
)


@settings(max_examples=150, deadline=None)
@given(document=_JSON | st.fixed_dictionaries({"keys": st.lists(_ALMOST_KEY, max_size=3)}))
def test_no_document_is_more_than_an_outage(document: Any) -> None:
    assert json.dumps(document)
    with pytest.raises(StackUnavailableError):
        asyncio.run(_key_set(document).get("good"))


# ---------------------------------------------------------------- cancellation


async def test_whoever_gives_up_waiting_leaves_the_answer_to_the_others(stack: FakeStack) -> None:
    """A forged key is refused, not "unavailable", once Stack has said that it is unknown."""
    tasks = Tasks()
    auth, user_id = stack.engine(), stack.add_user()
    stranger = FakeStack().rotate()
    await assert_admitted(auth, stack.token(user_id))
    gate = stack.hold("jwks")
    impatient = asyncio.create_task(ask(auth, stack.token(user_id, key=stranger)))
    await gate.reached.wait()
    impatient.cancel()
    gate.open()
    await tasks.finished()
    assert await refused_for(auth, stack.token(user_id, key=stranger)) == "unknown_key"
    assert stack.asked["jwks"] == 2
