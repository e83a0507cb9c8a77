"""Short names and counts of an order and its files, without links."""

import re
from typing import Final

from fileflare_bot import discord_limits as limits
from fileflare_bot.i18n import Translator
from fileflare_bot.orders.models import Order
from fileflare_bot.text import clean, escape

_SCHEME: Final = re.compile(r"(?<![a-z0-9+.-])[a-z0-9+.-]++://", re.IGNORECASE)
_MOST_COUNTED: Final = 999_999_999


def file_name(text: str | None) -> str:
    """Return a file name without its scheme: Discord renders no masked link whose text is an address."""
    return _SCHEME.sub("", clean(text))


def bounded(number: int) -> int:
    """Return a count capped at nine digits: no real count is larger, and one would fill the page."""
    return min(number, _MOST_COUNTED)


def order_name(order: Order, translator: Translator) -> str:
    """Return the order number, escaped, as a heading."""
    number = clean(str(order.order_number)) if order.order_number is not None else ""
    if not number:
        return translator.gettext("Your order")
    return translator.gettext("Order #{number}", number=escape(limits.shorten(number.removeprefix("#"), 40)))


def order_label(order: Order, translator: Translator) -> str:
    """Return the order number and first product, at most 100 UTF-16 units, to tell orders apart."""
    number = clean(str(order.order_number)).removeprefix("#") if order.order_number is not None else ""
    named = next((clean(line.product.name) for line in order.lines if clean(line.product.name)), "")
    file = next((file_name(asset.data.filename) for asset in order.all_assets() if asset.data.filename), "")
    parts = [limits.shorten(part, 60) for part in (f"#{number}" if number else "", named or file) if part]
    return limits.shorten(" · ".join(parts), limits.OPTION_LABEL) or translator.gettext("Your order")


def downloads_left(order: Order, translator: Translator) -> str:
    """Return the downloads left on the whole order in words; empty for an order without files."""
    left = limited = unlimited = 0
    for asset in order.all_assets():
        if not asset.broken:
            asset_left = asset.limits.left
            limited += asset_left is not None
            left += asset_left or 0
            unlimited += asset.limits.limit is None
    if not order.asset_count:
        return ""
    parts = []
    if limited or not unlimited:
        parts.append(translator.ngettext("{count} download left", "{count} downloads left", bounded(left)))
    if unlimited:
        parts.append(translator.ngettext("{count} file without a limit", "{count} files without a limit", unlimited))
    return " · ".join(parts)


def summary(order: Order, translator: Translator) -> str:
    """Return an order in one line, without links."""
    left = downloads_left(order, translator)
    counted = translator.ngettext("{count} file", "{count} files", order.asset_count)
    return " · ".join(part for part in (order_name(order, translator), counted, left) if part)
