"""A request that comes after an eviction is answered by nothing from before it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
from fake_stack import Tasks
from guarded_app import app_of, outcome
from stored import turn

from stack_fastapi import StackAuth
from stack_fastapi.emulator import StackEmulator
from stack_fastapi.testing import settings_for, sign_in, signed_delivery


class SlowOnce(httpx.AsyncBaseTransport):
    """Holds the first response to one kind of request, as of the moment of the request."""

    def __init__(self, stack: StackEmulator, is_held: Callable[[httpx.Request], bool]) -> None:
        self._inner = httpx.ASGITransport(app=stack.app)
        self._is_held = is_held
        self.count = 0
        self.reached, self.opened = asyncio.Event(), asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        if self._is_held(request):
            self.count += 1
            await response.aread()
            if self.count == 1:
                self.reached.set()
                await self.opened.wait()
        return response


async def test_a_key_whose_owner_was_evicted_meanwhile_is_checked_again() -> None:
    """Revoked by another program; this process hears that its owner changed."""
    stack = StackEmulator()
    alice = stack.create_user()
    key = stack.create_user_api_key(alice.id)
    slow = SlowOnce(stack, lambda request: request.url.path.endswith("/check"))
    auth = StackAuth(settings_for(stack), transport=slow)
    app = app_of(auth)
    tasks = Tasks()
    before = asyncio.create_task(outcome(app, "/key", x_api_key=key))
    await slow.reached.wait()
    async with StackAuth(
        settings_for(stack), transport=httpx.ASGITransport(app=stack.app)
    ) as other:
        (record,) = await other.client.user_api_keys.list(alice.id)
        await other.client.user_api_keys.revoke(record.id)
    delivery = signed_delivery(stack, "user.updated", stack.user_json(alice.id))
    await auth.receive_webhook(delivery.headers, delivery.content)
    after = asyncio.create_task(outcome(app, "/key", x_api_key=key))
    await turn()
    slow.opened.set()
    assert await before == "200"
    assert (await after).startswith("401")
    assert (await outcome(app, "/key", x_api_key=key)).startswith("401")
    assert slow.count == 2
    await auth.aclose()
    await tasks.finished()


async def test_a_team_that_was_deleted_meanwhile_has_no_members() -> None:
    stack = StackEmulator()
    alice = sign_in(stack, team="Acme")
    assert alice.team is not None
    path = f"/teams/{alice.team.id}/member"
    slow = SlowOnce(
        stack, lambda request: request.method == "GET" and request.url.path.endswith("/teams")
    )
    auth = StackAuth(settings_for(stack), transport=slow)
    app = app_of(auth)
    tasks = Tasks()
    before = asyncio.create_task(outcome(app, path, alice.token))
    await slow.reached.wait()
    await auth.client.teams.delete(alice.team.id)
    after = asyncio.create_task(outcome(app, path, alice.token))
    await turn()
    slow.opened.set()
    assert await before == "200"
    assert await after == "403 TEAM_MEMBERSHIP_NOT_FOUND"
    assert await outcome(app, path, alice.token) == "403 TEAM_MEMBERSHIP_NOT_FOUND"
    await auth.aclose()
    await tasks.finished()
