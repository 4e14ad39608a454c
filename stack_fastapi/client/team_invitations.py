"""Invitations to teams, sent by e-mail."""

from __future__ import annotations

from stack_fastapi.client._calls import Calls, Success
from stack_fastapi.client._paths import uuid, with_query
from stack_fastapi.exceptions import ApiVerificationCodeNotFoundError
from stack_fastapi.models import SentTeamInvitation, TeamInvitation
from stack_fastapi.models._base import StackModel
from stack_fastapi.types import Change

_INVITATIONS = "/team-invitations"
_NOT_FOUND = 404


class _Accepted(StackModel):
    """The answer to an acceptance: an object without fields."""


class TeamInvitationsApi:
    """``/team-invitations`` of Stack's REST API; raises like ``users``."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def list_of_user(self, user_id: str) -> list[TeamInvitation]:
        """The good invitations to a user's verified addresses: ``GET /team-invitations``."""
        path = with_query(_INVITATIONS, user_id=uuid(user_id))
        return await self._calls.read_list(TeamInvitation, path)

    async def list(self, team_id: str) -> list[TeamInvitation]:
        """A team's invitations that are still good: ``GET /team-invitations``.

        Raises:
            ApiTeamNotFoundError: the project has no such team.
        """
        path = with_query(_INVITATIONS, team_id=uuid(team_id))
        return await self._calls.read_list(TeamInvitation, path)

    async def send(self, team_id: str, email: str, *, callback_url: str) -> SentTeamInvitation:
        """Invite somebody: ``POST /team-invitations/send-code``.

        Args:
            team_id: where to; for an unknown team Stack itself fails, which reads as unavailable.
            email: who; need not be a user yet.
            callback_url: the page that the message leads to; the project must trust it.

        Raises:
            ApiCallbackUrlError: the project does not trust the page.
        """
        body: dict[str, object] = {
            "team_id": uuid(team_id),
            "email": email,
            "callback_url": callback_url,
        }
        return await self._calls.post(SentTeamInvitation, f"{_INVITATIONS}/send-code", body)

    async def accept(self, invitation_id: str, user_id: str) -> None:
        """Let a user into the team: ``POST /team-invitations/{invitation_id}/accept``.

        Raises:
            ApiVerificationCodeNotFoundError: there is no such invitation, it is not good any more,
                or it went to none of the user's verified addresses.
        """
        path = with_query(f"{_INVITATIONS}/{uuid(invitation_id)}/accept", user_id=uuid(user_id))
        change = Change("membership", user_id=uuid(user_id))
        await self._calls.change(_Accepted, "POST", path, change)

    async def revoke(self, team_id: str, invitation_id: str) -> None:
        """Take an invitation back: ``DELETE /team-invitations/{invitation_id}``.

        Stack asks whether there is the team, and not whether the invitation is one of it: so the
        team's invitations are listed first, and one that is not among them is left alone. Nothing
        but its end can come between: an invitation never changes its team.

        Raises:
            ApiTeamNotFoundError: the project has no such team.
            ApiVerificationCodeNotFoundError: the team has no such invitation that is still good.
            StackUnavailableError: also where it came to its end in between: Stack answers 500.
        """
        team_id, invitation_id = uuid(team_id), uuid(invitation_id)
        listed = {(item.id, item.team_id) for item in await self.list(team_id)}
        if (invitation_id, team_id) not in listed:
            code = ApiVerificationCodeNotFoundError.code
            raise ApiVerificationCodeNotFoundError(_NOT_FOUND, code)
        path = with_query(f"{_INVITATIONS}/{invitation_id}", team_id=team_id)
        await self._calls.delete(Success, path)
