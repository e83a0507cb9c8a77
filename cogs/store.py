"""For store owners: the panel, the status, and their settings as a file."""

import io
from functools import partial
from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

import fileflare_bot
from cogs.downloads import ask_button
from cogs.store_roles import BuyersRoles, require_owner
from cogs.store_setup import GUARD, Setup, log_line, ping_line, support_line
from fileflare_bot.discord_limits import FIELD_VALUE, shorten
from fileflare_bot.fileflare.breaker import State
from fileflare_bot.i18n import N_, Words
from fileflare_bot.interactions import permissions
from fileflare_bot.interactions.components import button, view
from fileflare_bot.interactions.responder import Outgoing, Reply
from fileflare_bot.leak_guard import Guard
from fileflare_bot.refusal import BotLacksPermission, WrongValue
from fileflare_bot.roles import why_not
from fileflare_bot.storage.records import Action, Server
from fileflare_bot.store.panel import COLOUR, panel
from fileflare_bot.store.settings_file import LARGEST_FILE, Unusable, exported, imported

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

_BREAKER: Final = {
    State.CLOSED: N_("reachable"),
    State.PROBING: N_("being tried again after an outage"),
    State.OPEN: N_("not reachable; it is tried again by itself"),
}


@app_commands.guild_only()
@app_commands.default_permissions(manage_guild=True)
class Store(
    BuyersRoles,
    Setup,
    commands.GroupCog,
    group_name=locale_str("store"),
    group_description=locale_str("Set up your store's bot"),
):
    """A store's side of the bot."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._bot = bot

    @app_commands.command(
        name=locale_str("panel"), description=locale_str("Post a message here with a button for your customers")
    )
    @app_commands.checks.has_permissions(manage_guild=True)
    async def panel(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Post the panel in this channel."""
        await self._bot.answering.reply(interaction, "panel", partial(self._post_panel, interaction))

    @app_commands.command(name=locale_str("status"), description=locale_str("See whether everything works"))
    @app_commands.checks.has_permissions(manage_guild=True)
    async def status(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Show how the bot and what it needs are doing."""

        async def work(reply: Reply) -> None:
            server = self._bot.storage.servers.get(require_owner(interaction))
            page = await reply.waiting_for(self._bot.storage.requests.page(server.guild_id, 1))
            embed = discord.Embed(title=reply.words.gettext("Status"), colour=discord.Colour.from_str(COLOUR))
            for name, value in self._status(interaction, server, page.total, reply.words):
                embed.add_field(name=name, value=value, inline=False)
            await reply.show(Outgoing(reply.words.gettext("How the bot is doing"), embed))

        await self._bot.answering.reply(interaction, "status", work)

    @app_commands.command(
        name=locale_str("export"), description=locale_str("Get your settings as a file, without secrets")
    )
    @app_commands.checks.has_permissions(manage_guild=True)
    async def export(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Give the owner the server's settings."""

        async def work(reply: Reply) -> None:
            server = self._bot.storage.servers.get(require_owner(interaction))
            assert interaction.guild is not None  # noqa: S101 - the command is for servers with the bot in them
            content = io.BytesIO(exported(server, interaction.guild).encode())
            text = reply.words.gettext("Your settings. They hold no secrets; /store import reads them in any server.")
            await reply.show(Outgoing(text, file=discord.File(content, "fileflare-bot-settings.json")))

        await self._bot.answering.reply(interaction, "export", work)

    @app_commands.command(
        name=locale_str("import"), description=locale_str("Read settings from a file of /store export")
    )
    @app_commands.rename(file=locale_str("file"))
    @app_commands.describe(file=locale_str("The file that /store export gave you"))
    @app_commands.checks.has_permissions(manage_guild=True)
    async def import_settings(self, interaction: discord.Interaction["FileflareBot"], file: discord.Attachment) -> None:
        """Set everything as a file says; one that is broken changes nothing."""

        async def read() -> list[str]:
            assert interaction.guild is not None  # noqa: S101 - the command is for servers with the bot in them
            if file.size > LARGEST_FILE:
                raise WrongValue("file", "is too large for a file of settings")
            try:
                settings, missing = imported(await file.read(), interaction.guild)
            except Unusable as error:
                raise WrongValue(error.where, error.why) from None
            answers = settings.pop("answers")
            servers, actor = self._bot.storage.servers, interaction.user.id
            server = await servers.change(interaction.guild.id, actor, **settings)
            server = await servers.replace_answers(interaction.guild.id, actor, answers)
            await self._bot.desk.leak_guard.ensure(interaction.guild, server)
            await self._bot.desk.log(server.guild_id, Action.CHANGED_SETUP, actor)
            return missing

        async def work(reply: Reply) -> None:
            require_owner(interaction)
            missing = await reply.waiting_for(read())
            text = reply.words.gettext("Everything is set as the file says.")
            if missing:
                lacking = reply.words.gettext("This server has none of these, so they are left out:")
                text += f"\n⚠️ {lacking} {', '.join(missing)[:1000]}"
            await reply.show(Outgoing(text + "\n" + reply.words.gettext("Look it over with /store setup.")))

        await self._bot.answering.reply(interaction, "import", work)

    async def _post_panel(self, interaction: discord.Interaction["FileflareBot"], reply: Reply) -> None:
        lacking = permissions.missing(interaction.app_permissions, permissions.PANEL)
        if lacking or not isinstance(interaction.channel, discord.abc.Messageable):
            raise BotLacksPermission(permissions.names(lacking or [*permissions.PANEL]))
        options = self._bot.storage.servers.get(interaction.guild_id or 0).options
        words = self._bot.catalogs.words(options.language or interaction.guild_locale or interaction.locale)
        title, text, label, colour = panel(options.wording, words)
        buttons = [ask_button(label)]
        if options.buyers_roles:
            buttons.append(button(words.gettext("Restore my roles"), "claims:restore", emoji="🎟️"))
        try:
            await interaction.channel.send(
                embed=discord.Embed(title=title, description=text, colour=discord.Colour.from_str(colour)),
                view=view(buttons),
            )
        except discord.Forbidden:
            raise BotLacksPermission(permissions.names([*permissions.PANEL])) from None
        await reply.show(Outgoing(reply.words.gettext("The panel is posted. Delete its message to take it down.")))

    def _status(
        self, interaction: discord.Interaction["FileflareBot"], server: Server, open_requests: int, words: Words
    ) -> list[tuple[str, str]]:
        bot, guild = self._bot, interaction.guild
        last = bot.lookups.last_success
        fileflare = words.gettext(_BREAKER[bot.lookups.breaker.state])
        if last is not None:
            fileflare += " · " + words.gettext("last order read {when}", when=f"<t:{int(last.timestamp())}:R>")
        latency = words.gettext("{count} ms to Discord", count=words.number(round(min(bot.latency, 3600) * 1000)))
        shard = words.gettext("shard {number}", number=guild.shard_id if guild is not None else 0)
        counted = bot.answering.activity.of(server.guild_id)
        kinds = ", ".join(f"{outcome} {words.number(count)}" for outcome, count in counted.most_common(12))
        guard = Guard.OFF if not server.options.leak_guard else Guard.ON
        if guild is not None and guard is Guard.ON and not guild.me.guild_permissions.manage_guild:
            guard = Guard.NO_PERMISSION
        database = words.gettext("it answers") if bot.storage.available else words.gettext("away")
        return [
            ("Fileflare", fileflare),
            (words.gettext("Database"), database),
            (words.gettext("Bot"), " · ".join((f"Fileflare Discord bot {fileflare_bot.__version__}", latency, shard))),
            (words.gettext("Lookups in 24 hours"), kinds or words.gettext("none")),
            (words.gettext("Open help requests"), words.number(open_requests)),
            (words.gettext("Leak guard"), words.gettext(GUARD[guard])),
            (words.gettext("Permissions"), shorten("\n".join(_checked(guild, server, words)), FIELD_VALUE)),
        ]


def _checked(guild: discord.Guild | None, server: Server, words: Words) -> list[str]:
    """Return what the bot may and may not do where it has something to do."""
    lines = [support_line(guild, server, words)]
    if server.log_channel_id is not None:
        lines.append(log_line(guild, server, words))
    if server.ping_role_id is not None:
        lines.append(ping_line(guild, server, words))
    if guild is not None and server.options.buyers_roles:
        for role in dict.fromkeys(role for rule in server.options.rules for role in rule.role_ids):
            why = why_not(guild, role)
            lines.append(f"✅ <@&{role}>" if why is None else "⚠️ " + words.gettext(why, role=role))
    return [*lines, words.gettext("Press Check in /store setup to try each for real.")]


async def setup(bot: "FileflareBot") -> None:
    """Add the cog."""
    await bot.add_cog(Store(bot))
