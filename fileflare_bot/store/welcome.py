"""The message in a new guild that tells the owner where to begin."""

import discord
import structlog

from fileflare_bot.i18n import Translator
from fileflare_bot.interactions import permissions
from fileflare_bot.interactions.components import COLOUR

log = structlog.stdlib.get_logger(__name__)


async def welcome(guild: discord.Guild, translator: Translator) -> bool:
    """Tell the owner where to begin, in the first channel where the bot may write; return whether there was one.

    The owner is mentioned, but nobody is pinged.
    """
    text = translator.gettext(
        "Hello {owner}! I bring your customers their Fileflare downloads, privately.\n\n"
        "**1.** /store setup: choose where help requests go, and what I may do.\n"
        "**2.** /store panel: post the button for your customers.\n"
        "**3.** /store status: see whether everything works.\n\n"
        "Only people with the permission Manage Server can use these.",
        owner=f"<@{guild.owner_id}>",
    )
    embed = discord.Embed(title=translator.gettext("Where to begin"), description=text, colour=COLOUR)
    system = [guild.system_channel] if guild.system_channel is not None else []
    for channel in (*system, *guild.text_channels):
        if permissions.missing(channel.permissions_for(guild.me), permissions.PANEL):
            continue
        try:
            await channel.send(embed=embed)
        except discord.Forbidden:
            continue
        return True
    log.info("nowhere_to_welcome", guild_id=guild.id)
    return False
