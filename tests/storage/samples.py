"""Made-up settings and tickets, and direct access to the database."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from forking import inherited
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from fileflare_bot.database_url import database_url
from fileflare_bot.orders.diagnosis import Finding
from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.settings import Settings
from fileflare_bot.storage.records import NewTicket, Ticket, TicketDetails, Topic
from fileflare_bot.storage.storage import Storage

ROOT: Final = Path(__file__).parents[2]
KEY: Final = "WgRa0SUPwhdM_2Gq7pjwCeqpvRILJKr_dHCQ4DsIlgg="  # a key's halves sign and encrypt, so no two share one
NEWER_KEY: Final = "8lc11_K37dOllAfPuBQ17cW2WJpjqOBxFkzJVo52sT4="
GUILD: Final = 2**62
ELSEWHERE: Final = 2**62 + 1
CUSTOMER: Final = 2**61
STRANGER: Final = 2**61 + 1
MODERATOR: Final = 2**60
COLLEAGUE: Final = 2**60 + 1


def settings(url: str, *, keys: Iterable[str] = (KEY,), **given: Any) -> Settings:  # noqa: ANN401 - Settings' fields
    """Return settings with this database."""
    return Settings(
        _env_file=None,
        discord_token=SecretStr("this-is-no-real-token.test.this-is-no-real-token"),
        database_url=SecretStr(url),
        secret_keys=tuple(SecretStr(key) for key in keys),
        **given,
    )


def new_ticket(
    user_id: int = CUSTOMER,
    token: str | None = None,
    words: str = "",
    *,
    guild_id: int = GUILD,
    findings: tuple[Finding, ...] = (),
    order_number: str = "",
    name: str = "",
) -> NewTicket:
    """Return a ticket as a customer would file it."""
    reference = None if token is None else OrderReference(token)
    details = TicketDetails(order_number, findings, words, reference, name)
    return NewTicket(guild_id, user_id, 7, "en", Topic.DOWNLOAD_FAILS, details)


async def file(storage: Storage, *given: Any, **more: Any) -> Ticket:  # noqa: ANN401 - arguments of new_ticket
    """File a ticket, which must be a new one."""
    filed = await storage.tickets.file(new_ticket(*given, **more))
    assert not filed.existing
    return filed.ticket


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[AsyncConnection]:
    """Open a separate connection, and commit its changes."""
    engine = create_async_engine(database_url(url), poolclass=NullPool)
    async with engine.begin() as connection:
        yield connection
    await engine.dispose()


async def execute(url: str, statement: sa.Executable) -> None:
    """Change something behind the storage's back."""
    async with connected(url) as connection:
        await connection.execute(statement)


@contextmanager
def statements(storage: Storage) -> Iterator[list[tuple[str, Any]]]:
    """Collect the statements that the storage's database is asked, with their parameters."""
    asked: list[tuple[str, Any]] = []

    def asking(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        asked.append((statement, parameters))

    engine = storage._database._engine.sync_engine  # noqa: SLF001 - what it is asked is what is promised
    sa.event.listen(engine, "before_cursor_execute", asking)
    yield asked
    sa.event.remove(engine, "before_cursor_execute", asking)


@asynccontextmanager
async def held(url: str) -> AsyncIterator[None]:
    """Block all other writers to the database."""
    sqlite = url.startswith("sqlite")
    async with connected(url) as connection:
        await connection.exec_driver_sql("BEGIN IMMEDIATE" if sqlite else "LOCK TABLE servers IN EXCLUSIVE MODE")
        yield


async def python(script: str, *arguments: str) -> Process:
    """Start a Python process."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        script,
        *arguments,
        stdin=PIPE,
        stdout=PIPE,
        env={**inherited(), "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
    )


async def at_once(script: str, arguments: Iterable[tuple[str, ...]]) -> list[list[str]]:
    """Start processes, let them go on together when all are ready, and return the lines of each."""
    processes = [await python(script, *given) for given in arguments]
    for process in processes:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    outputs = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0] * len(processes)
    return [output.decode().splitlines() for output, _ in outputs]
