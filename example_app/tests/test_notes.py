"""Who may do what with notes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from example_app.tests.conftest import notes_of
from stack_fastapi.audit import unprotected_routes
from stack_fastapi.emulator import Fault, StackEmulator
from stack_fastapi.testing import SignedIn

#: What anybody may call, and FastAPI's own pages.
PUBLIC = {"/", "/greeting", "/docs", "/docs/oauth2-redirect", "/openapi.json", "/redoc"}


@pytest.fixture
def bob(signed_in: Callable[..., SignedIn], alice: SignedIn) -> SignedIn:
    """Another member."""
    return signed_in(team=alice.team)


@pytest.fixture
def mallory(signed_in: Callable[..., SignedIn]) -> SignedIn:
    """Somebody from another team, who may write there."""
    return signed_in(team="Others", team_permissions=["note:write"])


def write(client: TestClient, path: str, headers: SignedIn, text: str = "Milk") -> str:
    answer = client.post(path, json={"text": text}, headers=headers)
    assert answer.status_code == 201
    return str(answer.json()["id"])


def test_only_what_is_meant_to_be_open_is_open(app: FastAPI) -> None:
    assert unprotected_routes(app, public=PUBLIC) == []


def test_who_writes_and_who_reads(
    client: TestClient, alice: SignedIn, bob: SignedIn, mallory: SignedIn
) -> None:
    path = notes_of(alice)
    first, second = write(client, path, alice), write(client, path, alice, "Bread")
    for member in (alice, bob):
        shown = client.get(path, headers=member).json()
        assert [(note["id"], note["text"]) for note in shown] == [
            (first, "Milk"),
            (second, "Bread"),
        ]
    answer = client.post(path, json={"text": "Eggs"}, headers=bob)
    assert (answer.status_code, answer.json()["detail"]["missing"]) == (403, ["note:write"])
    for answer in (
        client.get(path, headers=mallory),
        client.post(path, json={"text": "Eggs"}, headers=mallory),
        client.delete(f"{path}/{first}", headers=mallory),
    ):
        assert (answer.status_code, answer.json()["detail"]["code"]) == (
            403,
            "TEAM_MEMBERSHIP_NOT_FOUND",
        )
    assert client.get(path).status_code == 401
    assert len(client.get(path, headers=bob).json()) == 2


def test_the_author_is_the_account_and_not_the_user(client: TestClient, alice: SignedIn) -> None:
    path = notes_of(alice)
    write(client, path, alice)
    write(client, path, alice)
    authors = {note["author_id"] for note in client.get(path, headers=alice).json()}
    assert len(authors) == 1
    assert alice.user.id not in authors


def test_a_note_is_deleted_in_its_own_team_alone(
    client: TestClient, alice: SignedIn, mallory: SignedIn
) -> None:
    note_id = write(client, notes_of(alice), alice)
    assert client.delete(f"{notes_of(mallory)}/{note_id}", headers=mallory).status_code == 404
    assert client.delete(f"{notes_of(alice)}/{note_id}", headers=alice).status_code == 204
    assert client.delete(f"{notes_of(alice)}/{note_id}", headers=alice).status_code == 404
    assert client.get(notes_of(alice), headers=alice).json() == []


@pytest.mark.parametrize(
    "text", [None, "", "x" * 10_001, 1, "a\0b"], ids=["none", "empty", "long", "number", "NUL"]
)
def test_a_bad_note_is_refused(client: TestClient, alice: SignedIn, text: object) -> None:
    assert client.post(notes_of(alice), json={"text": text}, headers=alice).status_code == 422
    assert client.get(notes_of(alice), headers=alice).json() == []


def test_an_administrator_looks_over_all_teams(
    client: TestClient, alice: SignedIn, bob: SignedIn, mallory: SignedIn
) -> None:
    write(client, notes_of(alice), alice)
    write(client, notes_of(mallory), mallory)
    shown = client.get("/admin/statistics", headers=alice).json()
    assert alice.team is not None
    assert mallory.team is not None
    expected = {(alice.team.id, 1), (mallory.team.id, 1)}
    assert {(item["team_id"], item["notes"]) for item in shown} == expected
    answer = client.get("/admin/statistics", headers=bob)
    assert (answer.status_code, answer.json()["detail"]["missing"]) == (403, ["note:admin"])


def test_an_administrator_who_signed_out_is_none(
    client: TestClient, stack: StackEmulator, alice: SignedIn
) -> None:
    stack.revoke_session(alice.tokens.session_id)
    answer = client.get("/admin/statistics", headers=alice)
    assert (answer.status_code, answer.json()["detail"]["code"]) == (401, "SESSION_NOT_FOUND")
    assert client.get("/me", headers=alice).status_code == 200


def test_a_program_works_for_the_team_whose_key_it_has(
    client: TestClient, stack: StackEmulator, alice: SignedIn, mallory: SignedIn
) -> None:
    assert alice.team is not None
    key = {"X-API-Key": stack.create_team_api_key(alice.team.id)}
    answer = client.post("/machine/notes", json={"text": "Milk"}, headers=key)
    assert (answer.status_code, answer.json()["author_id"]) == (201, None)
    write(client, notes_of(mallory), mallory, "Theirs")
    for shown in (
        client.get("/machine/notes", headers=key).json(),
        client.get(notes_of(alice), headers=alice).json(),
    ):
        assert [note["text"] for note in shown] == ["Milk"]


def test_a_program_without_the_right_key_does_nothing(
    client: TestClient, stack: StackEmulator, alice: SignedIn
) -> None:
    for headers, code in (
        ({}, "API_KEY_REQUIRED"),
        (dict(alice), "API_KEY_REQUIRED"),
        ({"X-API-Key": stack.create_user_api_key(alice.user.id)}, "WRONG_API_KEY_TYPE"),
        ({"X-API-Key": "sk_nonsense"}, "API_KEY_NOT_FOUND"),
    ):
        for method in ("GET", "POST"):
            answer = client.request(method, "/machine/notes", json={"text": "x"}, headers=headers)
            assert (answer.status_code, answer.json()["detail"]["code"]) == (401, code)


def test_an_outage_is_nobodys_fault(
    client: TestClient, stack: StackEmulator, alice: SignedIn, bob: SignedIn
) -> None:
    assert client.get(notes_of(alice), headers=alice).status_code == 200
    stack.faults.add(Fault(kind="status", status=500))
    assert client.get(notes_of(alice), headers=alice).status_code == 200
    assert client.get(notes_of(alice), headers=bob).status_code == 503
