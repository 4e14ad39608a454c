"""The tables, and how routes get at them. SQLite or PostgreSQL, whichever the URL names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import Depends
from sqlalchemy import DateTime, Dialect, ForeignKey, TypeDecorator, event, inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from starlette.requests import HTTPConnection


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


class Moment(TypeDecorator[datetime]):
    """A point in time with its zone, which SQLite leaves out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's parameters
        """In UTC: that is what was stored."""
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


class Table(DeclarativeBase):
    """Base of all tables."""

    type_annotation_map = {datetime: Moment}  # noqa: RUF012 - SQLAlchemy's way


class Account(Table):
    """Somebody, as this app knows them; who they are, Stack knows.

    Attributes:
        stack_user_id: the user's id in Stack, ``sub`` in a token; None for an account from before
            Stack that nobody has come back to yet.
        legacy_email: the address of an account from before Stack, in lower case.
        deleted_at: when Stack told that the user is gone. The row stays as a mark: the id never
            comes back, and a message or request that is late must not make it anew.
    """

    __tablename__ = "accounts"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    stack_user_id: Mapped[str | None] = mapped_column(unique=True)
    legacy_email: Mapped[str | None] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    deleted_at: Mapped[datetime | None]


class Note(Table):
    """A note that belongs to a team.

    Attributes:
        author_id: who wrote it; None for a program, and for somebody who is gone.
    """

    __tablename__ = "notes"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    team_id: Mapped[str] = mapped_column(index=True)
    author_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    text: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Receipt(Table):
    """A webhook that was dealt with: its repetitions are not.

    Attributes:
        id: the message's id.
    """

    __tablename__ = "webhook_receipts"

    id: Mapped[str] = mapped_column(primary_key=True)
    received_at: Mapped[datetime] = mapped_column(default=now)


class Database:
    """The database of an app.

    Args:
        url: ``sqlite+aiosqlite:///notes.db`` or ``postgresql+asyncpg://user@host/name``.
    """

    def __init__(self, url: str) -> None:
        self._engine = create_async_engine(url)
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine.sync_engine, "connect", _leave_transactions_to_us)
            event.listen(self._engine.sync_engine, "begin", _begin_at_once)

    async def create_tables(self) -> None:
        """Create the tables that are not there; a real app migrates."""
        async with self._engine.begin() as connection:
            await connection.run_sync(Table.metadata.create_all)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session whose work is kept when the block ends, and undone when it raises."""
        async with self._sessions.begin() as session:
            yield session

    async def aclose(self) -> None:
        """Close all connections."""
        await self._engine.dispose()


async def insert_if_absent(session: AsyncSession, row: Table) -> bool:
    """Insert a row unless one like it is there, also where others are inserting it just now.

    Whoever comes second waits for the first and then does nothing: no error, no retry.

    Returns:
        Whether it was inserted.
    """
    mapper = inspect(type(row))
    given = {name: getattr(row, name) for name in mapper.columns.keys()}  # noqa: SIM118 - no dict
    values = {name: value for name, value in given.items() if value is not None}
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = insert(type(row)).values(values).on_conflict_do_nothing()
    inserted = await session.execute(statement.returning(*mapper.primary_key))
    return inserted.first() is not None


def _leave_transactions_to_us(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's
    connection.isolation_level = None


def _begin_at_once(connection: Connection) -> None:
    """Wait for SQLite's one writer when a transaction begins: later on it would be an error."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _database(connection: HTTPConnection) -> Database:
    database: Database = connection.app.state.database
    return database


#: The database, in a route: ``async with database.transaction() as session``.
CurrentDatabase = Annotated[Database, Depends(_database)]
