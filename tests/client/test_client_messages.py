"""Invitations and codes, which Stack sends by e-mail and the local Stack does not.

The answers are those that are recorded or documented.
"""

from __future__ import annotations

import json
from typing import Any

import httpx2

from stack_fastapi import Change, StackServerClient

from .operations import Ids, Talk, answer

IDS = Ids()
DONE = answer({"success": True})
INVITATION = {
    "id": IDS.invitation_id,
    "team_id": IDS.team_id,
    "recipient_email": "carol@example.com",
    "expires_at_millis": 1_795_489_484_861,
    "permission_ids": ["read"],
}


def sent(talk: Talk) -> tuple[str, Any]:
    """Method, path and query, and the body of the only request."""
    (request,) = talk.requests
    path = request.url.raw_path.decode().removeprefix("/api/v1")
    return f"{request.method} {path}", json.loads(request.content or b"null")


async def test_invitations_of_a_team_are_listed() -> None:
    talk = Talk(answer({"items": [INVITATION], "is_paginated": False}))
    (invitation,) = await talk.client.team_invitations.list(IDS.team_id)
    assert invitation.model_dump() == INVITATION
    assert invitation.expires_at.isoformat() == "2026-11-24T03:04:44.861000+00:00"
    assert sent(talk) == (f"GET /team-invitations?team_id={IDS.team_id}", None)


async def test_somebody_is_invited() -> None:
    talk = Talk(answer({"success": True, "id": IDS.invitation_id}))
    invited = await talk.client.team_invitations.send(
        IDS.team_id, "carol@example.com", callback_url="https://example.com/join"
    )
    assert invited.id == IDS.invitation_id
    body = {
        "team_id": IDS.team_id,
        "email": "carol@example.com",
        "callback_url": "https://example.com/join",
    }
    assert sent(talk) == ("POST /team-invitations/send-code", body)


async def test_an_invitation_is_taken_back() -> None:
    talk = Talk(DONE)
    await talk.client.team_invitations.revoke(IDS.team_id, IDS.invitation_id)
    path = f"/team-invitations/{IDS.invitation_id}?team_id={IDS.team_id}"
    assert sent(talk) == (f"DELETE {path}", None)
    assert talk.changes == []


async def test_a_code_is_sent_as_recorded(recorded_exchanges: list[dict[str, Any]]) -> None:
    recorded = next(
        exchange
        for exchange in recorded_exchanges
        if exchange["name"] == "send verification code (client me)"
    )
    response = recorded["response"]
    text = json.dumps(response["body"])
    talk = Talk(httpx2.Response(response["status"], headers=response["headers"], text=text))
    url = recorded["request"]["body"]["callback_url"]
    await talk.client.contact_channels.send_verification_code(
        IDS.user_id, IDS.channel_id, callback_url=url
    )
    path = f"/contact-channels/{IDS.user_id}/{IDS.channel_id}/send-verification-code"
    assert sent(talk) == (f"POST {path}", recorded["request"]["body"])
    assert talk.changes == []


async def test_a_code_is_used_up() -> None:
    talk = Talk(DONE)
    await talk.client.contact_channels.verify("a code")
    assert sent(talk) == ("POST /contact-channels/verify", {"code": "a code"})
    assert talk.changes == [Change("user")]


async def test_a_change_needs_nobody_who_listens() -> None:
    talk = Talk(DONE)
    await StackServerClient(talk.http, "p").users.delete(IDS.user_id)
    assert len(talk.requests) == 1
