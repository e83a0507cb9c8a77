"""Guild settings and canned answers, written to the database and read from memory.

Access checks and modals need them before the interaction gets its first response, within 3 s
(discord.com/developers/docs/interactions/receiving-and-responding). They are read when a guild is first used, and
kept for the guilds used last; the changes of other processes are read every minute, or every 5 seconds with clusters.

One lock a guild orders its reads and changes in this process, so a slow read never undoes a change in memory.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypeVar
from weakref import WeakValueDictionary

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from fileflare_bot.storage.audit import add_entry
from fileflare_bot.storage.database import Database, unit_of_work, utc_now
from fileflare_bot.storage.encryption import Cipher
from fileflare_bot.storage.errors import NameTaken, NoSuchCannedAnswer, StorageUnavailable, TooManyCannedAnswers
from fileflare_bot.storage.guild_rows import database_now, ensure_guild
from fileflare_bot.storage.leases import Shards, within
from fileflare_bot.storage.models import CannedAnswerRow, GuildRow, PanelRow, TicketRow
from fileflare_bot.storage.options import Options, stored_options
from fileflare_bot.storage.places import CANNED_ANSWER
from fileflare_bot.storage.postponing import postpone_rows
from fileflare_bot.storage.records import Action, CannedAnswer, GuildSettings, SettingChange
from fileflare_bot.storage.setup_changes import IMPORTED, changes_between
from fileflare_bot.storage.stages import periods, reschedule

MOST_CANNED_ANSWERS: Final = 25  # options of a select (discord.com/developers/docs/components/reference)
MOST_KEPT: Final = 2_000  # guilds in memory, with up to 25 answers each: some 10 kB
READ_AT_ONCE: Final = 500  # guilds in a query
LATEST_COMMIT: Final = timedelta(seconds=30)  # after its change was timed; a unit of work has 8

T = TypeVar("T")


class _Known(NamedTuple):
    """Settings in memory, and when they were last changed; ``changed_at`` is None if the guild has no row."""

    settings: GuildSettings
    changed_at: datetime | None

    @property
    def state(self) -> tuple[int, datetime | None]:
        return self.settings.version, self.changed_at


class Guilds:
    """All guilds' settings."""

    def __init__(self, database: Database, cipher: Cipher, *, most_kept: int = MOST_KEPT) -> None:
        self._database = database
        self._cipher = cipher
        self._most_kept = most_kept
        self._looked_at: datetime | None = None  # by the database's clock, as are the times of all changes
        self._known: OrderedDict[int, _Known] = OrderedDict()  # the guild used last comes last
        self._loading: dict[int, asyncio.Task[GuildSettings]] = {}
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    # Reading

    def get(self, guild_id: int) -> GuildSettings:
        """Return a guild's settings from memory, at most a minute old while the database responds.

        Raises:
            StorageUnavailable: they are not in memory.
        """
        if guild_id not in self._known:
            raise StorageUnavailable("not read yet")
        self._known.move_to_end(guild_id)
        return self._known[guild_id].settings

    async def load(self, guild_id: int) -> GuildSettings:
        """Return a guild's settings, read from the database if they are not in memory.

        Callers at the same time share one read, which goes on if they stop waiting.

        Raises:
            StorageUnavailable: the database is away, and they are not in memory.
        """
        if guild_id in self._known:
            return self.get(guild_id)
        loading = self._loading.get(guild_id)
        if loading is None:
            loading = self._loading[guild_id] = asyncio.create_task(self._load(guild_id))
            self._database.running.add(loading)
            loading.add_done_callback(self._database.running.discard)
            loading.add_done_callback(lambda _: self._loading.pop(guild_id))
        return await asyncio.shield(loading)

    async def refresh(self) -> None:
        """Read the guilds in memory that were changed since the last call, by any process.

        Those that the bot has left are dropped: once they are deleted, nothing says so.

        Raises:
            StorageUnavailable: the database is away; it is asked even if no guild is in memory.
        """
        for batch in _batches(await self._changed()):
            await self._refresh({guild_id: known for guild_id in batch if (known := self._known.get(guild_id))})
        self.forget([guild_id for guild_id, known in self._known.items() if known.settings.left])

    def forget(self, guild_ids: Iterable[int]) -> None:
        """Drop guilds whose data is deleted."""
        for guild_id in guild_ids:
            self._known.pop(guild_id, None)

    # Changing

    @unit_of_work
    async def change(
        self,
        guild_id: int,
        actor_id: int,
        /,
        check: Callable[[GuildSettings], None] | None = None,
        **settings: Any,  # noqa: ANN401 - any setting
    ) -> GuildSettings:
        """Change some of a guild's settings, and return all of them.

        ``check`` gets them as they would be; what it raises changes nothing.
        """
        async with self._changing(guild_id) as (session, row):
            before = _settings(row, ())
            _set(row, settings)
            after = _settings(row, ())
            if check is not None:
                check(after)
            _log(session, actor_id, before, after)
        return self.get(guild_id)

    @unit_of_work
    async def change_options(
        self,
        guild_id: int,
        actor_id: int,
        change: Callable[[Options], Options],
        check: Callable[[GuildSettings], None] | None = None,
    ) -> GuildSettings:
        """Change a guild's options, and return all settings.

        ``change`` gets the options as they are; no other change comes between. ``check`` gets the settings as they
        would be. What either raises changes nothing.
        """
        async with self._changing(guild_id) as (session, row):
            before = _settings(row, ())
            _set(row, {"options": change(before.options)})
            after = _settings(row, ())
            if check is not None:
                check(after)
            _log(session, actor_id, before, after)
        return self.get(guild_id)

    @unit_of_work
    async def replace(
        self,
        guild_id: int,
        actor_id: int,
        settings: dict[str, Any],
        answers: tuple[CannedAnswer, ...],
        check: Callable[[GuildSettings], None],
    ) -> GuildSettings:
        """Replace a guild's settings and all of its canned answers, at most 25, together or not at all.

        ``check`` gets the settings as they are; what it raises changes nothing.
        """
        async with self._changing(guild_id) as (session, row):
            before = (await self._read(session, [guild_id]))[guild_id].settings
            check(before)
            _set(row, settings)
            _log(session, actor_id, before, _settings(row, answers), IMPORTED)
            await session.execute(sa.delete(CannedAnswerRow).where(CannedAnswerRow.guild_id == guild_id))
            session.add_all(self._answer_row(guild_id, answer) for answer in answers)
        return self.get(guild_id)

    @unit_of_work
    async def add_canned_answer(self, guild_id: int, actor_id: int, answer: CannedAnswer) -> GuildSettings:
        """Store a new canned answer.

        Raises:
            NameTaken: the guild has one of that name.
            TooManyCannedAnswers: there are 25.
        """
        async with self._changing_answers(guild_id, actor_id) as session:
            there = sa.select(sa.func.count()).where(CannedAnswerRow.guild_id == guild_id)
            if (await session.scalar(there) or 0) >= MOST_CANNED_ANSWERS:
                raise TooManyCannedAnswers
            session.add(self._answer_row(guild_id, answer))
            try:
                await session.flush()
            except IntegrityError:
                raise NameTaken from None
        return self.get(guild_id)

    @unit_of_work
    async def edit_canned_answer(self, guild_id: int, actor_id: int, answer: CannedAnswer) -> GuildSettings:
        """Change the text of a canned answer.

        Raises:
            NoSuchCannedAnswer: there is none of that name.
        """
        update = sa.update(CannedAnswerRow).values(text=self._answer_row(guild_id, answer).text)
        return await self._change_canned_answer(guild_id, actor_id, answer.name, update)

    @unit_of_work
    async def remove_canned_answer(self, guild_id: int, actor_id: int, name: str) -> GuildSettings:
        """Delete a canned answer.

        Raises:
            NoSuchCannedAnswer: there is none of that name.
        """
        return await self._change_canned_answer(guild_id, actor_id, name, sa.delete(CannedAnswerRow))

    # Leaving and coming back

    @unit_of_work
    async def left(self, guild_id: int, *, at: datetime | None) -> None:
        """Store when the bot left a guild; None if it is there (again). A guild without settings stays without."""
        if await self._exists(guild_id):
            async with self._changing(guild_id) as (_, row):
                row.left_at = at
                if at is None and _guard_of(row):
                    row.retry_at, row.attempts = utc_now(), 0  # nobody knows what became of the rule meanwhile
        else:
            self.forget([guild_id])  # another process may have deleted them

    @unit_of_work
    async def not_left(self, shards: Shards, after: int) -> list[int]:
        """Return the next guilds above this ID, in order, that have settings and are not stored as left."""
        its = GuildRow.guild_id > after, GuildRow.left_at.is_(None), within(shards, GuildRow.guild_id)
        ids = sa.select(GuildRow.guild_id).where(*its).order_by(GuildRow.guild_id).limit(READ_AT_ONCE)
        return await self._database.all(ids)

    @unit_of_work
    async def missed(self, guild_ids: Sequence[int]) -> tuple[list[int], list[int]]:
        """Return which of the guilds that the bot is in are stored as left, and which have the leak guard on."""
        left: list[int] = []
        guarded: list[int] = []
        for batch in _batches(guild_ids):
            these = GuildRow.guild_id.in_(batch)
            on = GuildRow.options["leak_guard"].as_boolean()
            async with self._database.reading() as session:
                left += await session.scalars(sa.select(GuildRow.guild_id).where(these, GuildRow.left_at.is_not(None)))
                guarded += await session.scalars(sa.select(GuildRow.guild_id).where(these, on))
        return left, guarded

    # The leak guard

    @unit_of_work
    async def set_leak_rule(self, guild_id: int, rule_id: int | None) -> GuildSettings:
        """Store which AutoMod rule is the leak guard's."""
        async with self._changing(guild_id) as (_, row):
            row.leak_rule_id = rule_id
        return self.get(guild_id)

    @unit_of_work
    async def due_leak_guards(self, shards: Shards | None = None) -> list[int]:
        """Return the guilds whose AutoMod rules are to be brought in line now, those that wait longest first."""
        due = GuildRow.retry_at <= utc_now(), GuildRow.left_at.is_(None), within(shards, GuildRow.guild_id)
        return await self._database.all(sa.select(GuildRow.guild_id).where(*due).order_by(GuildRow.retry_at))

    @unit_of_work
    async def leak_guard_pending(self, guild_id: int) -> bool:
        """Return whether a guild's AutoMod rule may differ from what its settings want."""
        return await self._database.first(sa.select(GuildRow.retry_at).where(GuildRow.guild_id == guild_id)) is not None

    @unit_of_work
    async def leak_guard_settled(self, settings: GuildSettings) -> None:
        """Record that a guild's AutoMod rule is as these settings want it; a change since then stays due."""
        async with self._database.writing() as session:
            row = await session.get(GuildRow, settings.guild_id, with_for_update=True)
            wanted = _guard(settings.options, settings.moderator_role_ids)
            if row is not None and row.retry_at is not None and _guard_of(row) == wanted:
                row.retry_at, row.attempts = None, 0

    @unit_of_work
    async def leak_guard_postponed(self, guild_id: int) -> None:
        """Try a guild's AutoMod rule again after a pause."""
        await postpone_rows(self._database, GuildRow, GuildRow.guild_id == guild_id)

    # How

    async def _load(self, guild_id: int) -> GuildSettings:
        async with self._lock(guild_id):
            if guild_id not in self._known:
                async with self._database.reading() as session:
                    read = await self._read(session, [guild_id])
                self._keep(guild_id, read.get(guild_id))
            return self.get(guild_id)

    @unit_of_work
    async def _changed(self) -> list[int]:
        """Return the guilds in memory of which another state is stored, as far as they were changed since."""
        query = sa.select(GuildRow.guild_id, GuildRow.version, GuildRow.changed_at)
        async with self._database.reading() as session:
            now = await session.scalar(sa.select(database_now(session)))
            if self._looked_at is None:
                self._known.clear()  # read before the first look
                self._looked_at = now
                return []
            rows = await session.execute(query.where(GuildRow.changed_at >= self._looked_at - LATEST_COMMIT))
            stored = {guild_id: (version, changed_at) for guild_id, version, changed_at in rows}
        self._looked_at = now
        return [each for each, state in stored.items() if each in self._known and self._known[each].state != state]

    @unit_of_work
    async def _refresh(self, known: dict[int, _Known]) -> None:
        async with self._database.reading() as session:
            read = await self._read(session, known)
        for guild_id, found in read.items():
            if self._known.get(guild_id) is known[guild_id]:  # else it was changed, or dropped, during the query
                self._known[guild_id] = found

    @asynccontextmanager
    async def _changing(self, guild_id: int) -> AsyncIterator[tuple[AsyncSession, GuildRow]]:
        """Open a transaction in which nobody else changes the guild, then keep in memory what it has stored."""
        read: dict[int, _Known] = {}
        async with self._lock(guild_id):
            try:
                async with self._database.writing() as session:
                    await ensure_guild(session, guild_id)
                    row = await session.get_one(GuildRow, guild_id, with_for_update=True)
                    support_channel_id, guard, look, lasting = (
                        row.support_channel_id,
                        _guard_of(row),
                        _look_of(row),
                        periods(row),
                    )
                    yield session, row
                    row.changed_at, row.version = database_now(session), row.version + 1
                    if _guard_of(row) != guard:
                        row.retry_at, row.attempts = utc_now(), 0
                    if _look_of(row) != look:
                        await show_panels_again(session, guild_id)
                    if row.support_channel_id != support_channel_id:
                        await _post_waiting_tickets(session, guild_id)
                    if periods(row) != lasting:
                        await reschedule(session, row)
                    await session.flush()
                    read = await self._read(session, [guild_id])
            except StorageUnavailable:
                if read:  # nobody knows whether the commit has arrived
                    self.forget([guild_id])
                raise
            self._keep(guild_id, read[guild_id])

    @asynccontextmanager
    async def _changing_answers(self, guild_id: int, actor_id: int) -> AsyncIterator[AsyncSession]:
        """Open such a transaction for canned answers, and write an audit entry of what was changed of them."""
        async with self._changing(guild_id) as (session, _):
            before = (await self._read(session, [guild_id]))[guild_id].settings
            yield session
            after = (await self._read(session, [guild_id]))[guild_id].settings
            _log(session, actor_id, before, after, action=Action.CHANGED_ANSWERS)

    async def _change_canned_answer(
        self, guild_id: int, actor_id: int, name: str, change: sa.Update | sa.Delete
    ) -> GuildSettings:
        async with self._changing_answers(guild_id, actor_id) as session:
            its = change.where(CannedAnswerRow.guild_id == guild_id, CannedAnswerRow.name == name)
            found = await session.scalars(its.returning(CannedAnswerRow.id))
            if found.first() is None:
                raise NoSuchCannedAnswer
        return self.get(guild_id)

    async def _exists(self, guild_id: int) -> bool:
        query = sa.select(GuildRow.guild_id).where(GuildRow.guild_id == guild_id)
        return await self._database.first(query) is not None

    async def _read(self, session: AsyncSession, guild_ids: Iterable[int]) -> dict[int, _Known]:
        """Read the guilds that have a row, with their answers, in one query."""
        query = (
            sa.select(GuildRow, CannedAnswerRow)
            .outerjoin(CannedAnswerRow, CannedAnswerRow.guild_id == GuildRow.guild_id)
            .where(GuildRow.guild_id.in_(guild_ids))
            .order_by(CannedAnswerRow.name)
            .execution_options(populate_existing=True)
        )
        rows: dict[int, tuple[GuildRow, list[CannedAnswer]]] = {}
        for row, answer in await session.execute(query):
            answers = rows.setdefault(row.guild_id, (row, []))[1]
            if answer is not None:
                answers.append(
                    CannedAnswer(answer.name, self._cipher.readable(answer.text, CANNED_ANSWER.place(answer)))
                )
        return {
            guild_id: _Known(_settings(row, tuple(answers)), row.changed_at)
            for guild_id, (row, answers) in rows.items()
        }

    def _keep(self, guild_id: int, known: _Known | None) -> None:
        self._known[guild_id] = known or _Known(GuildSettings(guild_id), None)
        self._known.move_to_end(guild_id)
        if len(self._known) > self._most_kept:
            self._known.popitem(last=False)

    def _lock(self, guild_id: int) -> asyncio.Lock:
        return self._locks.setdefault(guild_id, asyncio.Lock())

    def _answer_row(self, guild_id: int, answer: CannedAnswer) -> CannedAnswerRow:
        row = CannedAnswerRow(guild_id=guild_id, name=answer.name)
        row.text = self._cipher.encrypt(answer.text, CANNED_ANSWER.place(row))
        return row


