"""For moderators: /requests, lists of tickets and the help desk's statistics."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from fileflare_bot.discord_limits import EMBED_DESCRIPTION, OPTION_LABEL, shorten
from fileflare_bot.i18n import N_, Translator
from fileflare_bot.interactions import values
from fileflare_bot.interactions.access import MODERATOR, MODERATOR_PERMISSIONS
from fileflare_bot.interactions.components import COLOUR, button, view
from fileflare_bot.interactions.reply import Reply, ReplyMessage
from fileflare_bot.interactions.routing import replies, route
from fileflare_bot.orders.diagnosis import Kind
from fileflare_bot.storage.records import Statistics, Ticket, TicketPage, Topic
from fileflare_bot.tickets.card import card_copy
from fileflare_bot.tickets.holders import as_it_is, standing_of
from fileflare_bot.tickets.texts import described, order_of, title
from fileflare_bot.tickets.topics import TOPICS

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

STATISTICS_DAYS: Final = (7, 30)
MOST_FOUND: Final = 2  # of the findings in a line
OPEN: Final = "open"
MINE: Final = "mine"
_NONE: Final = {  # what an empty list says, by its scope
    OPEN: N_("No help request is open. New ones come into the support channel."),
    MINE: N_("You have taken none. /requests open shows those that wait."),
    "": N_("They have asked for no help here. /claims person shows which orders count for them."),
}
KINDS: Final[dict[Kind, str]] = {
    Kind.USED_UP: N_("no downloads left"),
    Kind.MORE_CLICKS: N_("more clicks than the limit"),
    Kind.LAST_ONE: N_("last download"),
    Kind.LINK_UNAVAILABLE: N_("link unavailable"),
    Kind.EXTERNAL_LINK: N_("external link"),
    Kind.PRODUCT_WITHOUT_FILES: N_("product without files"),
    Kind.ORDER_WITHOUT_FILES: N_("order without files"),
    Kind.WRONG_REFERENCE: N_("not an order ID"),
    Kind.NOT_FOUND: N_("order not found"),
    Kind.OUTAGE: N_("Fileflare's outage"),
    Kind.PAUSED: N_("several unknown IDs"),
    Kind.NOT_ASKED: N_("order not read yet"),
    Kind.HELD_BY_OTHERS: N_("in use by another account"),
}


@app_commands.guild_only()
@app_commands.default_permissions(MODERATOR_PERMISSIONS)
class Requests(
    commands.GroupCog, group_name=locale_str("requests"), group_description=locale_str("Look up help requests")
):
    """Ticket lists and statistics."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._bot = bot

    @app_commands.command(name=locale_str("open"), description=locale_str("Show the open help requests"))
    @replies("requests", MODERATOR)
    async def open(self, reply: Reply) -> None:
        """Show the open tickets, those first that wait for an answer."""
        await self._show_page(reply, OPEN, 1)

    @app_commands.command(name=locale_str("mine"), description=locale_str("Show the help requests you have taken"))
    @replies("requests", MODERATOR)
    async def mine(self, reply: Reply) -> None:
        """Show the open tickets that the moderator has taken."""
        await self._show_page(reply, MINE, 1)

    @app_commands.command(name=locale_str("person"), description=locale_str("Show one person's help requests"))
    @app_commands.rename(person=locale_str("person"))
    @app_commands.describe(person=locale_str("Whose help requests"))
    @replies("requests", MODERATOR)
    async def person(self, reply: Reply, person: discord.User) -> None:
        """Show a user's tickets, open and resolved."""
        await self._show_page(reply, str(person.id), 1)

    @app_commands.guild_only()
    @app_commands.default_permissions(MODERATOR_PERMISSIONS)
    @replies("requests", MODERATOR)
    async def of_member(self, reply: Reply, member: discord.User) -> None:
        """Show the tickets of the user whose context menu was used."""
        await self._show_page(reply, str(member.id), 1)

    @app_commands.command(name=locale_str("stats"), description=locale_str("Show how the help desk is doing"))
    @replies("requests_stats", MODERATOR)
    async def stats(self, reply: Reply) -> None:
        """Show the statistics of the last 7 and 30 days."""
        translator = reply.translator
        embed = discord.Embed(colour=COLOUR)
        for days in STATISTICS_DAYS:
            statistics = await self._bot.storage.figures.of_guild(reply.guild_id, days)
            embed.description = translator.ngettext("{count} open request", "{count} open requests", statistics.open)
            name = translator.ngettext("The last {count} day", "The last {count} days", days)
            embed.add_field(name=name, value=figures(statistics, translator), inline=False)
        await reply.show(ReplyMessage(translator.gettext("How the help desk is doing"), embed))

    @route(r"requests:page:(?P<scope>open|mine|\d{1,20}):(?P<number>\d{1,6})")
    @replies("requests", MODERATOR, updates=True)
    async def turn(self, reply: Reply, scope: str, number: str) -> None:
        """Show another page."""
        await self._show_page(reply, scope, values.number(number))

    @route("requests:show")
    @replies("requests_show", MODERATOR)
    async def show(self, reply: Reply) -> None:
        """Show the chosen ticket with its buttons."""
        ticket = await self._bot.desk.ticket(values.number(next(iter(reply.chosen()), "")), reply.guild_id)
        await reply.show(card_copy(ticket, reply.translator, await standing_of(self._bot.storage, ticket)))

    async def _show_page(self, reply: Reply, scope: str, number: int) -> None:
        filters = {MINE: {"taken_by": reply.user.id}, OPEN: {}}.get(scope)
        if filters is None:
            filters = {"user_id": values.number(scope)}
        page = await self._bot.storage.tickets.page(reply.guild_id, number, **filters)
        tickets = [await as_it_is(self._bot.storage, ticket) for ticket in page.tickets]
        await reply.show(_list(replace(page, tickets=tuple(tickets)), scope, reply.translator))


