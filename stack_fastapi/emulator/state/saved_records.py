"""A project's records as JSON: exactly as they are, with nothing made up and nothing left out."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from stack_fastapi.emulator.state.project import Project
from stack_fastapi.emulator.state.records import (
    ApiKey,
    Membership,
    Session,
    Team,
    User,
    VerificationCode,
)
from stack_fastapi.emulator.state.signing_keys import Jwk


class SavedRecords(BaseModel):
    """What a seed holds below `records`."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    users: list[User] = Field(default_factory=list)
    sessions: list[Session] = Field(default_factory=list)
    teams: list[Team] = Field(default_factory=list)
    memberships: list[Membership] = Field(default_factory=list)
    api_keys: list[ApiKey] = Field(default_factory=list)
    codes: list[VerificationCode] = Field(default_factory=list)
    signing_keys: dict[str, list[Jwk]] | None = None


def dump(project: Project) -> dict[str, Any]:
    """The records, ready for JSON."""
    return {
        "users": [_plain(user) for user in project.users.values()],
        "sessions": [asdict(session) for session in project.sessions.values()],
        "teams": [asdict(team) for team in project.teams.values()],
        "memberships": [_plain(membership) for membership in project.memberships.values()],
        "api_keys": [asdict(key) for key in project.api_keys.values()],
        "codes": [asdict(code) for code in project.codes.values()],
        "signing_keys": project.signing_keys.dump(),
    }


def plant(project: Project, fields: Any) -> None:  # noqa: ANN401 - JSON
    """Put records into a project.

    Raises:
        ValueError: They are of the wrong form, or belong to somebody who is not among them.
    """
    saved = SavedRecords.model_validate(fields)
    project.users |= {user.id: user for user in saved.users}
    project.teams |= {team.id: team for team in saved.teams}
    project.sessions |= {session.id: session for session in saved.sessions}
    project.memberships |= {(item.team_id, item.user_id): item for item in saved.memberships}
    project.api_keys |= {key.id: key for key in saved.api_keys}
    project.codes |= {code.id: code for code in saved.codes}
    if saved.signing_keys is not None:
        project.signing_keys.restore(saved.signing_keys)
    _check_owners(project)


def _plain(record: User | Membership) -> dict[str, Any]:
    """The fields, with the permissions in an order."""
    return asdict(replace(record, permissions=set())) | {"permissions": sorted(record.permissions)}


def _check_owners(project: Project) -> None:
    owners = {"user": project.users.keys(), "team": project.teams.keys()}
    named = [
        *(("user", session.user_id) for session in project.sessions.values()),
        *(("user", user_id) for _, user_id in project.memberships),
        *(("team", team_id) for team_id, _ in project.memberships),
        *((key.owner_type, key.owner_id) for key in project.api_keys.values()),
        *(("team", u.selected_team_id) for u in project.users.values() if u.selected_team_id),
    ]
    for kind, id_ in named:
        if id_ not in owners[kind]:
            raise ValueError(f"The records name a {kind} {id_!r} that they do not have.")
