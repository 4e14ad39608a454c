"""A token that is newer than what is remembered of its user, and says otherwise."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from fake_stack import FakeStack, Reply, get
from fastapi import Depends, FastAPI
from guarded_app import LocalStack
from starlette.types import ASGIApp

from stack_fastapi import CurrentUser, OptionalUser, StackAuth, StackAuthMiddleware, require_user
from stack_fastapi.testing import issue_token

#: Remembered for longer than the clock skew that tokens are allowed.
LATER = 31.0
ANONYMOUS = {
    "is_anonymous": True,
    "is_restricted": True,
    "restricted_reason": {"type": "anonymous"},
}
SIGNED_UP: dict[str, Any] = {
    "is_anonymous": False,
    "is_restricted": False,
    "restricted_reason": None,
}


def app_of(auth: StackAuth) -> ASGIApp:
    app = FastAPI(openapi_url=None)
    app.add_middleware(StackAuthMiddleware, auth=auth)

    @app.get("/me")
    async def me(user: CurrentUser) -> str:
        return user.id

    @app.get("/optional")
    async def optional(user: OptionalUser) -> str | None:
        return user.id if user else None

    async def ok() -> str:
        return "ok"

    guards: dict[str, Any] = {
        "/verified": require_user(verified_email=True),
        "/mfa": require_user(mfa=True),
        "/anybody": require_user(allow_anonymous=True, allow_restricted=True),
    }
    for path, guard in guards.items():
        app.add_api_route(path, ok, dependencies=[Depends(guard)])
    return app


class World:
    """A user of whom something is remembered that a newer token contradicts."""

    def __init__(self, before: dict[str, Any], after: dict[str, Any], **claims: Any) -> None:
        self.stack = FakeStack()
        self.app = app_of(self.stack.engine())
        self.user_id = self.stack.add_user(**before)
        self.after = after
        self.claims = claims

    async def remember(self) -> None:
        """Have the user asked about, as they were."""
        flags = {name: self.stack.users[self.user_id][name] for name in ANONYMOUS}
        issuer = f"{self.stack.api_url}/api/v1/projects"
        if flags["is_anonymous"]:
            issuer += "-anonymous-users"
            flags["aud"] = f"{self.stack.project_id}:anon"
        flags["iss"] = f"{issuer}/{self.stack.project_id}"
        token = self.stack.token(self.user_id, **flags)
        assert (await get(self.app, "/anybody", token)).status == 200

    def change(self) -> str:
        """What happens some time later, and the token that tells of it."""
        self.stack.clock.advance(LATER)
        self.stack.users[self.user_id].update(self.after)
        self.stack.asked.clear()
        return self.stack.token(self.user_id, **self.claims)

    async def ask(self, path: str, token: str) -> Reply:
        return await get(self.app, path, token)

    @property
    def asked(self) -> int:
        return self.stack.asked["me"] + self.stack.asked["id"]


def signs_up() -> World:
    return World(ANONYMOUS, SIGNED_UP)


def verifies() -> World:
    return World(
        {"primary_email_verified": False}, {"primary_email_verified": True}, email_verified=True
    )


def sets_up_a_second_factor() -> World:
    return World({"requires_totp_mfa": False}, {"requires_totp_mfa": True}, requires_totp_mfa=True)


each_change = pytest.mark.parametrize(
    ("path", "world_of"),
    [
        ("/me", signs_up),
        ("/optional", signs_up),
        ("/verified", verifies),
        ("/mfa", sets_up_a_second_factor),
    ],
)


def admitted(reply: Reply) -> bool:
    return reply.status == 200 and reply.json is not None


@each_change
async def test_who_a_newer_token_says_may_enter_is_asked_about_once(
    path: str, world_of: Any
) -> None:
    world = world_of()
    await world.remember()
    token = world.change()
    for _ in range(3):
        assert admitted(await world.ask(path, token))
    assert world.asked == 1


@each_change
async def test_fifty_requests_at_once_ask_once(path: str, world_of: Any) -> None:
    world = world_of()
    await world.remember()
    token = world.change()
    replies = await asyncio.gather(*(world.ask(path, token) for _ in range(50)))
    assert all(admitted(reply) for reply in replies)
    assert world.asked == 1


@each_change
async def test_a_newer_token_takes_no_refusal_away_by_itself(path: str, world_of: Any) -> None:
    world = world_of()
    world.after = {}  # Stack has not changed its mind
    await world.remember()
    token = world.change()
    for _ in range(3):
        assert not admitted(await world.ask(path, token))
    replies = await asyncio.gather(*(world.ask(path, token) for _ in range(50)))
    assert not any(admitted(reply) for reply in replies)
    assert world.asked == 1


@each_change
async def test_each_newer_token_may_ask_once(path: str, world_of: Any) -> None:
    world = world_of()
    world.after = {}
    await world.remember()
    tokens = []
    for _ in range(3):
        tokens.append(world.change())
        world.stack.clock.advance(-LATER + 1)
    for token in [*tokens, *reversed(tokens), *tokens]:
        assert not admitted(await world.ask(path, token))
    assert world.asked <= 3


@each_change
async def test_an_older_token_asks_nothing(path: str, world_of: Any) -> None:
    world = world_of()
    older = world.stack.token(world.user_id, **world.claims)
    world.stack.clock.advance(LATER)
    await world.remember()
    world.stack.asked.clear()
    for _ in range(3):
        assert not admitted(await world.ask(path, older))
    assert world.asked == 0


@each_change
async def test_an_outage_at_that_moment_is_no_refusal_and_is_asked_about_again(
    path: str, world_of: Any
) -> None:
    world = world_of()
    await world.remember()
    token = world.change()
    world.stack.spoil(lambda _request: httpx2.Response(502))
    for _ in range(2):
        assert (await world.ask(path, token)).status == 503
    world.stack.mend()
    assert admitted(await world.ask(path, token))


async def test_a_restricted_user_stays_refused_whatever_an_older_answer_was() -> None:
    restricted = {
        "is_restricted": True,
        "restricted_reason": {"type": "restricted_by_administrator"},
    }
    world = World(restricted, {})
    token = world.stack.token(world.user_id)  # of a normal user: restricted since
    for _ in range(3):
        reply = await world.ask("/me", token)
        assert (reply.status, reply.code) == (403, "RESTRICTED_USER_NOT_ALLOWED")
    assert world.asked == 1


async def test_who_signs_up_at_the_local_stack_is_let_in_with_the_new_token() -> None:
    stack = LocalStack()
    app = app_of(stack.engine())
    guest = stack.sign_in(type="anonymous")
    assert (await get(app, "/anybody", guest.token)).status == 200
    assert (await get(app, "/me", guest.token)).status == 401
    stack.clock.advance(LATER)
    async with StackAuth(stack.engine().settings, transport=stack.emulator.transport) as other:
        await other.client.users.update(
            guest.user.id,
            is_anonymous=False,
            primary_email="a@example.com",
            primary_email_verified=True,
        )
    token = issue_token(stack.emulator, guest.user.id)
    stack.asked()
    for path in ("/me", "/optional", "/me"):
        assert admitted(await get(app, path, token))
    assert sum(stack.asked().values()) == 1
