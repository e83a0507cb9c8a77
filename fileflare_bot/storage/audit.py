"""Audit entries: who did what when. Most are written in the transaction of the change."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from fileflare_bot.storage.database import Database, unit_of_work, utc_now
from fileflare_bot.storage.guild_rows import ensure_guild, lock_guild
from fileflare_bot.storage.models import AuditRow
from fileflare_bot.storage.records import Action, AuditEntry, SettingChange


class Audit:
    """All audit entries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @unit_of_work
    async def record(self, guild_id: int, actor_id: int, action: Action) -> None:
        """Write an audit entry that accompanies no other change."""
        async with self._database.writing() as session:
            add_entry(session, guild_id, actor_id, action)

    @unit_of_work
    async def record_once(self, guild_id: int, actor_id: int, action: Action) -> None:
        """Write an audit entry, unless there is the same one about this user."""
        same = AuditRow.guild_id == guild_id, AuditRow.actor_id == actor_id, AuditRow.action == action
        async with self._database.writing() as session:
            await ensure_guild(session, guild_id)
            await lock_guild(session, guild_id)
            if await session.scalar(sa.select(AuditRow.id).where(*same).limit(1)) is None:
                add_entry(session, guild_id, actor_id, action)


def add_entry(
    session: AsyncSession,
    guild_id: int,
    actor_id: int,
    action: Action,
    *,
    number: int | None = None,
    changes: Iterable[SettingChange] = (),
) -> None:
    """Write an audit entry, whose line the log channel is to show; ``number`` is its ticket's, if it has one."""
    now = utc_now()
    row = AuditRow(guild_id=guild_id, number=number, actor_id=actor_id, action=action, at=now, retry_at=now)
    row.changes = [list(change) for change in changes] or None
    session.add(row)


def audit_entry(row: AuditRow) -> AuditEntry:
    """Convert a row to its record."""
    return AuditEntry(row.guild_id, row.number, row.actor_id, Action(row.action), row.at)
