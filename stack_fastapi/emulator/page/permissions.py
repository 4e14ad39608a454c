"""Permissions: which there are, what they contain, and who holds them."""

from __future__ import annotations

from stack_fastapi.emulator.page import forms
from stack_fastapi.emulator.page.visit import Area, Done, FieldError, View, Visit
from stack_fastapi.emulator.routes.permission_definitions import DefinitionCreate
from stack_fastapi.emulator.state import grants
from stack_fastapi.emulator.state.project import Project
from stack_fastapi.emulator.state.records import PermissionDefinition, Scope


def show(visit: Visit) -> View:
    """The permissions of both scopes."""
    project = visit.project
    return {
        "scopes": [
            {
                "name": scope,
                "items": [_row(project, item) for item in project.definitions_of(scope)],
            }
            for scope in ("project", "team")
        ]
    }


def held(project: Project, granted: set[str]) -> list[View]:
    """What somebody holds: granted directly first, then what comes with it."""
    inside = project.closure(granted) - granted
    return [
        *({"id": id_, "is_direct": True} for id_ in sorted(granted)),
        *({"id": id_, "is_direct": False} for id_ in sorted(inside)),
    ]


def grantable(project: Project, scope: Scope, granted: set[str]) -> list[str]:
    """What could be granted beside that."""
    return [item.id for item in project.definitions_of(scope) if item.id not in granted]


def define(visit: Visit) -> Done:
    """Add a permission that can be granted."""
    form = visit.form
    given = forms.checked(
        DefinitionCreate,
        {
            **forms.filled(form, "description"),
            "id": forms.required(form, "id"),
            "contained_permission_ids": form.get("contains", "").split(),
        },
    )
    contained = list(given.contained_permission_ids)
    definition = PermissionDefinition(given.id, _scope(visit), given.description, contained)
    grants.define(visit.project, definition)
    return Done("defined")


def undefine(visit: Visit) -> Done:
    """Delete a permission."""
    grants.undefine(visit.project, forms.required(visit.form, "id"), _scope(visit))
    return Done("undefined")


def _scope(visit: Visit) -> Scope:
    scopes: dict[str | None, Scope] = {"project": "project", "team": "team"}
    found = scopes.get(visit.form.get("scope"))
    if found is None:
        raise FieldError({"scope": "must be project or team"})
    return found


def _row(project: Project, item: PermissionDefinition) -> View:
    owners = project.users if item.scope == "project" else project.memberships
    return {
        "id": item.id,
        "description": item.description or "",
        "contains": item.contained_permission_ids,
        "holders": sum(item.id in owner.permissions for owner in owners.values()),
        "is_system": item.id.startswith("$"),
    }


AREA = Area(
    "projects/{project}/permissions",
    "permissions",
    "permissions.html",
    show,
    {"define": define, "undefine": undefine},
)
