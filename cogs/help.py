"""For customers: asking for help, reading the answer, and writing back."""

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import discord
from discord.ext import commands

from fileflare_bot.discord_limits import shorten
from fileflare_bot.fileflare.request_queue import Requester
from fileflare_bot.i18n import N_, Translator
from fileflare_bot.interactions.access import CUSTOMER
from fileflare_bot.interactions.components import button, labelled, modal, order_input, view, without, words_input
from fileflare_bot.interactions.reply import Reply, ReplyMessage
from fileflare_bot.interactions.routing import replies, route
from fileflare_bot.interactions.values import member, number
from fileflare_bot.orders.diagnosis import Finding, Kind
from fileflare_bot.orders.labels import plain_number
from fileflare_bot.orders.reference import OrderReference, ReferenceProblem, parse_reference
from fileflare_bot.posting import has_custom_id
from fileflare_bot.refusal import Refusal
from fileflare_bot.storage.errors import StorageUnavailable, TooManyTickets
from fileflare_bot.storage.records import Filed, GuildSettings, NewTicket, Ticket, TicketDetails, Topic
from fileflare_bot.text import clean
from fileflare_bot.tickets.delivery import add_how_to_reply, answer_embed, answer_title, answer_view
from fileflare_bot.tickets.intake import (
    HIDDEN,
    NothingToFindItBy,
    NothingWritten,
    help_button,
    hide_secrets,
    look_into,
    require_desk,
    sorted_out,
    typed_number,
)
from fileflare_bot.tickets.screenshots import is_private, read_screenshot
from fileflare_bot.tickets.texts import quoted
from fileflare_bot.tickets.topics import LIKELY, TOPICS

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

_FOUND: Final = r"(?P<handle>[\w-]{0,40}):(?P<found>[a-z_]{0,30})\.(?P<problem>[a-z_]{0,30})"
_NUMBER: Final = r"(?::(?P<claimed>[^:]{1,40}))?"  # that was pasted instead of an order ID
_TICKET: Final = r"(?P<ticket_id>\d{1,18})"
_ANSWER: Final = r"(?::(?P<answer_id>\d{1,18}))?"  # the message of a moderator
_ROOM_SHARE: Final = 0.8  # of the time for a fast reply, in which a form must be opened
_FORM_PARTS: Final = 5  # discord.com/developers/docs/interactions/receiving-and-responding, "Modal"
_LONGEST_NUMBER: Final = 20  # characters
_LONGEST_ANSWERED: Final = 1000  # UTF-16 units of an answer above the form that replies to it
_UNKNOWN: Final = {Kind.WRONG_REFERENCE, Kind.NOT_FOUND, Kind.PAUSED}


