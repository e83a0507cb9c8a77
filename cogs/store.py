"""For store owners: the panel, and the setup of the help desk."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from cogs.buyers import BuyersRoles
from cogs.downloads import COLOUR, ask_button
from fileflare_bot.answering import Outgoing, Reply
from fileflare_bot.components import chosen, route, view
from fileflare_bot.replies.refusals import BotLacksPermission, MissingPermission
from fileflare_bot.storage.records import Action, Server
from fileflare_bot.support import permissions
from fileflare_bot.words import Words

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

MOST_ROLES: Final = 10


@app_commands.guild_only()
@app_commands.default_permissions(manage_guild=True)
class Store(
    BuyersRoles,
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

    @app_commands.command(
        name=locale_str("setup"), description=locale_str("Choose where help requests go and who answers them")
    )
    @app_commands.checks.has_permissions(manage_guild=True)
    async def setup(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Show the settings of the help desk."""

        async def work(reply: Reply) -> None:
            assert interaction.guild_id is not None  # noqa: S101 - the command is for servers only
            await reply.show(self._page(interaction, self._bot.storage.servers.get(interaction.guild_id), reply.words))

        await self._bot.answering.reply(interaction, "setup", work)

    @route(r"store:set:(?P<setting>support_channel_id|log_channel_id|ping_role_id|moderator_role_ids)")
    async def change(self, interaction: discord.Interaction["FileflareBot"], setting: str) -> None:
        """Keep what was chosen, and show the page with it."""
        ids = tuple(int(value) for value in chosen(interaction))

        async def work(reply: Reply) -> None:
            if interaction.guild_id is None or not interaction.permissions.manage_guild:
                raise MissingPermission(permissions.names(["manage_guild"]))
            value = ids if setting == "moderator_role_ids" else next(iter(ids), None)
            changing = self._bot.storage.servers.change(interaction.guild_id, interaction.user.id, **{setting: value})
            server = await reply.waiting_for(changing)
            await reply.show(self._page(interaction, server, reply.words))
            await self._bot.desk.log(server.guild_id, Action.CHANGED_SETUP, interaction.user.id)

        await self._bot.answering.reply(interaction, "setup_changed", work, updates=True)

    async def _post_panel(self, interaction: discord.Interaction["FileflareBot"], reply: Reply) -> None:
        lacking = permissions.missing(interaction.app_permissions, permissions.PANEL)
        if lacking or not isinstance(interaction.channel, discord.abc.Messageable):
            raise BotLacksPermission(permissions.names(lacking or [*permissions.PANEL]))
        words = self._bot.catalogs.words(interaction.guild_locale or interaction.locale)
        embed = discord.Embed(
            title=words.gettext("Your downloads"),
            description=words.gettext(
                "Bought something from our store? Press the button and paste your order link. Only you see the answer."
            ),
            colour=COLOUR,
        )
        button = ask_button(words.gettext("Get my downloads"))
        try:
            await interaction.channel.send(embed=embed, view=view([button]))
        except discord.Forbidden:
            raise BotLacksPermission(permissions.names([*permissions.PANEL])) from None
        await reply.show(Outgoing(reply.words.gettext("The panel is posted. Delete its message to take it down.")))

    def _page(self, interaction: discord.Interaction["FileflareBot"], server: Server, words: Words) -> Outgoing:
        lines = _lines(interaction.guild, server, words)
        embed = discord.Embed(title=words.gettext("Help desk"), description="\n\n".join(lines), colour=COLOUR)
        return Outgoing(words.gettext("Each choice is saved at once."), embed, _selects(server, words))


def _lines(guild: discord.Guild | None, server: Server, words: Words) -> Iterator[str]:
    roles = ", ".join(f"<@&{role_id}>" for role_id in server.moderator_role_ids)
    everybody = words.gettext("Everybody who may manage messages is a moderator of the help desk.")
    parts = (
        (words.gettext("Support channel"), _support_line(guild, server, words)),
        (words.gettext("Moderator roles"), "\n".join(part for part in (roles, everybody) if part)),
        (words.gettext("Log channel"), _log_line(guild, server, words)),
        (words.gettext("Role to ping"), _ping_line(guild, server, words)),
    )
    for name, line in parts:
        yield f"**{name}**\n{line}"


