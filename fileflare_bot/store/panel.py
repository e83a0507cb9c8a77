"""The panel in a store's channel: the bot's words, or the store's own."""

from typing import Final

from fileflare_bot import discord_limits as limits
from fileflare_bot.i18n import Words
from fileflare_bot.storage.options import Wording
from fileflare_bot.text import clean

COLOUR: Final = "#2a9d8f"


def panel(wording: Wording, words: Words) -> tuple[str, str, str, str]:
    """Return the title, the text, the button's label and the colour.

    The owner's words may use Markdown, as the owner's own messages do; mentions in them are switched off.
    """
    title = clean(wording.title) or words.gettext("Your downloads")
    text = clean(wording.text, lines=True) or words.gettext(
        "Bought something from our store? Press the button and paste your order link. Only you see the answer."
    )
    where = where_to_find(wording, words)
    if where:
        text += f"\n\n{where}"
    label = clean(wording.button) or words.gettext("Get my downloads")
    return (
        limits.shorten(title, limits.EMBED_TITLE),
        limits.shorten(text, limits.EMBED_DESCRIPTION),
        limits.shorten(label, limits.BUTTON_LABEL),
        wording.colour or COLOUR,
    )


def where_to_find(wording: Wording, words: Words) -> str:
    """Return where a customer of this store finds their order link, or nothing where the owner has said nothing."""
    if not (wording.where or wording.account_url):
        return ""
    head = words.gettext("**Where do I find my order link?**")
    address = f"<{wording.account_url}>" if wording.account_url else ""
    return "\n".join(part for part in (head, clean(wording.where, lines=True), address) if part)
