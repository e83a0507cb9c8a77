"""The message in a new guild that tells the owner where to begin."""

from typing import Final

import discord
import structlog

from fileflare_bot.discord_errors import FAILURES, name_of
from fileflare_bot.i18n import Translator
from fileflare_bot.interactions import permissions
from fileflare_bot.interactions.components import COLOUR
from fileflare_bot.modlog import tell_owner

COMMUNITY: Final = "COMMUNITY"  # the feature of a guild that anybody may find and join

log = structlog.stdlib.get_logger(__name__)


async def welcome(guild: discord.Guild, translator: Translator) -> bool:
    """Tell the owner where to begin, where nobody else is bothered if possible; return whether they are told.

    The owner is mentioned, but nobody is pinged.
    """
    text = translator.gettext(
        "Hello {owner}! I bring your customers their Fileflare downloads, privately.\n\n"
        "**1.** /store setup: choose where help requests go, and what I may do. At its end, press **Post the panel**: "
        "it has the button for your customers.\n"
        "**2.** /store status: see whether everything works.\n\n"
        "Only people with the permission Manage Server can use these.",
        owner=f"<@{guild.owner_id}>",
    )
    embed = discord.Embed(title=translator.gettext("Where to begin"), description=text, colour=COLOUR)
    for channel in _channels(guild):
        if permissions.missing(channel.permissions_for(guild.me), permissions.PANEL):
            continue
        try:
            await channel.send(embed=embed)
        except discord.Forbidden:
            continue
        except FAILURES as error:
            log.warning("not_welcomed", guild_id=guild.id, error=name_of(error))
            return False
        return True
    if COMMUNITY in guild.features and await tell_owner(guild, embed):
        return True
    log.info("nowhere_to_welcome", guild_id=guild.id)
    return False


def _channels(guild: discord.Guild) -> list[discord.TextChannel]:
    """Return where the owner may be greeted, the best first.

    A Community server's channels are its members', but for two that Discord itself writes to.
    """
    others = guild.text_channels
    if COMMUNITY in guild.features:
        others = [*filter(None, (guild.public_updates_channel, guild.safety_alerts_channel))]
    return [
        channel
        for channel in (guild.system_channel, *others)
        if channel is not None and not channel.is_news() and channel != guild.rules_channel
    ]
