"""What is changed through ``auth.client`` counts for the next request, whatever its route asks.

Time stands still here, and answers live for a minute (sessions: three seconds), so nothing but
the change itself can make a route see it.
"""

from __future__ import annotations

import asyncio

import pytest
from guarded_app import LocalStack, app_of, outcome
from starlette.types import ASGIApp

from stack_fastapi import StackApiError, StackAuth, StackUnavailableError
from stack_fastapi.emulator import Fault
from stack_fastapi.emulator.control.faults import FaultKind
from stack_fastapi.testing import SignedIn

LACKS_IN_PROJECT = "403 PROJECT_PERMISSION_REQUIRED"
LACKS_IN_TEAM = "403 TEAM_PERMISSION_REQUIRED"
NO_MEMBER = "403 TEAM_MEMBERSHIP_NOT_FOUND"
OVER = "401 SESSION_NOT_FOUND"


@pytest.fixture
def stack() -> LocalStack:
    return LocalStack.with_permissions()


@pytest.fixture
def auth(stack: LocalStack) -> StackAuth:
    return stack.engine()


@pytest.fixture
def app(auth: StackAuth) -> ASGIApp:
    return app_of(auth)


def team_of(somebody: SignedIn) -> str:
    assert somebody.team is not None
    return somebody.team.id


# ---------------------------------------------------------------- permissions and teams


async def test_a_permission_in_the_project_is_seen_to_come_and_go(
    stack: LocalStack, auth: StackAuth, app: ASGIApp
) -> None:
    alice = stack.sign_in()
    assert await outcome(app, "/permission", alice.token) == LACKS_IN_PROJECT
    await auth.client.project_permissions.grant(alice.user.id, "read")
    assert await outcome(app, "/permission", alice.token) == "200"
    await auth.client.project_permissions.revoke(alice.user.id, "read")
    assert await outcome(app, "/permission", alice.token) == LACKS_IN_PROJECT


async def test_a_permission_in_a_team_is_seen_to_come_and_go(
    stack: LocalStack, auth: StackAuth, app: ASGIApp
) -> None:
    alice = stack.sign_in(team="Acme")
    path = f"/teams/{team_of(alice)}/permission"
    assert await outcome(app, path, alice.token) == LACKS_IN_TEAM
    await auth.client.team_permissions.grant(team_of(alice), alice.user.id, "bill")
    assert await outcome(app, path, alice.token) == "200"
    await auth.client.team_permissions.revoke(team_of(alice), alice.user.id, "bill")
    assert await outcome(app, path, alice.token) == LACKS_IN_TEAM


async def test_a_membership_is_seen_to_come_and_go(
    stack: LocalStack, auth: StackAuth, app: ASGIApp
) -> None:
    team_id, bob = team_of(stack.sign_in(team="Acme")), stack.sign_in()
    path = f"/teams/{team_id}/member"
    assert await outcome(app, path, bob.token) == NO_MEMBER
    await auth.client.memberships.add(team_id, bob.user.id)
    assert await outcome(app, path, bob.token) == "200"
    await auth.client.memberships.remove(team_id, bob.user.id)
    assert await outcome(app, path, bob.token) == NO_MEMBER


async def test_a_permission_ends_with_the_membership(
    stack: LocalStack, auth: StackAuth, app: ASGIApp
) -> None:
    alice = stack.sign_in(team="Acme", team_permissions=["bill"])
    path = f"/teams/{team_of(alice)}/permission"
    assert await outcome(app, path, alice.token) == "200"
    await auth.client.memberships.remove(team_of(alice), alice.user.id)
    assert await outcome(app, path, alice.token) == NO_MEMBER


async def test_a_new_team_is_its_creators_at_once(
    stack: LocalStack, auth: StackAuth, app: ASGIApp
) -> None:
    alice = stack.sign_in(team="Acme")
    assert await outcome(app, f"/teams/{team_of(alice)}/member", alice.token) == "200"
    team = await auth.client.teams.create("New", creator_user_id=alice.user.id)
    assert await outcome(app, f"/teams/{team.id}/member", alice.token) == "200"


async def test_a_team_that_was_deleted_has_no_members_and_no_keys(
    stack: LocalStack, auth: StackAuth, app: ASGIApp
) -> None:
    alice = stack.sign_in(team="Acme", team_permissions=["bill"])
    key = stack.emulator.create_team_api_key(team_of(alice))
    paths = [f"/teams/{team_of(alice)}/{place}" for place in ("member", "permission")]
    for path in paths:
        assert await outcome(app, path, alice.token) == "200"
    assert await outcome(app, "/team-key", x_api_key=key) == "200"
    await auth.client.teams.delete(team_of(alice))
    for path in paths:
        assert await outcome(app, path, alice.token) == NO_MEMBER
    assert await outcome(app, "/team-key", x_api_key=key) == "401 API_KEY_NOT_FOUND"


async def test_nobody_else_is_asked_about_again(
    stack: LocalStack, auth: StackAuth, app: ASGIApp
) -> None:
    alice, bob = stack.sign_in(permissions=["read"], team="Acme"), stack.sign_in()
    paths = ["/permission", f"/teams/{team_of(alice)}/member", "/live"]
    for path in paths:
        assert await outcome(app, path, alice.token) == "200"
    await auth.client.memberships.add(team_of(alice), bob.user.id)
    await auth.client.team_permissions.grant(team_of(alice), bob.user.id, "bill")
    stack.asked()
    for path in paths:
        assert await outcome(app, path, alice.token) == "200"
    assert stack.asked() == {}


