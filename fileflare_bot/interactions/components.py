"""Builds buttons, selects and modals, and cleans what users put into them."""

from collections.abc import Sequence
from typing import Any, Final

import discord

from fileflare_bot.discord_limits import BUTTONS_IN_A_ROW
from fileflare_bot.text import well_formed

ASK: Final = "downloads:ask"  # the custom_id of the button that asks for an order
COLOUR: Final = discord.Colour.from_str("#2a9d8f")  # of embeds without a state to show
LONGEST_ORDER: Final = 1500  # characters; the longest known address of an order takes about 800
LONGEST_WORDS: Final = 1000  # characters of what a customer or a moderator writes in one modal


def button(
    label: str | None,
    custom_id: str,
    *,
    emoji: str | None = None,
    style: discord.ButtonStyle = discord.ButtonStyle.secondary,
    disabled: bool = False,
) -> discord.ui.Button[discord.ui.View]:
    """Return a button."""
    return discord.ui.Button(label=label, emoji=emoji, style=style, disabled=disabled, custom_id=custom_id)


def ask_button(label: str) -> discord.ui.Button[discord.ui.View]:
    """Return the button that asks for an order, for panels and refusals."""
    return button(label, ASK, emoji="📥", style=discord.ButtonStyle.primary)


def view(*groups: Sequence[discord.ui.Item[Any]]) -> discord.ui.View:
    """Return a view in which every group starts a new row."""
    made = discord.ui.View(timeout=None)
    row = 0
    for group in groups:
        for index, item in enumerate(group):
            item.row = row + index // BUTTONS_IN_A_ROW
            made.add_item(item)
        row += -(-len(group) // BUTTONS_IN_A_ROW)
    made.stop()  # or discord.py would keep it, for 15 minutes if it is ephemeral
    return made


def without(message: discord.Message, custom_id: str) -> discord.ui.View:
    """Return a message's components, but not the one whose custom_id begins so."""
    made = discord.ui.View.from_message(message, timeout=None)
    for item in made.children:
        if str(getattr(item, "custom_id", "")).startswith(custom_id):
            made.remove_item(item)
    made.stop()
    return made


def modal(title: str, custom_id: str, *items: discord.ui.Item[Any]) -> discord.ui.Modal:
    """Return a modal."""
    made = discord.ui.Modal(title=title, custom_id=custom_id)
    for item in items:
        made.add_item(item)
    made.stop()  # its submission is routed by custom_id
    return made


def labelled(text: str, component: discord.ui.Item[Any], description: str | None = None) -> discord.ui.Item[Any]:
    """Return a modal's component under its label."""
    return discord.ui.Label(text=text, description=description, component=component)


def order_input(custom_id: str, *, required: bool = True) -> discord.ui.TextInput[discord.ui.Modal]:
    """Return a modal's input for an order link or order ID."""
    return discord.ui.TextInput(
        custom_id=custom_id, placeholder="https://…/account/orders/…", max_length=LONGEST_ORDER, required=required
    )


def words_input(*, required: bool) -> discord.ui.TextInput[discord.ui.Modal]:
    """Return a modal's input for a message between customer and moderators; its custom_id is ``words``."""
    return discord.ui.TextInput(
        custom_id="words", style=discord.TextStyle.paragraph, max_length=LONGEST_WORDS, required=required
    )


def clean_typed(interaction: discord.Interaction[Any]) -> None:
    """Replace in everything that a client has sent what no UTF-8 and no database holds, before anybody reads it.

    Commands come in through the tree's check, buttons, selects and modals through the event.
    """
    interaction.data = _well_formed(interaction.data)


def _well_formed(value: Any) -> Any:  # noqa: ANN401 - JSON of Discord's
    match value:
        case str():
            return well_formed(value)
        case dict():
            return {key: _well_formed(inner) for key, inner in value.items()}
        case list():
            return [_well_formed(inner) for inner in value]
    return value
