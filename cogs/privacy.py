"""For everybody: /privacy, to see, export and delete the data that is stored about them."""

import json
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from fileflare_bot.interactions.access import CUSTOMER
from fileflare_bot.interactions.components import button, view
from fileflare_bot.interactions.reply import File, Reply, ReplyMessage
from fileflare_bot.interactions.routing import replies, route
from fileflare_bot.privacy import gone, kept, losses

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot


class Privacy(commands.Cog):
    """Shows, exports and deletes a user's data."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._storage = bot.storage
        self._personal_data = bot.storage.personal_data
        self._keep_resolved_days = bot.storage.keep_resolved_days
        self._privacy = bot.privacy

    @app_commands.command(
        name=locale_str("privacy"), description=locale_str("See, save or delete what I keep about you")
    )
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.allowed_installs(guilds=True, users=True)
    @replies("privacy", CUSTOMER)
    async def privacy(self, reply: Reply) -> None:
        """Show what is stored about the user."""
        record = await self._personal_data.of_user(reply.user.id)
        translator = reply.translator
        head = translator.gettext("**What I keep about you, and until when**")
        text = f"{head}\n{kept(record, self._keep_resolved_days, translator)}"
        buttons = []
        if not record.is_empty:
            buttons.append(button(translator.gettext("Get it as a file"), "privacy:file", emoji="📄"))
        if record.tickets or record.saved_orders or record.claims or record.removals:
            delete = translator.gettext("Delete it")
            buttons.append(button(delete, "privacy:delete", emoji="🗑️", style=discord.ButtonStyle.danger))
        await reply.show(ReplyMessage(text, view=view(buttons) if buttons else None))

    @route("privacy:file")
    @replies("privacy_file", CUSTOMER)
    async def file(self, reply: Reply) -> None:
        """Send everything that is stored about the user as a JSON file."""
        export = await self._personal_data.export(reply.user.id)
        content = json.dumps(export, indent=2, ensure_ascii=False).encode()
        text = reply.translator.gettext("This is everything. It holds your order IDs: give the file to nobody.")
        lost = sum(export["not_readable"].values())
        if lost:
            text += " " + reply.translator.ngettext(
                "{count} entry cannot be read any more; the file says of what kind it was.",
                "{count} entries cannot be read any more; the file says of what kind they were.",
                lost,
            )
        await reply.show(ReplyMessage(text, file=File("fileflare-bot.json", content)))

    @route("privacy:delete")
    @replies("privacy_delete", CUSTOMER)
    async def ask(self, reply: Reply) -> None:
        """Ask whether the user is sure."""
        record = await self._personal_data.of_user(reply.user.id)
        translator = reply.translator
        buttons = [
            button(translator.gettext("Delete for good"), "privacy:gone", emoji="🗑️", style=discord.ButtonStyle.danger),
            button(translator.gettext("Keep it"), "privacy:keep"),
        ]
        guild_ids = {claim.guild_id for claim in await self._storage.claims.of_user(None, reply.user.id)}
        options = [(await self._storage.guilds.load(guild_id)).options for guild_id in guild_ids]
        await reply.show(ReplyMessage(losses(record, options, translator), view=view(buttons)))

    @route("privacy:keep")
    @replies("privacy_kept", CUSTOMER, updates=True)
    async def keep(self, reply: Reply) -> None:
        """Say that nothing was deleted."""
        await reply.show(ReplyMessage(reply.translator.gettext("Nothing was deleted.")))

    @route("privacy:gone")
    @replies("privacy_deleted", CUSTOMER, updates=True)
    async def delete(self, reply: Reply) -> None:
        """Delete the user's saved orders, tickets and claims, with the cards, threads and roles."""
        deleted, has_roles = await self._privacy.delete(reply.user.id)
        reply.facts["deleted"] = deleted.tickets
        translator = reply.translator
        text = gone(deleted, translator)
        if deleted.removals:
            text += " " + translator.ngettext(
                "{count} message or thread about them may still be in Discord; I go on trying to remove it.",
                "{count} messages and threads about them may still be in Discord; I go on trying to remove them.",
                deleted.removals,
            )
        if has_roles:
            text += " " + translator.gettext("A role may not be taken back yet; I go on trying.")
        await reply.show(ReplyMessage(text))


async def setup(bot: "FileflareBot") -> None:
    """Add the cog."""
    await bot.add_cog(Privacy(bot))
