"""Delivers answers by direct message or, if the customer takes none, by a mention in the channel where they asked.

The mention only says that there is an answer; its button shows it to that customer alone.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import discord
import structlog
from discord.ext import commands

from fileflare_bot.discord_errors import (
    FAILURES,
    MESSAGES_CLOSED,
    NO_MUTUAL_GUILD,
    UNKNOWN_MEMBER,
    UNKNOWN_USER,
    code_of,
    is_final,
    name_of,
)
from fileflare_bot.discord_limits import EMBED_DESCRIPTION, FIELD_VALUE, shorten
from fileflare_bot.i18n import N_, Catalogs, Translator
from fileflare_bot.interactions.components import COLOUR, button, view
from fileflare_bot.modlog import ModLog
from fileflare_bot.orders.diagnosis import was_read
from fileflare_bot.orders.labels import plain_number
from fileflare_bot.posting import has_custom_id, post_once
from fileflare_bot.storage.records import Delivery, NewNote, PendingAnswer, Resolution, Ticket, TicketMessage
from fileflare_bot.storage.storage import Storage
from fileflare_bot.text import escape
from fileflare_bot.tickets.texts import quoted
from fileflare_bot.tickets.topics import RESOLUTIONS, TOPICS

LONGEST_QUOTED: Final = 200  # UTF-16 units of the customer's words in an answer
LEFT: Final = {NO_MUTUAL_GUILD, UNKNOWN_MEMBER, UNKNOWN_USER}
ARRIVED: Final = {
    Delivery.MESSAGE: N_("Sent by direct message."),
    Delivery.MENTION: N_("They take no direct messages, so I mentioned them where they asked."),
    Delivery.LEFT: N_("They have left this server, so nobody has read it. It is kept with the help request."),
    Delivery.FAILED: N_(
        "**It could not be delivered:** Discord takes neither a direct message to them nor a mention where they asked. "
        "Write to them yourself."
    ),
    Delivery.PENDING: N_(
        "**It is saved, but Discord has not confirmed it yet.** I go on trying, and the thread will say how it went."
    ),
    Delivery.CLOSED: N_(
        "**It is saved, but they may not have it yet:** they take no direct messages, and Discord has not confirmed "
        "a mention where they asked. I go on trying for a day; you can also write to them yourself."
    ),
}

log = structlog.stdlib.get_logger(__name__)


class Deliveries:
    """Delivers the answers of tickets."""

    def __init__(self, bot: commands.AutoShardedBot, storage: Storage, catalogs: Catalogs, modlog: ModLog) -> None:
        self._bot = bot
        self._intents = storage.intents
        self._tickets = storage.tickets
        self._catalogs = catalogs
        self._modlog = modlog

    async def deliver(self, ticket: Ticket) -> None:
        """Deliver a ticket's answers, oldest first, and record how; the others are tried again later."""
        for answer in await self._intents.answers(ticket.id):
            delivery = await self._deliver(ticket, answer)
            if delivery in {Delivery.PENDING, Delivery.CLOSED}:
                await self._intents.answers_postponed(ticket.id)
                return
            translator = await self._modlog.translator(ticket.guild_id)
            await self._intents.delivered(answer.id, delivery, _note(ticket, answer, delivery, translator))

    async def _deliver(self, ticket: Ticket, answer: PendingAnswer) -> Delivery:
        """Return how an answer reached the customer; PENDING or CLOSED if it has not yet."""
        if answer.delivery is Delivery.PENDING:
            try:
                await self._send(ticket, answer)
            except FAILURES as error:
                log.info("message_refused", guild_id=ticket.guild_id, error=name_of(error))
                if code_of(error) in LEFT:
                    return Delivery.LEFT
                if code_of(error) != MESSAGES_CLOSED:
                    return Delivery.FAILED if is_final(error, answer.at) else Delivery.PENDING
                await self._intents.messages_closed(answer.id)
            else:
                return Delivery.MESSAGE
        return await self._mention(ticket, answer)

    async def _send(self, ticket: Ticket, answer: PendingAnswer) -> None:
        translator = self._catalogs.translator(ticket.locale)
        title = answer_title(ticket, translator, asking=answer.asking, closing=_closes(ticket, answer))
        guild = self._bot.get_guild(ticket.guild_id)
        asked = asked_before(ticket, await self._tickets.messages(ticket.id), answer.id)
        embed = answer_embed(asked, title, answer.text, guild.name if guild is not None else "", translator)
        add_how_to_reply(embed, translator.gettext(_write_label(ticket, asking=answer.asking)), translator)
        channel = await self._bot.http.start_private_message(ticket.user_id)
        await post_once(
            self._bot,
            int(channel["id"]),
            found=lambda recent: has_custom_id(recent, f"help:write:{ticket.id}:{answer.id}"),
            since=answer.at,
            embed=embed,
            view=answer_view(ticket, answer.id, translator, asking=answer.asking),
        )

    async def _mention(self, ticket: Ticket, answer: PendingAnswer) -> Delivery:
        translator = self._catalogs.translator(ticket.locale)
        text = N_("{who}, there is an answer to your help request #{number}.")
        label = N_("Read the answer")
        if answer.asking:
            text = N_("{who}, there is a question about your help request #{number}.")
            label = N_("Read the question")
        text = translator.gettext(text, who=f"<@{ticket.user_id}>", number=ticket.number)
        read = button(translator.gettext(label), f"help:read:{ticket.id}:{answer.id}", emoji="📬")
        try:
            await self._bot.http.get_member(ticket.guild_id, ticket.user_id)
            await post_once(
                self._bot,
                ticket.channel_id,
                found=lambda recent: has_custom_id(recent, f"help:read:{ticket.id}:{answer.id}"),
                since=answer.at,
                content=text,
                view=view([read]),
                allowed_mentions=discord.AllowedMentions(users=[discord.Object(ticket.user_id)]),
            )
        except FAILURES as error:
            log.warning("mention_refused", guild_id=ticket.guild_id, error=name_of(error))
            if code_of(error) in LEFT:
                return Delivery.LEFT
            return Delivery.FAILED if is_final(error, answer.at) else Delivery.CLOSED
        return Delivery.MENTION


