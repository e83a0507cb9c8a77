"""The database: its sessions, and its migrations, which run at start-up."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from fileflare_bot.database_url import sqlite_file
from fileflare_bot.shielding import shielded
from fileflare_bot.storage.errors import StorageUnavailable

MIGRATIONS: Final = Path(__file__).parent / "migrations"
ANSWER_SECONDS: Final = 8.0  # per unit of work; people see "thinking…" meanwhile
SOON_SECONDS: Final = 0.25  # lookups, which work without a database, wait for an answer no longer than that
CONNECT_SECONDS: Final = 5.0
BUSY_SECONDS: Final = 5.0  # how long SQLite waits for another writer
LOCK: Final = 0x46_6C_61_72_65  # "Flare": PostgreSQL's advisory lock for migrations


P = ParamSpec("P")
T = TypeVar("T")


def utc_now() -> datetime:
    """Return the current time in UTC; all stored times are UTC."""
    return datetime.now(UTC)


# A pooler in transaction mode (PgBouncer, Supabase) gives each transaction another connection of the server, where a
# statement that was prepared before is unknown, or another's. An unnamed one is prepared anew for each use, and leaves
# nothing behind (docs.sqlalchemy.org/en/20/dialects/postgresql.html, "Prepared Statement Name with PGBouncer").
_BEHIND_A_POOLER: Final = {
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": lambda: "",
}


class Migration(StrEnum):
    """What a start did to the tables; the values are the events in the log."""

    CREATED = "database_created"
    CHANGED = "database_migrated"


class Database:
    """One database. Its sessions raise StorageUnavailable when it does not respond.

    ``driver_options`` are asyncpg's.
    """

    def __init__(
        self,
        url: sa.URL,
        *,
        driver_options: Mapping[str, Any] | None = None,
        answer_seconds: float = ANSWER_SECONDS,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        self._answer_seconds = answer_seconds
        self._sqlite = sqlite_file(url)
        options: dict[str, Any] = {"hide_parameters": True}  # in error texts
        if self._sqlite is None:
            connect_args = {"timeout": CONNECT_SECONDS, **_BEHIND_A_POOLER, **(driver_options or {})}
            options |= {"connect_args": connect_args, "pool_pre_ping": True}
        else:
            options |= {"connect_args": {"timeout": busy_seconds}}
        self._engine = create_async_engine(url, **options)
        if self._sqlite is not None:
            _tune_sqlite(self._engine.sync_engine)
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        self.running: set[asyncio.Task[Any]] = set()
        self._writers = asyncio.Semaphore(1 if self._sqlite is not None else 8)

    async def close(self) -> None:
        """Wait for running units of work, then close every connection."""
        if self.running:
            await asyncio.wait(self.running)
        await self._engine.dispose()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Open a session for reading."""
        with _mapped_errors():
            async with asyncio.timeout(self._answer_seconds), self._sessions() as session:
                yield session

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """Open a session that commits at the end of the block, or rolls back."""
        with _mapped_errors():
            async with asyncio.timeout(self._answer_seconds), self._writers, self._sessions() as session:
                _ = await session.connection(execution_options={"writes": True})
                yield session
                await session.commit()

    async def all(self, query: sa.Select[T]) -> list[T]:
        """Return what a query for one column or record finds."""
        async with self.reading() as session:
            return [*await session.scalars(query)]

    async def first(self, query: sa.Select[T]) -> T | None:
        """Return the first that such a query finds, or None."""
        async with self.reading() as session:
            return await session.scalar(query)

    async def do(self, statement: sa.UpdateBase) -> None:
        """Carry out one statement."""
        async with self.writing() as session:
            await session.execute(statement)

    async def empty_log(self) -> None:
        """Empty SQLite's write-ahead log, which keeps what was deleted; if somebody reads, the next call does it.

        Whoever deletes personal data calls it then, and upkeep every minute.
        """
        if self._sqlite is None:
            return
        with suppress(StorageUnavailable), _mapped_errors():
            async with asyncio.timeout(self._answer_seconds), self._writers, self._engine.connect() as connection:
                driver: Any = (await connection.get_raw_connection()).driver_connection
                await driver.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")  # outside of any transaction

    async def migrate(self) -> Migration | None:
        """Migrate the tables, one process at a time; return what that changed.

        Raises:
            SettingsError: a newer version of the bot has migrated them.
            sqlalchemy.exc.SQLAlchemyError, OSError: the database is unreachable or unusable.
        """
        self._make_file()
        async with self._engine.connect() as connection:
            _ = await connection.execution_options(writes=True)
            async with connection.begin():
                if self._sqlite is None:
                    await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
                return await connection.run_sync(_upgrade)

    async def probe(self) -> bool:
        """Check that the database responds, without changing its tables; return whether it has any.

        Raises:
            sqlalchemy.exc.SQLAlchemyError, OSError: the database is unreachable.
        """
        self._make_file()
        async with self._engine.connect() as connection:
            return bool(await connection.run_sync(_revision))

    def _make_file(self) -> None:
        """Create SQLite's file, readable only by its owner; SQLite gives its side files the same mode."""
        if self._sqlite is not None:
            self._sqlite.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self._sqlite, os.O_RDWR | os.O_CREAT, 0o600))


class UsesDatabase(Protocol):
    """Anything with a database."""

    _database: Database


S = TypeVar("S", bound=UsesDatabase)


def unit_of_work(
    method: Callable[Concatenate[S, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Run a method to its end, even if its caller is cancelled.

    A connection cancelled in the middle of a statement may never close, and would keep the process from exiting.
    """

    @wraps(method)
    async def run_to_end(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        running = self._database.running
        task = asyncio.create_task(method(self, *args, **kwargs))
        running.add(task)
        task.add_done_callback(running.discard)
        return await shielded(task)

    return run_to_end


def newest_revision() -> str:
    """Return the number with which the file of the newest migration begins, which is its revision."""
    return max(file.name[:4] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _revision(connection: sa.Connection) -> str | None:
    """Return the revision that Alembic has noted, or None where it made no tables yet."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    noted: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return noted


def _upgrade(connection: sa.Connection) -> Migration | None:
    before = _revision(connection)
    if before == newest_revision():
        return None
    from fileflare_bot.storage.upgrade import upgrade  # noqa: PLC0415 - Alembic is not needed for most starts

    upgrade(connection)
    return Migration.CREATED if before is None else Migration.CHANGED


@contextmanager
def _mapped_errors() -> Iterator[None]:
    try:
        yield
    except (DataError, IntegrityError, ProgrammingError):
        raise  # our own bugs
    except (DBAPIError, PoolTimeoutError, OSError, TimeoutError) as error:
        raise StorageUnavailable(type(error).__name__) from error


def _tune_sqlite(engine: sa.Engine) -> None:
    """Read while writing (WAL), take the write lock at once, and keep commits through a power cut (FULL).

    What is deleted is overwritten.
    """

    @sa.event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's
        connection.isolation_level = None  # the driver leaves transactions to us
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
