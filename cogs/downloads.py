"""For customers: /mydownloads, the button that asks for an order, and the pages of the answer."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self, cast

import discord
from cachetools import TTLCache
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from fileflare_bot.answering import NextSteps, Outgoing, Reply
from fileflare_bot.fileflare.budget import Asker
from fileflare_bot.fileflare.errors import BadReference
from fileflare_bot.logs import hiding
from fileflare_bot.orders.reference import OrderReference, ReferenceProblem, parse_reference
from fileflare_bot.replies.limits import BUTTONS_IN_A_ROW
from fileflare_bot.replies.pages import OrderPages, Page
from fileflare_bot.replies.refusals import ListExpired, NextStep
from fileflare_bot.words import Words

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

LONGEST_OPTION: Final = 1500  # characters; the longest known address of an order takes about 800
COLOUR: Final = discord.Colour.from_str("#2a9d8f")
MODAL_ID: Final = "downloads:order"
MODAL_INPUT_ID: Final = "order"

LIST_SECONDS: Final = 30 * 60
MOST_HELD: Final = 20_000  # over all open lists, in their weights; the least lately used go first
WEIGHT_OF_A_LIST: Final = 10  # beside its assets


@dataclass(slots=True)
class OpenList:
    """A reply whose buttons are live: whose it is, what it shows, and (until it expires) the order's ID."""

    reference: OrderReference
    user_id: int
    pages: OrderPages | None = None
    page: int = 1
    handle: str = field(default_factory=lambda: secrets.token_urlsafe(9))

    @property
    def weight(self) -> int:
        """What it takes of the room for all lists; one for each asset."""
        return WEIGHT_OF_A_LIST + (self.pages.order.asset_count if self.pages else 0)


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

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Take in the modal's answer: also one that was opened before the bot restarted."""
        data = cast("dict[str, Any]", interaction.data or {})
        if interaction.type is discord.InteractionType.modal_submit and data.get("custom_id") == MODAL_ID:
            await self.look_up(interaction, _typed(data.get("components", ())) or "")

    async def ask(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Open the modal that asks for an order."""

        async def show_modal(reply: Reply) -> None:
            await reply.ask(_order_modal(reply.words))

        await self._bot.answering.reply(interaction, "ask", show_modal)

    async def look_up(self, interaction: discord.Interaction["FileflareBot"], pasted: str) -> None:
        """Answer with the downloads of the order that was pasted."""
        answering = self._bot.answering
        reference = parse_reference(pasted)
        with hiding(pasted, reference.token if isinstance(reference, OrderReference) else ""):
            if isinstance(reference, ReferenceProblem):
                await answering.refuse(interaction, "lookup", BadReference(reference), next_steps=self._next_steps())
                return
            opened = OpenList(reference, interaction.user.id)
            work = partial(self._fetch_and_show, opened)
            await answering.reply(interaction, "lookup", work, next_steps=self._next_steps(opened))

    async def press(self, interaction: discord.Interaction["FileflareBot"], action: str, handle: str) -> None:
        """Answer a button of a list."""
        answering = self._bot.answering
        opened = self._lists.get(handle)
        if opened is None or opened.user_id != interaction.user.id:
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
        opened.pages = OrderPages(order)
        reply.outcome = "found" if order.asset_count else "no_files"
        broken = sum(asset.broken for asset in order.all_assets())
        reply.facts |= {"assets": order.asset_count, "broken_assets": broken}
        self._hold(opened)
        await reply.show(self._message(opened, reply.words))

    async def _turn(self, opened: OpenList, action: str, reply: Reply) -> None:
        last = len(opened.pages or ())
        pages = {"first": 1, "previous": opened.page - 1, "next": opened.page + 1, "last": last}
        opened.page = min(max(pages[action], 1), last)
        await reply.show(self._message(opened, reply.words))

    def _message(self, opened: OpenList, words: Words) -> Outgoing:
        if opened.pages is None:
            raise ListExpired
        page = opened.pages.render(opened.page, words)
        opened.page = page.number
        embed = discord.Embed(title=page.title, description=page.description, colour=COLOUR)
        embed.set_footer(text=page.footer)
        return Outgoing(page.content, embed, _page_view(page, opened.handle, words))

    def _next_steps(self, opened: OpenList | None = None) -> NextSteps:
        def retry(words: Words) -> discord.ui.View:
            assert opened is not None  # noqa: S101 - only a lookup of a reference can end in "try again"
            self._hold(opened)
            return view([ListButton("retry", opened.handle, words.gettext("Try again"))])

        return {
            NextStep.ASK: lambda words: view([AskButton(words.gettext("Get my downloads"))]),
            NextStep.RETRY: retry,
        }

    def _hold(self, opened: OpenList) -> None:
        if opened.weight <= MOST_HELD:
            self._lists[opened.handle] = opened


class AskButton(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=r"downloads:ask"):
    """Opens the modal that asks for an order; outlives restarts, on panels and under refusals."""

    def __init__(self, label: str | None = None) -> None:
        super().__init__(
            discord.ui.Button(label=label, emoji="📥", style=discord.ButtonStyle.primary, custom_id="downloads:ask")
        )

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], _match: re.Match[str], /
    ) -> Self:
        """Return the button that was pressed."""
        return cls()

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Open the modal."""
        await _cog(interaction).ask(interaction)


class ListButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]],
    template=r"downloads:(?P<action>first|previous|next|last|refresh|retry):(?P<handle>[\w-]{1,40})",
):
    """A button of a list. Its custom_id holds a random handle, never the order's ID."""

    def __init__(
        self, action: str, handle: str, label: str | None = None, *, emoji: str | None = None, disabled: bool = False
    ) -> None:
        self.action = action
        self.handle = handle
        super().__init__(
            discord.ui.Button(
                label=label,
                emoji=emoji,
                style=discord.ButtonStyle.secondary,
                disabled=disabled,
                custom_id=f"downloads:{action}:{handle}",
            )
        )

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Return the button that was pressed."""
        return cls(match["action"], match["handle"], "-")

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Do what the button says."""
        await _cog(interaction).press(interaction, self.action, self.handle)


