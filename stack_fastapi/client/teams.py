"""Teams."""

from __future__ import annotations

from dataclasses import replace
from typing import Unpack

from stack_fastapi.client._calls import Calls, Success
from stack_fastapi.client._forms import NewTeam, TeamChanges
from stack_fastapi.client._given import given
from stack_fastapi.client._paths import optional_uuid, uuid, with_query
from stack_fastapi.models import Team
from stack_fastapi.types import Change


class TeamsApi:
    """``/teams`` of Stack's REST API; raises like ``users``."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def list(self, *, user_id: str | None = None) -> list[Team]:
        """All teams, or those that a user is in: ``GET /teams``. An unknown user is in none."""
        path = with_query("/teams", user_id=optional_uuid(user_id))
        return await self._calls.read_list(Team, path)

    async def get(self, team_id: str) -> Team:
        """The team with this id: ``GET /teams/{team_id}``.

        Raises:
            ApiTeamNotFoundError: the project has no such team.
        """
        return await self._calls.read(Team, f"/teams/{uuid(team_id)}")

    async def create(self, display_name: str, **fields: Unpack[NewTeam]) -> Team:
        """A new team: ``POST /teams``.

        Args:
            display_name: its name.
            **fields: ``creator_user_id`` becomes its first member, with the permissions that the
                project gives to creators.

        Raises:
            ApiUserNotFoundError: the project has no such creator.
        """
        body = given(NewTeam, fields) | {"display_name": display_name}
        creator = body.get("creator_user_id")
        change = Change("team", uuid(creator) if isinstance(creator, str) else None)

        def made(team: Team) -> Change:
            return replace(change, team_id=team.id)

        return await self._calls.change(Team, "POST", "/teams", change, made=made, body=body)

    async def update(self, team_id: str, **changes: Unpack[TeamChanges]) -> Team:
        """Change a team: ``PATCH /teams/{team_id}``. What is left out stays as it is.

        Metadata is replaced as a whole; None erases it, or the image.

        Raises:
            ApiTeamNotFoundError: the project has no such team.
        """
        body = given(TeamChanges, changes)
        team_id = uuid(team_id)
        change = Change("team", team_id=team_id)
        return await self._calls.change(Team, "PATCH", f"/teams/{team_id}", change, body=body)

    async def delete(self, team_id: str) -> None:
        """Delete a team with its memberships and API keys: ``DELETE /teams/{team_id}``.

        Raises:
            ApiTeamNotFoundError: the project has no such team.
        """
        team_id = uuid(team_id)
        change = Change("team", team_id=team_id)
        await self._calls.change(Success, "DELETE", f"/teams/{team_id}", change)
