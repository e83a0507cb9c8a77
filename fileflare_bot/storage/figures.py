"""Statistics of a guild's tickets."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from statistics import median
from typing import Final

import sqlalchemy as sa

from fileflare_bot.storage.database import Database, unit_of_work, utc_now
from fileflare_bot.storage.models import TicketRow
from fileflare_bot.storage.records import Statistics

COMMONEST: Final = 5  # kinds of findings


class Figures:
    """Computes the statistics."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @unit_of_work
    async def open_tickets(self, guild_id: int) -> int:
        """Return how many of a guild's tickets are open."""
        async with self._database.reading() as session:
            return await session.scalar(_open_tickets(guild_id)) or 0

    @unit_of_work
    async def of_guild(self, guild_id: int, days: int) -> Statistics:
        """Return the statistics of the tickets filed in the last ``days``; ``open`` counts all open tickets."""
        lately = TicketRow.guild_id == guild_id, TicketRow.created_at > utc_now() - timedelta(days=days)
        columns = TicketRow.created_at, TicketRow.answered_at, TicketRow.resolved_at, TicketRow.kinds
        async with self._database.reading() as session:
            rows = (await session.execute(sa.select(*columns).where(*lately))).all()
            open_now = await session.scalar(_open_tickets(guild_id))
        kinds = Counter(kind for row in rows for kind in row.kinds)
        return Statistics(
            days=days,
            filed=len(rows),
            open=open_now or 0,
            to_first_answer=_median((row.created_at, row.answered_at) for row in rows),
            to_resolution=_median((row.created_at, row.resolved_at) for row in rows),
            commonest=tuple(kinds.most_common(COMMONEST)),
        )


def _open_tickets(guild_id: int) -> sa.Select[int]:
    still_open = TicketRow.guild_id == guild_id, ~TicketRow.resolved
    return sa.select(sa.func.count()).select_from(TicketRow).where(*still_open)


def _median(times: Iterable[tuple[datetime, datetime | None]]) -> float | None:
    seconds = [(end - start).total_seconds() for start, end in times if end is not None]
    return median(seconds) if seconds else None
