"""For store owners: /store setup, one ephemeral page with all settings of the guild; each change is saved at once."""

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import discord
from cachetools import TTLCache
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from fileflare_bot.discord_limits import CONTENT, shorten, size
from fileflare_bot.i18n import N_, Translator
from fileflare_bot.interactions.access import OWNER
from fileflare_bot.interactions.components import button, labelled, modal, view
from fileflare_bot.interactions.reply import Reply, ReplyMessage
from fileflare_bot.interactions.routing import replies, route
from fileflare_bot.interactions.values import member, number
from fileflare_bot.leak_guard import GuardState
from fileflare_bot.refusal import Refusal
from fileflare_bot.roles.moderators import NotForModerators, PingsBuyers
from fileflare_bot.setup_words import WORDS, translated
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.options import LaterAccounts, Options
from fileflare_bot.storage.records import GuildSettings
from fileflare_bot.store.changes import WrongValue, form, parsed_wording, with_values
from fileflare_bot.store.checks import (
    GOOD,
    GUARD_STATES,
    WARNING,
    channels_of,
    hidden_lines,
    next_line,
    places,
    posted,
    tried,
    worth_adding,
)
from fileflare_bot.store.panel import panel_buttons, panel_embed, stale_line
from fileflare_bot.store.setup_forms import (
    LIMIT_FIELDS,
    LIMITS,
    PANEL_WORDS,
    limits_as_typed,
    limits_form,
    words_as_typed,
    words_form,
)
from fileflare_bot.store.setup_page import FEATURES, chosen_channel, limits_line, setup_page
from fileflare_bot.store.visibility import OpenToCustomers, is_of_team

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

