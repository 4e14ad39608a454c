"""Users, from the person's side."""

from __future__ import annotations

import shlex
import subprocess
from typing import Any

import pytest

from stack_fastapi.emulator import StackEmulator, Team, User
from stack_fastapi.emulator.state.new_project import DEFAULT_SEED

from .conftest import StandingClock
from .person import HOST, ORIGIN, Person, Reply


def me(person: Person, token: str, **headers: str) -> Any:
    project = person.emulator.project
    sent = {
        "x-stack-access-type": "client",
        "x-stack-project-id": project.id,
        "x-stack-publishable-client-key": project.publishable_client_key,
        "x-stack-access-token": token,
    }
    return person.ask("GET", "/api/v1/users/me", {**sent, **headers})


def field_with(reply: Reply, id_: str) -> str:
    return next(item["value"] for item in reply.screen.all("input") if item.get("id") == id_)


def test_an_empty_project_says_what_to_do(person: Person) -> None:
    screen = person.look("/")
    assert "No users yet" in screen.text
    assert "Nothing was asked yet" in screen.text
    assert [item for item in screen.all("details") if "open" in item]


def test_a_user_is_made(emulator: StackEmulator, person: Person) -> None:
    screen = person.do(
        "/",
        "create",
        display_name="Alice",
        primary_email="alice@example.com",
        password="correct horse",
        primary_email_verified="on",
    )
    (user,) = emulator.project.users.values()
    assert (user.display_name, user.primary_email) == ("Alice", "alice@example.com")
    assert user.primary_email_verified
    assert user.channels[0].used_for_auth
    assert user.password_hash is not None
    assert "Created." in screen.text
    assert "e-mail verified" in screen.text


def test_an_anonymous_user_is_made(emulator: StackEmulator, person: Person) -> None:
    person.do("/", "create", is_anonymous="on")
    (user,) = emulator.project.users.values()
    assert user.is_anonymous
    assert "Anonymous user anonymous" in person.look("/").text


def test_a_form_that_is_refused_keeps_what_was_typed(
    emulator: StackEmulator, person: Person
) -> None:
    refused = person.send(
        "/", "create", display_name="Al", primary_email="nonsense", is_anonymous="on"
    )
    assert refused.status == 400
    assert "must be an e-mail address" in refused.screen.text
    assert refused.screen.html.startswith("<!doctype html>")
    assert "<title>Error: " in refused.screen.html
    form = next(form for form in refused.screen.forms if form.fields.get("do") == "create")
    assert form.fields["display_name"] == "Al"
    assert form.fields["primary_email"] == "nonsense"
    assert "is_anonymous" in form.fields
    (field,) = [item for item in refused.screen.all("input") if "aria-invalid" in item]
    described = field["aria-describedby"].split()
    assert set(described) <= {item.get("id") for _, item in refused.screen.elements}


def test_an_address_that_somebody_else_uses(person: Person) -> None:
    given = {"primary_email": "a@example.com", "password": "correct horse"}
    assert person.send("/", "create", **given).status == 303
    refused = person.send("/", "create", **given)
    assert refused.status == 409
    assert "Another user signs in with this e-mail address." in refused.screen.text


def test_a_name_that_no_database_keeps(person: Person) -> None:
    refused = person.send("/", "create", display_name="a\0b")
    assert refused.status == 500
    assert "No database keeps a NUL" in refused.screen.text


@pytest.mark.parametrize("word", ["ALICE", "alice@exam", "Alice"])
def test_users_are_found(emulator: StackEmulator, person: Person, alice: User, word: str) -> None:
    emulator.create_user(display_name="Bob")
    assert set(person.look(f"/?q={word}").links) >= {"Alice"}
    assert "Bob" not in person.look(f"/?q={word}").text
    assert "Bob" in person.look("/?q=%20").text


def test_nobody_is_found(person: Person, alice: User) -> None:
    screen = person.look("/?q=zzz")
    assert "No user fits" in screen.text
    assert "Show all" in screen.links


def test_many_users_come_in_pages(emulator: StackEmulator, person: Person) -> None:
    for number in range(250):
        emulator.create_user(display_name=f"User {number:03d}")
    first = person.look("/?q=user")
    assert "1 to 100 of 250" in first.text
    assert "User 249" in first.text
    assert "Previous" not in first.links
    second = person.look(first.links["Next"])
    assert "101 to 200 of 250" in second.text
    third = person.look(second.links["Next"])
    assert "201 to 250 of 250" in third.text
    assert "User 000" in third.text
    assert "Next" not in third.links
    assert "1 to 100" in person.look(second.links["Previous"]).text
    for nonsense in ("-1", "x", "1e3", "9" * 30, "250", "٣"):
        assert "1 to 100" in person.look(f"{person.at('users')}?start={nonsense}").text


