"""Teams, permissions, keys, the log and faults, from the person's side."""

from __future__ import annotations

import pytest

from stack_fastapi.emulator import Fault, StackEmulator, Team, User, UserKind
from stack_fastapi.emulator.state import verification_codes

from .conftest import StandingClock
from .person import PREFIX, Person

# Teams


def test_a_team_is_made(emulator: StackEmulator, person: Person, alice: User) -> None:
    path = person.at("teams")
    assert "No teams yet." in person.look(path).text
    screen = person.do(path, "create", display_name="Design", creator="ALICE@example.com")
    assert "Created." in screen.text
    (team,) = emulator.project.teams.values()
    assert emulator.project.memberships[team.id, alice.id].permissions == {"team_admin"}
    person.do(path, "create", display_name="Empty")
    screen = person.look(path)
    assert {"Design", "Empty", "Alice"} <= set(screen.links)
    assert "none" in screen.text


def test_a_team_needs_a_name_and_a_member_who_exists(person: Person) -> None:
    path = person.at("teams")
    refused = person.send(path, "create", display_name=" ")
    assert "display_name: is needed" in refused.screen.text
    refused = person.send(path, "create", display_name="Design", creator="nobody")
    assert refused.status == 404
    assert "There is no such user." in refused.screen.text
    assert person.send(path, "create", display_name="a\0").status == 500
    assert person.emulator.project.teams == {}


def test_teams_are_found(person: Person, team: Team) -> None:
    assert "Engineering" in person.look(f"{person.at('teams')}?q=engin").links
    assert "No team fits" in person.look(f"{person.at('teams')}?q=zzz").text


def test_a_team_of_many(emulator: StackEmulator, person: Person, team: Team) -> None:
    for _ in range(6):
        emulator.add_member(team.id, emulator.create_user().id)
    assert "and 2 more" in person.look(person.at("teams")).text


def test_a_team_is_changed_and_deleted(emulator: StackEmulator, person: Person, team: Team) -> None:
    path = person.at("teams", team.id)
    heard: list[str] = []
    emulator.project.listener = lambda event, about: heard.append(event)
    assert "Saved." in person.do(path, "edit", display_name="R&D", client_metadata="[1]").text
    assert (team.display_name, team.client_metadata) == ("R&D", [1])
    assert "display_name: is needed" in person.send(path, "edit", display_name="").screen.text
    assert "Deleted." in person.do(path, "delete").text
    assert emulator.project.teams == {}
    assert person.get(path).status == 404
    person.do(person.at("teams"), "create", display_name="New")
    assert heard == ["team.updated", "team.deleted", "team.created"]


def test_members_and_their_permissions(emulator: StackEmulator, person: Person, team: Team) -> None:
    bob = emulator.create_user(display_name="Bob")
    path = person.at("teams", team.id)
    assert "The user is a member now." in person.do(path, "add", member=bob.id).text
    assert person.send(path, "add", member=bob.id).status == 409
    person.do(path, "grant", user_id=bob.id, permission_id="$update_team")
    held = emulator.project.memberships[team.id, bob.id].permissions
    assert held == {"team_member", "$update_team"}
    person.do(path, "revoke", user_id=bob.id, permission_id="team_member")
    assert held == {"$update_team"}
    person.do(path, "remove", user_id=bob.id)
    assert (team.id, bob.id) not in emulator.project.memberships


def test_a_team_without_members(emulator: StackEmulator, person: Person) -> None:
    team = emulator.create_team("Empty")
    assert "No members." in person.look(person.at("teams", team.id)).text


def test_who_holds_everything_can_be_granted_nothing(
    emulator: StackEmulator, person: Person, alice: User, team: Team
) -> None:
    definitions = emulator.project.definitions_of("team")
    membership = emulator.project.memberships[team.id, alice.id]
    membership.permissions = {item.id for item in definitions}
    screen = person.look(person.at("teams", team.id))
    assert "grant" not in [form.fields.get("do") for form in screen.forms]


def test_a_teams_api_key(emulator: StackEmulator, person: Person, team: Team) -> None:
    path = person.at("teams", team.id)
    given = person.send(path, "create-key").screen
    (key,) = emulator.project.api_keys.values()
    assert key.owner_id == team.id
    assert any(item.get("id") == "new-key" for item in given.all("input"))
    person.do(path, "revoke-key", key_id=key.id)
    assert key.manually_revoked_at_millis is not None


# Permissions


