"""Deletes old data: resolved tickets, audit entries, forgiven misses, and the data of guilds that the bot has left."""

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from fileflare_bot.misses import FORGIVEN_AFTER
from fileflare_bot.storage.claims import KEEP_FORGOTTEN
from fileflare_bot.storage.database import Database, unit_of_work, utc_now
from fileflare_bot.storage.intents import add_card_removals
from fileflare_bot.storage.models import (
    AuditRow,
    CannedAnswerRow,
    ClaimRow,
    GuildRow,
    MissesRow,
    PanelRow,
    PropertyRow,
    RemovalRow,
    RoleGrantRow,
    SeenProductRow,
    TicketRow,
)
from fileflare_bot.storage.ticket_rows import card_of

OF_GUILDS: Final = (
    TicketRow,
    AuditRow,
    ClaimRow,
    RoleGrantRow,
    RemovalRow,
    PanelRow,
    PropertyRow,
    SeenProductRow,
    CannedAnswerRow,
    GuildRow,
)
DELETED_AT_ONCE: Final = 100  # tickets in a transaction: other writers wait for it
ENTRIES_AT_ONCE: Final = 1000  # audit entries, which take less time


class Retention:
    """Deletes data older than a number of days."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @unit_of_work
    async def delete_resolved(self, days: int) -> int:
        """Delete tickets resolved more than ``days`` ago, with their cards, and audit entries that old.

        Return how many tickets.
        """
        before = utc_now() - timedelta(days=days)
        count = 0
        while deleted := await self._delete_tickets(before):
            count += deleted
        while await self._delete_entries(before):
            pass
        await self._database.empty_log()
        return count

    async def _delete_tickets(self, before: datetime) -> int:
        oldest = sa.select(TicketRow.id).where(TicketRow.resolved_at < before).order_by(TicketRow.resolved_at)
        old = sa.delete(TicketRow).where(TicketRow.id.in_(oldest.limit(DELETED_AT_ONCE)))
        async with self._database.writing() as session:
            rows = (await session.scalars(old.returning(TicketRow))).all()
            for row in rows:
                add_card_removals(session, row.guild_id, card_of(row))
        return len(rows)

    async def _delete_entries(self, before: datetime) -> int:
        its_ticket = TicketRow.guild_id == AuditRow.guild_id, TicketRow.number == AuditRow.number
        oldest = sa.select(AuditRow.id).where(AuditRow.at < before, ~sa.exists().where(*its_ticket))
        oldest = oldest.order_by(AuditRow.at).limit(ENTRIES_AT_ONCE)
        async with self._database.writing() as session:
            old = sa.delete(AuditRow).where(AuditRow.id.in_(oldest)).returning(AuditRow.id)
            return len((await session.scalars(old)).all())

    @unit_of_work
    async def delete_left_guilds(self, days: int) -> list[int]:
        """Delete all data of guilds that the bot left more than ``days`` ago; return their IDs."""
        before = utc_now() - timedelta(days=days)
        async with self._database.writing() as session:
            left = (await session.scalars(sa.select(GuildRow.guild_id).where(GuildRow.left_at < before))).all()
            for table in OF_GUILDS if left else ():
                await session.execute(
                    sa.delete(table).where(table.guild_id.in_(left)).execution_options(synchronize_session=False)
                )
        await self._database.empty_log()
        return list(left)

    @unit_of_work
    async def delete_forgotten_claims(self, age: timedelta = KEEP_FORGOTTEN) -> int:
        """Delete the claims whose user had their data deleted that long ago; return how many."""
        old = ClaimRow.forgotten_at < utc_now() - age
        async with self._database.writing() as session:
            return len((await session.scalars(sa.delete(ClaimRow).where(old).returning(ClaimRow.id))).all())

    @unit_of_work
    async def delete_forgiven_misses(self) -> None:
        """Delete the misses of users and guilds that have had none for six hours."""
        await self._database.do(sa.delete(MissesRow).where(MissesRow.last_at < utc_now() - FORGIVEN_AFTER))
