"""The app with a database of its own for each test; who is signed in, the kit's fixtures make."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.ext.asyncio import create_async_engine

from example_app.app import create_app
from example_app.database import Database, Table
from stack_fastapi import StackAuth
from stack_fastapi.emulator import StackEmulator
from stack_fastapi.testing import SignedIn


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def app(stack: StackEmulator, stack_auth: StackAuth, database_url: str) -> FastAPI:
    return create_app(stack_auth, database_url=database_url, clock=lambda: stack.now)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


@pytest.fixture
def alice(signed_in: Callable[..., SignedIn]) -> SignedIn:
    """A member of Acme who writes, and an administrator."""
    return signed_in(team="Acme", team_permissions=["note:write"], permissions=["note:admin"])


def notes_of(somebody: SignedIn) -> str:
    """The path of the notes of somebody's team."""
    assert somebody.team is not None
    return f"/teams/{somebody.team.id}/notes"


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'notes.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database of either kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The same, with the app's tables."""
    database = Database(database_url)
    await database.create_tables()
    yield database
    await database.aclose()


@pytest.fixture
def postgresql_url(postgresql_server: str) -> str:
    """An empty database in PostgreSQL."""
    asyncio.run(_drop_tables(postgresql_server))
    return postgresql_server


async def _drop_tables(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(Table.metadata.drop_all)
    await engine.dispose()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """A PostgreSQL server that only this machine can reach, and that ends with the tests."""
    with TemporaryDirectory(prefix="notes-") as folder:
        run = _postgresql(Path(folder))
        run("initdb", "--auth=trust", "--username=notes", "--no-sync")
        options = f"-k {folder} -c listen_addresses= -c fsync=off"
        run("pg_ctl", "--wait", "--silent", f"--log={folder}/log", f"--options={options}", "start")
        yield f"postgresql+asyncpg://notes@/postgres?host={folder}"
        run("pg_ctl", "--wait", "--silent", "--mode=immediate", "stop")


def _postgresql(folder: Path) -> Callable[..., None]:
    """Runs the server's commands, as somebody else if need be: it refuses to work for root."""
    places = os.pathsep.join(
        [os.environ["PATH"], *map(str, Path("/usr/lib/postgresql").glob("*/bin"))]
    )
    if shutil.which("initdb", path=places) is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("PostgreSQL is not installed")
    somebody = {}
    if os.geteuid() == 0:
        somebody = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        shutil.chown(folder, "nobody", "nogroup")

    def run(name: str, *arguments: str) -> None:
        command = [shutil.which(name, path=places) or name, f"--pgdata={folder}/data", *arguments]
        done = subprocess.run(  # noqa: S603 - the server's own commands
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
            timeout=50,
            text=True,
            cwd=folder,
            **somebody,  # type: ignore[call-overload]
        )
        assert done.returncode == 0, done.stderr

    return run
