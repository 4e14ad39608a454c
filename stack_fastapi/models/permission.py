"""Permissions that users hold."""

from __future__ import annotations

from stack_fastapi.models._base import StackModel


class TeamPermission(StackModel):
    """A permission of a user in a team; ``id`` is that of the permission."""

    id: str
    user_id: str
    team_id: str


class ProjectPermission(StackModel):
    """A permission of a user in the whole project; ``id`` is that of the permission."""

    id: str
    user_id: str
