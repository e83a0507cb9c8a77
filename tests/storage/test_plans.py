"""Nothing reads a table that grows as a whole; see plans.py, which looks at what all storage tests do."""

import asyncio

import pytest
import sqlalchemy as sa
from storage.plans import Asked, Plans
from storage.samples import CUSTOMER, GUILD, connected

from fileflare_bot.storage.leases import Shards
from fileflare_bot.storage.models import AuditRow, NoteRow, TicketRow
from fileflare_bot.storage.storage import Storage


@pytest.mark.parametrize("shards", [None, Shards((0, 2), 4)], ids=["all", "some"])
async def test_what_every_minute_asks_for_is_found_through_indexes(storage: Storage, shards: Shards | None) -> None:
    for due in (
        storage.ended_stages.ids,
        storage.intents.due_tickets,
        storage.role_grants.due_members,
        storage.intents.due_removals,
        storage.guilds.due_leak_guards,
        storage.panels.due,
        storage.intents.due_logs,
    ):
        assert await due(shards) == []
    await storage.tend()


async def test_the_plans_are_of_the_partial_indexes_that_the_migrations_make(plans: Plans) -> None:
    query = sa.text("SELECT indexdef FROM pg_indexes WHERE indexname = 'uq_help_requests_open'")
    async with connected(plans.postgresql) as connection:
        assert " WHERE " in (await connection.execute(query)).scalar_one()


@pytest.mark.parametrize(
    "query",
    [
        sa.select(TicketRow.id).where(TicketRow.channel_id == CUSTOMER),
        sa.select(AuditRow.guild_id).distinct(),
        sa.select(NoteRow.id).join(TicketRow).where(TicketRow.locale == "en"),
        sa.update(TicketRow).values(taken_by=CUSTOMER),
        sa.delete(AuditRow).where(AuditRow.guild_id % 2 == GUILD % 2),
    ],
)
async def test_what_reads_a_table_as_a_whole_is_noticed(
    storage: Storage, query: sa.Executable, statements: Asked, plans: Plans
) -> None:
    statements.clear()
    async with storage._database.writing() as session:  # noqa: SLF001 - a query that no operation has
        await session.execute(query)

    (asked,) = statements.items()
    statements.clear()
    assert await asyncio.to_thread(plans.scans, dict([asked]))
