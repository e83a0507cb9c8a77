"""The tickets whose stage has ended: what the bot does because nobody else has done anything."""

from typing import Final

import sqlalchemy as sa

from fileflare_bot.storage.database import Database, unit_of_work, utc_now
from fileflare_bot.storage.leases import Shards, within
from fileflare_bot.storage.models import GuildRow, TicketRow
from fileflare_bot.storage.records import NewNote, Resolution, Stage
from fileflare_bot.storage.stages import has_ended
from fileflare_bot.storage.ticket_rows import TicketRows, locked

MOST_AT_ONCE: Final = 20  # tickets whose stage has ended, in one round: Discord dislikes many direct messages at once


class EndedStages:
    """Reminds moderators, asks silent customers, and closes their tickets, each at most once a stage."""

    def __init__(self, database: Database, rows: TicketRows) -> None:
        self._database = database
        self._rows = rows

    @unit_of_work
    async def ids(self, shards: Shards | None = None) -> list[int]:
        """Return the tickets whose stage has ended, those that ended first; none of a guild that the bot has left."""
        ended = TicketRow.stage_ends_at <= utc_now(), GuildRow.left_at.is_(None), within(shards, TicketRow.guild_id)
        query = sa.select(TicketRow.id).join(GuildRow, GuildRow.guild_id == TicketRow.guild_id).where(*ended)
        return await self._database.all(query.order_by(TicketRow.stage_ends_at).limit(MOST_AT_ONCE))

    @unit_of_work
    async def remind(self, ticket_id: int, note: NewNote) -> None:
        """Write a reminder for the moderator who has taken a ticket, or for all, if nobody has answered it in time."""
        async with self._database.writing() as session:
            row = await locked(session, ticket_id)
            if has_ended(row, Stage.WAITING):
                self._rows.note(session, row, note, mention=row.taken_by)
                row.stage, row.stage_ends_at = Stage.REMINDED, None

    @unit_of_work
    async def ask(self, ticket_id: int, bot_id: int, text: str) -> None:
        """Ask a ticket's customer whether the answer has helped, if they have been silent since."""
        async with self._database.writing() as session:
            row = await locked(session, ticket_id)
            if has_ended(row, Stage.ANSWERED):
                self._rows.write(session, row, bot_id, text, from_moderator=True, asking=True)
                row.stage, row.stage_ends_at = Stage.ASKING, None

    @unit_of_work
    async def close_silent(self, ticket_id: int, bot_id: int, text: str) -> None:
        """Close a ticket with a last message to its customer, if they were asked and have been silent since."""
        async with self._database.writing() as session:
            row = await locked(session, ticket_id)
            if has_ended(row, Stage.ASKED):
                await self._rows.resolve(session, row, bot_id, Resolution.NO_REPLY)
                self._rows.write(session, row, bot_id, text, from_moderator=True, closing=True)
