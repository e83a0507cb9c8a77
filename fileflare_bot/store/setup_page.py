"""The page of /store setup: what is missing, every setting, and the step that comes next."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

import discord
from babel import Locale

from fileflare_bot.discord_limits import TEXT_DISPLAYS, shorten, size
from fileflare_bot.i18n import N_, Catalogs, Translator
from fileflare_bot.interactions.components import button
from fileflare_bot.storage.options import MOST_MODERATOR_ROLES, LaterAccounts, Options
from fileflare_bot.storage.records import GuildSettings, Panel
from fileflare_bot.store.checks import (
    GOOD,
    NO_RULE,
    WARNING,
    channels_of,
    log_line,
    missing,
    next_line,
    ping_line,
    places,
    posted,
    support_line,
)
from fileflare_bot.store.visibility import customers_can_see

FEATURES: Final = {
    "buyers_roles": N_("**Buyers' roles.** Who opens an order gets its roles; the rules are in /store roles."),
    "saved_orders": N_("**Saved orders.** Customers can have an order remembered, encrypted."),
    "help_screenshots": N_(
        "**Screenshots.** Customers can attach one to a help request. Its address bar can show your moderators the "
        "order link, and whoever has that has the files."
    ),
    "leak_guard": N_("**Leak guard.** Discord stops messages that hold an order link or an order ID."),
    "leak_guard_spares_moderators": N_("**Leak guard spares moderators.** The moderator roles may post order links."),
}
_LATER: Final = {
    LaterAccounts.LINKS: N_("Second account: links, but no roles"),
    LaterAccounts.REFUSE: N_("Second account: refused"),
}


def setup_page(
    guild: discord.Guild,
    settings: GuildSettings,
    translator: Translator,
    catalogs: Catalogs,
    *,
    panels: Sequence[Panel],
    given: Collection[int],
    most_open: int,
    note: str = "",
    limited: bool = False,
) -> discord.ui.LayoutView:
    """Return the page; ``note`` stands at its head, and ``limited`` says that the limits were just stored.

    ``given`` are the moderator roles that the bot has given to buyers; ``most_open`` is the operator's limit for the
    open help requests of a person.
    """
    page = discord.ui.LayoutView(timeout=None)
    lines = [*missing(guild, settings, panels, translator, given)]
    seen = [each for each in posted(panels) if customers_can_see(guild, settings, each.channel_id)]
    if seen:
        lines.append(f"{GOOD} {next_line(guild, settings, seen, translator)}")
    head = "\n".join(filter(None, [note, *lines]))
    last = f"{limits_line(settings.options, translator, most_open)}\n{_last_step(panels, translator)}"
    last = f"{GOOD} " + translator.gettext("Saved.") + f" {last}" if limited else last
    for item in _items(guild, settings, translator, catalogs, last=last, panels=panels):
        page.add_item(item)
    title, *others = (each for each in page.walk_children() if isinstance(each, discord.ui.TextDisplay))
    most = TEXT_DISPLAYS - sum(size(each.content) for each in others)
    title.content = shorten(f"{title.content}\n{head}".strip(), most)
    page.stop()  # as in components.view()
    return page


def _items(
    guild: discord.Guild,
    settings: GuildSettings,
    translator: Translator,
    catalogs: Catalogs,
    *,
    last: str,
    panels: Sequence[Panel],
) -> Iterator[discord.ui.Item[Any]]:
    """Yield the page's components; Discord allows 40, nested ones included."""
    yield discord.ui.TextDisplay(translator.gettext("## Setup\nEach choice is saved at once."))
    support = translator.gettext("**Support channel:** where help requests go. Let only moderators and me view it.")
    if settings.support_channel_id is not None:
        support = support_line(guild, settings, translator, panels)
    yield discord.ui.TextDisplay(support)
    yield _row(_channel("support_channel_id", settings.support_channel_id, translator.gettext("Support channel")))
    team = translator.gettext("**Moderators:** who may manage messages or the server, and who has one of these roles:")
    stored = ", ".join(f"<@&{role_id}>" for role_id in settings.moderator_role_ids)
    yield discord.ui.TextDisplay(f"{team} {stored}".strip())
    yield _row(
        _roles(
            "moderator_role_ids",
            settings.moderator_role_ids,
            translator.gettext("Moderator roles"),
            MOST_MODERATOR_ROLES,
        )
    )
    yield discord.ui.TextDisplay(log_line(guild, settings, translator, panels))
    yield _row(_channel("log_channel_id", settings.log_channel_id, translator.gettext("Log channel")))
    yield discord.ui.TextDisplay(ping_line(guild, settings, translator))
    ping = () if settings.ping_role_id is None else (settings.ping_role_id,)
    yield _row(_roles("ping_role_id", ping, translator.gettext("Role to ping"), 1))
    own = catalogs.translator(guild.preferred_locale)
    read = catalogs.translator(settings.options.language) if settings.options.language else own
    text = translator.gettext(
        "**Language:** moderators read {language} on cards and in the log channel, and customers on the panel.",
        language=_name(read, translator),
    )
    yield discord.ui.TextDisplay(text)
    yield _row(_language_select(settings.options.language, own, translator, catalogs.languages))
    for feature, sentence in FEATURES.items():
        if feature == "leak_guard_spares_moderators" and not settings.options.leak_guard:
            continue
        on = getattr(settings.options, feature)
        said = ("🟢 " if on else "⚪ ") + translator.gettext(sentence)
        if feature == "buyers_roles" and on and not settings.options.rules:
            said = f"{WARNING} " + translator.gettext(NO_RULE)
        yield discord.ui.Section(
            discord.ui.TextDisplay(said),
            accessory=button(
                translator.gettext("Switch off") if on else translator.gettext("Switch on"),
                f"store_setup:toggle:{feature}:{'off' if on else 'on'}",
            ),
        )
    if settings.options.buyers_roles:
        options = [
            discord.SelectOption(
                label=translator.gettext(sentence), value=later, default=later is settings.options.later_accounts
            )
            for later, sentence in _LATER.items()
        ]
        yield _row(discord.ui.Select(custom_id="store_setup:later", options=options))
    yield discord.ui.TextDisplay(last)
    yield _row(
        button(translator.gettext("The panel's words"), "store_setup:words", emoji="✏️"),
        button(translator.gettext("Limits"), "store_setup:limits", emoji="🚦"),
        button(translator.gettext("Check"), "store_setup:check", emoji="🩺"),
        button(
            translator.gettext("Post the panel"), "store_setup:panel", emoji="📌", style=discord.ButtonStyle.primary
        ),
    )


