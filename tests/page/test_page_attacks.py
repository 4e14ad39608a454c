"""What somebody else could try on the page of the person at this machine."""

from __future__ import annotations

from typing import Any

import pytest

from stack_fastapi.emulator import StackEmulator, Team, User
from stack_fastapi.emulator.page import owns
from stack_fastapi.emulator.state.records import PermissionDefinition, VerificationCode

from .person import HOST, ORIGIN, PREFIX, Person

EVIL = (
    """<script>alert(1)</script>"'><img src=x onerror=alert(1)></textarea></title>"""
    "{{ 123456789*3 }}"
)
SCREENS = (
    "users",
    "teams",
    "permissions",
    "keys",
    "sessions",
    "emails",
    "requests",
    "faults",
    "project",
)


def evil_emulator() -> StackEmulator:
    """Somebody's app let anything in, wherever the server takes text."""
    emulator = StackEmulator(
        {
            "projects": {
                EVIL: {
                    "id": EVIL,
                    "display_name": EVIL,
                    "publishable_client_key": EVIL,
                    "users": [
                        {
                            "id": EVIL,
                            "display_name": EVIL,
                            "primary_email": "evil@example.com",
                            "client_metadata": {EVIL: EVIL},
                            "server_metadata": EVIL,
                            "restricted_by_admin": True,
                            "restricted_by_admin_reason": EVIL,
                        }
                    ],
                    "teams": [
                        {"id": EVIL, "display_name": EVIL, "members": [{"user_id": EVIL}]},
                        {"display_name": EVIL},
                    ],
                    "team_permission_definitions": [{"id": EVIL, "description": EVIL}],
                    "project_permission_definitions": [
                        {"id": f"{EVIL}2", "description": EVIL, "contained_permission_ids": []}
                    ],
                    "api_keys": [{"user_id": EVIL, "description": EVIL}],
                },
                "second": {"id": "2", "display_name": EVIL},
            }
        }
    )
    emulator.grant(EVIL, EVIL, team_id=EVIL)
    emulator.grant(EVIL, f"{EVIL}2")
    emulator.sign_in(EVIL)
    # The server itself takes no such address; an older state or a test's own hand may hold one.
    user = emulator.project.users[EVIL]
    user.channels[0].value = '"><svg/onload=alert(1)>@example.com'
    project = next(iter(emulator.projects.values()))
    team_id = next(iter(project.teams))
    project.codes[EVIL] = VerificationCode(
        EVIL, "team_invitation", EVIL, EVIL, f"javascript:alert(1)//{EVIL}", 0, 0, team_id=team_id
    )
    return emulator


def assert_harmless(html: str) -> None:
    """No element, attribute or template came out of the text."""
    for dangerous in ("<script>", "<img", "<svg", "onerror=alert(1)>", "onload=alert(1)>"):
        assert dangerous not in html, dangerous
    assert "370370367" not in html  # what the template would make of it
    assert html.count("<script") == 1  # our own file
    assert html.count("</title>") == 1


def every_link(person: Person) -> set[str]:
    """All screens that can be reached from the first one."""
    seen: set[str] = set()
    waiting = {"/"}
    while waiting:
        path = waiting.pop()
        seen.add(path)
        links = {path for path in person.look(path).links.values() if not path.startswith("#")}
        waiting |= links - seen
    return seen


def test_stored_text_is_never_markup() -> None:
    emulator = evil_emulator()
    person = Person(emulator)
    person.ask("GET", f"/api/v1/{EVIL.replace(' ', '%20')}", {"x-stack-access-type": EVIL[:20]})
    paths = every_link(person)
    assert len(paths) > len(SCREENS)
    for path in paths:
        assert_harmless(person.look(path).html)


def test_signing_in_shows_no_markup_either() -> None:
    emulator = evil_emulator()
    person = Person(emulator)
    user = next(path for path in every_link(person) if "/users/" in path)
    given = person.send(user, "sign-in", back_end=f"http://127.0.0.1/{EVIL}")
    assert given.status == 200
    assert_harmless(given.screen.html)


@pytest.mark.parametrize("value", [EVIL, "\u202e\u2066evil", "a" * 256, "\x01\x1b[31m", "🦆"])
def test_what_a_person_types_comes_back_as_text(
    emulator: StackEmulator, person: Person, value: str
) -> None:
    created = person.do(person.at("users"), "create", display_name=value)
    assert_harmless(created.html)
    (user,) = emulator.project.users.values()
    assert user.display_name == value
    form = next(form for form in created.forms if form.fields["do"] == "edit")
    assert form.fields["display_name"] == value.replace("\x01", "\x01")


