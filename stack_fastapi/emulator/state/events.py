"""What webhooks tell of: the names of Stack's events, and who hears of them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, get_args

from stack_fastapi.emulator.state.records import Json, Team, User

EventType = Literal[
    "user.created",
    "user.updated",
    "user.deleted",
    "team.created",
    "team.updated",
    "team.deleted",
    "team_membership.created",
    "team_membership.deleted",
    "team_permission.created",
    "team_permission.deleted",
    "project_permission.created",
    "project_permission.deleted",
]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)

#: A record as it is now, or the ids of what is gone.
Subject = User | Team | Mapping[str, Json]
#: Hears of a change in one project, under the emulator's lock and right after it.
Listener = Callable[[EventType, Subject], None]