def _settings(row: GuildRow, answers: tuple[CannedAnswer, ...]) -> GuildSettings:
    return GuildSettings(
        row.guild_id,
        row.support_channel_id,
        row.log_channel_id,
        row.ping_role_id,
        tuple(row.moderator_role_ids),
        answers,
        stored_options(row.options),
        row.leak_rule_id,
        row.left_at is not None,
        row.version,
    )


def _guard(options: Options, moderator_role_ids: Iterable[int]) -> tuple[object, ...]:
    """Return what the leak guard's rule depends on."""
    if not options.leak_guard:
        return ()
    return options.language, (*moderator_role_ids,) if options.leak_guard_spares_moderators else ()


def _guard_of(row: GuildRow) -> tuple[object, ...]:
    return _guard(stored_options(row.options), row.moderator_role_ids)


def _look_of(row: GuildRow) -> tuple[object, ...]:
    """Return what a panel shows of a guild's settings."""
    options = stored_options(row.options)
    return options.language, options.wording, options.buyers_roles


def _log(
    session: AsyncSession,
    actor_id: int,
    before: GuildSettings,
    after: GuildSettings,
    *how: SettingChange,
    action: Action = Action.CHANGED_SETUP,
) -> None:
    """Write an audit entry of what was changed, if anything was."""
    if changes := changes_between(before, after):
        add_entry(session, after.guild_id, actor_id, action, changes=[*how, *changes])


def _set(row: GuildRow, settings: dict[str, Any]) -> None:
    for name, value in settings.items():
        setattr(row, name, _plain(value))


def _plain(value: Any) -> Any:  # noqa: ANN401 - a setting of any kind
    """Convert a setting to its column's type."""
    if isinstance(value, Options):
        return value.model_dump(mode="json")
    return list(value) if isinstance(value, tuple) else value


async def show_panels_again(session: AsyncSession, guild_id: int) -> None:
    """Intend to bring a guild's panels in line with its settings."""
    now = utc_now()
    its = sa.update(PanelRow).where(PanelRow.guild_id == guild_id)
    await session.execute(its.values(wanted_at=now, retry_at=now, attempts=0))


async def _post_waiting_tickets(session: AsyncSession, guild_id: int) -> None:
    """Post the tickets at once that wait for a support channel that works."""
    waiting = TicketRow.guild_id == guild_id, TicketRow.retry_at.is_not(None)
    await session.execute(sa.update(TicketRow).where(*waiting).values(retry_at=utc_now(), attempts=0))


def _batches(items: Sequence[T]) -> list[Sequence[T]]:
    return [items[start : start + READ_AT_ONCE] for start in range(0, len(items), READ_AT_ONCE)]