def answer_title(ticket: Ticket, translator: Translator, *, asking: bool, closing: bool = False) -> str:
    """Return the title of an answer, of one that closes the ticket, or of the question whether an answer has helped."""
    title = N_("Answer to your help request #{number}")
    if asking:
        title = N_("Did this help? Your help request #{number}")
    elif closing:
        title = N_("Help request #{number} is closed")
    return translator.gettext(title, number=ticket.number)


def asked_before(ticket: Ticket, messages: Iterable[TicketMessage], answer_id: int) -> Ticket:
    """Return the ticket with its customer's latest words before an answer."""
    words = ticket.details.words
    for message in messages:
        if message.id < answer_id and not message.from_moderator:
            words = message.text or words
    return replace(ticket, details=replace(ticket.details, words=words))


def answer_embed(ticket: Ticket, title: str, text: str, guild_name: str, translator: Translator) -> discord.Embed:
    """Return the embed of an answer, with what it answers."""
    embed = discord.Embed(title=title, description=shorten(text, EMBED_DESCRIPTION), colour=COLOUR)
    embed.add_field(name=translator.gettext("What you asked"), value=_asked(ticket, translator), inline=False)
    return embed.set_footer(text=guild_name) if guild_name else embed


def add_how_to_reply(embed: discord.Embed, label: str, translator: Translator) -> None:
    """Add to an answer in a direct message which button replies to it."""
    how = translator.gettext("Press **{button}**. What you type into this chat reaches nobody.", button=label)
    embed.add_field(name=translator.gettext("Do you want to reply?"), value=how, inline=False)


def _asked(ticket: Ticket, translator: Translator) -> str:
    """Return what a ticket is about, for its customer: the order and its products, the topic, and their words."""
    number = plain_number(ticket.details.order_number) or plain_number(ticket.details.claimed_number)
    order = translator.gettext("Order #{number}", number=escape(number)) if number else ""
    products = [escape(name) for name in ticket.details.products]
    lines = [" · ".join(filter(None, [order, *products])), translator.gettext(TOPICS[ticket.topic])]
    if words := " ".join(ticket.details.words.split()):
        lines.append(quoted(shorten(words, LONGEST_QUOTED)))
    return shorten("\n".join(filter(None, lines)), FIELD_VALUE)


def _write_label(ticket: Ticket, *, asking: bool) -> str:
    """Return the label of the button that writes back."""
    if ticket.resolution is Resolution.NO_REPLY:
        return N_("Reopen")
    return N_("I still need help") if asking else N_("Write back")


def answer_view(ticket: Ticket, answer_id: int, translator: Translator, *, asking: bool) -> discord.ui.View:
    """Return the buttons under an answer, or under the question whether it has helped."""
    label = translator.gettext(_write_label(ticket, asking=asking))
    items = [button(label, f"help:write:{ticket.id}:{answer_id}", emoji="✍️")]
    if opens_order(ticket):
        items.append(button(translator.gettext("Open my order"), f"downloads:ticket:{ticket.id}", emoji="📥"))
    if not ticket.resolved:
        items.append(
            button(
                translator.gettext("It is solved"),
                f"help:solved:{ticket.id}",
                emoji="✅",
                style=discord.ButtonStyle.success,
            )
        )
    return view(items)


def opens_order(ticket: Ticket) -> bool:
    """Return whether a ticket's customer has opened its order, so that they can open it again."""
    return ticket.details.reference is not None and was_read(ticket.details.findings)


def _closes(ticket: Ticket, answer: PendingAnswer) -> bool:
    """Return whether a ticket is closed because of this answer, and was not opened again since."""
    closed_at = ticket.resolved_at
    return (
        answer.closing and closed_at is not None and ticket.resolved_by == answer.author_id and answer.at >= closed_at
    )


def _note(ticket: Ticket, answer: PendingAnswer, delivery: Delivery, translator: Translator) -> NewNote:
    """Return what the thread says about an answer."""
    who, arrived = f"<@{answer.author_id}>", translator.gettext(ARRIVED[delivery])
    if answer.asking:
        asked = N_("I have asked {who} whether the answer helped, and close the request if they stay silent.")
        if delivery not in {Delivery.MESSAGE, Delivery.MENTION}:
            asked = N_("I could not ask {who} whether the answer helped, so I do not close the request.")
        asked = translator.gettext(asked, who=f"<@{ticket.user_id}>")
        return NewNote(f"⏳ {asked}\n{arrived}", "taken")
    if not answer.closing:
        head = translator.gettext("{who} has answered:", who=who)
        return NewNote(f"✉️ {head}\n{answer.text}\n\n{arrived}", "taken")
    if not _closes(ticket, answer):
        head = translator.gettext("{who} had closed it, before it was opened again:", who=who)
        return NewNote(f"✉️ {head}\n{answer.text}\n\n{arrived}", "taken")
    head = translator.gettext("{who} has closed it:", who=who)
    reason = translator.gettext(RESOLUTIONS[ticket.resolution or Resolution.ANSWERED])
    return NewNote(f"🟢 {head} {reason}.\n{answer.text}\n\n{arrived}", "taken")
