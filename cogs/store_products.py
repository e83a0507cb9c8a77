"""For store owners: /store products, the products that are the store's own."""

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from fileflare_bot.discord_limits import EMBED_DESCRIPTION, OPTION_LABEL, SELECT_OPTIONS, shorten
from fileflare_bot.i18n import Translator
from fileflare_bot.interactions.access import OWNER
from fileflare_bot.interactions.components import COLOUR, button, labelled, modal, order_input, view
from fileflare_bot.interactions.reply import Reply, ReplyMessage
from fileflare_bot.interactions.routing import replies, route
from fileflare_bot.refusal import Refusal
from fileflare_bot.roles.rules import products_in, properties_in
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.options import Options, StoreProduct
from fileflare_bot.storage.records import GuildSettings, SeenProduct
from fileflare_bot.store.changes import with_values
from fileflare_bot.store.own_order import NoOwnOrder, own_order
from fileflare_bot.text import clean, escape

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

PRODUCTS_ON_A_PAGE: Final = SELECT_OPTIONS
MOST_NAMED: Final = 5  # products of a pasted order


class StoreProducts(commands.Cog):
    """Confirms and removes the products of the store."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._lookups = bot.lookups
        self._products = bot.storage.products
        self._settings = bot.store_settings

    @app_commands.command(
        name=locale_str("products"), description=locale_str("Say which products are yours, so that they bring roles")
    )
    @replies("products", OWNER)
    async def products(self, reply: Reply) -> None:
        """Show the confirmed products, and those that were seen in orders."""
        settings = reply.settings
        await reply.show(_page(settings.options, await self._seen(settings), 1, "", reply.translator))

    @route(r"store_products:page:(?P<number>\d{1,3})")
    @replies("products", OWNER, updates=True)
    async def turn(self, reply: Reply, number: str) -> None:
        """Show another page of the confirmed products."""
        settings = reply.settings
        await reply.show(_page(settings.options, await self._seen(settings), int(number), "", reply.translator))

    @route("store_products:paste")
    @replies("products_paste", OWNER)
    async def ask(self, reply: Reply) -> None:
        """Open the modal that asks for one of the owner's own orders."""
        translator = reply.translator
        label = labelled(
            translator.gettext("Order link or order ID"),
            order_input("order"),
            translator.gettext("I only read which products it holds. Take an order of your own store."),
        )
        await reply.ask(modal(translator.gettext("Paste one of your orders"), "store_products:pasted", label))

    @route("store_products:pasted")
    @replies("products_pasted", OWNER, updates=True)
    async def read(self, reply: Reply) -> None:
        """Offer the products of the pasted order."""
        reply.offer = _fix
        order = await own_order(reply, self._lookups, reply.typed("order"))
        found = products_in(order)
        await self._products.see(reply.guild_id, reply.user.id, found)
        confirmed = reply.settings.options.product_ids
        await self._products.add_properties(reply.guild_id, properties_in(order, confirmed))
        ids = [product.product_id for product in found if product.product_id not in confirmed]
        new = await self._products.named(reply.guild_id, ids)
        translator = reply.translator
        names = [escape(clean(each.name)) or each.product_id for each in new]
        note = translator.ngettext(
            "**That order holds {count} product that is not confirmed: {names}.** Choose below.",
            "**That order holds {count} products that are not confirmed: {names}.** Choose below.",
            len(new),
            names=", ".join([*names[:MOST_NAMED], *["…"] * (len(names) > MOST_NAMED)]),
        )
        if not found:
            note = translator.gettext("This order holds no product that I can tell from others.")
        elif not new:
            note = translator.gettext("All products of this order are confirmed already.")
        settings = reply.settings
        await reply.show(
            _page(settings.options, new[:SELECT_OPTIONS] or await self._seen(settings), 1, note, translator)
        )

    @route("store_products:confirm")
    @replies("products_confirm", OWNER, updates=True)
    async def confirm(self, reply: Reply) -> None:
        """Confirm the chosen products as the store's own."""
        chosen = await self._products.named(reply.guild_id, reply.chosen())
        added = [StoreProduct(product_id=each.product_id, name=each.name) for each in chosen]

        def add(options: Options) -> Options:
            known = options.product_ids
            new = (product for product in added if product.product_id not in known)
            return with_values(products=(*options.products, *new))(options)

        await self._change(reply, add)

    @route("store_products:remove")
    @replies("products_remove", OWNER, updates=True)
    async def remove(self, reply: Reply) -> None:
        """Remove the chosen products; nobody loses a role by it."""
        gone = set(reply.chosen())

        def without(options: Options) -> Options:
            return with_values(products=[each for each in options.products if each.product_id not in gone])(options)

        await self._change(reply, without)

    async def _change(self, reply: Reply, change: Callable[[Options], Options]) -> None:
        settings, _ = await self._settings.change_options(reply.member, change)
        seen: list[SeenProduct] = []
        with suppress(StorageUnavailable):  # the change is stored, so this is no refusal
            seen = await self._seen(settings)
        await reply.show(_page(settings.options, seen, 1, "", reply.translator))

    async def _seen(self, settings: GuildSettings) -> list[SeenProduct]:
        """Return the products that were seen in orders and are not confirmed."""
        return await self._products.seen(settings.guild_id, without=settings.options.product_ids)


