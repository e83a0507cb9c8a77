"""The help desk: one method for each thing that customers and moderators do with a ticket.

Each changes the database first. An answer then goes to its customer; last, the card, the thread and the log channel
show it.
"""

from dataclasses import replace
from typing import Final

import discord
from discord.ext import commands

from fileflare_bot.fileflare.errors import OrderNotFound
from fileflare_bot.fileflare.lookups import Lookups
from fileflare_bot.fileflare.request_queue import Requester
from fileflare_bot.i18n import N_, Catalogs
from fileflare_bot.modlog import ModLog
from fileflare_bot.orders.diagnosis import Finding, Kind, diagnose, diagnose_failure
from fileflare_bot.orders.findings import changes
from fileflare_bot.refusal import Refusal
from fileflare_bot.storage.errors import NoSuchTicket
from fileflare_bot.storage.records import Action, Filed, NewTicket, Resolution, Ticket
from fileflare_bot.storage.storage import Storage
from fileflare_bot.tickets.card import RESOLVED, Cards, note_embed, words_embed
from fileflare_bot.tickets.delivery import Delivered, Delivery
from fileflare_bot.tickets.texts import RESOLUTIONS

ARRIVED: Final = {
    Delivered.BY_MESSAGE: N_("Sent by direct message."),
    Delivered.BY_MENTION: N_("I could not send them a direct message, so I mentioned them where they asked."),
    Delivered.LEFT: N_("They have left this server, so nobody has read it. It is kept with the help request."),
    Delivered.NOT_AT_ALL: N_(
        "**It could not be delivered:** I could send them no direct message, and may not write where they asked. "
        "Write to them yourself."
    ),
}


class NotYours(Refusal):
    """Raised when a user opens or writes to another user's ticket."""

    sentence = N_("**That is for somebody else.**")
    outcome = "not_yours"


class OrderNotKnown(Refusal):
    """Raised when a moderator checks the order of a ticket that has none."""

    sentence = N_("**No order is known for this help request.** Ask the customer for the order link.")
    outcome = "order_not_known"


class NotAnswered(Refusal):
    """Raised when a ticket has no answer to read."""

    sentence = N_("**There is no answer yet.** The moderators will write to you.")
    outcome = "not_answered"


