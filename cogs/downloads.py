"""For customers: /mydownloads, the button that asks for an order, and the pages of the answer."""

import asyncio
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

import discord
from cachetools import TTLCache
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from cogs.help import help_button
from fileflare_bot.downloads.pages import OrderPages, Page, order_label
from fileflare_bot.fileflare.errors import BadReference, LookupFailed
from fileflare_bot.fileflare.request_queue import Asker
from fileflare_bot.i18n import Words
from fileflare_bot.interactions.components import (
    LONGEST_ORDER,
    button,
    labelled,
    modal,
    order_input,
    route,
    typed,
    view,
)
from fileflare_bot.interactions.responder import NextSteps, Outgoing, Reply
from fileflare_bot.logs import hiding
from fileflare_bot.orders.diagnosis import Finding, Kind, diagnose
from fileflare_bot.orders.models import Order
from fileflare_bot.orders.reference import OrderReference, ReferenceProblem, parse_reference
from fileflare_bot.refusal import ListExpired, NextStep, OrderHeldByOthers
from fileflare_bot.roles import Bought
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.store import panel
from fileflare_bot.text import clean, escape

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

LONGEST_OPTION: Final = LONGEST_ORDER
COLOUR: Final = discord.Colour.from_str(panel.COLOUR)
MODAL_ID: Final = "downloads:order"
MODAL_INPUT_ID: Final = "order"

MOST_ROLES_SHOWN: Final = 20

AUTOCOMPLETE_SECONDS: Final = 1.5
_SAVED: Final = re.compile(r"saved:(\d{1,18})", re.ASCII)

LIST_SECONDS: Final = 30 * 60
MOST_HELD: Final = 20_000  # over all open lists, in their weights; the least lately used go first
WEIGHT_OF_A_LIST: Final = 10  # beside its assets


