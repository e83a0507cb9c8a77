"""The help desk: one method for each thing that customers and moderators do with a ticket."""

import contextlib
from dataclasses import replace

from discord.ext import commands

from fileflare_bot.background import soon
from fileflare_bot.fileflare.errors import OrderNotFound
from fileflare_bot.fileflare.lookups import Lookups
from fileflare_bot.fileflare.request_queue import LONGEST_WAIT, Requester
from fileflare_bot.i18n import N_, Catalogs
from fileflare_bot.modlog import ModLog
from fileflare_bot.orders.diagnosis import Finding, Kind, diagnose, diagnose_failure
from fileflare_bot.orders.findings import changes
from fileflare_bot.orders.hiding import hide_order
from fileflare_bot.orders.reference import OrderReference, gives_away
from fileflare_bot.refusal import Refusal
from fileflare_bot.removals import Removals
from fileflare_bot.storage.errors import NoSuchSavedOrder, NoSuchTicket, StorageUnavailable
from fileflare_bot.storage.records import Delivery, Filed, NewNote, NewTicket, Resolution, Ticket, TicketMessage
from fileflare_bot.storage.storage import Storage
from fileflare_bot.tickets.canned import as_sent
from fileflare_bot.tickets.delivery import asked_before, opens_order
from fileflare_bot.tickets.holders import with_holders
from fileflare_bot.tickets.intake import HIDDEN, hide_secrets, require_member
from fileflare_bot.tickets.screenshots import Screenshot
from fileflare_bot.tickets.sync import TicketSync
from fileflare_bot.tickets.texts import quoted
from fileflare_bot.tickets.topics import RESOLUTIONS


class NotYours(Refusal):
    """Raised when a user opens or writes to another user's ticket."""

    sentence = N_("**That is for somebody else.**")


class RequestGone(Refusal):
    """Raised when customers use a button of a ticket that is deleted."""

    sentence = N_(
        "**That help request is gone: it was deleted, or closed too long ago.** Do you still need help? Use /{command} "
        "in the store's server and press **{help}** there."
    )


class OrderNotKnown(Refusal):
    """Raised when a moderator checks the order of a ticket that has none."""

    sentence = N_(
        "**No order is known for this help request.** Have the customer open it with /{command}, and press **{help}** "
        "there."
    )


class NoSuchNumber(Refusal):
    """Raised when no ticket of the guild has the number that a moderator typed, perhaps an order's."""

    sentence = N_(
        "**There is no help request #{number} here.** If {number} is an order number: I cannot look an order up by "
        "that. Type the number of the customer's help request, which /requests person shows; /claims person shows "
        "which orders count for them."
    )


class OrderInWords(Refusal):
    """Raised when a moderator's words to a customer hold an order link or an order ID."""

    sentence = N_(
        "**Not sent: there is an order link or an order ID in it,** and whoever has one has the files. I have hidden "
        "it below. **{change}** opens the form again with a mark in its place; the customer opens their own order with "
        "/{command}."
    )


class NotAnswered(Refusal):
    """Raised when a ticket has no answer to read."""

    sentence = N_("**There is no answer yet.** The moderators will write to you.")