def _support_line(guild: discord.Guild | None, server: Server, words: Words) -> str:
    if server.support_channel_id is None:
        return "⚠️ " + words.gettext("Not chosen yet: customers are told to ask the server's owner.")
    line = _channel_line(guild, server.support_channel_id, permissions.SUPPORT_CHANNEL, words)
    channel = guild.get_channel(server.support_channel_id) if guild is not None else None
    if guild is not None and channel is not None and channel.permissions_for(guild.default_role).view_channel:
        warning = words.gettext("Everybody can read this channel. Let only moderators view it: customers write there.")
        line += f"\n⚠️ {warning}"
    return line


def _log_line(guild: discord.Guild | None, server: Server, words: Words) -> str:
    if server.log_channel_id is None:
        return words.gettext("Not chosen: nothing is posted. What moderators do is kept all the same.")
    return _channel_line(guild, server.log_channel_id, permissions.LOG_CHANNEL, words)


def _ping_line(guild: discord.Guild | None, server: Server, words: Words) -> str:
    if server.ping_role_id is None:
        return words.gettext("Not chosen: nobody is pinged.")
    role = guild.get_role(server.ping_role_id) if guild is not None else None
    if guild is None or role is None:
        return "⚠️ " + words.gettext("This role does not exist any more: choose another.")
    channel = guild.get_channel(server.support_channel_id or 0)
    may = channel is not None and channel.permissions_for(guild.me).mention_everyone
    if role.mentionable or may:
        return f"✅ {role.mention}"
    warning = words.gettext("I cannot ping this role: allow everybody to mention it in its settings.")
    return f"{role.mention}\n⚠️ {warning}"


def _channel_line(guild: discord.Guild | None, channel_id: int, needed: tuple[str, ...], words: Words) -> str:
    channel = guild.get_channel(channel_id) if guild is not None else None
    if guild is None or channel is None:
        return "⚠️ " + words.gettext("This channel does not exist any more, or I cannot see it: choose another.")
    lacking = permissions.missing(channel.permissions_for(guild.me), needed)
    if lacking:
        warning = words.gettext(
            "I lack these permissions there: {permissions}.", permissions=permissions.names(lacking)
        )
        return f"{channel.mention}\n⚠️ {warning}"
    return f"✅ {channel.mention}"


def _selects(server: Server, words: Words) -> discord.ui.View:
    def channel(setting: str, channel_id: int | None, placeholder: str) -> discord.ui.ChannelSelect[Any]:
        return discord.ui.ChannelSelect(
            custom_id=f"store:set:{setting}",
            channel_types=[discord.ChannelType.text],
            placeholder=placeholder,
            min_values=0,
            default_values=[discord.SelectDefaultValue(id=channel_id, type=discord.SelectDefaultValueType.channel)]
            if channel_id is not None
            else [],
        )

    def roles(setting: str, role_ids: tuple[int, ...], placeholder: str, most: int) -> discord.ui.RoleSelect[Any]:
        return discord.ui.RoleSelect(
            custom_id=f"store:set:{setting}",
            placeholder=placeholder,
            min_values=0,
            max_values=most,
            default_values=[
                discord.SelectDefaultValue(id=role_id, type=discord.SelectDefaultValueType.role) for role_id in role_ids
            ],
        )

    ping = () if server.ping_role_id is None else (server.ping_role_id,)
    items: tuple[discord.ui.Item[Any], ...] = (
        channel("support_channel_id", server.support_channel_id, words.gettext("Support channel")),
        roles("moderator_role_ids", server.moderator_role_ids, words.gettext("Moderator roles"), MOST_ROLES),
        channel("log_channel_id", server.log_channel_id, words.gettext("Log channel")),
        roles("ping_role_id", ping, words.gettext("Role to ping"), 1),
    )
    return view(*([item] for item in items))


async def setup(bot: "FileflareBot") -> None:
    """Add the cog."""
    await bot.add_cog(Store(bot))
