"""A ticket's card in the support channel, and its thread.

The card always shows what is stored. If somebody deletes it, or the bot loses its permissions, the ticket goes on
without one, and moderators can post it again. Discord's errors here never reach the user: their ticket or answer is
stored already.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final
from weakref import WeakValueDictionary

import discord
import structlog
from discord.ext import commands

from fileflare_bot.discord_errors import FAILURES, is_gone, name_of
from fileflare_bot.discord_limits import EMBED_DESCRIPTION, shorten
from fileflare_bot.i18n import Translator
from fileflare_bot.interactions.components import COLOUR, button, view
from fileflare_bot.modlog import ModLog
from fileflare_bot.storage.records import Card, GuildSettings, Ticket
from fileflare_bot.storage.storage import Storage
from fileflare_bot.tickets.texts import card, quoted, thread_name, title

OPEN: Final = discord.Colour.from_str("#e76f51")
TAKEN: Final = discord.Colour.from_str("#3a86ff")
RESOLVED: Final = COLOUR
ARCHIVE_MINUTES: Final = 10_080  # a week, the longest that Discord offers
MOST_KINDS: Final = 3  # in the Answer button's custom_id

log = structlog.stdlib.get_logger(__name__)


class Cards:
    """Posts cards and keeps them up to date."""

    def __init__(self, bot: commands.Bot, storage: Storage, modlog: ModLog) -> None:
        self._bot = bot
        self._storage = storage
        self._modlog = modlog
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def post(self, ticket_id: int, *, instead_of: int | None = None) -> Ticket:
        """Post a ticket's card with its thread, unless it has one other than the message ``instead_of``.

        Return the ticket, without a card if Discord refuses it.
        """
        async with self._lock(ticket_id):
            ticket = await self._storage.tickets.get(ticket_id)
            if ticket.card.message_id not in {None, instead_of}:
                return ticket
            settings = self._storage.guilds.get(ticket.guild_id)
            where = Card()
            try:
                channel = await self._channel(settings.support_channel_id)
                if channel is not None:
                    where = await self._send(channel, ticket, settings)
            except FAILURES as error:
                log.warning("card_not_posted", guild_id=ticket.guild_id, error=name_of(error))
            return await self._storage.tickets.set_card(ticket_id, where)

    async def refresh(self, ticket_id: int) -> Ticket:
        """Update a ticket's card, and return the stored ticket."""
        async with self._lock(ticket_id):
            ticket = await self._storage.tickets.get(ticket_id)
            message = self._message(ticket.card)
            if message is None:
                return ticket
            translator = self._modlog.translator(ticket.guild_id)
            try:
                await message.edit(embed=card_embed(ticket, translator), view=view(card_buttons(ticket, translator)))
            except FAILURES as error:
                if is_gone(error):
                    log.warning("card_lost", guild_id=ticket.guild_id, error=name_of(error))
                    return await self._storage.tickets.set_card(ticket_id, Card(thread_id=ticket.card.thread_id))
                # the card exists; the next change updates it
                log.warning("card_not_refreshed", guild_id=ticket.guild_id, error=name_of(error))
            return ticket

    async def note(self, ticket: Ticket, embed: discord.Embed, *, mention: int | None = None) -> bool:
        """Post into a ticket's thread or, if that fails, beside its card as a reply; return whether it was posted.

        ``mention`` is the ID of a moderator to notify.
        """
        content = f"<@{mention}>" if mention is not None else None
        notified = discord.AllowedMentions(users=[discord.Object(mention)] if mention is not None else False)
        for channel_id in (ticket.card.thread_id, ticket.card.channel_id):
            try:
                channel = await self._channel(channel_id)
                if channel is None:
                    continue
                reference = None
                if channel_id == ticket.card.channel_id and (message := self._message(ticket.card)) is not None:
                    reference = message.to_reference(fail_if_not_exists=False)
                    embed.set_footer(text=title(ticket, self._modlog.translator(ticket.guild_id)))
                await channel.send(content, embed=embed, allowed_mentions=notified, reference=reference)
            except FAILURES as error:
                log.warning("note_not_posted", guild_id=ticket.guild_id, error=name_of(error))
                continue
            return True
        return False

    async def take_down(self, ticket: Ticket) -> bool:
        """Delete a ticket's card and thread; return whether both are gone."""
        gone = True
        thread = await self._channel(ticket.card.thread_id)
        steps: Sequence[Any] = (
            thread.delete if isinstance(thread, discord.Thread) else None,
            message.delete if (message := self._message(ticket.card)) is not None else None,
        )
        for step in filter(None, steps):
            try:
                await step()
            except discord.NotFound:
                continue
            except discord.Forbidden:
                gone = False
        return gone

    async def _send(self, channel: discord.abc.Messageable, ticket: Ticket, settings: GuildSettings) -> Card:
        translator = self._modlog.translator(ticket.guild_id)
        role = settings.ping_role_id
        message = await channel.send(
            f"<@&{role}>" if role is not None else None,
            embed=card_embed(ticket, translator),
            view=view(card_buttons(ticket, translator)),
            allowed_mentions=discord.AllowedMentions(roles=[discord.Object(role)] if role is not None else False),
        )
        where = Card(message.channel.id, message.id)
        try:
            thread = await message.create_thread(
                name=thread_name(ticket, translator), auto_archive_duration=ARCHIVE_MINUTES
            )
        except FAILURES as error:  # a card without a thread is better than none
            log.warning("thread_not_made", guild_id=ticket.guild_id, error=name_of(error))
            return where
        return Card(message.channel.id, message.id, thread.id)

    def _message(self, where: Card) -> discord.PartialMessage | None:
        if where.channel_id is None or where.message_id is None:
            return None
        return self._bot.get_partial_messageable(where.channel_id).get_partial_message(where.message_id)

    async def _channel(self, channel_id: int | None) -> Any:  # noqa: ANN401 - any channel that takes messages
        """Return a channel or a thread, archived or not, or None if it is gone or out of reach."""
        if channel_id is None:
            return None
        known = self._bot.get_channel(channel_id)
        if known is not None:
            return known
        try:
            return await self._bot.fetch_channel(channel_id)
        except (discord.Forbidden, discord.NotFound):
            return None

    def _lock(self, ticket_id: int) -> asyncio.Lock:
        return self._locks.setdefault(ticket_id, asyncio.Lock())


