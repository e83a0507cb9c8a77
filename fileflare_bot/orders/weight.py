"""How much memory an order takes."""

from collections.abc import Callable
from operator import attrgetter
from sys import getsizeof
from typing import Any, Final

from fileflare_bot.orders.models import AssetData, Order, Product, StoreText

_ENTRY_BYTES: Final = 1000  # of a line or an asset without its texts: its models, and its entry on a page
_TEXTS: Final[dict[type, Callable[[object], Any]]] = {
    AssetData: attrgetter("id", "filename", "size", "url"),
    Product: attrgetter("id", "name", "variant_name", "sku", "product_id", "variant_id", "vendor"),
    StoreText: attrgetter("title", "text"),
}


def weight(order: Order) -> int:
    """Return roughly how many bytes an order and its pages take; texts count by their real size."""
    lines = [line.product for line in order.lines]
    total = _ENTRY_BYTES * (1 + len(lines) + order.asset_count) + getsizeof(order.order_number) + _texts(order.text)
    total += sum(map(_texts, lines)) + sum(getsizeof(tag) for product in lines for tag in product.tags)
    return total + sum(_texts(asset.data) for asset in order.all_assets())


def _texts(model: AssetData | Product | StoreText) -> int:
    return sum(map(getsizeof, _TEXTS[type(model)](model)))
