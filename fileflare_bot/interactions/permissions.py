"""Which permissions the bot needs where, by the names of Discord's own settings."""

from typing import Final

import discord

from fileflare_bot.i18n import N_
from fileflare_bot.refusal import Refusal

PANEL: Final = ("view_channel", "send_messages", "embed_links")
SUPPORT_CHANNEL: Final = (
    "view_channel",
    "send_messages",
    "embed_links",
    "read_message_history",
    "create_public_threads",
    "send_messages_in_threads",
)
LOG_CHANNEL: Final = ("view_channel", "send_messages", "embed_links")


class BotLacksPermission(Refusal):
    """Raised when the bot may not do what somebody asked for; ``permissions`` are Discord's names of what it lacks."""

    sentence = N_(
        "**I may not do that in this channel.** Give me these permissions here, then try again: {permissions}."
    )
    outcome = "bot_lacks_permission"

    def __init__(self, permissions: str) -> None:
        super().__init__(permissions=permissions)


def missing(granted: discord.Permissions, needed: tuple[str, ...]) -> list[str]:
    """Return those of the needed permissions that are not granted."""
    return [name for name in needed if not getattr(granted, name)]


def names(permissions: list[str]) -> str:
    """Return permissions as Discord's own settings name them."""
    return ", ".join(
        "Manage Server" if name == "manage_guild" else name.replace("_", " ").title().replace(" In ", " in ")
        for name in permissions
    )
