"""What all tests share: the recordings, engines that ask nobody, and a watch for blocking calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import stamina
from blockbuster import BlockBuster, blockbuster_ctx

from stack_fastapi import StackAuthSettings

# A busy machine is no failure; what never ends, pytest-timeout stops.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

RECORDINGS = Path(__file__).parent / "recordings"

#: A project that no server knows, and a key that opens nothing.
PROJECT_ID = "11111111-2222-4333-8444-555555555555"
SERVER_KEY = "ssk_test_key_that_opens_nothing"


class ManualClock:
    """A clock that tests move by hand; Unix time in seconds."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def no_blocking_calls() -> Iterator[BlockBuster]:
    """A blocking call inside an event loop raises."""
    with blockbuster_ctx() as guard:
        yield guard


@pytest.fixture(autouse=True)
def no_waiting_between_attempts() -> Iterator[None]:
    """Repeated questions are repeated at once: three attempts, no back-off."""
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is set on the machine must not reach a test."""
    for field in StackAuthSettings.model_fields:
        for prefix in ("HEXCLAVE_", "STACK_"):
            monkeypatch.delenv(prefix + field.upper(), raising=False)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def make_settings() -> Callable[..., StackAuthSettings]:
    """Settings of a project that exists nowhere, changed as the test wants."""

    def make(**changes: Any) -> StackAuthSettings:
        return StackAuthSettings(
            **{"project_id": PROJECT_ID, "secret_server_key": SERVER_KEY, **changes}
        )

    return make


@pytest.fixture(scope="session")
def recorded_tokens() -> dict[str, Any]:
    """``tokens.json``: every token with the verdict of a careful verifier."""
    corpus: dict[str, Any] = json.loads((RECORDINGS / "tokens.json").read_text())
    return corpus


@pytest.fixture(scope="session")
def recorded_wire() -> dict[str, Any]:
    """``wire.json``: what the official clients send."""
    wire: dict[str, Any] = json.loads((RECORDINGS / "wire.json").read_text())
    return wire


@pytest.fixture(scope="session")
def recorded_exchanges() -> list[dict[str, Any]]:
    """``exchanges.jsonl``: requests to the real server and its answers."""
    lines = (RECORDINGS / "exchanges.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]
