"""What Stack tells of by webhook.

Messages repeat and arrive out of order: one says that something has happened at some time, not
how things are now. Ask ``auth.client`` where that matters.
"""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue

from stack_fastapi.models._base import StackModel
from stack_fastapi.models.membership import TeamMembership
from stack_fastapi.models.permission import ProjectPermission, TeamPermission
from stack_fastapi.models.team import Team
from stack_fastapi.models.user import User


class TeamReference(StackModel):
    """A team that is only named; it may be gone."""

    id: str


class DeletedUser(StackModel):
    """A user who is gone.

    Attributes:
        teams: those that the user was in.
    """

    id: str
    teams: tuple[TeamReference, ...] = ()


class _Event(StackModel):
    """What all events have in common.

    Attributes:
        id: the message's id, ``svix-id``: the same for every repetition of it.
    """

    id: str = ""


class UserCreatedEvent(_Event):
    """A user signed up, or was made."""

    type: Literal["user.created"]
    data: User


class UserUpdatedEvent(_Event):
    """A user was changed; the data are those of that moment."""

    type: Literal["user.updated"]
    data: User


class UserDeletedEvent(_Event):
    """A user is gone; the id never comes back."""

    type: Literal["user.deleted"]
    data: DeletedUser


class TeamCreatedEvent(_Event):
    """A team was made."""

    type: Literal["team.created"]
    data: Team


class TeamUpdatedEvent(_Event):
    """A team was changed; the data are those of that moment."""

    type: Literal["team.updated"]
    data: Team


class TeamDeletedEvent(_Event):
    """A team is gone; the id never comes back."""

    type: Literal["team.deleted"]
    data: TeamReference


class TeamMembershipCreatedEvent(_Event):
    """A user joined a team."""

    type: Literal["team_membership.created"]
    data: TeamMembership


class TeamMembershipDeletedEvent(_Event):
    """A user left a team, or was removed from it."""

    type: Literal["team_membership.deleted"]
    data: TeamMembership


class TeamPermissionCreatedEvent(_Event):
    """A permission in a team was granted."""

    type: Literal["team_permission.created"]
    data: TeamPermission


class TeamPermissionDeletedEvent(_Event):
    """A permission in a team was taken away."""

    type: Literal["team_permission.deleted"]
    data: TeamPermission


class ProjectPermissionCreatedEvent(_Event):
    """A permission in the project was granted."""

    type: Literal["project_permission.created"]
    data: ProjectPermission


class ProjectPermissionDeletedEvent(_Event):
    """A permission in the project was taken away."""

    type: Literal["project_permission.deleted"]
    data: ProjectPermission


class UnknownEvent(_Event):
    """An event of a type that this version of the kit does not know."""

    type: str
    data: JsonValue = None


KnownEvent = (
    UserCreatedEvent
    | UserUpdatedEvent
    | UserDeletedEvent
    | TeamCreatedEvent
    | TeamUpdatedEvent
    | TeamDeletedEvent
    | TeamMembershipCreatedEvent
    | TeamMembershipDeletedEvent
    | TeamPermissionCreatedEvent
    | TeamPermissionDeletedEvent
    | ProjectPermissionCreatedEvent
    | ProjectPermissionDeletedEvent
)

#: Anything that Stack may tell of.
WebhookEvent = KnownEvent | UnknownEvent