_SETTINGS: Final = r"(?P<setting>support_channel_id|log_channel_id|ping_role_id|moderator_role_ids)"
_FEATURE: Final = rf"(?P<feature>{'|'.join(FEATURES)})"
_NOT_CHOSEN: Final = NotForModerators, PingsBuyers, OpenToCustomers
_PAGE_STAYS: Final = N_("A setup page that is still open shows the old values until you choose something there.")
MOST_FORMS: Final = 200  # that wait to be corrected, of some kB at most
FORM_SECONDS: Final = 15 * 60


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
        try:
            settings, _ = await self._settings.change(reply.member, **{setting: value})
        except _NOT_CHOSEN:
            await self._show(reply, reply.settings, stays=True)  # or the select would go on showing what is not stored
            raise
        await self._saved(reply, settings)

    @route("store_setup:language", "store:language")
    @replies("setup_changed", OWNER, updates=True)
    async def choose_language(self, reply: Reply) -> None:
        """Store the language of what the bot posts in the guild."""
        language = next(iter(reply.chosen()), "")
        changed = with_values(language="" if language == "-" else language)
        settings, _ = await self._settings.change_options(reply.member, changed)
        words = settings.options.wording
        own = words.title or words.text or words.button or words.where or settings.canned_answers
        note = reply.translator.gettext("Your own words stay as you wrote them.") if own else ""
        await self._saved(reply, settings, note)

    @route("store_setup:later", "store:later")
    @replies("setup_changed", OWNER, updates=True)
    async def choose_later(self, reply: Reply) -> None:
        """Store what other users get who open an order that already counts for somebody."""
        await self._change_options(reply, later_accounts=member(LaterAccounts, next(iter(reply.chosen()), "")))

    @route(
        f"store_setup:toggle:{_FEATURE}:(?P<state>on|off)", f"store_setup:toggle:{_FEATURE}", f"store:toggle:{_FEATURE}"
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
        await self._saved(reply, settings, note)

    @route("store_setup:words", "store:words")
    @replies("setup_words", OWNER)
    async def ask_words(self, reply: Reply) -> None:
        """Open the modal for the panel's wording."""
        await reply.ask(self._words_form(reply, words_as_typed(reply.settings.options.wording)))

    @route("store_setup:worded", "store:worded")
    @replies("setup_worded", OWNER, updates=True)
    async def keep_words(self, reply: Reply) -> None:
        """Store the panel's wording, bring the page up to date, and show a preview."""
        given = {name: reply.typed(name).strip() for name in PANEL_WORDS}
        where = reply.typed("where").strip()
        self._keep(reply, "words", {**given, "where": where})
        reply.written = _written({**given, "where": where}, WORDS, reply.translator)
        with form(WORDS):
            wording = parsed_wording(given, where)
        settings, _ = await self._settings.change_options(reply.member, with_values(wording=wording))
        translator, panels, stays = reply.translator, None, True
        with suppress(StorageUnavailable):  # the words are stored, so this is no refusal
            panels = await self._bot.storage.panels.of_guild(reply.guild_id)
            if _on_page(reply):
                await self._show(reply, settings)
                stays = False
        if panels is None or any(panel.due for panel in panels):
            text = translator.gettext(
                "Saved. Not every panel shows it yet; I go on changing them. They will look like this:"
            )
        elif not panels:
            text = translator.gettext(
                "Saved. Your panel will look like this: press **Post the panel** in /store setup."
            )
        else:
            text = translator.gettext(
                "Saved. This is what your customers see now in {channels}:", channels=channels_of(places(panels))
            )
        fix = []
        if wording.where and not wording.account_url:
            fix = [_fix_button("words", translator)]
            text += f"\n{WARNING} " + translator.gettext(
                "The first line of **Where do I find my order link?** is no address. Customers find their link sooner "
                "if it is your store's, such as https://my-store.com/account."
            )
        if stays:
            text += "\n" + translator.gettext(_PAGE_STAYS)
        theirs = self._theirs(reply, settings)
        buttons = panel_buttons(settings.options, theirs)
        await reply.tell(ReplyMessage(text, panel_embed(settings.options.wording, theirs), view(buttons, fix)))

    @route("store_setup:panel")
    @replies("setup_panel", OWNER)
    async def ask_channel(self, reply: Reply) -> None:
        """Open the modal that asks where the panel goes; this channel is chosen already."""
        translator, here = reply.translator, reply.interaction.channel
        kinds = [discord.ChannelType.text, discord.ChannelType.news]
        chosen = None
        if here is not None and here.type in kinds and not is_of_team(here, reply.settings):
            chosen = here.id
        select = discord.ui.ChannelSelect[Any](
            custom_id="channel", channel_types=kinds, default_values=chosen_channel(chosen)
        )
        panels = await reply.before_asking(self._bot.storage.panels.of_guild(reply.guild_id)) or []
        known = translator.gettext(
            "**The panel** is in {channels} already. Where one is, I post it anew at the bottom, and take the old one "
            "down.",
            channels=channels_of(places(panels)),
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
        done = await self._bot.panels.post(reply.interaction, reply.settings, channel, granted)
        text = f"{GOOD} " + reply.translator.gettext(done)
        with suppress(StorageUnavailable):  # the panel is posted, so this is no refusal
            panels = await self._bot.storage.panels.of_guild(guild.id)
            text += "\n" + next_line(guild, reply.settings, panels, reply.translator)
        await reply.show(ReplyMessage(text))

    @route("store_setup:limits", "store:limits")
    @replies("setup_limits", OWNER)
    async def ask_limits(self, reply: Reply) -> None:
        """Open the modal for the limits."""
        await reply.ask(limits_form(limits_as_typed(reply.settings.options), reply.translator))

    @route("store_setup:limited", "store:limited")
    @replies("setup_changed", OWNER, updates=True)
    async def keep_limits(self, reply: Reply) -> None:
        """Store the limits."""
        given = {option: reply.typed(field).strip() for option, field in LIMIT_FIELDS.items()}
        self._keep(reply, "limits", {field: given[option] for option, field in LIMIT_FIELDS.items()})
        reply.written = _written(given, LIMITS, reply.translator)
        with form(LIMITS):
            change = with_values(
                accounts_per_order=given.pop("accounts_per_order"),
                **{option: value or None for option, value in given.items()},
            )
            settings, _ = await self._settings.change_options(reply.member, change)
        if _on_page(reply):
            await self._saved(reply, settings, limited=True)
        else:
            saved = f"{GOOD} " + reply.translator.gettext("Saved.")
            saved += " " + limits_line(settings.options, reply.translator, self._bot.storage.tickets.open_per_user)
            await reply.tell(ReplyMessage(saved + "\n" + reply.translator.gettext(_PAGE_STAYS)))

    @route("store_setup:fix:(?P<name>limits|words)")
    @replies("setup_fix", OWNER)
    async def fix(self, reply: Reply, name: str) -> None:
        """Open a form again, filled in with what was typed; after a restart with what is stored."""
        typed, options = self._typed.get((reply.guild_id, reply.user.id, name)), reply.settings.options
        if name == "words":
            await reply.ask(self._words_form(reply, typed or words_as_typed(options.wording)))
        else:
            await reply.ask(limits_form(typed or limits_as_typed(options), reply.translator))

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
            intents=bot.storage.intents,
            given=await self._given(reply.settings),
            owner_id=reply.user.id,
        )
        lines = [line async for line in trying]
        panels = await bot.panels.check(reply.guild_id)
        lines += [f"{WARNING} {stale_line(panel, translator)}" for panel in panels if panel.due]
        lines += hidden_lines(reply.guild, reply.settings, places(panels), translator)
        good = all(line.startswith(GOOD) for line in lines)
        head = translator.gettext("All is well.") if good else translator.gettext("This needs fixing:")
        if good:
            lines.append(next_line(reply.guild, reply.settings, panels, translator))
            lines += worth_adding(reply.settings, translator)
        text = "\n".join([f"**{head}**", *lines])
        if size(text) > CONTENT:  # what needs no fixing may be missing
            text = "\n".join([f"**{head}**", *(line for line in lines if good or not line.startswith(GOOD))])
        await reply.show(ReplyMessage(shorten(text, CONTENT)))

    async def _given(self, settings: GuildSettings) -> set[int]:
        """Return the moderator roles that the bot has given to buyers."""
        return await self._bot.storage.role_grants.given_to_buyers(settings.guild_id, settings.moderator_role_ids)

    def _theirs(self, reply: Reply, settings: GuildSettings) -> Translator:
        """Return the translator for the panel."""
        return self._bot.catalogs.translator(settings.options.language or reply.guild.preferred_locale)

    def _words_form(self, reply: Reply, values: dict[str, str]) -> discord.ui.Modal:
        return words_form(values, reply.translator, self._theirs(reply, reply.settings))

    def _keep(self, reply: Reply, name: str, typed: dict[str, str]) -> None:
        """Keep what was typed into a form, for the button of a refusal that opens it again."""
        self._typed[reply.guild_id, reply.user.id, name] = typed

        def offer(error: Exception, _refusal: Refusal, translator: Translator) -> discord.ui.View | None:
            if not isinstance(error, WrongValue):
                return None
            return view([_fix_button(name, translator)])

        reply.offer = offer

    async def _change_options(self, reply: Reply, **changed: Any) -> None:  # noqa: ANN401 - fields of Options
        settings, _ = await self._settings.change_options(reply.member, with_values(**changed))
        await self._saved(reply, settings)

    async def _saved(self, reply: Reply, settings: GuildSettings, note: str = "", *, limited: bool = False) -> None:
        """Show the page with a stored change; if the database has gone away since, say only that it is saved."""
        try:
            await self._show(reply, settings, note, limited=limited)
        except StorageUnavailable:
            translator = reply.translator
            lines = [f"{GOOD} " + translator.gettext("Saved."), note, translator.gettext(_PAGE_STAYS)]
            await reply.tell(ReplyMessage("\n".join(filter(None, lines))))

    async def _show(
        self, reply: Reply, settings: GuildSettings, note: str = "", *, limited: bool = False, stays: bool = False
    ) -> None:
        """Show the page. If it ``stays``, it is not the reply, which follows."""
        panels = await self._bot.storage.panels.of_guild(reply.guild_id)
        page = setup_page(
            reply.guild,
            settings,
            reply.translator,
            self._bot.catalogs,
            panels=panels,
            given=await self._given(settings),
            most_open=self._bot.storage.tickets.open_per_user,
            note=note,
            limited=limited,
        )
        message = ReplyMessage("", view=page)
        await (reply.show_for_now(message, stays=True) if stays else reply.show(message))


def _written(given: Mapping[str, str], labels: Mapping[str, str], translator: Translator) -> str:
    """Return what was typed into a form, each text after its field's label; a colon would have it shown as code."""
    names = translated(labels, translator)
    return "\n".join(f"{names[name]} — {text}" for name, text in given.items() if text)


def _fix_button(name: str, translator: Translator) -> discord.ui.Button[discord.ui.View]:
    """Return the button that opens a form again."""
    return button(translator.gettext("Fix it"), f"store_setup:fix:{name}", emoji="✏️")


def _on_page(reply: Reply) -> bool:
    """Return whether the form was opened from the setup page, and not from a refusal."""
    message = reply.interaction.message
    return message is not None and message.flags.components_v2


async def setup(bot: "FileflareBot") -> None:
    """Add the cog to the group /store."""
    await bot.add_cog(StoreSetup(bot), under="store")
