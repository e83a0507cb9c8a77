"""How much memory an order takes."""

from dataclasses import fields
from sys import getsizeof
from typing import Final

from fileflare_bot.orders.models import AssetData, Order, Product, StoreText

_ENTRY_BYTES: Final = 1000  # of a line or an asset without its texts: its models, and its entry on a page
_NAMES: Final = {kind: [field.name for field in fields(kind)] for kind in (AssetData, Product, StoreText)}


def weight(order: Order) -> int:
    """Return roughly how many bytes an order and its pages take; texts count by their real size."""
    lines = [line.product for line in order.lines]
    total = _ENTRY_BYTES * (1 + len(lines) + order.asset_count) + getsizeof(order.order_number) + _texts(order.text)
    total += sum(map(_texts, lines)) + sum(getsizeof(tag) for product in lines for tag in product.tags)
    return total + sum(_texts(asset.data) for asset in order.all_assets())


def _texts(model: AssetData | Product | StoreText) -> int:
    values = (getattr(model, name) for name in _NAMES[type(model)])
    return sum(getsizeof(value) for value in values if isinstance(value, str))
