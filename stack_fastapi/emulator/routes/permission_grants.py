"""Permissions that users hold, in teams and in the whole project."""

from __future__ import annotations

from stack_fastapi.emulator.errors import forbidden
from stack_fastapi.emulator.protocol import views
from stack_fastapi.emulator.protocol.call import Call
from stack_fastapi.emulator.protocol.fields import (
    Nothing,
    PermissionId,
    QueryFlag,
    Strict,
    UserId,
    Uuid,
)
from stack_fastapi.emulator.protocol.response import Answer, json_answer, success
from stack_fastapi.emulator.protocol.routing import SERVER, Route
from stack_fastapi.emulator.state import grants


class ProjectQuery(Strict):
    """Which permissions, and whether those within others count."""

    user_id: UserId | None = None
    permission_id: PermissionId | None = None
    recursive: QueryFlag = False


class TeamQuery(ProjectQuery):
    """The same, in one team or all."""

    team_id: Uuid | None = None


class ProjectPath(Strict):
    """Which permission of whom."""

    user_id: UserId
    permission_id: PermissionId


class TeamPath(ProjectPath):
    """The same, in a team."""

    team_id: Uuid


def list_in_teams(call: Call) -> Answer:
    """Permissions in teams, in the order of ids."""
    query = call.query(TeamQuery)
    _check_client(call, query)
    found = call.project.memberships_of(team_id=query.team_id, user_id=query.user_id)
    found.sort(key=lambda item: (item.team_id, item.user_id))
    return json_answer(
        views.listed(
            [
                {"id": id_, "team_id": item.team_id, "user_id": item.user_id}
                for item in found
                for id_ in _wanted(call, query, item.permissions)
            ]
        )
    )


def list_in_project(call: Call) -> Answer:
    """Permissions in the whole project, in the order of ids."""
    query = call.query(ProjectQuery)
    _check_client(call, query)
    users = sorted(call.project.users.values(), key=lambda user: user.id)
    return json_answer(
        views.listed(
            [
                {"id": id_, "user_id": user.id}
                for user in users
                if query.user_id in {None, user.id}
                for id_ in _wanted(call, query, user.permissions)
            ]
        )
    )


def grant_in_team(call: Call) -> Answer:
    """Grant a permission to a member."""
    path = _team_path(call)
    call.body(Nothing)
    grants.grant_in_team(call.project, path.team_id, path.user_id, path.permission_id)
    return json_answer(
        {"id": path.permission_id, "team_id": path.team_id, "user_id": path.user_id}, status=201
    )


def revoke_in_team(call: Call) -> Answer:
    """Revoke a permission that was granted to a member."""
    path = _team_path(call)
    grants.revoke_in_team(call.project, path.team_id, path.user_id, path.permission_id)
    return success()


def grant_in_project(call: Call) -> Answer:
    """Grant a permission in the whole project."""
    path = _project_path(call)
    call.body(Nothing)
    grants.grant_in_project(call.project, path.user_id, path.permission_id)
    return json_answer({"id": path.permission_id, "user_id": path.user_id}, status=201)


def revoke_in_project(call: Call) -> Answer:
    """Revoke a permission that was granted in the whole project."""
    path = _project_path(call)
    grants.revoke_in_project(call.project, path.user_id, path.permission_id)
    return success()


def _check_client(call: Call, query: ProjectQuery) -> None:
    if call.is_client and query.user_id != call.me().id:
        raise forbidden("Clients list the permissions of their own user.")


def _wanted(call: Call, query: ProjectQuery, granted: set[str]) -> list[str]:
    held = call.project.closure(granted) if query.recursive else granted
    return sorted(id_ for id_ in held if query.permission_id in {None, id_})


def _team_path(call: Call) -> TeamPath:
    call.no_query()
    return call.path(TeamPath)


def _project_path(call: Call) -> ProjectPath:
    call.no_query()
    return call.path(ProjectPath)


_IN_TEAM = "/team-permissions/{team_id}/{user_id}/{permission_id}"
_IN_PROJECT = "/project-permissions/{user_id}/{permission_id}"

ROUTES = (
    Route("GET", "/team-permissions", list_in_teams),
    Route("POST", _IN_TEAM, grant_in_team, SERVER),
    Route("DELETE", _IN_TEAM, revoke_in_team, SERVER),
    Route("GET", "/project-permissions", list_in_project),
    Route("POST", _IN_PROJECT, grant_in_project, SERVER),
    Route("DELETE", _IN_PROJECT, revoke_in_project, SERVER),
)
