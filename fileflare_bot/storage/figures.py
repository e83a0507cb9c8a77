"""Statistics of a guild's tickets."""

import math
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
NEWEST: Final = 200  # tickets from which the usual time to an answer is computed
LATELY: Final = timedelta(days=30)
FEWEST_ANSWERS: Final = 5  # of fewer, no usual time is told
MOST: Final = 0.8  # of the tickets
LONG: Final = timedelta(days=1)  # who waits longer counts as answered now
_HOURS: Final = (0.25, 1, 3, 12, 24, 3 * 24, 7 * 24)  # to which the usual time is rounded up


class Figures:
    """Computes the statistics."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @unit_of_work
    async def open_tickets(self, guild_id: int) -> int:
        """Return how many of a guild's tickets are open."""
        return await self._database.first(_open_tickets(guild_id)) or 0

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

    @unit_of_work
    async def usual_answer_time(self, guild_id: int) -> float | None:
        """Return within how many seconds most of a guild's tickets of 30 days were answered; None if nobody can say.

        It is rounded up to a quarter of an hour, 1, 3 or 12 hours, 1, 3 or 7 days.
        """
        now = utc_now()
        columns = TicketRow.created_at, TicketRow.answered_at, TicketRow.resolved
        query = sa.select(*columns).where(TicketRow.guild_id == guild_id).order_by(TicketRow.number.desc())
        async with self._database.reading() as session:
            rows = (await session.execute(query.limit(NEWEST))).all()
        rows = [row for row in rows if now - row.created_at < LATELY]
        answered = [row.answered_at - row.created_at for row in rows if row.answered_at is not None]
        if len(answered) < FEWEST_ANSWERS:
            return None
        waiting = [now - row.created_at for row in rows if row.answered_at is None and not row.resolved]
        times = sorted([*answered, *(time for time in waiting if time > LONG)])
        usual = times[math.ceil(MOST * len(times)) - 1]
        return next((hours * 3600 for hours in _HOURS if usual <= timedelta(hours=hours)), None)


def _open_tickets(guild_id: int) -> sa.Select[int]:
    still_open = TicketRow.guild_id == guild_id, ~TicketRow.resolved
    return sa.select(sa.func.count()).select_from(TicketRow).where(*still_open)


def _median(times: Iterable[tuple[datetime, datetime | None]]) -> float | None:
    seconds = [(end - start).total_seconds() for start, end in times if end is not None]
    return median(seconds) if seconds else None
