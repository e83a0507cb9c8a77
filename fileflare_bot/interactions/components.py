"""Buttons, selects and modals that outlive a restart.

Each is known by its custom_id alone: discord.py keeps no view and no modal for it, and what is pressed or sent in
finds its handler by a pattern, also when an earlier process of the bot has put it there.
"""

import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final, TypeVar, cast

import discord

from fileflare_bot.discord_limits import BUTTONS_IN_A_ROW

Handler = Callable[..., Awaitable[None]]
H = TypeVar("H", bound=Handler)
LONGEST_ORDER: Final = 1500  # characters; the longest known address of an order takes about 800
_PATTERN: Final = "__custom_id__"


def route(pattern: str) -> Callable[[H], H]:
    """Mark a cog's method as the handler of what bears such a custom_id; named groups become its arguments."""

    def mark(handler: H) -> H:
        setattr(handler, _PATTERN, re.compile(pattern))
        return handler

    return mark


class Routes:
    """All handlers of buttons, selects and modals."""

    def __init__(self) -> None:
        self._routes: list[tuple[re.Pattern[str], Handler]] = []

    def add(self, cog: object) -> None:
        """Add the marked methods of a cog."""
        for name in dir(type(cog)):
            pattern = getattr(getattr(type(cog), name), _PATTERN, None)
            if pattern is not None:
                self._routes.append((pattern, getattr(cog, name)))

    def find(self, custom_id: str) -> tuple[Handler, dict[str, str]] | None:
        """Return the handler and its arguments, or None where nothing bears such a custom_id any more."""
        for pattern, handler in self._routes:
            if match := pattern.fullmatch(custom_id):
                return handler, match.groupdict(default="")
        return None


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


def view(*groups: Sequence[discord.ui.Item[Any]]) -> discord.ui.View:
    """Return a view in which every group begins a row of its own."""
    made = discord.ui.View(timeout=None)
    row = 0
    for group in groups:
        for index, item in enumerate(group):
            item.row = row + index // BUTTONS_IN_A_ROW
            made.add_item(item)
        row += -(-len(group) // BUTTONS_IN_A_ROW)
    made.stop()  # discord.py need not keep the view, with a timer of 15 minutes if it is ephemeral
    return made


def modal(title: str, custom_id: str, *items: discord.ui.Item[Any]) -> discord.ui.Modal:
    """Return a modal."""
    made = discord.ui.Modal(title=title, custom_id=custom_id)
    for item in items:
        made.add_item(item)
    made.stop()  # what is sent in finds its handler by the custom_id
    return made


def labelled(text: str, component: discord.ui.Item[Any], description: str | None = None) -> discord.ui.Item[Any]:
    """Return a modal's component under its label."""
    return discord.ui.Label(text=text, description=description, component=component)


def order_input(custom_id: str, *, required: bool = True) -> discord.ui.TextInput[discord.ui.Modal]:
    """Return a modal's input for an order link or order ID."""
    return discord.ui.TextInput(
        custom_id=custom_id,
        placeholder="https://…/account/orders/…",
        max_length=LONGEST_ORDER,
        required=required,
    )


def typed(interaction: discord.Interaction[Any], name: str) -> str:
    """Return what was typed into the modal's input of this custom_id, or nothing."""
    return next((str(found.get("value") or "") for found in _inputs(interaction) if found["custom_id"] == name), "")


def chosen(interaction: discord.Interaction[Any], name: str | None = None) -> list[str]:
    """Return the values chosen in the modal's select of this custom_id, or in the select that was used."""
    if name is None:
        return [str(value) for value in cast("dict[str, Any]", interaction.data or {}).get("values") or ()]
    return next(
        (
            [str(value) for value in found.get("values") or ()]
            for found in _inputs(interaction)
            if found["custom_id"] == name
        ),
        [],
    )


def _inputs(interaction: discord.Interaction[Any]) -> Iterator[dict[str, Any]]:
    """Return the modal's inputs, wherever Discord nests them."""
    data = cast("dict[str, Any]", interaction.data or {})
    waiting = list(data.get("components") or ())
    while waiting:
        component = waiting.pop()
        waiting += component.get("components") or ()
        if "component" in component:
            waiting.append(component["component"])
        if "custom_id" in component:
            yield component