class HelpDesk:
    """All operations on tickets."""

    def __init__(
        self, bot: commands.Bot, storage: Storage, lookups: Lookups, catalogs: Catalogs, modlog: ModLog
    ) -> None:
        self._storage = storage
        self._tickets = storage.tickets
        self._lookups = lookups
        self._catalogs = catalogs
        self._modlog = modlog
        self._cards = Cards(bot, storage, modlog)
        self._delivery = Delivery(bot, catalogs)

    async def ticket(self, ticket_id: int, guild_id: int) -> Ticket:
        """Return a ticket of a guild.

        Raises:
            NoSuchTicket: it does not exist, or it is another guild's.
        """
        ticket = await self._tickets.get(ticket_id)
        if ticket.guild_id != guild_id:
            raise NoSuchTicket
        return ticket

    # What customers do

    async def file(self, new: NewTicket, *, name: str) -> Filed:
        """File a ticket and post its card, or add the words to the customer's open ticket about the same order.

        ``name`` is the customer's display name in the guild. Its ``card.message_id`` is None if the
        card could not be posted.

        Raises:
            TooManyTickets: the customer has reached a limit.
        """
        settings = self._storage.guilds.get(new.guild_id)
        new = replace(new, details=replace(new.details, name=name))
        filed = await self._tickets.file(new, open_per_user=settings.options.help_open_per_person)
        if filed.existing:
            if new.details.words:
                await self._tell_moderators(filed.ticket, new.details.words)
            return filed
        ticket = await self._cards.post(filed.ticket.id)
        await self._modlog.announce(new.guild_id, Action.FILED, ticket.user_id, ticket.number)
        return replace(filed, ticket=ticket)

    async def last_answer(self, ticket_id: int, user_id: int) -> tuple[Ticket, str]:
        """Return a customer's ticket and the moderators' latest answer in it.

        Raises:
            NotYours: it is another customer's.
            NoSuchTicket: it does not exist.
            NotAnswered: it has no answer yet.
        """
        ticket = await self._customers_ticket(ticket_id, user_id)
        answers = [message.text for message in await self._tickets.messages(ticket_id) if message.from_moderator]
        if not answers:
            raise NotAnswered
        return ticket, answers[-1]

    async def write_back(self, ticket_id: int, user_id: int, text: str) -> Ticket:
        """Send a customer's message to the moderators, and reopen the ticket if it is resolved.

        Raises:
            NotYours: it is another customer's.
            TooManyTickets: the customer has reached a limit.
        """
        was_resolved = (await self._customers_ticket(ticket_id, user_id)).resolved
        ticket = await self._tickets.wrote_back(ticket_id, user_id, text)
        await self._show(ticket, Action.REOPENED if was_resolved else Action.WROTE_BACK, user_id)
        await self._tell_moderators(ticket, text)
        return ticket

    async def solve(self, ticket_id: int, user_id: int) -> Ticket:
        """Close a customer's ticket because they say that it is solved.

        Raises:
            NotYours: it is another customer's.
            NotPossibleNow: it is already closed.
        """
        await self._customers_ticket(ticket_id, user_id)
        ticket = await self._tickets.resolve(ticket_id, user_id, Resolution.CUSTOMER)
        await self._show(ticket, Action.RESOLVED, user_id)
        said = self._modlog.translator(ticket.guild_id).gettext("{who} says that it is solved.", who=f"<@{user_id}>")
        await self._cards.note(ticket, discord.Embed(description=f"🟢 {said}", colour=RESOLVED))
        return ticket

    # What moderators do

    async def take(self, ticket: Ticket, moderator_id: int) -> None:
        """Assign a ticket that nobody has taken to a moderator.

        Raises:
            AlreadyTaken: another moderator has it.
            NotPossibleNow: it is resolved.
        """
        ticket = await self._tickets.take(ticket.id, moderator_id)
        await self._show(ticket, Action.TOOK, moderator_id)

    async def hand_over(self, ticket: Ticket, moderator_id: int, to: int) -> None:
        """Hand a ticket over to another moderator, and mention them in its thread.

        Raises:
            NotPossibleNow: it is resolved.
        """
        ticket = await self._tickets.hand_over(ticket.id, moderator_id, to)
        ticket = await self._show(ticket, Action.HANDED_OVER, moderator_id)
        note = self._modlog.translator(ticket.guild_id).gettext(
            "{who} has handed it to {to}.", who=f"<@{moderator_id}>", to=f"<@{to}>"
        )
        await self._cards.note(ticket, note_embed("🤝", note), mention=to)

    async def check(self, ticket: Ticket, moderator_id: int) -> tuple[Finding, ...]:
        """Look the ticket's order up again, and return its findings.

        Raises:
            OrderNotKnown: the ticket has no order.
            AskedTooOften, FileflareUnavailable: the lookup failed.
        """
        number, findings = await self._read_order(ticket, moderator_id)
        before = ticket.details.findings
        ticket = await self._tickets.checked(ticket.id, moderator_id, number, findings)
        ticket = await self._show(ticket, Action.CHECKED, moderator_id)
        translator = self._modlog.translator(ticket.guild_id)
        head = translator.gettext("{who} has checked the order again.", who=f"<@{moderator_id}>")
        difference = changes(before, findings, translator) or translator.gettext("Nothing has changed.")
        await self._cards.note(ticket, note_embed("🔎", f"{head}\n{difference}"))
        return findings

    async def answer(self, ticket: Ticket, moderator_id: int, text: str) -> Delivered:
        """Send an answer to the customer, and return how it was delivered."""
        ticket = await self._tickets.answered(ticket.id, moderator_id, text)
        title = self._catalogs.translator(ticket.locale).gettext(
            "Answer to your help request #{number}", number=ticket.number
        )
        delivered = await self._delivery.deliver(ticket, title, text)
        ticket = await self._show(ticket, Action.ANSWERED, moderator_id)
        translator = self._modlog.translator(ticket.guild_id)
        head = translator.gettext("{who} has answered:", who=f"<@{moderator_id}>")
        arrived = translator.gettext(ARRIVED[delivered])
        await self._cards.note(ticket, note_embed("✉️", f"{head}\n{text}\n\n{arrived}"))
        return delivered

    async def resolve(self, ticket: Ticket, moderator_id: int, resolution: Resolution, last_word: str) -> Delivered:
        """Close a ticket, tell the customer, and return how that message was delivered.

        Raises:
            NotPossibleNow: it is already closed.
        """
        theirs = self._catalogs.translator(ticket.locale)
        told = theirs.gettext(RESOLUTIONS[resolution])
        text = f"{told}.\n\n{last_word}".strip()
        ticket = await self._tickets.resolve(ticket.id, moderator_id, resolution)
        await self._tickets.answered(ticket.id, moderator_id, text)
        title = theirs.gettext("Help request #{number} is closed", number=ticket.number)
        delivered = await self._delivery.deliver(ticket, title, text)
        ticket = await self._show(ticket, Action.RESOLVED, moderator_id)
        translator = self._modlog.translator(ticket.guild_id)
        head = translator.gettext("{who} has closed it:", who=f"<@{moderator_id}>")
        reason = translator.gettext(RESOLUTIONS[resolution])
        await self._cards.note(ticket, note_embed("🟢", f"{head} {reason}.\n{last_word}".strip()))
        return delivered

    async def reopen(self, ticket: Ticket, moderator_id: int) -> None:
        """Reopen a closed ticket.

        Raises:
            NotPossibleNow: it is open, or the customer has another open one about the same order.
        """
        ticket = await self._tickets.reopen(ticket.id, moderator_id)
        ticket = await self._show(ticket, Action.REOPENED, moderator_id)
        translator = self._modlog.translator(ticket.guild_id)
        note = translator.gettext("{who} has opened it again.", who=f"<@{moderator_id}>")
        await self._cards.note(ticket, note_embed("↩️", note))

    async def post_again(self, ticket: Ticket, moderator_id: int) -> Ticket:
        """Post a ticket's card again, for example after it was deleted; return the ticket with its new card, if any."""
        await self._cards.take_down(ticket)
        ticket = await self._cards.post(ticket.id, instead_of=ticket.card.message_id)
        if ticket.card.message_id is not None:
            await self._modlog.announce(ticket.guild_id, Action.POSTED_AGAIN, moderator_id, ticket.number)
        return ticket

    # What the bot does by itself

    async def post_unposted(self, guild_ids: list[int]) -> None:
        """Post the cards of tickets that a crash left without one."""
        for ticket in await self._tickets.unposted(guild_ids):
            if self._storage.guilds.get(ticket.guild_id).support_channel_id is not None:
                await self._cards.post(ticket.id)

    async def take_down(self, tickets: list[Ticket]) -> bool:
        """Delete the cards and threads of deleted tickets; return whether all are gone."""
        return all([await self._cards.take_down(ticket) for ticket in tickets])

    async def _show(self, ticket: Ticket, action: Action, actor_id: int) -> Ticket:
        """Update the card after an action, post the action's line in the log channel, and return the ticket."""
        ticket = await self._cards.refresh(ticket.id)
        await self._modlog.announce(ticket.guild_id, action, actor_id, ticket.number)
        return ticket

    async def _customers_ticket(self, ticket_id: int, user_id: int) -> Ticket:
        ticket = await self._tickets.get(ticket_id)
        if ticket.user_id != user_id:
            raise NotYours
        return ticket

    async def _tell_moderators(self, ticket: Ticket, text: str) -> None:
        """Post a customer's words into the thread; if that fails, post the card again first."""
        embed = words_embed(ticket, text, self._modlog.translator(ticket.guild_id))
        if not await self._cards.note(ticket, embed, mention=ticket.taken_by):
            ticket = await self._cards.post(ticket.id, instead_of=ticket.card.message_id)
            await self._cards.note(ticket, embed, mention=ticket.taken_by)

    async def _read_order(self, ticket: Ticket, moderator_id: int) -> tuple[str, tuple[Finding, ...]]:
        reference = ticket.details.reference
        if reference is None:
            raise OrderNotKnown
        try:
            order = await self._lookups.find(reference, Requester(moderator_id, ticket.guild_id), refresh=True)
        except OrderNotFound:
            return ticket.details.order_number, diagnose_failure(Kind.NOT_FOUND)
        return str(order.order_number or ""), diagnose(order)
