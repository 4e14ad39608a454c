"""Signed webhooks for a test client."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from stack_fastapi.emulator import EVENT_TYPES
from stack_fastapi.testing import SignedDelivery, StackEmulator, sign_in, signed_delivery


@pytest.fixture
def stack() -> StackEmulator:
    return StackEmulator()


def verified(stack: StackEmulator, delivery: SignedDelivery) -> Any:
    headers = {name.replace("svix-", "webhook-"): value for name, value in delivery.headers.items()}
    return Webhook(stack.webhooks.secret).verify(delivery.content, headers)


@pytest.mark.parametrize("event", EVENT_TYPES)
def test_every_event_has_an_example_that_looks_like_the_real_one(
    stack: StackEmulator, event: Any
) -> None:
    delivery = signed_delivery(stack, event)
    message = verified(stack, delivery)
    assert message["type"] == event
    stack.webhooks.add("http://localhost/", post=lambda *_: 200)
    user, team = stack.create_user(), stack.create_team("Team")
    stack.update_user(user.id)
    stack.project.announce("team.updated", team)
    stack.add_member(team.id, user.id)
    stack.revoke(user.id, "team_member", team_id=team.id)
    stack.define_permission("read")
    stack.grant(user.id, "read")
    stack.revoke(user.id, "read")
    stack.remove_member(team.id, user.id)
    stack.delete_user(user.id)
    stack.project.announce("team.deleted", {"id": team.id})
    sent = {item.type: json.loads(item.content)["data"] for item in stack.webhooks.deliveries}
    assert message["data"].keys() == sent[event].keys()


def test_a_user_may_be_passed_as_the_route_saw_it(stack: StackEmulator) -> None:
    user = sign_in(stack, display_name="Zoë").user
    updated = verified(stack, signed_delivery(stack, "user.updated", user))["data"]
    assert updated == stack.user_json(user.id)
    deleted = verified(stack, signed_delivery(stack, "user.deleted", user))["data"]
    assert deleted == {"id": user.id, "teams": []}


def test_a_team_may_be_passed_as_the_test_has_it(stack: StackEmulator) -> None:
    team = sign_in(stack, team="Acme").team
    assert team is not None
    updated = verified(stack, signed_delivery(stack, "team.updated", team))["data"]
    assert (updated["id"], updated["display_name"]) == (team.id, "Acme")
    deleted = verified(stack, signed_delivery(stack, "team.deleted", team))["data"]
    assert deleted == {"id": team.id}


def test_a_body_of_ones_own(stack: StackEmulator) -> None:
    delivery = signed_delivery(stack, "team.deleted", {"id": "x"}, id="msg_1")
    assert delivery.content == b'{"type":"team.deleted","data":{"id":"x"}}'
    assert delivery.id == delivery.headers["svix-id"] == "msg_1"
    assert signed_delivery(stack, "team.deleted").id != signed_delivery(stack, "team.deleted").id


def test_a_bad_one(stack: StackEmulator) -> None:
    now = datetime.now(tz=UTC).timestamp()
    old = signed_delivery(stack, "team.deleted", timestamp=now - 3600)
    forged = signed_delivery(stack, "team.deleted", secret="whsec_QUJD")
    for delivery in (old, forged):
        with pytest.raises(WebhookVerificationError):
            verified(stack, delivery)
    with pytest.raises(ValueError, match="nonsense"):
        signed_delivery(stack, "nonsense")  # type: ignore[arg-type]
