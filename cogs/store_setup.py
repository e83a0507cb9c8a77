"""For store owners: /store setup, one ephemeral page with all settings of the guild; each change is saved at once."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import discord
from babel import Locale
from cachetools import TTLCache
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from fileflare_bot.i18n import N_, Catalogs, Translator
from fileflare_bot.interactions.access import OWNER
from fileflare_bot.interactions.components import button, labelled, modal, view
from fileflare_bot.interactions.reply import Reply, ReplyMessage
from fileflare_bot.interactions.routing import replies, route
from fileflare_bot.interactions.values import member, number
from fileflare_bot.leak_guard import GuardState
from fileflare_bot.refusal import Refusal
from fileflare_bot.setup_words import SETTINGS, WORDS, translated
from fileflare_bot.storage.options import (
    MOST_DAYS,
    MOST_HOURS,
    MOST_MODERATOR_ROLES,
    LaterAccounts,
    Options,
    Wording,
    is_address,
)
from fileflare_bot.storage.records import GuildSettings, Panel
from fileflare_bot.store.changes import WrongValue, form, parsed_wording, with_values
from fileflare_bot.store.checks import (
    GOOD,
    GUARD_STATES,
    WARNING,
    channels_of,
    hidden_lines,
    log_line,
    missing,
    next_line,
    ping_line,
    places,
    posted,
    support_line,
    tried,
)
from fileflare_bot.store.panel import panel_buttons, panel_embed, stale_line
from fileflare_bot.store.visibility import customers_can_see

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

_SETTINGS: Final = r"(?P<setting>support_channel_id|log_channel_id|ping_role_id|moderator_role_ids)"
_FEATURES: Final = {
    "buyers_roles": N_("**Buyers' roles.** Who opens an order gets its roles; the rules are in /store roles."),
    "saved_orders": N_("**Saved orders.** Customers can have an order remembered, encrypted."),
    "help_screenshots": N_(
        "**Screenshots.** Customers can attach one to a help request. Its address bar can show your moderators the "
        "order link, and whoever has that has the files."
    ),
    "leak_guard": N_("**Leak guard.** Discord stops messages that hold an order link or an order ID."),
    "leak_guard_spares_moderators": N_("**Leak guard spares moderators.** The moderator roles may post order links."),
}
_FEATURE: Final = rf"(?P<feature>{'|'.join(_FEATURES)})"
_LATER: Final = {
    LaterAccounts.LINKS: N_("Second account: links, but no roles"),
    LaterAccounts.REFUSE: N_("Second account: refused"),
}
_FIELDS: Final = {  # custom_ids of the limits' fields, by option
    "accounts_per_order": "accounts",
    "help_open_per_person": "open",
    "remind_after_hours": "remind",
    "close_after_days": "close",
}
_WORDS: Final = ("title", "text", "button", "colour")  # the panel's, beside where order links are found
MOST_FORMS: Final = 200  # that wait to be corrected, of some kB at most
FORM_SECONDS: Final = 15 * 60
_LIMITS: Final = {option: SETTINGS[option] for option in _FIELDS}


class StoreSetup(commands.Cog):
    """The setup page. The custom_ids of earlier versions' pages begin with ``store:``."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._bot = bot
        self._settings = bot.store_settings
        self._typed: TTLCache[tuple[int, int, str], dict[str, str]] = TTLCache(MOST_FORMS, FORM_SECONDS)

    @app_commands.command(
        name=locale_str("setup"), description=locale_str("Set up everything: channels, moderators, features, words")
    )
    @replies("setup", OWNER)
    async def setup(self, reply: Reply) -> None:
        """Show the guild's settings."""
        await self._show(reply, reply.settings)

    @route(f"store_setup:set:{_SETTINGS}", f"store:set:{_SETTINGS}")
    @replies("setup_changed", OWNER, updates=True)
    async def choose(self, reply: Reply, setting: str) -> None:
        """Store the chosen channel or roles."""
        ids = tuple(map(number, reply.chosen()))
        everyone = reply.guild_id  # the role @everyone, which nobody may ping
        value = ids if setting == "moderator_role_ids" else next((chosen for chosen in ids if chosen != everyone), None)
        settings, _ = await self._settings.change(reply.member, **{setting: value})
        await self._show(reply, settings)

    @route("store_setup:language", "store:language")
    @replies("setup_changed", OWNER, updates=True)
    async def choose_language(self, reply: Reply) -> None:
        """Store the language of what the bot posts in the guild."""
        language = next(iter(reply.chosen()), "")
        await self._change_options(reply, language="" if language == "-" else language)

    @route("store_setup:later", "store:later")
    @replies("setup_changed", OWNER, updates=True)
    async def choose_later(self, reply: Reply) -> None:
        """Store what other users get who open an order that already counts for somebody."""
        await self._change_options(reply, later_accounts=member(LaterAccounts, next(iter(reply.chosen()), "")))

    @route(
        f"store_setup:toggle:{_FEATURE}:(?P<state>on|off)",
        f"store_setup:toggle:{_FEATURE}",
        f"store:toggle:{_FEATURE}",
    )
    @replies("setup_changed", OWNER, updates=True)
    async def toggle(self, reply: Reply, feature: str, state: str = "") -> None:
        """Switch a feature on or off, as the button says; the buttons of earlier versions only say which feature."""

        def switched(options: Options) -> Options:
            on = state == "on" if state else not getattr(options, feature)
            return with_values(**{feature: on})(options)

        settings, guard = await self._settings.change_options(reply.member, switched)
        failed = feature.startswith("leak_guard") and guard not in {GuardState.ON, GuardState.OFF}
        note = f"{WARNING} " + reply.translator.gettext(GUARD_STATES[guard]) if failed else ""
        await self._show(reply, settings, note)

    @route("store_setup:words", "store:words")
    @replies("setup_words", OWNER)
    async def ask_words(self, reply: Reply) -> None:
        """Open the modal for the panel's wording."""
        await reply.ask(_words_modal(_words(reply.settings.options.wording), reply.translator))

    @route("store_setup:worded", "store:worded")
    @replies("setup_worded", OWNER, updates=True)
    async def keep_words(self, reply: Reply) -> None:
        """Store the panel's wording, bring the page up to date, and show a preview."""
        given = {name: reply.typed(name).strip() for name in _WORDS}
        where = reply.typed("where").strip()
        self._keep(reply, "words", {**given, "where": where})
        reply.written = "\n".join([*given.values(), where])
        with form(WORDS):
            wording = parsed_wording(given, where)
        settings, _ = await self._settings.change_options(reply.member, with_values(wording=wording))
        panels = await self._bot.storage.panels.of_guild(reply.guild_id)
        translator = reply.translator
        if not panels:
            text = translator.gettext(
                "Saved. Your panel will look like this: press **Post the panel** in /store setup."
            )
        elif any(panel.due for panel in panels):
            text = translator.gettext(
                "Saved. Not every panel shows it yet; I go on changing them. They will look like this:"
            )
        else:
            text = translator.gettext(
                "Saved. This is what your customers see now in {channels}:", channels=channels_of(panels)
            )
        if wording.where and not wording.account_url:
            text += f"\n{WARNING} " + translator.gettext(
                "The first line of **Where do I find my order link?** is no address. Customers find their link sooner "
                "if it is your store's, such as https://my-store.com/account."
            )
        if _on_page(reply):
            await self._show(reply, settings)
        theirs = self._bot.catalogs.translator(settings.options.language or reply.guild.preferred_locale)
        buttons = panel_buttons(settings.options, theirs)
        await reply.tell(ReplyMessage(text, panel_embed(settings.options.wording, theirs), view(buttons)))

    @route("store_setup:panel")
    @replies("setup_panel", OWNER)
    async def ask_channel(self, reply: Reply) -> None:
        """Open the modal that asks where the panel goes; this channel is chosen already."""
        translator, here = reply.translator, reply.interaction.channel
        kinds = [discord.ChannelType.text, discord.ChannelType.news]
        chosen = here.id if here is not None and here.type in kinds else None
        select = discord.ui.ChannelSelect[Any](custom_id="channel", channel_types=kinds, default_values=_chosen(chosen))
        panels = await reply.before_asking(self._bot.storage.panels.of_guild(reply.guild_id)) or []
        known = translator.gettext(
            "**The panel** is in {channels} already. Where one is, I post it anew at the bottom, and take the old one "
            "down.",
            channels=channels_of(panels),
        )
        there = [discord.ui.TextDisplay[Any](known)] if posted(panels) else []
        await reply.ask(
            modal(
                translator.gettext("Post the panel"),
                "store_setup:post",
                *there,
                labelled(
                    translator.gettext("Channel"),
                    select,
                    translator.gettext("Where your customers are. Its message has a button for their downloads."),
                ),
            )
        )

    @route("store_setup:post")
    @replies("setup_posted", OWNER)
    async def post_panel(self, reply: Reply) -> None:
        """Post the panel in the chosen channel."""
        guild = reply.guild
        channel = guild.get_channel(number(next(iter(reply.chosen("channel")), "")))
        granted = channel.permissions_for(guild.me) if channel is not None else discord.Permissions.none()
        done = await self._bot.panels.post(reply.interaction, channel, granted)
        panels = await self._bot.storage.panels.of_guild(guild.id)
        text = f"{GOOD} " + reply.translator.gettext(done)
        text += "\n" + next_line(guild, reply.settings, panels, reply.translator)
        await reply.show(ReplyMessage(text))

    @route("store_setup:limits", "store:limits")
    @replies("setup_limits", OWNER)
    async def ask_limits(self, reply: Reply) -> None:
        """Open the modal for the limits."""
        await reply.ask(_limits_modal(_limits(reply.settings.options), reply.translator))

    @route("store_setup:limited", "store:limited")
    @replies("setup_changed", OWNER, updates=True)
    async def keep_limits(self, reply: Reply) -> None:
        """Store the limits."""
        given = {option: reply.typed(field).strip() for option, field in _FIELDS.items()}
        self._keep(reply, "limits", {field: given[option] for option, field in _FIELDS.items()})
        labels = translated(_LIMITS, reply.translator)
        reply.written = "\n".join(f"{labels[option]}: {value or '-'}" for option, value in given.items())
        with form(_LIMITS):
            change = with_values(
                accounts_per_order=given.pop("accounts_per_order"),
                **{option: value or None for option, value in given.items()},
            )
            settings, _ = await self._settings.change_options(reply.member, change)
        if _on_page(reply):
            await self._show(reply, settings, limited=True)
        else:
            saved = f"{GOOD} " + reply.translator.gettext("Saved.")
            await reply.tell(ReplyMessage(f"{saved} {_limits_line(settings.options, reply.translator)}"))

    @route("store_setup:fix:(?P<name>limits|words)")
    @replies("setup_fix", OWNER)
    async def fix(self, reply: Reply, name: str) -> None:
        """Open a form again, filled in with what was typed; after a restart with what is stored."""
        typed, options = self._typed.get((reply.guild_id, reply.user.id, name)), reply.settings.options
        if name == "words":
            await reply.ask(_words_modal(typed or _words(options.wording), reply.translator))
        else:
            await reply.ask(_limits_modal(typed or _limits(options), reply.translator))

    @route("store_setup:check", "store:check")
    @replies("setup_check", OWNER)
    async def check(self, reply: Reply) -> None:
        """Test the whole setup for real, and say what is missing and how to fix it."""
        bot, translator = self._bot, reply.translator
        trying = tried(
            reply.guild,
            reply.settings,
            translator,
            await bot.storage.panels.of_guild(reply.guild_id),
            lookups=bot.lookups,
            leak_guard=bot.leak_guard,
            owner_id=reply.user.id,
        )
        lines = [line async for line in trying]
        panels = await bot.panels.check(reply.guild_id)
        lines += [f"{WARNING} {stale_line(panel, translator)}" for panel in panels if panel.due]
        good = all(line.startswith(GOOD) for line in lines)
        head = translator.gettext("All is well.") if good else translator.gettext("This needs fixing:")
        if good:
            lines.append(next_line(reply.guild, reply.settings, panels, translator))
        else:
            lines += hidden_lines(reply.guild, reply.settings, places(panels), translator)
        await reply.show(ReplyMessage("\n".join([f"**{head}**", *lines])))

    def _keep(self, reply: Reply, name: str, typed: dict[str, str]) -> None:
        """Keep what was typed into a form, for the button of a refusal that opens it again."""
        self._typed[reply.guild_id, reply.user.id, name] = typed

        def offer(error: Exception, _refusal: Refusal, translator: Translator) -> discord.ui.View | None:
            if not isinstance(error, WrongValue):
                return None
            return view([button(translator.gettext("Fix it"), f"store_setup:fix:{name}", emoji="✏️")])

        reply.offer = offer

    async def _change_options(self, reply: Reply, **changed: Any) -> None:  # noqa: ANN401 - fields of Options
        settings, _ = await self._settings.change_options(reply.member, with_values(**changed))
        await self._show(reply, settings)

    async def _show(self, reply: Reply, settings: GuildSettings, note: str = "", *, limited: bool = False) -> None:
        page = discord.ui.LayoutView(timeout=None)
        panels = await self._bot.storage.panels.of_guild(reply.guild_id)
        lines = [*missing(reply.guild, settings, panels, reply.translator)]
        seen = [each for each in posted(panels) if customers_can_see(reply.guild, settings, each.channel_id)]
        if seen:
            lines.append(f"{GOOD} {next_line(reply.guild, settings, seen, reply.translator)}")
        head = "\n".join(filter(None, [*lines, note]))
        last = f"{_limits_line(settings.options, reply.translator)}\n{_last_step(panels, reply.translator)}"
        last = f"{GOOD} " + reply.translator.gettext("Saved.") + f" {last}" if limited else last
        items = _items(reply.guild, settings, reply.translator, self._bot.catalogs, head=head, last=last, panels=panels)
        for item in items:
            page.add_item(item)
        page.stop()  # as in components.view()
        await reply.show(ReplyMessage("", view=page))


