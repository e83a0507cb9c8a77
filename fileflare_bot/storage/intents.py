"""What Discord still has to be told, and what came of it.

An operation stores what it intends in its own transaction: ``retry_at`` on a row says that something is left to do
for it, and when to try next. Each outcome here either clears it or postpones it, with pauses that grow.
"""

from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from fileflare_bot.storage.audit import add_entry
from fileflare_bot.storage.database import Database, unit_of_work, utc_now
from fileflare_bot.storage.encryption import Cipher
from fileflare_bot.storage.guild_rows import ensure_guild, lock_guild
from fileflare_bot.storage.leases import Shards, within
from fileflare_bot.storage.models import AuditRow, GuildRow, MessageRow, NoteRow, RemovalRow, TicketRow
from fileflare_bot.storage.places import MESSAGE, NOTE
from fileflare_bot.storage.postponing import postpone, postpone_rows
from fileflare_bot.storage.records import (
    Action,
    AuditLine,
    Card,
    Delivery,
    NewNote,
    Note,
    PendingAnswer,
    Removal,
    SettingChange,
    Ticket,
)
from fileflare_bot.storage.stages import begin_silence

PING_EVERY: Final = timedelta(minutes=5)  # at most, for each ticket
MOST_AT_ONCE: Final = 200  # rows of a kind in one round
HELD: Final = timedelta(minutes=1)  # how long a note waits for the process that has its screenshot


