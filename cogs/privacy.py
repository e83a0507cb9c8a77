"""For everybody: what is stored about them, as a list, as a file, and gone."""

import io
import json
from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from cogs.downloads import COLOUR
from fileflare_bot.discord_limits import EMBED_DESCRIPTION, shorten
from fileflare_bot.i18n import Words
from fileflare_bot.interactions.components import button, route, view
from fileflare_bot.interactions.responder import Outgoing, Reply
from fileflare_bot.storage.records import HelpRequest, Trace

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

MOST_LISTED: Final = 20


class Privacy(commands.Cog):
    """What is stored about a person."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._bot = bot

    @app_commands.command(
        name=locale_str("privacy"), description=locale_str("See, save or delete what I keep about you")
    )
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.allowed_installs(guilds=True, users=True)
    async def privacy(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Show what is stored about the person who asks."""

        async def work(reply: Reply) -> None:
            upkeep = self._bot.storage.upkeep
            requests, actions = await reply.waiting_for(upkeep.of_person(interaction.user.id))
            saved, counting = await reply.waiting_for(upkeep.counts(interaction.user.id))
            words = reply.words
            embed = discord.Embed(
                title=words.gettext("What I keep about you"),
                description=shorten(_kept(requests, actions, saved, counting, words), EMBED_DESCRIPTION),
                colour=COLOUR,
            )
            buttons = []
            if requests or actions or saved or counting:
                buttons.append(button(words.gettext("Get it as a file"), "privacy:file", emoji="📄"))
            if requests or saved:
                buttons.append(
                    button(words.gettext("Delete it"), "privacy:delete", emoji="🗑️", style=discord.ButtonStyle.danger)
                )
            counted = words.ngettext("{count} help request", "{count} help requests", len(requests))
            await reply.show(Outgoing(counted, embed, view(buttons) if buttons else None))

        await self._bot.answering.reply(interaction, "privacy", work)

    @route("privacy:file")
    async def file(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Give the person all that is stored about them as a JSON file."""

        async def work(reply: Reply) -> None:
            export = await reply.waiting_for(self._bot.storage.upkeep.export(interaction.user.id))
            content = io.BytesIO(json.dumps(export, indent=2, ensure_ascii=False).encode())
            text = reply.words.gettext("This is everything. It holds your order IDs: give the file to nobody.")
            await reply.show(Outgoing(text, file=discord.File(content, "fileflare-bot.json")))

        await self._bot.answering.reply(interaction, "privacy_file", work)

    @route("privacy:delete")
    async def ask(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Ask whether they are sure."""

        async def work(reply: Reply) -> None:
            words = reply.words
            text = words.gettext(
                "**Delete your saved orders and help requests?** Open ones end, their cards go, and nobody will answer "
                "them. Your downloads stay as they are."
            )
            sure = button(words.gettext("Delete for good"), "privacy:gone", emoji="🗑️", style=discord.ButtonStyle.danger)
            await reply.show(Outgoing(text, view=view([sure])))

        await self._bot.answering.reply(interaction, "privacy_delete", work)

    @route("privacy:gone")
    async def delete(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Delete the person's help requests, here and where moderators see them."""

        async def forget(reply: Reply) -> bool:
            requests = await self._bot.storage.upkeep.forget_person(interaction.user.id)
            reply.facts["deleted"] = len(requests)
            return all([await self._bot.desk.cards.take_down(request) for request in requests])

        async def work(reply: Reply) -> None:
            words = reply.words
            text = words.gettext("**Deleted.** Your saved orders and help requests are gone.")
            if not await reply.waiting_for(forget(reply)):
                text += " " + words.gettext(
                    "I may not delete a thread about one of them, as I lack the permission Manage Threads: "
                    "ask the server's moderators to do it."
                )
            await reply.show(Outgoing(text))

        await self._bot.answering.reply(interaction, "privacy_deleted", work, updates=True)


def _kept(requests: list[HelpRequest], actions: list[Trace], saved: int, counting: int, words: Words) -> str:
    if not (requests or actions or saved or counting):
        return words.gettext("Nothing. Looking up your downloads leaves nothing behind.")
    lines = []
    if saved:
        lines.append(
            words.ngettext(
                "{count} order that you wanted to be remembered (encrypted)",
                "{count} orders that you wanted to be remembered (encrypted)",
                saved,
            )
        )
    if counting:
        lines.append(
            words.ngettext(
                "That {count} order counts for you in a server (a keyed hash of its ID); moderators can release it",
                "That {count} orders count for you in servers (keyed hashes of their IDs); moderators can release them",
                counting,
            )
        )
    lines += [
        words.gettext(
            "Help request #{number} of {when}: what was wrong, the order number, the order ID (encrypted), "
            "and what you and the moderators wrote",
            number=request.number,
            when=f"<t:{int(request.created_at.timestamp())}:d>",
        )
        for request in requests[:MOST_LISTED]
    ]
    if len(requests) > MOST_LISTED:
        count = len(requests) - MOST_LISTED
        lines.append(words.ngettext("… and {count} more", "… and {count} more", count))
    theirs = {(request.guild_id, request.number) for request in requests}
    moderated = sum((action.guild_id, action.number) not in theirs for action in actions)
    if moderated:
        lines.append(
            words.ngettext(
                "{count} note of what you did as a moderator, which belongs to the server's record",
                "{count} notes of what you did as a moderator, which belong to the server's record",
                moderated,
            )
        )
    return "\n".join(f"• {line}" for line in lines)


async def setup(bot: "FileflareBot") -> None:
    """Add the cog."""
    await bot.add_cog(Privacy(bot))