def _items(
    guild: discord.Guild,
    settings: GuildSettings,
    translator: Translator,
    catalogs: Catalogs,
    *,
    head: str,
    last: str,
    panels: Sequence[Panel],
) -> Iterator[discord.ui.Item[Any]]:
    """Yield the page's components; Discord allows 40, nested ones included."""
    title = translator.gettext("## Setup\nEach choice is saved at once.")
    yield discord.ui.TextDisplay(f"{title}\n{head}".strip())
    support = translator.gettext("**Support channel:** where help requests go. Let only moderators and me view it.")
    if settings.support_channel_id is not None:
        support = support_line(guild, settings, translator, panels)
    yield discord.ui.TextDisplay(support)
    yield _row(_channel("support_channel_id", settings.support_channel_id, translator.gettext("Support channel")))
    yield discord.ui.TextDisplay(
        translator.gettext("**Moderators:** who may manage messages or the server, and who has one of these roles:")
    )
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
    for feature, sentence in _FEATURES.items():
        if feature == "leak_guard_spares_moderators" and not settings.options.leak_guard:
            continue
        on = getattr(settings.options, feature)
        yield discord.ui.Section(
            discord.ui.TextDisplay(("🟢 " if on else "⚪ ") + translator.gettext(sentence)),
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


def _on_page(reply: Reply) -> bool:
    """Return whether the form was opened from the setup page, and not from a refusal."""
    message = reply.interaction.message
    return message is not None and message.flags.components_v2


def _limits_line(options: Options, translator: Translator) -> str:
    """Return the present limits in one line."""
    accounts = translator.ngettext("{count} account an order", "{count} accounts an order", options.accounts_per_order)
    never, number = translator.gettext("never"), translator.number
    most, hours, days = options.help_open_per_person, options.remind_after_hours, options.close_after_days
    return translator.gettext(
        "**Limits:** {accounts} · open requests of a person: {most} · reminder after hours: {hours} · silent customers "
        "asked after days: {days}",
        accounts=accounts,
        most=translator.gettext("the operator's") if most is None else number(most),
        hours=never if hours is None else number(hours),
        days=never if days is None else number(days),
    )


def _last_step(panels: Sequence[Panel], translator: Translator) -> str:
    """Return whether a panel exists, and where, for the buttons at the end of the page."""
    if posted(panels):
        return translator.gettext("**The panel** is in {channels} already.", channels=channels_of(panels))
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
        default_values=_chosen(channel_id),
    )


