"""For moderators: the buttons of a ticket's card."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

import discord
from cachetools import TTLCache
from discord.ext import commands

from fileflare_bot.discord_limits import CONTENT, EMBED_DESCRIPTION, FIELD_VALUE, OPTION_LABEL, shorten, size
from fileflare_bot.fileflare.errors import FileflareUnavailable
from fileflare_bot.i18n import N_, Translator
from fileflare_bot.interactions.access import MODERATOR, is_moderator
from fileflare_bot.interactions.components import COLOUR, button, labelled, modal, view, words_input
from fileflare_bot.interactions.reply import File, Reply, ReplyMessage
from fileflare_bot.interactions.routing import replies, route
from fileflare_bot.interactions.values import member, number
from fileflare_bot.orders.diagnosis import Kind, diagnose_failure, was_read
from fileflare_bot.orders.findings import report, unseen
from fileflare_bot.refusal import Refusal
from fileflare_bot.roles.granting import NotInServer
from fileflare_bot.storage.errors import NoSuchTicket, NotPossibleNow, StorageUnavailable
from fileflare_bot.storage.records import CannedAnswer, Resolution, Ticket
from fileflare_bot.text import clean
from fileflare_bot.tickets.canned import BUILT_IN, LONGEST_REPLY, prepared
from fileflare_bot.tickets.card import card_copy, claim_buttons
from fileflare_bot.tickets.card_text import checked, details, kinds_shown
from fileflare_bot.tickets.delivery import ARRIVED, LONGEST_QUOTED
from fileflare_bot.tickets.desk import OrderInWords, to_give_back, without_order
from fileflare_bot.tickets.holders import UNKNOWN, Standing, as_it_is, standing_of
from fileflare_bot.tickets.intake import HIDDEN, NothingWritten, hide_secrets
from fileflare_bot.tickets.texts import numbered, order_of, quoted, title
from fileflare_bot.tickets.topics import BRINGS_NO_ROLE, RESOLUTIONS

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

_TICKET: Final = r"(?P<ticket_id>\d{1,18})"
_KINDS: Final = r"(?::[a-z_.]{0,70})?"  # of an earlier version's card
_PASSES_ON: Final = "passes_on"  # the form of an answer whose sender has to tell the store owner
_FORM: Final = f"(?P<form>answer|{_PASSES_ON}|resolve)"
MOST_FORMS: Final = 500  # whose words are kept for Change it
FORM_SECONDS: Final = 15 * 60
LONGEST_ROLES: Final = FIELD_VALUE // 2  # UTF-16 units: the embed's other parts may be as long as Discord lets them
_REMOVED: Final = N_("[link removed]")
_PREPARED: Final = r"(?::(?P<source>saved|ready)(?::(?P<name>[a-z_]{1,30}))?)?"


class NoModeratorThere(Refusal):
    """Raised when a ticket is handed over to a user who is not a moderator of its guild."""

    sentence = N_("**That person is no moderator of this server.** Choose somebody who is.")
    outcome = "not_to_them"


class MarkLeft(Refusal):
    """Raised when a moderator's words still hold the mark that **Change it** has put in a link's place."""

    sentence = N_(
        "**Not sent: it still says {mark},** where I had removed an order link or an order ID. Press **{change}**, and "
        "write something else there."
    )


class Tickets(commands.Cog):
    """The buttons of a ticket's card. The custom_ids of earlier versions' cards begin with ``request:``."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._desk = bot.desk
        self._roles = bot.roles
        self._storage = bot.storage
        self._catalogs = bot.catalogs
        self._modlog = bot.modlog
        self._typed: TTLCache[tuple[int, int, int, str], str] = TTLCache(MOST_FORMS, FORM_SECONDS)

    @route(f"tickets:take:{_TICKET}", f"request:take:{_TICKET}")
    @replies("ticket_take", MODERATOR)
    async def take(self, reply: Reply, ticket_id: str) -> None:
        """Take a ticket that nobody has taken."""
        ticket = await self._ticket(reply, ticket_id, changes=True)
        await self._desk.take(ticket, reply.user.id)
        text = reply.translator.gettext("Help request #{number} is yours now.", number=ticket.number)
        await self._done(reply, ticket, text)

    @route(f"tickets:handover:{_TICKET}", f"request:handover:{_TICKET}")
    @replies("ticket_hand_over", MODERATOR)
    async def hand_over(self, reply: Reply, ticket_id: str) -> None:
        """Ask which moderator takes over the ticket."""
        translator = reply.translator
        select = discord.ui.UserSelect[Any](custom_id="moderator")
        hint = translator.gettext("Somebody with a moderator role, Manage Messages or Manage Server")
        entry = labelled(translator.gettext("Who goes on with it?"), select, hint)
        ticket = await self._before_form(reply, ticket_id)
        heading = _title(ticket, N_("Hand over request #{number}"), N_("Hand over"), translator)
        await reply.ask(modal(heading, f"tickets:handed:{ticket_id}", entry))

    @route(f"tickets:handed:{_TICKET}", f"request:handed:{_TICKET}")
    @replies("ticket_handed", MODERATOR)
    async def handed(self, reply: Reply, ticket_id: str) -> None:
        """Hand the ticket over to the chosen moderator."""
        ticket = await self._ticket(reply, ticket_id, changes=True)
        reply.offer = partial(_offer, ticket=ticket)
        to = _chosen_moderator(reply)
        await self._desk.hand_over(ticket, reply.user.id, to)
        text = reply.translator.gettext(
            "Help request #{number} is with {who} now.", number=ticket.number, who=f"<@{to}>"
        )
        await self._done(reply, ticket, text)

    @route(f"tickets:check:{_TICKET}", f"request:check:{_TICKET}")
    @replies("ticket_check", MODERATOR)
    async def check(self, reply: Reply, ticket_id: str) -> None:
        """Look the order up again, and show what has changed."""
        ticket = await self._ticket(reply, ticket_id, changes=True)
        translator = reply.translator
        try:
            findings = await self._desk.check(ticket, reply.user.id)
        except FileflareUnavailable as error:
            reply.outcome = "unavailable"
            await self._done(reply, ticket, report(diagnose_failure(error.finding or Kind.NOT_ASKED), translator))
            return
        holders = (await self._standing(ticket)).holders
        head = numbered(ticket, translator, reply.user.id)
        text = f"{head}\n{checked(ticket, findings, translator, holders)}"
        await self._done(reply, ticket, text, *(claim_buttons(ticket, translator) if holders else ()))

    @route(f"tickets:answer:{_TICKET}{_KINDS}", f"request:answer:{_TICKET}{_KINDS}")
    @replies("ticket_answer", MODERATOR)
    async def answer(self, reply: Reply, ticket_id: str) -> None:
        """Offer the canned answers, and an empty one."""
        ticket = await as_it_is(self._storage, await self._open_ticket(reply, ticket_id))
        await reply.show(_choice(ticket, reply.settings.canned_answers, reply.translator, reply.user.id))

    @route(f"tickets:write:{_TICKET}{_PREPARED}")
    @replies("ticket_write", MODERATOR)
    async def write(self, reply: Reply, ticket_id: str, source: str, name: str) -> None:
        """Show the chosen answer as the customer will read it, to be edited and sent."""
        ticket = await self._open_ticket(reply, ticket_id)
        theirs, ours = self._catalogs.translator(ticket.locale), reply.translator
        known = _has_it(ticket, ours, reply.user.id) if name else []  # else the choice before has said it
        canned, name = reply.settings.canned_answers, name or next(iter(reply.chosen()), "")
        if source == "saved":  # the moderators' own words, which nobody translates
            filling = await self._modlog.translator(ticket.guild_id)
            text = prepared(ticket, filling, canned, source, name, safe=str)
            known += [] if filling is theirs else [ours.gettext("Your text is sent as written.")]
        elif source:
            text = prepared(ticket, theirs, canned, source, name, safe=str)
        else:
            text = ""
        text = without_order(text, ticket.details.reference)
        meaning = prepared(ticket, ours, canned, source, name) if source == "ready" and theirs is not ours else ""
        passes_on = source == "ready" and name in BUILT_IN and BUILT_IN[name].passes_on
        shown = _answer_modal(ticket, text, meaning, theirs, ours, known=known, passes_on=passes_on)
        await reply.ask(shown)

    @route(f"tickets:answered:{_TICKET}(?::(?P<form>{_PASSES_ON}))?", f"request:answered:{_TICKET}(?P<form>)")
    @replies("ticket_answered", MODERATOR)
    async def answered(self, reply: Reply, ticket_id: str, form: str) -> None:
        """Send the answer to the customer."""
        text = reply.typed("words").strip()
        reply.written = hide_secrets(text)  # the ticket, and with it the order, is not known yet
        ticket = await self._ticket(reply, ticket_id, changes=True)
        if not clean(text):
            raise NothingWritten
        self._keep(reply, ticket, form or "answer", text)
        delivered = await self._desk.answer(ticket, reply.user.id, text)
        reply.facts["delivered"] = delivered.name.lower()
        said = title(ticket, reply.translator) + ": " + reply.translator.gettext(ARRIVED[delivered])
        await reply.show(ReplyMessage(shorten(said, CONTENT)))

    @route(f"tickets:again:{_TICKET}:{_FORM}")
    @replies("ticket_again", MODERATOR)
    async def again(self, reply: Reply, ticket_id: str, form: str) -> None:
        """Open a form again, with the words that were not sent; after a restart without."""
        ticket = await self._open_ticket(reply, ticket_id)
        text, translator = self._typed.get((ticket.guild_id, ticket.number, reply.user.id, form), ""), reply.translator
        if form == "resolve":
            shown = _resolve_modal(ticket, ticket_id, text, translator, reply.user.id)
        else:
            theirs = self._catalogs.translator(ticket.locale)
            shown = _answer_modal(ticket, text, "", theirs, translator, passes_on=form == _PASSES_ON)
        await reply.ask(shown)

    @route(f"tickets:details:{_TICKET}")
    @replies("ticket_details", MODERATOR)
    async def details(self, reply: Reply, ticket_id: str) -> None:
        """Show what the card leaves out: all of the words and findings, and what an order's data cannot show."""
        ticket = await self._ticket(reply, ticket_id)
        translator = reply.translator
        head = f"{title(ticket, translator)} · {order_of(ticket, translator)}"
        messages = await self._storage.tickets.messages(ticket.id)
        standing = await standing_of(self._storage, ticket)
        text = details(ticket, translator, standing, messages)
        embed = discord.Embed(description=shorten(text, EMBED_DESCRIPTION), colour=COLOUR)
        if ticket.details.reference is not None and was_read(ticket.details.findings):
            cannot = translator.gettext("What the data cannot show")
            embed.add_field(name=cannot, value=shorten(unseen(translator), FIELD_VALUE), inline=False)
        if standing.own is not None and standing.own.role_ids:
            try:
                held = await self._roles.held(ticket.guild_id, ticket.user_id)
                has = _has_roles(standing.own.role_ids, held, translator)
            except NotInServer:
                has = translator.gettext("They are not in this server any more.")
            embed.add_field(name=translator.gettext("Roles that the order brings"), value=has, inline=False)
        file = File("details.txt", text.encode()) if size(text) > EMBED_DESCRIPTION else None
        await reply.show(ReplyMessage(f"**{head}**", embed, file=file))

    @route(f"tickets:resolve:{_TICKET}", f"request:resolve:{_TICKET}")
    @replies("ticket_resolve", MODERATOR)
    async def resolve(self, reply: Reply, ticket_id: str) -> None:
        """Ask why the ticket is closed."""
        ticket = await self._before_form(reply, ticket_id)
        await reply.ask(_resolve_modal(ticket, ticket_id, "", reply.translator, reply.user.id))

    @route(f"tickets:resolved:{_TICKET}", f"request:resolved:{_TICKET}")
    @replies("ticket_resolved", MODERATOR)
    async def resolved(self, reply: Reply, ticket_id: str) -> None:
        """Close the ticket, and tell the customer."""
        last_word = reply.typed("words").strip()
        reply.written = hide_secrets(last_word)
        resolution = member(Resolution, next(iter(reply.chosen("reason")), Resolution.ANSWERED))
        ticket = await self._ticket(reply, ticket_id, changes=True)
        self._keep(reply, ticket, "resolve", last_word)
        delivered = await self._desk.resolve(ticket, reply.user.id, resolution, last_word)
        reply.facts["delivered"] = delivered.name.lower()
        closed = reply.translator.gettext("Help request #{number} is closed.", number=ticket.number)
        if ticket.taken_by not in {None, reply.user.id}:
            closed += " " + reply.translator.gettext("{who} had taken it.", who=f"<@{ticket.taken_by}>")
        await self._done(reply, ticket, closed + " " + reply.translator.gettext(ARRIVED[delivered]))

    @route(f"tickets:reopen:{_TICKET}", f"request:reopen:{_TICKET}")
    @replies("ticket_reopen", MODERATOR)
    async def reopen(self, reply: Reply, ticket_id: str) -> None:
        """Reopen a closed ticket. A refusal that offers it stays, with the words that were not sent."""
        message = reply.interaction.message
        ticket = await self._ticket(reply, ticket_id, changes=message is not None and bool(message.embeds))
        await self._desk.reopen(ticket, reply.user.id)
        text = reply.translator.gettext("Help request #{number} is open again.", number=ticket.number)
        await self._done(reply, ticket, text)

    @route(f"tickets:post:{_TICKET}", f"request:post:{_TICKET}")
    @replies("ticket_post", MODERATOR)
    async def post_again(self, reply: Reply, ticket_id: str) -> None:
        """Post a ticket's card again, for example after somebody deleted it."""
        ticket = await self._ticket(reply, ticket_id, changes=True)
        reply.offer = partial(_offer, ticket=ticket)
        ticket = await self._desk.post_again(ticket, reply.user.id)
        if ticket.card.message_id is None:
            reply.outcome = "not_posted"
            text = reply.translator.gettext(
                "**Discord has not confirmed it yet;** I go on trying. If no card appears, an owner of the server "
                "finds in /store setup which permissions I lack, or chooses another channel."
            )
        else:
            where = f"<#{ticket.card.channel_id}>"
            text = reply.translator.gettext(
                "Posted: the card of help request #{number} is the newest in {where}. If the old one is still there, I "
                "delete it.",
                number=ticket.number,
                where=where,
            )
        await self._done(reply, ticket, text)

    async def _ticket(self, reply: Reply, ticket_id: str, *, changes: bool = False) -> Ticket:
        """Return a ticket of the moderator's guild, and keep its order ID out of the log.

        If what follows ``changes`` it, the reply replaces a message that only this moderator sees: the choice of an
        answer, or a copy of the card, which _done() shows anew.
        """
        reply.updates = changes and _is_private(reply)
        ticket = await self._desk.ticket(number(ticket_id), reply.guild_id)
        reply.facts["ticket"] = ticket.number
        if ticket.details.reference is not None:
            reply.hide(ticket.details.reference.token)
        return ticket

    async def _open_ticket(self, reply: Reply, ticket_id: str) -> Ticket:
        """Return a ticket of the moderator's guild that is open.

        Raises:
            NotPossibleNow: it is closed.
        """
        ticket = await self._ticket(reply, ticket_id)
        _require_open(reply, ticket)
        return ticket

    def _keep(self, reply: Reply, ticket: Ticket, form: str, text: str) -> None:
        """Keep what a moderator typed into a form, without any order's ID or link, for a refusal and its buttons.

        Raises:
            MarkLeft: the mark that stood for a link is still there.
        """
        kept, mark = to_give_back(text, ticket.details.reference), reply.translator.gettext(_REMOVED)
        if kept != text:
            kept = kept.replace(HIDDEN, mark)
        self._typed[ticket.guild_id, ticket.number, reply.user.id, form] = reply.written = kept
        reply.offer = partial(_offer, ticket=ticket, form=form)
        if mark in text:
            raise MarkLeft(mark=mark)

    async def _done(
        self, reply: Reply, ticket: Ticket, text: str, *buttons: discord.ui.Button[discord.ui.View]
    ) -> None:
        """Say what was done, beside the card with these buttons, or above its copy as it is now."""
        if not reply.updates:
            await reply.show(ReplyMessage(shorten(text, CONTENT), view=view(buttons) if buttons else None))
            return
        with suppress(StorageUnavailable, NoSuchTicket):
            ticket = await self._desk.ticket(ticket.id, ticket.guild_id)
        standing = await self._standing(ticket)
        await reply.show(card_copy(ticket, reply.translator, standing, shorten(text, CONTENT)))

    async def _standing(self, ticket: Ticket) -> Standing:
        """Return for whom a ticket's order counts, or UNKNOWN: a database that is away now undoes nothing."""
        with suppress(StorageUnavailable):
            return await standing_of(self._storage, ticket)
        return UNKNOWN

    async def _before_form(self, reply: Reply, ticket_id: str) -> Ticket | None:
        """Return the open ticket that a form is about, None if the database does not answer in time."""
        ticket = await reply.before_asking(self._desk.ticket(number(ticket_id), reply.guild_id))
        if ticket is not None:
            _require_open(reply, ticket)
        return ticket