class Intents:
    """Reads what is due, and records outcomes."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    # What is due

    @unit_of_work
    async def due_tickets(self, shards: Shards | None = None) -> list[int]:
        """Return the tickets whose card, thread, notes or answers are due, oldest first."""
        its = within(shards, TicketRow.guild_id)
        async with self._database.reading() as session:
            own = await session.scalars(_due(TicketRow.id, TicketRow.retry_at).where(its))
            notes = await session.scalars(_due(NoteRow.ticket_id, NoteRow.retry_at).join(TicketRow).where(its))
            answers = await session.scalars(_due(MessageRow.ticket_id, MessageRow.retry_at).join(TicketRow).where(its))
            return sorted({*own, *notes, *answers})

    @unit_of_work
    async def due_logs(self, shards: Shards | None = None) -> list[int]:
        """Return the guilds whose log channels lack lines that are due, those that wait longest first."""
        due = AuditRow.retry_at <= utc_now(), within(shards, AuditRow.guild_id)
        query = sa.select(AuditRow.guild_id).where(*due).order_by(AuditRow.retry_at)
        return list(dict.fromkeys(await self._database.all(query)))

    @unit_of_work
    async def due_lines(self, guild_id: int) -> tuple[list[AuditLine], int | None]:
        """Return a guild's audit entries that its log channel lacks, and that channel's ID, if it has one.

        The oldest is first; there are none before the oldest is due. The channel is read after the entries, so that
        the entry of its choice is for the chosen one.
        """
        query = sa.select(AuditRow).where(AuditRow.guild_id == guild_id, AuditRow.retry_at.is_not(None))
        async with self._database.reading() as session:
            rows = (await session.scalars(query.order_by(AuditRow.id).limit(MOST_AT_ONCE))).all()
            channel_id = await session.scalar(sa.select(GuildRow.log_channel_id).where(GuildRow.guild_id == guild_id))
        if rows and (rows[0].retry_at or utc_now()) > utc_now():
            return [], channel_id
        lines = [_line(row) for row in rows]
        return lines, channel_id

    @unit_of_work
    async def due_removals(self, shards: Shards | None = None) -> list[Removal]:
        """Return the messages and threads that are to be deleted now, those that wait longest first."""
        due = RemovalRow.retry_at <= utc_now(), within(shards, RemovalRow.guild_id)
        query = sa.select(RemovalRow).where(*due).order_by(RemovalRow.retry_at, RemovalRow.id)
        return [removal_record(row) for row in await self._database.all(query.limit(MOST_AT_ONCE))]

    # Cards and threads

    @unit_of_work
    async def card_shown(self, ticket: Ticket, card: Card, version: int) -> None:
        """Record which version of a ticket its card shows, and where; a card that is gone shows every version.

        If the ticket was deleted meanwhile, or wants a new card, this card goes. An older version after a newer one is
        another process's, which was finishing its work while it stopped: the card may show it, and is due once more.
        """
        async with self._database.writing() as session:
            row = await session.get(TicketRow, ticket.id, with_for_update=True)
            if row is None or (row.card_wanted_at or row.created_at) != ticket.card_wanted_at:
                add_card_removals(session, ticket.guild_id, card, ticket.user_id if row is None else None)
                return
            row.card_channel_id, row.card_message_id, row.thread_id = card.channel_id, card.message_id, card.thread_id
            if version < row.shown_version:
                row.retry_at = utc_now()
            row.shown_version = version
            _settle(row)

    @unit_of_work
    async def thread_archived(self, ticket_id: int, *, archived: bool) -> None:
        """Record whether a ticket's thread is archived."""
        async with self._database.writing() as session:
            row = await session.get(TicketRow, ticket_id, with_for_update=True)
            if row is not None:
                row.archived = archived
                if archived != row.resolved and row.retry_at is None:  # a note has opened the thread of a resolved one
                    row.retry_at = utc_now()
                _settle(row)

    @unit_of_work
    async def ticket_postponed(self, ticket_id: int) -> None:
        """Try a ticket's card or thread again after a pause."""
        await self._postpone(TicketRow, TicketRow.id == ticket_id)

    @unit_of_work
    async def show_again(self, ticket_id: int) -> None:
        """Have a ticket's card posted again, as nobody can read it where it was."""
        async with self._database.writing() as session:
            row = await session.get(TicketRow, ticket_id, with_for_update=True)
            if row is not None:
                show_again(row)

    # Pings

    @unit_of_work
    async def may_ping(self, ticket_id: int) -> bool:
        """Return whether a message about a ticket may ping moderators: none has for five minutes."""
        query = sa.select(TicketRow.pinged_at).where(TicketRow.id == ticket_id)
        pinged_at = await self._database.first(query)
        return pinged_at is None or utc_now() - pinged_at >= PING_EVERY

    @unit_of_work
    async def pinged(self, ticket_id: int) -> None:
        """Record that a message about a ticket has pinged moderators."""
        async with self._database.writing() as session:
            its = sa.update(TicketRow).where(TicketRow.id == ticket_id)
            await session.execute(its.values(pinged_at=utc_now()))

    # Notes

    @unit_of_work
    async def notes(self, ticket_id: int, mine: int | None = None) -> list[Note]:
        """Return the notes that are not in a ticket's thread yet, oldest first.

        Without those that are held for another call; ``mine`` is the one that is held for this call.
        """
        free = (NoteRow.retry_at <= utc_now()) | (NoteRow.attempts > 0) | (NoteRow.id == mine)
        query = sa.select(NoteRow, TicketRow).join(TicketRow).where(NoteRow.ticket_id == ticket_id, free)
        async with self._database.reading() as session:
            return [
                Note(
                    row.id,
                    self._cipher.readable(row.text, NOTE.place(row, ticket), "…"),
                    row.colour,
                    row.mention,
                    row.reminder,
                    row.created_at,
                )
                for row, ticket in await session.execute(query.order_by(NoteRow.id))
            ]

    @unit_of_work
    async def note_posted(self, note_id: int, ticket_id: int | None = None) -> None:
        """Forget a note: it is in the thread, or never will be.

        It has opened the thread of ``ticket_id`` if that was archived by now, perhaps by another process.
        """
        async with self._database.writing() as session:
            row = None if ticket_id is None else await session.get(TicketRow, ticket_id, with_for_update=True)
            await session.execute(sa.delete(NoteRow).where(NoteRow.id == note_id))
            if row is not None and row.archived:
                row.archived = False
                row.retry_at = row.retry_at or utc_now()
                _settle(row)

    @unit_of_work
    async def notes_postponed(self, ticket_id: int) -> None:
        """Try a ticket's notes again after a pause; none overtakes another."""
        await self._postpone(NoteRow, NoteRow.ticket_id == ticket_id)

    # Answers

    @unit_of_work
    async def answers(self, ticket_id: int) -> list[PendingAnswer]:
        """Return the answers that have not reached their customer yet, oldest first."""
        wanted = MessageRow.ticket_id == ticket_id, MessageRow.retry_at.is_not(None)
        query = sa.select(MessageRow, TicketRow).join(TicketRow).where(*wanted)
        async with self._database.reading() as session:
            return [
                PendingAnswer(
                    row.id,
                    self._cipher.readable(row.text, MESSAGE.place(row, ticket), "…"),
                    row.author_id,
                    Delivery(row.delivery or Delivery.PENDING),
                    row.closing,
                    row.asking,
                    row.at,
                )
                for row, ticket in await session.execute(query.order_by(MessageRow.id))
            ]

    @unit_of_work
    async def messages_closed(self, message_id: int) -> None:
        """Record that the customer takes no direct messages, so that a mention comes next."""
        async with self._database.writing() as session:
            row = await session.get(MessageRow, message_id, with_for_update=True)
            if row is not None:
                row.delivery, row.attempts = Delivery.CLOSED, 0

    @unit_of_work
    async def delivered(self, message_id: int, delivery: Delivery, note: NewNote) -> None:
        """Record how an answer has reached its customer, and what the thread will say about it."""
        its = TicketRow.id.in_(sa.select(MessageRow.ticket_id).where(MessageRow.id == message_id))
        async with self._database.writing() as session:
            await lock_guild(session, sa.select(TicketRow.guild_id).where(its))
            ticket = await session.scalar(sa.select(TicketRow).where(its).with_for_update())
            row = await session.get(MessageRow, message_id, with_for_update=True)
            if ticket is not None and row is not None and row.retry_at is not None:
                row.delivery, row.retry_at = delivery, None
                await begin_silence(session, ticket, row)
                add_note(session, ticket, note, self._cipher)

    @unit_of_work
    async def answers_postponed(self, ticket_id: int) -> None:
        """Try a ticket's answers again after a pause; none overtakes another."""
        await self._postpone(MessageRow, MessageRow.ticket_id == ticket_id)

    # Lines in the log channel

    @unit_of_work
    async def line_posted(self, entry_id: int) -> None:
        """Record that an audit entry's line is posted, or never will be."""
        await self._database.do(sa.update(AuditRow).where(AuditRow.id == entry_id).values(retry_at=None))

    @unit_of_work
    async def line_postponed(self, entry_id: int) -> None:
        """Try a line again after a pause."""
        await self._postpone(AuditRow, AuditRow.id == entry_id)

    # Removals

    @unit_of_work
    async def remove_message(
        self, guild_id: int, channel_id: int, message_id: int, moderator_id: int | None = None
    ) -> Removal:
        """Intend to delete a message, once even if several moderators ask for it."""
        async with self._database.writing() as session:
            await ensure_guild(session, guild_id)
            await lock_guild(session, guild_id)
            here = RemovalRow.guild_id == guild_id, RemovalRow.channel_id == channel_id
            row = await session.scalar(sa.select(RemovalRow).where(*here, RemovalRow.message_id == message_id))
            if row is None:
                row = add_removal(session, guild_id, channel_id, message_id)
                row.moderator_id = moderator_id
                postpone(row)  # the first try is the caller's own
                await session.flush()
            return removal_record(row)

    @unit_of_work
    async def removed(self, removal_id: int) -> None:
        """Record that a message or a thread is gone, with the audit entry if a moderator has deleted it."""
        async with self._database.writing() as session:
            row = await session.get(RemovalRow, removal_id, with_for_update=True)
            if row is None:
                return
            if row.moderator_id is not None:
                add_entry(session, row.guild_id, row.moderator_id, Action.DELETED_MESSAGE)
            await session.delete(row)

    @unit_of_work
    async def given_up(self, removal_id: int) -> None:
        """Forget a removal that will never succeed."""
        await self._database.do(sa.delete(RemovalRow).where(RemovalRow.id == removal_id))

    @unit_of_work
    async def removal_postponed(self, removal_id: int) -> None:
        """Try a removal again after a pause."""
        await self._postpone(RemovalRow, RemovalRow.id == removal_id)

    async def _postpone(self, table: Any, *its: sa.ColumnElement[bool]) -> None:  # noqa: ANN401 - a table with retry_at
        await postpone_rows(self._database, table, *its, table.retry_at.is_not(None))


