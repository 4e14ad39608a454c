from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from stack_fastapi.emulator import StackEmulator

from .world import World


@pytest.fixture(scope="module")
def served() -> Iterator[StackEmulator]:
    """A local Stack on a real socket, with permissions to grant."""
    stack = StackEmulator()
    stack.define_permission("read_docs")
    stack.define_permission("write_docs", contains=("read_docs",))
    stack.define_permission("view_bills", "team")
    stack.define_permission("manage_bills", "team", contains=("view_bills",))
    with stack.serve():
        yield stack


@pytest.fixture
async def world(served: StackEmulator) -> AsyncIterator[World]:
    world = World(served)
    yield world
    await world.http.aclose()
