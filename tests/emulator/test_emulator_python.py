"""Driving an emulator from Python."""

from __future__ import annotations

from typing import Any

import pytest

from stack_fastapi.emulator import KnownError, StackEmulator

from .emulator_api import Api, StandingClock

EMAIL = "alice@example.com"
PASSWORD = "correct horse"


def sign_in(api: Api, email: str = EMAIL, password: str = PASSWORD) -> Any:
    return api("POST", "/auth/password/sign-in", {"email": email, "password": password})


def test_the_default_project_is_obviously_local(emulator: StackEmulator) -> None:
    assert emulator.project.secret_server_key == "ssk_local_emulator_only"
    assert emulator.project.publishable_client_key == "pck_local_emulator_only"
    assert emulator.projects == {"local": emulator.project}


def test_secrets_are_in_no_repr(emulator: StackEmulator) -> None:
    user = emulator.create_user(primary_email=EMAIL, password=PASSWORD)
    tokens = emulator.sign_in(user.id)
    shown = repr([emulator.project, user, tokens, *emulator.project.sessions.values()])
    secrets = (
        emulator.project.secret_server_key,
        emulator.project.super_secret_admin_key,
        str(user.password_hash),
        tokens.access_token,
        tokens.refresh_token,
        *(session.refresh_token_digest for session in emulator.project.sessions.values()),
    )
    assert [secret for secret in secrets if secret in shown] == []


def test_a_user_with_address_and_password_signs_in(emulator: StackEmulator, api: Api) -> None:
    user = emulator.create_user(primary_email="Alice@Example.com", password=PASSWORD)
    assert sign_in(api).json["user_id"] == user.id


def test_a_user_may_be_kept_from_signing_in(emulator: StackEmulator, api: Api) -> None:
    emulator.create_user(primary_email=EMAIL, password=PASSWORD, primary_email_auth_enabled=False)
    assert sign_in(api).outcome == (400, "EMAIL_PASSWORD_MISMATCH")


def test_two_users_cannot_sign_in_with_one_address(emulator: StackEmulator) -> None:
    emulator.create_user(primary_email=EMAIL, password=PASSWORD)
    with pytest.raises(KnownError) as caught:
        emulator.create_user(primary_email=EMAIL.upper(), password=PASSWORD)
    assert caught.value.code == "USER_EMAIL_ALREADY_EXISTS"
    assert len(emulator.project.users) == 1


def test_unknown_fields_are_refused(emulator: StackEmulator) -> None:
    with pytest.raises(ValueError, match="nickname"):
        emulator.create_user(nickname="Al")


def test_a_user_of_another_project(emulator: StackEmulator) -> None:
    several = StackEmulator({"projects": {"one": {"id": "1"}, "two": {"id": "2"}}})
    user = several.create_user("two", display_name="Alice")
    assert list(several.projects["two"].users) == [user.id]
    assert Api(several, "two")("GET", f"/users/{user.id}").json["display_name"] == "Alice"
    assert Api(several, "one")("GET", f"/users/{user.id}").outcome == (404, "USER_NOT_FOUND")


def test_two_emulators_share_nothing(emulator: StackEmulator, clock: StandingClock) -> None:
    other = StackEmulator(clock=clock)
    user = emulator.create_user()
    token = emulator.sign_in(user.id).access_token
    assert other.project.users == {}
    assert Api(other)("GET", "/users/me", token=token).outcome == (401, "UNPARSABLE_ACCESS_TOKEN")


def test_a_deleted_user_is_gone_with_everything(emulator: StackEmulator, api: Api) -> None:
    user = emulator.create_user()
    team = emulator.create_team("Team", creator=user.id)
    tokens, key = emulator.sign_in(user.id), emulator.create_user_api_key(user.id)
    emulator.delete_user(user.id)
    assert api("GET", "/users/me", token=tokens.access_token).code == (
        "CANNOT_GET_OWN_USER_WITHOUT_USER"
    )
    assert api("POST", "/user-api-keys/check", {"api_key": key}).code == "API_KEY_NOT_FOUND"
    assert api("GET", f"/team-permissions?team_id={team.id}").json["items"] == []
    assert emulator.project.sessions == {}
    with pytest.raises(KnownError):
        emulator.delete_user(user.id)


