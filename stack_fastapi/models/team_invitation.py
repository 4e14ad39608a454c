"""Invitations to teams."""

from __future__ import annotations

from datetime import datetime

from stack_fastapi.models._base import StackModel, from_millis


class TeamInvitation(StackModel):
    """An invitation that was sent and is still good.

    Attributes:
        team_display_name: the team's name; None from older servers.
        recipient_email: where it went.
        expires_at_millis: milliseconds since the epoch.
    """

    id: str
    team_id: str
    team_display_name: str | None = None
    recipient_email: str
    expires_at_millis: int

    @property
    def expires_at(self) -> datetime:
        """When it expires, in UTC."""
        return from_millis(self.expires_at_millis)


class SentTeamInvitation(StackModel):
    """An invitation that is on its way."""

    id: str
