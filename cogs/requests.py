"""For moderators: looking up help requests, and what an order shows."""

from typing import TYPE_CHECKING, Any, Final

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from cogs.downloads import COLOUR, LONGEST_OPTION
from fileflare_bot.discord_limits import EMBED_DESCRIPTION, FIELD_VALUE, OPTION_LABEL, shorten
from fileflare_bot.downloads.pages import summary
from fileflare_bot.fileflare.errors import AskedTooOften, LookupFailed
from fileflare_bot.fileflare.request_queue import Asker
from fileflare_bot.i18n import Words
from fileflare_bot.interactions.access import require_moderator, require_own
from fileflare_bot.interactions.components import button, chosen, route, view
from fileflare_bot.interactions.responder import Outgoing, Reply
from fileflare_bot.logs import hiding
from fileflare_bot.orders.diagnosis import Finding, Kind, diagnose, diagnose_failure
from fileflare_bot.orders.findings import report, unseen
from fileflare_bot.orders.reference import OrderReference, parse_reference
from fileflare_bot.refusal import NotUndoable
from fileflare_bot.storage.records import Action, RequestPage
from fileflare_bot.tickets.card import card_buttons, card_embed
from fileflare_bot.tickets.texts import TOPICS, figures, page_text, title

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

STATISTICS_DAYS: Final = (7, 30)
OPEN: Final = "open"
MINE: Final = "mine"
MODERATORS: Final = discord.Permissions(manage_messages=True)


