"""For customers: /myorders, their saved orders."""

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from fileflare_bot.discord_limits import EMBED_DESCRIPTION, shorten
from fileflare_bot.downloads.saved import open_select, saved_select
from fileflare_bot.i18n import Translator
from fileflare_bot.interactions.access import CUSTOMER
from fileflare_bot.interactions.components import COLOUR, button, view
from fileflare_bot.interactions.reply import Reply, ReplyMessage
from fileflare_bot.interactions.routing import replies, route
from fileflare_bot.interactions.values import number
from fileflare_bot.storage.records import SavedOrder
from fileflare_bot.text import escape

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot


class Orders(commands.Cog):
    """Lists, opens and forgets saved orders."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._saved_orders = bot.storage.saved_orders

    @app_commands.command(
        name=locale_str("myorders"), description=locale_str("Open or forget the orders that I remember for you")
    )
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.allowed_installs(guilds=True, users=True)
    @replies("myorders", CUSTOMER)
    async def myorders(self, reply: Reply) -> None:
        """Show the saved orders."""
        await self._show(reply)

    @route("orders:forget")
    @replies("myorders_forgot", CUSTOMER, updates=True)
    async def forget(self, reply: Reply) -> None:
        """Forget the chosen order."""
        chosen = number(next(iter(reply.chosen()), ""))
        label = next((order.label for order in await self._of(reply) if order.id == chosen), None)
        await self._saved_orders.forget(reply.user.id, chosen)
        translator, done = reply.translator, ""
        if label is not None:
            done = translator.gettext("I have forgotten “{order}”.", order=escape(label) or "?") + "\n"
        await reply.show(_list(await self._of(reply), translator, done))

    @route("orders:forget_all")
    @replies("myorders_forget", CUSTOMER, updates=True)
    async def ask(self, reply: Reply) -> None:
        """Ask whether the user is sure."""
        if not (saved := await self._of(reply)):
            await self._show(reply)
            return
        translator = reply.translator
        text = translator.ngettext(
            "**Forget {count} order?** To open it again, you need its link.",
            "**Forget {count} orders?** To open them again, you need their links.",
            len(saved),
        )
        forget = translator.gettext("Forget")
        buttons = [
            button(forget, "orders:forgotten", emoji="🗑️", style=discord.ButtonStyle.danger),
            button(translator.gettext("Keep"), "orders:keep"),
        ]
        await reply.show(ReplyMessage(text, view=view(buttons)))

    @route("orders:forgotten")
    @replies("myorders_forgot", CUSTOMER, updates=True)
    async def forget_all(self, reply: Reply) -> None:
        """Forget all orders."""
        await self._saved_orders.forget(reply.user.id)
        await self._show(reply)

    @route("orders:keep")
    @replies("myorders", CUSTOMER, updates=True)
    async def keep(self, reply: Reply) -> None:
        """Show the list again."""
        await self._show(reply)

    async def _of(self, reply: Reply) -> list[SavedOrder]:
        return await self._saved_orders.of_user(reply.user.id)

    async def _show(self, reply: Reply) -> None:
        await reply.show(_list(await self._of(reply), reply.translator))


def _list(saved: list[SavedOrder], translator: Translator, done: str = "") -> ReplyMessage:
    title = f"{done}**" + translator.gettext("Your orders") + "**"
    if not saved:
        none = translator.gettext("I remember none. Press **Remember this order** under your downloads.")
        return ReplyMessage(f"{title}\n{none}")
    lines = "\n".join("• " + (escape(order.label) or "?") for order in saved)
    embed = discord.Embed(description=shorten(lines, EMBED_DESCRIPTION), colour=COLOUR)
    to_forget = saved_select("orders:forget", translator.gettext("Forget an order"), saved)
    everything = button(
        translator.gettext("Forget all"), "orders:forget_all", emoji="🗑️", style=discord.ButtonStyle.danger
    )
    return ReplyMessage(title, embed, view([open_select(saved, translator)], [to_forget], [everything]))


async def setup(bot: "FileflareBot") -> None:
    """Add the cog."""
    await bot.add_cog(Orders(bot))
