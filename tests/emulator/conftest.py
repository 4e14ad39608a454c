"""An emulator whose clock stands still, and a client that asks it without a socket."""

from __future__ import annotations

import pytest

from stack_fastapi.emulator import StackEmulator

from .emulator_api import Api, StandingClock


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def emulator(clock: StandingClock) -> StackEmulator:
    return StackEmulator(clock=clock)


@pytest.fixture
def api(emulator: StackEmulator) -> Api:
    return Api(emulator)
