"""All screens of the page, and what surrounds each of them."""

from __future__ import annotations

from stack_fastapi.emulator.page import (
    api_keys,
    emails,
    faults,
    permissions,
    project,
    requests,
    sessions,
    team,
    teams,
    user,
    users,
)
from stack_fastapi.emulator.page.links import href
from stack_fastapi.emulator.page.visit import Area, View, Visit

AREAS: tuple[Area, ...] = (
    users.AREA,
    user.AREA,
    teams.AREA,
    team.AREA,
    permissions.AREA,
    api_keys.AREA,
    sessions.AREA,
    emails.AREA,
    requests.AREA,
    faults.AREA,
    project.AREA,
)
#: Address and section → what the navigation calls it.
SECTIONS = {
    "users": "Users",
    "teams": "Teams",
    "permissions": "Permissions",
    "keys": "API keys",
    "sessions": "Sessions",
    "emails": "E-mails",
    "requests": "Requests",
    "faults": "Faults",
    "project": "Project",
}


def find(parts: tuple[str, ...]) -> tuple[Area, dict[str, str]] | None:
    """The area that a path leads to, with the parts that it names; None if it leads nowhere."""
    found = ((area, area.params(parts)) for area in AREAS)
    return next(((area, params) for area, params in found if params is not None), None)


def surroundings(visit: Visit, section: str | None) -> View:
    """The navigation. In a project that does not exist, it leads to the first one."""
    projects = visit.state.projects
    id_ = visit.params.get("project")
    here = projects[id_] if id_ in projects else next(iter(projects.values()))
    counts = {
        "users": len(here.users),
        "teams": len(here.teams),
        "keys": len(here.api_keys),
        "sessions": len(here.sessions),
        "emails": len(here.codes),
        "requests": len(visit.requests),
        "faults": len(visit.faults),
    }
    return {
        "project_name": here.display_name,
        "projects": [
            {
                "name": item.display_name,
                "url": href("projects", item.id, section or "users"),
                "is_here": item is here,
            }
            for item in projects.values()
        ],
        "sections": [
            {
                "name": name,
                "url": href("projects", here.id, key),
                "count": counts.get(key),
                "is_here": key == section,
            }
            for key, name in SECTIONS.items()
        ],
    }
