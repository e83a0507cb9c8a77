"""A ticket's card in the support channel: its buttons, and how it gets there; its text is in ``card_text.py``.

The card shows what is stored. If somebody deletes it, the ticket goes on without one, and moderators can post it
again.
"""

from dataclasses import replace
from typing import Final

import discord
import structlog
from discord.ext import commands

from fileflare_bot.discord_errors import (
    FAILURES,
    THREAD_EXISTS,
    TOO_MANY_THREADS,
    is_final,
    is_gone,
    is_passing,
    name_of,
)
from fileflare_bot.i18n import N_, Translator
from fileflare_bot.interactions.components import COLOUR, button, view
from fileflare_bot.interactions.reply import ReplyMessage
from fileflare_bot.modlog import ModLog
from fileflare_bot.posting import has_custom_id, post_once
from fileflare_bot.storage.records import Card, Ticket
from fileflare_bot.storage.storage import Storage
from fileflare_bot.tickets.card_text import card
from fileflare_bot.tickets.holders import Standing, standing_of
from fileflare_bot.tickets.texts import thread_name, title

COLOURS: Final = {
    "open": discord.Colour.from_str("#e76f51"),
    "taken": discord.Colour.from_str("#3a86ff"),
    "resolved": COLOUR,
}
ARCHIVE_MINUTES: Final = 10_080  # a week, the longest that Discord offers
NO_THREAD: Final = 0  # stored instead of a thread's ID where Discord makes none
CARDS_REFUSED: Final = N_(
    "I may not post or change the cards of help requests: look at /store setup, which names the permissions I lack."
)

log = structlog.stdlib.get_logger(__name__)


class Cards:
    """Posts cards with their threads, and keeps them up to date."""

    def __init__(self, bot: commands.AutoShardedBot, storage: Storage, modlog: ModLog) -> None:
        self._bot = bot
        self._storage = storage
        self._intents = storage.intents
        self._modlog = modlog

    async def show(self, ticket: Ticket) -> None:
        """Post or update a ticket's card, and start its thread, if any of it is missing; record what came of it."""
        try:
            where = ticket.card
            if ticket.shown_version < ticket.version:
                where = await self._post(ticket) if where.message_id is None else await self._edit(ticket)
            if where.message_id is not None and where.thread_id is None:
                await self._start_thread(ticket, where)
        except FAILURES as error:
            await self._failed(ticket, error)

    async def _post(self, ticket: Ticket) -> Card:
        settings = await self._storage.guilds.load(ticket.guild_id)
        channel_id = settings.support_channel_id
        if not ticket.must_be_posted or (channel_id is None and ticket.resolved):  # it was deleted, or is not needed
            await self._intents.card_shown(ticket, ticket.card, ticket.version)
            return Card()
        if channel_id is None:
            await self._intents.ticket_postponed(ticket.id)
            return Card()
        translator = await self._modlog.translator(ticket.guild_id)
        role = settings.ping_role_id if not ticket.resolved and await self._intents.may_ping(ticket.id) else None
        standing = await standing_of(self._storage, ticket)
        embed = card_embed(ticket, translator, standing)
        message = await post_once(
            self._bot,
            channel_id,
            found=lambda recent: has_custom_id(recent, f"tickets:details:{ticket.id}"),
            since=ticket.card_wanted_at,
            content=f"<@&{role}>" if role is not None else None,
            embed=embed,
            view=card_view(ticket, translator, standing),
            allowed_mentions=discord.AllowedMentions(roles=[discord.Object(role)] if role is not None else False),
        )
        if role is not None:
            await self._intents.pinged(ticket.id)
        where = Card(message.channel.id, message.id)
        if [shown.description for shown in message.embeds] != [embed.description]:  # an earlier try has posted it
            return await self._edit(replace(ticket, card=where))
        await self._intents.card_shown(ticket, where, ticket.version)
        return where

    async def _edit(self, ticket: Ticket) -> Card:
        translator = await self._modlog.translator(ticket.guild_id)
        channel = self._bot.get_partial_messageable(ticket.card.channel_id or 0)
        message = channel.get_partial_message(ticket.card.message_id or 0)
        standing = await standing_of(self._storage, ticket)
        await message.edit(embed=card_embed(ticket, translator, standing), view=card_view(ticket, translator, standing))
        await self._intents.card_shown(ticket, ticket.card, ticket.version)
        return ticket.card

    async def _start_thread(self, ticket: Ticket, where: Card) -> None:
        """Start a card's thread, whose ID is the card's own, also if an earlier try has started it."""
        assert where.channel_id is not None  # noqa: S101 - the caller has posted the card
        assert where.message_id is not None  # noqa: S101 - the same
        name = thread_name(ticket, await self._modlog.translator(ticket.guild_id))
        thread_id = where.message_id
        try:
            await self._bot.http.start_thread_with_message(
                where.channel_id, where.message_id, name=name, auto_archive_duration=ARCHIVE_MINUTES
            )
        except discord.HTTPException as error:
            if is_gone(error):  # somebody has deleted the card meanwhile
                await self._intents.card_shown(ticket, Card(), ticket.version)
                return
            if error.code == THREAD_EXISTS:
                pass
            elif error.code != TOO_MANY_THREADS and not is_final(error, ticket.card_wanted_at):
                raise
            else:  # a card without a thread is better than none
                log.warning("thread_not_made", guild_id=ticket.guild_id, error=name_of(error))
                thread_id = NO_THREAD
        shown = Card(where.channel_id, where.message_id, thread_id)
        await self._intents.card_shown(ticket, shown, ticket.version)

    async def _failed(self, ticket: Ticket, error: Exception) -> None:
        if is_gone(error) and ticket.card.message_id is not None:
            log.warning("card_lost", guild_id=ticket.guild_id, error=name_of(error))
            await self._intents.card_shown(ticket, Card(thread_id=ticket.card.thread_id), ticket.version)
            return
        log.warning("card_not_shown", guild_id=ticket.guild_id, error=name_of(error))
        await self._intents.ticket_postponed(ticket.id)
        if not is_passing(error):
            translator = await self._modlog.translator(ticket.guild_id)
            await self._modlog.warn_once_a_day(ticket.guild_id, translator.gettext(CARDS_REFUSED))