def test_permissions_are_defined_and_deleted(
    emulator: StackEmulator, person: Person, alice: User
) -> None:
    path = person.at("permissions")
    assert "None is defined." in person.look(path).text
    person.do(path, "define", id="read", description="See it")
    screen = person.do(path, "define", id="write", contains="read")
    assert "The permission can be granted now." in screen.text
    assert emulator.project.definitions["write"].contained_permission_ids == ["read"]
    emulator.grant(alice.id, "write")
    person.do(path, "undefine", id="write")
    assert alice.permissions == set()
    person.do(path, "define", id="billing", scope="team")
    assert emulator.project.definitions["billing"].scope == "team"


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"id": "Not Good"}, "id: must be a permission id"),
        ({"id": "$system"}, "must not be one of the system's ids"),
        ({"id": "a", "contains": "unknown"}, "A contained permission does not exist."),
        ({"id": "a", "contains": "NO"}, "contained_permission_ids.0: must be a permission id"),
        ({"id": "a", "scope": "world"}, "scope: must be project or team"),
        ({"id": "team_admin"}, "There is a permission with this id already."),
        ({"id": ""}, "id: is needed"),
    ],
)
def test_permissions_that_make_no_sense(
    person: Person, fields: dict[str, str], complaint: str
) -> None:
    form = {"do": "define", "token": person.token(), "scope": "project", **fields}
    refused = person.post(person.at("permissions"), form)
    assert refused.status == 400
    assert complaint in refused.screen.text


# The project


def test_keys_are_shown_when_asked_for(emulator: StackEmulator, person: Person) -> None:
    path = person.at("project")
    project = emulator.project
    assert project.secret_server_key not in person.look(path).html
    given = person.send(path, "reveal").screen
    for key in (project.publishable_client_key, project.super_secret_admin_key):
        assert key in given.html
    assert f"STACK_SECRET_SERVER_KEY={project.secret_server_key}" in given.html
    assert f"STACK_WEBHOOK_SECRET={project.webhook_secret}" in given.html
    for secret in (project.secret_server_key, project.webhook_secret):
        assert secret not in person.look(path).html


def test_keys_rotate(emulator: StackEmulator, person: Person, alice: User) -> None:
    path = person.at("project")
    before = emulator.project.signing_keys.published
    old = [key["kid"] for key in before([UserKind.NORMAL])]
    screen = person.do(path, "rotate")
    kept = [key["kid"] for key in before([UserKind.NORMAL])]
    assert kept[2:] == old
    assert "new keys" in screen.text
    assert kept[0] in screen.text
    person.do(path, "rotate", keep_old=None)
    assert len(before([UserKind.NORMAL])) == 2


def test_several_projects() -> None:
    emulator = StackEmulator(
        {"projects": {"one": {"id": "1"}, "two": {"id": "two / 2", "display_name": "Second"}}}
    )
    person = Person(emulator)
    first = person.look("/")
    assert {"one", "Second"} <= set(first.links)
    second = person.look(first.links["Second"])
    assert "No users yet" in second.text
    path = f"{PREFIX}/projects/two%20%2F%202/users"
    assert first.links["Second"] == path
    person.do(path, "create", display_name="Bob")
    assert [user.display_name for user in emulator.projects["two"].users.values()] == ["Bob"]
    assert emulator.projects["one"].users == {}
    teams = person.look(f"{PREFIX}/projects/1/teams")
    assert teams.links["Second"] == f"{PREFIX}/projects/two%20%2F%202/teams"


@pytest.mark.parametrize("path", ["projects/none/users", "nowhere", "projects", "", "projects/1/x"])
def test_a_screen_that_is_not_there(person: Person, path: str) -> None:
    gone = person.get(f"{PREFIX}/{path}")
    assert gone.status == 404
    assert "That did not work." in gone.screen.text
    assert "To the users of the first project" in gone.screen.links
    assert "Teams" in " ".join(gone.screen.links)


def test_an_action_that_is_not_there(person: Person) -> None:
    refused = person.post(person.at("users"), {"do": "explode", "token": person.token()})
    assert refused.status == 400
    assert "The page cannot do that." in refused.screen.text


def test_only_the_head(person: Person) -> None:
    assert person.ask("HEAD", "/").status == 200


# The log


def test_the_log(emulator: StackEmulator, person: Person, alice: User) -> None:
    path = person.at("requests")
    assert "Nothing was asked yet" in person.look(path).text
    project = emulator.project
    keys = {
        "x-stack-access-type": "server",
        "x-stack-project-id": project.id,
        "x-stack-secret-server-key": project.secret_server_key,
    }
    token = emulator.sign_in(alice.id).access_token
    person.ask("GET", "/api/v1/users/me", {**keys, "x-stack-access-token": token})
    person.ask("GET", f"/api/v1/users/{project.id}", keys)
    emulator.faults.add(Fault(kind="html", times=1))
    person.ask("GET", "/api/v1/teams", keys)
    screen = person.look(path)
    assert "Alice" in screen.links
    assert "USER_NOT_FOUND" in screen.text
    assert "fault: html" in screen.text
    assert token not in screen.html
    failed = person.look(f"{path}?failed=1")
    assert "/users/me" not in failed.text
    assert "USER_NOT_FOUND" in failed.text
    assert "/users/me" in person.look(f"{path}?q={alice.id}").text
    assert "No request fits." in person.look(f"{path}?q=zzz").text
    assert f"GET /users/{project.id[:8]}…" in person.look("/").text
    assert "The log is empty." in person.do(path, "clear").text
    assert list(emulator.requests) == []


