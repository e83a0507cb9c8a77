"""The forms of /store setup: the panel's words, and the limits."""

from collections.abc import Mapping
from typing import Any, Final

import discord

from fileflare_bot.discord_limits import PLACEHOLDER, shorten
from fileflare_bot.i18n import Translator
from fileflare_bot.interactions.components import labelled, modal
from fileflare_bot.setup_words import SETTINGS, WORDS, translated
from fileflare_bot.storage.options import MOST_DAYS, MOST_HOURS, Options, Wording, is_address
from fileflare_bot.store.panel import panel_buttons, panel_embed

LIMIT_FIELDS: Final = {  # custom_ids of the limits' fields, by option
    "accounts_per_order": "accounts",
    "help_open_per_person": "open",
    "remind_after_hours": "remind",
    "close_after_days": "close",
}
PANEL_WORDS: Final = ("title", "text", "button", "colour")  # the panel's, beside where order links are found
LIMITS: Final = {option: SETTINGS[option] for option in LIMIT_FIELDS}


def limits_as_typed(options: Options) -> dict[str, str]:
    """Return the limits as their form shows them."""
    return {field: str(getattr(options, option) or "") for option, field in LIMIT_FIELDS.items()}


def limits_form(values: Mapping[str, str], translator: Translator) -> discord.ui.Modal:
    """Return the form for the limits, filled in with these values by their fields."""
    labels = translated(LIMITS, translator)
    never = translator.gettext("Empty: never.")
    closing = translator.gettext("After as many days again, the request is closed.")
    hints = {
        "accounts_per_order": translator.gettext(
            "From 1 to 100. Later accounts get no roles, or nothing, as you choose in the setup."
        ),
        "help_open_per_person": translator.gettext("From 1 to 100. Empty: as many as the bot's operator allows."),
        "remind_after_hours": f"1-{MOST_HOURS}. {never}",
        "close_after_days": f"1-{MOST_DAYS}. {closing} {never}",
    }
    inputs = {
        option: discord.ui.TextInput[Any](
            custom_id=field, default=values[field][:3], max_length=3, required=option == "accounts_per_order"
        )
        for option, field in LIMIT_FIELDS.items()
    }
    fields = [labelled(labels[option], inputs[option], hint) for option, hint in hints.items()]
    return modal(translator.gettext("Limits"), "store_setup:limited", *fields)


def words_as_typed(wording: Wording) -> dict[str, str]:
    """Return the panel's words as their form shows them."""
    where = "\n".join(part for part in (wording.account_url, wording.where) if part)
    return {name: getattr(wording, name) for name in PANEL_WORDS} | {"where": where}


def words_form(values: Mapping[str, str], translator: Translator, theirs: Translator) -> discord.ui.Modal:
    """Return the form for the panel's words, filled in with these values by their fields.

    An empty field shows the bot's own words, which ``theirs`` turns into the customers' language.
    """
    bots = panel_embed(Wording(), theirs)
    label = panel_buttons(Options(), theirs)[0].label

    def line(name: str, most: int, hint: str | None, *, long: bool = False) -> discord.ui.TextInput[Any]:
        return discord.ui.TextInput(
            custom_id=name,
            default=values[name][:most] or None,
            max_length=most,
            required=False,
            placeholder=shorten(hint or "", PLACEHOLDER) or None,
            style=discord.TextStyle.paragraph if long else discord.TextStyle.short,
        )

    first = values["where"].partition("\n")[0].strip()
    labels = translated(WORDS, translator)
    own = translator.gettext("Leave it empty for the bot's words.")
    return modal(
        translator.gettext("The panel's words"),
        "store_setup:worded",
        labelled(labels["title"], line("title", 100, bots.title), own),
        labelled(labels["text"], line("text", 1500, bots.description, long=True), own),
        labelled(labels["button"], line("button", 60, label), own),
        labelled(
            translator.gettext("Colour, such as #2a9d8f"),
            line("colour", 7, str(bots.colour)),
            translator.gettext("Leave it empty for the bot's colour."),
        ),
        labelled(
            labels["where"],
            line("where", 800, "https://my-store.com/account", long=True),
            translator.gettext("The first line is no address yet: put your store's there. Then your own words.")
            if first and not is_address(first)
            else translator.gettext("First line: the store's account address. Then your own words."),
        ),
    )