class HelpDesk:
    """All operations on tickets.

    Each one stores the change and what Discord must show. ``TicketSync`` then updates Discord, and the reconciler
    retries what failed.
    """

    def __init__(
        self,
        bot: commands.AutoShardedBot,
        storage: Storage,
        lookups: Lookups,
        catalogs: Catalogs,
        *,
        modlog: ModLog,
        sync: TicketSync,
        removals: Removals,
    ) -> None:
        self._bot = bot
        self._storage = storage
        self._tickets = storage.tickets
        self._lookups = lookups
        self._catalogs = catalogs
        self._modlog = modlog
        self._sync = sync
        self._removals = removals

    async def ticket(self, ticket_id: int, guild_id: int) -> Ticket:
        """Return a ticket of a guild.

        Raises:
            NoSuchTicket: it does not exist, or it is another guild's.
        """
        ticket = await self._tickets.get(ticket_id)
        if ticket.guild_id != guild_id:
            raise NoSuchTicket
        return ticket

    async def order_of(self, guild_id: int, number: int) -> tuple[Ticket, OrderReference]:
        """Return a guild's ticket of this number, and its order.

        Raises:
            NoSuchNumber: the guild has no such ticket.
            OrderNotKnown: the ticket has no order.
        """
        try:
            ticket = await self._tickets.of_number(guild_id, number)
        except NoSuchTicket as error:
            raise NoSuchNumber(number=str(number)) from error
        if ticket.details.reference is None:
            raise OrderNotKnown
        return ticket, ticket.details.reference

    # What customers do; ``guild_id`` is where they press, None in a direct message

    async def file(self, new: NewTicket, *, name: str, screenshot: Screenshot | None = None) -> Filed:
        """File a ticket, or add the words and the screenshot to the customer's open ticket about the same order.

        ``name`` is the customer's display name in the guild. Its ``card.message_id`` is None if the card could not be
        posted yet; ``screenshot.posted`` says whether the moderators can see that.

        Raises:
            TooManyTickets: the customer has reached a limit.
        """
        settings = await self._storage.guilds.load(new.guild_id)
        details = new.details
        findings = await with_holders(self._storage, new.guild_id, new.user_id, details.reference, details.findings)
        details = replace(details, name=without_order(name, details.reference), findings=findings)
        new = replace(new, details=details)
        filed = await self._tickets.file(
            new,
            open_per_user=settings.options.help_open_per_person,
            words_note=await self._words_note(new.guild_id, new.user_id, new.details.words),
            screenshot_note=None if screenshot is None else await self._screenshot_note(new, screenshot),
        )
        if screenshot is not None:
            screenshot.note_id, screenshot.added = filed.note_id, filed.existing
        return replace(filed, ticket=await self.show(filed.ticket, screenshot))

    async def read_answer(
        self, ticket_id: int, user_id: int, guild_id: int | None, message_id: int | None
    ) -> tuple[Ticket, TicketMessage]:
        """Return a customer's ticket and one of the moderators' answers in it, the latest if ``message_id`` is None.

        The ticket has the customer's latest words before that answer.

        Raises:
            NotYours, RequestGone: as for of_customer().
            NotAnswered: it has no such answer.
        """
        ticket = await self.of_customer(ticket_id, user_id, guild_id)
        messages = await self._tickets.messages(ticket_id)
        answers = [message for message in messages if message.from_moderator]
        if message_id is not None:
            answers = [message for message in answers if message.id == message_id]
        if not answers:
            raise NotAnswered
        return asked_before(ticket, messages, answers[-1].id), answers[-1]

    async def order_of_customer(
        self, ticket_id: int, user_id: int, guild_id: int | None
    ) -> tuple[Ticket, OrderReference]:
        """Return a customer's ticket, and its order, which they have opened before.

        Raises:
            NotYours, RequestGone: as for of_customer().
            NoSuchSavedOrder: no such order is known, or it cannot be decrypted.
        """
        ticket = await self.of_customer(ticket_id, user_id, guild_id)
        if ticket.details.reference is None or not opens_order(ticket):
            raise NoSuchSavedOrder
        return ticket, ticket.details.reference

    async def write_back(
        self, ticket_id: int, user_id: int, guild_id: int | None, text: str
    ) -> tuple[Ticket, bool, bool]:
        """Send a customer's message to the moderators, and reopen the ticket if it is resolved.

        Return the ticket, whether the moderators can read the message already, and whether it was resolved.

        Raises:
            NotYours, RequestGone: as for of_customer().
            NotAMember: the customer has left the guild.
            TooManyTickets: the customer has reached a limit.
        """
        ticket = await self.of_customer(ticket_id, user_id, guild_id)
        was_resolved = ticket.resolved
        await require_member(self._bot, ticket.guild_id, user_id)
        text = without_order(text, ticket.details.reference)
        note = await self._words_note(ticket.guild_id, user_id, text)
        ticket = await self.show(await self._tickets.wrote_back(ticket_id, user_id, text, note))
        return ticket, await self.is_told(ticket), was_resolved and not ticket.resolved

    async def is_told(self, ticket: Ticket) -> bool:
        """Return whether moderators can read all that a ticket's customer has sent; False while nobody knows."""
        placed = bool(ticket.card.message_id or ticket.card.thread_id)
        with contextlib.suppress(StorageUnavailable):  # what is stored is no refusal
            return placed and await self._tickets.is_told(ticket.id)
        return False

    async def heard(self, ticket_id: int, user_id: int) -> None:
        """Note that a customer is about to write, so that their ticket is not closed meanwhile."""

        async def note() -> None:
            with contextlib.suppress(NoSuchTicket):
                await self._tickets.heard(ticket_id, user_id)

        await soon(note())

    async def solve(self, ticket_id: int, user_id: int, guild_id: int | None) -> Ticket:
        """Close a customer's ticket because they say that it is solved.

        Raises:
            NotYours, RequestGone: as for of_customer().
            NotAMember: the customer has left the guild.
            NotPossibleNow: it is already closed.
        """
        ticket = await self.of_customer(ticket_id, user_id, guild_id)
        await require_member(self._bot, ticket.guild_id, user_id)
        translator = await self._modlog.translator(ticket.guild_id)
        said = translator.gettext("{who} says that it is solved.", who=f"<@{user_id}>")
        note = NewNote(f"🟢 {said}", "resolved")
        return await self.show(await self._tickets.resolve(ticket_id, user_id, Resolution.CUSTOMER, note=note))

    # What moderators do

    async def take(self, ticket: Ticket, moderator_id: int) -> None:
        """Assign a ticket that nobody has taken to a moderator.

        Raises:
            AlreadyTaken: another moderator has it.
            NotPossibleNow: it is resolved.
        """
        await self.show(await self._tickets.take(ticket.id, moderator_id))

    async def hand_over(self, ticket: Ticket, moderator_id: int, to: int) -> None:
        """Hand a ticket over to another moderator, and mention them in its thread.

        Raises:
            NotPossibleNow: it is resolved.
        """
        translator = await self._modlog.translator(ticket.guild_id)
        text = translator.gettext("{who} has handed it to {to}.", who=f"<@{moderator_id}>", to=f"<@{to}>")
        await self.show(await self._tickets.hand_over(ticket.id, moderator_id, to, NewNote(f"🤝 {text}", "taken")))

    async def check(self, ticket: Ticket, moderator_id: int) -> tuple[Finding, ...]:
        """Look the ticket's order up again, and return its findings.

        Raises:
            OrderNotKnown: the ticket has no order.
            AskedTooOften, FileflareUnavailable: the lookup failed.
        """
        number, findings = await self._read_order(ticket, moderator_id)
        translator = await self._modlog.translator(ticket.guild_id)
        head = translator.gettext("{who} has checked the order again.", who=f"<@{moderator_id}>")
        difference = changes(ticket.details.findings, findings, translator) or translator.gettext(
            "Nothing has changed."
        )
        note = NewNote(f"🔎 {head}\n{difference}", "taken")
        await self.show(await self._tickets.checked(ticket.id, moderator_id, number, findings, note))
        return findings

    async def answer(self, ticket: Ticket, moderator_id: int, text: str) -> Delivery:
        """Send an answer to the customer, and return how far it has come.

        Raises:
            OrderInWords: it holds an order link or an order ID.
            NotPossibleNow: the ticket is closed.
        """
        _check_words(text, ticket)
        await self.show(await self._tickets.answered(ticket.id, moderator_id, as_sent(text, ticket)))
        return await self._delivery(ticket, moderator_id)

    async def resolve(self, ticket: Ticket, moderator_id: int, resolution: Resolution, last_word: str) -> Delivery:
        """Close a ticket, tell the customer, and return how far that message has come.

        Raises:
            OrderInWords: the last word holds an order link or an order ID.
            NotPossibleNow: it is already closed.
        """
        _check_words(last_word, ticket)
        told = self._catalogs.translator(ticket.locale).gettext(RESOLUTIONS[resolution])
        text = f"{told}.\n\n{last_word}".strip()
        await self.show(await self._tickets.resolve(ticket.id, moderator_id, resolution, answer=text))
        return await self._delivery(ticket, moderator_id)

    async def reopen(self, ticket: Ticket, moderator_id: int) -> None:
        """Reopen a closed ticket.

        Raises:
            NotPossibleNow: it is open, or the customer has another open one about the same order.
        """
        translator = await self._modlog.translator(ticket.guild_id)
        text = translator.gettext("{who} has opened it again.", who=f"<@{moderator_id}>")
        await self.show(await self._tickets.reopen(ticket.id, moderator_id, NewNote(f"↩️ {text}", "taken")))

    async def post_again(self, ticket: Ticket, moderator_id: int) -> Ticket:
        """Post a ticket's card again, for example after it was deleted; return the ticket with its new card, if any.

        Raises:
            NotPossibleNow: the ticket is closed.
        """
        ticket = await self._tickets.post_again(ticket.id, moderator_id)
        await soon(self._removals.run())
        return await self.show(ticket)

    async def show(self, ticket: Ticket, screenshot: Screenshot | None = None) -> Ticket:
        """Tell Discord what was stored, here or by a move of the order's claim; return the ticket as it is then."""
        await soon(self._sync.sync(ticket.id, screenshot), self._modlog.post_lines(ticket.guild_id))
        try:
            return await self._tickets.get(ticket.id)
        except StorageUnavailable:
            return ticket

    async def _delivery(self, ticket: Ticket, moderator_id: int) -> Delivery:
        """Return how far a moderator's latest answer has come."""
        try:
            messages = await self._tickets.messages(ticket.id)
        except StorageUnavailable:
            return Delivery.PENDING
        theirs = [message for message in messages if message.from_moderator and message.author_id == moderator_id]
        return theirs[-1].delivery or Delivery.PENDING

    async def _words_note(self, guild_id: int, user_id: int, text: str) -> NewNote:
        """Return what a ticket's thread says about its customer's words."""
        translator = await self._modlog.translator(guild_id)
        head = translator.gettext("{who} writes:", who=f"<@{user_id}>")
        return NewNote(f"{head}\n{quoted(text)}", "open")

    async def _screenshot_note(self, new: NewTicket, screenshot: Screenshot) -> NewNote:
        """Return what a ticket's thread says if its customer's screenshot cannot be posted; each has a note of its own.

        The same one again has the same note, as far as its type and size tell.
        """
        translator = await self._modlog.translator(new.guild_id)
        text = translator.gettext(
            "{who} has attached a screenshot that I could not post, and I keep none. Ask for it again: **Get help** "
            "for the same order takes it.",
            who=f"<@{new.user_id}>",
        )
        which = f" ({screenshot.kind}, {len(screenshot.content)} B)" if screenshot.content else ""
        return NewNote(f"🖼️ {text}{which}", "open")

    async def of_customer(self, ticket_id: int, user_id: int, guild_id: int | None) -> Ticket:
        """Return a customer's ticket.

        Raises:
            NotYours: it is another customer's in this guild.
            RequestGone: it does not exist, or is another customer's elsewhere.
        """
        try:
            ticket = await self._tickets.get(ticket_id)
        except NoSuchTicket:
            raise RequestGone from None
        if ticket.user_id != user_id:  # nobody learns elsewhere that there is such a ticket
            raise NotYours if ticket.guild_id == guild_id else RequestGone
        return ticket

    async def _read_order(self, ticket: Ticket, moderator_id: int) -> tuple[str, tuple[Finding, ...]]:
        reference = ticket.details.reference
        if reference is None:
            raise OrderNotKnown
        try:
            requester = Requester(moderator_id, ticket.guild_id, staff=True)
            found = await self._lookups.find(reference, requester, refresh=True, patience=LONGEST_WAIT)
            number, findings = str(found.order.order_number or ""), diagnose(found.order)
        except OrderNotFound:
            number, findings = ticket.details.order_number, diagnose_failure(Kind.NOT_FOUND)
        return number, await with_holders(self._storage, ticket.guild_id, ticket.user_id, reference, findings)


def _check_words(text: str, ticket: Ticket) -> None:
    if gives_away(text) or without_order(text, ticket.details.reference) != text:
        raise OrderInWords


def to_give_back(text: str, reference: OrderReference | None) -> str:
    """Return a moderator's words, to copy or to change, with no order ID and no order link left in them."""
    text = without_order(text, reference)
    if gives_away(text):
        text = hide_secrets(text)
    return "" if gives_away(text) else text


def without_order(text: str, reference: OrderReference | None) -> str:
    """Return a text that others can read without the ID of the ticket's order, and without addresses that hold it."""
    return text if reference is None else hide_order(text, reference.token, HIDDEN, addresses=False)