def _fix(error: Exception, _refusal: Refusal, translator: Translator) -> discord.ui.View | None:
    """Return the button under a refusal of what was pasted, which opens the form again."""
    if not isinstance(error, NoOwnOrder):
        return None
    return view([button(translator.gettext("Fix it"), "store_products:paste", emoji="✏️")])


def _page(options: Options, seen: list[SeenProduct], number: int, note: str, translator: Translator) -> ReplyMessage:
    confirmed = sorted(options.products, key=lambda product: (product.name.casefold(), product.product_id))
    of = max(1, -(-len(confirmed) // PRODUCTS_ON_A_PAGE))
    number = min(max(number, 1), of)
    shown = confirmed[(number - 1) * PRODUCTS_ON_A_PAGE : number * PRODUCTS_ON_A_PAGE]
    lines = [f"• {escape(clean(product.name)) or '?'} · `{_code(product.product_id)}`" for product in shown]
    text = translator.gettext(
        "Anybody can have an order of another store with your tags, SKUs and vendor. So only orders with one of these "
        "products bring roles, unless a rule names a product or a variant itself."
    )
    none = translator.gettext("**None is confirmed yet.** Choose yours below, or paste one of your own orders.")
    description = "\n\n".join(filter(None, [text, note, "\n".join(lines or [none])]))
    embed = discord.Embed(
        title=translator.gettext("Your products"), description=shorten(description, EMBED_DESCRIPTION), colour=COLOUR
    )
    if of > 1:
        embed.set_footer(
            text=translator.gettext("Page {number} of {of}", number=translator.number(number), of=translator.number(of))
        )
    rows: list[list[discord.ui.Item[Any]]] = []
    if seen:
        options_seen = [_seen(product, translator) for product in seen]
        rows.append([_select("confirm", translator.gettext("Confirm: these are mine"), options_seen)])
    if shown:
        choices = [_option(product.product_id, product.name) for product in shown]
        rows.append([_select("remove", translator.gettext("Remove: these are not mine"), choices)])
    turns = [("◀️", number - 1, number == 1), ("▶️", number + 1, number == of)] if of > 1 else []
    rows.append(
        [
            button(translator.gettext("Paste one of your orders"), "store_products:paste", emoji="📋"),
            *(button(None, f"store_products:page:{to}", emoji=emoji, disabled=end) for emoji, to, end in turns),
        ]
    )
    counted = translator.ngettext("{count} product is confirmed.", "{count} products are confirmed.", len(confirmed))
    if confirmed:
        counted += " " + translator.gettext(
            "Next: /store roles add gives their buyers a role, or go back to /store setup."
        )
    return ReplyMessage(counted, embed, view(*rows))


def _select(action: str, placeholder: str, options: list[discord.SelectOption]) -> discord.ui.Select[Any]:
    return discord.ui.Select(
        custom_id=f"store_products:{action}", placeholder=placeholder, options=options, max_values=len(options)
    )


def _option(product_id: str, name: str, description: str | None = None) -> discord.SelectOption:
    return discord.SelectOption(
        label=shorten(clean(name) or product_id, OPTION_LABEL), value=product_id, description=description
    )


def _seen(product: SeenProduct, translator: Translator) -> discord.SelectOption:
    """Return a seen product as an option: its name, vendor and ID, in how many orders it was, and since when."""
    facts = [clean(product.vendor), product.product_id]
    if product.since is not None:
        day = translator.date(product.since)
        facts.append(
            translator.ngettext("{count} order since {day}", "{count} orders since {day}", product.orders, day=day)
        )
    return _option(product.product_id, product.name, shorten(" · ".join(filter(None, facts)), OPTION_LABEL))


def _code(text: str) -> str:
    return clean(text).replace("`", "")


async def setup(bot: "FileflareBot") -> None:
    """Add the cog to the group /store."""
    await bot.add_cog(StoreProducts(bot), under="store")
