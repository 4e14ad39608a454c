"""The recipe: an account row of one's own for each user of Stack.

Stack keeps who somebody is. What only this app knows of them hangs on a row of its own, whose key
to Stack is the user's id: it never changes and never comes back, as an e-mail address may. The row
is made when a user is first seen, so no sign-up has to be heard of.

A thousand requests of a new user may arrive at once, in several workers. A unique constraint
decides which of them makes the row; with ``ON CONFLICT DO NOTHING`` the others go on with it.

People who had an account before the app moved to Stack get it back by their e-mail address, and
only if Stack has verified it: else anybody could sign up with an address and take the account.
Whoever comes before their address is verified gets a new account and keeps it. Where that should
not happen, ask for ``require_user(verified_email=True)`` in place of ``CurrentUser``.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

from fastapi import Depends, HTTPException
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from example_app.database import Account, CurrentDatabase, Note, insert_if_absent, now
from stack_fastapi import CurrentUser, User


async def account_of(session: AsyncSession, user: User) -> Account:
    """The account of a user; made or linked when the user is first seen."""
    ours = select(Account).where(Account.stack_user_id == user.id)
    account = await session.scalar(ours)
    if account is None:
        await _link(session, user)
        await insert_if_absent(session, Account(stack_user_id=user.id))
        account = (await session.scalars(ours)).one()  # made by us, or by somebody else just now
    return account


async def forget_user(session: AsyncSession, user_id: str) -> None:
    """Forget a user who is gone, also one who was never here: a late request makes no account."""
    await insert_if_absent(session, Account(stack_user_id=user_id))
    ours = Account.stack_user_id == user_id
    # The account first: whoever holds it is waited for, and their note is among those below.
    await session.execute(update(Account).where(ours).values(legacy_email=None, deleted_at=now()))
    account_ids = select(Account.id).where(ours).scalar_subquery()
    await session.execute(update(Note).where(Note.author_id == account_ids).values(author_id=None))


async def hold(session: AsyncSession, account: Account) -> None:
    """Keep an account from being deleted until the transaction ends.

    Raises:
        HTTPException: 403, it was deleted since it was looked up.
    """
    deleted_at = select(Account.deleted_at).where(Account.id == account.id)
    if await session.scalar(deleted_at.with_for_update(read=True)) is not None:
        raise _deleted()


async def _link(session: AsyncSession, user: User) -> None:
    """Give a user the account from before Stack that has their verified address."""
    if user.primary_email is None or not user.primary_email_verified:
        return
    unclaimed = (Account.legacy_email == user.primary_email.lower()) & (
        Account.stack_user_id.is_(None)
    )
    # Another request may be making an account of the same user, as of before the verification.
    with suppress(IntegrityError):
        async with session.begin_nested():
            await session.execute(update(Account).where(unclaimed).values(stack_user_id=user.id))


async def _current_account(user: CurrentUser, database: CurrentDatabase) -> Account:
    async with database.transaction() as session:
        account = await account_of(session, user)
    if account.deleted_at is not None:
        raise _deleted()
    return account


def _deleted() -> HTTPException:
    return HTTPException(403, "This account was deleted.")


#: The account of whoever is signed in.
CurrentAccount = Annotated[Account, Depends(_current_account)]