def add_note(session: AsyncSession, ticket: TicketRow, note: NewNote, cipher: Cipher) -> NoteRow:
    """Intend to write a note into a ticket's thread."""
    now = utc_now()
    row = NoteRow(
        ticket_id=ticket.id,
        colour=note.colour,
        mention=note.mention,
        reminder=note.reminder,
        created_at=now,
        retry_at=now,
        attempts=0,
    )
    row.text = cipher.encrypt(note.text, NOTE.place(row, ticket))
    session.add(row)
    return row


async def hold_note(session: AsyncSession, ticket: TicketRow, note: NewNote, cipher: Cipher) -> tuple[int, bool]:
    """Intend to write a note, once, unless its caller posts what it stands for within a minute.

    Return its ID, and whether it is new.
    """
    waiting = await session.scalars(sa.select(NoteRow).where(NoteRow.ticket_id == ticket.id))
    row = next((each for each in waiting if cipher.readable(each.text, NOTE.place(each, ticket)) == note.text), None)
    is_new = row is None
    if row is None:
        row = add_note(session, ticket, note, cipher)
        await session.flush()
    row.attempts, row.retry_at = 0, utc_now() + HELD
    return row.id, is_new


def add_removal(
    session: AsyncSession, guild_id: int, channel_id: int, message_id: int | None, user_id: int | None = None
) -> RemovalRow:
    """Intend to delete a message, or without one the thread itself."""
    now = utc_now()
    row = RemovalRow(
        guild_id=guild_id,
        channel_id=channel_id,
        message_id=message_id,
        user_id=user_id,
        created_at=now,
        attempts=0,
        retry_at=now,
    )
    session.add(row)
    return row


