"""Changes over a WebSocket, and what ends it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from example_app.app import create_app
from example_app.live import BACKLOG, End, Hub, Listener
from example_app.tests.conftest import notes_of
from stack_fastapi import StackAuth
from stack_fastapi.emulator import StackEmulator
from stack_fastapi.testing import SignedDelivery, SignedIn, settings_for


def end_of(session: Any) -> tuple[int, str]:  # noqa: ANN401 - the test client's
    with pytest.raises(WebSocketDisconnect) as ended:
        session.receive_json()
    return ended.value.code, ended.value.reason


def test_members_see_what_changes_in_their_team(
    client: TestClient, alice: SignedIn, signed_in: Callable[..., SignedIn]
) -> None:
    bob = signed_in(team=alice.team)
    other = signed_in(team="Others", team_permissions=["note:write"])
    with client.websocket_connect(f"{notes_of(alice)}/live", headers=bob.headers) as session:
        client.post(notes_of(other), json={"text": "Theirs"}, headers=other)
        note = client.post(notes_of(alice), json={"text": "Milk"}, headers=alice).json()
        assert session.receive_json() == {"event": "created", "note": note}
        session.send_text("what a listener says does not matter")
        client.delete(f"{notes_of(alice)}/{note['id']}", headers=alice)
        assert session.receive_json() == {"event": "deleted", "note": {"id": note["id"]}}


def test_a_note_that_was_not_kept_is_not_told(client: TestClient, alice: SignedIn) -> None:
    with client.websocket_connect(f"{notes_of(alice)}/live", headers=alice.headers) as session:
        client.post(notes_of(alice), json={"text": ""}, headers=alice)
        client.post(notes_of(alice), json={"text": "Milk"}, headers=alice)
        assert session.receive_json()["note"]["text"] == "Milk"


def test_nobody_else_hears_anything(
    client: TestClient, alice: SignedIn, signed_in: Callable[..., SignedIn]
) -> None:
    path = f"{notes_of(alice)}/live"
    for headers, reason in (
        ({}, "USER_AUTHENTICATION_REQUIRED"),
        (signed_in(team="Others").headers, "TEAM_MEMBERSHIP_NOT_FOUND"),
        (signed_in(type="anonymous").headers, "ANONYMOUS_AUTHENTICATION_NOT_ALLOWED"),
    ):
        with (
            pytest.raises(WebSocketDisconnect) as refused,
            client.websocket_connect(path, headers=headers),
        ):
            pass
        assert (refused.value.code, refused.value.reason) == (1008, reason)


def test_it_ends_with_the_token(
    stack_auth: StackAuth, signed_in: Callable[..., SignedIn], sqlite_url: str
) -> None:
    alice = signed_in(team="Acme")
    ends_at = 0.0
    app = create_app(stack_auth, database_url=sqlite_url, clock=lambda: ends_at - 0.05)
    with TestClient(app) as client:
        ends_at = client.get("/session", headers=alice).json()["expires_at"]
        with client.websocket_connect(f"{notes_of(alice)}/live", headers=alice.headers) as session:
            assert end_of(session) == (1008, "ACCESS_TOKEN_EXPIRED")
        while listeners(app):
            client.get("/")  # the app goes on meanwhile


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("user.deleted", "USER_DELETED"),
        ("team.deleted", "TEAM_DELETED"),
        ("team_membership.deleted", "TEAM_LEFT"),
    ],
)
def test_it_ends_when_stack_tells_so(
    client: TestClient,
    alice: SignedIn,
    signed_in: Callable[..., SignedIn],
    stack_webhook: Callable[..., SignedDelivery],
    event: str,
    reason: str,
) -> None:
    assert alice.team is not None
    ids = {"user_id": alice.user.id, "team_id": alice.team.id}
    about = {"user.deleted": alice.user, "team.deleted": {"id": alice.team.id}}.get(event, ids)
    elsewhere = signed_in(team="Others")
    with (
        client.websocket_connect(f"{notes_of(alice)}/live", headers=alice.headers) as session,
        client.websocket_connect(f"{notes_of(elsewhere)}/live", headers=elsewhere.headers) as other,
    ):
        for type_, data in (("user.updated", alice.user), (event, about)):
            delivery = stack_webhook(type_, data)
            answer = client.post(
                "/webhooks/stack", content=delivery.content, headers=delivery.headers
            )
            assert answer.status_code == 204
        assert end_of(session) == (1008, reason)
        other.close()


class Meanwhile(httpx.AsyncBaseTransport):
    """Leads to Stack; something happens while an answer about teams is on its way."""

    def __init__(self, stack: StackEmulator) -> None:
        self._stack: httpx.AsyncBaseTransport = httpx.ASGITransport(app=stack.app)
        self.happens: Callable[[], None] = lambda: None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._stack.handle_async_request(request)
        if request.url.path.endswith("/teams"):
            self.happens()
        return response


def test_who_leaves_while_it_opens_hears_nothing(
    stack: StackEmulator, alice: SignedIn, sqlite_url: str
) -> None:
    """Stack's answer said that she is a member; the webhook that she is not came before it."""
    assert alice.team is not None
    transport, ids = Meanwhile(stack), {"user_id": alice.user.id, "team_id": alice.team.id}
    auth = StackAuth(settings_for(stack), transport=transport, clock=lambda: stack.now)
    app = create_app(auth, database_url=sqlite_url, clock=lambda: stack.now)
    transport.happens = lambda: app.state.hub.end("TEAM_LEFT", **ids)
    with TestClient(app) as client:
        path = f"{notes_of(alice)}/live"
        with client.websocket_connect(path, headers=alice.headers) as session:
            assert end_of(session) == (1008, "TEAM_LEFT")


def test_a_listener_who_goes_is_forgotten(
    app: FastAPI, client: TestClient, alice: SignedIn
) -> None:
    for _ in range(3):
        with client.websocket_connect(f"{notes_of(alice)}/live", headers=alice.headers):
            assert listeners(app) == 1
        while listeners(app):
            client.get("/")  # the app goes on meanwhile


def test_who_does_not_keep_up_is_cut_off() -> None:
    hub = Hub()
    with hub.listening("t", "u") as slow, hub.listening("t", "v") as quick:
        for number in range(BACKLOG + 1):
            hub.publish("t", {"number": number})
            quick.mailbox.get_nowait()
    assert drained(slow) == [End(1013, "TOO_SLOW")]
    assert drained(quick) == []


def drained(listener: Listener) -> list[Any]:
    return [listener.mailbox.get_nowait() for _ in range(listener.mailbox.qsize())]


def listeners(app: FastAPI) -> int:
    return len(app.state.hub._listeners)  # noqa: SLF001 - nothing else shows a leak
