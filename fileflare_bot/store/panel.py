"""The panel in a store's channel, in the bot's wording or the store's own."""

from collections.abc import Sequence

import discord

from fileflare_bot import discord_limits as limits
from fileflare_bot.i18n import Translator
from fileflare_bot.interactions.components import COLOUR, ask_button, button
from fileflare_bot.interactions.order_link import where_to_find
from fileflare_bot.storage.options import Options, Wording
from fileflare_bot.text import clean


def panel_embed(wording: Wording, translator: Translator) -> discord.Embed:
    """Return the panel's title and text.

    The owner's wording may use Markdown, as the owner's own messages do; mentions in it are switched off.
    """
    title = clean(wording.title) or translator.gettext("Your downloads")
    text = clean(wording.text, lines=True) or translator.gettext(
        "Bought something from our store? Press the button and paste your order link. Only you see the answer."
    )
    where = where_to_find(wording)
    parts = [text, translator.gettext("**Where do I find my order link?**") + "\n" + where if where else ""]
    return discord.Embed(
        title=limits.shorten(title, limits.EMBED_TITLE),
        description=limits.shorten("\n\n".join(part for part in parts if part), limits.EMBED_DESCRIPTION),
        colour=discord.Colour.from_str(wording.colour) if wording.colour else COLOUR,
    )


def panel_buttons(options: Options, translator: Translator) -> list[discord.ui.Button[discord.ui.View]]:
    """Return the panel's buttons."""
    label = clean(options.wording.button) or translator.gettext("Get my downloads")
    buttons = [ask_button(limits.shorten(label, limits.BUTTON_LABEL))]
    if options.buyers_roles:
        buttons.append(button(translator.gettext("Restore my roles"), "claims:restore", emoji="🎟️"))
    return buttons


def is_panel(
    message: discord.Message, embed: discord.Embed, buttons: Sequence[discord.ui.Button[discord.ui.View]]
) -> bool:
    """Return whether a message shows this panel."""
    shown = [item for row in message.components if isinstance(row, discord.ActionRow) for item in row.children]
    labels = [(item.custom_id, item.label) for item in shown if isinstance(item, discord.Button)]
    if len(message.embeds) != 1 or labels != [(button.custom_id, button.label) for button in buttons]:
        return False
    return _look(message.embeds[0]) == _look(embed)


def _look(embed: discord.Embed) -> tuple[list[str], list[str], discord.Colour | None]:
    """Return what a panel's embed shows; Discord removes some of its spaces."""
    return (embed.title or "").split(), (embed.description or "").split(), embed.colour
