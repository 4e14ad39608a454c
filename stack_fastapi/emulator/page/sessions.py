"""Sessions of one user or of all."""

from __future__ import annotations

from stack_fastapi.emulator.errors import not_found
from stack_fastapi.emulator.page import forms, people
from stack_fastapi.emulator.page.listing import paged
from stack_fastapi.emulator.page.times import moment
from stack_fastapi.emulator.page.visit import Area, Done, View, Visit
from stack_fastapi.emulator.state.records import Session


def show(visit: Visit) -> View:
    """All sessions of the project."""
    return {"sessions": rows(visit)}


def rows(visit: Visit, *, user_id: str | None = None) -> View:
    """A page of sessions, newest first.

    Args:
        visit: The visit.
        user_id: Only this user's; everybody's if absent.
    """
    found = [
        item
        for item in reversed(visit.project.sessions.values())
        if user_id in {None, item.user_id}
    ]
    return paged(visit, found, lambda item: _row(visit, item))


def end(visit: Visit) -> Done:
    """End one session.

    Raises:
        FieldError: The form names none.
        PlainError: It has ended before.
    """
    session_id = forms.required(visit.form, "session_id")
    if visit.project.sessions.pop(session_id, None) is None:
        raise not_found("This session has ended before.")
    return Done("session-ended")


def end_all(visit: Visit, user_id: str) -> Done:
    """End all sessions of a user."""
    project = visit.project
    project.sessions = {
        id_: item for id_, item in project.sessions.items() if item.user_id != user_id
    }
    return Done("sessions-ended")


def _row(visit: Visit, item: Session) -> View:
    now = visit.now_millis
    return {
        "id": item.id,
        "user": people.user_link(visit, item.user_id),
        "created": moment(item.created_at_millis, now),
        "used": moment(item.last_used_at_millis, now),
        "expires": moment(item.expires_at_millis, now),
        "is_over": item.expires_at_millis <= now,
        "is_impersonation": item.is_impersonation,
    }


AREA = Area("projects/{project}/sessions", "sessions", "sessions.html", show, {"end-session": end})
