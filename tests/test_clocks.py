"""Two kinds of time: what others wrote down goes by one, how long something lasts by the other."""

from __future__ import annotations

import time

import httpx2
import pytest
from fake_stack import Clock, FakeStack, app_of, get
from guarded_app import LocalStack, app_of as guarded_app_of, outcome
from hypothesis import given, strategies as st

from stack_fastapi import StackAuth
from stack_fastapi.client.transport.circuit_breaker import PAUSE
from stack_fastapi.emulator import Fault, StackEmulator
from stack_fastapi.testing import settings_for, sign_in
from stack_fastapi.types import Clocks


def test_without_others_the_clocks_are_the_systems() -> None:
    clocks = Clocks.of(None, None)
    assert clocks.wall is time.time
    first, second = clocks.monotonic(), clocks.monotonic()
    assert first <= second
    assert abs(clocks.monotonic() - time.time()) > 3600  # since the start of the machine


def test_both_can_be_passed_in() -> None:
    wall, monotonic = Clock(), Clock()
    assert Clocks.of(wall, monotonic) == (wall, monotonic)
    assert Clocks.of(None, monotonic) == (time.time, monotonic)


def test_durations_follow_a_wall_clock_that_is_passed_alone() -> None:
    wall = Clock()
    clocks = Clocks.of(wall, None)
    start = clocks.monotonic()
    wall.advance(90)
    assert clocks.monotonic() - start == 90
    assert clocks.wall is wall


@given(st.lists(st.integers(-10_000, 10_000)))
def test_durations_never_follow_it_backwards(steps: list[int]) -> None:
    wall = Clock()
    clocks = Clocks.of(wall, None)
    elapsed, start = 0, clocks.monotonic()
    for step in steps:
        wall.advance(step)
        elapsed += max(0, step)
        assert clocks.monotonic() - start == elapsed
        assert clocks.monotonic() - start == elapsed  # whoever looks twice


# ---------------------------------------------------------------- a clock that is set back


class TwoClocks:
    """An app whose machine's clock is set, beside a Stack whose clock is right."""

    def __init__(self) -> None:
        self.clock, self.stacks_clock = Clock(), Clock()
        self.emulator = StackEmulator(clock=self.stacks_clock)
        self.auth = StackAuth(
            settings_for(self.emulator), transport=self.emulator.transport, clock=self.clock
        )
        self.app = app_of(self.auth)

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.stacks_clock.advance(seconds)

    async def status(self, path: str, token: str) -> int:
        return (await get(self.app, path, token)).status


async def test_a_deleted_user_lives_no_longer_for_it_and_max_age_asks() -> None:
    world = TwoClocks()
    alice = sign_in(world.emulator)
    assert await world.status("/me", alice.token) == 200
    world.clock.advance(-20)  # within what a token may be ahead
    world.emulator.delete_user(alice.user.id)
    assert await world.status("/me", alice.token) == 200  # for its lifetime
    world.pass_time(60)
    assert await world.status("/me", alice.token) == 401
    bob = sign_in(world.emulator)
    assert await world.status("/me", bob.token) == 200
    world.clock.advance(-5)
    world.emulator.delete_user(bob.user.id)
    assert await world.status("/fresh", bob.token) == 401


async def test_a_pause_of_the_breaker_is_no_longer_for_it() -> None:
    stack = FakeStack()
    stack.clock.advance(3600)
    app = app_of(stack.engine())
    token = stack.sign_in(), stack.sign_in()
    assert (await get(app, "/me", token[0])).status == 200
    stack.spoil(stack_is_down, "me")
    for _ in range(12):
        assert (await get(app, "/me", stack.sign_in())).status == 503
    stack.mend()
    stack.clock.advance(-3600)
    assert (await get(app, "/me", stack.sign_in())).status == 503
    stack.clock.advance(PAUSE)
    assert (await get(app, "/me", stack.sign_in())).status == 200


def stack_is_down(_request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError("nobody listens there")


@pytest.mark.parametrize("step", [-3600.0, 3600.0])
async def test_keys_that_are_new_are_found_however_the_clock_was_set(step: float) -> None:
    stack = FakeStack()
    app, user_id = app_of(stack.engine()), stack.add_user()
    assert (await get(app, "/me", stack.token(user_id))).status == 200
    stack.clock.advance(step)
    stack.rotate()
    for _ in range(3):
        assert (await get(app, "/me", stack.token(user_id))).status == 200


# ---------------------------------------------------------------- invented teams


async def test_invented_teams_cost_one_question_for_the_membership_and_trouble_nobody() -> None:
    stack = LocalStack.with_permissions()
    app = guarded_app_of(stack.engine(user_cache_size=20))
    mallory, alice = stack.sign_in(), stack.sign_in(permissions=["read"])
    for somebody in (mallory, alice):
        await outcome(app, "/permission", somebody.token)
    stack.asked()
    refused = "403 TEAM_MEMBERSHIP_NOT_FOUND"
    for number in range(100):
        team_id = f"11111111-2222-4333-8444-{number:012}"
        assert await outcome(app, f"/teams/{team_id}/permission", mallory.token) == refused
        assert await outcome(app, f"/teams/{team_id}/member", mallory.token) == refused
    assert stack.asked() == {"teams": 1}
    assert await outcome(app, "/permission", alice.token) == "200"
    assert stack.asked() == {}  # hers were not pushed out
    fault = Fault(kind="status", status=429, retry_after="60", path="*/team-permissions")
    stack.emulator.faults.add(fault)
    assert await outcome(app, f"/teams/{team_id}/permission", mallory.token) == refused
    assert await outcome(app, "/permission", stack.sign_in(permissions=["read"]).token) == "200"
