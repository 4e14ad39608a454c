"""Signing out ends the token's own session, once or twice, and nobody else's."""

from __future__ import annotations

import logging
from typing import Any

import httpx2
import pytest
from fake_stack import FROM_STACK, PROJECT_ID, SERVER_KEY, refusal
from pydantic import SecretStr

from stack_fastapi import (
    ApiAccessTokenExpiredError,
    ApiAccessTokenInvalidError,
    ApiOwnUserNotFoundError,
    Change,
    StackApiError,
    StackAuth,
    StackAuthSettings,
    StackUnavailableError,
)
from stack_fastapi.client._calls import claim
from stack_fastapi.emulator.control.faults import Fault

from .operations import answer
from .world import World

BROKE = httpx2.Response(500, headers=FROM_STACK, text="<text>")
GONE = httpx2.Response(404, headers=FROM_STACK, text="<text>")


def session_of(token: str) -> str:
    return str(claim(SecretStr(token), "refresh_token_id"))


def as_recorded(exchanges: list[dict[str, Any]], name: str) -> tuple[int, bool, object]:
    (response,) = [item["response"] for item in exchanges if item["name"] == name]
    return response["status"], "x-stack-request-id" in response["headers"], response["body"]


def test_these_are_the_answers_of_the_real_server(
    recorded_exchanges: list[dict[str, Any]],
) -> None:
    assert as_recorded(recorded_exchanges, "sign out again") == (500, True, "<text>")
    again = as_recorded(recorded_exchanges, "delete session again (server)")
    assert again == (404, True, "<text>")


async def test_signing_out_twice_is_signing_out(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    token = world.token(world.bob)
    await world.client.sessions.sign_out(token)
    with caplog.at_level(logging.WARNING, logger="stack_fastapi"):
        await world.client.sessions.sign_out(token)
    assert caplog.text == ""  # it is no outage
    asked = [(item.method, item.status) for item in [*world.stack.requests][-3:]]
    assert asked == [("DELETE", 500), ("GET", 200), ("DELETE", 404)]
    session = Change("session", world.bob.id, id=session_of(token))
    assert world.heard() == [session] * 3


async def test_an_impersonation_signs_out_twice_like_anybody(world: World) -> None:
    sessions = world.client.sessions
    tokens = await sessions.impersonate(world.bob.id, expires_in_millis=60_000)
    await sessions.sign_out(tokens.access_token)
    await sessions.sign_out(tokens.access_token)


async def test_a_sign_out_whose_answer_was_lost_is_one(world: World) -> None:
    token = world.token(world.bob)
    path = "*/auth/sessions/current"
    world.stack.faults.add(Fault(kind="truncated", path=path, method="DELETE", times=1))
    await world.client.sessions.sign_out(token)
    assert await world.client.sessions.list(world.bob.id) == []


@pytest.mark.parametrize("token", ["a.b.c", "", "expired"])
async def test_a_bad_token_signs_nobody_out(world: World, token: str) -> None:
    expired = world.stack.issue_token(world.bob.id, exp=1)
    errors = (ApiAccessTokenExpiredError, ApiAccessTokenInvalidError)
    with pytest.raises(errors):
        await world.client.sessions.sign_out(expired if token == "expired" else token)


# ---------------------------------------------------------------- a Stack that breaks at it


class Broken:
    """A Stack that breaks at signing out, says who the token's user is, and ends sessions.

    Attributes:
        asked: what was asked.
    """

    def __init__(self, me: httpx2.Response, ended: httpx2.Response) -> None:
        self._answers = {"current": BROKE, "me": me}
        self._ended = ended
        self.asked: list[str] = []
        settings = StackAuthSettings(project_id=PROJECT_ID, secret_server_key=SERVER_KEY)
        self.auth = StackAuth(settings, transport=httpx2.MockTransport(self._answer))

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        last = request.url.path.rpartition("/")[2]
        self.asked.append(f"{request.method} {last}")
        if last not in self._answers:
            assert "x-stack-access-token" not in request.headers  # of one's own it is refused
        found = self._answers.get(last, self._ended)
        return httpx2.Response(found.status_code, headers=found.headers, content=found.content)


def me_of(world: World, user_id: str) -> httpx2.Response:
    return answer(world.stack.user_json(user_id))


async def test_a_session_that_is_still_there_is_ended_after_all(world: World) -> None:
    token = world.token(world.bob)
    stack = Broken(me_of(world, world.bob.id), answer({"success": True}))
    await stack.auth.client.sessions.sign_out(token)
    assert stack.asked == ["DELETE current", "GET me", f"DELETE {session_of(token)}"]


@pytest.mark.parametrize("status", [400, 403])
async def test_another_refusal_is_no_proof_that_the_session_is_over(
    world: World, status: int
) -> None:
    refused = httpx2.Response(status, headers=FROM_STACK, text="<text>")
    stack = Broken(me_of(world, world.bob.id), refused)
    with pytest.raises(StackApiError) as caught:
        await stack.auth.client.sessions.sign_out(world.token(world.bob))
    assert caught.value.status == status


async def test_a_session_that_nobody_can_say_anything_about_is_an_outage(world: World) -> None:
    for me, ended in (
        (httpx2.Response(503), GONE),
        (me_of(world, world.bob.id), httpx2.Response(503)),
        (me_of(world, world.bob.id), BROKE),
    ):
        with pytest.raises(StackUnavailableError):
            await Broken(me, ended).auth.client.sessions.sign_out(world.token(world.bob))


async def test_a_token_that_stack_does_not_take_names_no_session_to_end(world: World) -> None:
    """Whoever makes a token up writes anybody's session into it."""
    stack = Broken(refusal(401, "UNPARSABLE_ACCESS_TOKEN"), answer({"success": True}))
    with pytest.raises(ApiAccessTokenInvalidError):
        await stack.auth.client.sessions.sign_out(world.token(world.bob))
    gone = Broken(refusal(400, "CANNOT_GET_OWN_USER_WITHOUT_USER"), answer({"success": True}))
    with pytest.raises(ApiOwnUserNotFoundError):
        await gone.auth.client.sessions.sign_out(world.token(world.bob))
    assert stack.asked == gone.asked == ["DELETE current", "GET me"]


async def test_a_token_of_somebody_else_or_of_no_session_ends_none(world: World) -> None:
    bobs, nobodys = (
        world.token(world.bob),
        world.stack.issue_token(world.alice.id, refresh_token_id=None),
    )
    for token in (bobs, nobodys, "a.b.c"):
        stack = Broken(me_of(world, world.alice.id), answer({"success": True}))
        with pytest.raises(StackUnavailableError, match="500"):
            await stack.auth.client.sessions.sign_out(token)
        assert stack.asked == ["DELETE current", "GET me"]
