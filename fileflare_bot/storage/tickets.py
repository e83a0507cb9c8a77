"""Tickets: filed, worked on, closed, looked up. Each change and its audit entry are one transaction."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from fileflare_bot.orders.diagnosis import Finding
from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.storage.database import Database, unit_of_work, utc_now
from fileflare_bot.storage.errors import AlreadyTaken, NoSuchTicket, NotPossibleNow, TooManyTickets
from fileflare_bot.storage.guild_rows import ensure_guild, lock_guild
from fileflare_bot.storage.intents import add_card_removals, show, show_again
from fileflare_bot.storage.models import AuditRow, GuildRow, MessageRow, NoteRow, TicketRow
from fileflare_bot.storage.records import (
    WAITS_FOR_MODERATORS,
    Action,
    Filed,
    NewNote,
    NewTicket,
    Resolution,
    Stage,
    Ticket,
    TicketMessage,
    TicketPage,
)
from fileflare_bot.storage.stages import begin
from fileflare_bot.storage.ticket_rows import TicketRows, audit, card_of, locked, must_be_open, row_of

TICKETS_ON_A_PAGE: Final = 10
MESSAGES_FOR_A_TICKET: Final = 10  # that a customer may write a day for each ticket that they may file
OPEN_SHOWN: Final = 5  # of the open tickets that keep a user from filing another; a row holds five buttons
REPEAT_WITHIN: Final = timedelta(minutes=10)  # the same text or press again within this is the same one


class Tickets:
    """All tickets."""

    def __init__(self, database: Database, rows: TicketRows, *, open_per_user: int, a_day_per_user: int) -> None:
        self._database = database
        self._rows = rows
        self.open_per_user = open_per_user
        self._a_day_per_user = a_day_per_user

    @unit_of_work
    async def file(
        self,
        new: NewTicket,
        *,
        open_per_user: int | None = None,
        words_note: NewNote | None = None,
        screenshot_note: NewNote | None = None,
    ) -> Filed:
        """File a ticket, or add its words to the user's open ticket about the same order, which gets its topic.

        ``open_per_user`` is the guild's own limit, if it has one. ``words_note`` tells moderators of added words.
        ``screenshot_note`` asks for the screenshot again; it is held for the caller, who posts the screenshot instead.
        Whatever is added counts as written back.

        Raises:
            TooManyTickets: the user has reached a limit.
        """
        order_hash = self._rows.order_hash(new.details.reference)
        async with self._database.writing() as session:
            await ensure_guild(session, new.guild_id)
            await lock_guild(session, new.guild_id)
            about_it = _open_of(new.guild_id, new.user_id).where(TicketRow.order_hash == order_hash)
            row = await session.scalar(about_it.with_for_update())  # take() locks nothing else
            existing = row is not None
            wrote = False
            if row is None:
                await self._check_limits(session, new.guild_id, new.user_id, open_per_user)
                row = TicketRow(
                    guild_id=new.guild_id,
                    number=await _next_number(session, new.guild_id),
                    user_id=new.user_id,
                    channel_id=new.channel_id,
                    locale=new.locale,
                    topic=new.topic,
                    kinds=_kinds(new.details.findings),
                    order_hash=order_hash,
                    resolved=False,
                    created_at=utc_now(),
                    retry_at=utc_now(),
                )
                row.details = self._rows.encrypted(row, new.details)
                session.add(row)
                await session.flush()
                await begin(session, row, Stage.WAITING)
                audit(session, row, new.user_id, Action.FILED)
            else:
                changed = self._claim_number(row, new.details.claimed_number) or row.topic != new.topic
                row.channel_id, row.locale, row.topic = new.channel_id, new.locale, new.topic
                if new.details.words:
                    wrote = await self._write_back(session, row, new.details.words, words_note)
                if changed and not wrote:
                    wrote = await self._add(session, row)
            if screenshot_note is None:
                return Filed(self._rows.record(row), existing)
            note_id, is_new = await self._rows.held_note(session, row, screenshot_note)
            if existing and is_new and not wrote:
                await self._add(session, row)
            return Filed(self._rows.record(row), existing, note_id)

    @unit_of_work
    async def require_room(
        self, guild_id: int, user_id: int, reference: OrderReference | None, *, open_per_user: int | None = None
    ) -> int | None:
        """Check that a user could file a ticket about this order now, or return the number of their open one about it.

        Raises:
            TooManyTickets: they have reached a limit.
        """
        about_it = _open_of(guild_id, user_id).where(TicketRow.order_hash == self._rows.order_hash(reference))
        async with self._database.reading() as session:
            row = await session.scalar(about_it)
            if row is None:
                await self._check_limits(session, guild_id, user_id, open_per_user)
            return None if row is None else row.number

    @unit_of_work
    async def open_about(self, guild_id: int, user_id: int, reference: OrderReference | None) -> Ticket | None:
        """Return a user's open ticket about an order, None if they have none."""
        about_it = _open_of(guild_id, user_id).where(TicketRow.order_hash == self._rows.order_hash(reference))
        async with self._database.reading() as session:
            row = await session.scalar(about_it)
            return None if row is None else self._rows.record(row)

    @unit_of_work
    async def get(self, ticket_id: int) -> Ticket:
        """Return a ticket.

        Raises:
            NoSuchTicket: there is none.
        """
        async with self._database.reading() as session:
            (ticket,) = await self._rows.shown(session, [await row_of(session, ticket_id)])
            return ticket

    @unit_of_work
    async def of_number(self, guild_id: int, number: int) -> Ticket:
        """Return a guild's ticket of this number.

        Raises:
            NoSuchTicket: there is none.
        """
        query = sa.select(TicketRow).where(TicketRow.guild_id == guild_id, TicketRow.number == number)
        async with self._database.reading() as session:
            row = await session.scalar(query)
            if row is None:
                raise NoSuchTicket
            (ticket,) = await self._rows.shown(session, [row])
            return ticket

    @unit_of_work
    async def take(self, ticket_id: int, moderator_id: int) -> Ticket:
        """Take a ticket that nobody has; if several try at once, exactly one succeeds.

        Raises:
            AlreadyTaken: another moderator has it.
            NotPossibleNow: it is resolved.
        """
        async with self._database.writing() as session:
            free = TicketRow.taken_by.is_(None), ~TicketRow.resolved, TicketRow.id == ticket_id
            taken = await session.scalar(
                sa.update(TicketRow).where(*free).values(taken_by=moderator_id).returning(TicketRow.id)
            )
            row = await row_of(session, ticket_id)
            if taken is None:
                must_be_open(row, moderator_id)
                if row.taken_by != moderator_id:
                    raise AlreadyTaken(row.taken_by or 0)
                return self._rows.record(row)
            show(row)
            audit(session, row, moderator_id, Action.TOOK)
            return self._rows.record(row)

    @unit_of_work
    async def hand_over(self, ticket_id: int, moderator_id: int, to: int, note: NewNote | None = None) -> Ticket:
        """Give a ticket to another moderator, whoever has it.

        Raises:
            NotPossibleNow: it is resolved.
        """
        async with self._database.writing() as session:
            row = await locked(session, ticket_id)
            must_be_open(row, moderator_id)
            if row.taken_by == to:
                return self._rows.record(row)
            row.taken_by, row.pinged_at = to, None  # they are pinged in any case, by what is posted first
            pinging = NoteRow.mention.is_not(None) | NoteRow.reminder
            await session.execute(sa.update(NoteRow).where(NoteRow.ticket_id == row.id, pinging).values(mention=to))
            show(row)
            self._rows.note(session, row, note, mention=to)
            audit(session, row, moderator_id, Action.HANDED_OVER)
            return self._rows.record(row)

    @unit_of_work
    async def checked(
        self,
        ticket_id: int,
        moderator_id: int,
        order_number: str,
        findings: tuple[Finding, ...],
        note: NewNote | None = None,
    ) -> Ticket:
        """Replace the ticket's findings with the order's current ones."""
        async with self._database.writing() as session:
            row = await locked(session, ticket_id)
            details = self._rows.record(row).details
            row.details = self._rows.encrypted(row, replace(details, order_number=order_number, findings=findings))
            row.kinds = _kinds(findings)
            show(row)
            self._rows.note(session, row, note)
            audit(session, row, moderator_id, Action.CHECKED)
            return self._rows.record(row)

    @unit_of_work
    async def answered(self, ticket_id: int, moderator_id: int, text: str) -> Ticket:
        """Store a moderator's answer; a ticket that nobody has becomes theirs.

        Raises:
            NotPossibleNow: it is resolved.
        """
        async with self._database.writing() as session:
            row = await locked(session, ticket_id)
            if row.stage in WAITS_FOR_MODERATORS or not await self._is_repeated(session, row, moderator_id, text):
                must_be_open(row, moderator_id)
                row.answered_at = row.answered_at or utc_now()
                row.taken_by = row.taken_by or moderator_id
                await begin(session, row, None)  # until it has arrived, nobody's silence means anything
                show(row)
                self._rows.write(session, row, moderator_id, text, from_moderator=True)
            return self._rows.record(row)

    @unit_of_work
    async def wrote_back(self, ticket_id: int, user_id: int, text: str, note: NewNote | None = None) -> Ticket:
        """Store the customer's message; reopen a resolved ticket.

        Raises:
            NoSuchTicket: it is another user's.
            TooManyTickets: the user has reached the limit of messages a day.
        """
        async with self._database.writing() as session:
            row = await locked(session, ticket_id)
            if row.user_id != user_id:
                raise NoSuchTicket
            await self._write_back(session, row, text, note)
            return self._rows.record(row)

    @unit_of_work
    async def resolve(
        self,
        ticket_id: int,
        actor_id: int,
        resolution: Resolution,
        *,
        answer: str | None = None,
        note: NewNote | None = None,
    ) -> Ticket:
        """Close a ticket, with a moderator's last answer or a note for its thread.

        Raises:
            NotPossibleNow: it is closed already.
        """
        async with self._database.writing() as session:
            row = await locked(session, ticket_id)
            same = row.resolved and (row.resolved_by, row.resolution) == (actor_id, resolution)
            if same and (answer is None or await self._is_repeated(session, row, actor_id, answer)):
                return self._rows.record(row)
            must_be_open(row, actor_id)
            await self._rows.resolve(session, row, actor_id, resolution)
            self._rows.note(session, row, note)
            if answer is not None:
                row.answered_at = row.answered_at or utc_now()
                self._rows.write(session, row, actor_id, answer, from_moderator=True, closing=True)
            return self._rows.record(row)

    @unit_of_work
    async def reopen(self, ticket_id: int, actor_id: int, note: NewNote | None = None) -> Ticket:
        """Reopen a closed ticket.

        Raises:
            NotPossibleNow: it is open, or the user has another open one about the same order.
        """
        async with self._database.writing() as session:
            row = await locked(session, ticket_id)
            if not row.resolved:
                if await _was_last(session, row, actor_id, Action.REOPENED):
                    return self._rows.record(row)
                raise NotPossibleNow(opened=True)
            await self._reopen(session, row, link=True)
            self._rows.note(session, row, note)
            audit(session, row, actor_id, Action.REOPENED)
            return self._rows.record(row)

    @unit_of_work
    async def post_again(self, ticket_id: int, actor_id: int) -> Ticket:
        """Have the ticket's card removed and posted again.

        Raises:
            NotPossibleNow: it is resolved, so that nobody would post the card again.
        """
        async with self._database.writing() as session:
            row = await locked(session, ticket_id)
            must_be_open(row, actor_id)
            if not await _was_last(session, row, actor_id, Action.POSTED_AGAIN) or row.card_message_id is not None:
                add_card_removals(session, row.guild_id, card_of(row))
                show_again(row)
                audit(session, row, actor_id, Action.POSTED_AGAIN)
            return self._rows.record(row)

    @unit_of_work
    async def heard(self, ticket_id: int, user_id: int) -> None:
        """Begin a customer's silence anew: they are about to write back.

        Raises:
            NoSuchTicket: there is none.
        """
        async with self._database.writing() as session:
            row = await locked(session, ticket_id)
            if row.user_id == user_id and row.stage in {Stage.ANSWERED, Stage.ASKING, Stage.ASKED}:
                await begin(session, row, Stage.ANSWERED)

    # Reading

    @unit_of_work
    async def messages(self, ticket_id: int) -> list[TicketMessage]:
        """Return a ticket's messages, oldest first."""
        query = sa.select(MessageRow, TicketRow).join(TicketRow).where(MessageRow.ticket_id == ticket_id)
        async with self._database.reading() as session:
            return [
                self._rows.message(row, ticket) for row, ticket in await session.execute(query.order_by(MessageRow.id))
            ]

    @unit_of_work
    async def is_told(self, ticket_id: int) -> bool:
        """Return whether moderators can read everything about a ticket in its thread."""
        query = sa.select(NoteRow.id).where(NoteRow.ticket_id == ticket_id).limit(1)
        return await self._database.first(query) is None

    @unit_of_work
    async def page(
        self, guild_id: int, number: int, *, taken_by: int | None = None, user_id: int | None = None
    ) -> TicketPage:
        """Return a page of a guild's open tickets: all, or those that one moderator has taken.

        Those that wait for an answer come first, the oldest first. With ``user_id``: that user's tickets, open
        and resolved, newest first.
        """
        wanted = [TicketRow.guild_id == guild_id]
        waits = TicketRow.stage.in_(WAITS_FOR_MODERATORS) | TicketRow.answered_at.is_(None)
        order = [sa.case((waits, 0), else_=1), TicketRow.id.asc()]
        if user_id is not None:
            wanted.append(TicketRow.user_id == user_id)
            order = [TicketRow.id.desc()]
        else:
            wanted.append(~TicketRow.resolved)
        if taken_by is not None:
            wanted.append(TicketRow.taken_by == taken_by)
        async with self._database.reading() as session:
            total = await session.scalar(sa.select(sa.func.count()).select_from(TicketRow).where(*wanted)) or 0
            pages = max(1, -(-total // TICKETS_ON_A_PAGE))
            number = min(max(number, 1), pages)
            query = sa.select(TicketRow).where(*wanted).order_by(*order)
            query = query.offset((number - 1) * TICKETS_ON_A_PAGE).limit(TICKETS_ON_A_PAGE)
            tickets = await self._rows.shown(session, (await session.scalars(query)).all())
        return TicketPage(tuple(tickets), number, pages, total)

    async def _check_limits(
        self, session: AsyncSession, guild_id: int, user_id: int, open_per_user: int | None
    ) -> None:
        theirs = _open_of(guild_id, user_id).order_by(TicketRow.id.desc())
        count = len((await session.scalars(theirs.with_only_columns(TicketRow.id))).all())
        of_user = TicketRow.guild_id == guild_id, TicketRow.user_id == user_id
        filed = sa.select(TicketRow.created_at).where(*of_user)
        again_at = await _again_at(session, filed, TicketRow.created_at, self._a_day_per_user)
        if again_at is not None or count >= (open_per_user or self.open_per_user):
            shown = map(self._rows.record, (await session.scalars(theirs.limit(OPEN_SHOWN))).all())
            raise TooManyTickets(
                [(each.id, each.number, each.details.order_number or each.details.claimed_number) for each in shown],
                again_at,
                count=count,
                filed=True,
            )

    async def _check_messages(self, session: AsyncSession, user_id: int) -> None:
        """Check how often a customer has written back in a day.

        Raises:
            TooManyTickets: they have reached the limit.
        """
        theirs = AuditRow.actor_id == user_id, AuditRow.action == Action.WROTE_BACK
        most = MESSAGES_FOR_A_TICKET * self._a_day_per_user
        again_at = await _again_at(session, sa.select(AuditRow.at).where(*theirs), AuditRow.at, most)
        if again_at is not None:
            raise TooManyTickets(again_at=again_at)

    def _claim_number(self, row: TicketRow, number: str) -> bool:
        """Keep an order number that the customer says, where none is known yet; return whether it is a new one."""
        ticket = self._rows.record(row)
        details = ticket.details
        if not number or not ticket.readable or details.order_number or details.claimed_number == number:
            return False
        row.details = self._rows.encrypted(row, replace(details, claimed_number=number))
        return True

    async def _add(self, session: AsyncSession, row: TicketRow) -> bool:
        """Record that the ticket's customer has added something other than words, which counts as written back.

        Raises:
            TooManyTickets: they have reached the limit of messages a day.
        """
        await self._check_messages(session, row.user_id)
        audit(session, row, row.user_id, Action.WROTE_BACK)
        await self._wait_for_moderators(session, row)
        show(row)
        return True

    async def _write_back(self, session: AsyncSession, row: TicketRow, text: str, note: NewNote | None) -> bool:
        """Store a message of the ticket's customer, and reopen the ticket if it is resolved.

        Return False if it is the same message once more.

        Raises:
            TooManyTickets: they have reached the limit of messages a day.
        """
        if not row.resolved and await self._is_repeated(session, row, row.user_id, text):
            return False
        await self._check_messages(session, row.user_id)
        if row.resolved:
            await self._reopen(session, row)
            audit(session, row, row.user_id, Action.REOPENED)
        else:
            await self._wait_for_moderators(session, row)
        show(row)
        self._rows.write(session, row, row.user_id, text, from_moderator=False)
        self._rows.note(session, row, note, mention=row.taken_by)
        return True

    async def _wait_for_moderators(self, session: AsyncSession, row: TicketRow) -> None:
        if row.stage not in {Stage.WAITING, Stage.REMINDED}:  # else the customer has been waiting since before
            await begin(session, row, Stage.WAITING)

    async def _reopen(self, session: AsyncSession, row: TicketRow, *, link: bool = False) -> None:
        """Reopen a ticket; ``link`` has a refusal link the card of the other open one, which only moderators see."""
        another = sa.select(TicketRow).where(
            TicketRow.guild_id == row.guild_id,
            TicketRow.user_id == row.user_id,
            TicketRow.order_hash == row.order_hash,
            ~TicketRow.resolved,
        )
        if (other := await session.scalar(another)) is not None:
            raise NotPossibleNow(other=self._rows.record(other).linked if link else f"#{other.number}")
        if row.resolution == Resolution.NO_REPLY:
            await self._rows.take_back_no_reply(session, row)
        row.resolved, row.resolution, row.resolved_by, row.resolved_at = False, None, None, None
        await begin(session, row, Stage.WAITING)
        show(row)

    async def _is_repeated(self, session: AsyncSession, row: TicketRow, author_id: int, text: str) -> bool:
        """Return whether this is the ticket's latest text once more: somebody pressed again after a failure."""
        latest = sa.select(MessageRow).where(MessageRow.ticket_id == row.id).order_by(MessageRow.id.desc()).limit(1)
        message = await session.scalar(latest)
        if message is None:
            words = self._rows.record(row).details.words
            return author_id == row.user_id and text == words and utc_now() - row.created_at < REPEAT_WITHIN
        same = message.author_id == author_id and self._rows.message(message, row).text == text
        return same and utc_now() - message.at < REPEAT_WITHIN


def _open_of(guild_id: int, user_id: int) -> sa.Select[TicketRow]:
    its = TicketRow.guild_id == guild_id, TicketRow.user_id == user_id, ~TicketRow.resolved
    return sa.select(TicketRow).where(*its)


async def _again_at(
    session: AsyncSession, times: sa.Select[datetime], column: InstrumentedAttribute[datetime], most: int
) -> datetime | None:
    """Return when fewer than ``most`` of these times are of the last 24 hours, None if that is so now."""
    day = timedelta(days=1)
    lately = times.where(column > utc_now() - day).order_by(column.desc()).offset(most - 1).limit(1)
    oldest: datetime | None = await session.scalar(lately)
    return None if oldest is None else oldest + day


async def _next_number(session: AsyncSession, guild_id: int) -> int:
    """Take the guild's next ticket number; its row must be locked."""
    its = sa.update(GuildRow).where(GuildRow.guild_id == guild_id)
    after: int | None = await session.scalar(
        its.values(next_number=GuildRow.next_number + 1).returning(GuildRow.next_number)
    )
    assert after is not None  # noqa: S101 - ensure_guild() made the row
    return after - 1


def _kinds(findings: tuple[Finding, ...]) -> list[str]:
    return list(dict.fromkeys(finding.kind.value for finding in findings))


async def _was_last(session: AsyncSession, row: TicketRow, actor_id: int, action: Action) -> bool:
    """Return whether this user did this last of all to the ticket, just now."""
    its = AuditRow.guild_id == row.guild_id, AuditRow.number == row.number
    entry = await session.scalar(sa.select(AuditRow).where(*its).order_by(AuditRow.id.desc()).limit(1))
    done = entry is not None and (entry.actor_id, entry.action) == (actor_id, action)
    return done and entry is not None and utc_now() - entry.at < REPEAT_WITHIN
