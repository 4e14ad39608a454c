"""Step 3 of 5, its sister: what a user may do, and in which teams.

Stack resolves which permissions contain others (``recursive=true``), and is asked for all that a
user holds: one request for the project and one for a team, however many permissions a request, or
a thousand of them, ask about. Responses live as long as fetched users do and not a second longer:
in an outage a user whom the kit knows stays signed in, but nothing stale grants anything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import TypeVar

from stack_fastapi.cache import Kind, Store, Validity
from stack_fastapi.client import StackServerClient
from stack_fastapi.exceptions import StackApiError, StackConfigurationError
from stack_fastapi.models import Team
from stack_fastapi.types import Arrival

T = TypeVar("T")


class Permissions:
    """The permissions and teams of one project's users.

    Args:
        client: asks Stack.
        store: keeps the responses.
        ttl: how long they are good, in seconds.
    """

    def __init__(self, client: StackServerClient, store: Store, ttl: float) -> None:
        self._client = client
        # Whoever holds nothing is no member in most cases: that must not push out who does.
        held: Kind[frozenset[str]] = Kind("permissions", ttl, is_negative=lambda held: not held)
        teams: Kind[Mapping[str, Team]] = Kind("teams", ttl, subjects_of=tuple)
        self._held = store.lookup(held)
        self._teams = store.lookup(teams)

    def cached(self, user_id: str, team_id: str | None = None) -> frozenset[str] | None:
        """What a user is known to hold, without asking; None says nothing."""
        entry = self._held.cached(_key(user_id, team_id))
        return None if entry is None else entry.value

    def cached_validity(
        self, user_id: str, team_id: str | None
    ) -> tuple[frozenset[str], Validity] | None:
        """The same, with how long it is good."""
        key = _key(user_id, team_id)
        entry = self._held.cached(key)
        return None if entry is None else (entry.value, self._held.validity(key, entry))

    async def held(
        self,
        user_id: str,
        team_id: str | None,
        arrival: Arrival,
        max_age: float | None = None,
    ) -> frozenset[str]:
        """Ids of all permissions that a user holds, those within others included.

        Args:
            user_id: whose.
            team_id: those in this team; None for those in the whole project.
            arrival: when the request came in.
            max_age: how many seconds before that Stack may have been asked; None for the lifetime.

        Raises:
            UnavailableError: Stack cannot say, and nothing fresh is known.
        """

        async def ask() -> frozenset[str]:
            if team_id is None:
                return await self._in_project(user_id)
            return await self._in_team(user_id, team_id)

        subjects = (user_id,) if team_id is None else (user_id, team_id)
        entry = await self._held.get(_key(user_id, team_id), subjects, ask, arrival, max_age)
        return entry.value

    async def teams(
        self, user_id: str, arrival: Arrival, max_age: float | None = None
    ) -> Mapping[str, Team]:
        """The teams that a user is in, by id; arguments and errors as for ``held``."""

        async def ask() -> Mapping[str, Team]:
            found = await answered(self._client.teams.list(user_id=user_id))
            return {team.id: team for team in found}

        entry = await self._teams.get(user_id, (user_id,), ask, arrival, max_age)
        return entry.value

    async def _in_project(self, user_id: str) -> frozenset[str]:
        found = await answered(
            self._client.project_permissions.list(user_id=user_id, recursive=True)
        )
        return frozenset(item.id for item in found if item.user_id == user_id)

    async def _in_team(self, user_id: str, team_id: str) -> frozenset[str]:
        found = await answered(
            self._client.team_permissions.list(user_id=user_id, team_id=team_id, recursive=True)
        )
        wanted = (user_id, team_id)
        return frozenset(item.id for item in found if (item.user_id, item.team_id) == wanted)


async def answered(request: Awaitable[T]) -> T:
    """Stack's response to a request that it has no reason to refuse.

    Raises:
        StackConfigurationError: it does so all the same, and that is the operator's to mend.
    """
    try:
        return await request
    except StackApiError as error:
        code = error.stack_code or f"status {error.status}"
    raise StackConfigurationError(code)


def _key(user_id: str, team_id: str | None) -> str:
    """Ids are UUIDs: no two pairs share a key."""
    return user_id if team_id is None else f"{user_id}/{team_id}"
