"""For moderators: /check, an order's findings without its links, and deleting a message that leaks an order."""

from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from fileflare_bot.background import soon
from fileflare_bot.discord_limits import EMBED_DESCRIPTION, FIELD_VALUE, shorten
from fileflare_bot.fileflare.errors import AskedTooOften, LookupFailed
from fileflare_bot.fileflare.request_queue import LONGEST_WAIT, Requester
from fileflare_bot.i18n import N_
from fileflare_bot.interactions import permissions
from fileflare_bot.interactions.access import MODERATOR, MODERATOR_PERMISSIONS, MissingPermission
from fileflare_bot.interactions.components import COLOUR, LONGEST_ORDER, button, view
from fileflare_bot.interactions.message_texts import message_texts
from fileflare_bot.interactions.reply import Reply, ReplyMessage
from fileflare_bot.interactions.routing import replies, route
from fileflare_bot.interactions.values import number
from fileflare_bot.interactions.waiting_room import WaitingRoom
from fileflare_bot.orders.diagnosis import Finding, Kind, diagnose, diagnose_failure
from fileflare_bot.orders.findings import report, unseen
from fileflare_bot.orders.labels import summary
from fileflare_bot.orders.models import Order
from fileflare_bot.orders.reference import OrderReference, find_reference
from fileflare_bot.refusal import Refusal
from fileflare_bot.removals import Removed
from fileflare_bot.storage.records import Action

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

_MESSAGE: Final = r"(?P<channel_id>\d{1,20}):(?P<message_id>\d{1,20})"


class NotDeleted(Refusal):
    """Raised when the bot may not delete a message, or the message is already gone."""

    sentence = N_(
        "**I could not delete that message.** It is gone already, or I lack the permission Manage Messages "
        "there; then please delete it yourself."
    )


class Check(commands.Cog):
    """Shows an order's findings, and deletes messages that leak an order."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._bot = bot

    @app_commands.command(name=locale_str("check"), description=locale_str("See what is wrong with an order"))
    @app_commands.rename(order_id=locale_str("order-id"))
    @app_commands.describe(order_id=locale_str("The order link or order ID that somebody gave you"))
    @app_commands.guild_only()
    @app_commands.default_permissions(MODERATOR_PERMISSIONS)
    @replies("check", MODERATOR)
    async def check(self, reply: Reply, order_id: app_commands.Range[str, 1, LONGEST_ORDER]) -> None:
        """Show the findings of an order."""
        await self._check(reply, [order_id])

    @app_commands.guild_only()
    @app_commands.default_permissions(MODERATOR_PERMISSIONS)
    @replies("check", MODERATOR)
    async def check_message(self, reply: Reply, message: discord.Message) -> None:
        """Show the findings of the order in a message, and offer to delete the message."""
        await self._check(reply, [*message_texts(message)], leak=message)

    @route(f"check:delete:{_MESSAGE}", f"requests:delete:{_MESSAGE}")
    @replies("message_deleted", MODERATOR)
    async def delete_message(self, reply: Reply, channel_id: str, message_id: str) -> None:
        """Delete a message that leaks an order, in the channel where the button was pressed."""
        if number(channel_id) != reply.interaction.channel_id:
            raise NotDeleted
        granted = reply.interaction.permissions  # in this channel
        if not (granted.manage_messages or granted.administrator):
            raise MissingPermission(permission=permissions.names(["manage_messages"]))
        removed = await self._bot.removals.delete_message(
            reply.guild_id, number(channel_id), number(message_id), reply.user.id
        )
        translator = reply.translator
        match removed:
            case Removed.REFUSED:
                raise NotDeleted
            case Removed.PENDING:
                reply.outcome = "not_deleted_yet"
                text = translator.gettext(
                    "**Discord has not confirmed yet that the message is deleted.** I go on trying; or delete it "
                    "yourself."
                )
            case Removed.GONE:
                reply.outcome = "deleted"
                text = translator.gettext(
                    "The message is deleted. Whoever saw it may have the link: the store owner can replace it in "
                    "Fileflare."
                )
                await soon(self._bot.modlog.post_lines(reply.guild_id))
        await reply.show(ReplyMessage(text))

    async def _check(self, reply: Reply, pasted: list[str], *, leak: discord.Message | None = None) -> None:
        reply.hide(*pasted)
        translator = reply.translator
        reference = find_reference(pasted)
        order = None
        buttons = []
        if not isinstance(reference, OrderReference):
            reply.outcome = "bad_reference"
            content, findings = translator.gettext("No order ID"), diagnose_failure(Kind.WRONG_REFERENCE, reference)
        else:
            reply.hide(reference.token)
            order, findings = await self._look_up(reply, reference)
            content = translator.gettext("No order") if order is None else summary(order, translator)
        found = shorten(report(findings, translator), EMBED_DESCRIPTION)
        embed = discord.Embed(title=translator.gettext("What I found"), description=found, colour=COLOUR)
        if order is not None:
            hidden = shorten(unseen(translator), FIELD_VALUE)
            embed.add_field(name=translator.gettext("What the data cannot show"), value=hidden, inline=False)
        if order is not None and leak is not None:
            content += "\n⚠️ " + translator.gettext("Whoever reads that message can have these files.")
            delete, custom_id = translator.gettext("Delete the message"), f"check:delete:{leak.channel.id}:{leak.id}"
            buttons.append(button(delete, custom_id, emoji="🗑️", style=discord.ButtonStyle.danger))
        await reply.show(ReplyMessage(content, embed, view(buttons) if buttons else None))

    async def _look_up(self, reply: Reply, reference: OrderReference) -> tuple[Order | None, tuple[Finding, ...]]:
        """Return an order and its findings; a failed lookup is a finding too."""
        await self._bot.modlog.record(reply.guild_id, Action.LOOKED_UP, reply.user.id)
        try:
            found = await self._bot.lookups.find(
                reference,
                Requester(reply.user.id, reply.guild_id, staff=True),
                patience=LONGEST_WAIT,
                waiting=WaitingRoom(reply),
            )
        except LookupFailed as error:
            if isinstance(error, AskedTooOften) or error.finding is None:
                raise
            reply.outcome = "failed"
            return None, diagnose_failure(error.finding)
        return found.order, diagnose(found.order)


async def setup(bot: "FileflareBot") -> None:
    """Add the cog, and the context menu that discord.py cannot take from a cog."""
    cog = Check(bot)
    await bot.add_cog(cog)
    bot.tree.context_menu(name=locale_str("Check order in this message"))(cog.check_message)
