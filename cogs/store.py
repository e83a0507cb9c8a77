"""For store owners: /store panel, /store status, and the guild's settings as a file."""

import asyncio
import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

import fileflare_bot
from fileflare_bot.discord_errors import FAILURES, code_of, is_passing
from fileflare_bot.discord_limits import FIELD_VALUE, shorten
from fileflare_bot.fileflare.breaker import State
from fileflare_bot.i18n import N_, Translator
from fileflare_bot.interactions import permissions
from fileflare_bot.interactions.access import OWNER, OWNER_PERMISSIONS
from fileflare_bot.interactions.components import COLOUR, view
from fileflare_bot.interactions.permissions import BotLacksPermission
from fileflare_bot.interactions.reply import File, Reply, ReplyMessage
from fileflare_bot.interactions.routing import replies
from fileflare_bot.posting import post_once
from fileflare_bot.refusal import Refusal
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.records import GuildSettings
from fileflare_bot.store.changes import WrongValue
from fileflare_bot.store.checks import GUARD_STATES, guard_state, looked_at
from fileflare_bot.store.panel import is_panel, panel_buttons, panel_embed
from fileflare_bot.store.settings_file import LARGEST_FILE, exported, imported

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

_BREAKER: Final = {
    State.CLOSED: N_("reachable"),
    State.PROBING: N_("being tried again after an outage"),
    State.OPEN: N_("not reachable; it is tried again by itself"),
}
# discord.com/developers/docs/topics/opcodes-and-status-codes, "JSON": the thread is archived, or locked
_CLOSED: Final = {50083, 160005}


_PRESSED_AGAIN: Final = timedelta(minutes=10)  # after a response that was lost


class ThreadClosed(Refusal):
    """Raised when the panel is for a thread that is archived or locked."""

    sentence = N_(
        "**This thread is closed.** It is archived or locked, so I cannot post here. Open it again, or use another "
        "channel."
    )
    outcome = "thread_closed"


class PanelNotTaken(Refusal):
    """Raised when Discord refuses the panel for a reason other than a permission."""

    sentence = N_(
        "**Discord did not take the panel here.** Try another channel. If that does not help, look at the panel's "
        "words in /store setup."
    )
    outcome = "panel_not_taken"


