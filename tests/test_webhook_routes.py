"""Webhooks at a route: what they tell, what they make stale, and what an attacker gets."""

# No "from __future__ import annotations": FastAPI cannot resolve local names that are text.

import asyncio
import base64
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, get_args

import pytest
from fake_stack import Clock, Reply, scope_of
from fastapi import Depends, FastAPI, Request, WebSocket
from fastapi.testclient import TestClient
from guarded_app import LocalStack, app_of, outcome
from pydantic import JsonValue
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message
from starlette.websockets import WebSocketDisconnect
from test_secrets import Secrets, texts_of_error
from test_servers import serving

import stack_fastapi
from stack_fastapi import (
    ConfigurationError,
    CurrentUser,
    CurrentWebhook,
    InvalidWebhookError,
    StackAuth,
    StackAuthError,
    StackAuthMiddleware,
    StackUnavailableError,
    Team,
    TeamDeletedEvent,
    UnknownEvent,
    User,
    UserDeletedEvent,
    WebhookEvent,
    current_webhook,
)
from stack_fastapi.audit import unprotected_routes
from stack_fastapi.dependencies.webhooks import MAX_LENGTH
from stack_fastapi.emulator.webhooks import sign
from stack_fastapi.models import KnownEvent
from stack_fastapi.testing import SignedDelivery, fake_user, override_user, signed_delivery

RECORDED = [
    json.loads(line)
    for line in (Path(__file__).parent / "recordings" / "webhooks.jsonl").read_text().splitlines()
]
LACKS = "403 PROJECT_PERMISSION_REQUIRED"
NO_MEMBER = "403 TEAM_MEMBERSHIP_NOT_FOUND"
MISSING_SECRET = (
    "webhook_secret is missing: set HEXCLAVE_WEBHOOK_SECRET or STACK_WEBHOOK_SECRET, "
    "or pass webhook_secret=…"
)


class Inbox:
    """A route that receives webhooks, in an app of every kind of guard."""

    def __init__(self, stack: LocalStack, **changes: Any) -> None:
        self.stack = stack
        self.auth = stack.engine(**changes)
        self.app = app_of(self.auth)
        self.events: list[WebhookEvent] = []

        @self.app.post("/webhooks")
        async def receive(event: CurrentWebhook) -> None:
            self.events.append(event)

    async def post(
        self, content: bytes, headers: Mapping[str, str], app: ASGIApp | None = None
    ) -> Reply:
        return await post(app or self.app, content, headers)

    async def deliver(self, delivery: SignedDelivery) -> Reply:
        return await self.post(delivery.content, delivery.headers)

    async def tell(self, message: object, **changes: Any) -> Reply:
        """Whatever a test wants Stack to say."""
        content = message if isinstance(message, bytes) else json.dumps(message).encode()
        secret = self.stack.emulator.webhooks.secret
        return await self.post(content, sign(secret, "msg_1", self.stack.clock(), content))


async def post(
    app: ASGIApp,
    content: bytes,
    headers: Mapping[str, str],
    *,
    parts: list[Message] | None = None,
) -> Reply:
    scope = scope_of("/webhooks")
    fields = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope |= {"method": "POST", "headers": [*fields]}
    whole: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]
    messages = iter(parts or whole)

    async def receive() -> Message:
        return next(messages)

    reply = Reply()
    await app(scope, receive, reply.send)
    return reply


@pytest.fixture
def stack() -> LocalStack:
    return LocalStack.with_permissions()


@pytest.fixture
def inbox(stack: LocalStack) -> Inbox:
    return Inbox(stack)


# ---------------------------------------------------------------- what they tell


@pytest.mark.parametrize(
    "message", RECORDED, ids=[f"{item['type']} {index}" for index, item in enumerate(RECORDED)]
)
async def test_every_recorded_message_is_an_event_of_its_own_class(
    inbox: Inbox, message: dict[str, Any]
) -> None:
    assert (await inbox.tell(message)).status == 200
    (event,) = inbox.events
    subject, _, verb = message["type"].partition(".")
    name = f"{subject.replace('_', ' ').title()}{verb.title()}Event".replace(" ", "")
    assert type(event).__name__ == name
    assert isinstance(event, getattr(stack_fastapi, name))
    assert event.id == "msg_1"
    told = event.model_dump(mode="json", exclude_unset=True)
    assert told == {"id": "msg_1", **message}


