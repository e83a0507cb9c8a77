"""How words reach a customer: by direct message, or, where those are closed, by a mention where they asked.

The mention says nothing but that there is an answer; its button shows the answer to that person alone.
"""

from enum import Enum, auto
from typing import Final

import discord
import structlog
from discord.ext import commands

from fileflare_bot.discord_limits import EMBED_DESCRIPTION, shorten
from fileflare_bot.i18n import Catalogs, Words
from fileflare_bot.interactions.components import button, view
from fileflare_bot.storage.records import HelpRequest
from fileflare_bot.tickets.card import RESOLVED

CLOSED: Final = 50007  # "Cannot send messages to this user"

log = structlog.stdlib.get_logger(__name__)


class Delivered(Enum):
    """How an answer reached the customer."""

    BY_MESSAGE = auto()
    BY_MENTION = auto()
    NOT_AT_ALL = auto()


class Delivery:
    """Brings answers to customers."""

    def __init__(self, bot: commands.Bot, catalogs: Catalogs) -> None:
        self._bot = bot
        self._catalogs = catalogs

    async def deliver(self, request: HelpRequest, title: str, text: str) -> Delivered:
        """Bring a text, in the customer's language, to the customer of a request."""
        words = self._catalogs.words(request.locale)
        guild = self._bot.get_guild(request.guild_id)
        embed = answer_embed(title, text, guild.name if guild is not None else "")
        try:
            channel = await self._bot.create_dm(discord.Object(request.person_id))
            await channel.send(embed=embed, view=answer_view(request, words))
        except discord.HTTPException as error:
            log.info("message_refused", guild_id=request.guild_id, code=error.code)
            return await self._mention(request, words)
        return Delivered.BY_MESSAGE

    async def _mention(self, request: HelpRequest, words: Words) -> Delivered:
        text = words.gettext(
            "{who}, there is an answer to your help request #{number}.",
            who=f"<@{request.person_id}>",
            number=request.number,
        )
        try:
            await self._bot.get_partial_messageable(request.channel_id).send(
                text,
                view=view([button(words.gettext("Read the answer"), f"help:read:{request.id}", emoji="📬")]),
                allowed_mentions=discord.AllowedMentions(users=[discord.Object(request.person_id)]),
            )
        except discord.HTTPException as error:
            log.warning("mention_refused", guild_id=request.guild_id, code=error.code)
            return Delivered.NOT_AT_ALL
        return Delivered.BY_MENTION


def answer_embed(title: str, text: str, server: str) -> discord.Embed:
    """Return what a customer reads."""
    embed = discord.Embed(title=title, description=shorten(text, EMBED_DESCRIPTION), colour=RESOLVED)
    return embed.set_footer(text=server) if server else embed


def answer_view(request: HelpRequest, words: Words) -> discord.ui.View:
    """Return what a customer can do with an answer."""
    items = [button(words.gettext("Write back"), f"help:write:{request.id}", emoji="✍️")]
    if not request.resolved:
        items.append(
            button(
                words.gettext("It is solved"),
                f"help:solved:{request.id}",
                emoji="✅",
                style=discord.ButtonStyle.success,
            )
        )
    return view(items)
