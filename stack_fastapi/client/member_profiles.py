"""How members appear in their teams."""

from __future__ import annotations

from typing import Unpack

from stack_fastapi.client._calls import Calls
from stack_fastapi.client._forms import ProfileChanges
from stack_fastapi.client._given import given
from stack_fastapi.client._paths import optional_uuid, uuid, with_query
from stack_fastapi.models import TeamMemberProfile
from stack_fastapi.types import Change

_PROFILES = "/team-member-profiles"


class MemberProfilesApi:
    """``/team-member-profiles`` of Stack's REST API; raises like ``users``."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def list(
        self, *, team_id: str | None = None, user_id: str | None = None
    ) -> list[TeamMemberProfile]:
        """Profiles in a team, of a user, or all: ``GET /team-member-profiles``.

        Raises:
            ApiTeamNotFoundError, ApiUserNotFoundError: the project has no such team or user.
        """
        path = with_query(_PROFILES, team_id=optional_uuid(team_id), user_id=optional_uuid(user_id))
        return await self._calls.read_list(TeamMemberProfile, path)

    async def get(self, team_id: str, user_id: str) -> TeamMemberProfile:
        """One profile: ``GET /team-member-profiles/{team_id}/{user_id}``.

        Raises:
            ApiUserNotFoundError: the project has no such user.
            ApiTeamMembershipNotFoundError: the user is not in the team.
        """
        path = f"{_PROFILES}/{uuid(team_id)}/{uuid(user_id)}"
        return await self._calls.read(TeamMemberProfile, path)

    async def update(
        self, team_id: str, user_id: str, **changes: Unpack[ProfileChanges]
    ) -> TeamMemberProfile:
        """Change a profile: ``PATCH /team-member-profiles/{team_id}/{user_id}``.

        What is left out stays as it is. The user does not change with it. Raises like ``get``.
        """
        body = given(ProfileChanges, changes)
        change = Change("membership", uuid(user_id), uuid(team_id))
        path = f"{_PROFILES}/{change.team_id}/{change.user_id}"
        return await self._calls.change(TeamMemberProfile, "PATCH", path, change, body=body)