def test_every_event_was_recorded_and_is_public() -> None:
    names = {event.__name__ for event in get_args(KnownEvent)}
    assert len(names) == 12
    assert names <= set(stack_fastapi.__all__)
    types = {event.model_fields["type"].annotation for event in get_args(KnownEvent)}
    assert {kind for literal in types for kind in get_args(literal)} >= {
        item["type"] for item in RECORDED
    }


async def test_route_code_gets_models(inbox: Inbox, stack: LocalStack) -> None:
    for event in ("user.updated", "team.created", "user.deleted", "team.deleted"):
        await inbox.deliver(signed_delivery(stack.emulator, event))
    updated, created, deleted, team = inbox.events
    assert isinstance(updated.data, User)
    assert isinstance(created.data, Team)
    assert isinstance(deleted, UserDeletedEvent)
    assert deleted.data.teams == ()
    assert isinstance(team, TeamDeletedEvent)
    assert team.data.id


@pytest.mark.parametrize("data", [{"id": "x", "later": [1]}, None, "text", 1, [{}]])
async def test_an_event_of_a_later_stack_is_no_error(inbox: Inbox, data: JsonValue) -> None:
    assert (await inbox.tell({"type": "invoice.paid", "data": data})).status == 200
    assert inbox.events == [UnknownEvent(id="msg_1", type="invoice.paid", data=data)]


async def test_fields_of_a_later_stack_are_kept(inbox: Inbox) -> None:
    message = {"type": "team.deleted", "data": {"id": "t", "reason": "x"}, "sent_by": "y"}
    await inbox.tell(message)
    assert inbox.events[0].model_dump() == {"id": "msg_1", **message}


async def test_the_messages_id_is_svixs_whatever_the_body_says(inbox: Inbox) -> None:
    await inbox.tell({"id": "msg_other", "type": "team.deleted", "data": {"id": "t"}})
    assert inbox.events[0].id == "msg_1"


