"""HTTP clients by event loop: one for each, made once, closed with it."""

from __future__ import annotations

import asyncio

import pytest

from stack_fastapi.client.transport.pools import Pools


class Client:
    def __init__(self) -> None:
        self.is_closed = False

    async def aclose(self) -> None:
        self.is_closed = True


async def test_those_who_come_at_the_same_time_get_one_client() -> None:
    made: list[Client] = []

    def new_client() -> Client:
        made.append(Client())
        return made[-1]

    pools = Pools(new_client)
    first, second = await asyncio.gather(pools.client(), pools.client())
    assert first is second
    assert made == [first]
    await pools.aclose()
    assert first.is_closed


async def test_a_client_that_could_not_be_made_is_not_there_to_be_closed() -> None:
    def fail() -> Client:
        raise OSError("no certificates")

    pools = Pools(fail)
    for _ in range(2):
        with pytest.raises(OSError, match="no certificates"):
            await pools.client()
    await pools.aclose()


def test_a_loop_that_ends_closes_its_client() -> None:
    pools = Pools(Client)
    client = asyncio.run(pools.client())
    assert client.is_closed
    assert asyncio.run(pools.client()) is not client
