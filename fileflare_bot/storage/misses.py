"""Misses that all processes count together, so that several processes do not allow several times the guesses."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa

from fileflare_bot.misses import NO_MISSES, Key, Misses
from fileflare_bot.storage.database import SOON_SECONDS, Database, unit_of_work
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.guild_rows import insert
from fileflare_bot.storage.models import MissesRow

T = TypeVar("T")


class StoredMisses:
    """The misses of users and guilds. A database that is away or slow holds up no lookup: it has no answer then."""

    def __init__(self, database: Database, is_available: Callable[[], bool]) -> None:
        self._database = database
        self._is_available = is_available

    async def read(self, keys: Collection[Key]) -> Mapping[Key, Misses]:
        """Return the misses of these users and guilds, as far as they have any; nothing without the database."""
        return await self._soon(self._read, keys)

    async def add(self, allowed: Mapping[Key, int], now: datetime) -> Mapping[Key, Misses]:
        """Count a miss of each of these users and guilds, which may have so many before they pause.

        Return all their misses; nothing without the database. A slow database counts it later.
        """
        return await self._soon(lambda given: self._add(given, now), allowed)

    async def _soon(self, work: Callable[[T], Awaitable[Mapping[Key, Misses]]], given: T) -> Mapping[Key, Misses]:
        if not self._is_available():
            return {}
        try:
            async with asyncio.timeout(SOON_SECONDS):
                return await work(given)
        except (StorageUnavailable, TimeoutError):
            return {}

    @unit_of_work
    async def _read(self, keys: Collection[Key]) -> dict[Key, Misses]:
        theirs = [sa.and_(MissesRow.user_id == user_id, MissesRow.guild_id == guild_id) for user_id, guild_id in keys]
        async with self._database.reading() as session:
            rows = await session.scalars(sa.select(MissesRow).where(sa.or_(*theirs)))
            return {(row.user_id, row.guild_id): misses_of(row) for row in rows}

    @unit_of_work
    async def _add(self, allowed: Mapping[Key, int], now: datetime) -> dict[Key, Misses]:
        added = {}
        async with self._database.writing() as session:
            for (user_id, guild_id), misses_allowed in allowed.items():
                new = insert(session)(MissesRow).values(
                    user_id=user_id, guild_id=guild_id, count=0, last_at=now, paused_until=NO_MISSES.paused_until
                )
                locked = new.on_conflict_do_update(  # changes nothing, but locks the row and returns it
                    index_elements=[MissesRow.user_id, MissesRow.guild_id], set_={"count": MissesRow.count}
                ).returning(MissesRow)
                row = (await session.scalars(locked)).one()
                misses = misses_of(row).one_more(misses_allowed, now)
                row.count, row.last_at, row.paused_until = misses.count, misses.last_at, misses.paused_until
                added[user_id, guild_id] = misses
        return added


def misses_of(row: MissesRow) -> Misses:
    """Return the misses of a row."""
    return Misses(row.count, row.last_at, row.paused_until)
