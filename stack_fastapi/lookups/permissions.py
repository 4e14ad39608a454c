"""Step 3 of 5, its sister: what a user may do, and in which teams.

Stack resolves which permissions contain others (``recursive=true``), and is asked for all that a
user holds: one question for the project and one for a team, however many permissions a request,
or a thousand of them, ask about. Answers live as long as fetched users do and not a second longer:
in an outage a user whom the kit knows stays signed in, but nothing stale grants anything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping
from typing import TypeVar

from stack_fastapi.cache import AskedOnce, Lifetimes
from stack_fastapi.client import StackServerClient
from stack_fastapi.exceptions import StackApiError, StackConfigurationError
from stack_fastapi.models import Team
from stack_fastapi.types import Arrival

T = TypeVar("T")


class Permissions:
    """The permissions and teams of one project's users.

    Args:
        client: asks Stack.
        lifetimes: how many answers are kept, and for how long.
        tickets: the order of arrivals and look-ups.
    """

    def __init__(
        self, client: StackServerClient, lifetimes: Lifetimes, tickets: Iterator[int]
    ) -> None:
        self._client = client
        self._held: AskedOnce[frozenset[str]] = AskedOnce(lifetimes, tickets)
        self._teams: AskedOnce[Mapping[str, Team]] = AskedOnce(lifetimes, tickets, tuple)

    def recall(self, user_id: str, team_id: str | None = None) -> frozenset[str] | None:
        """What a user is known to hold, without asking; None says nothing."""
        return self._held.recall(_key(user_id, team_id))

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
        if team_id is None:
            return await self._held.get(
                _key(user_id, None), (user_id,), lambda: self._in_project(user_id), arrival, max_age
            )
        return await self._held.get(
            _key(user_id, team_id),
            (user_id, team_id),
            lambda: self._in_team(user_id, team_id),
            arrival,
            max_age,
        )

    async def teams(
        self, user_id: str, arrival: Arrival, max_age: float | None = None
    ) -> Mapping[str, Team]:
        """The teams that a user is in, by id; arguments and errors as for ``held``."""
        return await self._teams.get(
            user_id, (user_id,), lambda: self._teams_of(user_id), arrival, max_age
        )

    def forget(self, subject: str) -> None:
        """Forget what is known of a user, or of a team and its members."""
        self._held.forget(subject)
        self._teams.forget(subject)

    async def aclose(self) -> None:
        """End the questions that are in the air on this event loop."""
        await self._held.aclose()
        await self._teams.aclose()

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

    async def _teams_of(self, user_id: str) -> Mapping[str, Team]:
        found = await answered(self._client.teams.list(user_id=user_id))
        return {team.id: team for team in found}


async def answered(question: Awaitable[T]) -> T:
    """Stack's answer to a question that it has no reason to refuse.

    Raises:
        StackConfigurationError: it does so all the same, and that is the operator's to mend.
    """
    try:
        return await question
    except StackApiError as error:
        code = error.stack_code or f"status {error.status}"
    raise StackConfigurationError(code)


def _key(user_id: str, team_id: str | None) -> str:
    """Ids are UUIDs: no two pairs share a key."""
    return user_id if team_id is None else f"{user_id}/{team_id}"
