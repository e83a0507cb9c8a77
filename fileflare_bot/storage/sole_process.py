"""A SQLite database has one process at a time; a second one waits for the first to leave."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Final

import structlog

from fileflare_bot.settings import SettingsError

WAIT_SECONDS: Final = 60.0  # a new version often starts before the old one has ended
LOOK_SECONDS: Final = 0.5
_IN_USE: Final = (
    "DATABASE_URL names a file that another process of the bot has open, and SQLite serves one: stop that process. For "
    "several, use PostgreSQL."
)

log = structlog.stdlib.get_logger(__name__)


@asynccontextmanager
async def sole_process(database: Path) -> AsyncIterator[None]:
    """Be the only process with this database inside the block; wait up to 60 s for another to leave.

    What shows it is SQLite's own lock of a second, empty file beside the database: it holds wherever the database's
    locks hold, and ends with its process, however that ends. The database itself stays open to --check and --backup.

    Raises:
        SettingsError: another process does not leave.
    """
    with closing(_opened(database.with_name(f"{database.name}.lock"))) as connection:
        loop = asyncio.get_running_loop()
        deadline, said = loop.time() + WAIT_SECONDS, False
        while _in_use(connection):
            if loop.time() >= deadline:
                raise SettingsError([_IN_USE])
            if not said:
                log.warning("database_in_use", note="Another process has it open; I wait for it to leave.")
            said = True
            await asyncio.sleep(LOOK_SECONDS)
        yield


def _opened(file: Path) -> sqlite3.Connection:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
        return sqlite3.connect(file, timeout=0, isolation_level=None)
    except (OSError, sqlite3.Error):  # the storage says why that folder cannot be used
        return sqlite3.connect(":memory:", isolation_level=None)


def _in_use(connection: sqlite3.Connection) -> bool:
    """Lock the file until the connection closes; return whether another process has it."""
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode == sqlite3.SQLITE_BUSY
    return False