def _has_roles(role_ids: Iterable[int], held: set[int] | None, translator: Translator) -> str:
    """Return which of the roles that an order brings its customer has, and which not."""
    parts = [(N_("{roles}: I could not read whether they have them."), role_ids)]
    if held is not None:
        parts = [
            (N_("✅ They have {roles}."), [role for role in role_ids if role in held]),
            (N_("🔴 They do not have {roles}."), [role for role in role_ids if role not in held]),
        ]
    mentions = ((sentence, ", ".join(f"<@&{role}>" for role in roles)) for sentence, roles in parts)
    lines = [translator.gettext(sentence, roles=roles) for sentence, roles in mentions if roles]
    return shorten("\n".join(lines), LONGEST_ROLES)


def _title(ticket: Ticket | None, with_number: str, without: str, translator: Translator) -> str:
    """Return a form's title, without the ticket's number if the ticket is not known."""
    return translator.gettext(without) if ticket is None else translator.gettext(with_number, number=ticket.number)


def _has_it(ticket: Ticket, translator: Translator, reader_id: int) -> list[str]:
    """Return the sentence about who has a ticket; empty if that is nobody or the reader."""
    if ticket.taken_by in {None, reader_id}:
        return []
    return [translator.gettext("{who} has this request.", who=f"<@{ticket.taken_by}>")]


