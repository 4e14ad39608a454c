"""Permissions that users hold, as server access sees them."""

from __future__ import annotations

from stack_fastapi._http import StackHttp
from stack_fastapi.client._reading import query, read_list
from stack_fastapi.models import ProjectPermission, TeamPermission


class TeamPermissionsApi:
    """``/team-permissions`` of Stack's REST API."""

    def __init__(self, http: StackHttp) -> None:
        self._http = http

    async def list(
        self,
        *,
        team_id: str | None = None,
        user_id: str | None = None,
        permission_id: str | None = None,
        recursive: bool = False,
    ) -> list[TeamPermission]:
        """Permissions in teams; ``recursive`` adds those that others contain."""
        asked = query(
            {
                "team_id": team_id,
                "user_id": user_id,
                "permission_id": permission_id,
                "recursive": recursive,
            }
        )
        return read_list(TeamPermission, await self._http.call("GET", f"/team-permissions{asked}"))


class ProjectPermissionsApi:
    """``/project-permissions`` of Stack's REST API."""

    def __init__(self, http: StackHttp) -> None:
        self._http = http

    async def list(
        self,
        *,
        user_id: str | None = None,
        permission_id: str | None = None,
        recursive: bool = False,
    ) -> list[ProjectPermission]:
        """Permissions in the whole project; ``recursive`` adds those that others contain."""
        asked = query({"user_id": user_id, "permission_id": permission_id, "recursive": recursive})
        body = await self._http.call("GET", f"/project-permissions{asked}")
        return read_list(ProjectPermission, body)
