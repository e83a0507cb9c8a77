"""Operations that lock several rows on PostgreSQL lock them in the order in which the others do."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from storage.samples import CUSTOMER, GUILD, connected, new_ticket, settings

from fileflare_bot.storage.models import GuildRow, NoteRow, TicketRow
from fileflare_bot.storage.records import NewNote, Topic
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


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)  # SQLite has one writer at a time
async def test_what_is_added_while_somebody_takes_the_ticket_is_shown_after_that(url: str) -> None:
    async with open_storage(settings(url)) as storage:
        ticket = (await storage.tickets.file(new_ticket())).ticket
        async with connected(url) as other:
            await other.execute(sa.update(TicketRow).values(version=TicketRow.version + 1))  # as take() does
            adding = asyncio.create_task(storage.tickets.file(replace(new_ticket(), topic=Topic.NO_EMAIL)))
            await somebody_waits(other)

        assert (await adding).ticket.version == ticket.version + 2
