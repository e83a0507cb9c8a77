"""Operations that lock several rows on PostgreSQL lock them in the order in which the others do."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from storage.samples import CUSTOMER, GUILD, connected, new_ticket, settings

from fileflare_bot.storage.models import GuildRow, NoteRow, TicketRow
from fileflare_bot.storage.records import NewNote
from fileflare_bot.storage.storage import Storage, open_storage

Operation = Callable[[Storage], Coroutine[Any, Any, None]]
TICKET = sa.select(TicketRow.id).with_for_update()
WAITING = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")


async def posted(storage: Storage) -> None:
    """Record that the note is in the thread."""
    await storage.intents.note_posted(1, 1)


async def forgotten(storage: Storage) -> None:
    """Delete what is stored about the customer."""
    await storage.personal_data.forget(CUSTOMER)


async def somebody_waits(connection: AsyncConnection) -> None:
    while not (await connection.execute(WAITING)).scalar_one():  # noqa: ASYNC110 - PostgreSQL tells nobody
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)  # SQLite has one writer at a time
@pytest.mark.parametrize(
    ("operation", "first", "then"),
    [
        (posted, TICKET, sa.delete(NoteRow)),  # as begin() does
        (forgotten, sa.select(GuildRow.guild_id).where(GuildRow.guild_id == GUILD).with_for_update(), TICKET),
    ],
)
async def test_an_operation_that_meets_another_waits_for_it_and_does_not_lock_it_out(
    url: str, operation: Operation, first: sa.Executable, then: sa.Executable
) -> None:
    async with open_storage(settings(url)) as storage:
        await storage.tickets.file(new_ticket(), screenshot_note=NewNote("Ask for it again.", "open"))
        async with connected(url) as other:
            await other.execute(first)
            running = asyncio.create_task(operation(storage))
            await somebody_waits(other)
            await other.execute(then)

        await running
