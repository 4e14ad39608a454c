"""What Stack tells: the kit forgets by itself what it knew, this is what the app has to do.

Messages repeat, are late and overtake each other. So each is done once, in the transaction that
keeps its receipt, and none is taken for how things are now.
"""

from fastapi import APIRouter
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from example_app.accounts import forget_user
from example_app.database import CurrentDatabase, Note, Receipt, insert_if_absent
from example_app.live import CurrentHub, Hub
from stack_fastapi import (
    CurrentWebhook,
    TeamDeletedEvent,
    TeamMembershipDeletedEvent,
    UserDeletedEvent,
    WebhookEvent,
)

router = APIRouter(tags=["webhooks"])


@router.post("/webhooks/stack", status_code=204)
async def stack_webhook(event: CurrentWebhook, database: CurrentDatabase, hub: CurrentHub) -> None:
    """What Stack tells; signed by Stack."""
    _cut_lines(event, hub)  # each time: it may be the first time that this process hears of it
    async with database.transaction() as session:
        if await insert_if_absent(session, Receipt(id=event.id)):
            await _keep_up(event, session)


async def _keep_up(event: WebhookEvent, session: AsyncSession) -> None:
    match event:
        case UserDeletedEvent(data=user):
            await forget_user(session, user.id)
        case TeamDeletedEvent(data=team):
            await session.execute(delete(Note).where(Note.team_id == team.id))
        case _:
            pass  # nothing of it is kept here


def _cut_lines(event: WebhookEvent, hub: Hub) -> None:
    match event:
        case UserDeletedEvent(data=user):
            hub.end("USER_DELETED", user_id=user.id)
        case TeamDeletedEvent(data=team):
            hub.end("TEAM_DELETED", team_id=team.id)
        case TeamMembershipDeletedEvent(data=member):
            hub.end("TEAM_LEFT", team_id=member.team_id, user_id=member.user_id)
        case _:
            pass
