"""What every screen owes to everybody: structure, names, no mark-up of our own that is unsafe."""

from __future__ import annotations

from collections import Counter

import pytest

from stack_fastapi.emulator import Fault, StackEmulator, Team, User
from stack_fastapi.emulator.page.areas import AREAS
from stack_fastapi.emulator.page.notes import NOTES
from stack_fastapi.emulator.page.rendering import load
from stack_fastapi.emulator.page.site import Page
from stack_fastapi.emulator.state.records import VerificationCode

from .person import PREFIX, Person, Screen

ALL = [area.path for area in AREAS]


@pytest.fixture
def full(emulator: StackEmulator, alice: User, team: Team) -> StackEmulator:
    emulator.define_permission("read")
    emulator.define_permission("write", contains=("read",))
    emulator.grant(alice.id, "write")
    emulator.create_user(display_name="Bob")
    emulator.create_user_api_key(alice.id)
    emulator.create_team_api_key(team.id)
    emulator.create_team("Design")
    emulator.sign_in(alice.id)
    emulator.sign_in(alice.id)
    emulator.faults.add(Fault(kind="latency"))
    code = VerificationCode("c", "team_invitation", "b@example.com", "x", "http://localhost/", 0, 1)
    emulator.project.codes["c"] = code
    return emulator


@pytest.fixture(params=ALL)
def screen(request: pytest.FixtureRequest, full: StackEmulator, alice: User, team: Team) -> Screen:
    path = request.param.format(project=full.project.id, user=alice.id, team=team.id)
    person = Person(full)
    person.ask("GET", "/api/v1")
    return person.look(f"{PREFIX}/{path}")


def test_nothing_is_inline_and_nothing_comes_from_elsewhere(screen: Screen) -> None:
    for tag, attributes in screen.elements:
        assert tag not in {"style", "img", "iframe", "object", "embed", "base"}
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for name in ("href", "src", "action", "data-live"):
            if name in attributes:
                assert attributes[name].startswith(("/", "#")), attributes
                assert not attributes[name].startswith("//")
    assert [item["src"] for item in screen.all("script")] == [f"{PREFIX}/static/script.js"]


def test_landmarks_and_headings(screen: Screen) -> None:
    tags = Counter(tag for tag, _ in screen.elements)
    assert (tags["main"], tags["header"], tags["h1"], tags["title"]) == (1, 1, 1, 1)
    assert all("aria-label" in item for item in screen.all("nav"))
    assert [item.get("role") for item in screen.all("div")].count("status") == 1
    assert screen.all("html") == [{"lang": "en"}]
    first = next(item for item in screen.all("a"))
    assert first == {"class": "skip", "href": "#main"}
    assert [item for item in screen.all("a") if item.get("aria-current") == "page"]


def test_every_id_is_there_once(screen: Screen) -> None:
    ids = Counter(item["id"] for _, item in screen.elements if "id" in item)
    assert [id_ for id_, count in ids.items() if count > 1] == []
    for _, item in screen.elements:
        for name in ("for", "aria-labelledby", "aria-describedby", "list", "data-copy"):
            for wanted in item.get(name, "").split():
                assert wanted in ids, (name, wanted)


def test_every_field_has_a_label(screen: Screen) -> None:
    labelled = {item["for"] for item in screen.all("label")}
    for tag in ("input", "select", "textarea"):
        for item in screen.all(tag):
            if item.get("type") != "hidden":
                assert item["id"] in labelled, item


def test_every_table_has_a_caption_and_headers(screen: Screen) -> None:
    tags = Counter(tag for tag, _ in screen.elements)
    assert tags["table"] == tags["caption"] == tags["thead"]
    assert all(item.get("scope") == "col" for item in screen.all("th"))


def test_every_form_carries_the_token_or_only_asks(screen: Screen) -> None:
    assert screen.forms or "API keys" in screen.html or "sessions" in screen.html
    for form in screen.forms:
        if form.method == "post":
            assert list(form.fields)[:2] == ["token", "do"]
        else:
            assert "token" not in form.fields


def test_every_form_asks_for_something_that_is_there(screen: Screen) -> None:
    known = {name for area in AREAS for name in area.actions}
    assert {form.fields["do"] for form in screen.forms if form.method == "post"} <= known


def test_every_note_is_a_sentence() -> None:
    assert all(text.endswith(".") for text in NOTES.values())


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("style.css", "text/css"), ("script.js", "text/javascript"), ("icon.svg", "image/svg+xml")],
)
def test_files_of_our_own(person: Person, name: str, media_type: str) -> None:
    file = person.get(f"{PREFIX}/static/{name}")
    assert file.status == 200
    assert file.headers["content-type"].startswith(media_type)
    assert len(file.content) < 20_000
    assert b"http://" not in file.content.replace(b"http://www.w3.org/2000/svg", b"")
    assert b"https://" not in file.content


def test_without_jinja2_it_names_the_extra(emulator: StackEmulator) -> None:
    with pytest.raises(ImportError, match=r"stack-fastapi\[emulator\]"):
        load(lambda name: None)
    door = emulator.app
    vars(door)["page"] = Page(
        emulator._state, emulator.faults, emulator.requests, lambda: load(lambda name: None)
    )
    answer = Person(emulator, door).get("/")
    assert (answer.status, b"stack-fastapi[emulator]" in answer.content) == (501, True)
    assert "content-security-policy" in answer.headers


def test_the_disk_is_not_read_in_the_event_loop(emulator: StackEmulator) -> None:
    assert Person(emulator, emulator.app).look("/").text


def test_the_repr_of_what_the_page_works_with_holds_no_secret(emulator: StackEmulator) -> None:
    assert "sak_local" not in repr(emulator.app)