@pytest.mark.parametrize(
    "message",
    [
        *(b"", b"{}", b"null", b"[]", b"{", b"\xef\xbb\xbf{}", b'{"type":1,"data":{}}'),
        {"type": "user.updated"},
        {"type": "user.updated", "data": {"id": "u"}},
        {"type": "team.deleted", "data": {"id": 1}},
        {"type": "team.deleted", "data": "t"},
        b'{"type":"x","data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=lambda message: str(message)[:40],
)
async def test_a_signed_message_without_sense_is_an_outage_and_stack_tries_again(
    inbox: Inbox, message: object, caplog: pytest.LogCaptureFixture
) -> None:
    reply = await inbox.tell(message)
    assert (reply.status, reply.code) == (503, "STACK_UNAVAILABLE")
    assert "retry-after" in reply.headers
    assert inbox.events == []
    assert "its webhook is no" in caplog.text


# ---------------------------------------------------------------- what they make stale


async def test_what_stack_tells_counts_for_the_next_request(
    inbox: Inbox, stack: LocalStack
) -> None:
    """Changes that did not go through our client: only the webhook can make a route see them."""
    world, app = stack.emulator, inbox.app
    sent: list[tuple[bytes, Mapping[str, str]]] = []
    alice = stack.sign_in(team="Acme")
    assert alice.team is not None
    team = f"/teams/{alice.team.id}"
    world.webhooks.add(
        "http://localhost/", post=lambda url, content, headers, _: sent.append((content, headers))
    )

    async def told(path: str, before: str, after: str) -> None:
        assert await outcome(app, path, alice.token) == before
        world.webhooks.deliver()
        for content, headers in sent:
            assert (await inbox.post(content, headers)).status == 200
        sent.clear()
        assert await outcome(app, path, alice.token) == after

    assert await outcome(app, "/permission", alice.token) == LACKS
    world.grant(alice.user.id, "read")
    await told("/permission", LACKS, "200")
    world.revoke(alice.user.id, "read")
    await told("/permission", "200", LACKS)
    lacks_in_team = "403 TEAM_PERMISSION_REQUIRED"
    assert await outcome(app, f"{team}/permission", alice.token) == lacks_in_team
    world.grant(alice.user.id, "bill", team_id=alice.team.id)
    await told(f"{team}/permission", lacks_in_team, "200")
    assert await outcome(app, f"{team}/member", alice.token) == "200"
    world.remove_member(alice.team.id, alice.user.id)
    await told(f"{team}/member", "200", NO_MEMBER)
    world.add_member(alice.team.id, alice.user.id)
    await told(f"{team}/member", NO_MEMBER, "200")
    world.update_user(alice.user.id, restricted_by_admin=True)
    await told("/user", "200", "403 RESTRICTED_USER_NOT_ALLOWED")
    world.update_user(alice.user.id, restricted_by_admin=False)
    await told("/user", "403 RESTRICTED_USER_NOT_ALLOWED", "200")
    world.delete_user(alice.user.id)
    await told("/user", "200", "401 CANNOT_GET_OWN_USER_WITHOUT_USER")


async def test_a_team_that_is_gone_has_no_members_and_no_keys(
    inbox: Inbox, stack: LocalStack
) -> None:
    alice = stack.sign_in(team="Acme")
    assert alice.team is not None
    path, app = f"/teams/{alice.team.id}/member", inbox.app
    key = stack.emulator.create_team_api_key(alice.team.id)
    assert await outcome(app, path, alice.token) == "200"
    assert await outcome(app, "/team-key", x_api_key=key) == "200"
    await stack.engine().client.teams.delete(alice.team.id)  # another process
    assert await outcome(app, path, alice.token) == "200"
    await inbox.tell({"type": "team.deleted", "data": {"id": alice.team.id}})
    assert await outcome(app, path, alice.token) == NO_MEMBER
    assert await outcome(app, "/team-key", x_api_key=key) == "401 API_KEY_NOT_FOUND"


async def test_any_event_of_a_user_makes_their_keys_be_checked_again(
    inbox: Inbox, stack: LocalStack
) -> None:
    """Stack has no event for keys; whoever revokes one may change the user with it."""
    alice = stack.sign_in()
    key = stack.emulator.create_user_api_key(alice.user.id)
    assert await outcome(inbox.app, "/key", x_api_key=key) == "200"
    other = stack.engine().client.user_api_keys  # another process's
    (record,) = await other.list(alice.user.id)
    await other.revoke(record.id)
    assert await outcome(inbox.app, "/key", x_api_key=key) == "200"
    await inbox.deliver(signed_delivery(stack.emulator, "user.updated", alice.user))
    assert await outcome(inbox.app, "/key", x_api_key=key) == "401 API_KEY_REVOKED"


@pytest.mark.parametrize(
    "type_", ["user.merged", "api_key.revoked", "team_role.deleted", "nonsense"]
)
async def test_an_event_of_a_later_stack_makes_stale_whatever_it_names(
    inbox: Inbox, stack: LocalStack, type_: str
) -> None:
    alice = stack.sign_in(permissions=["read"])
    assert await outcome(inbox.app, "/permission", alice.token) == "200"
    stack.emulator.revoke(alice.user.id, "read")
    assert await outcome(inbox.app, "/permission", alice.token) == "200"
    await inbox.tell({"type": type_, "data": {"id": alice.user.id, "user_id": alice.user.id}})
    assert await outcome(inbox.app, "/permission", alice.token) == LACKS


async def test_even_a_message_without_sense_makes_stale_whom_it_names(
    inbox: Inbox, stack: LocalStack
) -> None:
    alice = stack.sign_in(permissions=["read"])
    assert await outcome(inbox.app, "/permission", alice.token) == "200"
    stack.emulator.revoke(alice.user.id, "read")
    reply = await inbox.tell({"type": "user.updated", "data": {"id": alice.user.id}})
    assert reply.status == 503
    assert await outcome(inbox.app, "/permission", alice.token) == LACKS


async def test_late_repeated_and_reordered_messages_change_nothing_but_when_stack_is_asked(
    inbox: Inbox, stack: LocalStack
) -> None:
    """A message says that something happened once: what it says is never taken for how it is."""
    alice = stack.sign_in()
    assert await outcome(inbox.app, "/user", alice.token) == "200"
    while_restricted = alice.user.model_copy(update={"is_restricted": True})
    old = signed_delivery(stack.emulator, "user.updated", while_restricted)
    gone = signed_delivery(stack.emulator, "user.deleted", alice.user)
    for delivery in (gone, old, old, gone):
        assert (await inbox.deliver(delivery)).status == 200
        assert await outcome(inbox.app, "/user", alice.token) == "200"
    assert [event.id for event in inbox.events] == [gone.id, old.id, old.id, gone.id]


async def test_a_look_up_that_was_in_the_air_is_not_kept(inbox: Inbox, stack: LocalStack) -> None:
    alice = stack.sign_in(permissions=["read"])
    assert await outcome(inbox.app, "/user", alice.token) == "200"
    stack.clock.advance(61)
    asked = asyncio.create_task(outcome(inbox.app, "/permission", alice.token))
    await asyncio.sleep(0)
    stack.emulator.revoke(alice.user.id, "read")
    await inbox.deliver(signed_delivery(stack.emulator, "user.updated", alice.user))
    await asked
    assert await outcome(inbox.app, "/permission", alice.token) == LACKS


# ---------------------------------------------------------------- attacks


async def test_nobody_else_makes_anything_stale(inbox: Inbox, stack: LocalStack) -> None:
    alice = stack.sign_in()
    assert await outcome(inbox.app, "/user", alice.token) == "200"
    stack.asked()
    good = signed_delivery(stack.emulator, "user.updated", alice.user)
    old = signed_delivery(stack.emulator, "user.updated", alice.user, timestamp=stack.clock() - 301)
    forged = signed_delivery(stack.emulator, "user.updated", alice.user, secret="whsec_" + "A" * 32)
    unsigned = SignedDelivery("x", {}, good.content)
    changed = SignedDelivery(good.id, good.headers, good.content.replace(b"user.", b"used."))
    for delivery in (old, forged, unsigned, changed):
        reply = await inbox.deliver(delivery)
        assert (reply.status, reply.code) == (401, "INVALID_WEBHOOK")
        assert reply.headers["www-authenticate"] == 'Webhook-Signature realm="stack"'
    assert inbox.events == []
    assert await outcome(inbox.app, "/user", alice.token) == "200"
    assert stack.asked() == {}


async def test_a_signed_in_user_is_no_webhook(inbox: Inbox, stack: LocalStack) -> None:
    headers = {"x-stack-access-token": stack.sign_in().token}
    reply = await inbox.post(b"{}", headers)
    assert (reply.status, reply.code) == (401, "INVALID_WEBHOOK")


async def test_a_webhook_signs_nobody_in(inbox: Inbox, stack: LocalStack) -> None:
    delivery = signed_delivery(stack.emulator, "user.updated")
    assert await outcome(inbox.app, "/user", **dict(delivery.headers)) == (
        "401 USER_AUTHENTICATION_REQUIRED"
    )


async def test_a_refusal_is_logged_without_what_was_sent(
    inbox: Inbox, stack: LocalStack, caplog: pytest.LogCaptureFixture
) -> None:
    delivery = signed_delivery(stack.emulator, "user.updated", secret="whsec_" + "A" * 32)
    with caplog.at_level(logging.WARNING, "stack_fastapi"):
        for _ in range(3):
            await inbox.deliver(delivery)
    (record,) = caplog.records
    assert record.getMessage() == (
        "This webhook is refused: no signature fits: another webhook_secret, a changed body, "
        "or a forged one."
    )


async def test_strangers_do_not_hide_that_the_secret_is_wrong(
    inbox: Inbox, stack: LocalStack, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "stack_fastapi"):
        await inbox.post(b"", {})
        await inbox.deliver(
            signed_delivery(stack.emulator, "user.updated", secret="whsec_" + "A" * 32)
        )
    assert "no signature fits" in caplog.messages[-1]


async def test_a_body_that_does_not_end_is_not_read_to_its_end(inbox: Inbox) -> None:
    read = 0

    def endless() -> Any:
        nonlocal read
        while True:
            read += 65_536
            yield {"type": "http.request", "body": b" " * 65_536, "more_body": True}

    good = signed_delivery(inbox.stack.emulator, "user.updated")
    reply = await post(inbox.app, b"", good.headers, parts=endless())
    assert (reply.status, reply.code) == (401, "INVALID_WEBHOOK")
    assert "too large" in reply.json["detail"]["message"]
    assert read <= MAX_LENGTH + 65_536


async def test_the_body_of_what_cannot_be_a_message_is_not_read(
    inbox: Inbox, stack: LocalStack
) -> None:
    read = 0

    def unread() -> Any:
        nonlocal read
        read += 1
        yield {"type": "http.request", "body": b"{}", "more_body": False}

    old = signed_delivery(stack.emulator, "user.updated", timestamp=stack.clock() - 301)
    for headers in ({}, old.headers):
        reply = await post(inbox.app, b"", headers, parts=unread())
        assert (reply.status, reply.code) == (401, "INVALID_WEBHOOK")
    assert read == 0


async def test_the_longest_message_is_read(inbox: Inbox) -> None:
    empty = len(json.dumps({"type": "x", "data": ""}))
    assert (await inbox.tell({"type": "x", "data": "y" * (MAX_LENGTH - empty)})).status == 200
    assert (await inbox.tell({"type": "x", "data": "y" * (MAX_LENGTH - empty + 1)})).status == 401


async def test_a_body_that_is_cut_off_is_refused(inbox: Inbox) -> None:
    parts: list[Message] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]
    good = signed_delivery(inbox.stack.emulator, "user.updated")
    reply = await post(inbox.app, b"", good.headers, parts=parts)
    assert reply.json["detail"]["message"] == "This webhook is refused: it was cut off."


