"""For store owners: /store panel, /store status, and the guild's settings as a file."""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

import discord
from cachetools import TTLCache
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

import fileflare_bot
from fileflare_bot.discord_limits import EMBED_DESCRIPTION, shorten
from fileflare_bot.fileflare.breaker import State
from fileflare_bot.i18n import N_, Translator
from fileflare_bot.interactions.access import OWNER, OWNER_PERMISSIONS
from fileflare_bot.interactions.components import COLOUR, button, view
from fileflare_bot.interactions.reply import File, Reply, ReplyMessage
from fileflare_bot.interactions.routing import replies, route
from fileflare_bot.refusal import Refusal
from fileflare_bot.setup_words import SETTINGS, change_lines
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.options import Wording
from fileflare_bot.storage.setup_changes import changes_between
from fileflare_bot.store import checks
from fileflare_bot.store.changes import WrongValue
from fileflare_bot.store.checks import WARNING, guard_state
from fileflare_bot.store.settings_file import LARGEST_FILE, Imported, NotSettings, exported, imported
from fileflare_bot.store.status import STAYS, health_lines, line_of, lookup_lines

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

MOST_FILES: Final = 50  # of imports that wait for a yes; 200 kB each at most
FILE_SECONDS: Final = 30 * 60


class FileForgotten(Refusal):
    """Raised when the file of an import is not in memory any more."""

    sentence = N_("**I do not have that file any more.** Nothing is changed. Use /store import with it again.")


