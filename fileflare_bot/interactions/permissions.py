"""The permissions that the bot needs, and their names in Discord's settings."""

from typing import Final

import discord

from fileflare_bot.i18n import N_
from fileflare_bot.refusal import Refusal

PANEL: Final = ("view_channel", "send_messages", "embed_links")
PANEL_IN_THREAD: Final = ("view_channel", "send_messages_in_threads", "embed_links")
SUPPORT_CHANNEL: Final = (
    "view_channel",
    "send_messages",
    "embed_links",
    "read_message_history",
    "create_public_threads",
    "send_messages_in_threads",
)
_CALLED: Final = {"manage_guild": "Manage Server", "moderate_members": "Timeout Members"}  # not as in the API
LOG_CHANNEL: Final = ("view_channel", "send_messages", "embed_links")


class BotLacksPermission(Refusal):
    """Raised when the bot lacks permissions; ``permissions`` are their names in Discord's settings."""

    sentence = N_(
        "**I may not do that in this channel.** Give me these permissions here, then try again: {permissions}."
    )


def missing(granted: discord.Permissions, needed: tuple[str, ...]) -> list[str]:
    """Return the needed permissions that are not granted."""
    return [name for name in needed if not getattr(granted, name)]


def names(permissions: list[str]) -> str:
    """Return the permissions' names in Discord's settings."""
    return ", ".join(_CALLED.get(name, name.replace("_", " ").title().replace(" In ", " in ")) for name in permissions)
