"""What is stored about one user, in all guilds: listed, exported, deleted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from fileflare_bot.misses import Misses
from fileflare_bot.storage.audit import audit_entry
from fileflare_bot.storage.claims import Claims
from fileflare_bot.storage.database import Database, unit_of_work, utc_now
from fileflare_bot.storage.guild_rows import lock_guild
from fileflare_bot.storage.intents import add_card_removals
from fileflare_bot.storage.misses import misses_of
from fileflare_bot.storage.models import (
    AuditRow,
    ClaimRow,
    MessageRow,
    MissesRow,
    RemovalRow,
    SavedOrderRow,
    SeenProductRow,
    TicketRow,
)
from fileflare_bot.storage.products import Products, forget_user
from fileflare_bot.storage.records import Action, AuditEntry, Claim, SavedOrder, SeenProduct, Ticket, TicketMessage
from fileflare_bot.storage.role_grants import revoking
from fileflare_bot.storage.saved_orders import SavedOrders
from fileflare_bot.storage.ticket_rows import TicketRows, card_of
from fileflare_bot.storage.tickets import Tickets


@dataclass(frozen=True, slots=True)
class WrittenAnswer:
    """An answer that a moderator wrote in a ticket of somebody else; its text belongs to that ticket."""

    guild_id: int
    number: int
    at: datetime


@dataclass(frozen=True, slots=True)
class HandledTicket:
    """A ticket of somebody else that names a moderator as the one who took or resolved it."""

    guild_id: int
    number: int
    taken: bool
    resolved: bool


@dataclass(frozen=True, slots=True)
class PersonalRecord:
    """What is stored about a user: tickets, audit entries, misses, and how many saved orders.

    ``claims`` are the names of the orders that count for them, the newest first, "" for one that cannot be decrypted.
    ``answers`` and ``handled`` are what they did as a moderator in others' tickets.

    ``products`` counts the products that they were the first to bring; ``removals`` counts the messages and threads
    about deleted tickets that are still to be removed from Discord.
    """

    tickets: list[Ticket]
    entries: list[AuditEntry]
    answers: list[WrittenAnswer]
    handled: list[HandledTicket]
    saved_orders: int
    claims: list[str]
    products: int
    removals: int
    misses: Misses | None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is stored."""
        counts = (self.saved_orders, self.products, self.removals)
        listed = (self.tickets, self.entries, self.claims, self.answers, self.handled)
        return not (any(listed) or any(counts) or self.misses)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How much was deleted, how many messages and threads go with the tickets, and the guilds where roles go."""

    saved_orders: int
    tickets: int
    claims: int
    removals: int
    guild_ids: list[int]


@dataclass(frozen=True, slots=True)
class _TicketWithMessages:
    ticket: Ticket
    messages: list[TicketMessage]


@dataclass(frozen=True, slots=True)
class _Export:
    user_id: int
    saved_orders: list[SavedOrder]
    orders_that_count: list[Claim]
    products_first_seen: list[SeenProduct]
    help_requests: list[_TicketWithMessages]
    actions: list[AuditEntry]
    answers_as_moderator: list[WrittenAnswer]
    help_requests_as_moderator: list[HandledTicket]
    unknown_order_ids: Misses | None
    not_readable: dict[str, int]


_EXPORT: Final = TypeAdapter(_Export)
_NOT_EXPORTED: Final[Any] = {  # which moderators worked on a ticket, and where: not the user's data
    "help_requests": {
        "__all__": {"ticket": {"taken_by", "resolved_by", "card"}, "messages": {"__all__": {"author_id"}}}
    }
}


class PersonalData:
    """Lists, exports and deletes a user's data."""

    def __init__(
        self,
        database: Database,
        *,
        ticket_rows: TicketRows,
        tickets: Tickets,
        saved_orders: SavedOrders,
        claims: Claims,
        products: Products,
    ) -> None:
        self._database = database
        self._ticket_rows = ticket_rows
        self._tickets = tickets
        self._saved_orders = saved_orders
        self._claims = claims
        self._products = products

    @unit_of_work
    async def of_user(self, user_id: int) -> PersonalRecord:
        """Return what is stored about a user."""
        async with self._database.reading() as session:
            theirs = sa.select(TicketRow).where(TicketRow.user_id == user_id).order_by(TicketRow.id)
            tickets = [self._ticket_rows.record(row) for row in await session.scalars(theirs)]
            done = sa.select(AuditRow).where(AuditRow.actor_id == user_id).order_by(AuditRow.id)
            entries = [audit_entry(row) for row in await session.scalars(done)]
            claims = await self._claims.labels(session, user_id)
            saved, products, removals = [
                await session.scalar(sa.select(sa.func.count()).select_from(table).where(table.user_id == user_id)) or 0
                for table in (SavedOrderRow, SeenProductRow, RemovalRow)
            ]
            row = await session.get(MissesRow, (user_id, 0))
            answers, handled = await _moderated(session, user_id)
        misses = None if row is None else misses_of(row)
        return PersonalRecord(tickets, entries, answers, handled, saved, claims, products, removals, misses)

    @unit_of_work
    async def export(self, user_id: int) -> dict[str, Any]:
        """Return everything stored about a user, ready for JSON, with the order IDs, which are their own.

        What cannot be decrypted is left out: a saved order or a message as a whole, of a ticket its details, of a
        claim its label. ``not_readable`` counts the entries of each kind that lack something.
        """
        record = await self.of_user(user_id)
        saved = await self._saved_orders.of_user(user_id)
        claims = await self._claims.of_user(None, user_id)
        messages = {ticket.id: await self._tickets.messages(ticket.id) for ticket in record.tickets}
        lost = {
            "saved_orders": sum(order.reference is None for order in saved),
            "orders_that_count": sum(not claim.label for claim in claims),
            "help_requests": sum(not ticket.readable for ticket in record.tickets),
            "messages": sum(not message.text for written in messages.values() for message in written),
        }
        export = _Export(
            user_id=user_id,
            saved_orders=[order for order in saved if order.reference is not None],
            orders_that_count=claims,
            products_first_seen=await self._products.of_user(user_id),
            help_requests=[
                _TicketWithMessages(ticket, [message for message in messages[ticket.id] if message.text])
                for ticket in record.tickets
            ],
            actions=record.entries,
            answers_as_moderator=record.answers,
            help_requests_as_moderator=record.handled,
            unknown_order_ids=record.misses,
            not_readable={kind: count for kind, count in lost.items() if count},
        )
        dumped: dict[str, Any] = _EXPORT.dump_python(export, mode="json", exclude=_NOT_EXPORTED)
        return dumped

    @unit_of_work
    async def forget(self, user_id: int) -> Forgotten:
        """Delete a user's saved orders, tickets and claims, and return what Discord still shows of them.

        A claim stays for 90 days without the user, so that an order cannot be passed on by deleting it. Their
        misses stay until they are forgiven: deleting them would end a pause for guessing.
        """
        tickets, claims = [sa.select(table.guild_id).where(table.user_id == user_id) for table in (TicketRow, ClaimRow)]
        async with self._database.writing() as session:
            await lock_guild(session, tickets.union(claims))
            saved = sa.delete(SavedOrderRow).where(SavedOrderRow.user_id == user_id).returning(SavedOrderRow.id)
            saved_orders = len((await session.scalars(saved)).all())
            theirs = sa.delete(TicketRow).where(TicketRow.user_id == user_id)
            rows = (await session.scalars(theirs.returning(TicketRow))).all()
            customers = Action.FILED, Action.WROTE_BACK
            await session.execute(
                sa.delete(AuditRow).where(AuditRow.actor_id == user_id, AuditRow.action.in_(customers))
            )
            for row in rows:
                add_card_removals(session, row.guild_id, card_of(row), user_id)
                its = AuditRow.guild_id == row.guild_id, AuditRow.number == row.number
                await session.execute(sa.delete(AuditRow).where(AuditRow.actor_id == user_id, *its))
            now = utc_now()
            await session.execute(sa.update(RemovalRow).where(RemovalRow.user_id == user_id).values(retry_at=now))
            forgotten_claims = await self._claims.forget(session, user_id)
            await forget_user(session, user_id)
            await session.flush()
            removals = sa.select(sa.func.count()).select_from(RemovalRow).where(RemovalRow.user_id == user_id)
            left = await session.scalar(removals) or 0
            forgotten = Forgotten(saved_orders, len(rows), forgotten_claims, left, await revoking(session, user_id))
        await self._database.empty_log()
        return forgotten


async def _moderated(session: AsyncSession, user_id: int) -> tuple[list[WrittenAnswer], list[HandledTicket]]:
    """Return the answers that a user wrote in others' tickets, and those of them that they took or resolved."""
    others = TicketRow.user_id != user_id
    written = sa.select(TicketRow.guild_id, TicketRow.number, MessageRow.at).join_from(
        MessageRow, TicketRow, TicketRow.id == MessageRow.ticket_id
    )
    written = written.where(others, MessageRow.author_id == user_id, MessageRow.from_moderator)
    took, resolved = TicketRow.taken_by == user_id, TicketRow.resolved_by == user_id
    handled = sa.select(TicketRow).where(others, took | resolved)
    answers = await session.execute(written.order_by(MessageRow.id))
    tickets = await session.scalars(handled.order_by(TicketRow.id))
    return [WrittenAnswer(*row) for row in answers], [
        HandledTicket(row.guild_id, row.number, row.taken_by == user_id, row.resolved_by == user_id) for row in tickets
    ]