# ---------------------------------------------------------------- routes of other shapes


async def test_two_dependencies_share_one_message(stack: LocalStack) -> None:
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=stack.engine())
    again = Annotated[WebhookEvent, Depends(current_webhook, use_cache=False)]

    @app.post("/webhooks")
    async def receive(event: CurrentWebhook, same: again) -> bool:
        return event is same

    delivery = signed_delivery(stack.emulator, "user.updated")
    reply = await post(app, delivery.content, delivery.headers)
    assert (reply.status, reply.json) == (200, True)


async def test_a_copied_scope_with_other_headers_is_another_message(stack: LocalStack) -> None:
    """An app that sends parts of a request on to itself must not vouch for them by that."""
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=stack.engine())
    inner = Reply()

    @app.post("/inner")
    async def receive(event: CurrentWebhook) -> str:
        return event.id

    @app.post("/webhooks")
    async def send_on(event: CurrentWebhook, request: Request) -> None:
        async def forged() -> Message:
            return {"type": "http.request", "body": b"{}", "more_body": False}

        other = {"path": "/inner", "raw_path": b"/inner", "headers": [(b"svix-id", b"x")]}
        await app({**request.scope, **other}, forged, inner.send)

    delivery = signed_delivery(stack.emulator, "user.updated")
    assert (await post(app, delivery.content, delivery.headers)).status == 200
    assert (inner.status, inner.code) == (401, "INVALID_WEBHOOK")