def _list(page: TicketPage, scope: str, translator: Translator) -> ReplyMessage:
    text = page_text(page, translator) if page.tickets else translator.gettext(_NONE.get(scope, _NONE[""]))
    embed = discord.Embed(description=text, colour=COLOUR)
    if page.of > 1:
        embed.set_footer(text=translator.gettext("Page {number} of {of}", number=page.number, of=page.of))
    counted = translator.ngettext("{count} help request", "{count} help requests", page.total)
    if not page.tickets:
        return ReplyMessage(counted, embed)
    options = [
        discord.SelectOption(
            label=title(ticket, translator),
            value=str(ticket.id),
            description=shorten(described(ticket, translator), OPTION_LABEL),
        )
        for ticket in page.tickets
    ]
    select = discord.ui.Select[Any](
        custom_id="requests:show", placeholder=translator.gettext("Open a help request"), options=options
    )
    turning = [
        button(None, f"requests:page:{scope}:{page.number - 1}", emoji="◀️", disabled=page.number == 1),
        button(None, f"requests:page:{scope}:{page.number + 1}", emoji="▶️", disabled=page.number == page.of),
    ]
    return ReplyMessage(counted, embed, view([select], turning if page.of > 1 else []))


def _line(ticket: Ticket, translator: Translator) -> str:
    """Return a ticket's line in a list, with a link to its card."""
    mark = "🟢" if ticket.resolved else "🔵" if ticket.taken_by is not None else "🟠"
    kinds = list(dict.fromkeys(finding.kind for finding in ticket.details.findings))
    found = [KINDS[kind] for kind in kinds]
    if not found or (ticket.topic is Topic.NO_ROLE and Kind.HELD_BY_OTHERS not in kinds):  # no file explains that
        found = [TOPICS[ticket.topic], *found]
    what = ", ".join(translator.gettext(each) for each in found[:MOST_FOUND])
    parts = [f"{mark} **{ticket.linked}**", f"<@{ticket.user_id}>", order_of(ticket, translator), what]
    if ticket.taken_by is not None and not ticket.resolved:
        parts.append("→ " + f"<@{ticket.taken_by}>")
    if ticket.reopened_by is not None:
        parts.append("↩️ " + translator.gettext("reopened by {by}", by=f"<@{ticket.reopened_by}>"))
    if ticket.wrote is not None:
        when = f"<t:{int(ticket.wrote.at.timestamp())}:R>"
        parts.append("✍️ " + translator.gettext("wrote back {when}", when=when))
    elif not ticket.waits and not ticket.resolved:
        parts.append(translator.gettext("answered"))
    parts.append(translator.gettext("filed {when}", when=f"<t:{int(ticket.created_at.timestamp())}:R>"))
    return " · ".join(parts)


def page_text(page: TicketPage, translator: Translator) -> str:
    """Return the text of a list's page."""
    return shorten("\n".join(_line(ticket, translator) for ticket in page.tickets), EMBED_DESCRIPTION)


def figures(statistics: Statistics, translator: Translator) -> str:
    """Return the text of the statistics."""
    lines = [
        translator.ngettext("{count} request filed", "{count} requests filed", statistics.filed),
        translator.gettext(
            "Median time to the first answer: {time}", time=_time(statistics.to_first_answer, translator)
        ),
        translator.gettext("Median time to the resolution: {time}", time=_time(statistics.to_resolution, translator)),
    ]
    if statistics.commonest:
        kinds = [
            (translator.gettext(KINDS[Kind(kind)]), translator.number(count)) for kind, count in statistics.commonest
        ]
        counted = ", ".join(f"{label} ({count})" for label, count in kinds)
        lines.append(translator.gettext("Commonest findings: {findings}", findings=counted))
    return "\n".join(lines)


def _time(seconds: float | None, translator: Translator) -> str:
    return translator.gettext("not known yet") if seconds is None else translator.duration(seconds)


async def setup(bot: "FileflareBot") -> None:
    """Add the cog, and the context menu that discord.py cannot take from a cog."""
    cog = Requests(bot)
    await bot.add_cog(cog)
    bot.tree.context_menu(name=locale_str("Help requests"))(cog.of_member)
