"""Delivers answers by direct message or, if that fails, by a mention in the channel where the customer asked.

The mention only says that there is an answer; its button shows it to that customer alone.
"""

from enum import Enum, auto

import discord
import structlog
from discord.ext import commands

from fileflare_bot.discord_errors import FAILURES, NO_MUTUAL_GUILD, name_of
from fileflare_bot.discord_limits import EMBED_DESCRIPTION, shorten
from fileflare_bot.i18n import Catalogs, Translator
from fileflare_bot.interactions.components import button, view
from fileflare_bot.storage.records import Ticket
from fileflare_bot.tickets.card import RESOLVED

log = structlog.stdlib.get_logger(__name__)


class Delivered(Enum):
    """How an answer reached the customer."""

    BY_MESSAGE = auto()
    BY_MENTION = auto()
    LEFT = auto()  # to nobody: the customer has left the server
    NOT_AT_ALL = auto()


class Delivery:
    """Delivers answers to customers."""

    def __init__(self, bot: commands.Bot, catalogs: Catalogs) -> None:
        self._bot = bot
        self._catalogs = catalogs

    async def deliver(self, ticket: Ticket, title: str, text: str) -> Delivered:
        """Deliver a text, in the customer's language, to the customer of a ticket."""
        translator = self._catalogs.translator(ticket.locale)
        guild = self._bot.get_guild(ticket.guild_id)
        embed = answer_embed(title, text, guild.name if guild is not None else "")
        try:
            channel = await self._bot.create_dm(discord.Object(ticket.user_id))
            await channel.send(embed=embed, view=answer_view(ticket, translator))
        except FAILURES as error:
            log.info("message_refused", guild_id=ticket.guild_id, error=name_of(error))
            if isinstance(error, discord.HTTPException) and error.code == NO_MUTUAL_GUILD:
                return Delivered.LEFT
            return await self._mention(ticket, translator)
        return Delivered.BY_MESSAGE

    async def _mention(self, ticket: Ticket, translator: Translator) -> Delivered:
        text = translator.gettext(
            "{who}, there is an answer to your help request #{number}.",
            who=f"<@{ticket.user_id}>",
            number=ticket.number,
        )
        try:
            await self._bot.get_partial_messageable(ticket.channel_id).send(
                text,
                view=view([button(translator.gettext("Read the answer"), f"help:read:{ticket.id}", emoji="📬")]),
                allowed_mentions=discord.AllowedMentions(users=[discord.Object(ticket.user_id)]),
            )
        except FAILURES as error:
            log.warning("mention_refused", guild_id=ticket.guild_id, error=name_of(error))
            return Delivered.NOT_AT_ALL
        return Delivered.BY_MENTION


def answer_embed(title: str, text: str, guild_name: str) -> discord.Embed:
    """Return the embed of an answer."""
    embed = discord.Embed(title=title, description=shorten(text, EMBED_DESCRIPTION), colour=RESOLVED)
    return embed.set_footer(text=guild_name) if guild_name else embed


def answer_view(ticket: Ticket, translator: Translator) -> discord.ui.View:
    """Return the buttons under an answer."""
    items = [button(translator.gettext("Write back"), f"help:write:{ticket.id}", emoji="✍️")]
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
