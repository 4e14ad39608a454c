"""Notes that belong to teams: members read them, ``note:write`` writes them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from example_app.accounts import CurrentAccount, hold
from example_app.database import CurrentDatabase, Note
from example_app.live import CurrentHub, Member
from stack_fastapi import (
    Team,
    TeamApiKeyPrincipal,
    User,
    require_api_key,
    require_permission,
    require_team_permission,
)

Writer = Annotated[User, Depends(require_team_permission("note:write"))]
#: An administrator reads over all teams, so a session that was signed out is not enough.
Administrator = Annotated[User, Depends(require_permission("note:admin", live_session=True))]
#: A program of a team, with the team's own key.
Machine = Annotated[TeamApiKeyPrincipal, Depends(require_api_key("team"))]

router = APIRouter(tags=["notes"])


class NewNote(BaseModel):
    """A note as it is sent."""

    # No NUL: PostgreSQL keeps none.
    text: Annotated[str, Field(min_length=1, max_length=10_000, pattern=r"^[^\x00]*$")]


class ShownNote(BaseModel):
    """A note as it is shown."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    text: str
    author_id: UUID | None
    created_at: datetime


class TeamStatistics(BaseModel):
    """How much a team writes."""

    team_id: str
    notes: int


@router.get("/teams/{team_id}/notes")
async def read_notes(team: Member, database: CurrentDatabase) -> list[ShownNote]:
    """A team's notes, oldest first; for its members."""
    async with database.transaction() as session:
        return await _notes_of(session, team)


@router.post("/teams/{team_id}/notes", status_code=201)
async def write_note(
    team_id: str,
    new: NewNote,
    _: Writer,
    author: CurrentAccount,
    database: CurrentDatabase,
    hub: CurrentHub,
) -> ShownNote:
    """Write a note; for members with the permission."""
    async with database.transaction() as session:
        await hold(session, author)
        note = await _add(session, Note(team_id=team_id, author_id=author.id, text=new.text))
    hub.publish(team_id, {"event": "created", "note": note.model_dump(mode="json")})
    return note


@router.delete("/teams/{team_id}/notes/{note_id}", status_code=204)
async def delete_note(
    team_id: str, note_id: UUID, _: Writer, database: CurrentDatabase, hub: CurrentHub
) -> None:
    """Delete a note; for members with the permission. A note of another team is not found."""
    ours = (Note.id == note_id) & (Note.team_id == team_id)
    async with database.transaction() as session:
        gone = await session.scalar(delete(Note).where(ours).returning(Note.id))
    if gone is None:
        raise HTTPException(404, "This team has no such note.")
    hub.publish(team_id, {"event": "deleted", "note": {"id": str(note_id)}})


@router.get("/admin/statistics")
async def statistics(_: Administrator, database: CurrentDatabase) -> list[TeamStatistics]:
    """How much each team writes; for administrators."""
    count = select(Note.team_id, func.count()).group_by(Note.team_id).order_by(Note.team_id)
    async with database.transaction() as session:
        rows = await session.execute(count)
        return [TeamStatistics(team_id=team_id, notes=notes) for team_id, notes in rows]


@router.get("/machine/notes")
async def export_notes(machine: Machine, database: CurrentDatabase) -> list[ShownNote]:
    """The notes of the team whose key this is; for programs."""
    async with database.transaction() as session:
        return await _notes_of(session, machine.team)


@router.post("/machine/notes", status_code=201)
async def import_note(
    new: NewNote, machine: Machine, database: CurrentDatabase, hub: CurrentHub
) -> ShownNote:
    """Write a note for the team whose key this is; for programs."""
    async with database.transaction() as session:
        note = await _add(session, Note(team_id=machine.team.id, text=new.text))
    hub.publish(machine.team.id, {"event": "created", "note": note.model_dump(mode="json")})
    return note


async def _notes_of(session: AsyncSession, team: Team) -> list[ShownNote]:
    wanted = select(Note).where(Note.team_id == team.id).order_by(Note.created_at, Note.id)
    return [ShownNote.model_validate(note) for note in await session.scalars(wanted)]


async def _add(session: AsyncSession, note: Note) -> ShownNote:
    session.add(note)
    await session.flush()  # which gives it its id and its time
    return ShownNote.model_validate(note)