@app_commands.guild_only()
@app_commands.default_permissions(OWNER_PERMISSIONS)
class Store(commands.GroupCog, group_name=locale_str("store"), group_description=locale_str("Set up your store's bot")):
    """The group /store; its subcommands setup and roles have cogs of their own."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._bot = bot
        self._posting: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    @app_commands.command(
        name=locale_str("panel"), description=locale_str("Post a message here with a button for your customers")
    )
    @replies("panel", OWNER)
    async def panel(self, reply: Reply) -> None:
        """Post the panel in this channel, unless the same panel was posted there within the last ten minutes."""
        interaction, channel = reply.interaction, reply.interaction.channel
        in_thread = isinstance(channel, discord.Thread)
        needed = permissions.PANEL_IN_THREAD if in_thread else permissions.PANEL
        lacking = permissions.missing(interaction.app_permissions, needed)
        if lacking or not isinstance(channel, discord.abc.Messageable):
            raise BotLacksPermission(permissions.names(lacking or [*needed]))
        if isinstance(channel, discord.Thread) and _closed(channel, interaction.app_permissions):
            raise ThreadClosed
        options = reply.settings.options
        translator = self._bot.catalogs.translator(options.language or interaction.guild_locale or interaction.locale)
        embed, buttons = panel_embed(options.wording, translator), panel_buttons(options, translator)
        try:
            async with self._posting.setdefault(channel.id, asyncio.Lock()):
                await post_once(
                    self._bot,
                    channel.id,
                    found=lambda recent: is_panel(recent, embed, buttons),
                    since=interaction.created_at - _PRESSED_AGAIN,
                    embed=embed,
                    view=view(buttons),
                )
        except discord.Forbidden:
            raise BotLacksPermission(permissions.names([*needed])) from None
        except FAILURES as error:
            if is_passing(error):
                raise
            raise (ThreadClosed if code_of(error) in _CLOSED else PanelNotTaken) from None
        text = reply.translator.gettext("The panel is posted. Delete its message to take it down.")
        await reply.show(ReplyMessage(text))

    @app_commands.command(name=locale_str("status"), description=locale_str("See whether everything works"))
    @replies("status", OWNER)
    async def status(self, reply: Reply) -> None:
        """Show the state of the bot, Fileflare, the database and the guild's setup."""
        settings, open_tickets = None, None
        with contextlib.suppress(StorageUnavailable):
            settings = reply.settings
            open_tickets = await self._bot.storage.figures.open_tickets(reply.guild_id)
        embed = discord.Embed(title=reply.translator.gettext("Status"), colour=COLOUR)
        for name, value in self._status(reply.guild, settings, open_tickets, reply.translator):
            embed.add_field(name=name, value=value, inline=False)
        await reply.show(ReplyMessage(reply.translator.gettext("How the bot is doing"), embed))

    @app_commands.command(
        name=locale_str("export"), description=locale_str("Get your settings as a file, without secrets")
    )
    @replies("export", OWNER)
    async def export(self, reply: Reply) -> None:
        """Send the guild's settings as a file."""
        content = exported(reply.settings, reply.guild)
        text = reply.translator.gettext("Your settings. They hold no secrets; /store import reads them in any server.")
        await reply.show(ReplyMessage(text, file=File("fileflare-bot-settings.json", content)))

    @app_commands.command(
        name=locale_str("import"), description=locale_str("Read settings from a file of /store export")
    )
    @app_commands.rename(file=locale_str("file"))
    @app_commands.describe(file=locale_str("The file that /store export gave you"))
    @replies("import", OWNER)
    async def import_settings(self, reply: Reply, file: discord.Attachment) -> None:
        """Replace all settings with those of a file; an invalid file changes nothing."""
        if file.size > LARGEST_FILE:
            raise WrongValue("", N_("is too large for a file of settings"))
        try:
            content = await file.read()
        except (discord.Forbidden, discord.NotFound):
            raise WrongValue("", N_("is gone from Discord; attach it again")) from None
        new = imported(content, reply.guild)
        await self._bot.store_settings.replace(reply.member, new.settings, new.canned_answers)
        translator = reply.translator
        text = translator.gettext("Everything is set as the file says.")
        if new.missing:
            lacking = translator.gettext("This server has none of these, so they are left out:")
            text += f"\n⚠️ {lacking} {', '.join(new.missing)[:1000]}"
        await reply.show(ReplyMessage(text + "\n" + translator.gettext("Look it over with /store setup.")))

    def _status(
        self, guild: discord.Guild, settings: GuildSettings | None, open_tickets: int | None, translator: Translator
    ) -> list[tuple[str, str]]:
        """Return the fields; ``settings`` and ``open_tickets`` are None while the database is away."""
        bot = self._bot
        last = bot.lookups.last_success
        fileflare = translator.gettext(_BREAKER[bot.lookups.breaker.state])
        if last is not None:
            read = translator.gettext("last order read {when}", when=f"<t:{int(last.timestamp())}:R>")
            fileflare += f" · {read}"
        milliseconds = round(min(bot.latency, 3600) * 1000)
        latency = translator.gettext("{count} ms to Discord", count=translator.number(milliseconds))
        shard = translator.gettext("shard {number}", number=guild.shard_id)
        counted = bot.responder.activity.of(guild.id)
        kinds = ", ".join(f"{outcome} {translator.number(count)}" for outcome, count in counted.most_common(12))
        unknown = translator.gettext("not known")
        database, requests = translator.gettext("away"), unknown
        if open_tickets is not None:
            database, requests = translator.gettext("it answers"), translator.number(open_tickets)
        guard = checked = unknown
        if settings is not None:
            guard = translator.gettext(GUARD_STATES[guard_state(guild, settings, bot.leak_guard)])
            checked = shorten("\n".join(looked_at(guild, settings, translator)), FIELD_VALUE)
        version = f"Fileflare Discord bot {fileflare_bot.__version__}"
        return [
            ("Fileflare", fileflare),
            (translator.gettext("Database"), database),
            (translator.gettext("Bot"), f"{version} · {latency} · {shard}"),
            (translator.gettext("Lookups in 24 hours"), kinds or translator.gettext("none")),
            (translator.gettext("Open help requests"), requests),
            (translator.gettext("Leak guard"), guard),
            (translator.gettext("Permissions"), checked),
        ]


def _closed(thread: discord.Thread, granted: discord.Permissions) -> bool:
    """Return whether a thread is archived, or locked for the bot."""
    return thread.archived or (thread.locked and not granted.manage_threads)


async def setup(bot: "FileflareBot") -> None:
    """Add the cog."""
    await bot.add_cog(Store(bot))
