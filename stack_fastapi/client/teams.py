"""Teams, as server access sees them."""

from __future__ import annotations

from urllib.parse import quote

from stack_fastapi._http import StackHttp
from stack_fastapi.client._reading import query, read, read_list
from stack_fastapi.models import Team


class TeamsApi:
    """``/teams`` of Stack's REST API."""

    def __init__(self, http: StackHttp) -> None:
        self._http = http

    async def list(self, *, user_id: str | None = None) -> list[Team]:
        """All teams, or those of a user."""
        return read_list(Team, await self._http.call("GET", f"/teams{query({'user_id': user_id})}"))

    async def get(self, team_id: str) -> Team:
        """The team with this id."""
        return read(Team, await self._http.call("GET", f"/teams/{quote(team_id, safe='')}"))
