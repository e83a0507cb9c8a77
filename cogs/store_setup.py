"""For store owners: one private page with every setting of their server, each saved as it is changed."""

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Final

import discord
from babel import Locale
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands
from pydantic import ValidationError

from cogs.downloads import ask_button
from cogs.store_roles import keep_options, require_owner, wrong_value
from fileflare_bot.fileflare.errors import FileflareUnavailable
from fileflare_bot.fileflare.request_queue import Asker
from fileflare_bot.i18n import N_, Words
from fileflare_bot.interactions import permissions
from fileflare_bot.interactions.components import button, chosen, labelled, modal, route, typed, view
from fileflare_bot.interactions.responder import Outgoing, Reply
from fileflare_bot.leak_guard import Guard
from fileflare_bot.roles import why_not
from fileflare_bot.storage.options import MOST_MODERATOR_ROLES, LaterAccounts, Wording
from fileflare_bot.storage.records import Action, Server
from fileflare_bot.store.panel import panel

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

_CHANNELS: Final = "support_channel_id|log_channel_id"
_FEATURES: Final = {
    "buyers_roles": N_("**Buyers' roles.** Who opens an order gets its roles; the rules are in /store roles."),
    "saved_orders": N_("**Saved orders.** Customers can have an order remembered, encrypted."),
    "leak_guard": N_("**Leak guard.** Discord stops messages that hold an order link."),
    "leak_guard_spares_moderators": N_("**Leak guard spares moderators.** The moderator roles may post order links."),
}
_LATER: Final = {
    LaterAccounts.LINKS: N_("A second account on an order: links, but no roles"),
    LaterAccounts.REFUSE: N_("A second account on an order: refused"),
}
GUARD: Final = {
    Guard.OFF: N_("The leak guard is off."),
    Guard.ON: N_("The leak guard is on."),
    Guard.NO_PERMISSION: N_("The leak guard needs the permission Manage Server: give it to my role."),
    Guard.NO_ROOM: N_(
        "The leak guard has no room: Discord allows 6 keyword rules. Delete one under Server Settings > AutoMod."
    ),
    Guard.REFUSED: N_("Discord did not take the leak guard's rule. Press Check in a few minutes."),
}


