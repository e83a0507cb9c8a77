"""A request's card in the support channel, and its thread.

The card always shows what is stored. Where it was deleted, or may not be written any more, the request lives on
without one, and moderators can have it posted again. What Discord does not take here never reaches who pressed: their
request or answer is stored already.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final
from weakref import WeakValueDictionary

import discord
import structlog
from discord.ext import commands

from fileflare_bot.i18n import Catalogs, Words
from fileflare_bot.interactions.components import button, view
from fileflare_bot.storage.records import Card, HelpRequest, Server
from fileflare_bot.storage.storage import Storage
from fileflare_bot.store import panel
from fileflare_bot.tickets.texts import card, thread_name

OPEN: Final = discord.Colour.from_str("#e76f51")
TAKEN: Final = discord.Colour.from_str("#3a86ff")
RESOLVED: Final = discord.Colour.from_str(panel.COLOUR)
ARCHIVE_MINUTES: Final = 10_080  # a week
MOST_KINDS: Final = 3  # in the Answer button's custom_id

log = structlog.stdlib.get_logger(__name__)


class Cards:
    """Posts cards and keeps them as the requests are."""

    def __init__(self, bot: commands.Bot, storage: Storage, catalogs: Catalogs) -> None:
        self._bot = bot
        self._storage = storage
        self._catalogs = catalogs
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def words(self, guild_id: int) -> Words:
        """Return the language that a server's owner chose, or the server's own: in it its moderators read."""
        guild = self._bot.get_guild(guild_id)
        chosen = self._storage.servers.get(guild_id).options.language
        return self._catalogs.words(chosen or (guild.preferred_locale if guild is not None else ""))

    async def post(self, request_id: int, server: Server) -> HelpRequest:
        """Post a request's card with its thread, and return the request; without a card where that is impossible."""
        async with self._lock(request_id):
            request = await self._storage.requests.get(request_id)
            words = self.words(server.guild_id)
            channel = await self._channel(server.support_channel_id)
            where = Card()
            if channel is not None:
                try:
                    where = await self._send(channel, request, server, words)
                except discord.HTTPException as error:
                    log.warning("card_not_posted", guild_id=server.guild_id, code=error.code)
            return await self._storage.requests.set_card(request_id, where)

    async def refresh(self, request_id: int) -> HelpRequest:
        """Bring a request's card up to date, and return the request as it is."""
        async with self._lock(request_id):
            request = await self._storage.requests.get(request_id)
            message = self._message(request.card)
            if message is None:
                return request
            words = self.words(request.guild_id)
            try:
                await message.edit(embed=card_embed(request, words), view=view(card_buttons(request, words)))
            except (discord.Forbidden, discord.NotFound) as error:
                log.warning("card_lost", guild_id=request.guild_id, code=error.code)
                return await self._storage.requests.set_card(request_id, Card(thread_id=request.card.thread_id))
            except discord.HTTPException as error:  # it is there; the next change brings it up to date
                log.warning("card_not_refreshed", guild_id=request.guild_id, status=error.status)
            return request

    async def note(
        self, request: HelpRequest, embed: discord.Embed, *items: discord.ui.Item[Any], mention: int | None = None
    ) -> bool:
        """Write into a request's thread, or beside its card where there is none; return whether somebody can read it.

        ``mention`` is the moderator who is told of it.
        """
        content = f"<@{mention}>" if mention is not None else None
        told = discord.AllowedMentions(users=[discord.Object(mention)] if mention is not None else False)
        for channel_id in (request.card.thread_id, request.card.channel_id):
            channel = await self._channel(channel_id)
            if channel is None:
                continue
            try:
                await channel.send(content, embed=embed, view=view(items) if items else view(), allowed_mentions=told)
            except discord.HTTPException as error:
                log.warning("note_not_posted", guild_id=request.guild_id, code=error.code)
                continue
            return True
        return False

    async def log(self, server: Server, text: str) -> None:
        """Post a line into the server's log channel, if it has one."""
        if server.log_channel_id is None:
            return
        channel = self._bot.get_partial_messageable(server.log_channel_id)
        try:
            await channel.send(embed=discord.Embed(description=text, timestamp=discord.utils.utcnow()))
        except discord.HTTPException as error:
            log.warning("log_channel_refused", guild_id=server.guild_id, code=error.code)

    async def take_down(self, request: HelpRequest) -> bool:
        """Delete a request's card and thread; return whether nothing of them is left."""
        gone = True
        thread = await self._channel(request.card.thread_id)
        steps: Sequence[Any] = (
            thread.delete if isinstance(thread, discord.Thread) else None,
            message.delete if (message := self._message(request.card)) is not None else None,
        )
        for step in filter(None, steps):
            try:
                await step()
            except discord.NotFound:
                continue
            except discord.Forbidden:
                gone = False
        return gone

    async def _send(self, channel: discord.abc.Messageable, request: HelpRequest, server: Server, words: Words) -> Card:
        role = server.ping_role_id
        message = await channel.send(
            f"<@&{role}>" if role is not None else None,
            embed=card_embed(request, words),
            view=view(card_buttons(request, words)),
            allowed_mentions=discord.AllowedMentions(roles=[discord.Object(role)] if role is not None else False),
        )
        where = Card(message.channel.id, message.id)
        try:
            thread = await message.create_thread(
                name=thread_name(request, words), auto_archive_duration=ARCHIVE_MINUTES
            )
        except discord.HTTPException as error:  # a card without a thread is better than none
            log.warning("thread_not_made", guild_id=server.guild_id, code=error.code)
            return where
        return Card(message.channel.id, message.id, thread.id)

    def _message(self, where: Card) -> discord.PartialMessage | None:
        if where.channel_id is None or where.message_id is None:
            return None
        return self._bot.get_partial_messageable(where.channel_id).get_partial_message(where.message_id)

    async def _channel(self, channel_id: int | None) -> Any:  # noqa: ANN401 - any channel that takes messages
        """Return a channel or a thread, which may be archived, or None where it is gone or out of reach."""
        if channel_id is None:
            return None
        known = self._bot.get_channel(channel_id)
        if known is not None:
            return known
        try:
            return await self._bot.fetch_channel(channel_id)
        except (discord.Forbidden, discord.NotFound):
            return None

    def _lock(self, request_id: int) -> asyncio.Lock:
        return self._locks.setdefault(request_id, asyncio.Lock())