def _chosen(channel_id: int | None) -> list[discord.SelectDefaultValue]:
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


def _limits(options: Options) -> dict[str, str]:
    """Return the limits as their form shows them."""
    return {field: str(getattr(options, option) or "") for option, field in _FIELDS.items()}


def _limits_modal(values: Mapping[str, str], translator: Translator) -> discord.ui.Modal:
    labels = translated(_LIMITS, translator)
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
        for option, field in _FIELDS.items()
    }
    fields = [labelled(labels[option], inputs[option], hint) for option, hint in hints.items()]
    return modal(translator.gettext("Limits"), "store_setup:limited", *fields)


def _words(wording: Wording) -> dict[str, str]:
    """Return the panel's words as their form shows them."""
    where = "\n".join(part for part in (wording.account_url, wording.where) if part)
    return {name: getattr(wording, name) for name in _WORDS} | {"where": where}


def _words_modal(values: Mapping[str, str], translator: Translator) -> discord.ui.Modal:
    def line(name: str, most: int, *, long: bool = False, hint: str = "") -> discord.ui.TextInput[Any]:
        return discord.ui.TextInput(
            custom_id=name,
            default=values[name][:most] or None,
            max_length=most,
            required=False,
            placeholder=hint or None,
            style=discord.TextStyle.paragraph if long else discord.TextStyle.short,
        )

    first = values["where"].partition("\n")[0].strip()
    labels = translated(WORDS, translator)
    own = translator.gettext("Leave it empty for the bot's words.")
    return modal(
        translator.gettext("The panel's words"),
        "store_setup:worded",
        labelled(labels["title"], line("title", 100), own),
        labelled(labels["text"], line("text", 1500, long=True), own),
        labelled(labels["button"], line("button", 60), own),
        labelled(translator.gettext("Colour, such as #2a9d8f"), line("colour", 7, hint="#2a9d8f"), own),
        labelled(
            labels["where"],
            line("where", 800, long=True, hint="https://my-store.com/account"),
            translator.gettext("The first line is no address yet: put your store's there. Then your own words.")
            if first and not is_address(first)
            else translator.gettext("First line: the store's account address. Then your own words."),
        ),
    )


async def setup(bot: "FileflareBot") -> None:
    """Add the cog to the group /store."""
    await bot.add_cog(StoreSetup(bot), under="store")