@pytest.mark.parametrize("kind", ["truncated", "broken_json", "html"])
async def test_a_change_of_which_nobody_heard_the_outcome_is_seen(
    stack: LocalStack, auth: StackAuth, app: ASGIApp, kind: FaultKind
) -> None:
    alice = stack.sign_in()
    assert await outcome(app, "/permission", alice.token) == LACKS_IN_PROJECT
    stack.emulator.faults.add(Fault(kind=kind, method="POST", times=1))
    with pytest.raises(StackUnavailableError):
        await auth.client.project_permissions.grant(alice.user.id, "read")
    assert await outcome(app, "/permission", alice.token) == "200"  # it had happened


async def test_concurrent_grants_and_requests_end_with_what_was_granted(
    stack: LocalStack, auth: StackAuth, app: ASGIApp
) -> None:
    """No question that was sent before a change leaves its answer behind."""
    people = [stack.sign_in() for _ in range(20)]
    await asyncio.gather(
        *(auth.client.project_permissions.grant(somebody.user.id, "read") for somebody in people),
        *(outcome(app, "/permission", somebody.token) for somebody in people),
    )
    for somebody in people:
        assert await outcome(app, "/permission", somebody.token) == "200"


# ---------------------------------------------------------------- users and sessions


async def test_a_session_that_was_deleted_is_over(
    stack: LocalStack, auth: StackAuth, app: ASGIApp
) -> None:
    alice = stack.sign_in()
    assert await outcome(app, "/live", alice.token) == "200"
    await auth.client.sessions.delete(alice.tokens.session_id, alice.user.id)
    assert await outcome(app, "/live", alice.token) == OVER


async def test_a_session_goes_on_that_was_to_end_in_another_users_name(
    stack: LocalStack, auth: StackAuth, app: ASGIApp
) -> None:
    """Stack would end the session that the id says, also where it is not that user's."""
    alice, bob = stack.sign_in(), stack.sign_in()
    with pytest.raises(StackApiError):
        await auth.client.sessions.delete(alice.tokens.session_id, bob.user.id)
    assert await outcome(app, "/live", alice.token) == "200"


async def test_a_session_that_ended_elsewhere_is_over_for_whoever_would_end_it(
    stack: LocalStack, auth: StackAuth, app: ASGIApp
) -> None:
    alice = stack.sign_in()
    assert await outcome(app, "/live", alice.token) == "200"
    await stack.engine().client.sessions.delete(alice.tokens.session_id, alice.user.id)
    with pytest.raises(StackApiError):
        await auth.client.sessions.delete(alice.tokens.session_id, alice.user.id)
    assert await outcome(app, "/live", alice.token) == OVER


async def test_whoever_signed_out_is_out(stack: LocalStack, auth: StackAuth, app: ASGIApp) -> None:
    alice = stack.sign_in()
    assert await outcome(app, "/live", alice.token) == "200"
    await auth.client.sessions.sign_out(alice.token)
    assert await outcome(app, "/live", alice.token) == OVER


async def test_a_user_who_was_deleted_is_out_with_their_keys(
    stack: LocalStack, auth: StackAuth, app: ASGIApp
) -> None:
    alice = stack.sign_in(permissions=["read"])
    key = stack.emulator.create_user_api_key(alice.user.id)
    assert await outcome(app, "/permission", alice.token) == "200"
    assert await outcome(app, "/key", x_api_key=key) == "200"
    await auth.client.users.delete(alice.user.id)
    gone = "401 CANNOT_GET_OWN_USER_WITHOUT_USER"
    assert await outcome(app, "/permission", alice.token) == gone
    assert await outcome(app, "/key", x_api_key=key) == "401 API_KEY_NOT_FOUND"


# ---------------------------------------------------------------- API keys


@pytest.mark.parametrize("owner", ["user", "team"])
async def test_a_key_that_was_revoked_is_refused(
    stack: LocalStack, auth: StackAuth, app: ASGIApp, owner: str
) -> None:
    alice, client = stack.sign_in(team="Acme"), auth.client
    if owner == "user":
        made = await client.user_api_keys.create(alice.user.id, description="k")
    else:
        made = await client.team_api_keys.create(team_of(alice), description="k")
    key = made.value.get_secret_value()
    assert await outcome(app, f"/{owner}-key", x_api_key=key) == "200"
    if owner == "user":
        await client.user_api_keys.revoke(made.id)
    else:
        await client.team_api_keys.revoke(team_of(alice), made.id)
    assert await outcome(app, f"/{owner}-key", x_api_key=key) == "401 API_KEY_REVOKED"


async def test_a_revocation_without_an_answer_is_seen(
    stack: LocalStack, auth: StackAuth, app: ASGIApp
) -> None:
    """Whose key it is, only the answer would have told: the key's own id is enough."""
    made = await auth.client.user_api_keys.create(stack.sign_in().user.id, description="k")
    key = made.value.get_secret_value()
    assert await outcome(app, "/user-key", x_api_key=key) == "200"
    stack.emulator.faults.add(Fault(kind="truncated", method="PATCH", times=1))
    with pytest.raises(StackUnavailableError):
        await auth.client.user_api_keys.revoke(made.id)
    assert await outcome(app, "/user-key", x_api_key=key) == "401 API_KEY_REVOKED"