async def test_a_route_may_have_the_body_as_well(stack: LocalStack) -> None:
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=stack.engine())

    @app.post("/webhooks", dependencies=[Depends(current_webhook)])
    async def receive(message: dict[str, Any]) -> str:
        return str(message["type"])

    delivery = signed_delivery(stack.emulator, "user.updated")
    reply = await post(app, delivery.content, delivery.headers)
    assert (reply.status, reply.json) == (200, "user.updated")
    assert (await post(app, delivery.content, {})).status == 401


def test_a_websocket_is_no_webhook(stack: LocalStack, caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=stack.engine())

    @app.websocket("/webhooks")
    async def receive(websocket: WebSocket, event: CurrentWebhook) -> None:
        await websocket.accept()

    with (
        TestClient(app) as client,
        pytest.raises(WebSocketDisconnect) as refused,
        client.websocket_connect("/webhooks"),
    ):
        pass
    assert (refused.value.code, refused.value.reason) == (1013, "AUTHENTICATION_MISCONFIGURED")
    assert "/webhooks is a WebSocket" in caplog.text


async def test_without_the_middleware_nobody_gets_in(stack: LocalStack) -> None:
    app = FastAPI()

    @app.post("/webhooks")
    async def receive(event: CurrentWebhook) -> None: ...

    delivery = signed_delivery(stack.emulator, "user.updated")
    reply = await post(app, delivery.content, delivery.headers)
    assert (reply.status, reply.code) == (503, "STACK_AUTH_MIDDLEWARE_MISSING")
    with override_user(app, fake_user()):
        reply = await post(app, delivery.content, delivery.headers)
    assert (reply.status, reply.code) == (503, "STACK_AUTH_MIDDLEWARE_MISSING")


