"""Which error each of Stack's refusals is, and what an answer of the wrong shape is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from stack_fastapi import StackApiError, StackUnavailableError
from stack_fastapi.emulator import StackEmulator
from stack_fastapi.exceptions import API_ERRORS

from .operations import LOOKED_UP, OPERATIONS, Ids, Talk, answer, talk_of
from .world import UNKNOWN, World

Refused = Callable[[World], Awaitable[object]]


async def _delete_own_session(world: World) -> None:
    token = world.token(world.bob)
    (session,) = await world.client.sessions.list(world.bob.id)
    query = {"user_id": world.bob.id}
    await world.client.request("DELETE", f"/auth/sessions/{session.id}", query=query, token=token)


async def _check_expired_key(world: World) -> None:
    key = world.stack.create_user_api_key(world.bob.id, expires_at_millis=1)
    await world.client.user_api_keys.check(key)


async def _check_revoked_key(world: World) -> None:
    made = await world.client.team_api_keys.create(world.team.id, description="k")
    await world.client.team_api_keys.revoke(world.team.id, made.id)
    await world.client.team_api_keys.check(made.value)


async def _verify_twice(world: World) -> None:
    (channel,) = await world.client.contact_channels.list(user_id=world.bob.id)
    await world.client.contact_channels.update(world.bob.id, channel.id, is_verified=True)
    await world.client.contact_channels.send_verification_code(
        world.bob.id, channel.id, callback_url=world.page
    )


async def _use_code_twice(world: World) -> None:
    code = await world.send_code(world.bob)
    await world.client.contact_channels.verify(code)
    await world.client.contact_channels.verify(code)


async def _use_code_late(world: World) -> None:
    code = await world.send_code(world.bob)
    [*_, sent] = world.stack.project.codes.values()
    sent.expires_at_millis = sent.created_at_millis - 1
    await world.client.contact_channels.verify(code)


#: Status, code (None where Stack gives none) and a call that meets it at the local Stack.
REFUSALS: dict[str, tuple[int, str | None, Refused]] = {
    "user": (404, "USER_NOT_FOUND", lambda w: w.client.users.get(UNKNOWN)),
    "user to change": (404, "USER_NOT_FOUND", lambda w: w.client.users.update(UNKNOWN)),
    "user to delete": (404, "USER_NOT_FOUND", lambda w: w.client.users.delete(UNKNOWN)),
    "user for a session": (
        400,
        "USER_ID_DOES_NOT_EXIST",
        lambda w: w.client.sessions.create(UNKNOWN),
    ),
    "own user": (
        400,
        "CANNOT_GET_OWN_USER_WITHOUT_USER",
        lambda w: w.client.request("GET", "/users/me"),
    ),
    "e-mail taken": (
        409,
        "USER_EMAIL_ALREADY_EXISTS",
        lambda w: w.client.users.update(
            w.alice.id, primary_email=w.bob.primary_email, primary_email_auth_enabled=True
        ),
    ),
    "schema": (400, "SCHEMA_ERROR", lambda w: w.client.users.create(primary_email="no address")),
    "reason without restriction": (
        400,
        "SCHEMA_ERROR",
        lambda w: w.client.users.update(w.bob.id, restricted_by_admin_reason="x"),
    ),
    "token": (401, "UNPARSABLE_ACCESS_TOKEN", lambda w: w.client.users.me("a.b.c")),
    "expired token": (
        401,
        "ACCESS_TOKEN_EXPIRED",
        lambda w: w.client.users.me(w.stack.issue_token(w.bob.id, exp=1)),
    ),
    "token of another project": (
        401,
        "INVALID_PROJECT_FOR_ACCESS_TOKEN",
        lambda w: w.client.users.me(w.stack.sign_in(w.stack.create_user("other").id).access_token),
    ),
    "refresh token": (
        401,
        "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED",
        lambda w: w.client.sessions.refresh("none"),
    ),
    "own session": (400, "CANNOT_DELETE_CURRENT_SESSION", _delete_own_session),
    "session": (404, None, lambda w: w.client.sessions.delete(UNKNOWN, w.bob.id)),
    "team": (404, "TEAM_NOT_FOUND", lambda w: w.client.teams.get(UNKNOWN)),
    "team to change": (404, "TEAM_NOT_FOUND", lambda w: w.client.teams.update(UNKNOWN)),
    "team to delete": (404, "TEAM_NOT_FOUND", lambda w: w.client.teams.delete(UNKNOWN)),
    "creator": (
        404,
        "USER_NOT_FOUND",
        lambda w: w.client.teams.create("T", creator_user_id=UNKNOWN),
    ),
    "team to join": (
        404,
        "TEAM_NOT_FOUND",
        lambda w: w.client.memberships.add(UNKNOWN, w.bob.id),
    ),
    "who joins": (
        404,
        "USER_NOT_FOUND",
        lambda w: w.client.memberships.add(w.team.id, UNKNOWN),
    ),
    "member already": (
        409,
        "TEAM_MEMBERSHIP_ALREADY_EXISTS",
        lambda w: w.client.memberships.add(w.team.id, w.alice.id),
    ),
    "no member": (
        404,
        "TEAM_MEMBERSHIP_NOT_FOUND",
        lambda w: w.client.memberships.remove(w.team.id, w.bob.id),
    ),
    "profile": (
        404,
        "TEAM_MEMBERSHIP_NOT_FOUND",
        lambda w: w.client.member_profiles.get(w.team.id, w.bob.id),
    ),
    "profiles": (
        404,
        "TEAM_NOT_FOUND",
        lambda w: w.client.member_profiles.list(team_id=UNKNOWN),
    ),
    "permission": (
        404,
        "PERMISSION_NOT_FOUND",
        lambda w: w.client.team_permissions.grant(w.team.id, w.alice.id, "nope"),
    ),
    "permission of a team": (
        401,
        "TEAM_PERMISSION_NOT_FOUND",
        lambda w: w.client.team_permissions.revoke(w.team.id, w.alice.id, "view_bills"),
    ),
    "permission of the project": (
        404,
        "PERMISSION_NOT_FOUND",
        lambda w: w.client.project_permissions.revoke(w.bob.id, "read_docs"),
    ),
    "permission of the other scope": (
        404,
        "WRONG_PERMISSION_SCOPE",
        lambda w: w.client.project_permissions.grant(w.bob.id, "view_bills"),
    ),
    "key": (404, "API_KEY_NOT_FOUND", lambda w: w.client.user_api_keys.check("sk_nope")),
    "key's record": (404, "API_KEY_NOT_FOUND", lambda w: w.client.user_api_keys.get(UNKNOWN)),
    "expired key": (401, "API_KEY_EXPIRED", _check_expired_key),
    "revoked key": (401, "API_KEY_REVOKED", _check_revoked_key),
    "key of the other kind": (
        400,
        "WRONG_API_KEY_TYPE",
        lambda w: w.client.user_api_keys.check(w.stack.create_team_api_key(w.team.id)),
    ),
    "channel in use": (
        409,
        "CONTACT_CHANNEL_ALREADY_USED_FOR_AUTH_BY_SOMEONE_ELSE",
        lambda w: w.client.contact_channels.create(
            w.bob.id, str(w.alice.primary_email), used_for_auth=True
        ),
    ),
    "channel twice": (
        400,
        None,
        lambda w: w.client.contact_channels.create(w.bob.id, str(w.bob.primary_email)),
    ),
    "channel": (404, None, lambda w: w.client.contact_channels.get(w.bob.id, UNKNOWN)),
    "channel to delete": (
        400,
        None,
        lambda w: w.client.contact_channels.delete(w.bob.id, UNKNOWN),
    ),
    "channel verified already": (409, "EMAIL_ALREADY_VERIFIED", _verify_twice),
    "page that is not trusted": (
        400,
        "REDIRECT_URL_NOT_WHITELISTED",
        lambda w: w.client.team_invitations.send(
            w.team.id, "carol@example.com", callback_url="https://evil.example/"
        ),
    ),
    "code": (
        404,
        "VERIFICATION_CODE_NOT_FOUND",
        lambda w: w.client.contact_channels.verify("x" * 45),
    ),
    "code of another form": (
        400,
        "SCHEMA_ERROR",
        lambda w: w.client.contact_channels.verify("x"),
    ),
    "used code": (409, "VERIFICATION_CODE_ALREADY_USED", _use_code_twice),
    "expired code": (400, "VERIFICATION_CODE_EXPIRED", _use_code_late),
    "invitation": (
        404,
        "VERIFICATION_CODE_NOT_FOUND",
        lambda w: w.client.team_invitations.accept(UNKNOWN, w.bob.id),
    ),
    "invitations of no team": (
        404,
        "TEAM_NOT_FOUND",
        lambda w: w.client.team_invitations.list(UNKNOWN),
    ),
    "invitation of no team": (
        404,
        "TEAM_NOT_FOUND",
        lambda w: w.client.team_invitations.revoke(UNKNOWN, UNKNOWN),
    ),
    "no endpoint": (404, None, lambda w: w.client.request("GET", "/nowhere")),
    "administrators' endpoint": (
        401,
        "INSUFFICIENT_ACCESS_TYPE",
        lambda w: w.client.request("GET", "/team-permission-definitions"),
    ),
}


@pytest.fixture(scope="module")
def served() -> Any:
    """A local Stack with a second project."""
    stack = StackEmulator({"projects": {"main": {"id": UNKNOWN}, "other": {"id": Ids().team_id}}})
    stack.define_permission("read_docs")
    stack.define_permission("view_bills", "team")
    with stack.serve():
        yield stack


@pytest.mark.parametrize(("status", "code", "call"), REFUSALS.values(), ids=REFUSALS)
async def test_a_refusal_has_the_class_of_its_code(
    world: World, status: int, code: str | None, call: Refused
) -> None:
    with pytest.raises(StackApiError) as caught:
        await call(world)
    error = caught.value
    assert (error.status, error.stack_code) == (status, code)
    assert type(error) is API_ERRORS.get(code or "", StackApiError)
    assert error.code == (code if code in API_ERRORS else StackApiError.code)


def test_every_class_is_met_in_these_tests() -> None:
    assert {code for _, code, _ in REFUSALS.values()} >= {*API_ERRORS}


def test_every_refusal_that_a_server_was_given_is_met_or_the_operators(
    recorded_exchanges: list[dict[str, Any]],
) -> None:
    recorded = {
        exchange["response"]["headers"].get("x-stack-known-error")
        for exchange in recorded_exchanges
        if exchange["request"]["headers"].get("x-stack-access-type") == "server"
        and 400 <= exchange["response"]["status"] < 500
    }
    of_the_operator = {"CURRENT_PROJECT_NOT_FOUND", "INVALID_SECRET_SERVER_KEY"}
    never = {
        "BRANCH_DOES_NOT_EXIST",  # no branch is sent
        "SERVER_AUTHENTICATION_REQUIRED",  # the key is always sent
        "BODY_PARSING_ERROR",  # bodies are JSON
        "RESTRICTED_USER_NOT_ALLOWED",  # the token's user is always allowed
    }
    met = {code for _, code, _ in REFUSALS.values()}
    assert recorded <= met | of_the_operator | never


@pytest.mark.parametrize("code", ["A_CODE_OF_TOMORROW", "__class__", "", "STACK_API_ERROR"])
async def test_an_unknown_code_is_still_a_refusal(code: str) -> None:
    headers = {"x-stack-request-id": "1", "x-stack-known-error": code}
    talk = Talk(httpx2.Response(418, headers=headers, json={"details": {"a": [1]}}))
    with pytest.raises(StackApiError) as caught:
        await talk.client.teams.get(Ids().team_id)
    assert type(caught.value) is StackApiError
    assert (caught.value.status, caught.value.stack_code) == (418, code)
    assert caught.value.details == {"a": [1]}


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422])
async def test_a_refusal_in_plain_text_is_stacks_if_it_says_so(status: int) -> None:
    headers = {"x-stack-request-id": "1", "content-type": "text/plain"}
    with pytest.raises(StackApiError) as caught:
        await Talk(httpx2.Response(status, headers=headers, text="no")).client.teams.list()
    assert (caught.value.status, caught.value.stack_code) == (status, None)
    with pytest.raises(StackUnavailableError):
        await Talk(httpx2.Response(status, text="a proxy's")).client.teams.list()


# ---------------------------------------------------------------- answers of the wrong shape

SHAPES: dict[str, object] = {
    "null": None,
    "list": [],
    "text": "x",
    "number": 1,
    "nothing": {},
    "no items": {"items": None, "is_paginated": False},
    "items of another kind": {"items": [{"id": 1}], "is_paginated": False},
    "items that are none": {"items": [None], "is_paginated": False},
    "items without an end": {"items": []},
    "a page without an end": {"items": [], "is_paginated": True},
    "a page with half an end": {"items": [], "is_paginated": True, "pagination": {}},
    "no success": {"success": False},
    "success in words": {"success": "true"},
    "wrong types": {"id": 1, "user_id": None, "team_id": True, "access_token": 2, "value": []},
}


#: Answered with an object that has no fields, and may get some.
ANY_OBJECT = "team_invitations.accept"


@pytest.mark.parametrize("body", [None, [], "x", 1])
async def test_no_object_is_an_outage(body: object) -> None:
    with pytest.raises(StackUnavailableError, match="documented"):
        await OPERATIONS[ANY_OBJECT](Talk(answer(body)).client, Ids())


@pytest.mark.parametrize("body", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("name", [name for name in OPERATIONS if name != ANY_OBJECT])
async def test_an_answer_of_the_wrong_shape_is_an_outage(name: str, body: object) -> None:
    talk = talk_of(name, answer(body))
    with pytest.raises(StackUnavailableError, match="documented") as caught:
        await OPERATIONS[name](talk.client, Ids())
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("body", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("name", LOOKED_UP)
async def test_what_cannot_be_looked_up_is_not_changed(name: str, body: object) -> None:
    talk = Talk(answer(body))
    with pytest.raises(StackUnavailableError, match="documented"):
        await OPERATIONS[name](talk.client, Ids())
    assert [request.method for request in talk.requests] == ["GET"]
    assert talk.changes == []


@pytest.mark.parametrize("cursor", [1, ["x"], {}])
async def test_a_cursor_of_the_wrong_type_is_an_outage(cursor: object) -> None:
    talk = Talk(answer({"items": [], "is_paginated": True, "pagination": {"next_cursor": cursor}}))
    with pytest.raises(StackUnavailableError):
        await talk.client.teams.list()


@pytest.mark.parametrize(
    "end",
    [
        {"is_paginated": False},
        {"is_paginated": False, "pagination": None},
        {"is_paginated": True, "pagination": {"next_cursor": None}},
    ],
)
async def test_a_list_that_ends_is_whole(end: dict[str, object]) -> None:
    talk = Talk(answer({"items": [], **end}))
    assert await talk.client.teams.list() == []


@pytest.mark.parametrize("is_paginated", [True, False])
async def test_a_part_of_a_list_never_passes_for_the_whole(*, is_paginated: bool) -> None:
    """Who held a permission on the second page would seem to lack it; a session to have ended."""
    more = {"is_paginated": is_paginated, "pagination": {"next_cursor": "x"}}
    talk = Talk(answer({"items": [], **more}))
    with pytest.raises(StackUnavailableError, match="a part of a list"):
        await talk.client.sessions.list(Ids().user_id)


@pytest.mark.parametrize("other", ["user_id", "team_id", "permission_id"])
async def test_somebody_elses_permission_is_nobodys(other: str) -> None:
    """A server, or something in between, that ignores the filters must not grant anything."""
    ids = Ids()
    held = {"id": ids.permission_id, "user_id": ids.user_id, "team_id": ids.team_id}
    talk = Talk(answer({"items": [held], "is_paginated": False}))
    assert await OPERATIONS["team_permissions.has"](talk.client, ids)
    assert await OPERATIONS["project_permissions.has"](talk.client, ids)
    wrong = {**held, "id" if other == "permission_id" else other: UNKNOWN}
    talk = Talk(answer({"items": [wrong], "is_paginated": False}))
    assert not await OPERATIONS["team_permissions.has"](talk.client, ids)
    if other != "team_id":
        assert not await OPERATIONS["project_permissions.has"](talk.client, ids)


@pytest.mark.parametrize(
    "owner",
    [
        {"type": "team", "team_id": "t"},
        {"type": "team", "user_id": "u"},
        {"type": "user", "team_id": "t"},
        {"type": "user", "user_id": None},
        {"type": "admin", "user_id": "u"},
    ],
)
async def test_a_key_of_another_kind_of_owner_is_nobodys(owner: dict[str, object]) -> None:
    record = {
        "id": "k",
        "description": "",
        "is_public": False,
        "created_at_millis": 1,
        "value": {"last_four": "abcd"},
        **owner,
    }
    with pytest.raises(StackUnavailableError, match="documented"):
        await Talk(answer(record)).client.user_api_keys.check("sk_x")
