"""The request log, newest first."""

from __future__ import annotations

import re

from stack_fastapi.emulator.control.request_log import LoggedRequest
from stack_fastapi.emulator.page import people
from stack_fastapi.emulator.page.listing import contains, paged
from stack_fastapi.emulator.page.times import moment
from stack_fastapi.emulator.page.visit import Area, Done, View, Visit

_FIRST_ERROR = 400
_UUID = re.compile(r"\b([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


def show(visit: Visit) -> View:
    """A page of requests to all projects."""
    word, only_failed = visit.query.get("q", "").strip(), "failed" in visit.query
    found = [
        item
        for item in reversed(list(visit.requests))
        if contains(word, _texts(item)) and not (only_failed and _tone(item) == "good")
    ]
    return {
        "word": word,
        "only_failed": only_failed,
        "any_requests": len(visit.requests) > 0,
        "several_projects": len(visit.state.projects) > 1,
        "live": visit.link("requests", q=word, failed="1" if only_failed else ""),
        "log": paged(visit, found, lambda item: _row(visit, item)),
    }


def latest(visit: Visit, count: int) -> list[View]:
    """The newest requests."""
    return [_row(visit, item) for item in reversed(list(visit.requests)[-count:])]


def clear(visit: Visit) -> Done:
    """Forget all requests."""
    visit.requests.clear()
    return Done("cleared-log")


def _texts(item: LoggedRequest) -> tuple[str | None, ...]:
    return (
        f"{item.method} {item.path}",
        str(item.status),
        item.known_error,
        item.user_id,
        item.access_type,
        item.fault,
    )


def _tone(item: LoggedRequest) -> str:
    return "bad" if item.status >= _FIRST_ERROR or not item.status or item.fault else "good"


def _row(visit: Visit, item: LoggedRequest) -> View:
    project = visit.state.projects.get(item.project_id or "")
    return {
        "time": moment(item.time * 1000, visit.now_millis),
        "method": item.method,
        "path": item.path,
        "brief": _UUID.sub(r"\1…", item.path.removeprefix("/api/v1")),
        "status": item.status or "none",
        "tone": _tone(item),
        "error": item.known_error,
        "fault": item.fault,
        "access": item.access_type,
        "project": project.display_name if project else None,
        "user": _user(visit, item),
    }


def _user(visit: Visit, item: LoggedRequest) -> View | None:
    """Known by name in the project that is looked at, by id elsewhere."""
    if item.user_id is None:
        return None
    if item.project_id == visit.project.id:
        return people.user_link(visit, item.user_id)
    return {"id": item.user_id, "name": item.user_id, "url": None}


AREA = Area("projects/{project}/requests", "requests", "requests.html", show, {"clear": clear})