async def test_without_settings_nobody_gets_in(stack: LocalStack) -> None:
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware)

    @app.post("/webhooks")
    async def receive(event: CurrentWebhook) -> None: ...

    delivery = signed_delivery(stack.emulator, "user.updated")
    reply = await post(app, delivery.content, delivery.headers)
    assert (reply.status, reply.code) == (503, "AUTHENTICATION_MISCONFIGURED")


async def test_an_overridden_user_neither_makes_nor_spoils_a_webhook(
    inbox: Inbox, stack: LocalStack
) -> None:
    delivery = signed_delivery(stack.emulator, "user.updated")
    with override_user(inbox.app, fake_user()):
        assert (await inbox.deliver(delivery)).status == 200
        assert (await inbox.post(delivery.content, {})).status == 401


# ---------------------------------------------------------------- the secret


def test_a_route_without_a_secret_stops_the_start_up(stack: LocalStack) -> None:
    inbox = Inbox(stack, webhook_secret=None)
    outer = FastAPI()
    outer.add_middleware(StackAuthMiddleware, auth=inbox.auth)
    unguarded = FastAPI()
    unguarded.include_router(inbox.app.router)
    outer.mount("/inner", unguarded)
    for app in (inbox.app, outer):
        with pytest.raises(ConfigurationError) as stopped, TestClient(app):
            pass
        assert stopped.value.problems == (MISSING_SECRET,)


def test_a_mounted_app_with_its_own_middleware_has_its_own_secret(stack: LocalStack) -> None:
    outer = FastAPI()
    outer.add_middleware(StackAuthMiddleware, auth=stack.engine(webhook_secret=None))
    outer.mount("/inner", Inbox(stack).app)
    delivery = signed_delivery(stack.emulator, "user.updated")
    with TestClient(outer) as client:
        answer = client.post("/inner/webhooks", content=delivery.content, headers=delivery.headers)
    assert answer.status_code == 200


def test_with_one_and_without_such_a_route_an_app_starts(stack: LocalStack) -> None:
    with TestClient(Inbox(stack).app):
        pass
    with TestClient(app_of(stack.engine(webhook_secret=None))):
        pass


async def test_a_route_without_a_secret_lets_nobody_in(stack: LocalStack) -> None:
    inbox = Inbox(stack, webhook_secret=None)
    reply = await inbox.deliver(signed_delivery(stack.emulator, "user.updated"))
    assert (reply.status, reply.code) == (503, "AUTHENTICATION_MISCONFIGURED")
    assert inbox.events == []


def _broken(stack: LocalStack) -> Mapping[str, str]:
    """Signed, and without sense."""
    return sign(stack.emulator.webhooks.secret, "msg_1", stack.clock(), b"{}")