def _require_open(reply: Reply, ticket: Ticket) -> None:
    """Refuse before a moderator writes anything about a ticket that is closed, with the button that reopens it."""
    reply.offer = partial(_offer, ticket=ticket)
    if ticket.resolved:
        raise NotPossibleNow(closed_by=ticket.resolved_by, at=ticket.resolved_at)


def _offer(
    error: Exception, _refusal: Refusal, translator: Translator, *, ticket: Ticket, form: str = ""
) -> discord.ui.View | None:
    """Return the buttons under a refusal: one reopens the ticket, one opens the form again, one asks whom to choose."""
    buttons = []
    if isinstance(error, NoModeratorThere):
        buttons.append(button(translator.gettext("Choose again"), f"tickets:handover:{ticket.id}", emoji="🤝"))
    closed = isinstance(error, NotPossibleNow) and error.is_closed
    if closed:
        buttons.append(button(translator.gettext("Reopen"), f"tickets:reopen:{ticket.id}", emoji="↩️"))
    if form and (closed or isinstance(error, OrderInWords | MarkLeft)):
        buttons.append(button(translator.gettext("Change it"), f"tickets:again:{ticket.id}:{form}", emoji="✏️"))
    return view(buttons) if buttons else None


def _choice(ticket: Ticket, canned: tuple[CannedAnswer, ...], translator: Translator, reader_id: int) -> ReplyMessage:
    """Return the choice between the canned answers, those for the findings first, and the moderator's own words."""
    kinds = kinds_shown(ticket)
    brings_role = {Kind.HELD_BY_OTHERS, *BRINGS_NO_ROLE}.isdisjoint(kinds)
    fits = {
        key: answer.fits in kinds or (answer.topic is ticket.topic and brings_role) for key, answer in BUILT_IN.items()
    }

    def place(key: str) -> tuple[bool, bool, int]:
        answer = BUILT_IN[key]
        shown = kinds.index(answer.fits) if answer.fits in kinds else len(kinds)
        return not fits[key], answer.topic is not ticket.topic, shown

    ready = [
        discord.SelectOption(
            label=translator.gettext(BUILT_IN[key].label), value=key, emoji="🎯" if fits[key] else None
        )
        for key in sorted(BUILT_IN, key=place)
    ]
    saved = [
        discord.SelectOption(
            label=answer.name, value=answer.name, description=shorten(clean(answer.text), OPTION_LABEL) or None
        )
        for answer in canned
    ]
    choices = (
        ("saved", translator.gettext("An answer of this server"), saved),
        ("ready", translator.gettext("A ready-made answer"), ready),
    )
    selects = [
        [discord.ui.Select[Any](custom_id=f"tickets:write:{ticket.id}:{source}", placeholder=label, options=options)]
        for source, label, options in choices
        if options
    ]
    own = button(translator.gettext("Your own words"), f"tickets:write:{ticket.id}", emoji="✏️")
    text = translator.gettext("Choose an answer. You see its text, and can change it, before it is sent.")
    text = "\n".join([*_has_it(ticket, translator, reader_id), text])
    return ReplyMessage(text, view=view(*selects, [own]))


