"""For whom a ticket waits, since when, and when the bot is to do something about it.

A stage begins in the transaction of what brings it about. Its end follows from the guild's options, which are read
then and whenever they change, so that one index finds what is due.
"""

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from fileflare_bot.storage.database import utc_now
from fileflare_bot.storage.models import GuildRow, MessageRow, NoteRow, TicketRow
from fileflare_bot.storage.options import Options, stored_options
from fileflare_bot.storage.records import WAITS_FOR_MODERATORS, Delivery, Stage

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


async def begin(session: AsyncSession, row: TicketRow, stage: Stage | None) -> None:
    """Begin a stage of a ticket now, None if it waits for nobody; the guild's row must be locked.

    A reminder or a question of the stage before that has not been posted yet is dropped.
    """
    unasked = MessageRow.ticket_id == row.id, MessageRow.asking, MessageRow.retry_at.is_not(None)
    await session.execute(sa.delete(MessageRow).where(*unasked))
    await session.execute(sa.delete(NoteRow).where(NoteRow.ticket_id == row.id, NoteRow.reminder))
    stored = await session.scalar(sa.select(GuildRow.options).where(GuildRow.guild_id == row.guild_id))
    row.stage, row.stage_since = stage, utc_now()
    row.stage_ends_at = _end(stage, row.stage_since, stored_options(stored))


async def begin_silence(session: AsyncSession, row: TicketRow, answer: MessageRow) -> None:
    """Begin a customer's silence, as an answer has just been delivered to them.

    None begins if it has not arrived, or if the customer has written or added something since it was given. A question
    that has not arrived ends the matter: nobody's ticket is closed who was not asked. What closed a ticket begins
    nothing: if it arrives after a reopening, the moderators still owe an answer.
    """
    if answer.closing or row.resolved or row.stage in WAITS_FOR_MODERATORS:
        return
    arrived = answer.delivery in {Delivery.MESSAGE, Delivery.MENTION}
    latest = sa.select(sa.func.max(MessageRow.id)).where(MessageRow.ticket_id == row.id)
    if await session.scalar(latest) == answer.id:
        reached = Stage.ASKED if answer.asking else Stage.ANSWERED
        await begin(session, row, reached if arrived else None)


def has_ended(row: TicketRow, stage: Stage) -> bool:
    """Return whether a ticket has been in this stage for as long as the guild's options say."""
    return row.stage == stage and row.stage_ends_at is not None and row.stage_ends_at <= utc_now()


def periods(guild: GuildRow) -> tuple[int | None, int | None]:
    """Return the options that say how long a guild's stages last."""
    options = stored_options(guild.options)
    return options.remind_after_hours, options.close_after_days


async def reschedule(session: AsyncSession, guild: GuildRow) -> None:
    """Compute the ends of the stages of a guild's open tickets anew, as its options have changed.

    A customer who was asked has been told how long they have, so they keep that time. If closing is switched off, the
    question no longer counts, and they are asked anew if it is switched on again. A question that has not arrived is
    taken back, as it names the days.
    """
    options = stored_options(guild.options)
    columns = TicketRow.id, TicketRow.stage, TicketRow.stage_since, TicketRow.stage_ends_at
    its_open = TicketRow.guild_id == guild.guild_id, ~TicketRow.resolved, TicketRow.stage.is_not(None)
    asking = MessageRow.asking, MessageRow.retry_at.is_not(None)
    its_asking = MessageRow.ticket_id.in_(sa.select(TicketRow.id).where(*its_open, TicketRow.stage == Stage.ASKING))
    await session.execute(sa.delete(MessageRow).where(its_asking, *asking))
    changed = []
    for ticket_id, stage, since, ended_at in await session.execute(
        sa.select(*columns).where(*its_open).order_by(TicketRow.id)
    ):
        now = Stage.ANSWERED if stage == Stage.ASKING else stage
        ends_at = _end(now, since, options)
        if stage == Stage.ASKED and ends_at is not None and ended_at is not None:
            ends_at = max(ends_at, ended_at)
        elif stage == Stage.ASKED:
            now = Stage.ANSWERED
        changed.append({"id": ticket_id, "stage": now, "stage_ends_at": ends_at})
    if changed:
        await session.execute(sa.update(TicketRow), changed)


def _end(stage: str | None, since: datetime | None, options: Options) -> datetime | None:
    """Return when a stage ends by itself, None if never."""
    hours, days = options.remind_after_hours, options.close_after_days
    if since is not None and hours is not None and stage == Stage.WAITING:
        return since + hours * HOUR
    if since is not None and days is not None and stage in {Stage.ANSWERED, Stage.ASKED}:
        return since + days * DAY
    return None