def card_embed(ticket: Ticket, translator: Translator, standing: Standing) -> discord.Embed:
    """Return a ticket's card; ``standing`` says for whom its order counts."""
    heading, description = card(ticket, translator, standing)
    colour = COLOURS["resolved" if ticket.resolved else "open" if ticket.taken_by is None else "taken"]
    return discord.Embed(title=heading, description=description, colour=colour, timestamp=ticket.created_at)


def card_view(
    ticket: Ticket, translator: Translator, standing: Standing, *more: discord.ui.Button[discord.ui.View]
) -> discord.ui.View:
    """Return a card's buttons: those that the ticket's state allows, ``more``, and those for its order's claims."""
    claims = claim_buttons(ticket, translator) if standing.holders else []
    return view(_buttons(ticket, translator), [*claims, *more])


def claim_buttons(ticket: Ticket, translator: Translator) -> list[discord.ui.Button[discord.ui.View]]:
    """Return the buttons for the claims that keep a ticket's order from its customer."""
    return [
        button(translator.gettext("Move"), f"claims:ask:move:{ticket.id}", emoji="➡️"),
        button(translator.gettext("Release"), f"claims:ask:release:{ticket.id}", emoji="🔓"),
    ]


def card_copy(ticket: Ticket, translator: Translator, standing: Standing, said: str = "") -> ReplyMessage:
    """Return a copy of a ticket's card for one moderator, who can post an open one's again; ``said`` is above it."""
    again = button(translator.gettext("Post the card again"), f"tickets:post:{ticket.id}", emoji="📌")
    more = () if ticket.resolved else (again,)
    embed, shown = card_embed(ticket, translator, standing), card_view(ticket, translator, standing, *more)
    if not said:  # else the title would stand there twice
        said, embed.title = title(ticket, translator), None
    return ReplyMessage(said, embed, shown)


def _buttons(ticket: Ticket, translator: Translator) -> list[discord.ui.Button[discord.ui.View]]:
    details = button(translator.gettext("Details"), f"tickets:details:{ticket.id}", emoji="📄")
    if ticket.resolved:
        return [button(translator.gettext("Reopen"), f"tickets:reopen:{ticket.id}", emoji="↩️"), details]
    primary = discord.ButtonStyle.primary
    if ticket.taken_by is None:
        take = button(translator.gettext("Take"), f"tickets:take:{ticket.id}", emoji="🙋", style=primary)
    else:
        take = button(translator.gettext("Hand over"), f"tickets:handover:{ticket.id}", emoji="🤝")
    check, answer = translator.gettext("Check again"), translator.gettext("Answer")
    without_order = ticket.details.reference is None
    resolve = translator.gettext("Resolve")
    return [
        take,
        button(check, f"tickets:check:{ticket.id}", emoji="🔎", disabled=without_order),
        button(answer, f"tickets:answer:{ticket.id}", emoji="✉️", style=primary),
        button(resolve, f"tickets:resolve:{ticket.id}", emoji="✅", style=discord.ButtonStyle.success),
        details,
    ]
