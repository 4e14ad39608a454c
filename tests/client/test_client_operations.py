"""Every operation against a local Stack on a real socket: what it does, and what it tells."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from stack_fastapi import (
    ApiApiKeyRevokedError,
    ApiRefreshTokenNotFoundError,
    ApiTeamNotFoundError,
    ApiUserNotFoundError,
    Change,
    StackApiError,
    StackAuth,
    TeamMembership,
)
from stack_fastapi.client import NOT_GIVEN
from stack_fastapi.testing import settings_for

from .world import UNKNOWN, World


async def test_users(world: World) -> None:
    users = world.client.users
    made = await users.create(
        primary_email="carol@example.com",
        password="correct horse battery",
        server_metadata={"role": ["admin", None, 1.5]},
        client_metadata=None,
    )
    assert made.has_password
    assert made.server_metadata == {"role": ["admin", None, 1.5]}
    assert await users.get(made.id) == made
    assert made.signed_up_at.timestamp() == pytest.approx(made.signed_up_at_millis / 1000)
    changed = await users.update(made.id.upper(), display_name="Carol", password=None)
    assert (changed.display_name, changed.has_password) == ("Carol", False)
    assert changed.primary_email == "carol@example.com"
    change = Change("user", made.id)
    await users.delete(made.id)
    with pytest.raises(ApiUserNotFoundError):
        await users.get(made.id)
    assert world.heard() == [change] * 3


async def test_none_is_a_value_and_what_is_left_out_stays(world: World) -> None:
    users, alice = world.client.users, world.alice.id
    await users.update(alice, display_name="A", server_metadata=[1])
    kept = await users.update(alice, display_name=NOT_GIVEN, server_metadata=NOT_GIVEN)
    assert (kept.display_name, kept.server_metadata) == ("A", [1])
    gone = await users.update(alice, display_name=None, server_metadata=None)
    assert (gone.display_name, gone.server_metadata) == (None, None)


async def test_oneself(world: World) -> None:
    users, token = world.client.users, SecretStr(world.token(world.alice))
    assert (await users.me(token)).id == world.alice.id
    assert (await users.me(token.get_secret_value())).id == world.alice.id
    renamed = await users.update_me(token, display_name="I myself", server_metadata={"x": 1})
    assert (renamed.display_name, renamed.server_metadata) == ("I myself", {"x": 1})
    await users.delete_me(token)
    with pytest.raises(ApiUserNotFoundError):
        await users.get(world.alice.id)
    assert world.heard() == [Change("user", world.alice.id)] * 2


async def test_an_anonymous_user_is_somebody_for_whom_one_can_act(world: World) -> None:
    tokens = world.stack.anonymous()
    guest = await world.client.users.me(tokens.access_token)
    assert guest.user_type == "anonymous"
    await world.client.users.delete_me(tokens.access_token)
    assert world.heard() == [Change("user", guest.id)]


async def test_teams(world: World) -> None:
    teams = world.client.teams
    made = await teams.create("New", creator_user_id=world.bob.id, server_metadata={"a": 1})
    assert (made.display_name, made.server_metadata) == ("New", {"a": 1})
    assert await teams.get(made.id) == made
    assert made in await teams.list()
    assert await teams.list(user_id=world.bob.id) == [made]
    assert await teams.list(user_id=UNKNOWN) == []
    alone = await teams.create("Nobody's", profile_image_url=None)
    changed = await teams.update(made.id, display_name="Newer", client_metadata="m")
    assert (changed.display_name, changed.client_metadata) == ("Newer", "m")
    await teams.delete(made.id)
    with pytest.raises(ApiTeamNotFoundError):
        await teams.get(made.id)
    assert world.heard() == [
        Change("team", world.bob.id, made.id),
        Change("team", team_id=alone.id),
        Change("team", team_id=made.id),
        Change("team", team_id=made.id),
    ]


async def test_memberships_and_profiles(world: World) -> None:
    team, bob = world.team.id, world.bob.id
    added = await world.client.memberships.add(team, bob)
    assert added == TeamMembership(team_id=team, user_id=bob)
    profiles = world.client.member_profiles
    assert {item.user_id for item in await profiles.list(team_id=team)} == {world.alice.id, bob}
    assert [item.team_id for item in await profiles.list(user_id=bob)] == [team]
    assert {team} <= {item.team_id for item in await profiles.list()}
    shown = await profiles.get(team, bob)
    assert shown.display_name == "bob"
    assert shown.user is not None
    assert shown.user.id == bob
    renamed = await profiles.update(team, bob, display_name="Bobby")
    assert renamed.display_name == "Bobby"
    assert (await world.client.users.get(bob)).display_name == "bob"
    await world.client.memberships.remove(team, bob)
    assert await world.client.teams.list(user_id=bob) == []
    assert world.heard() == [Change("membership", bob, team)] * 3


async def test_team_permissions(world: World) -> None:
    team, alice = world.team.id, world.alice.id
    permissions = world.client.team_permissions
    granted = await permissions.grant(team, alice, "manage_bills")
    assert (granted.id, granted.user_id, granted.team_id) == ("manage_bills", alice, team)
    assert await permissions.grant(team, alice, "manage_bills") == granted
    assert granted in await permissions.list(team_id=team, user_id=alice)
    assert await permissions.list(user_id=alice, permission_id="view_bills") == []
    within = await permissions.list(user_id=alice, permission_id="view_bills", recursive=True)
    assert [item.id for item in within] == ["view_bills"]
    assert await permissions.has(team, alice, "view_bills")
    assert await permissions.has(team.upper(), alice.upper(), "view_bills")
    assert not await permissions.has(team, alice, "view_bills", recursive=False)
    assert not await permissions.has(team, world.bob.id, "view_bills")
    assert not await permissions.has(UNKNOWN, alice, "view_bills")
    await permissions.grant(team, alice, "$invite_members")
    await permissions.revoke(team, alice, "$invite_members")
    await permissions.revoke(team, alice, "manage_bills")
    assert not await permissions.has(team, alice, "view_bills")
    assert world.heard() == [Change("team_permission", alice, team)] * 5


async def test_project_permissions(world: World) -> None:
    bob, permissions = world.bob.id, world.client.project_permissions
    granted = await permissions.grant(bob, "write_docs")
    assert (granted.id, granted.user_id) == ("write_docs", bob)
    assert await permissions.list(user_id=bob) == [granted]
    assert granted in await permissions.list()
    assert await permissions.has(bob, "read_docs")
    assert not await permissions.has(bob, "read_docs", recursive=False)
    assert not await permissions.has(world.alice.id, "read_docs")
    assert not await permissions.has(UNKNOWN, "read_docs")
    await permissions.revoke(bob, "write_docs")
    assert await permissions.list(user_id=bob, recursive=True) == []
    assert world.heard() == [Change("project_permission", bob)] * 2


async def test_sessions(world: World) -> None:
    bob, sessions = world.bob.id, world.client.sessions
    assert await sessions.list(bob) == []
    tokens = await sessions.create(bob, expires_in_millis=60_000)
    assert (await world.client.users.me(tokens.access_token)).id == bob
    (session,) = await sessions.list(bob)
    assert (session.user_id, session.is_impersonation) == (bob, False)
    assert session.created_at.timestamp() == pytest.approx(session.created_at_millis / 1000)
    fresh = await sessions.refresh(tokens.refresh_token)
    assert (await world.client.users.me(fresh)).id == bob
    await sessions.delete(session.id, bob)
    assert await sessions.list(bob) == []
    with pytest.raises(ApiRefreshTokenNotFoundError):
        await sessions.refresh(tokens.refresh_token)
    with pytest.raises(StackApiError) as caught:
        await sessions.delete(session.id, bob)
    assert (caught.value.status, caught.value.stack_code) == (404, None)
    assert world.heard() == [Change("session", bob, id=session.id)] * 3


async def test_impersonation_and_signing_out(world: World) -> None:
    bob, sessions = world.bob.id, world.client.sessions
    tokens = await sessions.impersonate(bob, expires_in_millis=60_000)
    assert await sessions.list(bob) == []  # which Stack shows to administrators alone
    await sessions.sign_out(tokens.access_token)
    with pytest.raises(ApiRefreshTokenNotFoundError):
        await sessions.refresh(tokens.refresh_token.get_secret_value())
    made, ended = world.heard()
    assert made == ended
    assert (made.kind, made.user_id) == ("session", bob)
    assert made.id is not None


async def test_api_keys_of_users(world: World) -> None:
    alice, keys = world.alice.id, world.client.user_api_keys
    made = await keys.create(
        alice, description="mine", expires_at_millis=8_640_000_000_000_000, is_public=True
    )
    text = made.value.get_secret_value()
    assert text.startswith("pk_")
    assert text not in repr(made)
    assert made.expires_at is not None
    assert made.expires_at.year == 9999
    found = await keys.check(made.value)
    assert found == await keys.check(text)
    assert found == await keys.get(made.id)
    assert [found] == await keys.list(alice)
    assert (found.type, found.user_id, found.team_id) == ("user", alice, None)
    assert (found.description, found.is_public) == ("mine", True)
    assert found.value.last_four == text[-4:]
    assert found.manually_revoked_at is None
    assert found.created_at.timestamp() == pytest.approx(found.created_at_millis / 1000)
    assert (await keys.update(made.id, description="ours")).description == "ours"
    revoked = await keys.revoke(made.id)
    assert revoked.manually_revoked_at_millis is not None
    assert revoked.manually_revoked_at is not None
    with pytest.raises(ApiApiKeyRevokedError):
        await keys.check(text)
    assert world.heard() == [Change("api_key", alice, id=made.id)] * 3


async def test_api_keys_of_teams(world: World) -> None:
    team, keys = world.team.id, world.client.team_api_keys
    made = await keys.create(team, description="ours")
    assert made.expires_at is None
    found = await keys.check(made.value)
    assert (found.type, found.user_id, found.team_id) == ("team", None, team)
    assert found == await keys.get(team, made.id)
    assert [found] == await keys.list(team)
    assert (await keys.update(team, made.id, description="new")).description == "new"
    await keys.revoke(team, made.id)
    with pytest.raises(ApiApiKeyRevokedError):
        await keys.check(made.value)
    assert world.heard() == [Change("api_key", team_id=team, id=made.id)] * 3


async def test_contact_channels(world: World) -> None:
    bob, channels = world.bob.id, world.client.contact_channels
    (primary,) = await channels.list(user_id=bob)
    assert (primary.value, primary.is_primary) == (world.bob.primary_email, True)
    made = await channels.create(bob, "second@example.com", is_verified=True)
    assert (made.type, made.used_for_auth, made.is_verified) == ("email", False, True)
    assert made == await channels.get(bob, made.id)
    assert {made.id, primary.id} <= {item.id for item in await channels.list()}
    changed = await channels.update(bob, made.id, is_primary=True)
    assert changed.is_primary
    assert (await world.client.users.get(bob)).primary_email == "second@example.com"
    await channels.delete(bob, made.id)
    assert [item.id for item in await channels.list(user_id=bob)] == [primary.id]
    assert world.heard() == [Change("user", bob)] * 3


async def test_the_project(world: World) -> None:
    project = await world.client.project.current()
    assert project.id == world.stack.project.id
    assert project.config.credential_enabled
    assert project.config.model_extra is not None
    assert project.config.model_extra["domains"] == []


async def test_any_other_endpoint(world: World) -> None:
    client, bob = world.client, world.bob.id
    token = world.token(world.bob)
    users: Any = await client.request("GET", "/users", query={"limit": 1, "desc": True, "x": None})
    assert len(users["items"]) == 1
    me: Any = await client.request("GET", "/users/me", token=token)
    assert me["id"] == bob
    assert await client.request("POST", f"/project-permissions/{bob}/read_docs") == {
        "id": "read_docs",
        "user_id": bob,
    }
    made: Any = await client.request("POST", "/teams", body={"display_name": "T"})
    assert made["display_name"] == "T"
    with pytest.raises(ApiTeamNotFoundError) as caught:
        await client.request("DELETE", f"/teams/{UNKNOWN}")
    assert caught.value.details == {"team_id": UNKNOWN}
    assert world.heard() == []


async def test_a_script_needs_no_fastapi(world: World) -> None:
    async with StackAuth(settings_for(world.stack)) as auth:
        assert (await auth.client.users.get(world.bob.id)).id == world.bob.id


async def test_a_code_verifies_an_address(world: World) -> None:
    channels = world.client.contact_channels
    code = await world.send_code(world.bob)
    assert world.heard() == []
    await channels.verify(SecretStr(code.upper()))  # as e-mails may write it
    assert world.heard() == [Change("user")]
    (channel,) = await channels.list(user_id=world.bob.id)
    assert channel.is_verified
    assert (await world.client.users.get(world.bob.id)).primary_email_verified


async def test_invitations(world: World) -> None:
    invitations, team = world.client.team_invitations, world.team
    sent = await invitations.send(team.id, "carol@example.com", callback_url=world.page)
    (invitation,) = await invitations.list(team.id)
    assert (invitation.id, invitation.team_id) == (sent.id, team.id)
    assert (invitation.team_display_name, invitation.recipient_email) == (
        "Team",
        "carol@example.com",
    )
    week = invitation.expires_at.timestamp() - world.stack.now
    assert week == pytest.approx(7 * 86_400, abs=60)
    await invitations.revoke(team.id, sent.id)
    assert await invitations.list(team.id) == []
    assert world.heard() == []


async def test_an_invitation_is_accepted(world: World) -> None:
    invitations, bob = world.client.team_invitations, world.bob
    email = str(bob.primary_email)
    sent = await invitations.send(world.team.id, email, callback_url=world.page)
    assert await invitations.list_of_user(bob.id) == []  # the address is not verified
    await world.client.contact_channels.verify(await world.send_code(bob))
    (invitation,) = await invitations.list_of_user(bob.id)
    assert invitation.id == sent.id
    world.heard()
    await invitations.accept(sent.id, bob.id)
    assert world.heard() == [Change("membership", bob.id)]
    assert [team.id for team in await world.client.teams.list(user_id=bob.id)] == [world.team.id]
    assert await invitations.list_of_user(bob.id) == []