def add_card_removals(session: AsyncSession, guild_id: int, card: Card, user_id: int | None = None) -> None:
    """Intend to delete a card and its thread, whose customer ``user_id`` wishes so if it is given."""
    if card.thread_id:
        add_removal(session, guild_id, card.thread_id, None, user_id)
    if card.channel_id is not None and card.message_id is not None:
        add_removal(session, guild_id, card.channel_id, card.message_id, user_id)


def show(row: TicketRow) -> None:
    """Intend to show a change of a ticket on its card."""
    row.version += 1
    row.retry_at, row.attempts = utc_now(), 0


def show_again(row: TicketRow) -> None:
    """Intend to post a ticket's card once more."""
    row.card_wanted_at = utc_now()
    row.shown_version = 0
    row.card_channel_id = row.card_message_id = row.thread_id = None
    row.archived = False
    row.retry_at, row.attempts = utc_now(), 0


def _settle(row: TicketRow) -> None:
    """Clear a ticket's intent if Discord shows what is stored."""
    if row.card_message_id is not None and row.thread_id is None:
        return
    thread_done = not row.thread_id or row.archived == row.resolved
    if row.shown_version >= row.version and thread_done:
        row.retry_at, row.attempts = None, 0


def _due(column: Any, retry_at: Any) -> sa.Select[int]:  # noqa: ANN401 - columns
    return sa.select(column).where(retry_at <= utc_now()).order_by(retry_at).limit(MOST_AT_ONCE)


def removal_record(row: RemovalRow) -> Removal:
    """Convert a row to its record."""
    return Removal(row.id, row.guild_id, row.channel_id, row.message_id, row.moderator_id, row.created_at)


def _line(row: AuditRow) -> AuditLine:
    changes = tuple(SettingChange(*change) for change in row.changes or ())
    return AuditLine(row.id, row.number, row.actor_id, Action(row.action), row.at, changes)
