"""The e-mails that the real server would have sent."""

from __future__ import annotations

from stack_fastapi.emulator.page.listing import paged
from stack_fastapi.emulator.page.times import moment
from stack_fastapi.emulator.page.visit import Area, View, Visit
from stack_fastapi.emulator.state.records import CodeType, VerificationCode

_TITLES: dict[CodeType, str] = {
    "contact_channel_verification": "Verify an address",
    "password_reset": "Reset the password",
    "team_invitation": "Invitation to a team",
}


def show(visit: Visit) -> View:
    """A page of e-mails, newest first."""
    found = list(reversed(visit.project.codes.values()))
    return {"emails": paged(visit, found, lambda item: _row(visit, item))}


def _row(visit: Visit, item: VerificationCode) -> View:
    now = visit.now_millis
    team = visit.project.teams.get(item.team_id or "")
    return {
        "id": item.id,
        "to": item.email,
        "title": _TITLES[item.type],
        "team": team.display_name if team else None,
        "link": item.link,
        "sent": moment(item.created_at_millis, now),
        "is_used": item.used_at_millis is not None,
        "is_over": item.expires_at_millis < now,
    }


AREA = Area("projects/{project}/emails", "emails", "emails.html", show, {})