def card_embed(ticket: Ticket, translator: Translator) -> discord.Embed:
    """Return a ticket's card."""
    title, description, hidden = card(ticket, translator)
    colour = RESOLVED if ticket.resolved else OPEN if ticket.taken_by is None else TAKEN
    embed = discord.Embed(title=title, description=description, colour=colour, timestamp=ticket.created_at)
    return embed.add_field(name=hidden[0], value=hidden[1], inline=False)


def card_buttons(ticket: Ticket, translator: Translator) -> list[discord.ui.Button[discord.ui.View]]:
    """Return the buttons that a ticket's state allows."""
    if ticket.resolved:
        return [button(translator.gettext("Reopen"), f"tickets:reopen:{ticket.id}", emoji="↩️")]
    kinds = list(dict.fromkeys(finding.kind.value for finding in ticket.details.findings))[:MOST_KINDS]
    take = translator.gettext("Take")
    first = button(take, f"tickets:take:{ticket.id}", emoji="🙋", style=discord.ButtonStyle.primary)
    if ticket.taken_by is not None:
        first = button(translator.gettext("Hand over"), f"tickets:handover:{ticket.id}", emoji="🤝")
    check, answer = translator.gettext("Check again"), translator.gettext("Answer")
    answering = f"tickets:answer:{ticket.id}:{'.'.join(kinds)}"
    without_order = ticket.details.reference is None
    resolve = translator.gettext("Resolve")
    return [
        first,
        button(check, f"tickets:check:{ticket.id}", emoji="🔎", disabled=without_order),
        button(answer, answering, emoji="✉️", style=discord.ButtonStyle.primary),
        button(resolve, f"tickets:resolve:{ticket.id}", emoji="✅", style=discord.ButtonStyle.success),
    ]


def note_embed(emoji: str, text: str) -> discord.Embed:
    """Return a note for a ticket's thread about what a moderator did."""
    return discord.Embed(description=shorten(f"{emoji} {text}", EMBED_DESCRIPTION), colour=TAKEN)


def words_embed(ticket: Ticket, text: str, translator: Translator) -> discord.Embed:
    """Return a note for a ticket's thread with its customer's words."""
    head = translator.gettext("{who} writes:", who=f"<@{ticket.user_id}>")
    return discord.Embed(description=f"{head}\n{quoted(text)}", colour=OPEN)