def limits_line(options: Options, translator: Translator, most_open: int) -> str:
    """Return the present limits in one line; ``most_open`` is the operator's for open help requests of a person."""
    accounts = translator.ngettext("{count} account an order", "{count} accounts an order", options.accounts_per_order)
    never, number = translator.gettext("never"), translator.number
    most, hours, days = options.help_open_per_person, options.remind_after_hours, options.close_after_days
    return translator.gettext(
        "**Limits:** {accounts} · open requests of a person: {most} · reminder after hours: {hours} · silent customers "
        "asked after days: {days}",
        accounts=accounts,
        most=translator.gettext("{count} (the operator's)", count=number(most_open)) if most is None else number(most),
        hours=never if hours is None else number(hours),
        days=never if days is None else number(days),
    )


def _last_step(panels: Sequence[Panel], translator: Translator) -> str:
    """Return whether a panel exists, and where, for the buttons at the end of the page."""
    if posted(panels):
        return translator.gettext("**The panel** is in {channels} already.", channels=channels_of(places(panels)))
    return translator.gettext(
        "**Last step: post the panel**, the message with the button for your customers. I know of none yet."
    )


def _row(*items: discord.ui.Item[Any]) -> discord.ui.ActionRow[Any]:
    return discord.ui.ActionRow(*items)


def _channel(setting: str, channel_id: int | None, placeholder: str) -> discord.ui.ChannelSelect[Any]:
    return discord.ui.ChannelSelect(
        custom_id=f"store_setup:set:{setting}",
        channel_types=[discord.ChannelType.text],
        placeholder=placeholder,
        min_values=0,
        default_values=chosen_channel(channel_id),
    )


def chosen_channel(channel_id: int | None) -> list[discord.SelectDefaultValue]:
    """Return what a channel select has chosen at first."""
    kind = discord.SelectDefaultValueType.channel
    return [] if channel_id is None else [discord.SelectDefaultValue(id=channel_id, type=kind)]


def _roles(setting: str, role_ids: tuple[int, ...], placeholder: str, most: int) -> discord.ui.RoleSelect[Any]:
    kind = discord.SelectDefaultValueType.role
    return discord.ui.RoleSelect(
        custom_id=f"store_setup:set:{setting}",
        placeholder=placeholder,
        min_values=0,
        max_values=most,
        default_values=[discord.SelectDefaultValue(id=role_id, type=kind) for role_id in role_ids],
    )


def _name(language: Translator, translator: Translator) -> str:
    """Return a language's name in the reader's language."""
    return language.locale.get_display_name(translator.locale) or str(language.locale)


def _language_select(
    chosen_language: str, own: Translator, translator: Translator, languages: tuple[str, ...]
) -> discord.ui.Select[Any]:
    label = translator.gettext("{language}, the server's own", language=_name(own, translator))
    options = [discord.SelectOption(label=label, value="-", default=not chosen_language)]
    for code in languages:
        name = (Locale.parse(code).get_display_name() or code).capitalize()
        options.append(discord.SelectOption(label=name, value=code, default=code == chosen_language))
    return discord.ui.Select(custom_id="store_setup:language", options=options)