def test_a_user_is_changed(emulator: StackEmulator, person: Person, alice: User) -> None:
    path = person.at("users", alice.id)
    person.do(
        path,
        "edit",
        display_name="Alice B.",
        primary_email="b@example.com",
        primary_email_verified="on",
        primary_email_auth_enabled="on",
        password="correct horse",
        client_metadata='{"a": [1, null]}',
        server_metadata='"text"',
    )
    assert (alice.display_name, alice.primary_email) == ("Alice B.", "b@example.com")
    assert alice.primary_email_verified
    assert alice.client_metadata == {"a": [1, None]}
    assert alice.client_read_only_metadata is None
    assert alice.server_metadata == "text"
    screen = person.look(path)
    assert "Others: alice@example.com" in screen.text
    hash_ = alice.password_hash
    person.do(path, "edit")
    assert alice.password_hash == hash_
    assert alice.client_metadata == {"a": [1, None]}
    assert alice.primary_email_verified


def test_a_user_loses_name_and_address(person: Person, alice: User) -> None:
    path = person.at("users", alice.id)
    person.do(path, "edit", display_name="", primary_email="")
    assert (alice.display_name, alice.primary_email) == (None, None)
    screen = person.look(path)
    assert "There is no e-mail address." in screen.text
    assert "Unnamed user" in screen.text
    refused = person.send(path, "edit", primary_email_verified="on")
    assert "needs a primary_email" in refused.screen.text


@pytest.mark.parametrize("nonsense", ["{", "NaN", "[" * 100_000, '"\\ud800"'])
def test_metadata_that_is_no_json(person: Person, alice: User, nonsense: str) -> None:
    refused = person.send(person.at("users", alice.id), "edit", server_metadata=nonsense)
    assert refused.status == 400
    assert "server_metadata: is no JSON" in refused.screen.text
    form = next(form for form in refused.screen.forms if form.fields.get("do") == "edit")
    assert form.fields["server_metadata"] == nonsense


def test_an_address_is_verified_and_unverified(person: Person, alice: User) -> None:
    path = person.at("users", alice.id)
    assert "counts as verified" in person.do(path, "verify").text
    assert alice.primary_email_verified
    assert "counts as not verified" in person.do(path, "verify").text
    assert not alice.primary_email_verified


def test_a_user_is_restricted_and_let_free(
    emulator: StackEmulator, person: Person, alice: User
) -> None:
    path = person.at("users", alice.id)
    screen = person.do(path, "restrict", reason="spam")
    assert emulator.project.users[alice.id].restricted_by_admin
    assert "Restricted: spam ." in screen.text
    assert "The restriction is lifted." in person.do(path, "lift").text
    assert not emulator.project.users[alice.id].restricted_by_admin


def test_a_restriction_behind_another_reason_shows(emulator: StackEmulator, person: Person) -> None:
    guest = emulator.create_user(is_anonymous=True, restricted_by_admin=True)
    assert "anonymous restricted" in person.look(person.at("users", guest.id)).text


def test_an_address_that_must_be_verified(person: Person, alice: User) -> None:
    person.emulator.project.config.require_email_verification = True
    assert "e-mail not verified" in person.look("/").text


def test_a_user_is_deleted(emulator: StackEmulator, person: Person, alice: User) -> None:
    path = person.at("users", alice.id)
    form = person.look(path)
    assert "Deleted." in person.do(path, "delete").text
    assert emulator.project.users == {}
    gone = person.get(path)
    assert gone.status == 404
    assert "There is no such user." in gone.screen.text
    stale = next(item for item in form.forms if item.fields.get("do") == "edit")
    assert person.post(path, stale.fields).status == 404


def test_signing_in_gives_tokens_that_work(
    emulator: StackEmulator, person: Person, alice: User
) -> None:
    given = person.send(person.at("users", alice.id), "sign-in")
    assert given.status == 200
    token = field_with(given, "access-token")
    assert me(person, token).status == 200
    line = shlex.split(field_with(given, "curl-back-end"))
    assert line == ["curl", "-H", f"X-Stack-Access-Token: {token}", "http://127.0.0.1:8000/me"]
    assert f'-H "X-Stack-Access-Token: {token}"' in field_with(given, "curl-back-end")
    own = shlex.split(field_with(given, "curl-own"))
    assert own[-1] == f"{ORIGIN}/api/v1/users/me"
    headers = dict(item.split(": ") for item in own[2::2])
    assert (
        person.ask("GET", "/api/v1/users/me", {k.lower(): v for k, v in headers.items()}).status
        == 200
    )
    assert len(field_with(given, "refresh-token")) == 45
    assert len(emulator.project.sessions) == 1
    assert "good for 600 seconds" in given.screen.text


