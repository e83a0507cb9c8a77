"""A ticket's row and its record, and what several units of work do with it within their transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.storage.audit import add_entry
from fileflare_bot.storage.database import utc_now
from fileflare_bot.storage.encryption import Cipher, Unreadable
from fileflare_bot.storage.errors import NoSuchTicket, NotPossibleNow
from fileflare_bot.storage.guild_rows import lock_guild
from fileflare_bot.storage.intents import add_note, hold_note, show
from fileflare_bot.storage.models import AuditRow, MessageRow, TicketRow
from fileflare_bot.storage.places import DETAILS, MESSAGE
from fileflare_bot.storage.records import (
    WAITS_FOR_MODERATORS,
    Action,
    Card,
    Delivery,
    NewNote,
    Resolution,
    Stage,
    Ticket,
    TicketDetails,
    TicketMessage,
    Topic,
)
from fileflare_bot.storage.stages import begin

_DETAILS: Final = TypeAdapter(TicketDetails)


class TicketRows:
    """Converts rows to records, and changes them within a transaction of its caller's."""

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher

    def record(self, row: TicketRow) -> Ticket:
        """Convert a row to its record."""
        try:
            details, readable = _DETAILS.validate_json(self._cipher.decrypt(row.details, DETAILS.place(row))), True
        except (Unreadable, ValidationError):  # they cannot be decrypted, or a newer version of the bot wrote them
            details, readable = TicketDetails(), False
        return Ticket(
            id=row.id,
            guild_id=row.guild_id,
            number=row.number,
            user_id=row.user_id,
            channel_id=row.channel_id,
            locale=row.locale,
            topic=Topic(row.topic),
            details=details,
            readable=readable,
            resolved=row.resolved,
            resolution=Resolution(row.resolution) if row.resolution else None,
            resolved_by=row.resolved_by,
            taken_by=row.taken_by,
            created_at=row.created_at,
            answered_at=row.answered_at,
            resolved_at=row.resolved_at,
            card=card_of(row),
            version=row.version,
            shown_version=row.shown_version,
            card_wanted_at=row.card_wanted_at or row.created_at,
            archived=row.archived,
            stage=Stage(row.stage) if row.stage else None,
            stage_since=row.stage_since,
        )

    async def shown(self, session: AsyncSession, rows: Sequence[TicketRow]) -> list[Ticket]:
        """Convert rows to their records, with what their customers wrote that no moderator has answered.

        What closed a ticket is no answer once it is open again.
        """
        of_open = {row.id: row for row in rows if not row.resolved}
        its = MessageRow.ticket_id.in_(of_open) & ~MessageRow.closing
        latest = sa.select(sa.func.max(MessageRow.id)).where(its).group_by(MessageRow.ticket_id)
        unanswered = sa.select(MessageRow).where(its, MessageRow.id.in_(latest), ~MessageRow.from_moderator)
        wrote = {row.ticket_id: row for row in await session.scalars(unanswered)} if of_open else {}
        reopened = await _reopened(session, of_open.values(), wrote)
        return [
            replace(
                self.record(row),
                wrote=self.message(wrote[row.id], row) if row.id in wrote else None,
                reopened_by=reopened.get(row.id),
            )
            for row in rows
        ]

    def message(self, row: MessageRow, ticket: TicketRow) -> TicketMessage:
        """Convert a row to its record; the text is empty if it cannot be decrypted."""
        text = self._cipher.readable(row.text, MESSAGE.place(row, ticket))
        delivery = Delivery(row.delivery) if row.delivery else None
        return TicketMessage(row.id, row.author_id, row.from_moderator, text, row.at, delivery, row.asking)

    def order_hash(self, reference: OrderReference | None) -> str:
        """Return the hash that finds the tickets about an order, an empty string for no order."""
        return "" if reference is None else self._cipher.hash(reference.token)

    async def resolve(self, session: AsyncSession, row: TicketRow, actor_id: int, resolution: Resolution) -> None:
        """Close an open ticket."""
        row.resolved, row.resolution = True, resolution
        row.resolved_by, row.resolved_at = actor_id, utc_now()
        await begin(session, row, None)
        show(row)
        audit(session, row, actor_id, Action.RESOLVED)

    def write(
        self,
        session: AsyncSession,
        row: TicketRow,
        author_id: int,
        text: str,
        *,
        from_moderator: bool,
        closing: bool = False,
        asking: bool = False,
    ) -> None:
        """Store a message, which is delivered if it is a moderator's; the bot's own are not for the log."""
        now = utc_now()
        message = MessageRow(
            ticket_id=row.id,
            author_id=author_id,
            from_moderator=from_moderator,
            at=now,
            closing=closing,
            asking=asking,
            delivery=Delivery.PENDING if from_moderator else None,
            retry_at=now if from_moderator else None,
        )
        message.text = self._cipher.encrypt(text, MESSAGE.place(message, row))
        session.add(message)
        if not closing and not asking:
            audit(session, row, author_id, Action.ANSWERED if from_moderator else Action.WROTE_BACK)

    async def take_back_no_reply(self, session: AsyncSession, row: TicketRow) -> None:
        """Withdraw an unread message that closed a ticket for lack of a reply; a moderator's last word stays."""
        its = MessageRow.ticket_id == row.id
        bot_id = await session.scalar(sa.select(MessageRow.author_id).where(its, MessageRow.asking).limit(1))
        unread = its, MessageRow.closing, MessageRow.retry_at.is_not(None), MessageRow.at >= row.resolved_at
        for message in await session.scalars(sa.select(MessageRow).where(*unread)):
            _, _, last_word = self.message(message, row).text.partition("\n\n")
            if last_word and message.author_id != bot_id:
                message.text = self._cipher.encrypt(last_word, MESSAGE.place(message, row))
            else:
                await session.delete(message)

    def note(self, session: AsyncSession, row: TicketRow, note: NewNote | None, *, mention: int | None = None) -> None:
        """Store a note for the ticket's thread, if there is one to store."""
        if note is not None:
            add_note(session, row, replace(note, mention=mention), self._cipher)

    async def held_note(self, session: AsyncSession, row: TicketRow, note: NewNote) -> tuple[int, bool]:
        """Store a note that its caller tries to do without, for who has the ticket; see hold_note()."""
        return await hold_note(session, row, replace(note, mention=row.taken_by), self._cipher)

    def encrypted(self, row: TicketRow, details: TicketDetails) -> str:
        """Return what the row keeps of these details."""
        return self._cipher.encrypt(_DETAILS.dump_json(details).decode(), DETAILS.place(row))


