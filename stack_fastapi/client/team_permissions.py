"""Permissions that members hold in their teams."""

from __future__ import annotations

from stack_fastapi.client._calls import Calls, Success
from stack_fastapi.client._paths import optional_uuid, permission, uuid, with_query
from stack_fastapi.models import TeamPermission
from stack_fastapi.types import Change


class TeamPermissionsApi:
    """``/team-permissions`` of Stack's REST API; raises like ``users``."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def list(
        self,
        *,
        team_id: str | None = None,
        user_id: str | None = None,
        permission_id: str | None = None,
        recursive: bool = False,
    ) -> list[TeamPermission]:
        """Who holds what: ``GET /team-permissions``. An unknown team or user has none.

        Args:
            team_id: in this team only.
            user_id: held by this user only.
            permission_id: this permission only.
            recursive: also what other permissions contain; else what was granted directly.
        """
        path = with_query(
            "/team-permissions",
            team_id=optional_uuid(team_id),
            user_id=optional_uuid(user_id),
            permission_id=None if permission_id is None else permission(permission_id),
            recursive=recursive,
        )
        return await self._calls.read_list(TeamPermission, path)

    async def has(
        self, team_id: str, user_id: str, permission_id: str, *, recursive: bool = True
    ) -> bool:
        """Whether a member holds a permission: ``GET /team-permissions``.

        Args:
            team_id: where.
            user_id: who; somebody who is not in the team holds nothing there.
            permission_id: what.
            recursive: also within another permission; else only if it was granted directly.
        """
        held = await self.list(
            team_id=team_id, user_id=user_id, permission_id=permission_id, recursive=recursive
        )
        wanted = (permission_id, uuid(user_id), uuid(team_id))
        # Believed for what it says, not for being there: a filter may have been ignored.
        return any((item.id, item.user_id, item.team_id) == wanted for item in held)

    async def grant(self, team_id: str, user_id: str, permission_id: str) -> TeamPermission:
        """Grant a permission: ``POST /team-permissions/{team_id}/{user_id}/{permission_id}``.

        Granting it again changes nothing.

        Raises:
            ApiUserNotFoundError: the project has no such user.
            ApiTeamMembershipNotFoundError: the user is not in the team.
            ApiPermissionNotFoundError: there is no such permission for teams.
        """
        path, change = _grant(team_id, user_id, permission_id)
        return await self._calls.change(TeamPermission, "POST", path, change, body={})

    async def revoke(self, team_id: str, user_id: str, permission_id: str) -> None:
        """Revoke one: ``DELETE /team-permissions/{team_id}/{user_id}/{permission_id}``.

        Raises:
            ApiUserNotFoundError: the project has no such user.
            ApiTeamMembershipNotFoundError: the user is not in the team.
            ApiPermissionNotFoundError: it was not granted directly.
        """
        path, change = _grant(team_id, user_id, permission_id)
        await self._calls.change(Success, "DELETE", path, change)


def _grant(team_id: str, user_id: str, permission_id: str) -> tuple[str, Change]:
    change = Change("team_permission", uuid(user_id), uuid(team_id))
    path = f"/team-permissions/{change.team_id}/{change.user_id}/{permission(permission_id)}"
    return path, change
