"""A user's saved orders to choose from."""

from collections.abc import Iterable
from typing import Any

import discord

from fileflare_bot.discord_limits import OPTION_LABEL, shorten
from fileflare_bot.i18n import Translator
from fileflare_bot.interactions.components import button, view
from fileflare_bot.interactions.reply import ReplyMessage
from fileflare_bot.storage.records import SavedOrder


def saved_select(custom_id: str, placeholder: str, saved: Iterable[SavedOrder]) -> discord.ui.Select[Any]:
    """Return a select of saved orders by their labels. Its values are their numbers, never order IDs."""
    options = [
        discord.SelectOption(label=shorten(order.label, OPTION_LABEL) or "?", value=str(order.id)) for order in saved
    ]
    return discord.ui.Select(custom_id=custom_id, placeholder=placeholder, options=options)


def open_select(saved: Iterable[SavedOrder], translator: Translator) -> discord.ui.Select[Any]:
    """Return the select that opens a saved order."""
    return saved_select("downloads:saved", translator.gettext("Open an order"), saved)


def choice_message(saved: Iterable[SavedOrder], translator: Translator) -> ReplyMessage:
    """Return the question which order to open: a saved one, or another."""
    text = translator.gettext(
        "**Which order?** Choose one that I remember, or press **Another order** to paste a link."
    )
    another = button(translator.gettext("Another order"), "downloads:another", emoji="📥")
    return ReplyMessage(text, view=view([open_select(saved, translator)], [another]))