@dataclass(slots=True)
class OpenList:
    """A reply whose buttons are live: whose it is, what it shows, and (until it expires) the order's ID."""

    reference: OrderReference
    user_id: int
    pages: OrderPages | None = None
    found: tuple[Finding, ...] = ()
    failure: Finding | None = None
    saved: bool = False
    savable: bool = False
    page: int = 1
    handle: str = field(default_factory=lambda: secrets.token_urlsafe(9))

    @property
    def weight(self) -> int:
        """What it takes of the room for all lists; one for each asset."""
        return WEIGHT_OF_A_LIST + (self.pages.order.asset_count if self.pages else 0)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is known of the order, and of why it could not be read the last time."""
        return (self.failure, *self.found) if self.failure is not None else self.found


class Downloads(commands.Cog):
    """A customer's downloads."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._bot = bot
        self._lists: TTLCache[str, OpenList] = TTLCache(
            MOST_HELD,
            LIST_SECONDS,
            getsizeof=lambda open_list: open_list.weight,
        )
        bot.metrics.watch(open_lists=lambda: len(self._lists))

    @app_commands.command(
        name=locale_str("mydownloads"), description=locale_str("Get the download links of your order")
    )
    @app_commands.rename(order_id=locale_str("order-id"))
    @app_commands.describe(order_id=locale_str("Your order link or order ID; leave it out and I ask for it"))
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.allowed_installs(guilds=True, users=True)
    async def mydownloads(
        self,
        interaction: discord.Interaction["FileflareBot"],
        order_id: app_commands.Range[str, 1, LONGEST_OPTION] | None = None,
    ) -> None:
        """Show the downloads of an order, or ask which."""
        if order_id is None:
            await self.ask(interaction)
        else:
            await self.look_up(interaction, order_id)

    @route(MODAL_ID)
    async def modal_sent_in(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Take in the modal's answer: also one that was opened before the bot restarted."""
        await self.look_up(interaction, typed(interaction, MODAL_INPUT_ID))

    @route("downloads:ask")
    async def ask(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Open the modal that asks for an order."""

        async def show_modal(reply: Reply) -> None:
            await reply.ask(_order_modal(reply.words))

        await self._bot.answering.reply(interaction, "ask", show_modal)

    @mydownloads.autocomplete("order_id")
    async def _saved(
        self, interaction: discord.Interaction["FileflareBot"], current: str
    ) -> list[app_commands.Choice[str]]:
        """Offer the person's saved orders, by their names; Fileflare is not asked."""
        try:
            async with asyncio.timeout(AUTOCOMPLETE_SECONDS):
                saved = await self._bot.storage.saved_orders.of_person(interaction.user.id)
        except (StorageUnavailable, TimeoutError):
            return []
        return [
            app_commands.Choice(name=order.label, value=f"saved:{order.id}")
            for order in saved
            if order.label and current.casefold() in order.label.casefold()
        ]

    async def look_up(self, interaction: discord.Interaction["FileflareBot"], pasted: str) -> None:
        """Answer with the downloads of the order that was pasted, or of a saved one that was chosen."""
        if saved := _SAVED.fullmatch(pasted.strip()):
            await self.look_up_saved(interaction, int(saved[1]))
            return
        answering = self._bot.answering
        reference = parse_reference(pasted)
        with hiding(pasted, reference.token if isinstance(reference, OrderReference) else ""):
            if isinstance(reference, ReferenceProblem):
                await answering.refuse(interaction, "lookup", BadReference(reference), next_steps=self._next_steps())
                return
            opened = OpenList(reference, interaction.user.id)
            work = partial(self._fetch_and_show, opened)
            await answering.reply(interaction, "lookup", work, next_steps=self._next_steps(opened))

    async def look_up_saved(self, interaction: discord.Interaction["FileflareBot"], saved_id: int) -> None:
        """Answer with the downloads of one of the person's saved orders."""
        found: list[OpenList] = []

        async def work(reply: Reply) -> None:
            getting = self._bot.storage.saved_orders.get(interaction.user.id, saved_id)
            found.append(OpenList(await reply.waiting_for(getting), interaction.user.id, saved=True))
            with hiding(found[0].reference.token):
                await self._fetch_and_show(found[0], reply)

        def next_steps(error: Exception, step: NextStep, words: Words) -> discord.ui.View | None:
            return self._next_steps(found[0] if found else None)(error, step, words)

        await self._bot.answering.reply(interaction, "lookup", work, next_steps=next_steps)

    @route(r"downloads:remember:(?P<handle>[\w-]{1,40})")
    async def remember(self, interaction: discord.Interaction["FileflareBot"], handle: str) -> None:
        """Save the order of a list, as the person wants."""
        opened = self.held(handle, interaction.user.id)

        async def work(reply: Reply) -> None:
            if opened is None or opened.pages is None or not self._may_save(interaction):
                raise ListExpired
            words = reply.words
            label = order_label(opened.pages.order, words)
            await reply.waiting_for(self._bot.storage.saved_orders.save(opened.user_id, opened.reference, label))
            opened.saved = True
            text = words.gettext(
                "I keep “{order}” for you, encrypted. Next time, type /{command} and choose it. "
                "/{orders} shows what I keep, and forgets it.",
                order=escape(label),
                command=words.gettext("mydownloads"),
                orders=words.gettext("myorders"),
            )
            await reply.show(Outgoing(text))

        with hiding(opened.reference.token if opened is not None else ""):
            await self._bot.answering.reply(interaction, "remember", work, next_steps=self._next_steps())

    def _may_save(self, interaction: discord.Interaction["FileflareBot"]) -> bool:
        """Return whether orders can be saved here: everywhere but in servers whose owner does not want it."""
        try:
            return interaction.guild_id is None or (
                self._bot.storage.servers.get(interaction.guild_id).options.saved_orders
            )
        except StorageUnavailable:
            return False

    @route(r"downloads:(?P<action>first|previous|next|last|refresh|retry):(?P<handle>[\w-]{1,40})")
    async def press(self, interaction: discord.Interaction["FileflareBot"], action: str, handle: str) -> None:
        """Answer a button of a list."""
        answering = self._bot.answering
        opened = self.held(handle, interaction.user.id)
        if opened is None:
            await answering.refuse(interaction, "list_button", ListExpired(), next_steps=self._next_steps())
        elif action in {"refresh", "retry"}:
            with hiding(opened.reference.token):
                work = partial(self._fetch_and_show, opened)
                steps = self._next_steps(opened)
                await answering.reply(interaction, "lookup", work, updates=True, next_steps=steps)
        else:
            await answering.reply(interaction, "page", partial(self._turn, opened, action), updates=True)

    async def _fetch_and_show(self, opened: OpenList, reply: Reply) -> None:
        asker = Asker(opened.user_id, reply.interaction.guild_id)
        finding = self._bot.lookups.find(opened.reference, asker, refresh=reply.updates)
        order = await reply.waiting_for(finding)
        bought = await self._bought(opened, order, reply)  # it may refuse to show the order
        opened.pages, opened.found, opened.failure = OrderPages(order), diagnose(order), None
        reply.outcome = "found" if order.asset_count else "no_files"
        broken = sum(asset.broken for asset in order.all_assets())
        reply.facts |= {"assets": order.asset_count, "broken_assets": broken}
        opened.savable = bool(order.asset_count) and self._may_save(reply.interaction)
        self._hold(opened)
        await reply.show(self._message(opened, reply.words, bought))

    async def _bought(self, opened: OpenList, order: Order, reply: Reply) -> Bought:
        """Give the roles that the order brings in this server."""
        member = reply.interaction.user
        if not isinstance(member, discord.Member) or member.guild.me is None:  # not a server that the bot is in
            return Bought()
        try:
            server = self._bot.storage.servers.get(member.guild.id)
        except StorageUnavailable:
            return Bought()
        if not server.options.buyers_roles:
            return Bought()
        opening = self._bot.desk.buyers.opened(member, server, opened.reference, order, reply.words)
        bought = await reply.waiting_for(opening)
        reply.facts |= {"roles_given": len(bought.given)} if bought.given else {}
        return bought

    async def _turn(self, opened: OpenList, action: str, reply: Reply) -> None:
        last = len(opened.pages or ())
        pages = {"first": 1, "previous": opened.page - 1, "next": opened.page + 1, "last": last}
        opened.page = min(max(pages[action], 1), last)
        await reply.show(self._message(opened, reply.words))

    def _message(self, opened: OpenList, words: Words, bought: Bought | None = None) -> Outgoing:
        if opened.pages is None:
            raise ListExpired
        page = opened.pages.render(opened.page, words)
        opened.page = page.number
        embed = discord.Embed(title=page.title, description=page.description, colour=COLOUR)
        embed.set_footer(text=page.footer)
        finding = next(iter(opened.findings), None)
        if bought is not None and bought.given:
            roles = ", ".join(f"**{escape(clean(name))}**" for name in bought.given[:MOST_ROLES_SHOWN])
            embed.add_field(name=words.gettext("New for you"), value=roles)
        if bought is not None and bought.held_by_others:
            text = words.gettext(
                "Another account here uses this order already, so it brings you no role. Is it yours? Press Get help."
            )
            embed.add_field(name=words.gettext("No role this time"), value=text)
            finding = Finding(Kind.HELD_BY_OTHERS)
        return Outgoing(page.content, embed, _page_view(page, opened, words, finding))

    def _next_steps(self, opened: OpenList | None = None) -> NextSteps:
        def offer(error: Exception, step: NextStep, words: Words) -> discord.ui.View | None:
            items = []
            if step is NextStep.ASK:
                items.append(ask_button(words.gettext("Get my downloads")))
            if step is NextStep.RETRY and opened is not None:
                self._hold(opened)
                items.append(_list_button("retry", opened.handle, words.gettext("Try again")))
            kind = error.finding if isinstance(error, LookupFailed | OrderHeldByOthers) else None
            if kind is not None:
                problem = error.problem if isinstance(error, BadReference) else None
                finding = Finding(kind, problem=problem)
                if opened is not None:
                    opened.failure = finding
                    self._hold(opened)
                items.append(help_button(words, opened.handle if opened else "", finding))
            return view(items) if items else None

        return offer

    def held(self, handle: str, user_id: int) -> OpenList | None:
        """Return a person's open list, while there is one."""
        opened = self._lists.get(handle)
        return opened if opened is not None and opened.user_id == user_id else None

    def _hold(self, opened: OpenList) -> None:
        if opened.weight <= MOST_HELD:
            self._lists[opened.handle] = opened


def ask_button(label: str) -> discord.ui.Button[discord.ui.View]:
    """Return the button that opens the modal that asks for an order, for panels and refusals."""
    return button(label, "downloads:ask", emoji="📥", style=discord.ButtonStyle.primary)


def _list_button(
    action: str, handle: str, label: str | None = None, *, emoji: str | None = None, disabled: bool = False
) -> discord.ui.Button[discord.ui.View]:
    """Return a button of a list. Its custom_id holds a random handle, never the order's ID."""
    return button(label, f"downloads:{action}:{handle}", emoji=emoji, disabled=disabled)


def _page_view(page: Page, opened: OpenList, words: Words, finding: Finding | None) -> discord.ui.View:
    turns: Sequence[tuple[str, str, bool]] = (
        ("first", "⏮️", page.number == 1),
        ("previous", "◀️", page.number == 1),
        ("next", "▶️", page.number == page.of),
        ("last", "⏭️", page.number == page.of),
    )
    handle = opened.handle
    refresh = _list_button("refresh", handle, words.gettext("Refresh"), emoji="🔄")
    turning = [_list_button(action, handle, emoji=emoji, disabled=end) for action, emoji, end in turns if page.of > 1]
    links = [discord.ui.Button[discord.ui.View](label=link.label, url=link.url) for link in page.links]
    more = [help_button(words, handle, finding)]
    if opened.savable and not opened.saved:
        more.append(_list_button("remember", handle, words.gettext("Remember this order"), emoji="🔖"))
    return view(links, [*turning[:2], refresh, *turning[2:], *more])


def _order_modal(words: Words) -> discord.ui.Modal:
    return modal(
        words.gettext("Get my downloads"),
        MODAL_ID,
        labelled(
            words.gettext("Order link or order ID"),
            order_input(MODAL_INPUT_ID),
            words.gettext("Confirmation email > View your order > copy that page's address."),
        ),
    )


async def setup(bot: "FileflareBot") -> None:
    """Add the cog."""
    await bot.add_cog(Downloads(bot))
