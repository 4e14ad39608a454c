"""Granting and revoking permissions, and defining them. No HTTP in here."""

from __future__ import annotations

from collections.abc import Iterator

from stack_fastapi.emulator.errors import KnownError
from stack_fastapi.emulator.state.membership import membership_of, user_of
from stack_fastapi.emulator.state.project import Project
from stack_fastapi.emulator.state.records import PermissionDefinition, Scope


def definition_of(project: Project, permission_id: str, scope: Scope) -> PermissionDefinition:
    """The definition of a permission that can be granted in a scope.

    Raises:
        KnownError: There is none, or it belongs to the other scope.
    """
    found = project.definitions.get(permission_id)
    if found is None:
        raise KnownError("PERMISSION_NOT_FOUND", {"permission_id": permission_id})
    if found.scope != scope:
        raise KnownError(
            "WRONG_PERMISSION_SCOPE",
            {"permission_id": permission_id, "expected_scope": scope, "actual_scope": found.scope},
        )
    return found


def grant_in_team(project: Project, team_id: str, user_id: str, permission_id: str) -> None:
    """Grant a permission to a member; granting it again changes nothing.

    Raises:
        KnownError: There is no such membership or permission.
    """
    membership = membership_of(project, team_id, user_id)
    membership.permissions.add(definition_of(project, permission_id, "team").id)
    ids = {"id": permission_id, "team_id": team_id, "user_id": user_id}
    project.announce("team_permission.created", ids)


def revoke_in_team(project: Project, team_id: str, user_id: str, permission_id: str) -> None:
    """Revoke a permission that was granted directly.

    Raises:
        KnownError: There is no such membership, or the permission was not granted directly.
    """
    membership = membership_of(project, team_id, user_id)
    if permission_id not in membership.permissions:
        raise KnownError(
            "TEAM_PERMISSION_NOT_FOUND",
            {"team_id": team_id, "user_id": user_id, "permission_id": permission_id},
        )
    membership.permissions.remove(permission_id)
    ids = {"id": permission_id, "team_id": team_id, "user_id": user_id}
    project.announce("team_permission.deleted", ids)


def grant_in_project(project: Project, user_id: str, permission_id: str) -> None:
    """Grant a permission in the whole project; granting it again changes nothing.

    Raises:
        KnownError: There is no such user or permission.
    """
    user = user_of(project, user_id)
    user.permissions.add(definition_of(project, permission_id, "project").id)
    project.announce("project_permission.created", {"id": permission_id, "user_id": user_id})


def revoke_in_project(project: Project, user_id: str, permission_id: str) -> None:
    """Revoke a permission that was granted directly.

    Raises:
        KnownError: There is no such user, or the permission was not granted directly.
    """
    user = user_of(project, user_id)
    if permission_id not in user.permissions:
        raise KnownError("PERMISSION_NOT_FOUND", {"permission_id": permission_id})
    user.permissions.remove(permission_id)
    project.announce("project_permission.deleted", {"id": permission_id, "user_id": user_id})


def define(project: Project, definition: PermissionDefinition) -> None:
    """Add a permission that can be granted.

    Raises:
        KnownError: The id is taken, in either scope, or a contained permission does not exist.
    """
    if definition.id in project.definitions:
        raise KnownError("PERMISSION_ID_ALREADY_EXISTS", {"permission_id": definition.id})
    check_contained(project, definition)
    project.definitions[definition.id] = definition


def redefine(project: Project, old_id: str, new: PermissionDefinition) -> None:
    """Put a definition in another one's place; who holds the old one holds the new one.

    Raises:
        KnownError: There is no such permission in the scope, the new id is taken, or a contained
            permission does not exist.
    """
    _own_definition(project, old_id, new.scope)
    if new.id != old_id and new.id in project.definitions:
        raise KnownError("PERMISSION_ID_ALREADY_EXISTS", {"permission_id": new.id})
    check_contained(project, new)
    del project.definitions[old_id]
    project.definitions[new.id] = new
    for held in _holders(project):
        if old_id in held:
            held.remove(old_id)
            held.add(new.id)
    for definition in project.definitions.values():
        definition.contained_permission_ids = [
            new.id if id_ == old_id else id_ for id_ in definition.contained_permission_ids
        ]


def undefine(project: Project, permission_id: str, scope: Scope) -> None:
    """Delete a permission: nobody holds it any more, and none contains it.

    Raises:
        KnownError: There is no such permission in the scope.
    """
    _own_definition(project, permission_id, scope)
    del project.definitions[permission_id]
    for held in _holders(project):
        held.discard(permission_id)
    for definition in project.definitions.values():
        definition.contained_permission_ids = [
            id_ for id_ in definition.contained_permission_ids if id_ != permission_id
        ]


def check_contained(project: Project, definition: PermissionDefinition) -> None:
    """Make sure that the contained permissions exist in the same scope.

    Raises:
        KnownError: One does not.
    """
    known = {item.id for item in project.definitions_of(definition.scope)}
    for contained in definition.contained_permission_ids:
        if contained not in known:
            raise KnownError("CONTAINED_PERMISSION_NOT_FOUND", {"permission_id": contained})


def _own_definition(project: Project, permission_id: str, scope: Scope) -> None:
    """The system's own permissions cannot be changed: to these calls they do not exist."""
    found = project.definitions.get(permission_id)
    if found is None or found.scope != scope or permission_id.startswith("$"):
        raise KnownError("PERMISSION_NOT_FOUND", {"permission_id": permission_id})


def _holders(project: Project) -> Iterator[set[str]]:
    """Every set of directly granted permissions."""
    yield from (user.permissions for user in project.users.values())
    yield from (membership.permissions for membership in project.memberships.values())
