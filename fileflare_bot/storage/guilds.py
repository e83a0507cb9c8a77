"""Guild settings and canned answers, written to the database and read from memory.

Access checks and modals need them before the interaction gets its first response, within 3 s
(discord.com/developers/docs/interactions/receiving-and-responding), which a slow database would miss. So all guilds
are cached here, and the changes of other processes are read every minute.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from fileflare_bot.storage.database import Database, unit_of_work, utc_now
from fileflare_bot.storage.encryption import Cipher, Unreadable
from fileflare_bot.storage.errors import NameTaken, NoSuchCannedAnswer, StorageUnavailable, TooManyCannedAnswers
from fileflare_bot.storage.models import AuditRow, CannedAnswerRow, GuildRow
from fileflare_bot.storage.options import Options
from fileflare_bot.storage.records import Action, CannedAnswer, GuildSettings

MOST_CANNED_ANSWERS: Final = 25  # options of a select (discord.com/developers/docs/components/reference)
_OVERLAP: Final = timedelta(minutes=5)  # because the clocks of several machines differ


class Guilds:
    """All guilds' settings."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher
        self._known: dict[int, GuildSettings] | None = None
        self._read_at: datetime | None = None

    def get(self, guild_id: int) -> GuildSettings:
        """Return a guild's settings from memory, at most a minute old while the database responds.

        Raises:
            StorageUnavailable: nothing has been read since the start.
        """
        if self._known is None:
            raise StorageUnavailable("not read yet")
        return self._known.get(guild_id) or GuildSettings(guild_id)

    @unit_of_work
    async def refresh(self) -> None:
        """Read the guilds changed since the last refresh, all of them the first time, and drop those deleted."""
        now = utc_now()
        query = sa.select(GuildRow)
        if self._read_at is not None:
            query = query.where(GuildRow.changed_at >= self._read_at - _OVERLAP)
        async with self._database.reading() as session:
            rows = (await session.scalars(query)).all()
            answers = (
                await session.scalars(
                    sa.select(CannedAnswerRow)
                    .where(CannedAnswerRow.guild_id.in_([row.guild_id for row in rows]))
                    .order_by(CannedAnswerRow.name)
                )
            ).all()
            there = set((await session.scalars(sa.select(GuildRow.guild_id))).all())
        by_guild: defaultdict[int, list[CannedAnswerRow]] = defaultdict(list)
        for answer in answers:
            by_guild[answer.guild_id].append(answer)
        known = {guild_id: settings for guild_id, settings in (self._known or {}).items() if guild_id in there}
        known |= {row.guild_id: self._settings(row, by_guild[row.guild_id]) for row in rows}
        self._known, self._read_at = known, now

    @unit_of_work
    async def change(self, guild_id: int, actor_id: int, /, **settings: Any) -> GuildSettings:  # noqa: ANN401 - any setting
        """Change some of a guild's settings, and return all of them."""
        async with self._database.writing() as session:
            await ensure_guild(session, guild_id)
            await self._update(session, guild_id, actor_id, Action.CHANGED_SETUP, **settings)
        return await self._reread(guild_id)

    @unit_of_work
    async def add_canned_answer(self, guild_id: int, actor_id: int, answer: CannedAnswer) -> GuildSettings:
        """Store a new canned answer.

        Raises:
            NameTaken: the guild has one of that name.
            TooManyCannedAnswers: there are 25.
        """
        async with self._database.writing() as session:
            await ensure_guild(session, guild_id)
            await self._update(session, guild_id, actor_id, Action.CHANGED_ANSWERS)
            there = sa.select(sa.func.count()).where(CannedAnswerRow.guild_id == guild_id)
            if (await session.scalar(there) or 0) >= MOST_CANNED_ANSWERS:
                raise TooManyCannedAnswers
            encrypted = self._cipher.encrypt(answer.text)
            session.add(CannedAnswerRow(guild_id=guild_id, name=answer.name, text=encrypted))
            try:
                await session.flush()
            except IntegrityError:
                raise NameTaken from None
        return await self._reread(guild_id)

    @unit_of_work
    async def edit_canned_answer(self, guild_id: int, actor_id: int, answer: CannedAnswer) -> GuildSettings:
        """Change the text of a canned answer.

        Raises:
            NoSuchCannedAnswer: there is none of that name.
        """
        update = sa.update(CannedAnswerRow).values(text=self._cipher.encrypt(answer.text))
        return await self._change_canned_answer(guild_id, actor_id, answer.name, update)

    @unit_of_work
    async def remove_canned_answer(self, guild_id: int, actor_id: int, name: str) -> GuildSettings:
        """Delete a canned answer.

        Raises:
            NoSuchCannedAnswer: there is none of that name.
        """
        return await self._change_canned_answer(guild_id, actor_id, name, sa.delete(CannedAnswerRow))

    @unit_of_work
    async def set_leak_rule(self, guild_id: int, rule_id: int | None) -> GuildSettings:
        """Store which AutoMod rule is the leak guard's."""
        async with self._database.writing() as session:
            its = sa.update(GuildRow).where(GuildRow.guild_id == guild_id)
            await session.execute(its.values(leak_rule_id=rule_id, changed_at=utc_now()))
        return await self._reread(guild_id)

    @unit_of_work
    async def left(self, guild_id: int, *, at: datetime | None) -> None:
        """Store when the bot left a guild; None if it is there (again)."""
        async with self._database.writing() as session:
            await session.execute(
                sa.update(GuildRow).where(GuildRow.guild_id == guild_id).values(left_at=at, changed_at=utc_now())
            )
        await self.refresh()

    @unit_of_work
    async def replace_canned_answers(
        self, guild_id: int, actor_id: int, answers: tuple[CannedAnswer, ...]
    ) -> GuildSettings:
        """Replace all of a guild's canned answers with these, at most 25."""
        async with self._database.writing() as session:
            await ensure_guild(session, guild_id)
            await self._update(session, guild_id, actor_id, Action.CHANGED_ANSWERS)
            await session.execute(sa.delete(CannedAnswerRow).where(CannedAnswerRow.guild_id == guild_id))
            for answer in answers:
                text = self._cipher.encrypt(answer.text)
                session.add(CannedAnswerRow(guild_id=guild_id, name=answer.name, text=text))
        return await self._reread(guild_id)

    async def _change_canned_answer(
        self, guild_id: int, actor_id: int, name: str, change: sa.Update | sa.Delete
    ) -> GuildSettings:
        async with self._database.writing() as session:
            await self._update(session, guild_id, actor_id, Action.CHANGED_ANSWERS)
            its = change.where(CannedAnswerRow.guild_id == guild_id, CannedAnswerRow.name == name)
            found = await session.scalars(its.returning(CannedAnswerRow.id))
            if found.first() is None:
                raise NoSuchCannedAnswer
        return await self._reread(guild_id)

    async def _update(
        self,
        session: AsyncSession,
        guild_id: int,
        actor_id: int,
        action: Action,
        **settings: Any,  # noqa: ANN401 - any setting
    ) -> None:
        settings = {name: _plain(value) for name, value in settings.items()}
        its = sa.update(GuildRow).where(GuildRow.guild_id == guild_id)
        await session.execute(its.values(changed_at=utc_now(), **settings))
        session.add(AuditRow(guild_id=guild_id, actor_id=actor_id, action=action, at=utc_now()))

    async def _reread(self, guild_id: int) -> GuildSettings:
        async with self._database.reading() as session:
            row = await session.get_one(GuildRow, guild_id)
            its = sa.select(CannedAnswerRow).where(CannedAnswerRow.guild_id == guild_id).order_by(CannedAnswerRow.name)
            settings = self._settings(row, (await session.scalars(its)).all())
        if self._known is not None:
            self._known[guild_id] = settings
        return settings

    def _settings(self, row: GuildRow, answers: Iterable[CannedAnswerRow]) -> GuildSettings:
        return GuildSettings(
            row.guild_id,
            row.support_channel_id,
            row.log_channel_id,
            row.ping_role_id,
            tuple(row.moderator_role_ids),
            tuple(CannedAnswer(answer.name, self._readable(answer.text)) for answer in answers),
            _options(row.options),
            row.leak_rule_id,
            row.left_at is not None,
        )

    def _readable(self, text: str) -> str:
        try:
            return self._cipher.decrypt(text)
        except Unreadable:
            return ""


def _options(stored: dict[str, Any]) -> Options:
    """Return the options, with defaults for those that a newer version of the bot stored differently."""
    try:
        return Options.model_validate(stored)
    except ValidationError as error:
        wrong = {str(detail["loc"][0]) for detail in error.errors()}
        return Options.model_validate({name: value for name, value in stored.items() if name not in wrong})


def _plain(value: Any) -> Any:  # noqa: ANN401 - a setting of any kind
    """Convert a setting to its column's type."""
    if isinstance(value, Options):
        return value.model_dump(mode="json")
    return list(value) if isinstance(value, tuple) else value


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