@pytest.mark.parametrize("kind", ["anonymous", "restricted"])
def test_the_line_lets_unusual_users_in(emulator: StackEmulator, person: Person, kind: str) -> None:
    user = emulator.create_user(
        **{"is_anonymous": True} if kind == "anonymous" else {"restricted_by_admin": True}
    )
    given = person.send(person.at("users", user.id), "sign-in")
    own = shlex.split(field_with(given, "curl-own"))
    headers = {item.split(": ")[0].lower(): item.split(": ")[1] for item in own[2::2]}
    assert person.ask("GET", "/api/v1/users/me", headers).status == 200


def test_the_lines_are_safe_in_a_shell(person: Person, alice: User) -> None:
    project = person.emulator.project
    project.publishable_client_key = "$(touch pwned)'`\""
    back_end = "http://127.0.0.1:8000/me?a=1&b=$(touch pwned)'\";`"
    given = person.send(person.at("users", alice.id), "sign-in", back_end=back_end)
    assert shlex.split(field_with(given, "curl-back-end"))[-1] == back_end
    own = shlex.split(field_with(given, "curl-own"))
    assert "X-Stack-Publishable-Client-Key: $(touch pwned)'`\"" in own
    for line in (field_with(given, "curl-own"), field_with(given, "curl-back-end")):
        shown = subprocess.run(  # noqa: S603 - that nothing happens is the point
            ["/bin/sh", "-c", f"printf '%s\\n' {line}"], capture_output=True, text=True, check=True
        )
        assert shown.stdout.splitlines() == shlex.split(line)


@pytest.mark.parametrize("back_end", ["-o/etc/passwd", "file:///etc/passwd", "/me"])
def test_a_back_end_that_is_none(person: Person, alice: User, back_end: str) -> None:
    refused = person.send(person.at("users", alice.id), "sign-in", back_end=back_end)
    assert refused.status == 400
    assert "back_end: must be a URL" in refused.screen.text
    assert person.emulator.project.sessions == {}


def test_a_token_for_the_address_that_a_back_end_knows() -> None:
    emulator = StackEmulator({**DEFAULT_SEED, "issuer_bases": ["http://stack.internal:8101"]})
    person, alice = Person(emulator), emulator.create_user()
    path = person.at("users", alice.id)
    (form,) = [form for form in person.look(path).forms if form.fields.get("do") == "sign-in"]
    assert form.options["issuer"] == [ORIGIN, "http://stack.internal:8101"]
    given = person.send(path, "sign-in", issuer="http://stack.internal:8101")
    assert "know this server as http://stack.internal:8101" in given.screen.text
    refused = person.send(path, "sign-in", issuer="http://elsewhere.test")
    assert refused.status == 400
    assert "is not an address that the local Stack was asked at" in refused.screen.text


def test_a_token_for_another_name_of_this_machine(person: Person, alice: User) -> None:
    person.ask("GET", "/api/v1", {"host": "localhost:8101"})
    (form,) = [
        form
        for form in person.look(person.at("users", alice.id)).forms
        if form.fields.get("do") == "sign-in"
    ]
    assert form.options["issuer"] == [ORIGIN, "http://localhost:8101"]


def test_a_fixed_issuer_leaves_no_choice() -> None:
    emulator = StackEmulator(issuer="https://stack.example.com")
    user = emulator.create_user()
    person = Person(emulator)
    person.ask("GET", "/api/v1", {"host": "localhost:8101"})
    path = person.at("users", user.id)
    (form,) = [form for form in person.look(path).forms if form.fields.get("do") == "sign-in"]
    assert form.options == {}
    assert "https://stack.example.com" in person.send(path, "sign-in").screen.text
    refused = person.post(path, {**form.fields, "issuer": "http://elsewhere.test"})
    assert "is not an address" in refused.screen.text


def test_sessions_are_revoked(emulator: StackEmulator, person: Person, alice: User) -> None:
    path = person.at("users", alice.id)
    bob = emulator.create_user()
    kept = emulator.sign_in(bob.id)
    sessions = [emulator.sign_in(alice.id) for _ in range(3)]
    stale = person.look(path).forms
    ended = person.do(path, "end-session", session_id=sessions[0].session_id)
    assert "The session has ended." in ended.text
    form = next(item for item in stale if item.fields.get("session_id") == sessions[0].session_id)
    again = person.post(path, form.fields)
    assert again.status == 404
    assert "has ended before" in again.screen.text
    person.do(path, "end-sessions")
    assert list(emulator.project.sessions) == [kept.session_id]
    assert "No sessions." in person.look(path).text