def test_half_a_character_breaks_no_screen(emulator: StackEmulator, person: Person) -> None:
    user = emulator.create_user()
    user.display_name = "\ud800"
    user.client_metadata = {"\udfff": "\ud800"}
    assert "?" in person.look(person.at("users")).text
    assert person.get(person.at("users", user.id)).status == 200


def test_an_error_repeats_what_was_typed_as_text(person: Person) -> None:
    refused = person.send(person.at("users"), "create", display_name=EVIL, primary_email=EVIL)
    assert refused.status == 400
    assert_harmless(refused.screen.html)


def test_a_search_is_text(person: Person, alice: User) -> None:
    for screen in ("users", "teams", "requests"):
        assert_harmless(person.look(f"{person.at(screen)}?q=%3Cscript%3E%22'%3E").html)


def test_the_note_in_the_address_is_one_of_ours(person: Person) -> None:
    shown = person.look("/?done=<b>You%20won</b>")
    assert "won" not in shown.text
    assert "Saved." in person.look("/?done=saved").text


def test_links_lead_to_the_page_alone(person: Person) -> None:
    assert all(owns(path.partition("?")[0]) for path in every_link(person) if path != "#main")


# Forms that other sites send


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
        {"origin": "http://127.0.0.1:3000", "sec-fetch-site": "same-site"},
        {"origin": ORIGIN, "sec-fetch-site": "cross-site"},
        {"origin": ORIGIN, "sec-fetch-site": "same-site"},
        {"origin": "null", "sec-fetch-site": "same-origin"},
        {"origin": "null", "sec-fetch-site": "none"},
        {"origin": f"https://{HOST}", "sec-fetch-site": "none"},
        {"origin": "http://localhost:8101", "sec-fetch-site": "none"},
        {"origin": ORIGIN, "sec-fetch-site": ""},
    ],
)
def test_a_form_from_elsewhere_is_refused_even_with_the_token(
    emulator: StackEmulator, person: Person, headers: Any
) -> None:
    fields = {"do": "create", "token": person.token(), "display_name": "Mallory"}
    refused = person.post(person.at("users"), fields, **headers)
    assert refused.status == 403
    assert "another site" in refused.screen.text
    assert emulator.project.users == {}


def test_a_form_that_does_not_say_where_it_is_from_is_refused(
    emulator: StackEmulator, person: Person
) -> None:
    content = f"do=create&token={person.token()}".encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert person.ask("POST", person.at("users"), headers, content).status == 403
    assert emulator.project.users == {}


@pytest.mark.parametrize("only", ["origin", "sec-fetch-site"])
def test_one_of_the_two_headers_is_enough(
    emulator: StackEmulator, person: Person, only: str
) -> None:
    headers = {"origin": ORIGIN, "sec-fetch-site": "same-origin"}
    sent = {"content-type": "application/x-www-form-urlencoded", only: headers[only]}
    content = f"do=create&token={person.token()}".encode()
    assert person.ask("POST", person.at("users"), sent, content).status == 303
    assert len(emulator.project.users) == 1


@pytest.mark.parametrize("token", ["", "wrong", "ünlike", None])
def test_a_form_without_the_token_is_refused(
    emulator: StackEmulator, person: Person, token: str | None
) -> None:
    fields = {"do": "create"} if token is None else {"do": "create", "token": token}
    refused = person.post(person.at("users"), fields)
    assert refused.status == 403
    assert "another run" in refused.screen.text
    assert emulator.project.users == {}


def test_the_token_of_another_emulator_opens_nothing(person: Person) -> None:
    token = Person(StackEmulator()).token()
    assert token != person.token()
    assert len(token) > 40
    refused = person.post(person.at("users"), {"do": "create", "token": token})
    assert refused.status == 403


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/json", "multipart/form-data; boundary=x", ""]
)
def test_only_forms_are_read(person: Person, media_type: str) -> None:
    headers = {"origin": ORIGIN, "content-type": media_type}
    assert person.ask("POST", person.at("users"), headers, b"x").status == 415


def test_a_form_that_is_no_text_has_no_token(person: Person) -> None:
    headers = {"origin": ORIGIN, "content-type": "application/x-www-form-urlencoded"}
    for content in (b"\xff", b"token=\xff"):
        assert person.ask("POST", person.at("users"), headers, content).status == 403


