"""The rows of guilds as locks: whoever changes a guild's tickets, claims or roles locks its row first.

Also what differs between the two databases.
"""

from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from fileflare_bot.storage.models import GuildRow, UtcDateTime


def insert(session: AsyncSession) -> Callable[[Any], Any]:
    """Return the database's own INSERT, which supports ON CONFLICT; PostgreSQL's is slow to import, so not before."""
    return import_module(f"sqlalchemy.dialects.{session.get_bind().dialect.name}").insert  # type: ignore[no-any-return] # a module known by name


def database_now(session: AsyncSession, seconds: float = 0.0) -> sa.ColumnElement[datetime]:
    """Return the time by the database's clock, so many seconds from now; all processes have that clock."""
    if session.get_bind().dialect.name == "sqlite":
        time: sa.ColumnElement[Any] = sa.func.strftime("%Y-%m-%d %H:%M:%f000", "now", f"{seconds:+f} seconds")
    else:
        time = sa.func.clock_timestamp() + sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    return sa.type_coerce(time, UtcDateTime())


async def ensure_guild(session: AsyncSession, guild_id: int) -> None:
    """Insert the guild's row if missing. It is the lock under which tickets get their numbers."""
    row = insert(session)(GuildRow).values(
        guild_id=guild_id, moderator_role_ids=[], next_number=1, changed_at=database_now(session)
    )
    await session.execute(row.on_conflict_do_nothing())


async def keep_newest(
    session: AsyncSession,
    table: Any,  # noqa: ANN401 - a table with IDs
    most: int,
    *its: sa.ColumnElement[bool],
) -> None:
    """Delete the oldest of these rows, beyond the ``most`` that are kept."""
    older = sa.select(table.id).where(*its).order_by(table.id.desc()).offset(most).subquery()
    deletion = sa.delete(table).where(table.id.in_(sa.select(older)))
    await session.execute(deletion.execution_options(synchronize_session=False))


async def lock_guild(session: AsyncSession, guild_id: int | sa.Select[int] | sa.CompoundSelect[int]) -> None:
    """Lock a guild's tickets and claims, or those of several guilds, until this transaction ends.

    In SQLite the transaction has locked the whole database already.
    """
    its = GuildRow.guild_id == guild_id if isinstance(guild_id, int) else GuildRow.guild_id.in_(guild_id)
    await session.execute(sa.select(GuildRow.guild_id).where(its).order_by(GuildRow.guild_id).with_for_update())