def card_embed(request: HelpRequest, words: Words) -> discord.Embed:
    """Return a request's card."""
    title, description, hidden = card(request, words)
    colour = RESOLVED if request.resolved else OPEN if request.taken_by is None else TAKEN
    embed = discord.Embed(title=title, description=description, colour=colour, timestamp=request.created_at)
    return embed.add_field(name=hidden[0], value=hidden[1], inline=False)


def card_buttons(request: HelpRequest, words: Words) -> list[discord.ui.Button[discord.ui.View]]:
    """Return the buttons that a request's state allows."""
    number = request.id
    if request.resolved:
        return [button(words.gettext("Reopen"), f"request:reopen:{number}", emoji="↩️")]
    kinds = list(dict.fromkeys(finding.kind.value for finding in request.details.findings))[:MOST_KINDS]
    take = words.gettext("Take")
    first = button(take, f"request:take:{number}", emoji="🙋", style=discord.ButtonStyle.primary)
    if request.taken_by is not None:
        first = button(words.gettext("Hand over"), f"request:handover:{number}", emoji="🤝")
    check, answer, resolve = words.gettext("Check again"), words.gettext("Answer"), words.gettext("Resolve")
    answering = f"request:answer:{number}:{'.'.join(kinds)}"
    without_order = request.details.reference is None
    return [
        first,
        button(check, f"request:check:{number}", emoji="🔎", disabled=without_order),
        button(answer, answering, emoji="✉️", style=discord.ButtonStyle.primary),
        button(resolve, f"request:resolve:{number}", emoji="✅", style=discord.ButtonStyle.success),
    ]
