"""For customers: the orders that they want to be remembered."""

from typing import TYPE_CHECKING, Any, cast

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from cogs.downloads import COLOUR, Downloads
from fileflare_bot.discord_limits import EMBED_DESCRIPTION, OPTION_LABEL, shorten
from fileflare_bot.i18n import Words
from fileflare_bot.interactions.components import button, chosen, route, view
from fileflare_bot.interactions.responder import Outgoing, Reply
from fileflare_bot.storage.records import SavedOrder
from fileflare_bot.text import escape

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot


class Orders(commands.Cog):
    """A customer's saved orders."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._bot = bot

    @app_commands.command(
        name=locale_str("myorders"), description=locale_str("Open or forget the orders that I remember for you")
    )
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.allowed_installs(guilds=True, users=True)
    async def myorders(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Show the saved orders."""
        await self._bot.answering.reply(interaction, "myorders", self._show)

    @route("orders:open")
    async def open(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Show the downloads of the order that was chosen."""
        downloads = cast("Downloads", self._bot.get_cog(Downloads.__name__))
        await downloads.look_up_saved(interaction, int(next(iter(chosen(interaction)), "0")))

    @route("orders:forget")
    async def forget(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Forget the order that was chosen."""
        saved_id = int(next(iter(chosen(interaction)), "0"))

        async def work(reply: Reply) -> None:
            await reply.waiting_for(self._bot.storage.saved_orders.forget(interaction.user.id, saved_id))
            await self._show(reply)

        await self._bot.answering.reply(interaction, "myorders_forgot", work, updates=True)

    @route("orders:forget_all")
    async def forget_all(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Forget all orders."""

        async def work(reply: Reply) -> None:
            await reply.waiting_for(self._bot.storage.saved_orders.forget(interaction.user.id))
            await self._show(reply)

        await self._bot.answering.reply(interaction, "myorders_forgot", work, updates=True)

    async def _show(self, reply: Reply) -> None:
        saved = await reply.waiting_for(self._bot.storage.saved_orders.of_person(reply.interaction.user.id))
        await reply.show(_list(saved, reply.words))


def _list(saved: list[SavedOrder], words: Words) -> Outgoing:
    counted = words.ngettext("{count} order", "{count} orders", len(saved))
    none = words.gettext("I remember none. Press **Remember this order** under your downloads.")
    lines = "\n".join("• " + (escape(order.label) or "?") for order in saved)
    embed = discord.Embed(
        title=words.gettext("Your orders"), description=shorten(lines, EMBED_DESCRIPTION) or none, colour=COLOUR
    )
    if not saved:
        return Outgoing(counted, embed)
    options = [
        discord.SelectOption(label=shorten(order.label, OPTION_LABEL) or "?", value=str(order.id)) for order in saved
    ]
    to_open = discord.ui.Select[Any](
        custom_id="orders:open", placeholder=words.gettext("Open an order"), options=options
    )
    to_forget = discord.ui.Select[Any](
        custom_id="orders:forget", placeholder=words.gettext("Forget an order"), options=options
    )
    everything = button(words.gettext("Forget all"), "orders:forget_all", emoji="🗑️", style=discord.ButtonStyle.danger)
    return Outgoing(counted, embed, view([to_open], [to_forget], [everything]))


async def setup(bot: "FileflareBot") -> None:
    """Add the cog."""
    await bot.add_cog(Orders(bot))