def test_a_restricted_user_needs_the_header(emulator: StackEmulator, api: Api) -> None:
    user = emulator.create_user()
    emulator.restrict_user(user.id, "spam")
    token = emulator.sign_in(user.id).access_token
    refused = api("GET", "/users/me", token=token)
    assert refused.json["details"] == {"restricted_reason": {"type": "restricted_by_administrator"}}
    let_in = api("GET", "/users/me", token=token, allow_restricted_user="true")
    assert let_in.json["restricted_by_admin_reason"] == "spam"


def test_lifting_a_restriction_takes_the_reason_away(emulator: StackEmulator) -> None:
    user = emulator.restrict_user(emulator.create_user().id, "spam")
    emulator.update_user(user.id, restricted_by_admin=False)
    assert (user.restricted_by_admin, user.restricted_by_admin_reason) == (False, None)


def test_an_anonymous_user(emulator: StackEmulator, api: Api) -> None:
    tokens = emulator.anonymous()
    assert api("GET", "/users/me", token=tokens.access_token).code == (
        "ANONYMOUS_AUTHENTICATION_NOT_ALLOWED"
    )
    me = api("GET", "/users/me", token=tokens.access_token, allow_anonymous_user="true")
    assert (me.json["id"], me.json["is_anonymous"]) == (tokens.user_id, True)


def test_a_revoked_session_does_not_refresh(emulator: StackEmulator, api: Api) -> None:
    tokens = emulator.sign_in(emulator.create_user().id)
    again = api("POST", "/auth/sessions/current/refresh", {}, refresh_token=tokens.refresh_token)
    assert again.status == 200
    emulator.revoke_session(tokens.session_id)
    refused = api("POST", "/auth/sessions/current/refresh", {}, refresh_token=tokens.refresh_token)
    assert refused.outcome == (401, "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED")


def test_members_and_their_permissions(emulator: StackEmulator, api: Api) -> None:
    admin, member = emulator.create_user(), emulator.create_user()
    team = emulator.create_team("Team", creator=admin.id)
    emulator.add_member(team.id, member.id)
    emulator.grant(member.id, "$update_team", team_id=team.id)

    def held(user_id: str) -> list[str]:
        query = f"team_id={team.id}&user_id={user_id}"
        items = api("GET", f"/team-permissions?{query}").json["items"]
        return [item["id"] for item in items]

    assert held(admin.id) == ["team_admin"]
    assert held(member.id) == ["$update_team", "team_member"]
    emulator.revoke(member.id, "$update_team", team_id=team.id)
    assert held(member.id) == ["team_member"]
    emulator.remove_member(team.id, member.id)
    assert held(member.id) == []


def test_a_team_without_a_creator_has_no_members(emulator: StackEmulator) -> None:
    team = emulator.create_team("Team")
    assert emulator.project.memberships_of(team_id=team.id) == []
    with pytest.raises(KnownError):
        emulator.create_team("Team", creator="nobody")


def test_project_permissions_contain_others(emulator: StackEmulator, api: Api) -> None:
    user = emulator.create_user()
    emulator.define_permission("read")
    emulator.define_permission("write", contains=("read",))
    emulator.grant(user.id, "write")
    path = f"/project-permissions?user_id={user.id}&recursive=true"
    assert [item["id"] for item in api("GET", path).json["items"]] == ["read", "write"]
    emulator.revoke(user.id, "write")
    assert api("GET", path).json["items"] == []


def test_api_keys(emulator: StackEmulator, api: Api, clock: StandingClock) -> None:
    user, team = emulator.create_user(), emulator.create_team("Team")
    soon = int(clock.now * 1000) + 1000
    key = emulator.create_user_api_key(user.id, expires_at_millis=soon)
    team_key = emulator.create_team_api_key(team.id)
    assert api("POST", "/user-api-keys/check", {"api_key": key}).json["user_id"] == user.id
    assert api("POST", "/team-api-keys/check", {"api_key": team_key}).json["team_id"] == team.id
    wrong = api("POST", "/user-api-keys/check", {"api_key": team_key})
    assert wrong.json["details"] == {"expected_type": "user", "actual_type": "team"}
    clock.now += 1.001
    expired = api("POST", "/user-api-keys/check", {"api_key": key})
    assert expired.outcome == (401, "API_KEY_EXPIRED")
    with pytest.raises(KnownError):
        emulator.create_team_api_key("none")


def test_the_transport_leads_here_without_a_socket(emulator: StackEmulator) -> None:
    assert emulator.transport is not None
    assert emulator.url == "http://stack.localhost"


def test_ids_come_from_the_source_of_randomness() -> None:
    emulator = StackEmulator(random_bytes=bytes)
    assert emulator.create_user().id == "00000000-0000-4000-8000-000000000000"
