"""An emulator with somebody in it, and a person who looks at its page."""

from __future__ import annotations

import pytest

from stack_fastapi.emulator import StackEmulator, Team, User

from .person import Person


class StandingClock:
    """A clock that tests move by hand; Unix time in seconds."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def emulator(clock: StandingClock) -> StackEmulator:
    return StackEmulator(clock=clock)


@pytest.fixture
def person(emulator: StackEmulator) -> Person:
    return Person(emulator)


@pytest.fixture
def alice(emulator: StackEmulator) -> User:
    return emulator.create_user(primary_email="alice@example.com", display_name="Alice")


@pytest.fixture
def team(emulator: StackEmulator, alice: User) -> Team:
    return emulator.create_team("Engineering", creator=alice.id)
