"""Which permissions the bot needs where, by the names of Discord's own settings."""

from typing import Final

import discord

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


def missing(granted: discord.Permissions, needed: tuple[str, ...]) -> list[str]:
    """Return those of the needed permissions that are not granted."""
    return [name for name in needed if not getattr(granted, name)]


def names(permissions: list[str]) -> str:
    """Return permissions as Discord's own settings name them."""
    return ", ".join(
        "Manage Server" if name == "manage_guild" else name.replace("_", " ").title().replace(" In ", " in ")
        for name in permissions
    )
