"""Leases: rights that one process has at a time, rows that expire by the database's clock.

No lock outlives its transaction, so they work behind a pooler in transaction mode, and of a process that was killed
nothing is left but a row that expires.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, Final, NamedTuple
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from fileflare_bot.storage.database import Database, unit_of_work
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.guild_rows import database_now, insert
from fileflare_bot.storage.models import LayoutRow, LeaseRow

_CLUSTER: Final = "cluster:"
_ONLY_ROW: Final = 1


class Shards(NamedTuple):
    """Some of a bot's shards, which are ``total``."""

    ids: tuple[int, ...]
    total: int


class Layout(NamedTuple):
    """Into how many clusters how many shards are divided."""

    shards: int
    clusters: int


class Cluster(NamedTuple):
    """A cluster, counted from 0, and how all of them are laid out."""

    number: int
    layout: Layout

    @property
    def name(self) -> str:
        """The name of its lease."""
        return f"{_CLUSTER}{self.number}"

    @property
    def shards(self) -> Shards:
        """Its shards: every so-and-so-manyth, so that no cluster has two more than another."""
        return Shards(tuple(range(self.number, self.layout.shards, self.layout.clusters)), self.layout.shards)


class Leases:
    """All leases, as one process takes and holds them; all calls raise StorageUnavailable if the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._holder = uuid4().hex

    @unit_of_work
    async def take(self, name: str, seconds: float) -> bool:
        """Take a lease for so many seconds; return False while it is held, be it by this process."""
        async with self._database.writing() as session:
            return await self._take(session, name, seconds)

    @unit_of_work
    async def release(self, name: str) -> None:
        """Give a lease back, unless somebody else has it by now."""
        await self._database.do(sa.delete(LeaseRow).where(*self._own(name)))

    @asynccontextmanager
    async def once(self, name: str, every: timedelta) -> AsyncIterator[bool]:
        """Say whether this process is to do a job now, which one process does at a time and so often at most.

        If the job fails, the next one tries again.
        """
        mine = await self.take(name, every.total_seconds())
        try:
            yield mine
        except Exception:
            if mine:
                with suppress(StorageUnavailable):
                    await self.release(name)
            raise

    # Clusters

    @unit_of_work
    async def layout(self) -> Layout | None:
        """Return how the clusters are laid out, None if no process holds any."""
        async with self._database.reading() as session:
            row = await session.get(LayoutRow, _ONLY_ROW) if await _held(session) else None
        return None if row is None else Layout(row.shards, row.clusters)

    @unit_of_work
    async def take_cluster(self, layout: Layout, seconds: float) -> Cluster | None:
        """Take a free cluster that has shards; None if there is none, or other processes have another layout.

        The layout changes only while nobody holds a cluster.
        """
        self._holder = uuid4().hex  # what is still under way for a cluster that was lost must not touch this one
        async with self._database.writing() as session:
            only = insert(session)(LayoutRow).values(id=_ONLY_ROW, **layout._asdict())
            locked = only.on_conflict_do_update(  # changes nothing, but locks the row and returns it
                index_elements=[LayoutRow.id], set_={"shards": LayoutRow.shards}
            )
            row = (await session.scalars(locked.returning(LayoutRow))).one()
            held = await _held(session)
            if not held:
                row.shards, row.clusters = layout
            elif (row.shards, row.clusters) != layout:
                return None
            for number in range(min(layout)):
                cluster = Cluster(number, layout)
                if cluster.name not in held and await self._take(session, cluster.name, seconds):
                    return cluster
        return None

    @unit_of_work
    async def renew(self, cluster: Cluster, seconds: float) -> int:
        """Hold a cluster on, for so many seconds from now; return how many are held, 0 if it is no longer ours."""
        async with self._database.writing() as session:
            renewed = sa.update(LeaseRow).where(*self._own(cluster.name)).returning(LeaseRow.name)
            found = await session.scalar(renewed.values(expires_at=database_now(session, seconds)))
            return 0 if found is None else len(await _held(session))

    async def _take(self, session: AsyncSession, name: str, seconds: float) -> bool:
        values: dict[str, Any] = {"holder": self._holder, "expires_at": database_now(session, seconds)}
        free = insert(session)(LeaseRow).values(name=name, **values)
        taken = free.on_conflict_do_update(
            index_elements=[LeaseRow.name], set_=values, where=LeaseRow.expires_at <= database_now(session)
        )
        return await session.scalar(taken.returning(LeaseRow.name)) is not None

    def _own(self, name: str) -> tuple[sa.ColumnElement[bool], ...]:
        return LeaseRow.name == name, LeaseRow.holder == self._holder


def within(shards: Shards | None, guild_id: Any) -> sa.ColumnElement[bool]:  # noqa: ANN401 - a column
    """Return the condition that a guild is one of these shards', or any for None.

    The rule is Discord's: discord.com/developers/docs/events/gateway#sharding.
    """
    return sa.true() if shards is None else (guild_id // 2**22 % shards.total).in_(shards.ids)


async def _held(session: AsyncSession) -> set[str]:
    """Return the names of the clusters that a process holds."""
    held = LeaseRow.name.startswith(_CLUSTER), LeaseRow.expires_at > database_now(session)
    return {*await session.scalars(sa.select(LeaseRow.name).where(*held))}
