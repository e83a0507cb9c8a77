"""Short names and counts of an order and its files, without links."""

import re
from itertools import islice
from typing import Final

from babel.units import format_unit

from fileflare_bot import discord_limits as limits
from fileflare_bot.i18n import Translator
from fileflare_bot.orders.hiding import hide_order
from fileflare_bot.orders.models import Order
from fileflare_bot.orders.plain import plain_name
from fileflare_bot.text import clean, escape

_SCHEME: Final = re.compile(r"(?<![a-z0-9+.-])[a-z0-9+.-]++://", re.IGNORECASE)
_MOST_COUNTED: Final = 999_999_999
_MOST_NAMED: Final = 3  # products
_LONGEST_PRODUCT: Final = 60  # UTF-16 units
_MOST_LOOKED_AT: Final = 20  # lines or files that are searched for a name
_NUMBER: Final = re.compile(r"\d{1,15}(?:\.\d{0,9})?", re.ASCII)
_ORDER_NUMBER: Final = re.compile(r"[\w #.-]{1,20}|[\w #/-]{1,20}")  # with a dot and a slash, it may be an address
_UNITS: Final = ("byte", "kilobyte", "megabyte", "gigabyte", "terabyte")
_STEP: Final = 1024


def file_name(text: str | None) -> str:
    """Return a file's name in one line, without its scheme: see without_scheme()."""
    return without_scheme(plain_name(text))


def without_scheme(name: str) -> str:
    """Return a name without the scheme of an address: Discord renders no masked link whose text is an address."""
    return _SCHEME.sub("", name)


def file_size(text: str | None, translator: Translator) -> str:
    """Return a file's size as the store wrote it, cleaned; a bare number is bytes."""
    size = plain_name(text)
    if not _NUMBER.fullmatch(size):
        return size
    amount, units = float(size), list(_UNITS)
    while amount >= _STEP and len(units) > 1:
        amount /= _STEP
        del units[0]
    return format_unit(amount, f"digital-{units[0]}", "short", format="#,##0.#", locale=translator.locale)


def bounded(number: int) -> int:
    """Return a count capped at nine digits: no real count is larger, and one would fill the page."""
    return min(number, _MOST_COUNTED)


def plain_number(number: object) -> str:
    """Return an order number without its "#" if it is short plain text such as ``EU-1050``, else an empty string."""
    text = clean(str(number if number is not None else "")).removeprefix("#")
    return text if _ORDER_NUMBER.fullmatch(text) else ""


def order_name(order: Order, translator: Translator) -> str:
    """Return the order number, escaped, as a heading."""
    number = plain_number(order.order_number)
    return translator.gettext("Order #{number}", number=escape(number)) if number else translator.gettext("Your order")


def order_label(order: Order, translator: Translator) -> str:
    """Return the order number and first product, at most 100 UTF-16 units, to tell orders apart; no address."""
    number = plain_number(order.order_number)
    products = (plain_name(line.product.name) for line in islice(order.lines, _MOST_LOOKED_AT))
    files = (file_name(asset.data.filename) for asset in islice(order.all_assets(), _MOST_LOOKED_AT))
    named = next((name for name in products if name), "") or next((name for name in files if name), "")
    named = hide_order(named, "", "…")
    parts = [limits.shorten(part, 60) for part in (f"#{number}" if number else "", named) if part]
    return limits.shorten(" · ".join(parts), limits.OPTION_LABEL) or translator.gettext("Your order")


def product_names(order: Order) -> tuple[str, ...]:
    """Return the names of the first few products, in plain text and without addresses."""
    names = (plain_name(line.product.name) for line in islice(order.lines, _MOST_LOOKED_AT))
    shown = dict.fromkeys(limits.shorten(hide_order(name, "", "…"), _LONGEST_PRODUCT) for name in names if name)
    return tuple(islice(shown, _MOST_NAMED))


def downloads_left(order: Order, translator: Translator) -> str:
    """Return the downloads left on the whole order in words, of each file once; empty for an order without files."""
    counted = order.downloads
    if not order.asset_count:
        return ""
    parts = []
    if counted.limited or not (counted.unlimited or counted.unclear):
        parts.append(translator.ngettext("{count} download left", "{count} downloads left", bounded(counted.left)))
    if counted.unlimited:
        parts.append(
            translator.ngettext("{count} file without a limit", "{count} files without a limit", counted.unlimited)
        )
    return " · ".join(parts) or translator.gettext("download limit not known")


def files_counted(order: Order, translator: Translator) -> str:
    """Return the order's name and how many files it has."""
    counted = translator.ngettext("{count} file", "{count} files", len(order.files))
    return f"{order_name(order, translator)} · {counted}"


def summary(order: Order, translator: Translator) -> str:
    """Return an order in one line, without links."""
    return " · ".join(part for part in (files_counted(order, translator), downloads_left(order, translator)) if part)
