"""What Stack tells, what the app makes of it, and what it does not believe."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from example_app.app import create_app
from example_app.tests.conftest import notes_of
from stack_fastapi import StackAuth
from stack_fastapi.audit import unprotected_routes
from stack_fastapi.emulator import StackEmulator
from stack_fastapi.testing import SignedDelivery, SignedIn

Webhook = Callable[..., SignedDelivery]


def write(client: TestClient, alice: SignedIn, text: str = "Milk") -> int:
    return client.post(notes_of(alice), json={"text": text}, headers=alice).status_code


def texts(client: TestClient, alice: SignedIn) -> list[str]:
    return [note["text"] for note in client.get(notes_of(alice), headers=alice).json()]


def tell(client: TestClient, delivery: SignedDelivery) -> int:
    return client.post(
        "/webhooks/stack", content=delivery.content, headers=delivery.headers
    ).status_code


def test_what_is_changed_in_stack_counts_for_the_next_request(
    client: TestClient, stack: StackEmulator, alice: SignedIn
) -> None:
    """Stack's own deliveries, as they come."""
    assert alice.team is not None
    stack.webhooks.add(
        "http://localhost/webhooks/stack",
        post=lambda url, content, headers, _: (
            client.post(url, content=content, headers=headers).status_code
        ),
    )
    assert write(client, alice) == 201
    stack.revoke(alice.user.id, "note:write", team_id=alice.team.id)
    assert write(client, alice) == 201
    stack.webhooks.deliver()
    assert write(client, alice) == 403
    stack.remove_member(alice.team.id, alice.user.id)
    stack.webhooks.deliver()
    assert client.get(notes_of(alice), headers=alice).status_code == 403
    assert {item.state for item in stack.webhooks.deliveries} == {"delivered"}


def test_the_notes_of_somebody_who_is_gone_stay_without_a_name(
    client: TestClient,
    stack: StackEmulator,
    alice: SignedIn,
    signed_in: Callable[..., SignedIn],
    stack_webhook: Webhook,
) -> None:
    bob = signed_in(team=alice.team)
    write(client, alice)
    stack.delete_user(alice.user.id)
    assert tell(client, stack_webhook("user.deleted", alice.user)) == 204
    assert client.get(notes_of(alice), headers=alice).status_code == 401
    (note,) = client.get(notes_of(bob), headers=bob).json()
    assert (note["text"], note["author_id"]) == ("Milk", None)


def test_a_message_is_dealt_with_once(
    client: TestClient, alice: SignedIn, stack_webhook: Webhook
) -> None:
    assert alice.team is not None
    gone = stack_webhook("team.deleted", {"id": alice.team.id}, id="msg_1")
    write(client, alice)
    assert tell(client, gone) == 204
    assert texts(client, alice) == []
    write(client, alice, "Bread")
    assert tell(client, gone) == 204  # Stack did not hear the answer, and sends it again
    assert texts(client, alice) == ["Bread"]


def test_a_message_that_failed_is_dealt_with_when_it_comes_again(
    app: FastAPI, client: TestClient, alice: SignedIn, stack_webhook: Webhook
) -> None:
    assert alice.team is not None
    gone = stack_webhook("team.deleted", {"id": alice.team.id})
    write(client, alice)
    database, app.state.database = app.state.database, None  # it is not there just now
    with pytest.raises(AttributeError):
        tell(client, gone)
    app.state.database = database
    assert texts(client, alice) == ["Milk"]
    assert tell(client, gone) == 204
    assert texts(client, alice) == []


def test_late_messages_bring_nobody_back(
    client: TestClient, alice: SignedIn, stack_webhook: Webhook
) -> None:
    write(client, alice)
    assert tell(client, stack_webhook("user.deleted", alice.user)) == 204
    for event in ("user.created", "user.updated"):
        assert tell(client, stack_webhook(event, alice.user)) == 204
    answer = client.post(notes_of(alice), json={"text": "Bread"}, headers=alice)
    assert (answer.status_code, answer.json()["detail"]) == (403, "This account was deleted.")


def test_nobody_else_deletes_anything(
    client: TestClient, stack: StackEmulator, alice: SignedIn, stack_webhook: Webhook
) -> None:
    assert alice.team is not None
    about = ("team.deleted", {"id": alice.team.id})
    write(client, alice)
    for forged in (
        stack_webhook(*about, secret="whsec_" + "A" * 32),
        stack_webhook(*about, timestamp=stack.now - 301),
        SignedDelivery("msg_1", dict(alice), stack_webhook(*about).content),
    ):
        assert tell(client, forged) == 401
    assert texts(client, alice) == ["Milk"]


def test_without_webhooks_there_is_no_such_route(
    stack_auth: StackAuth, sqlite_url: str, stack_webhook: Webhook
) -> None:
    app = create_app(stack_auth, database_url=sqlite_url, receives_webhooks=False)
    with TestClient(app) as client:
        assert tell(client, stack_webhook("user.deleted")) == 404
    assert "/webhooks/stack" not in {route.path for route in unprotected_routes(app)}