def test_looking_changes_nothing(emulator: StackEmulator, person: Person, alice: User) -> None:
    token = person.token()
    for screen in SCREENS:
        person.get(f"{person.at(screen)}?do=create&token={token}")
    person.get(f"{person.at('users', alice.id)}?do=delete&token={token}")
    assert list(emulator.project.users) == [alice.id]
    assert emulator.project.sessions == {}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(person: Person, method: str) -> None:
    assert person.ask(method, "/", {"origin": ORIGIN}).status == 405


# Other machines, other names, frames


@pytest.mark.parametrize("peer", ["10.0.0.1", "2001:db8::1", "elsewhere.test"])
@pytest.mark.parametrize("path", ["/", f"{PREFIX}/static/style.css"])
def test_other_machines_are_refused(emulator: StackEmulator, peer: str, path: str) -> None:
    refused = Person(emulator, peer=(peer, 1)).get(path)
    assert (refused.status, refused.headers["content-type"][:10]) == (403, "text/plain")


@pytest.mark.parametrize(
    "host",
    ["rebinding.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1"],
)
def test_a_name_that_leads_here_by_somebody_elses_dns_is_refused(person: Person, host: str) -> None:
    assert person.get("/", host=host).status == 403
    fields = {"do": "create", "token": person.token()}
    refused = person.post(person.at("users"), fields, host=host, origin=f"http://{host}")
    assert refused.status == 403


@pytest.mark.parametrize("host", ["localhost:8101", "[::1]:8101", "127.0.0.1", "stack.localhost"])
def test_names_of_this_machine_are_welcome(emulator: StackEmulator, host: str) -> None:
    person = Person(emulator, peer=None)
    assert person.get("/", host=host).status == 200


def test_every_answer_keeps_others_out(person: Person, alice: User) -> None:
    answers = [
        person.get("/"),
        person.get(f"{PREFIX}/static/style.css"),
        person.get(f"{PREFIX}/nowhere"),
        Person(person.emulator, peer=("10.0.0.1", 1)).get("/"),
        person.send(person.at("users"), "create"),
        person.post(person.at("users"), {}),
        person.ask("DELETE", "/"),
    ]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self'" in policy
        assert "base-uri 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["x-stack-local"] == "true"
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("name", ["../site.py", "..%2fsite.py", "%2e%2e/site.py", "", ".", "x.css"])
def test_no_other_file_is_served(person: Person, name: str) -> None:
    assert person.get(f"{PREFIX}/static/{name}").status == 404


# Secrets


def test_secrets_are_on_no_screen_that_was_not_asked_for_them(
    emulator: StackEmulator, person: Person, alice: User, team: Team
) -> None:
    project = emulator.project
    emulator.update_user(alice.id, password="correct horse", totp_secret_base64="dG90cA==")
    tokens, key = emulator.sign_in(alice.id), emulator.create_user_api_key(alice.id)
    secrets = [
        project.publishable_client_key,
        project.secret_server_key,
        project.super_secret_admin_key,
        project.webhook_secret,
        tokens.access_token,
        tokens.refresh_token,
        key,
        str(alice.password_hash),
        "dG90cA==",
        project.api_keys[next(iter(project.api_keys))].digest,
        project.sessions[tokens.session_id].refresh_token_digest,
    ]
    for path in every_link(person):
        html = person.look(path).html
        assert [secret for secret in secrets if secret in html] == [], path


def test_a_password_that_was_refused_is_not_sent_back(person: Person) -> None:
    refused = person.send(
        person.at("users"), "create", primary_email="nonsense", password="Secret-Pass-1"
    )
    assert refused.status == 400
    assert "Secret-Pass-1" not in refused.screen.html


def test_the_pages_own_requests_are_not_logged(emulator: StackEmulator, person: Person) -> None:
    emulator.define_permission("read")
    every_link(person)
    person.send(person.at("users"), "create")
    assert list(emulator.requests) == []


def test_a_permission_that_a_seed_names_strangely(emulator: StackEmulator, person: Person) -> None:
    definition = PermissionDefinition(EVIL, "project")
    emulator.project.definitions[EVIL] = definition
    assert_harmless(person.look(person.at("permissions")).html)
    person.do(person.at("permissions"), "undefine", id=EVIL)
    assert EVIL not in emulator.project.definitions