class Help(commands.Cog):
    """The customer's side of a ticket."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._bot = bot
        self._desk = bot.desk

    @route(f"help:ask:{_FOUND}{_NUMBER}")
    @replies("help_ask", CUSTOMER)
    async def ask(self, reply: Reply, handle: str, found: str, problem: str, claimed: str) -> None:
        """Open the modal that asks what is wrong."""
        require_desk(reply.settings, reply.interaction.guild)
        reply.offer = _open_tickets
        opened = self._bot.open_orders.get(handle, reply.user.id)
        custom_id = f"help:file:{handle if opened is not None else ''}:{found}.{problem}"
        likely = LIKELY.get(member(Kind, found)) if found else None
        added_to = await self._require_room(reply, None if opened is None else opened.reference)
        await reply.ask(
            _help_modal(
                custom_id,
                likely,
                reply.translator,
                ask_for_order=opened is None,
                ask_for_number=opened is None or not opened.order_number,
                claimed_number=typed_number(claimed),
                added_to=None if opened is None else added_to,
                ask_for_screenshot=self._takes_screenshots(reply.settings),
            )
        )

    @route(f"help:file:{_FOUND}")
    @replies("help_filed", CUSTOMER)
    async def file(self, reply: Reply, handle: str, found: str, problem: str) -> None:
        """File a ticket from the submitted modal."""
        opened = self._bot.open_orders.get(handle, reply.user.id)
        reply.offer = partial(_after_the_form, handle=handle, finding=_finding(found, problem))
        known = "" if opened is None else opened.reference.token
        reply.hide(reply.typed("order"), reply.typed("number"), known)
        pasted, claimed_number = sorted_out(reply.typed("order"), reply.typed("number"), known)
        reference = opened.reference if opened is not None else parse_reference(pasted)
        token = reference.token if isinstance(reference, OrderReference) else ""
        reply.hide(token)
        reply.written = words = hide_secrets(reply.typed("words"), token)
        topic = member(Topic, next(iter(reply.chosen("topic")), Topic.OTHER))
        settings = reply.settings
        require_desk(settings, reply.interaction.guild)
        if opened is not None:
            details = TicketDetails(
                opened.order_number, opened.findings, words, opened.reference, products=opened.products
            )
        else:
            before = _finding(found, problem)
            requester = Requester(reply.user.id, settings.guild_id)
            details = await look_into(self._bot.lookups, pasted, requester, words, before)
        if not details.order_number:
            details = replace(details, claimed_number=claimed_number)
        attached = reply.uploaded("screenshot")
        taken = attached if settings.options.help_screenshots else None
        if topic is Topic.ORDER_NOT_FOUND and not taken:
            _require_something_to_find_it_by(details)
        screenshot = None if taken is None else await read_screenshot(self._bot, taken)
        filed = await self._desk.file(
            NewTicket(
                guild_id=settings.guild_id,
                user_id=reply.user.id,
                channel_id=reply.interaction.channel_id or 0,
                locale=str(reply.interaction.locale),
                topic=topic,
                details=details,
            ),
            name=clean(reply.user.display_name),
            screenshot=screenshot,
        )
        ticket, translator = filed.ticket, reply.translator
        reply.facts["ticket"] = ticket.number
        seen = await self._desk.is_told(ticket) if filed.existing else ticket.card.message_id is not None
        if not seen:
            reply.outcome = "not_posted"
        elif filed.existing:
            reply.outcome = "added"
        lines = [_filed(filed, words, translator, seen=seen), *_left_out(words, translator)]
        if screenshot is not None:
            lines.append(translator.gettext(screenshot.outcome))
        elif attached is not None:
            lines.append(translator.gettext("I left out your screenshot: this store no longer accepts screenshots."))
        if not filed.existing and (usual := await self._usual_answer_time(settings.guild_id)) is not None:
            time = translator.duration(usual)
            lines.append(translator.gettext("Lately, most answers here took at most: {time}.", time=time))
        await reply.show(ReplyMessage("\n".join(lines)))

    @route(f"help:read:{_TICKET}{_ANSWER}")
    @replies("help_read", CUSTOMER)
    async def read(self, reply: Reply, ticket_id: str, answer_id: str) -> None:
        """Show an answer, but only to the customer it is for; earlier versions' buttons show the latest."""
        wanted = number(answer_id) if answer_id else None
        ticket, answer = await self._desk.read_answer(
            number(ticket_id), reply.user.id, reply.interaction.guild_id, wanted
        )
        guild = self._bot.get_guild(ticket.guild_id)
        title = answer_title(ticket, reply.translator, asking=answer.asking)
        embed = answer_embed(ticket, title, answer.text, guild.name if guild is not None else "", reply.translator)
        await reply.show(
            ReplyMessage(title, embed, answer_view(ticket, answer.id, reply.translator, asking=answer.asking))
        )

    @route(f"help:write:{_TICKET}{_ANSWER}")
    @replies("help_write", CUSTOMER)
    async def write(self, reply: Reply, ticket_id: str, answer_id: str) -> None:
        """Open the modal for writing back."""
        reading = self._desk.of_customer(number(ticket_id), reply.user.id, reply.interaction.guild_id)
        ticket = await reply.before_asking(reading)
        translator = reply.translator
        title = translator.gettext("Write back")
        if ticket is not None and ticket.resolved:
            title = translator.gettext("Reopen help request #{number}", number=ticket.number)
        entry = labelled(translator.gettext("Your words"), words_input(required=True))
        below = f":{answer_id}" if answer_id else ""
        above = _answered(reply.interaction.message) if answer_id else []
        await reply.ask(modal(title, f"help:wrote:{ticket_id}{below}", *above, entry))
        await self._desk.heard(number(ticket_id), reply.user.id)

    @route(f"help:wrote:{_TICKET}{_ANSWER}")
    @replies("help_wrote", CUSTOMER, updates=True)
    async def wrote(self, reply: Reply, ticket_id: str, answer_id: str) -> None:
        """Send the customer's message to the moderators; the answer above it gets its buttons back."""
        reply.written = text = hide_secrets(reply.typed("words"))
        if not text:
            raise NothingWritten
        ticket, told, reopened = await self._desk.write_back(
            number(ticket_id), reply.user.id, reply.interaction.guild_id, text
        )
        translator = reply.translator
        if told:
            sent = translator.gettext("The moderators have it: help request #{number}.", number=ticket.number)
        else:
            sent = translator.gettext(
                "It is saved with help request #{number}. I could not confirm yet that the moderators can read it; I "
                "go on trying.",
                number=ticket.number,
            )
        if reopened:
            sent += " " + translator.gettext("It is open again.")
        pressed, solved = reply.interaction.message, f"help:solved:{ticket.id}"
        if answer_id and pressed is not None and not ticket.resolved and not has_custom_id(pressed, solved):
            await reply.update(_reopened(pressed, ticket, number(answer_id), translator))
        await reply.tell(ReplyMessage("\n".join([sent, *_left_out(text, translator)])))

    @route(f"help:solved:{_TICKET}")
    @replies("help_solved", CUSTOMER, updates=True)
    async def solved(self, reply: Reply, ticket_id: str) -> None:
        """Close the ticket because its customer says that it is solved, and leave Reopen under the answer."""
        ticket = await self._desk.solve(number(ticket_id), reply.user.id, reply.interaction.guild_id)
        reopen = reply.translator.gettext("Reopen")
        text = reply.translator.gettext(
            "Good to hear! Help request #{number} is closed. If something is left, press **{reopen}**, and write what "
            "it is.",
            number=ticket.number,
            reopen=reopen,
        )
        if (pressed := reply.interaction.message) is not None:
            await reply.update(_closed(pressed, reopen))
        await reply.tell(ReplyMessage(text))

    async def _require_room(self, reply: Reply, reference: OrderReference | None) -> int | None:
        """Refuse before somebody fills in a form that would be refused, if the database says so in time.

        Return the number of the open ticket that the form adds to, if there is one.
        """
        settings = reply.settings
        try:
            async with asyncio.timeout(_ROOM_SHARE * reply.time_for_a_fast_reply()):
                return await self._bot.storage.tickets.require_room(
                    settings.guild_id, reply.user.id, reference, open_per_user=settings.options.help_open_per_person
                )
        except (StorageUnavailable, TimeoutError):
            return None  # filing checks it again

    def _takes_screenshots(self, settings: GuildSettings) -> bool:
        return settings.options.help_screenshots and is_private(self._bot.get_channel(settings.support_channel_id or 0))

    async def _usual_answer_time(self, guild_id: int) -> float | None:
        try:
            return await self._bot.storage.figures.usual_answer_time(guild_id)
        except StorageUnavailable:  # the ticket is filed all the same
            return None


