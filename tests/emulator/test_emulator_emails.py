"""Codes that Stack sends by e-mail: here they are kept, to be read."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from stack_fastapi.emulator import StackEmulator, Team, User
from stack_fastapi.emulator.state.verification_codes import LIFETIME_MILLIS, MAX_ATTEMPTS

from .emulator_api import Api, StandingClock

EMAIL = "alice@example.com"
PAGE = "http://localhost:3000/verify?a=1&code=old#top"
NOBODY = "a1b2c3d4-0000-4000-8000-000000000001"
GUESS = "0" * 45


@pytest.fixture
def alice(emulator: StackEmulator) -> User:
    return emulator.create_user(primary_email=EMAIL, primary_email_auth_enabled=True)


@pytest.fixture
def team(emulator: StackEmulator) -> Team:
    return emulator.create_team("Acme")


def token_of(emulator: StackEmulator, user: User) -> str:
    return emulator.sign_in(user.id).access_token


def send(api: Api, user: User, **options: Any) -> tuple[int, str | None]:
    path = f"/contact-channels/{user.id}/{user.channels[0].id}/send-verification-code"
    return api("POST", path, {"callback_url": PAGE}, **options).outcome


def use(api: Api, code: str, what: str = "contact-channels/verify", **options: Any) -> Any:
    return api("POST", f"/{what}", {"code": code}, access="client", **options)


# ---------------------------------------------------------------- addresses


def test_an_e_mail_has_a_link_with_a_code(
    emulator: StackEmulator, api: Api, alice: User, clock: StandingClock
) -> None:
    assert send(api, alice) == (200, None)
    (sent,) = emulator.sent_emails
    assert (sent.to, sent.type) == (EMAIL, "contact_channel_verification")
    assert sent.sent_at_millis == clock() * 1000
    link = urlsplit(sent.link)
    assert (link.hostname, link.port, link.path, link.fragment) == (
        "localhost",
        3000,
        "/verify",
        "top",
    )
    assert parse_qs(link.query) == {"a": ["1"], "code": [sent.code]}
    assert sent.code not in repr(sent)


def test_a_code_verifies_once(emulator: StackEmulator, api: Api, alice: User) -> None:
    send(api, alice)
    code = emulator.sent_emails[0].code
    checked = use(api, code, "contact-channels/verify/check-code")
    assert (checked.status, checked.json) == (200, {"is_code_valid": True})
    assert not emulator.user_json(alice.id)["primary_email_verified"]
    assert use(api, code.upper()).json == {"success": True}
    assert emulator.user_json(alice.id)["primary_email_verified"]
    for what in ("contact-channels/verify", "contact-channels/verify/check-code"):
        assert use(api, code, what).outcome == (409, "VERIFICATION_CODE_ALREADY_USED")
    assert send(api, alice) == (409, "EMAIL_ALREADY_VERIFIED")


def test_a_code_is_good_for_a_week(
    emulator: StackEmulator, api: Api, alice: User, clock: StandingClock
) -> None:
    send(api, alice)
    code = emulator.sent_emails[0].code
    clock.now += LIFETIME_MILLIS / 1000
    assert use(api, code, "contact-channels/verify/check-code").status == 200
    clock.now += 1
    assert use(api, code).outcome == (400, "VERIFICATION_CODE_EXPIRED")


def test_who_guesses_a_code_uses_it_up(emulator: StackEmulator, api: Api, alice: User) -> None:
    send(api, alice)
    code = emulator.sent_emails[0].code
    assert use(api, GUESS).outcome == (404, "VERIFICATION_CODE_NOT_FOUND")
    for _ in range(MAX_ATTEMPTS):
        guess = GUESS[:6] + code[6:]
        assert use(api, guess).outcome == (404, "VERIFICATION_CODE_NOT_FOUND")
    assert use(api, code).outcome == (400, "VERIFICATION_CODE_MAX_ATTEMPTS_REACHED")


@pytest.mark.parametrize("code", ["", "x", "0" * 46, None, [GUESS]])
def test_what_is_no_code_is_refused(api: Api, code: Any) -> None:
    assert use(api, code).outcome == (400, "SCHEMA_ERROR")


def test_an_address_that_is_gone_is_not_verified(
    emulator: StackEmulator, api: Api, alice: User
) -> None:
    send(api, alice)
    api("DELETE", f"/contact-channels/{alice.id}/{alice.channels[0].id}")
    assert use(api, emulator.sent_emails[0].code).outcome == (400, None)
    bob = emulator.create_user(primary_email="bob@example.com")
    send(api, bob)
    emulator.delete_user(bob.id)
    assert use(api, emulator.sent_emails[1].code).outcome == (400, None)


def test_clients_send_codes_to_themselves(emulator: StackEmulator, api: Api, alice: User) -> None:
    bob = emulator.create_user(primary_email="bob@example.com")
    own, others = token_of(emulator, alice), token_of(emulator, bob)
    assert send(api, alice, access="client", token=own) == (200, None)
    assert send(api, alice, access="client", token=others) == (400, None)
    assert send(api, alice, access="client")[1] == "CANNOT_GET_OWN_USER_WITHOUT_USER"
    assert len(emulator.sent_emails) == 1


def test_a_code_needs_an_address_and_a_page(api: Api, alice: User) -> None:
    body = {"callback_url": PAGE}
    path = f"/contact-channels/{NOBODY}/{NOBODY}/send-verification-code"
    assert api("POST", path, body).outcome == (400, "USER_ID_DOES_NOT_EXIST")
    path = f"/contact-channels/{alice.id}/{NOBODY}/send-verification-code"
    assert api("POST", path, body).outcome == (404, None)
    path = f"/contact-channels/{alice.id}/{alice.channels[0].id}/send-verification-code"
    for url in ("https://evil.example/", "http://[::1]/", "http://localhost.evil.example/"):
        refused = api("POST", path, {"callback_url": url})
        assert refused.outcome == (400, "REDIRECT_URL_NOT_WHITELISTED")


def test_the_older_way_sends_to_the_primary_address(
    emulator: StackEmulator, api: Api, alice: User
) -> None:
    def ask(email: str, token: str | None) -> tuple[int, str | None]:
        path, body = "/contact-channels/send-verification-code", {"callback_url": PAGE}
        return api("POST", path, body | {"email": email}, access="client", token=token).outcome

    token = token_of(emulator, alice)
    assert ask(EMAIL, None) == (400, "SCHEMA_ERROR")
    assert ask("b@example.com", token) == (400, "EMAIL_IS_NOT_PRIMARY_EMAIL")
    assert ask(EMAIL, token) == (200, None)
    use(api, emulator.sent_emails[0].code)
    assert ask(EMAIL, token) == (409, "EMAIL_ALREADY_VERIFIED")


def test_whoever_signs_up_gets_a_code(emulator: StackEmulator, api: Api) -> None:
    body = {"email": EMAIL, "password": "correct horse", "verification_callback_url": PAGE}
    assert api("POST", "/auth/password/sign-up", body, access="client").status == 200
    assert use(api, emulator.sent_emails[0].code).status == 200
    (user,) = emulator.project.users.values()
    assert user.primary_email_verified


def test_capitals_in_an_address_do_not_matter(emulator: StackEmulator, api: Api) -> None:
    body = {
        "email": "Alice@Example.com",
        "password": "correct horse",
        "verification_callback_url": PAGE,
    }
    assert api("POST", "/auth/password/sign-up", body, access="client").status == 200
    (sent,) = emulator.sent_emails
    assert sent.to == EMAIL
    assert use(api, sent.code).status == 200


@pytest.mark.parametrize("text", ["\ud800", "\0"], ids=["half a character", "NUL"])
def test_what_no_database_keeps_is_not_kept(
    emulator: StackEmulator, api: Api, team: Team, alice: User, text: str
) -> None:
    assert invite(api, team.id, f"{text}@example.com").outcome == (400, "SCHEMA_ERROR")
    path = f"/contact-channels/{alice.id}/{alice.channels[0].id}/send-verification-code"
    assert api("POST", path, {"callback_url": f"http://localhost/{text}"}).status == 500
    assert emulator.sent_emails == []
    assert api.raw("GET", "/local-stack/emails").json == {"items": []}


def test_a_restricted_user_is_a_normal_one_after_the_code(clock: StandingClock) -> None:
    config = {"require_email_verification": True}
    emulator = StackEmulator({"projects": {"main": {"id": NOBODY, "config": config}}}, clock=clock)
    api, user = Api(emulator), emulator.create_user(primary_email=EMAIL)
    assert api("GET", f"/users/{user.id}").json["restricted_reason"]["type"] == "email_not_verified"
    send(api, user)
    use(api, emulator.sent_emails[0].code)
    assert api("GET", f"/users/{user.id}").json["restricted_reason"] is None


# ---------------------------------------------------------------- invitations


def invite(api: Api, team_id: str, email: str = EMAIL, **options: Any) -> Any:
    body = {"team_id": team_id, "email": email, "callback_url": PAGE}
    return api("POST", "/team-invitations/send-code", body, **options)


def invitations(api: Api, query: str, **options: Any) -> Any:
    return api("GET", f"/team-invitations?{query}", **options)


def test_a_server_invites_and_takes_back(
    emulator: StackEmulator, api: Api, team: Team, clock: StandingClock
) -> None:
    sent = invite(api, team.id)
    assert (sent.status, sent.json["success"]) == (200, True)
    listed = invitations(api, f"team_id={team.id}").json
    assert listed == {
        "items": [
            {
                "id": sent.json["id"],
                "team_id": team.id,
                "team_display_name": "Acme",
                "recipient_email": EMAIL,
                "expires_at_millis": int(clock() * 1000) + LIFETIME_MILLIS,
            }
        ],
        "is_paginated": False,
    }
    assert emulator.sent_emails[0].type == "team_invitation"
    path = f"/team-invitations/{sent.json['id']}?team_id={team.id}"
    assert api("DELETE", path).json == {"success": True}
    assert invitations(api, f"team_id={team.id}").json["items"] == []
    assert emulator.sent_emails == []
    assert api("DELETE", path).status == 500  # as the real server


def test_an_invitation_is_accepted_with_its_code(
    emulator: StackEmulator, api: Api, team: Team, alice: User
) -> None:
    invite(api, team.id)
    code, token = emulator.sent_emails[0].code, token_of(emulator, alice)
    accept = "team-invitations/accept"
    assert use(api, code, f"{accept}/check-code").json == {"is_code_valid": True}
    assert use(api, code, accept).outcome == (401, "USER_AUTHENTICATION_REQUIRED")
    assert use(api, code, accept).code == "VERIFICATION_CODE_ALREADY_USED"  # that was the once
    invite(api, team.id)
    code = emulator.sent_emails[1].code
    shown = use(api, code, f"{accept}/details", token=token).json
    assert shown == {"team_id": team.id, "team_display_name": "Acme"}
    assert use(api, code, accept, token=token).json == {}
    assert (team.id, alice.id) in emulator.project.memberships
    assert use(api, code, accept, token=token).code == "VERIFICATION_CODE_ALREADY_USED"
    assert use(api, code).code == "VERIFICATION_CODE_NOT_FOUND"  # it verifies no address
    assert invitations(api, f"team_id={team.id}").json["items"] == []


def test_whoever_has_the_code_is_invited(emulator: StackEmulator, api: Api, team: Team) -> None:
    bob = emulator.create_user()
    invite(api, team.id)
    code = emulator.sent_emails[0].code
    assert use(api, code, "team-invitations/accept", token=token_of(emulator, bob)).status == 200
    assert (team.id, bob.id) in emulator.project.memberships


def test_accepting_without_a_user_costs_the_code(
    emulator: StackEmulator, api: Api, team: Team, alice: User
) -> None:
    invite(api, team.id)
    code, accept = emulator.sent_emails[0].code, "team-invitations/accept"
    assert use(api, code, accept).outcome == (401, "USER_AUTHENTICATION_REQUIRED")
    again = use(api, code, accept, token=token_of(emulator, alice))
    assert again.outcome == (409, "VERIFICATION_CODE_ALREADY_USED")


def test_a_member_may_accept_again(
    emulator: StackEmulator, api: Api, team: Team, alice: User
) -> None:
    alice.channels[0].is_verified = True
    emulator.add_member(team.id, alice.id)
    invite(api, team.id)
    accept = use(
        api,
        emulator.sent_emails[0].code,
        "team-invitations/accept",
        token=token_of(emulator, alice),
    )
    assert accept.status == 200


def test_an_invitation_is_accepted_by_its_id(
    emulator: StackEmulator, api: Api, team: Team, alice: User
) -> None:
    invitation_id = invite(api, team.id).json["id"]
    path = f"/team-invitations/{invitation_id}/accept?user_id="
    assert api("POST", f"{path}{alice.id}").outcome == (404, "VERIFICATION_CODE_NOT_FOUND")
    assert invitations(api, f"user_id={alice.id}").json["items"] == []
    alice.channels[0].is_verified = True
    token = token_of(emulator, alice)
    own = {"access": "client", "token": token}
    assert [item["id"] for item in invitations(api, "user_id=me", **own).json["items"]] == [
        invitation_id
    ]
    assert api("POST", f"{path}me", **own).json == {}
    assert (team.id, alice.id) in emulator.project.memberships
    assert api("POST", f"{path}me", **own).outcome == (404, "VERIFICATION_CODE_NOT_FOUND")


def test_restricted_users_do_not_accept(
    emulator: StackEmulator, api: Api, team: Team, alice: User
) -> None:
    alice.channels[0].is_verified = True
    emulator.restrict_user(alice.id)
    invite(api, team.id)
    token = token_of(emulator, alice)
    refused = (403, "TEAM_INVITATION_RESTRICTED_USER_NOT_ALLOWED")
    allowed = {"access": "client", "token": token, "allow_restricted_user": "true"}
    body = {"code": emulator.sent_emails[0].code}
    by_code = api("POST", "/team-invitations/accept", body, **allowed)
    assert by_code.outcome == refused
    assert json.loads(by_code.content)["details"]["restricted_reason"]["type"]
    # The refusal has cost the code, and with it the invitation.
    lost = emulator.sent_emails[0]
    assert use(api, lost.code, "team-invitations/accept").code == "VERIFICATION_CODE_ALREADY_USED"
    sent = invite(api, team.id).json["id"]
    by_id = api("POST", f"/team-invitations/{sent}/accept?user_id=me", **allowed)
    assert by_id.outcome == refused
    # A server decides by itself.
    assert api("POST", f"/team-invitations/{sent}/accept?user_id={alice.id}").status == 200


def test_members_need_permissions(
    emulator: StackEmulator, api: Api, team: Team, alice: User
) -> None:
    emulator.project.config.team_member_default_permissions.clear()
    emulator.add_member(team.id, alice.id)
    own: dict[str, Any] = {"access": "client", "token": token_of(emulator, alice)}
    revoke = f"/team-invitations/{NOBODY}?team_id={team.id}"
    lacking = (401, "TEAM_PERMISSION_REQUIRED")
    assert invite(api, team.id, **own).outcome == lacking
    assert invitations(api, f"team_id={team.id}", **own).outcome == lacking
    assert api("DELETE", revoke, **own).outcome == lacking
    emulator.grant(alice.id, "$invite_members", team_id=team.id)
    sent = invite(api, team.id, **own)
    assert sent.status == 200
    assert invitations(api, f"team_id={team.id}", **own).outcome == lacking
    emulator.grant(alice.id, "$read_members", team_id=team.id)
    assert len(invitations(api, f"team_id={team.id}", **own).json["items"]) == 1
    emulator.grant(alice.id, "$remove_members", team_id=team.id)
    revoke = f"/team-invitations/{sent.json['id']}?team_id={team.id}"
    assert api("DELETE", revoke, **own).status == 200


def test_who_is_no_member_does_nothing(
    emulator: StackEmulator, api: Api, team: Team, alice: User
) -> None:
    own: dict[str, Any] = {"access": "client", "token": token_of(emulator, alice)}
    no_member = (404, "TEAM_MEMBERSHIP_NOT_FOUND")
    assert invite(api, team.id, **own).outcome == no_member
    assert invite(api, team.id, access="client").code == "USER_AUTHENTICATION_REQUIRED"
    assert invitations(api, f"team_id={team.id}", **own).outcome == no_member
    other = emulator.create_user().id
    refused = (400, "CANNOT_GET_OWN_USER_WITHOUT_USER")
    assert invitations(api, f"user_id={other}", **own).outcome == refused
    path = f"/team-invitations/{NOBODY}/accept?user_id={other}"
    assert api("POST", path, **own).outcome == refused


def test_what_is_asked_must_be_clear(api: Api, team: Team, alice: User) -> None:
    assert invitations(api, "").outcome == (400, None)
    assert invitations(api, f"team_id={team.id}&user_id={alice.id}").outcome == (400, None)
    assert invitations(api, f"user_id={NOBODY}").json["items"] == []
    assert invitations(api, f"team_id={NOBODY}").outcome == (404, "TEAM_NOT_FOUND")
    assert api("DELETE", f"/team-invitations/{NOBODY}").outcome == (400, None)
    unknown = f"/team-invitations/{NOBODY}?team_id={NOBODY}"
    assert api("DELETE", unknown).outcome == (404, "TEAM_NOT_FOUND")
    assert invite(api, NOBODY).status == 500  # as the real server


def test_an_invitation_ends_with_its_team(
    emulator: StackEmulator, api: Api, team: Team, alice: User
) -> None:
    alice.channels[0].is_verified = True
    invite(api, team.id)
    api("DELETE", f"/teams/{team.id}")
    assert invitations(api, f"user_id={alice.id}").json["items"] == []
    code, token = emulator.sent_emails[0].code, token_of(emulator, alice)
    for what in ("team-invitations/accept/details", "team-invitations/accept"):
        assert use(api, code, what, token=token).outcome == (404, "TEAM_NOT_FOUND")


# ---------------------------------------------------------------- reading them


def test_they_are_read_over_http_on_this_machine_alone(
    emulator: StackEmulator, api: Api, alice: User
) -> None:
    send(api, alice)
    (item,) = api.raw("GET", "/local-stack/emails").json["items"]
    (sent,) = emulator.sent_emails
    assert item == {
        "to": EMAIL,
        "type": "contact_channel_verification",
        "code": sent.code,
        "link": sent.link,
        "sent_at_millis": sent.sent_at_millis,
    }
    far = Api(emulator, client=("192.0.2.7", 1234))
    assert far.raw("GET", "/local-stack/emails").status == 403


def test_those_of_all_projects_are_there_oldest_first(clock: StandingClock) -> None:
    emulator = StackEmulator(
        {"projects": {"main": {"id": NOBODY}, "other": {"id": NOBODY[:-1] + "2"}}}, clock=clock
    )
    for number, project in enumerate(("other", "main", "other")):
        clock.now += 1
        user = emulator.create_user(project, primary_email=f"{number}@example.com")
        assert send(Api(emulator, project), user) == (200, None)
    assert [sent.to[0] for sent in emulator.sent_emails] == ["0", "1", "2"]


def test_they_are_saved(
    emulator: StackEmulator, api: Api, team: Team, alice: User, tmp_path: Any
) -> None:
    send(api, alice)
    invite(api, team.id)
    emulator.save(tmp_path / "stack.json")
    again = StackEmulator(tmp_path / "stack.json")
    assert again.sent_emails == emulator.sent_emails
    assert again.project.codes == emulator.project.codes
