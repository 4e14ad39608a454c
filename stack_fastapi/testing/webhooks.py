"""Signed webhooks for an app's own test client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stack_fastapi.emulator import EventType, StackEmulator, Team
from stack_fastapi.emulator.protocol.views import server_team
from stack_fastapi.emulator.webhooks import sign
from stack_fastapi.emulator.webhooks.webhooks import body
from stack_fastapi.models import User


@dataclass(frozen=True)
class SignedDelivery:
    """A request that Stack would send.

    Attributes:
        id: ``svix-id``, by which receivers know a repetition.
        headers: with the signature.
        content: the body; signed byte for byte, so it is sent as it is.
    """

    id: str
    headers: Mapping[str, str]
    content: bytes = field(repr=False)


def signed_delivery(
    stack: StackEmulator,
    event: EventType,
    data: Mapping[str, Any] | User | Team | None = None,
    /,
    *,
    id: str | None = None,  # noqa: A002 - the protocol's word
    timestamp: float | None = None,
    secret: str | None = None,
) -> SignedDelivery:
    """A webhook as a test posts it to its app.

    Args:
        stack: the local Stack.
        event: what happened.
        data: of what: the body's, a user as routes see it, a team of the local Stack; a plausible
            example if absent.
        id: of the message; a new one if absent.
        timestamp: when it is said to be sent, in Unix seconds; now if absent.
        secret: what it is signed with; the right one if absent.

    Raises:
        ValueError: there is no such event, or the secret has another form.
    """
    content = body(event, _data(stack, event, data))
    message_id = id or stack.webhooks.new_id()
    now = stack.now if timestamp is None else timestamp
    headers = sign(secret or stack.webhooks.secret, message_id, now, content)
    return SignedDelivery(message_id, headers, content)


def _data(stack: StackEmulator, event: str, data: Mapping[str, Any] | User | Team | None) -> Any:  # noqa: ANN401 - JSON
    if data is None:
        return _example(stack, event)
    if isinstance(data, Team):
        return {"id": data.id} if event == "team.deleted" else server_team(data)
    if not isinstance(data, User):
        return data
    if event == "user.deleted":
        return {"id": data.id, "teams": []}
    return data.model_dump(mode="json")


def _example(stack: StackEmulator, event: str) -> Any:  # noqa: ANN401 - JSON
    """What the body of an event looks like, about records that are there."""
    user, team = stack.create_user(), stack.create_team("Team")
    if event in {"team.created", "team.updated"}:
        return server_team(team)
    if event in {"user.created", "user.updated"}:
        return stack.user_json(user.id)
    ids = {"team_id": team.id, "user_id": user.id}
    examples: dict[str, Any] = {
        "user.deleted": {"id": user.id, "teams": []},
        "team.deleted": {"id": team.id},
    }
    for change in ("created", "deleted"):
        examples[f"team_membership.{change}"] = ids
        examples[f"team_permission.{change}"] = {"id": "team_member", **ids}
        examples[f"project_permission.{change}"] = {"id": "read", "user_id": user.id}
    return examples.get(event)
