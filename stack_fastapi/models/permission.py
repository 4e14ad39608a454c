"""Permissions that users hold."""

from __future__ import annotations

from stack_fastapi.models._base import StackModel


class TeamPermission(StackModel):
    """A permission that a member holds in a team.

    Attributes:
        id: the permission's, such as ``$invite_members``.
    """

    id: str
    user_id: str
    team_id: str


class ProjectPermission(StackModel):
    """A permission that a user holds in the whole project.

    Attributes:
        id: the permission's.
    """

    id: str
    user_id: str
