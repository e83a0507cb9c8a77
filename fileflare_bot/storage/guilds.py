"""Servers' settings and saved answers, written to the database and read from memory.

Whether somebody is a moderator, and which answers a modal offers, must be known before Discord is answered, and
so before a database could be asked. So all servers are held here, and what other processes change is read anew
every minute.
"""

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

MOST_CANNED_ANSWERS: Final = 25  # a Discord select shows no more
_OVERLAP: Final = timedelta(minutes=5)  # clocks of several machines differ


class Guilds:
    """All servers' settings."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher
        self._known: dict[int, GuildSettings] | None = None
        self._read_at: datetime | None = None

    def get(self, guild_id: int) -> GuildSettings:
        """Return a guild's settings as they were up to a minute ago, without waiting.

        Raises:
            StorageUnavailable: they could not be read since the start.
        """
        if self._known is None:
            raise StorageUnavailable("not read yet")
        return self._known.get(guild_id) or GuildSettings(guild_id)

    @unit_of_work
    async def refresh(self) -> None:
        """Read what was changed since the last time; everything the first time."""
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
        known = dict(self._known or {})
        for row in rows:
            known[row.guild_id] = self._server(row, [answer for answer in answers if answer.guild_id == row.guild_id])
        self._known, self._read_at = known, now

    @unit_of_work
    async def change(self, guild_id: int, actor_id: int, /, **settings: Any) -> GuildSettings:  # noqa: ANN401 - Server's fields
        """Set some of a server's settings, and return all of them."""
        async with self._database.writing() as session:
            await ensure_guild(session, guild_id)
            await self._touch(session, guild_id, actor_id, Action.CHANGED_SETUP, **settings)
        return await self._reread(guild_id)

    @unit_of_work
    async def add_canned_answer(self, guild_id: int, actor_id: int, answer: CannedAnswer) -> GuildSettings:
        """Keep a new answer.

        Raises:
            NameTaken: there is one of that name.
            TooManyCannedAnswers: there are 25.
        """
        async with self._database.writing() as session:
            await ensure_guild(session, guild_id)
            await self._touch(session, guild_id, actor_id, Action.CHANGED_ANSWERS)
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
        """Give an answer another text.

        Raises:
            NoSuchCannedAnswer: there is none of that name.
        """
        update = sa.update(CannedAnswerRow).values(text=self._cipher.encrypt(answer.text))
        return await self._on_response(guild_id, actor_id, answer.name, update)

    @unit_of_work
    async def remove_canned_answer(self, guild_id: int, actor_id: int, name: str) -> GuildSettings:
        """Delete an answer.

        Raises:
            NoSuchCannedAnswer: there is none of that name.
        """
        return await self._on_response(guild_id, actor_id, name, sa.delete(CannedAnswerRow))

    @unit_of_work
    async def set_leak_rule(self, guild_id: int, rule_id: int | None) -> GuildSettings:
        """Keep which AutoMod rule is the leak guard's."""
        async with self._database.writing() as session:
            its = sa.update(GuildRow).where(GuildRow.guild_id == guild_id)
            await session.execute(its.values(leak_rule_id=rule_id, changed_at=utc_now()))
        return await self._reread(guild_id)

    @unit_of_work
    async def left(self, guild_id: int, *, at: datetime | None) -> None:
        """Note when the bot left a server, or with None that it is there (again)."""
        async with self._database.writing() as session:
            await session.execute(
                sa.update(GuildRow).where(GuildRow.guild_id == guild_id).values(left_at=at, changed_at=utc_now())
            )
        await self.refresh()

    @unit_of_work
    async def replace_canned_answers(
        self, guild_id: int, actor_id: int, answers: tuple[CannedAnswer, ...]
    ) -> GuildSettings:
        """Put these answers in the place of those that a server has; there are at most 25 of them."""
        async with self._database.writing() as session:
            await ensure_guild(session, guild_id)
            await self._touch(session, guild_id, actor_id, Action.CHANGED_ANSWERS)
            await session.execute(sa.delete(CannedAnswerRow).where(CannedAnswerRow.guild_id == guild_id))
            for answer in answers:
                text = self._cipher.encrypt(answer.text)
                session.add(CannedAnswerRow(guild_id=guild_id, name=answer.name, text=text))
        return await self._reread(guild_id)

    async def _on_response(
        self, guild_id: int, actor_id: int, name: str, change: sa.Update | sa.Delete
    ) -> GuildSettings:
        async with self._database.writing() as session:
            await self._touch(session, guild_id, actor_id, Action.CHANGED_ANSWERS)
            its = change.where(CannedAnswerRow.guild_id == guild_id, CannedAnswerRow.name == name)
            found = await session.scalars(its.returning(CannedAnswerRow.id))
            if found.first() is None:
                raise NoSuchCannedAnswer
        return await self._reread(guild_id)

    async def _touch(
        self,
        session: AsyncSession,
        guild_id: int,
        actor_id: int,
        action: Action,
        **settings: Any,  # noqa: ANN401 - Server's fields
    ) -> None:
        settings = {name: _plain(value) for name, value in settings.items()}
        its = sa.update(GuildRow).where(GuildRow.guild_id == guild_id)
        await session.execute(its.values(changed_at=utc_now(), **settings))
        session.add(AuditRow(guild_id=guild_id, actor_id=actor_id, action=action, at=utc_now()))

    async def _reread(self, guild_id: int) -> GuildSettings:
        async with self._database.reading() as session:
            row = await session.get_one(GuildRow, guild_id)
            its = sa.select(CannedAnswerRow).where(CannedAnswerRow.guild_id == guild_id).order_by(CannedAnswerRow.name)
            server = self._server(row, (await session.scalars(its)).all())
        if self._known is not None:
            self._known[guild_id] = server
        return server

    def _server(self, row: GuildRow, answers: Iterable[CannedAnswerRow]) -> GuildSettings:
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
    """Return the options, or the defaults of those that a newer version of the bot has stored otherwise."""
    try:
        return Options.model_validate(stored)
    except ValidationError as error:
        wrong = {str(detail["loc"][0]) for detail in error.errors()}
        return Options.model_validate({name: value for name, value in stored.items() if name not in wrong})


def _plain(value: Any) -> Any:  # noqa: ANN401 - a setting of any kind
    """Return a setting as the database takes it."""
    if isinstance(value, Options):
        return value.model_dump(mode="json")
    return list(value) if isinstance(value, tuple) else value


def insert(session: AsyncSession) -> Callable[[Any], Any]:
    """Return the database's own INSERT, which knows what to do on a conflict."""
    return insert_sqlite if session.get_bind().dialect.name == "sqlite" else insert_postgresql


async def ensure_guild(session: AsyncSession, guild_id: int) -> None:
    """Make the server's row if there is none; that row is the lock under which its requests get their numbers."""
    row = insert(session)(GuildRow).values(
        guild_id=guild_id, moderator_role_ids=[], next_number=1, changed_at=utc_now()
    )
    await session.execute(row.on_conflict_do_nothing())


async def lock_guild(session: AsyncSession, guild_id: int | sa.Select[int]) -> None:
    """Let nobody else change a server's requests or claims until this transaction ends.

    SQLite's transaction holds the whole database already.
    """
    its = GuildRow.guild_id == guild_id if isinstance(guild_id, int) else GuildRow.guild_id.in_(guild_id)
    await session.execute(sa.select(GuildRow.guild_id).where(its).with_for_update())