async def _reopened(
    session: AsyncSession, rows: Iterable[TicketRow], wrote: Mapping[int, MessageRow]
) -> dict[int, int]:
    """Return who has reopened which of a guild's open tickets, if it was a moderator and nobody has written since."""
    waiting = {row.number: row for row in rows if row.answered_at is not None and row.stage in WAITS_FOR_MODERATORS}
    if not waiting:
        return {}
    guild_id = next(iter(waiting.values())).guild_id
    its = AuditRow.guild_id == guild_id, AuditRow.number.in_(waiting)
    done = AuditRow.action.in_([Action.ANSWERED, Action.REOPENED])
    latest = sa.select(sa.func.max(AuditRow.id)).where(*its, done).group_by(AuditRow.number)
    reopened = sa.select(AuditRow).where(*its, AuditRow.id.in_(latest), AuditRow.action == Action.REOPENED)
    by_number = {entry.number: entry for entry in await session.scalars(reopened)}
    return {
        row.id: entry.actor_id
        for number, row in waiting.items()
        if (entry := by_number.get(number)) is not None
        and entry.actor_id != row.user_id
        and (row.id not in wrote or wrote[row.id].at < entry.at)
    }


async def row_of(session: AsyncSession, ticket_id: int) -> TicketRow:
    """Return the row of a ticket.

    Raises:
        NoSuchTicket: there is none.
    """
    row = await session.get(TicketRow, ticket_id)
    if row is None:
        raise NoSuchTicket
    return row


async def locked(session: AsyncSession, ticket_id: int) -> TicketRow:
    """Return the row, locked until the transaction ends; lock its guild's row first, as filing does.

    Raises:
        NoSuchTicket: there is none.
    """
    await lock_guild(session, sa.select(TicketRow.guild_id).where(TicketRow.id == ticket_id))
    row = await session.get(TicketRow, ticket_id, with_for_update=True)
    if row is None:
        raise NoSuchTicket
    return row


def must_be_open(row: TicketRow, actor_id: int) -> None:
    """Check that a ticket is open; who closed it is not for its customer.

    Raises:
        NotPossibleNow: it is resolved.
    """
    if row.resolved:
        closed_by = row.resolved_by if actor_id != row.user_id else None
        raise NotPossibleNow(closed_by=closed_by, at=row.resolved_at)


def card_of(row: TicketRow) -> Card:
    """Return where a ticket's card is."""
    return Card(row.card_channel_id, row.card_message_id, row.thread_id)


def audit(session: AsyncSession, row: TicketRow, actor_id: int, action: Action) -> None:
    """Add an audit entry about a ticket."""
    add_entry(session, row.guild_id, actor_id, action, number=row.number)
