"""Permissions that users hold in the whole project."""

from __future__ import annotations

from stack_fastapi.client._calls import Calls, Success
from stack_fastapi.client._paths import optional_uuid, permission, uuid, with_query
from stack_fastapi.models import ProjectPermission
from stack_fastapi.types import Change


class ProjectPermissionsApi:
    """``/project-permissions`` of Stack's REST API; raises like ``users``."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def list(
        self,
        *,
        user_id: str | None = None,
        permission_id: str | None = None,
        recursive: bool = False,
    ) -> list[ProjectPermission]:
        """Who holds what: ``GET /project-permissions``. An unknown user has none.

        Args:
            user_id: held by this user only.
            permission_id: this permission only.
            recursive: also what other permissions contain; else what was granted directly.
        """
        path = with_query(
            "/project-permissions",
            user_id=optional_uuid(user_id),
            permission_id=None if permission_id is None else permission(permission_id),
            recursive=recursive,
        )
        return await self._calls.read_list(ProjectPermission, path)

    async def has(self, user_id: str, permission_id: str, *, recursive: bool = True) -> bool:
        """Whether a user holds a permission: ``GET /project-permissions``.

        Args:
            user_id: who.
            permission_id: what.
            recursive: also within another permission; else only if it was granted directly.
        """
        held = await self.list(user_id=user_id, permission_id=permission_id, recursive=recursive)
        wanted = (permission_id, uuid(user_id))
        # Believed for what it says, not for being there: a filter may have been ignored.
        return any((item.id, item.user_id) == wanted for item in held)

    async def grant(self, user_id: str, permission_id: str) -> ProjectPermission:
        """Grant a permission: ``POST /project-permissions/{user_id}/{permission_id}``.

        Granting it again changes nothing.

        Raises:
            ApiUserNotFoundError: the project has no such user.
            ApiPermissionNotFoundError: there is no such permission for projects.
        """
        path, change = _grant(user_id, permission_id)
        return await self._calls.change(ProjectPermission, "POST", path, change, body={})

    async def revoke(self, user_id: str, permission_id: str) -> None:
        """Revoke a permission: ``DELETE /project-permissions/{user_id}/{permission_id}``.

        Raises:
            ApiUserNotFoundError: the project has no such user.
            ApiPermissionNotFoundError: it was not granted directly.
        """
        path, change = _grant(user_id, permission_id)
        await self._calls.change(Success, "DELETE", path, change)


def _grant(user_id: str, permission_id: str) -> tuple[str, Change]:
    change = Change("project_permission", uuid(user_id))
    return f"/project-permissions/{change.user_id}/{permission(permission_id)}", change
