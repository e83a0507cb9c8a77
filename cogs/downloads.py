"""For customers: /mydownloads, the panel's button, and the buttons of an open order."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from fileflare_bot.background import soon
from fileflare_bot.downloads.open_orders import OpenOrder
from fileflare_bot.downloads.pages import LONGEST_WANTED, OrderPages, shown_wanted
from fileflare_bot.downloads.saved import choice_message
from fileflare_bot.downloads.views import all_button, find_button, order_message, refusal_view
from fileflare_bot.fileflare.errors import AskedAgain, LeftLine
from fileflare_bot.fileflare.request_queue import Place
from fileflare_bot.i18n import N_, Translator
from fileflare_bot.interactions.access import CUSTOMER
from fileflare_bot.interactions.components import LONGEST_ORDER, labelled, modal, order_input, view, without
from fileflare_bot.interactions.reply import Offer, Reply, ReplyMessage
from fileflare_bot.interactions.responder import LOOKUP
from fileflare_bot.interactions.routing import ListExpired, replies, route, suggests
from fileflare_bot.interactions.values import number
from fileflare_bot.interactions.waiting_room import WaitingRoom
from fileflare_bot.orders.labels import order_label
from fileflare_bot.refusal import Refusal
from fileflare_bot.text import escape
from fileflare_bot.tickets.intake import pasted_number

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

_SAVED: Final = re.compile(r"saved:(\d{1,18})", re.ASCII)  # the value of an autocomplete choice
_HANDLE: Final = r"(?P<handle>[\w-]{1,40})"


class NothingFound(Refusal):
    """Raised when no file of an order has the wanted text in its name."""

    sentence = N_("**No file has “{wanted}” in its name, nor in its product's.** Press **Find** again with less of it.")


class Downloads(commands.Cog):
    """Shows customers their downloads."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._opener = bot.order_opener
        self._desk = bot.desk
        self._open_orders = bot.open_orders
        self._saved_orders = bot.storage.saved_orders
        self._panels = bot.panels

    @app_commands.command(
        name=locale_str("mydownloads"), description=locale_str("Get the download links of your order")
    )
    @app_commands.rename(order_id=locale_str("order-id"))
    @app_commands.describe(order_id=locale_str("Your order link or order ID; leave it out and I ask for it"))
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.allowed_installs(guilds=True, users=True)
    @replies(LOOKUP, CUSTOMER)
    async def mydownloads(
        self, reply: Reply, order_id: app_commands.Range[str, 1, LONGEST_ORDER] | None = None
    ) -> None:
        """Show the downloads of an order, or ask for one."""
        if order_id is None:
            reply.event = "ask"
            await self._ask(reply)
        elif saved := _SAVED.fullmatch(order_id.strip()):
            await self._open_saved(reply, int(saved[1]))
        else:
            await self._open_pasted(reply, order_id)

    @mydownloads.autocomplete("order_id")
    @suggests(CUSTOMER)
    async def _saved(self, interaction: discord.Interaction[Any], current: str) -> list[app_commands.Choice[str]]:
        """Suggest the user's saved orders by label, without asking Fileflare."""
        saved = await self._saved_orders.of_user(interaction.user.id)
        return [
            app_commands.Choice(name=order.label, value=f"saved:{order.id}")
            for order in saved
            if order.label and current.casefold() in order.label.casefold()
        ]

    @route("downloads:ask")
    @replies("ask", CUSTOMER)
    async def ask(self, reply: Reply) -> None:
        """Ask for an order."""
        await self._ask(reply)
        await soon(self._panels.met(reply.interaction))

    @route("downloads:another")
    @replies("ask", CUSTOMER)
    async def another(self, reply: Reply) -> None:
        """Open the modal that asks for an order."""
        await reply.ask(_order_modal(reply.translator))

    @route("downloads:order")
    @replies(LOOKUP, CUSTOMER)
    async def submitted(self, reply: Reply) -> None:
        """Show the downloads of the submitted order."""
        await self._open_pasted(reply, reply.typed("order"))

    @route("downloads:saved", "orders:open")
    @replies(LOOKUP, CUSTOMER)
    async def chosen(self, reply: Reply) -> None:
        """Show the downloads of the chosen saved order."""
        await self._open_saved(reply, number(next(iter(reply.chosen()), "")))

    @route(r"downloads:ticket:(?P<ticket_id>\d{1,18})")
    @replies(LOOKUP, CUSTOMER)
    async def of_ticket(self, reply: Reply, ticket_id: str) -> None:
        """Show the downloads of the order that the user has asked for help with."""
        reply.offer = self._offering(reply)
        user_id, guild_id = reply.user.id, reply.interaction.guild_id
        ticket, reference = await self._desk.order_of_customer(number(ticket_id), user_id, guild_id)
        await self._open(reply, OpenOrder(reference, user_id, ticket_id=ticket.id, asked_in=ticket.guild_id))

    @route(rf"downloads:(?:refresh|retry):{_HANDLE}")
    @replies(LOOKUP, CUSTOMER, updates=True)
    async def refresh(self, reply: Reply, handle: str) -> None:
        """Look the order up again."""
        await self._open(reply, self._opened(reply, handle), refresh=True)

    @route(rf"downloads:(?P<action>previous|next|all):{_HANDLE}", rf"downloads:(?P<action>first|last):{_HANDLE}")
    @replies("page", CUSTOMER, updates=True)
    async def turn(self, reply: Reply, action: str, handle: str) -> None:
        """Show another page, or all files again after a search."""
        opened = self._opened(reply, handle)
        if action != "all":
            opened.page += 1 if action == "next" else -1
        elif opened.wanted:
            opened.wanted, (opened.page, opened.begins_with) = "", opened.found_from
        await reply.show(order_message(opened, _pages(opened), reply.translator))

    @route(rf"downloads:jump:{_HANDLE}")
    @replies("page", CUSTOMER, updates=True)
    async def jump(self, reply: Reply, handle: str) -> None:
        """Show the page of the chosen place; a range of places is opened in the select."""
        opened = self._opened(reply, handle)
        first, _, end = next(iter(reply.chosen()), "").partition("-")
        jumped = number(first), number(end)
        if not jumped[0] < jumped[1] <= len(_pages(opened).places):
            raise ListExpired
        opened.begins_with = jumped[0]
        pages = _pages(opened)
        opened.page = pages.places[jumped[0]].page
        await reply.show(order_message(opened, pages, reply.translator, jumped=jumped))

    @route(rf"downloads:find:{_HANDLE}")
    @replies("find", CUSTOMER)
    async def ask_name(self, reply: Reply, handle: str) -> None:
        """Open the modal that asks for a part of a name."""
        self._opened(reply, handle)
        await reply.ask(_find_modal(handle, reply.translator))

    @route(rf"downloads:found:{_HANDLE}")
    @replies("found", CUSTOMER, updates=True)
    async def find(self, reply: Reply, handle: str) -> None:
        """Show the files that have the submitted text in their name."""
        opened = self._opened(reply, handle)
        wanted = reply.typed("name").strip()
        reply.hide(wanted)
        if opened.pages is None:
            raise ListExpired
        found = opened.pages.with_name(wanted)
        if not found.order.asset_count:
            reply.offer = lambda _error, _refusal, translator: view(
                [find_button(opened, translator), all_button(opened, translator)]
            )
            raise NothingFound(wanted=shown_wanted(wanted))
        if not opened.wanted:
            opened.found_from = opened.page, opened.begins_with
        opened.wanted, opened.page, opened.begins_with = wanted, 1, None
        await reply.show(order_message(opened, found, reply.translator))

    @route(rf"downloads:leave:{_HANDLE}")
    @replies("leave_line", CUSTOMER, updates=True)
    async def leave(self, reply: Reply, handle: str) -> None:
        """Give up the user's place in the line; the reply that waits for it says so."""
        opened = self._opened(reply, handle)
        await reply.acknowledge()
        if opened.place is not None:
            opened.place.lose(LeftLine())

    @route(rf"downloads:remember:{_HANDLE}")
    @replies("remember", CUSTOMER, updates=True)
    async def remember(self, reply: Reply, handle: str) -> None:
        """Save an open order for its customer, and take the button away."""
        opened = self._opened(reply, handle)
        if opened.pages is None or not self._opener.may_save(reply.interaction.guild_id):
            raise ListExpired
        translator = reply.translator
        label = order_label(opened.pages.order, translator)
        await self._saved_orders.save(opened.user_id, opened.reference, label)
        opened.saved = True
        text = translator.gettext(
            "I keep “{order}” for you, encrypted. Next time, type /{command} and choose it. "
            "/{orders} shows what I keep, and forgets it.",
            order=escape(label),
            command=translator.gettext("mydownloads"),
            orders=translator.gettext("myorders"),
        )
        if (pressed := reply.interaction.message) is not None:
            kept = without(pressed, "downloads:remember:")
            await reply.update(ReplyMessage(pressed.content, next(iter(pressed.embeds), None), kept))
        await reply.tell(ReplyMessage(text))

    async def _ask(self, reply: Reply) -> None:
        """Show the user's saved orders to choose from; without any, open the modal that asks for an order."""
        saved = await reply.before_asking(self._saved_orders.of_user(reply.user.id))
        if readable := [order for order in saved or () if order.label]:
            await reply.show(choice_message(readable, reply.translator))
        else:
            await reply.ask(_order_modal(reply.translator))

    async def _open_pasted(self, reply: Reply, pasted: str) -> None:
        reply.offer = self._offering(reply, claimed_number=pasted_number(pasted))
        reference = reply.reference(pasted)
        await self._open(reply, OpenOrder(reference, reply.user.id))

    async def _open_saved(self, reply: Reply, saved_id: int) -> None:
        reply.offer = self._offering(reply)
        reference = await self._saved_orders.get(reply.user.id, saved_id)
        await self._open(reply, OpenOrder(reference, reply.user.id, saved=True))

    async def _open(self, reply: Reply, opened: OpenOrder, *, refresh: bool = False) -> None:
        reply.hide(opened.reference.token)
        opened.in_server = reply.interaction.guild_id is not None
        reply.offer = self._offering(reply, opened)
        room = WaitingRoom(reply, f"downloads:leave:{opened.handle}", self._shown(reply, opened) if refresh else None)
        message_id = reply.interaction.message.id if reply.interaction.message is not None else None
        own: Place | None = None

        @asynccontextmanager
        async def waiting(place: Place) -> AsyncIterator[None]:
            nonlocal own
            own = opened.place = place
            opened.waits_in = message_id
            self._open_orders.keep(opened)  # for the button that gives the place up
            async with room(place):
                yield

        try:
            pages, grant, age = await self._opener.open(
                opened, reply.user, reply.interaction.guild_id, reply.translator, refresh=refresh, waiting=waiting
            )
        except Refusal as error:
            if isinstance(error, AskedAgain) and opened.place is not own and opened.waits_in == message_id:
                reply.outcome = AskedAgain.outcome  # a newer press of the same message updates it
                await reply.acknowledge()
                return
            if room.is_shown and opened.shown is not None:
                await reply.show_for_now(order_message(opened, opened.shown, reply.translator), stays=True)
            raise
        order = pages.order
        reply.outcome = "found" if order.asset_count else "no_files"
        broken = sum(asset.broken for asset in order.all_assets())
        reply.facts |= {"assets": order.asset_count, "broken_assets": broken}
        reply.facts |= {"roles_given": len(grant.given)} if grant.given else {}
        shown = opened.shown or pages
        await reply.show(order_message(opened, shown, reply.translator, grant, age=age if refresh else 0.0))

    def _shown(self, reply: Reply, opened: OpenOrder) -> Callable[[], ReplyMessage] | None:
        """Return what draws the list that stays visible during a refresh, if there is one."""
        shown = opened.shown
        return None if shown is None else lambda: order_message(opened, shown, reply.translator)

    def _opened(self, reply: Reply, handle: str) -> OpenOrder:
        """Return the user's open order; a refusal offers to ask for an order again."""
        opened = self._open_orders.get(handle, reply.user.id)
        reply.offer = self._offering(reply)
        if opened is None:
            reply.event = "list_button"
            raise ListExpired
        reply.hide(opened.reference.token)
        return opened

    def _offering(self, reply: Reply, opened: OpenOrder | None = None, claimed_number: str = "") -> Offer:
        """Return what makes the buttons under a refusal of this reply."""
        in_server = reply.interaction.guild_id is not None

        def offer(error: Exception, refusal: Refusal, translator: Translator) -> discord.ui.View | None:
            shown = refusal_view(error, refusal, translator, opened, claimed_number, in_server=in_server)
            if shown is not None and opened is not None:
                self._open_orders.keep(opened)
            return shown

        return offer


def _pages(opened: OpenOrder) -> OrderPages:
    """Return the pages that an open order shows.

    Raises:
        ListExpired: its first lookup failed, so it has none.
    """
    if (shown := opened.shown) is None:
        raise ListExpired
    return shown


def _find_modal(handle: str, translator: Translator) -> discord.ui.Modal:
    entry = discord.ui.TextInput[discord.ui.Modal](custom_id="name", max_length=LONGEST_WANTED)
    label = translator.gettext("Part of a file's or a product's name")
    return modal(translator.gettext("Find files"), f"downloads:found:{handle}", labelled(label, entry))


def _order_modal(translator: Translator) -> discord.ui.Modal:
    return modal(
        translator.gettext("Get my downloads"),
        "downloads:order",
        labelled(
            translator.gettext("Order link or order ID"),
            order_input("order"),
            translator.gettext("In the email, press and hold (or right-click) View your order, then copy the link."),
        ),
    )


async def setup(bot: "FileflareBot") -> None:
    """Add the cog."""
    await bot.add_cog(Downloads(bot))
