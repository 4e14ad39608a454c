"""Teams' members, and what they may do there. No HTTP in here."""

from __future__ import annotations

from stack_fastapi.emulator.errors import KnownError, membership_not_found, team_not_found
from stack_fastapi.emulator.state.project import Project
from stack_fastapi.emulator.state.records import Membership, Team, User


def team_of(project: Project, team_id: str) -> Team:
    """The team.

    Raises:
        KnownError: There is none.
    """
    if team_id not in project.teams:
        raise team_not_found(team_id)
    return project.teams[team_id]


def user_of(project: Project, user_id: str) -> User:
    """The user.

    Raises:
        KnownError: There is none.
    """
    if user_id not in project.users:
        raise KnownError("USER_NOT_FOUND")
    return project.users[user_id]


def membership_of(project: Project, team_id: str, user_id: str) -> Membership:
    """The membership.

    Raises:
        KnownError: There is no such user, or the user is not in the team.
    """
    user_of(project, user_id)
    membership = project.memberships.get((team_id, user_id))
    if membership is None:
        raise membership_not_found(team_id, user_id)
    return membership


def require_permission(project: Project, team_id: str, user_id: str, permission_id: str) -> None:
    """Make sure that a member holds a permission, directly or within another.

    Raises:
        KnownError: The user is not in the team or does not hold the permission.
    """
    membership = membership_of(project, team_id, user_id)
    if permission_id not in project.closure(membership.permissions):
        raise KnownError(
            "TEAM_PERMISSION_REQUIRED",
            {"team_id": team_id, "user_id": user_id, "permission_id": permission_id},
        )


def add_member(project: Project, team_id: str, user_id: str) -> Membership:
    """Take a user into a team, with the project's default permissions for members.

    Raises:
        KnownError: There is no such team or user, or the user is a member already.
    """
    team_of(project, team_id)
    user_of(project, user_id)
    if (team_id, user_id) in project.memberships:
        raise KnownError("TEAM_MEMBERSHIP_ALREADY_EXISTS")
    permissions = set(project.config.team_member_default_permissions)
    membership = Membership(team_id, user_id, permissions=permissions)
    project.memberships[team_id, user_id] = membership
    ids = {"team_id": team_id, "user_id": user_id}
    project.announce("team_membership.created", ids)
    for permission_id in sorted(permissions):
        project.announce("team_permission.created", {"id": permission_id, **ids})
    return membership


def remove_member(project: Project, team_id: str, user_id: str) -> None:
    """Take a user out of a team.

    Raises:
        KnownError: There is no such user, or the user is not in the team.
    """
    membership_of(project, team_id, user_id)
    _take_out(project, team_id, user_id)
    project.announce("team_membership.deleted", {"team_id": team_id, "user_id": user_id})


def delete_team(project: Project, team_id: str) -> None:
    """Delete a team with its memberships and API keys.

    Raises:
        KnownError: There is none.
    """
    team_of(project, team_id)
    for membership in project.memberships_of(team_id=team_id):
        _take_out(project, team_id, membership.user_id)
    project.api_keys = {
        id_: key for id_, key in project.api_keys.items() if key.owner_id != team_id
    }
    del project.teams[team_id]
    project.announce("team.deleted", {"id": team_id})


def _take_out(project: Project, team_id: str, user_id: str) -> None:
    del project.memberships[team_id, user_id]
    user = project.users[user_id]
    if user.selected_team_id == team_id:
        user.selected_team_id = None