def _answered(pressed: discord.Message | None) -> list[discord.ui.TextDisplay[Any]]:
    """Return the answer whose button was pressed, to stand above what its customer writes back."""
    embed = next(iter(pressed.embeds), None) if pressed is not None else None
    if embed is None or not embed.description:
        return []
    answer = quoted(shorten(" ".join(embed.description.split()), _LONGEST_ANSWERED))
    return [discord.ui.TextDisplay(f"**{embed.title}**\n{answer}")]


def _closed(pressed: discord.Message, reopen: str) -> ReplyMessage:
    """Return the message of an answer as it is once its ticket is closed."""
    shown = without(pressed, "help:solved:")
    for item in shown.children:
        if isinstance(item, discord.ui.Button) and (item.custom_id or "").startswith("help:write:"):
            item.label = reopen
    embed = next(iter(pressed.embeds), None)
    if embed is not None:
        embed.remove_field(1)  # how to write back, in a direct message
    return ReplyMessage(pressed.content, embed, shown)


def _reopened(pressed: discord.Message, ticket: Ticket, answer_id: int, translator: Translator) -> ReplyMessage:
    """Return the message of an answer as it is once its ticket is open again."""
    embed = next(iter(pressed.embeds), None)
    if embed is not None and pressed.guild is None:
        add_how_to_reply(embed.remove_field(1), translator.gettext("Write back"), translator)
    return ReplyMessage(pressed.content, embed, answer_view(ticket, answer_id, translator, asking=False))


def _left_out(kept: str, translator: Translator) -> list[str]:
    """Return the sentence that something was hidden of a customer's words, if it was: their own "[…]" is "[...]"."""
    if HIDDEN not in kept:
        return []
    return [
        translator.gettext("I left out links and order IDs in your words: whoever has your order link has your files.")
    ]


def _filed(filed: Filed, words: str, translator: Translator, *, seen: bool) -> str:
    """Return what became of what somebody has filed; ``seen`` says that the moderators can read it."""
    ticket_number = filed.ticket.number
    if not seen:
        return translator.gettext(
            "Your help request is saved as #{number}. I could not confirm yet that the moderators see it; I go "
            "on trying. If nobody answers, please tell a moderator that number.",
            number=ticket_number,
        )
    if not filed.existing:
        said = N_("Your help request is #{number}. The moderators have it.")
    elif words:
        said = N_(
            "You asked about this before, so I have added your words to help request #{number}. The moderators "
            "see them there."
        )
    else:
        said = N_("You asked about this before, and help request #{number} is still open. The moderators have it.")
    text = translator.gettext(said, number=ticket_number)
    return f"{text} " + translator.gettext(
        "Their answer comes to you as a direct message from me. If your direct messages are closed, I mention you in "
        "this channel, and only you can open the answer."
    )


