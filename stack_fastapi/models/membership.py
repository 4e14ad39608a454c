"""Who is in a team, and what the team calls them."""

from __future__ import annotations

from stack_fastapi.models._base import StackModel
from stack_fastapi.models.user import User


class TeamMembership(StackModel):
    """A user's place in a team."""

    team_id: str
    user_id: str


class TeamMemberProfile(StackModel):
    """How a member appears in a team; what the profile lacks comes from the user.

    Attributes:
        user: the member.
    """

    team_id: str
    user_id: str
    display_name: str | None
    profile_image_url: str | None = None
    user: User | None = None
