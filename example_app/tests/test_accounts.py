"""The recipe for accounts, in SQLite and in PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient
from sqlalchemy import func, select, text

from example_app.accounts import account_of, forget_user, hold
from example_app.database import Account, Database, Note
from stack_fastapi import User
from stack_fastapi.testing import SignedIn, fake_user, override_user

pytestmark = pytest.mark.anyio
AT_ONCE = 30


async def see(database: Database, user: User) -> Account:
    """What a request of a user does."""
    async with database.transaction() as session:
        return await account_of(session, user)


async def add(database: Database, *rows: Account | Note) -> None:
    async with database.transaction() as session:
        session.add_all(rows)


async def count(database: Database) -> int:
    async with database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(Account)) or 0


async def test_a_user_gets_an_account_at_first_sight_and_keeps_it(database: Database) -> None:
    alice, bob = fake_user(), fake_user()
    first = await see(database, alice)
    assert first.stack_user_id == alice.id
    assert (await see(database, alice)).id == first.id
    assert (await see(database, bob)).id != first.id
    assert await count(database) == 2


async def test_a_crowd_of_first_requests_makes_one_account(database: Database) -> None:
    alice = fake_user(primary_email="alice@example.com", primary_email_verified=True)
    seen = await asyncio.gather(*(see(database, alice) for _ in range(AT_ONCE)))
    assert len({account.id for account in seen}) == 1
    assert await count(database) == 1


async def test_an_account_from_before_comes_back_by_a_verified_address(database: Database) -> None:
    old = Account(legacy_email="alice@example.com")
    await add(database, old, Account(legacy_email="bob@example.com"))
    alice = fake_user(primary_email="Alice@Example.com", primary_email_verified=True)
    seen = await asyncio.gather(*(see(database, alice) for _ in range(AT_ONCE)))
    assert {account.id for account in seen} == {old.id}
    assert await count(database) == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"primary_email": "alice@example.com", "primary_email_verified": False},
        {"primary_email": "alice@example.com.evil.com", "primary_email_verified": True},
        {"primary_email": "%@example.com", "primary_email_verified": True},
        {},
    ],
    ids=str,
)
async def test_nobody_else_gets_it(database: Database, fields: dict[str, Any]) -> None:
    old = Account(legacy_email="alice@example.com")
    await add(database, old)
    mallory = fake_user(**fields)
    assert (await see(database, mallory)).id != old.id
    alice = fake_user(primary_email="alice@example.com", primary_email_verified=True)
    assert (await see(database, alice)).id == old.id


async def test_an_account_comes_back_to_one_user_only(database: Database) -> None:
    """An address may move to another user; the account does not."""
    old = Account(legacy_email="alice@example.com")
    await add(database, old)
    users = [
        fake_user(primary_email="alice@example.com", primary_email_verified=True)
        for _ in range(AT_ONCE)
    ]
    seen = await asyncio.gather(*(see(database, user) for user in users))
    assert [account.id for account in seen].count(old.id) == 1
    assert len({account.id for account in seen}) == AT_ONCE


async def test_requests_from_before_and_after_the_verification_meet(database: Database) -> None:
    await add(database, Account(legacy_email="alice@example.com"))
    verified = fake_user(primary_email="alice@example.com", primary_email_verified=True)
    before = verified.model_copy(update={"primary_email_verified": False})
    seen = await asyncio.gather(*(see(database, user) for user in [before, verified] * AT_ONCE))
    assert len({account.id for account in seen}) == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_who_makes_the_account_meanwhile_is_waited_for(database: Database) -> None:
    """One request links an old account, another has just made a new one for the same user."""
    await add(database, Account(legacy_email="alice@example.com"))
    verified = fake_user(primary_email="alice@example.com", primary_email_verified=True)
    before = verified.model_copy(update={"primary_email_verified": False})
    async with database.transaction() as session:
        made = await account_of(session, before)
        late = asyncio.create_task(see(database, verified))
        while not await session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            pass  # until the other one waits for us
    assert (await late).id == made.id
    assert await count(database) == 2


async def test_who_is_gone_stays_gone(database: Database) -> None:
    alice, stranger = fake_user(), fake_user()
    account = await see(database, alice)
    await add(database, Note(team_id="t", author_id=account.id, text="Milk"))
    for user_id in (alice.id, stranger.id, alice.id):
        async with database.transaction() as session:
            await forget_user(session, user_id)
    for user in (alice, stranger):  # whose requests may still be on their way
        assert (await see(database, user)).deleted_at is not None
    async with database.transaction() as session:
        (note,) = await session.scalars(select(Note))
    assert (note.text, note.author_id) == ("Milk", None)


async def test_who_is_gone_writes_nothing_any_more(database: Database) -> None:
    """A request that was let in just before."""
    alice = fake_user()
    account = await see(database, alice)
    async with database.transaction() as session:
        await forget_user(session, alice.id)
    with pytest.raises(HTTPException, match="deleted"):
        async with database.transaction() as session:
            await hold(session, account)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_who_is_just_writing_is_waited_for(database: Database) -> None:
    alice = fake_user()
    account = await see(database, alice)

    async def forget() -> None:
        async with database.transaction() as session:
            await forget_user(session, alice.id)

    async with database.transaction() as session:
        await hold(session, account)
        late = asyncio.create_task(forget())
        while not await session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            pass  # until the other one waits for us
        session.add(Note(team_id="t", author_id=account.id, text="Milk"))
    await late
    async with database.transaction() as session:
        (note,) = await session.scalars(select(Note))
    assert note.author_id is None


async def test_times_have_a_zone(database: Database) -> None:
    alice = fake_user()
    await see(database, alice)
    assert (await see(database, alice)).created_at.tzinfo is not None


def test_the_account_of_somebody_who_is_gone_opens_nothing(
    app: FastAPI, client: TestClient, signed_in: Callable[..., SignedIn]
) -> None:
    """A request that was let in just before the user was deleted."""
    alice = signed_in(team="Acme", team_permissions=["note:write"])
    assert alice.team is not None
    path = f"/teams/{alice.team.id}/notes"
    assert client.post(path, json={"text": "Milk"}, headers=alice).status_code == 201

    async def forget() -> None:
        async with app.state.database.transaction() as session:
            await forget_user(session, alice.user.id)

    assert client.portal is not None
    client.portal.call(forget)
    with override_user(app, alice.user, team_permissions={alice.team.id: ["note:write"]}):
        answer = client.post(path, json={"text": "Bread"})
    assert (answer.status_code, answer.json()["detail"]) == (403, "This account was deleted.")