def _answer_modal(
    ticket: Ticket,
    text: str,
    meaning: str,
    theirs: Translator,
    translator: Translator,
    *,
    known: Sequence[str] = (),
    passes_on: bool = False,
) -> discord.ui.Modal:
    """Return the form with the answer as the customer will read it; ``meaning`` is the same for the moderator.

    Above it is what is ``known`` of the ticket. If it ``passes_on`` something to the store owner, the form reminds the
    moderator of it.
    """
    entry = discord.ui.TextInput[Any](
        custom_id="words",
        style=discord.TextStyle.paragraph,
        max_length=LONGEST_REPLY,
        default=shorten(text, LONGEST_REPLY) or None,
    )
    language = theirs.locale.get_display_name(translator.locale)
    hint = translator.gettext("The customer's language: {language}", language=language)
    if passes_on:
        hint += ". " + translator.gettext("Tell the store owner yourself: I do not.")
    items: list[discord.ui.Item[Any]] = [discord.ui.TextDisplay("\n".join(known))] if known else []
    items.append(labelled(translator.gettext("What the customer reads"), entry, hint))
    if meaning:
        items.append(discord.ui.TextDisplay(translator.gettext("In your language:") + "\n" + meaning))
    heading = translator.gettext("Answer request #{number}", number=ticket.number)
    form = f":{_PASSES_ON}" if passes_on else ""
    return modal(heading, f"tickets:answered:{ticket.id}{form}", *items)


