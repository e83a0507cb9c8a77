"""For store owners: the panel."""

from functools import partial
from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from cogs.downloads import COLOUR, ask_button
from fileflare_bot.answering import Outgoing, Reply
from fileflare_bot.components import view
from fileflare_bot.replies.refusals import BotLacksPermission

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

PANEL_PERMISSIONS: Final = {
    "view_channel": "View Channel",
    "send_messages": "Send Messages",
    "embed_links": "Embed Links",
}


@app_commands.guild_only()
@app_commands.default_permissions(manage_guild=True)
class Store(commands.GroupCog, group_name=locale_str("store"), group_description=locale_str("Set up your store's bot")):
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

    async def _post_panel(self, interaction: discord.Interaction["FileflareBot"], reply: Reply) -> None:
        allowed = interaction.app_permissions
        missing = [name for permission, name in PANEL_PERMISSIONS.items() if not getattr(allowed, permission)]
        if missing or not isinstance(interaction.channel, discord.abc.Messageable):
            raise BotLacksPermission(", ".join(missing or PANEL_PERMISSIONS.values()))
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
            raise BotLacksPermission(", ".join(PANEL_PERMISSIONS.values())) from None
        await reply.show(Outgoing(reply.words.gettext("The panel is posted. Delete its message to take it down.")))


async def setup(bot: "FileflareBot") -> None:
    """Add the cog."""
    await bot.add_cog(Store(bot))
