"""What the bot says when it comes into a server: where its owner begins, once, and where it may write."""

import discord
import structlog

from fileflare_bot.i18n import Words
from fileflare_bot.interactions import permissions
from fileflare_bot.tickets.card import RESOLVED

log = structlog.stdlib.get_logger(__name__)


async def welcome(guild: discord.Guild, words: Words) -> bool:
    """Tell the owner where to begin, in the first channel that takes it; return whether there was one.

    The owner is mentioned, but nobody is pinged.
    """
    text = words.gettext(
        "Hello {owner}! I bring your customers their Fileflare downloads, privately.\n\n"
        "**1.** /store setup: choose where help requests go, and what I may do.\n"
        "**2.** /store panel: post the button for your customers.\n"
        "**3.** /store status: see whether everything works.\n\n"
        "Only people with the permission Manage Server can use these.",
        owner=f"<@{guild.owner_id}>",
    )
    embed = discord.Embed(title=words.gettext("Where to begin"), description=text, colour=RESOLVED)
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