def _resolve_modal(
    ticket: Ticket | None, ticket_id: str, last_word: str, translator: Translator, reader_id: int
) -> discord.ui.Modal:
    """Return the form that closes a ticket, below who else has it and what its customer wrote last, if known."""
    known = [] if ticket is None else _has_it(ticket, translator, reader_id)
    wrote = "" if ticket is None or ticket.wrote is None else clean(ticket.wrote.text)
    if ticket is not None and wrote:  # no key may decrypt it any more
        said = N_("Nobody has answered what the customer wrote last:")
        if ticket.reopened_by is not None:  # what closed it may have been the answer
            said = N_("What the customer wrote last, before it was closed:")
        known += ["✍️ " + translator.gettext(said), quoted(shorten(wrote, LONGEST_QUOTED))]
    options = [
        discord.SelectOption(label=translator.gettext(reason), value=resolution)
        for resolution, reason in RESOLUTIONS.items()
        if resolution is not Resolution.CUSTOMER
    ]
    reason = discord.ui.Select[Any](custom_id="reason", options=options)
    words = words_input(required=False)
    words.default = shorten(last_word, words.max_length or LONGEST_REPLY) or None
    return modal(
        _title(ticket, N_("Resolve request #{number}"), N_("Resolve"), translator),
        f"tickets:resolved:{ticket_id}",
        *([discord.ui.TextDisplay("\n".join(known))] if known else ()),
        labelled(translator.gettext("Why is it closed?"), reason, translator.gettext("The customer is told.")),
        labelled(translator.gettext("A last word to the customer"), words),
    )


def _is_private(reply: Reply) -> bool:
    """Return whether the button or the form belongs to a message that only this moderator sees."""
    message = reply.interaction.message
    return message is not None and message.flags.ephemeral


def _chosen_moderator(reply: Reply) -> int:
    """Return the chosen member's ID; the roles that Discord sends with it must make them a moderator."""
    chosen_id = next(iter(reply.chosen("moderator")), "")
    to = number(chosen_id)
    data = cast("dict[str, Any]", reply.interaction.data or {})
    found = data.get("resolved", {}).get("members", {}).get(chosen_id)
    if found is None:
        raise NoModeratorThere
    guild = reply.guild
    role_ids = [int(role) for role in found.get("roles", ())]
    permissions = discord.Permissions.none()
    for role in filter(None, map(guild.get_role, (guild.id, *role_ids))):
        permissions |= role.permissions
    if not (is_moderator(permissions, role_ids, reply.settings) or to == guild.owner_id):
        raise NoModeratorThere
    return to


async def setup(bot: "FileflareBot") -> None:
    """Add the cog."""
    await bot.add_cog(Tickets(bot))
