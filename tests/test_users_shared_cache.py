"""A cache that all workers share: it saves questions, and nobody has to trust it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from fake_stack import FakeStack, app_of, connection_of, get

from stack_fastapi import StackAuth, User, UserNotFoundError
from stack_fastapi.types import CachedAnswer

TTL, STALE = 60.0, 300.0


class SharedCache:
    """A dictionary; tests look into it and make it misbehave."""

    def __init__(self) -> None:
        self.entries: dict[str, Any] = {}
        self.lifetimes: dict[str, float] = {}

    async def get(self, key: str) -> CachedAnswer | None:
        return self.entries.get(key)

    async def set(self, key: str, answer: CachedAnswer, lifetime: float) -> None:
        self.entries[key] = answer
        self.lifetimes[key] = lifetime

    async def delete(self, key: str) -> None:
        self.entries.pop(key, None)


class LyingCache(SharedCache):
    """Answers the same to every question."""

    def __init__(self, lie: object) -> None:
        super().__init__()
        self._lie = lie

    async def get(self, key: str) -> CachedAnswer | None:
        return self._lie  # type: ignore[return-value] # that is the lie


class BrokenCache(SharedCache):
    """Raises whatever is asked of it."""

    async def get(self, key: str) -> CachedAnswer | None:
        raise ConnectionError("redis://user:secret@cache.test refused the connection")

    async def set(self, key: str, answer: CachedAnswer, lifetime: float) -> None:
        raise TimeoutError("redis://user:secret@cache.test")


class ReadOnlyCache(SharedCache):
    """A replica that cannot be told to forget."""

    async def delete(self, key: str) -> None:
        raise ConnectionError("redis://user:secret@cache.test: READONLY")


@pytest.fixture
def stack() -> FakeStack:
    return FakeStack()


def worker(stack: FakeStack, cache: SharedCache, **changes: Any) -> StackAuth:
    return stack.engine(cache=cache, user_cache_ttl=TTL, stale_if_error=STALE, **changes)


async def user_of(auth: StackAuth, token: str) -> User:
    user = await auth.authenticate(connection_of(token))
    assert user is not None
    return user


# ---------------------------------------------------------------- sharing


async def test_what_one_worker_fetched_the_others_need_not_ask_for(stack: FakeStack) -> None:
    cache, token = SharedCache(), stack.sign_in()
    workers = [worker(stack, cache) for _ in range(3)]
    users = [await user_of(auth, token) for auth in workers]
    assert users[0] == users[1] == users[2]
    assert stack.asked["me"] == 1
    assert set(cache.lifetimes.values()) == {TTL + STALE}


async def test_a_gone_user_is_shared_for_the_lifetime_only(stack: FakeStack) -> None:
    cache, user_id = SharedCache(), stack.add_user()
    del stack.users[user_id]
    for _ in range(2):
        with pytest.raises(UserNotFoundError):
            await user_of(worker(stack, cache), stack.token(user_id))
    assert stack.asked["me"] == 1
    assert set(cache.lifetimes.values()) == {TTL}


async def test_a_shared_answer_ages_from_its_question_not_from_its_arrival_here(
    stack: FakeStack,
) -> None:
    cache, token = SharedCache(), stack.sign_in()
    await user_of(worker(stack, cache), token)
    stack.clock.advance(TTL - 1)
    other = worker(stack, cache)
    await user_of(other, token)
    assert stack.asked["id"] == 0
    stack.clock.advance(1)
    await user_of(other, token)
    assert stack.asked["id"] == 1


async def test_a_worker_prefers_a_younger_shared_answer_to_its_own_old_one(
    stack: FakeStack,
) -> None:
    cache, token = SharedCache(), stack.sign_in()
    first, second = worker(stack, cache), worker(stack, cache)
    await user_of(first, token)
    await user_of(second, token)
    stack.clock.advance(TTL)
    await user_of(first, token)
    await user_of(second, token)
    assert stack.asked == {"jwks": 2, "me": 1, "id": 1}


async def test_a_shared_user_lives_on_in_an_outage_as_long_as_a_fetched_one(
    stack: FakeStack,
) -> None:
    cache, token = SharedCache(), stack.sign_in()
    await user_of(worker(stack, cache), token)
    app = app_of(worker(stack, cache))
    assert (await get(app, "/me", stack.sign_in())).status == 200  # knows the keys
    stack.spoil(lambda request: (_ for _ in ()).throw(OSError()), "me", "id")
    stack.clock.advance(TTL + STALE - 1)
    assert (await get(app, "/me", token)).status == 200
    stack.clock.advance(1)
    assert (await get(app, "/me", token)).status == 503


async def test_an_evicted_user_is_gone_from_the_shared_cache(stack: FakeStack) -> None:
    cache, user_id = SharedCache(), stack.add_user()
    auth, token = worker(stack, cache), stack.token(user_id)
    await user_of(auth, token)
    await auth.evict(user_id)
    assert cache.entries == {}
    await user_of(worker(stack, cache), token)
    assert stack.asked["me"] == 2


# ---------------------------------------------------------------- races with an eviction


class HeldCache(SharedCache):
    """Reads or writes are under way until a test lets them end."""

    def __init__(self, held: str) -> None:
        super().__init__()
        self._held = held
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    async def _hold(self, what: str) -> None:
        if what == self._held:
            self.reached.set()
            await self.opened.wait()

    async def get(self, key: str) -> CachedAnswer | None:
        answer = await super().get(key)
        await self._hold("get")
        return answer

    async def set(self, key: str, answer: CachedAnswer, lifetime: float) -> None:
        await self._hold("set")
        await super().set(key, answer, lifetime)

    async def delete(self, key: str) -> None:
        await self._hold("delete")
        await super().delete(key)


async def test_a_read_under_way_at_an_eviction_does_not_bring_the_user_back(
    stack: FakeStack,
) -> None:
    cache, user_id = HeldCache("get"), stack.add_user()
    cache.opened.set()
    token = stack.token(user_id)
    await user_of(worker(stack, cache), token)
    auth = worker(stack, cache)
    cache.opened.clear()
    cache.reached.clear()
    request = asyncio.create_task(user_of(auth, token))
    await cache.reached.wait()
    del stack.users[user_id]
    await auth.evict(user_id)
    cache.opened.set()
    await asyncio.wait([request])
    with pytest.raises(UserNotFoundError):
        await user_of(auth, token)


async def test_a_read_during_an_eviction_does_not_bring_the_user_back(stack: FakeStack) -> None:
    cache, user_id = HeldCache("delete"), stack.add_user()
    auth, token = worker(stack, cache), stack.token(user_id)
    await user_of(auth, token)
    del stack.users[user_id]
    eviction = asyncio.create_task(auth.evict(user_id))
    await cache.reached.wait()
    with pytest.raises(UserNotFoundError):  # although the shared cache still has the answer
        await user_of(auth, token)
    cache.opened.set()
    await eviction
    with pytest.raises(UserNotFoundError):
        await user_of(auth, token)


async def test_a_cache_that_cannot_forget_does_not_bring_the_user_back(stack: FakeStack) -> None:
    cache, user_id = ReadOnlyCache(), stack.add_user(display_name="old")
    auth, token = worker(stack, cache), stack.token(user_id)
    await user_of(auth, token)
    stack.users[user_id]["display_name"] = "new"
    with pytest.raises(ConnectionError):
        await auth.evict(user_id)
    assert (await user_of(auth, token)).display_name == "new"


async def test_what_others_learned_after_an_eviction_is_taken(stack: FakeStack) -> None:
    cache, user_id = SharedCache(), stack.add_user()
    auth, token = worker(stack, cache), stack.token(user_id)
    await user_of(auth, token)
    await auth.evict(user_id)
    stack.clock.advance(1)
    await user_of(worker(stack, cache), token)
    asked = stack.asked.total()
    await user_of(auth, token)
    assert stack.asked.total() == asked


async def test_a_write_under_way_at_an_eviction_does_not_bring_the_user_back(
    stack: FakeStack,
) -> None:
    cache, user_id = HeldCache("set"), stack.add_user()
    auth, token = worker(stack, cache), stack.token(user_id)
    request = asyncio.create_task(user_of(auth, token))
    await cache.reached.wait()
    del stack.users[user_id]
    await auth.evict(user_id)
    cache.opened.set()
    await request
    with pytest.raises(UserNotFoundError):
        await user_of(auth, token)


# ---------------------------------------------------------------- strangers


async def test_two_projects_with_one_cache_never_mix_their_users(stack: FakeStack) -> None:
    cache = SharedCache()
    other = FakeStack(project_id="another-project")
    user_id = stack.add_user(display_name="here")
    other.users[user_id] = {**stack.users[user_id], "display_name": "there"}
    for _ in range(2):
        here = await user_of(worker(stack, cache), stack.token(user_id))
        there = await user_of(worker(other, cache), other.token(user_id))
        assert (here.display_name, there.display_name) == ("here", "there")
    assert len(cache.entries) == 2


async def test_one_project_id_on_two_servers_is_two_projects(stack: FakeStack) -> None:
    cache = SharedCache()
    other = FakeStack(api_url="https://stack.example.com")
    user_id = stack.add_user(display_name="here")
    other.users[user_id] = {**stack.users[user_id], "display_name": "there"}
    assert (await user_of(worker(stack, cache), stack.token(user_id))).display_name == "here"
    assert (await user_of(worker(other, cache), other.token(user_id))).display_name == "there"


async def test_no_token_and_no_key_is_part_of_a_cache_key(stack: FakeStack) -> None:
    cache, token = SharedCache(), stack.sign_in()
    await user_of(worker(stack, cache), token)
    (key,) = cache.entries
    for part in (*token.split("."), "ssk_"):
        assert part not in key


# ---------------------------------------------------------------- caches that fail and lie


async def test_a_broken_cache_breaks_no_request_and_is_reported_without_its_address(
    stack: FakeStack, caplog: pytest.LogCaptureFixture
) -> None:
    app, token = app_of(worker(stack, BrokenCache())), stack.sign_in()
    with caplog.at_level(logging.WARNING, logger="stack_fastapi"):
        for _ in range(3):
            assert (await get(app, "/me", token)).status == 200
            stack.clock.advance(TTL / 2)
    assert "shared cache failed: ConnectionError" in caplog.text
    assert "secret" not in caplog.text
    assert len(caplog.records) <= 2


def _record(stack: FakeStack, user_id: str) -> User:
    return User.model_validate(stack.users[user_id])


LIES: dict[str, Any] = {
    "text": "user",
    "a number": 7,
    "a dictionary": {"value": None, "asked_at": 0},
    "an answer without a user": CachedAnswer({"id": "x"}, 1_800_000_000.0),
    "an answer of text": CachedAnswer("user", 1_800_000_000.0),
    "an answer from no time": CachedAnswer(None, None),  # type: ignore[arg-type] # a lie
    "an answer from a date": CachedAnswer(None, "yesterday"),  # type: ignore[arg-type] # a lie
    "an answer from not a number": CachedAnswer(None, float("nan")),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
async def test_rubbish_in_the_cache_counts_as_nothing(stack: FakeStack, lie: object) -> None:
    app, token = app_of(worker(stack, LyingCache(lie))), stack.sign_in()
    for path in ("/me", "/fresh"):
        assert (await get(app, path, token)).status == 200


async def test_somebody_elses_record_in_the_cache_lets_nobody_in_as_them(
    stack: FakeStack,
) -> None:
    other = stack.add_user()
    lie = CachedAnswer(_record(stack, other), stack.clock())
    app, user_id = app_of(worker(stack, LyingCache(lie))), stack.add_user()
    reply = await get(app, "/me", stack.token(user_id))
    assert (reply.status, reply.json) == (200, user_id)


@pytest.mark.parametrize("asked_at", [1e12, float("inf"), float("nan"), 1_800_000_001.0])
async def test_an_answer_from_the_future_is_not_fresher_than_the_present(
    stack: FakeStack, asked_at: float
) -> None:
    """Another worker's clock may be ahead: that satisfies no ``max_age=0``, nor lives for ever."""
    user_id = stack.add_user()
    lie = CachedAnswer(_record(stack, user_id), asked_at)
    app, token = app_of(worker(stack, LyingCache(lie))), stack.token(user_id)
    del stack.users[user_id]
    assert (await get(app, "/fresh", token)).status == 401
    stack.clock.advance(TTL + STALE + 1)
    assert (await get(app, "/me", token)).status == 401


async def test_an_old_answer_in_the_cache_is_not_taken(stack: FakeStack) -> None:
    user_id = stack.add_user()
    lie = CachedAnswer(_record(stack, user_id), stack.clock() - TTL)
    app, token = app_of(worker(stack, LyingCache(lie))), stack.token(user_id)
    del stack.users[user_id]
    assert (await get(app, "/me", token)).status == 401


async def test_a_cache_that_never_answers_holds_no_request_longer_than_the_timeout(
    stack: FakeStack,
) -> None:
    cache, token = HeldCache("get"), stack.sign_in()
    app = app_of(worker(stack, cache, timeout=0.2))
    async with asyncio.timeout(5):
        assert (await get(app, "/me", token)).status == 200