def _open_tickets(error: Exception, _refusal: Refusal, translator: Translator) -> discord.ui.View | None:
    """Return the buttons that add something to the tickets which keep somebody from filing another."""
    if not isinstance(error, TooManyTickets) or not error.open_tickets:
        return None
    label, buttons = translator.gettext("Write back"), []
    for ticket_id, own_number, order_number in error.open_tickets:
        known = plain_number(order_number)
        of = translator.gettext("Order #{number}", number=known) if known else f"#{own_number}"
        buttons.append(button(f"{label} · {of}", f"help:write:{ticket_id}", emoji="✍️"))
    return view(buttons)


def _require_something_to_find_it_by(details: TicketDetails) -> None:
    """Check that moderators can find an order that was not found.

    Raises:
        NothingToFindItBy: nobody has given its number or said anything.
    """
    unknown = details.reference is None or any(finding.kind in _UNKNOWN for finding in details.findings)
    if unknown and not (details.order_number or details.claimed_number or details.words):
        raise NothingToFindItBy


def _after_the_form(
    error: Exception, refusal: Refusal, translator: Translator, *, handle: str, finding: Finding | None
) -> discord.ui.View | None:
    """Return the buttons under a form's refusal: one opens it again for an order number that was left out."""
    if not isinstance(error, NothingToFindItBy):
        return _open_tickets(error, refusal, translator)
    return view([help_button(translator, handle, finding, label=translator.gettext("Give the order number"))])


def _finding(found: str, problem: str) -> Finding | None:
    """Return the finding that a custom_id names, if any."""
    if not found:
        return None
    return Finding(member(Kind, found), problem=member(ReferenceProblem, problem) if problem else None)


def _help_modal(
    custom_id: str,
    likely: Topic | None,
    translator: Translator,
    *,
    ask_for_order: bool,
    ask_for_number: bool,
    claimed_number: str,
    added_to: int | None,
    ask_for_screenshot: bool,
) -> discord.ui.Modal:
    title = translator.gettext("Get help")
    seen = translator.gettext(
        "The moderators get this form, your name, the order number and what is wrong with its files. They never get "
        "your links or your order ID, which I keep encrypted. /{privacy} deletes the request, its card and its thread.",
        privacy=translator.gettext("privacy"),
    )
    if added_to is not None:
        title = translator.gettext("Add to help request #{number}", number=added_to)
        adds = translator.gettext(
            "Your help request #{number} about this order is open: what you send here is added to it.", number=added_to
        )
        seen = f"{adds}\n{seen}"
    options = [
        discord.RadioGroupOption(label=translator.gettext(sentence), value=topic, default=topic is likely)
        for topic, sentence in TOPICS.items()
    ]
    topics = discord.ui.RadioGroup[Any](custom_id="topic", options=options)
    items: list[discord.ui.Item[Any]] = [labelled(translator.gettext("What is wrong?"), topics)]
    if ask_for_number:
        number = discord.ui.TextInput[Any](
            custom_id="number",
            placeholder="#1050",
            max_length=_LONGEST_NUMBER,
            required=False,
            default=claimed_number[:_LONGEST_NUMBER] or None,
        )
        text = translator.gettext("It is in the confirmation email. None at hand? Say below what you bought, and when.")
        place = 0 if likely is Topic.ORDER_NOT_FOUND else len(items)
        items.insert(place, labelled(translator.gettext("Order number"), number, text))
    if ask_for_order:
        entry = order_input("order", required=False)
        text = translator.gettext("The moderators do not see it. Leave it out if you have none.")
        items.append(labelled(translator.gettext("Order link or order ID"), entry, text))
    text = translator.gettext("Which file? What did you see? No links, please.")
    items.append(labelled(translator.gettext("In your own words"), words_input(required=False), text))
    if ask_for_screenshot:
        upload = discord.ui.FileUpload[Any](custom_id="screenshot", required=False, max_values=1)
        text = translator.gettext("The moderators see it. Cut off the address bar: it can show your order link.")
        items.append(labelled(translator.gettext("Screenshot"), upload, text))
    if len(items) < _FORM_PARTS:
        items.append(discord.ui.TextDisplay(seen))  # last, so that the question comes first
    return modal(title, custom_id, *items)


async def setup(bot: "FileflareBot") -> None:
    """Add the cog."""
    await bot.add_cog(Help(bot))
