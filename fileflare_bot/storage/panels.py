"""The panels that the bot has posted, so that they follow the settings."""

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from fileflare_bot.storage.database import Database, unit_of_work, utc_now
from fileflare_bot.storage.guild_rows import ensure_guild, insert, keep_newest, lock_guild
from fileflare_bot.storage.guilds import show_panels_again
from fileflare_bot.storage.leases import Shards, within
from fileflare_bot.storage.models import GuildRow, PanelRow
from fileflare_bot.storage.options import stored_options
from fileflare_bot.storage.postponing import postpone, postpone_rows
from fileflare_bot.storage.records import Panel

MOST_PANELS: Final = 25  # of a guild; the oldest is forgotten


class StoredPanels:
    """All panels; one is due while Discord may not show it as the settings want it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @unit_of_work
    async def want(self, guild_id: int, channel_id: int, locale: str, at: datetime) -> int:
        """Intend to post a panel in a channel, once until it is posted; return its ID.

        ``at`` is when the owner asked for it. The first try is the owner's own, so it is not due at once.
        """
        waiting = PanelRow.channel_id == channel_id, PanelRow.message_id.is_(None)
        async with self._database.writing() as session:
            await ensure_guild(session, guild_id)
            await lock_guild(session, guild_id)
            row = await session.scalar(sa.select(PanelRow).where(PanelRow.guild_id == guild_id, *waiting))
            if row is None:
                row = PanelRow(**_new(guild_id, channel_id, locale, at), message_id=None, attempts=0)
                session.add(row)
            postpone(row)
            await session.flush()
            await keep_newest(session, PanelRow, MOST_PANELS, PanelRow.guild_id == guild_id)
            return row.id

    @unit_of_work
    async def learn(self, guild_id: int, channel_id: int, message_id: int, locale: str) -> int | None:
        """Remember a panel that is there already, and intend to update it; return its ID, None if it was known."""
        async with self._database.writing() as session:
            await ensure_guild(session, guild_id)
            now = utc_now()
            new = _new(guild_id, channel_id, locale, now)
            row = insert(session)(PanelRow).values(**new, message_id=message_id, retry_at=now)
            panel_id: int | None = await session.scalar(row.on_conflict_do_nothing().returning(PanelRow.id))
            await keep_newest(session, PanelRow, MOST_PANELS, PanelRow.guild_id == guild_id)
            return panel_id

    @unit_of_work
    async def get(self, panel_id: int) -> Panel | None:
        """Return a panel, None if it is forgotten."""
        return next(iter(await self._read(PanelRow.id == panel_id)), None)

    @unit_of_work
    async def of_guild(self, guild_id: int) -> list[Panel]:
        """Return a guild's panels, the oldest first."""
        return await self._read(PanelRow.guild_id == guild_id)

    @unit_of_work
    async def due(self, shards: Shards | None = None) -> list[int]:
        """Return the IDs of the panels that are to be posted or changed now, those that wait longest first."""
        query = sa.select(PanelRow.id).join(GuildRow, GuildRow.guild_id == PanelRow.guild_id)
        due = PanelRow.retry_at <= utc_now(), GuildRow.left_at.is_(None), within(shards, PanelRow.guild_id)
        query = query.where(*due).order_by(PanelRow.retry_at)
        return await self._database.all(query)

    @unit_of_work
    async def show_again(self, guild_id: int) -> None:
        """Intend to bring all panels of a guild in line, also those that seem to be."""
        async with self._database.writing() as session:
            await show_panels_again(session, guild_id)

    @unit_of_work
    async def shown(self, panel: Panel, message_id: int) -> None:
        """Record that a message shows a panel as it was read; what was changed since stays due.

        A message that is another panel's already is remembered once. Older panels in the channel become due: they are
        to be taken down.
        """
        async with self._database.writing() as session:
            await lock_guild(session, panel.guild_id)
            row = await session.get(PanelRow, panel.id, with_for_update=True)
            if row is None:
                return
            theirs = PanelRow.guild_id == panel.guild_id
            if panel.message_id is None:
                older = sa.update(PanelRow).where(theirs, PanelRow.channel_id == panel.channel_id)
                now = utc_now()
                await session.execute(
                    older.where(PanelRow.message_id < message_id).values(wanted_at=now, retry_at=now, attempts=0)
                )
            its = theirs, PanelRow.message_id == message_id, PanelRow.id != panel.id
            if await session.scalar(sa.select(PanelRow.id).where(*its)) is not None:
                await session.delete(row)
                return
            # An earlier try may have posted it before the settings changed.
            as_wanted = panel.message_id is not None or row.wanted_at == row.created_at
            row.message_id, row.attempts = message_id, 0
            if as_wanted and row.wanted_at == panel.wanted_at:
                row.retry_at = None

    @unit_of_work
    async def postponed(self, panel_id: int) -> None:
        """Try a panel again after a pause."""
        await postpone_rows(self._database, PanelRow, PanelRow.id == panel_id)

    @unit_of_work
    async def given_up(self, panel_id: int) -> None:
        """Leave a panel as it is until the next change."""
        await self._database.do(sa.update(PanelRow).where(PanelRow.id == panel_id).values(retry_at=None))

    @unit_of_work
    async def forget(self, panel_id: int) -> None:
        """Forget a panel that is gone."""
        await self._database.do(sa.delete(PanelRow).where(PanelRow.id == panel_id))

    async def _read(self, its: sa.ColumnElement[bool]) -> list[Panel]:
        newer = aliased(PanelRow)
        theirs = newer.guild_id == PanelRow.guild_id, newer.channel_id == PanelRow.channel_id
        replaced = sa.exists().where(*theirs, newer.message_id > PanelRow.message_id)
        query = sa.select(PanelRow, GuildRow.options, replaced)
        query = query.outerjoin(GuildRow, GuildRow.guild_id == PanelRow.guild_id)
        async with self._database.reading() as session:
            rows = (await session.execute(query.where(its).order_by(PanelRow.id))).all()
        return [
            Panel(
                row.id,
                row.guild_id,
                row.channel_id,
                row.message_id,
                row.locale,
                row.created_at,
                row.wanted_at,
                row.retry_at is not None,
                row.attempts > 0,
                replaced,
                stored_options(options or {}),
            )
            for row, options, replaced in rows
        ]


def _new(guild_id: int, channel_id: int, locale: str, at: datetime) -> dict[str, Any]:
    return {"guild_id": guild_id, "channel_id": channel_id, "locale": locale, "created_at": at, "wanted_at": at}