def test_all_sessions_of_a_project(
    emulator: StackEmulator, person: Person, alice: User, clock: StandingClock
) -> None:
    tokens = emulator.sign_in(alice.id)
    session = emulator.project.sessions[tokens.session_id]
    session.is_impersonation = True
    screen = person.look(person.at("sessions"))
    assert "impersonation" in screen.text
    assert "Alice" in screen.links
    assert "in 365 d" in screen.text
    clock.now += 366 * 86_400
    assert "expired" in person.look(person.at("sessions")).text
    person.do(person.at("sessions"), "end-session", session_id=tokens.session_id)
    assert "No sessions." in person.look(person.at("sessions")).text


def test_a_session_of_who_is_gone(emulator: StackEmulator, person: Person, alice: User) -> None:
    emulator.sign_in(alice.id)
    del emulator.project.users[alice.id]
    screen = person.look(person.at("sessions"))
    assert alice.id in screen.text
    assert alice.id not in screen.links


def test_permissions_in_the_project(emulator: StackEmulator, person: Person, alice: User) -> None:
    path = person.at("users", alice.id)
    assert "There is no other one." in person.look(path).text
    emulator.define_permission("read")
    emulator.define_permission("write", contains=("read",))
    screen = person.do(path, "grant", permission_id="write")
    assert alice.permissions == {"write"}
    assert "The permission is granted." in screen.text
    assert "read" in screen.text
    assert "revoked" in person.do(path, "revoke", permission_id="write").text
    assert alice.permissions == set()
    fields = {"do": "revoke", "token": person.token()}
    assert person.post(path, {**fields, "permission_id": "write"}).status == 404
    assert "permission_id: is needed" in person.post(path, fields).screen.text


def test_teams_of_a_user(emulator: StackEmulator, person: Person, alice: User) -> None:
    team = emulator.create_team("Design")
    path = person.at("users", alice.id)
    screen = person.do(path, "join", team_id=team.id)
    assert "The user is a member now." in screen.text
    assert "Design" in screen.links
    assert "Design" in person.look("/").text
    assert "no longer a member" in person.do(path, "leave", team_id=team.id).text
    assert emulator.project.memberships == {}


def test_api_keys_are_shown_once(
    emulator: StackEmulator, person: Person, alice: User, clock: StandingClock
) -> None:
    path = person.at("users", alice.id)
    given = person.send(path, "create-key", description="for CI", days="2", is_public="on")
    text = field_with(given, "new-key")
    assert text.startswith("pk_")
    (key,) = emulator.project.api_keys.values()
    assert (key.description, key.is_public) == ("for CI", True)
    assert key.expires_at_millis == (clock.now + 2 * 86_400) * 1000
    assert "in 2 d" in given.screen.text
    assert text not in person.look(path).html
    clock.now += 3 * 86_400
    assert "expired" in person.look(path).text
    assert "The API key is revoked." in person.do(path, "revoke-key").text
    revoked_at = key.manually_revoked_at_millis
    assert revoked_at == clock.now * 1000
    assert "revoked" in person.look(path).text
    clock.now += 1
    fields = {"do": "revoke-key", "token": person.token(), "key_id": key.id}
    assert person.post(path, fields).status == 303
    assert key.manually_revoked_at_millis == revoked_at
    assert person.post(path, {**fields, "key_id": "none"}).status == 404


def test_a_key_that_never_ends(person: Person, alice: User) -> None:
    path = person.at("users", alice.id)
    assert "never" in person.send(path, "create-key").screen.text
    for days in ("0", "x", "1.5", "99999"):
        refused = person.send(path, "create-key", days=days)
        assert refused.status == 400
        assert "days: " in refused.screen.text


def test_all_keys_of_a_project(
    emulator: StackEmulator, person: Person, alice: User, team: Team
) -> None:
    assert "They are made on the screen" in person.look(person.at("keys")).text
    emulator.create_user_api_key(alice.id)
    emulator.create_team_api_key(team.id)
    screen = person.look(person.at("keys"))
    assert {"Alice", "Engineering"} <= set(screen.links)
    (key, *_) = emulator.project.api_keys
    person.do(person.at("keys"), "revoke-key", key_id=key)
    assert emulator.project.api_keys[key].manually_revoked_at_millis is not None


def test_the_address_in_the_browser_is_the_one_in_the_lines(person: Person, alice: User) -> None:
    fields = {"do": "sign-in", "token": person.token()}
    path = person.at("users", alice.id)
    given = person.post(path, fields, host="localhost:9", origin="http://localhost:9")
    assert "http://localhost:9/api/v1/users/me" in field_with(given, "curl-own")
    assert HOST not in field_with(given, "curl-own")
