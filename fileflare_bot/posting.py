"""Posts a message exactly once, even if Discord's response to an earlier try was lost.

Discord remembers a nonce for some minutes and returns the message that was made with it. A later try looks through
the recent messages first.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import discord
from discord.ext import commands

from fileflare_bot.storage.database import utc_now

RECENT: Final = 50  # messages that a later try looks through
CLOCKS_DIFFER: Final = timedelta(seconds=5)  # Discord's and ours
NONCE_LASTS: Final = timedelta(minutes=1)  # "a few minutes": discord.com/developers/docs/resources/message


async def post_once(
    bot: commands.AutoShardedBot,
    channel_id: int,
    *,
    found: Callable[[discord.Message], bool],
    since: datetime,
    **message: Any,  # noqa: ANN401 - the arguments of discord.py's send()
) -> discord.Message:
    """Return the message, posted now or by an earlier try; ``found`` knows it when it sees it.

    ``since`` is the moment at which it was decided to post it, to the microsecond. It tells the message from others,
    so it makes the nonce.

    Raises:
        FAILURES: Discord did not take it.
    """
    channel = bot.get_partial_messageable(channel_id)
    if utc_now() - since > NONCE_LASTS:
        try:
            async for recent in channel.history(limit=RECENT):
                if recent.created_at < since - CLOCKS_DIFFER:
                    break
                if bot.user is not None and recent.author.id == bot.user.id and found(recent):
                    return recent
        except discord.Forbidden:
            pass  # without Read Message History only the nonce helps
    nonce = f"{round(since.timestamp() * 1_000_000)}.{channel_id % 1_000_000}"  # of 25 characters at most
    return await channel.send(nonce=nonce, **message)


def has_custom_id(message: discord.Message, custom_id: str) -> bool:
    """Return whether one of a message's buttons has this custom_id."""
    rows = [component for component in message.components if isinstance(component, discord.ActionRow)]
    return any(getattr(item, "custom_id", None) == custom_id for row in rows for item in row.children)


def is_of(message: discord.Message, at: datetime) -> bool:
    """Return whether a message's embed is of this moment, to the millisecond, as Discord keeps it."""
    moments = [embed.timestamp for embed in message.embeds if embed.timestamp is not None]
    return any(abs(moment - at) < timedelta(milliseconds=1) for moment in moments)