def test_the_log_of_several_projects() -> None:
    emulator = StackEmulator({"projects": {"one": {"id": "1"}, "two": {"id": "2"}}})
    person = Person(emulator)
    two = emulator.projects["two"]
    user = emulator.create_user("two", display_name="Bob")
    headers = {
        "x-stack-access-type": "server",
        "x-stack-project-id": "2",
        "x-stack-secret-server-key": two.secret_server_key,
        "x-stack-access-token": emulator.sign_in(user.id).access_token,
    }
    headers["host"] = "stack.localhost"
    assert person.ask("GET", "/api/v1/users/me", headers).status == 200
    person.ask("GET", "/health")
    screen = person.look(f"{PREFIX}/projects/1/requests")
    assert user.id in screen.text
    assert "Bob" not in screen.links
    assert "Bob" in person.look(f"{PREFIX}/projects/2/requests").links


def test_an_old_page_of_the_log_stands_still(emulator: StackEmulator, person: Person) -> None:
    for _ in range(150):
        person.ask("GET", "/health")
    first = person.look(person.at("requests"))
    assert any("data-live" in item for item in first.all("div"))
    second = person.look(first.links["Next"])
    assert not any("data-live" in item for item in second.all("div"))


def test_a_request_without_an_answer(emulator: StackEmulator, person: Person) -> None:
    emulator.faults.add(Fault(kind="dropped", times=1))
    with pytest.raises(ConnectionResetError):
        person.ask("GET", "/api/v1")
    assert "none" in person.look(person.at("requests")).text


# Faults


def test_a_fault_is_injected_and_cleared(emulator: StackEmulator, person: Person) -> None:
    path = person.at("faults")
    assert "No fault is played" in person.look(path).text
    screen = person.do(
        path,
        "inject",
        kind="status",
        status="429",
        times="3",
        share="0.5",
        path="*/users/me",
        method="GET",
        retry_after="2",
    )
    assert emulator.faults.active == [
        Fault(
            kind="status",
            status=429,
            times=3,
            share=0.5,
            path="*/users/me",
            method="GET",
            retry_after="2",
        )
    ]
    assert "3 times, 50% of requests" in screen.text
    assert "status 429, retry after 2" in screen.text
    assert "a late answer" not in person.look("/").text
    assert "Fault: an error status" in person.look("/").text
    person.do(path, "clear")
    assert emulator.faults.active == []


def test_faults_do_not_strike_the_page(emulator: StackEmulator, person: Person) -> None:
    emulator.faults.add(Fault(kind="dropped"))
    assert person.get("/").status == 200
    assert "1" in person.look(person.at("faults")).text


def test_what_is_tried_most_takes_one_button(emulator: StackEmulator, person: Person) -> None:
    path = person.at("faults")
    presets = [form for form in person.look(path).forms if form.fields.get("do") == "inject"][:-1]
    assert len(presets) == 4
    for form in presets:
        assert person.post(path, form.fields).status == 303
    assert [fault.kind for fault in emulator.faults.active] == [
        "status",
        "status",
        "latency",
        "dropped",
    ]
    assert "until cleared" in person.look(path).text


@pytest.mark.parametrize(
    ("field", "value"), [("share", "7"), ("times", "0"), ("status", "99"), ("size", "x")]
)
def test_faults_that_make_no_sense(person: Person, field: str, value: str) -> None:
    fields = {"do": "inject", "token": person.token(), "kind": "status", "path": "*", field: value}
    refused = person.post(person.at("faults"), fields)
    assert refused.status == 400
    assert f"{field}: Input should be" in refused.screen.text
    form = [form for form in refused.screen.forms if form.fields.get("do") == "inject"][-1]
    assert form.fields[field] == value
    assert form.fields["kind"] == "status"


def test_changes_wait_for_the_lock(
    emulator: StackEmulator, person: Person, clock: StandingClock
) -> None:
    with emulator._state.lock:
        assert person.do(person.at("users"), "create").html
    assert len(emulator.project.users) == 1


def test_emails_are_shown_with_what_became_of_them(
    emulator: StackEmulator, person: Person, clock: StandingClock, alice: User, team: Team
) -> None:
    screen = person.look(person.at("emails"))
    assert "None yet" in screen.text
    page, state, project = "http://localhost:3000/handler", emulator._state, emulator.project
    verification_codes.send_verification(state, project, alice, "alice@example.com", page)
    verification_codes.send_invitation(state, project, team, "bob@example.com", page)
    verification, invitation = project.codes.values()
    screen = person.look(person.at("emails"))
    assert {field["value"] for field in screen.all("input")} == {verification.link, invitation.link}
    assert page not in "".join(screen.links.values())
    assert "alice@example.com Verify an address" in screen.text
    assert "bob@example.com Invitation to a team: Engineering" in screen.text
    assert " used " not in screen.text
    verification.used_at_millis = 1
    assert "Verify an address used" in person.look(person.at("emails")).text
    clock.now += 8 * 86_400
    assert "Engineering expired" in person.look(person.at("emails")).text
    del project.teams[team.id]
    assert "Invitation to a team expired" in person.look(person.at("emails")).text