@app_commands.guild_only()
@app_commands.default_permissions(OWNER_PERMISSIONS)
class Store(commands.GroupCog, group_name=locale_str("store"), group_description=locale_str("Set up your store's bot")):
    """The group /store; its subcommands setup, roles and products have cogs of their own."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._bot = bot
        self._files: TTLCache[tuple[int, int], bytes] = TTLCache(MOST_FILES, FILE_SECONDS)

    @app_commands.command(
        name=locale_str("panel"), description=locale_str("Post a message here with a button for your customers")
    )
    @replies("panel", OWNER)
    async def panel(self, reply: Reply) -> None:
        """Post the panel at the bottom of this channel."""
        interaction = reply.interaction
        done = await self._bot.panels.post(
            interaction, reply.settings, interaction.channel, interaction.app_permissions
        )
        here = filter(None, [interaction.channel_id])
        hidden = checks.hidden_lines(reply.guild, reply.settings, here, reply.translator)
        await reply.show(ReplyMessage("\n".join([reply.translator.gettext(done), *hidden])))

    @app_commands.command(name=locale_str("status"), description=locale_str("See whether everything works"))
    @replies("status", OWNER)
    async def status(self, reply: Reply) -> None:
        """Show what needs fixing, how the lookups of the last 24 hours ended, and how many tickets are open."""
        bot, translator, settings = self._bot, reply.translator, None
        troubles, open_tickets = [], 0
        if bot.lookups.breaker.state is not State.CLOSED:
            troubles.append(_fileflare_line(bot.lookups.last_success, translator))
        try:
            settings = reply.settings
            open_tickets = await bot.storage.figures.open_tickets(reply.guild_id)
            panels = await bot.storage.panels.of_guild(reply.guild_id)
            given = await bot.storage.role_grants.given_to_buyers(reply.guild_id, settings.moderator_role_ids)
            pending = await bot.storage.guilds.leak_guard_pending(reply.guild_id)
        except StorageUnavailable:
            text = translator.gettext("**My database does not answer.** Help requests and settings wait until it does.")
            troubles.append(f"{WARNING} {text} " + translator.gettext(STAYS))
        else:
            guard = guard_state(reply.guild, settings, bot.leak_guard.failed(reply.guild_id), pending=pending)
            troubles += checks.troubles(reply.guild, settings, panels, guard, translator, given=given)
        parts = ["Fileflare", translator.gettext("database"), translator.gettext("permissions")]
        if settings is not None and settings.options.leak_guard:
            parts.append(translator.gettext("leak guard"))
        lines = health_lines(troubles, parts, translator)
        lines += filter(None, [line_of(bot.lookups.queue, translator)])
        lines += ["", "__" + translator.gettext("Orders in the last 24 hours") + "__"]
        wording = Wording() if settings is None else settings.options.wording
        lines += lookup_lines(bot.responder.activity.of(reply.guild_id), translator, wording)
        if open_tickets:
            waiting = translator.ngettext(
                "**{count} help request is open.** Moderators see it with /requests open.",
                "**{count} help requests are open.** Moderators see them with /requests open.",
                open_tickets,
            )
            lines += ["", waiting]
        embed = discord.Embed(
            title=translator.gettext("Status"),
            description=shorten("\n".join(lines), EMBED_DESCRIPTION),
            colour=discord.Colour.orange() if troubles else COLOUR,
        )
        embed.set_footer(text=self._technical(reply.guild, translator))
        await reply.show(ReplyMessage(translator.gettext("How the bot is doing"), embed))

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
        """Say what a file would change, and ask before it does; an invalid file is refused."""
        if not file.filename.lower().endswith(".json"):
            raise NotSettings
        if file.size > LARGEST_FILE:
            raise WrongValue("", N_("is too large for a file of settings"))
        try:
            content = await file.read()
        except (discord.Forbidden, discord.NotFound):
            raise WrongValue("", N_("is gone from Discord; attach it again")) from None
        now, translator = reply.settings, reply.translator
        new = imported(content, reply.guild, self._bot.catalogs.languages)
        await self._bot.store_settings.check(reply.member, now, new.settings)
        changes = changes_between(now, replace(now, **new.settings, canned_answers=new.canned_answers))
        lacking = _lacking(new, translator)
        if not changes:
            text = translator.gettext("**Your settings are as the file says already.** There is nothing to change.")
            if lacking:
                text = translator.gettext("**What this server has of it is set already.** There is nothing to change.")
            await reply.show(ReplyMessage("\n".join([text, *lacking])))
            return
        lines = change_lines(changes, translator, ahead=True)
        embed = discord.Embed(
            title=translator.gettext("What the file changes"),
            description=shorten("\n".join([*lines, *lacking]), EMBED_DESCRIPTION),
            colour=COLOUR,
        )
        text = translator.gettext(
            "**Nothing is changed yet.** The file replaces all settings of this server. What it takes away is gone. "
            "Use /store export first if you may want to go back."
        )
        self._files[reply.guild_id, reply.interaction.id] = content
        label = translator.gettext("Replace my settings")
        sure = button(label, f"store:import:{reply.interaction.id}", emoji="♻️", style=discord.ButtonStyle.danger)
        await reply.show(ReplyMessage(text, embed, view([sure])))

    @route(r"store:import:(?P<handle>\d{1,20})")
    @replies("imported", OWNER, updates=True)
    async def replace_settings(self, reply: Reply, handle: str) -> None:
        """Replace all settings with those of the file."""
        content = self._files.get((reply.guild_id, int(handle)))
        if content is None:
            raise FileForgotten
        new, translator = imported(content, reply.guild, self._bot.catalogs.languages), reply.translator
        await self._bot.store_settings.replace(reply.member, new.settings, new.canned_answers)
        lacking = _lacking(new, translator)
        done = translator.gettext("Everything is set as the file says.")
        if lacking:
            done = translator.gettext("What this server has of it is set as the file says.")
        lines = [done, *lacking]
        await reply.show(ReplyMessage("\n".join([*lines, translator.gettext("Look it over with /store setup.")])))

    def _technical(self, guild: discord.Guild, translator: Translator) -> str:
        """Return what only somebody who helps the owner needs: version, latency, shard."""
        milliseconds = round(min(self._bot.latency, 3600) * 1000)
        latency = translator.gettext("{count} ms to Discord", count=translator.number(milliseconds))
        shard = translator.gettext("shard {number}", number=guild.shard_id)
        return f"Fileflare Discord bot {fileflare_bot.__version__} · {latency} · {shard}"


def _lacking(new: Imported, translator: Translator) -> list[str]:
    """Return lines with the channels and roles that the guild does not have, by setting, if there are any."""
    if not new.missing:
        return []
    lines = [f"{WARNING} " + translator.gettext("This server has none of these, so they are left out:")]
    for setting in dict.fromkeys(setting for setting, _ in new.missing):
        names = ", ".join(name for its, name in new.missing if its == setting)[:300]
        stays = "" if setting in new.settings or setting == "rules" else " " + translator.gettext("(stays as it is)")
        lines.append("• " + translator.gettext(SETTINGS[setting]) + f": {names}{stays}")
    return lines


def _fileflare_line(last_success: datetime | None, translator: Translator) -> str:
    """Return that Fileflare does not answer, and since when it has not."""
    text = translator.gettext(
        "**Fileflare does not answer.** I go on asking it by myself; customers are told to try again later."
    )
    if last_success is not None:
        last = translator.gettext("last order read {when}", when=f"<t:{int(last_success.timestamp())}:R>")
        text += f" ({last})"
    return f"{WARNING} {text} " + translator.gettext(STAYS)


async def setup(bot: "FileflareBot") -> None:
    """Add the cog."""
    await bot.add_cog(Store(bot))