@app_commands.guild_only()
@app_commands.default_permissions(MODERATORS)
class Requests(
    commands.GroupCog,
    group_name=locale_str("requests"),
    group_description=locale_str("Look up help requests"),
):
    """Lists and figures of help requests."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._bot = bot
        self._menus = (
            app_commands.ContextMenu(name=locale_str("Check order in this message"), callback=self.check_message),
            app_commands.ContextMenu(name=locale_str("Help requests"), callback=self.of_member),
        )
        for menu in self._menus:
            menu.guild_only = True
            menu.default_permissions = MODERATORS

    async def cog_load(self) -> None:
        """Add the context menus."""
        for menu in self._menus:
            self._bot.tree.add_command(menu)

    async def cog_unload(self) -> None:
        """Take the context menus away."""
        for menu in self._menus:
            self._bot.tree.remove_command(menu.name, type=menu.type)

    @app_commands.command(name=locale_str("open"), description=locale_str("Show the open help requests"))
    async def open(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Show the open requests, oldest first."""
        await self._show_page(interaction, OPEN, 1)

    @app_commands.command(name=locale_str("mine"), description=locale_str("Show the help requests you have taken"))
    async def mine(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Show the open requests that the moderator has taken."""
        await self._show_page(interaction, MINE, 1)

    @app_commands.command(name=locale_str("person"), description=locale_str("Show one person's help requests"))
    @app_commands.rename(person=locale_str("person"))
    @app_commands.describe(person=locale_str("Whose help requests"))
    async def person(self, interaction: discord.Interaction["FileflareBot"], person: discord.User) -> None:
        """Show a person's requests, open and resolved."""
        await self._show_page(interaction, str(person.id), 1)

    async def of_member(self, interaction: discord.Interaction["FileflareBot"], member: discord.User) -> None:
        """Show the requests of the person whose menu was opened."""
        await self._show_page(interaction, str(member.id), 1)

    @app_commands.command(name=locale_str("stats"), description=locale_str("Show how the help desk is doing"))
    async def stats(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Show the figures of the last 7 and 30 days."""

        async def work(reply: Reply) -> None:
            server = require_moderator(interaction, self._bot.storage)
            words = reply.words
            embed = discord.Embed(title=words.gettext("Help desk"), colour=COLOUR)
            for days in STATISTICS_DAYS:
                its = await reply.waiting_for(self._bot.storage.upkeep.statistics(server.guild_id, days))
                embed.description = words.ngettext("{count} open request", "{count} open requests", its.open)
                name = words.ngettext("The last {count} day", "The last {count} days", days)
                embed.add_field(name=name, value=figures(its, words), inline=False)
            await reply.show(Outgoing(words.gettext("How the help desk is doing"), embed))

        await self._bot.answering.reply(interaction, "requests_stats", work)

    @route(r"requests:page:(?P<scope>open|mine|\d{1,20}):(?P<number>\d{1,6})")
    async def turn(self, interaction: discord.Interaction["FileflareBot"], scope: str, number: str) -> None:
        """Show another page."""
        await self._show_page(interaction, scope, int(number), updates=True)

    @route("requests:show")
    async def show(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Show the request that was chosen from a list, with what can be done."""

        async def work(reply: Reply) -> None:
            server = require_moderator(interaction, self._bot.storage)
            getting = self._bot.storage.requests.get(int(next(iter(chosen(interaction)), 0)))
            request = require_own(await reply.waiting_for(getting), server)
            words = reply.words
            buttons = card_buttons(request, words)
            buttons.append(button(words.gettext("Post the card again"), f"request:post:{request.id}", emoji="📌"))
            await reply.show(Outgoing(title(request, words), card_embed(request, words), view(buttons)))

        await self._bot.answering.reply(interaction, "requests_show", work)

    async def check_message(self, interaction: discord.Interaction["FileflareBot"], message: discord.Message) -> None:
        """Show what the order in somebody's message shows, and offer to delete the message."""
        await check_order(self._bot, interaction, message.content, leak=message)

    @route(r"requests:delete:(?P<channel_id>\d{1,20}):(?P<message_id>\d{1,20})")
    async def delete_message(
        self, interaction: discord.Interaction["FileflareBot"], channel_id: str, message_id: str
    ) -> None:
        """Delete the message that leaks an order."""

        async def delete(reply: Reply) -> None:
            server = require_moderator(interaction, self._bot.storage)
            await self._bot.storage.upkeep.note(server.guild_id, interaction.user.id, Action.DELETED_MESSAGE)
            channel = self._bot.get_partial_messageable(int(channel_id), guild_id=server.guild_id)
            try:
                if int(channel_id) != interaction.channel_id:
                    raise NotUndoable
                await channel.get_partial_message(int(message_id)).delete()
            except (discord.Forbidden, discord.NotFound):
                raise NotUndoable from None
            await self._bot.desk.log(server.guild_id, Action.DELETED_MESSAGE, interaction.user.id)
            reply.outcome = "deleted"

        async def work(reply: Reply) -> None:
            await reply.waiting_for(delete(reply))
            await reply.show(
                Outgoing(
                    reply.words.gettext(
                        "The message is deleted. Whoever saw it may have the link: the store owner can replace it in "
                        "Fileflare."
                    )
                )
            )

        await self._bot.answering.reply(interaction, "message_deleted", work)

    async def _show_page(
        self, interaction: discord.Interaction["FileflareBot"], scope: str, number: int, *, updates: bool = False
    ) -> None:
        async def work(reply: Reply) -> None:
            server = require_moderator(interaction, self._bot.storage)
            filters = {MINE: {"taken_by": interaction.user.id}, OPEN: {}}.get(scope, {"person_id": _id(scope)})
            page = await reply.waiting_for(self._bot.storage.requests.page(server.guild_id, number, **filters))
            await reply.show(_list(page, scope, reply.words))

        await self._bot.answering.reply(interaction, "requests", work, updates=updates)


class Check(commands.Cog):
    """What an order shows, without its links."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._bot = bot

    @app_commands.command(name=locale_str("check"), description=locale_str("See what is wrong with an order"))
    @app_commands.rename(order_id=locale_str("order-id"))
    @app_commands.describe(order_id=locale_str("The order link or order ID that somebody gave you"))
    @app_commands.guild_only()
    @app_commands.default_permissions(MODERATORS)
    async def check(
        self,
        interaction: discord.Interaction["FileflareBot"],
        order_id: app_commands.Range[str, 1, LONGEST_OPTION],
    ) -> None:
        """Show the findings of an order."""
        await check_order(self._bot, interaction, order_id)


async def check_order(
    bot: "FileflareBot",
    interaction: discord.Interaction["FileflareBot"],
    pasted: str,
    *,
    leak: discord.Message | None = None,
) -> None:
    """Answer a moderator with what an order shows; ``leak`` is the message that it stood in."""
    reference = parse_reference(pasted)
    token = reference.token if isinstance(reference, OrderReference) else ""

    async def look_up(reply: Reply) -> tuple[str, tuple[Finding, ...]]:
        server = require_moderator(interaction, bot.storage)
        if not isinstance(reference, OrderReference):
            reply.outcome = "bad_reference"
            return reply.words.gettext("No order ID"), diagnose_failure(Kind.WRONG_REFERENCE, reference)
        await bot.storage.upkeep.note(server.guild_id, interaction.user.id, Action.LOOKED_UP)
        await bot.desk.log(server.guild_id, Action.LOOKED_UP, interaction.user.id)
        try:
            order = await bot.lookups.find(reference, Asker(interaction.user.id, interaction.guild_id))
        except AskedTooOften:
            raise
        except LookupFailed as error:
            reply.outcome = "failed"
            return reply.words.gettext("No order"), diagnose_failure(error.finding or Kind.OUTAGE)
        return summary(order, reply.words), diagnose(order)

    async def work(reply: Reply) -> None:
        words = reply.words
        content, findings = await reply.waiting_for(look_up(reply))
        found = shorten(report(findings, words), EMBED_DESCRIPTION)
        embed = discord.Embed(title=words.gettext("What I found"), description=found, colour=COLOUR)
        if isinstance(reference, OrderReference):
            hidden = shorten(unseen(words), FIELD_VALUE)
            embed.add_field(name=words.gettext("What the data cannot show"), value=hidden, inline=False)
        buttons = []
        if leak is not None and isinstance(reference, OrderReference):
            content += "\n⚠️ " + words.gettext("Whoever reads that message can have these files.")
            delete, custom_id = words.gettext("Delete the message"), f"requests:delete:{leak.channel.id}:{leak.id}"
            buttons.append(button(delete, custom_id, emoji="🗑️", style=discord.ButtonStyle.danger))
        await reply.show(Outgoing(content, embed, view(buttons) if buttons else None))

    with hiding(pasted, token):
        await bot.answering.reply(interaction, "check", work)


def _list(page: RequestPage, scope: str, words: Words) -> Outgoing:
    embed = discord.Embed(title=words.gettext("Help requests"), description=page_text(page, words), colour=COLOUR)
    embed.set_footer(text=words.gettext("Page {number} of {of}", number=page.number, of=page.of))
    counted = words.ngettext("{count} help request", "{count} help requests", page.total)
    if not page.requests:
        return Outgoing(counted, embed)
    options = [
        discord.SelectOption(
            label=title(request, words),
            value=str(request.id),
            description=shorten(words.gettext(TOPICS[request.topic]), OPTION_LABEL),
        )
        for request in page.requests
    ]
    select = discord.ui.Select[Any](
        custom_id="requests:show", placeholder=words.gettext("Open a help request"), options=options
    )
    turning = [
        button(None, f"requests:page:{scope}:{page.number - 1}", emoji="◀️", disabled=page.number == 1),
        button(None, f"requests:page:{scope}:{page.number + 1}", emoji="▶️", disabled=page.number == page.of),
    ]
    return Outgoing(counted, embed, view([select], turning if page.of > 1 else []))


def _id(scope: str) -> int:
    return int(scope) if scope.isdecimal() else 0


async def setup(bot: "FileflareBot") -> None:
    """Add the cogs."""
    await bot.add_cog(Requests(bot))
    await bot.add_cog(Check(bot))