async def test_the_secret_is_seen_nowhere(stack: LocalStack) -> None:
    settings = stack.engine().settings
    auth = StackAuth(settings, clock=Clock())
    secrets = Secrets()
    text = secrets.add(stack.emulator.webhooks.secret)
    key = base64.b64decode(secrets.add(text.removeprefix("whsec_")))
    secrets.add(key.decode("latin-1"))
    good = signed_delivery(stack.emulator, "team.deleted")
    await auth.receive_webhook(good.headers, good.content)
    assert secrets.in_object(auth) == []
    right = {**good.headers, "svix-signature": "v1,AAAA"}
    secrets.add(good.headers["svix-signature"].removeprefix("v1,"))
    for headers, content in (({}, b""), (right, good.content), (_broken(stack), b"{}")):
        with pytest.raises(StackAuthError) as caught:
            await auth.receive_webhook(headers, content)
        texts = [*texts_of_error(caught.value)]
        assert texts
        assert [secrets.in_text(text) for text in texts if secrets.in_text(text)] == []


async def test_what_else_a_message_carries_is_not_kept(stack: LocalStack) -> None:
    """A proxy may add credentials of its own, and whoever forges one may bring somebody's."""
    alice, secrets = stack.sign_in(), Secrets()
    secrets.add_token(alice.token)
    cookie = secrets.add("proxy-session-that-must-not-show")
    scope = scope_of("/webhooks", alice.token, cookie=f"proxy={cookie}")
    delivery = signed_delivery(stack.emulator, "team.deleted")
    headers = Headers(scope=scope).mutablecopy()
    headers.update(delivery.headers)
    decision = StackAuth(stack.engine().settings, clock=Clock()).begin(scope)

    async def read_body() -> bytes:
        return delivery.content

    await decision.receive_webhook(headers, read_body)
    assert secrets.in_object(decision) == []


# ---------------------------------------------------------------- other ways in


async def test_a_webhook_may_come_in_another_way(stack: LocalStack) -> None:
    async with stack.engine() as auth:
        delivery = signed_delivery(stack.emulator, "user.deleted", id="msg_7")
        event = await auth.receive_webhook(delivery.headers, delivery.content)
        assert isinstance(event, UserDeletedEvent)
        assert event.id == "msg_7"
        with pytest.raises(InvalidWebhookError) as refused:
            await auth.receive_webhook(delivery.headers, delivery.content + b" ")
        assert refused.value.reason == "bad_signature"
        delivery = signed_delivery(stack.emulator, "user.deleted", {"no": "id"})
        with pytest.raises(StackUnavailableError):
            await auth.receive_webhook(delivery.headers, delivery.content)


def test_the_audit_knows_the_guard_and_the_document_no_scheme_of_it(inbox: Inbox) -> None:
    assert unprotected_routes(inbox.app) == []
    app = FastAPI()
    app.include_router(inbox.app.router)
    schema = app.openapi()
    assert "security" not in schema["paths"]["/webhooks"]["post"]  # nobody can paste a signature


def test_a_change_reaches_an_app_over_real_sockets(stack: LocalStack) -> None:
    """Stack, its sender of webhooks and the app, each on a socket of its own."""
    world = stack.emulator
    with world.serve():
        app = FastAPI()
        seen: list[str] = []

        @app.post("/webhooks", status_code=204)
        async def receive(event: CurrentWebhook) -> None:
            seen.append(event.type)

        @app.get("/me")
        async def me(user: CurrentUser) -> str | None:
            return user.display_name

        auth = StackAuth(stack.engine().settings, clock=stack.clock)
        app.add_middleware(StackAuthMiddleware, auth=auth)
        with serving(app) as address:
            world.webhooks.add(f"http://{address}/webhooks", types=["user.updated"])
            alice = stack.sign_in(display_name="Alice")
            with TestClient(app) as client:
                assert client.get("/me", headers=alice).json() == "Alice"
                world.update_user(alice.user.id, display_name="Al")
                world.webhooks.deliver()
                assert seen == ["user.updated"]
                assert client.get("/me", headers=alice).json() == "Al"
        (delivery,) = world.webhooks.deliveries
        assert delivery.state == "delivered"
