"""The pytest plugin: fixtures for the tests of an app. pytest finds it by itself.

| Fixture | What it is |
|---|---|
| `stack` | a fresh local Stack; `@pytest.mark.stack_seed(...)` says what it starts with |
| `stack_settings` | settings that lead to it |
| `stack_auth` | an engine that asks it in this process |
| `signed_in` | `signed_in(...)`: a new user with headers for any client |
| `stack_webhook` | `stack_webhook(event)`: a signed webhook |
| `stack_server` | the same Stack on a real socket |
| `stack_env` | the same, named by the environment's variables |

Nothing of the kit is imported before a test asks for a fixture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from stack_fastapi.emulator import Served, StackEmulator
    from stack_fastapi.engine.stack_auth import StackAuth
    from stack_fastapi.settings import StackAuthSettings
    from stack_fastapi.testing.users import SignedIn
    from stack_fastapi.testing.webhooks import SignedDelivery

MARKER = (
    "stack_seed(seed): what the fixture stack starts with; a mapping, or a file beside the test"
)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture
def stack(request: pytest.FixtureRequest) -> StackEmulator:
    """A fresh local Stack, in this process."""
    from stack_fastapi.emulator import StackEmulator  # noqa: PLC0415 - not before it is used

    return StackEmulator(_seed(request))


@pytest.fixture
def stack_server(stack: StackEmulator) -> Iterator[Served]:
    """The same Stack on a real socket, for apps in other processes; has its ``url``."""
    with stack.serve() as served:
        yield served


@pytest.fixture
def stack_env(
    stack: StackEmulator,
    stack_server: Served,  # noqa: ARG001 - a socket is what the variables lead to
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    """The variables that lead to the served Stack; set while the test runs."""
    from stack_fastapi.testing.engines import values_for  # noqa: PLC0415 - as above

    values = {name.upper(): value for name, value in values_for(stack).items()}
    for name, value in values.items():
        monkeypatch.delenv(f"HEXCLAVE_{name}", raising=False)
        monkeypatch.setenv(f"STACK_{name}", value)
    return {f"STACK_{name}": value for name, value in values.items()}


@pytest.fixture
def stack_settings(stack: StackEmulator, request: pytest.FixtureRequest) -> StackAuthSettings:
    """Settings that lead to the local Stack."""
    from stack_fastapi.testing.engines import settings_for  # noqa: PLC0415 - as above

    _serve_first(request)
    return settings_for(stack)


@pytest.fixture
def stack_auth(stack: StackEmulator, request: pytest.FixtureRequest) -> StackAuth:
    """An engine that asks the local Stack in this process."""
    from stack_fastapi.testing.engines import auth_for  # noqa: PLC0415 - as above

    _serve_first(request)
    return auth_for(stack)


@pytest.fixture
def signed_in(stack: StackEmulator, request: pytest.FixtureRequest) -> Callable[..., SignedIn]:
    """Makes users who are signed in; the arguments are those of ``testing.sign_in``."""
    from stack_fastapi.testing.users import sign_in  # noqa: PLC0415 - as above

    _serve_first(request)
    return partial(sign_in, stack)


@pytest.fixture
def stack_webhook(stack: StackEmulator) -> Callable[..., SignedDelivery]:
    """Makes signed webhooks; the arguments are those of ``testing.signed_delivery``."""
    from stack_fastapi.testing.webhooks import signed_delivery  # noqa: PLC0415 - as above

    return partial(signed_delivery, stack)


def _seed(request: pytest.FixtureRequest) -> Mapping[str, Any] | Path | None:
    marker = request.node.get_closest_marker("stack_seed")
    if marker is None:
        return None
    if len(marker.args) != 1 or marker.kwargs:
        raise pytest.UsageError(f"write @pytest.mark.{MARKER}")
    (seed,) = marker.args
    return request.path.parent / seed if isinstance(seed, (str, Path)) else seed


def _serve_first(request: pytest.FixtureRequest) -> None:
    """The issuer of tokens is the URL, so a test that wants a socket has it from the start."""
    if "stack_server" in request.fixturenames:
        request.getfixturevalue("stack_server")