def _cog(interaction: discord.Interaction[Any]) -> Downloads:
    return cast("Downloads", interaction.client.get_cog(Downloads.__name__))


def _page_view(page: Page, handle: str, words: Words) -> discord.ui.View:
    turns: Sequence[tuple[str, str, bool]] = (
        ("first", "⏮️", page.number == 1),
        ("previous", "◀️", page.number == 1),
        ("next", "▶️", page.number == page.of),
        ("last", "⏭️", page.number == page.of),
    )
    refresh = ListButton("refresh", handle, words.gettext("Refresh"), emoji="🔄")
    turning = [ListButton(action, handle, emoji=emoji, disabled=end) for action, emoji, end in turns if page.of > 1]
    links = [discord.ui.Button[discord.ui.View](label=link.label, url=link.url) for link in page.links]
    return view(links, [*turning[:2], refresh, *turning[2:]])


def view(*groups: Sequence[discord.ui.Item[Any]]) -> discord.ui.View:
    """Return a view in which every group begins a row of its own."""
    made = discord.ui.View(timeout=None)
    row = 0
    for group in groups:
        for index, item in enumerate(group):
            item.row = row + index // BUTTONS_IN_A_ROW
            made.add_item(item)
        row += -(-len(group) // BUTTONS_IN_A_ROW)
    made.stop()  # the dynamic items answer; discord.py need not keep the view, with a timer of 15 minutes, for it
    return made


def _order_modal(words: Words) -> discord.ui.Modal:
    modal = discord.ui.Modal(title=words.gettext("Get my downloads"), custom_id=MODAL_ID)
    entry = discord.ui.TextInput[discord.ui.Modal](
        custom_id=MODAL_INPUT_ID, placeholder="https://…/account/orders/…", max_length=LONGEST_OPTION
    )
    modal.add_item(
        discord.ui.Label(
            text=words.gettext("Order link or order ID"),
            description=words.gettext("Confirmation email > View your order > copy that page's address."),
            component=entry,
        )
    )
    modal.stop()  # what is sent in is read by on_interaction, so discord.py need not keep the modal
    return modal


def _typed(components: Sequence[dict[str, Any]]) -> str | None:
    """Return what was typed into the modal's input, wherever Discord nests it."""
    for component in components:
        if component.get("custom_id") == MODAL_INPUT_ID:
            return cast("str | None", component.get("value"))
        inner = component.get("components") or ([component["component"]] if "component" in component else [])
        found = _typed(inner)
        if found is not None:
            return found
    return None


async def setup(bot: "FileflareBot") -> None:
    """Add the cog and the buttons that outlive a restart."""
    bot.add_dynamic_items(AskButton, ListButton)
    await bot.add_cog(Downloads(bot))
