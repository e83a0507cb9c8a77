"""The rows of guilds as locks: whoever changes a guild's tickets, claims or roles locks its row first."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from fileflare_bot.storage.database import utc_now
from fileflare_bot.storage.models import GuildRow


def insert(session: AsyncSession) -> Callable[[Any], Any]:
    """Return the database's own INSERT, which supports ON CONFLICT."""
    return insert_sqlite if session.get_bind().dialect.name == "sqlite" else insert_postgresql


async def ensure_guild(session: AsyncSession, guild_id: int) -> None:
    """Insert the guild's row if missing. It is the lock under which tickets get their numbers."""
    row = insert(session)(GuildRow).values(
        guild_id=guild_id, moderator_role_ids=[], next_number=1, changed_at=utc_now()
    )
    await session.execute(row.on_conflict_do_nothing())


async def lock_guild(session: AsyncSession, guild_id: int | sa.Select[int]) -> None:
    """Lock a guild's tickets and claims until this transaction ends.

    In SQLite the transaction has locked the whole database already.
    """
    its = GuildRow.guild_id == guild_id if isinstance(guild_id, int) else GuildRow.guild_id.in_(guild_id)
    await session.execute(sa.select(GuildRow.guild_id).where(its).with_for_update())