class Setup(commands.Cog):
    """The command /store setup, a part of the Store cog."""

    _bot: "FileflareBot"

    @app_commands.command(
        name=locale_str("setup"), description=locale_str("Set up everything: channels, moderators, features, words")
    )
    @app_commands.checks.has_permissions(manage_guild=True)
    async def setup(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Show the settings of the server."""

        async def work(reply: Reply) -> None:
            await reply.show(self._page(interaction, self._server(interaction), reply.words))

        await self._bot.answering.reply(interaction, "setup", work)

    @route(rf"store:set:(?P<setting>{_CHANNELS}|ping_role_id|moderator_role_ids)")
    async def choose(self, interaction: discord.Interaction["FileflareBot"], setting: str) -> None:
        """Keep the channel or the roles that were chosen."""
        everyone = interaction.guild_id  # as a role; it would make everybody a moderator
        ids = tuple(int(value) for value in chosen(interaction) if int(value) != everyone)
        value = ids if setting == "moderator_role_ids" else next(iter(ids), None)
        await self._change(interaction, **{setting: value})

    @route("store:language")
    async def choose_language(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Keep the language in which the bot speaks to all of the server."""
        language = next(iter(chosen(interaction)), "")
        await self._change_options(interaction, language="" if language == "-" else language)

    @route("store:later")
    async def choose_later(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Keep what later accounts on an order get."""
        await self._change_options(interaction, later_accounts=LaterAccounts(chosen(interaction)[0]))

    @route(rf"store:toggle:(?P<feature>{'|'.join(_FEATURES)})")
    async def toggle(self, interaction: discord.Interaction["FileflareBot"], feature: str) -> None:
        """Switch a feature on or off."""
        await self._change_options(interaction, toggled=feature)

    @route("store:words")
    async def ask_words(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Ask for the store's own words."""

        async def show_modal(reply: Reply) -> None:
            require_owner(interaction)
            await reply.ask(_words_modal(self._server(interaction).options.wording, reply.words))

        await self._bot.answering.reply(interaction, "setup_words", show_modal)

    @route("store:worded")
    async def keep_words(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Keep the store's own words, and show the panel that they make."""
        given = {name: typed(interaction, name).strip() for name in ("title", "text", "button", "colour")}
        where = typed(interaction, "where").strip()

        async def work(reply: Reply) -> None:
            require_owner(interaction)
            server = self._server(interaction)
            address, _, text = where.partition("\n") if where.startswith("https://") else ("", "", where)
            try:
                wording = Wording(**given, account_url=address.strip(), where=text.strip())
            except ValidationError as error:
                raise wrong_value(error) from None
            kept = await reply.waiting_for(keep_options(self._bot, interaction, server, wording=wording))
            words = reply.words
            title, description, label, colour = panel(kept.options.wording, words)
            embed = discord.Embed(title=title, description=description, colour=discord.Colour.from_str(colour))
            text = words.gettext("Saved. The panel will look like this; post it with /store panel.")
            await reply.show(Outgoing(text, embed, view([ask_button(label)])))

        await self._bot.answering.reply(interaction, "setup_worded", work, written="\n".join([*given.values(), where]))

    @route("store:limits")
    async def ask_limits(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Ask for the limits."""

        async def show_modal(reply: Reply) -> None:
            require_owner(interaction)
            options, words = self._server(interaction).options, reply.words
            accounts = discord.ui.TextInput[Any](
                custom_id="accounts", default=str(options.accounts_per_order), max_length=3
            )
            most = discord.ui.TextInput[Any](
                custom_id="open", default=str(options.help_open_per_person or ""), max_length=3, required=False
            )
            await reply.ask(
                modal(
                    words.gettext("Limits"),
                    "store:limited",
                    labelled(words.gettext("Accounts an order counts for"), accounts, "1-100"),
                    labelled(words.gettext("Open help requests of a person"), most, "1-100"),
                )
            )

        await self._bot.answering.reply(interaction, "setup_limits", show_modal)

    @route("store:limited")
    async def keep_limits(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Keep the limits."""
        await self._change_options(
            interaction,
            accounts_per_order=typed(interaction, "accounts").strip(),
            help_open_per_person=typed(interaction, "open").strip() or None,
        )

    @route("store:check")
    async def check(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Try each thing for real, and name what is missing and how to mend it."""

        async def work(reply: Reply) -> None:
            require_owner(interaction)

            async def tried() -> list[str]:
                return [line async for line in self._tried(interaction, self._server(interaction), reply.words)]

            lines = await reply.waiting_for(tried())
            good = all(line.startswith("✅") for line in lines)
            head = reply.words.gettext("All is well.") if good else reply.words.gettext("This is to be mended:")
            await reply.show(Outgoing("\n".join([f"**{head}**", *lines])))

        await self._bot.answering.reply(interaction, "setup_check", work)

    def _server(self, interaction: discord.Interaction["FileflareBot"]) -> Server:
        return self._bot.storage.servers.get(interaction.guild_id or 0)

    async def _change(self, interaction: discord.Interaction["FileflareBot"], **changed: Any) -> None:  # noqa: ANN401
        """Keep some settings, and show the page with them."""

        async def keep(guild_id: int) -> Server:
            server = await self._bot.storage.servers.change(guild_id, interaction.user.id, **changed)
            await self._bot.desk.log(guild_id, Action.CHANGED_SETUP, interaction.user.id)
            if interaction.guild is not None and server.options.leak_guard:
                await self._bot.desk.leak_guard.ensure(interaction.guild, server)  # its exempt roles may be others now
            return server

        async def work(reply: Reply) -> None:
            server = await reply.waiting_for(keep(require_owner(interaction)))
            await reply.show(self._page(interaction, server, reply.words))

        await self._bot.answering.reply(interaction, "setup_changed", work, updates=True)

    async def _change_options(
        self,
        interaction: discord.Interaction["FileflareBot"],
        *,
        toggled: str = "",
        **changed: Any,  # noqa: ANN401 - options
    ) -> None:
        """Keep some options, and show the page with them."""

        async def keep() -> tuple[Server, str]:
            server = self._server(interaction)
            if toggled:
                changed[toggled] = not getattr(server.options, toggled)
            server = await keep_options(self._bot, interaction, server, **changed)
            note = ""
            if toggled.startswith("leak_guard") and interaction.guild is not None:
                state = await self._bot.desk.leak_guard.ensure(interaction.guild, server)
                note = "" if state in {Guard.ON, Guard.OFF} else GUARD[state]
            return server, note

        async def work(reply: Reply) -> None:
            require_owner(interaction)
            server, note = await reply.waiting_for(keep())
            note = "⚠️ " + reply.words.gettext(note) if note else ""
            await reply.show(self._page(interaction, server, reply.words, note))

        await self._bot.answering.reply(interaction, "setup_changed", work, updates=True)

    async def _tried(
        self, interaction: discord.Interaction["FileflareBot"], server: Server, words: Words
    ) -> AsyncIterator[str]:
        """Return a line for each thing that was tried."""
        guild = interaction.guild
        try:
            await self._bot.lookups.probe(Asker(interaction.user.id, interaction.guild_id))
            yield "✅ " + words.gettext("Fileflare answers.")
        except FileflareUnavailable:
            yield "⚠️ " + words.gettext("Fileflare does not answer. Try again in a few minutes.")
        if guild is None:
            return
        yield support_line(guild, server, words)
        for channel_id in filter(None, (server.support_channel_id, server.log_channel_id)):
            yield await self._written(guild, channel_id, words)
        if server.ping_role_id is not None:
            yield ping_line(guild, server, words)
        for role_id in dict.fromkeys(role for rule in server.options.rules for role in rule.role_ids):
            why = why_not(guild, role_id) if server.options.buyers_roles else None
            yield "✅ " + f"<@&{role_id}>" if why is None else "⚠️ " + words.gettext(why, role=role_id)
        if server.options.leak_guard:
            state = await self._bot.desk.leak_guard.ensure(guild, server)
            yield ("✅ " if state is Guard.ON else "⚠️ ") + words.gettext(GUARD[state])

    async def _written(self, guild: discord.Guild, channel_id: int, words: Words) -> str:
        """Write a message into a channel, delete it again, and return the line that says how it went."""
        channel = guild.get_channel(channel_id)
        if not isinstance(channel, discord.TextChannel):
            return "⚠️ " + words.gettext("<#{channel}> does not exist any more: choose another.", channel=channel_id)
        try:
            message = await channel.send(
                embed=discord.Embed(description=words.gettext("A check by the store's owner."))
            )
            await message.delete()
        except discord.HTTPException:
            lacking = permissions.missing(channel.permissions_for(guild.me), permissions.LOG_CHANNEL)
            named = permissions.names(lacking or [*permissions.LOG_CHANNEL])
            text = words.gettext("I cannot write there. Give me these permissions: {permissions}.", permissions=named)
            return f"⚠️ {channel.mention}: {text}"
        return "✅ " + channel.mention

    def _page(
        self, interaction: discord.Interaction["FileflareBot"], server: Server, words: Words, note: str = ""
    ) -> Outgoing:
        made = discord.ui.LayoutView(timeout=None)
        for item in _items(interaction.guild, server, words, self._bot.catalogs.languages, note):
            made.add_item(item)
        made.stop()  # as views are
        return Outgoing("", view=made)


def _items(
    guild: discord.Guild | None, server: Server, words: Words, languages: tuple[str, ...], note: str
) -> Iterator[discord.ui.Item[Any]]:
    """Return the parts of the page; Discord takes 40, each inner part counted."""
    head = words.gettext("## Setup\nEach choice is saved at once. **Check** tries everything for real.")
    yield discord.ui.TextDisplay(f"{head}\n{note}".strip())
    yield discord.ui.TextDisplay(support_line(guild, server, words))
    yield _row(_channel("support_channel_id", server.support_channel_id, words.gettext("Support channel")))
    yield discord.ui.TextDisplay(
        words.gettext("**Moderators** are all who may manage messages, and everybody with one of these roles:")
    )
    yield _row(
        _roles("moderator_role_ids", server.moderator_role_ids, words.gettext("Moderator roles"), MOST_MODERATOR_ROLES)
    )
    yield discord.ui.TextDisplay(log_line(guild, server, words) + "\n" + ping_line(guild, server, words))
    yield _row(_channel("log_channel_id", server.log_channel_id, words.gettext("Log channel")))
    ping = () if server.ping_role_id is None else (server.ping_role_id,)
    yield _row(_roles("ping_role_id", ping, words.gettext("Role to ping"), 1))
    yield _row(_language_select(server.options.language, words, languages))
    for feature, sentence in _FEATURES.items():
        if feature == "leak_guard_spares_moderators" and not server.options.leak_guard:
            continue
        on = getattr(server.options, feature)
        yield discord.ui.Section(
            discord.ui.TextDisplay(("🟢 " if on else "⚪ ") + words.gettext(sentence)),
            accessory=button(
                words.gettext("Switch off") if on else words.gettext("Switch on"), f"store:toggle:{feature}"
            ),
        )
    if server.options.buyers_roles:
        options = [
            discord.SelectOption(
                label=words.gettext(sentence), value=later, default=later is server.options.later_accounts
            )
            for later, sentence in _LATER.items()
        ]
        yield _row(discord.ui.Select(custom_id="store:later", options=options))
    yield _row(
        button(words.gettext("Check"), "store:check", emoji="🩺", style=discord.ButtonStyle.primary),
        button(words.gettext("The panel's words"), "store:words", emoji="✏️"),
        button(words.gettext("Limits"), "store:limits", emoji="🚦"),
    )


def _row(*items: discord.ui.Item[Any]) -> discord.ui.ActionRow[Any]:
    return discord.ui.ActionRow(*items)


def _channel(setting: str, channel_id: int | None, placeholder: str) -> discord.ui.ChannelSelect[Any]:
    kind = discord.SelectDefaultValueType.channel
    return discord.ui.ChannelSelect(
        custom_id=f"store:set:{setting}",
        channel_types=[discord.ChannelType.text],
        placeholder=placeholder,
        min_values=0,
        default_values=[] if channel_id is None else [discord.SelectDefaultValue(id=channel_id, type=kind)],
    )


def _roles(setting: str, role_ids: tuple[int, ...], placeholder: str, most: int) -> discord.ui.RoleSelect[Any]:
    kind = discord.SelectDefaultValueType.role
    return discord.ui.RoleSelect(
        custom_id=f"store:set:{setting}",
        placeholder=placeholder,
        min_values=0,
        max_values=most,
        default_values=[discord.SelectDefaultValue(id=role_id, type=kind) for role_id in role_ids],
    )


def _language_select(chosen_language: str, words: Words, languages: tuple[str, ...]) -> discord.ui.Select[Any]:
    own = words.gettext("Language: the server's own")
    options = [discord.SelectOption(label=own, value="-", default=not chosen_language)]
    for code in languages:
        name = (Locale.parse(code).get_display_name() or code).capitalize()
        options.append(discord.SelectOption(label=name, value=code, default=code == chosen_language))
    return discord.ui.Select(custom_id="store:language", options=options)


def support_line(guild: discord.Guild | None, server: Server, words: Words) -> str:
    """Return how the support channel is, and what is missing there."""
    if server.support_channel_id is None:
        return "⚠️ " + words.gettext("**No support channel yet:** customers are told to ask the server's owner.")
    line = _channel_line(
        guild, server.support_channel_id, permissions.SUPPORT_CHANNEL, words.gettext("Support channel"), words
    )
    channel = guild.get_channel(server.support_channel_id) if guild is not None else None
    if guild is not None and channel is not None and channel.permissions_for(guild.default_role).view_channel:
        warning = words.gettext("Everybody can read this channel. Let only moderators view it: customers write there.")
        line = f"⚠️ {warning}\n{line}"
    return line


def log_line(guild: discord.Guild | None, server: Server, words: Words) -> str:
    """Return how the log channel is, and what is missing there."""
    if server.log_channel_id is None:
        return words.gettext("**No log channel:** nothing is posted. What moderators do is kept all the same.")
    return _channel_line(guild, server.log_channel_id, permissions.LOG_CHANNEL, words.gettext("Log channel"), words)


def ping_line(guild: discord.Guild | None, server: Server, words: Words) -> str:
    """Return how the role to ping is, and what is missing there."""
    if server.ping_role_id is None:
        return words.gettext("**No role to ping:** nobody is pinged.")
    role = guild.get_role(server.ping_role_id) if guild is not None else None
    if guild is None or role is None:
        return "⚠️ " + words.gettext("The role to ping does not exist any more: choose another.")
    channel = guild.get_channel(server.support_channel_id or 0)
    may = channel is not None and channel.permissions_for(guild.me).mention_everyone
    if role.mentionable or may:
        return "✅ " + words.gettext("Role to ping") + f": {role.mention}"
    warning = words.gettext("I cannot ping this role: allow everybody to mention it in its settings.")
    return f"⚠️ {role.mention}: {warning}"


def _channel_line(
    guild: discord.Guild | None, channel_id: int, needed: tuple[str, ...], name: str, words: Words
) -> str:
    channel = guild.get_channel(channel_id) if guild is not None else None
    if guild is None or channel is None:
        gone = words.gettext("This channel does not exist any more, or I cannot see it: choose another.")
        return f"⚠️ {name}: {gone}"
    lacking = permissions.missing(channel.permissions_for(guild.me), needed)
    if lacking:
        warning = words.gettext(
            "I lack these permissions there: {permissions}.", permissions=permissions.names(lacking)
        )
        return f"⚠️ {name}: {channel.mention}\n{warning}"
    return f"✅ {name}: {channel.mention}"


def _words_modal(wording: Wording, words: Words) -> discord.ui.Modal:
    def line(name: str, value: str, most: int, *, long: bool = False, hint: str = "") -> discord.ui.TextInput[Any]:
        return discord.ui.TextInput(
            custom_id=name,
            default=value or None,
            max_length=most,
            required=False,
            placeholder=hint or None,
            style=discord.TextStyle.paragraph if long else discord.TextStyle.short,
        )

    where = "\n".join(part for part in (wording.account_url, wording.where) if part)
    own = words.gettext("Leave it empty for the bot's words.")
    return modal(
        words.gettext("The panel's words"),
        "store:worded",
        labelled(words.gettext("Title"), line("title", wording.title, 100), own),
        labelled(words.gettext("Text"), line("text", wording.text, 1500, long=True), own),
        labelled(words.gettext("Button"), line("button", wording.button, 60), own),
        labelled(words.gettext("Colour"), line("colour", wording.colour, 7, hint="#2a9d8f"), own),
        labelled(
            words.gettext("Where do I find my order link?"),
            line("where", where, 800, long=True, hint="https://my-store.com/account"),
            words.gettext("First line: the store's account address. Then your own words."),
        ),
    )
