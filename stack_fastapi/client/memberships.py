"""Who is in which team."""

from __future__ import annotations

from stack_fastapi.client._calls import Calls, Success
from stack_fastapi.client._paths import uuid
from stack_fastapi.models import TeamMembership
from stack_fastapi.types import Change


class MembershipsApi:
    """``/team-memberships`` of Stack's REST API; raises like ``users``."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def add(self, team_id: str, user_id: str) -> TeamMembership:
        """Take a user into a team: ``POST /team-memberships/{team_id}/{user_id}``.

        Raises:
            ApiTeamNotFoundError, ApiUserNotFoundError: the project has no such team or user.
            ApiTeamMembershipExistsError: the user is in the team already.
        """
        path, change = _membership(team_id, user_id)
        return await self._calls.change(TeamMembership, "POST", path, change, body={})

    async def remove(self, team_id: str, user_id: str) -> None:
        """Take a user out of a team: ``DELETE /team-memberships/{team_id}/{user_id}``.

        Raises:
            ApiUserNotFoundError: the project has no such user.
            ApiTeamMembershipNotFoundError: the user is not in the team.
        """
        path, change = _membership(team_id, user_id)
        await self._calls.change(Success, "DELETE", path, change)


def _membership(team_id: str, user_id: str) -> tuple[str, Change]:
    change = Change("membership", uuid(user_id), uuid(team_id))
    return f"/team-memberships/{change.team_id}/{change.user_id}", change
