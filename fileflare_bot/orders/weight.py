"""How much memory an order takes."""

from sys import getsizeof
from typing import Final

from pydantic import BaseModel

from fileflare_bot.orders.models import Order

_ENTRY_BYTES: Final = 3000  # of a line or an asset without its texts: its models, and its entry on a page


def weight(order: Order) -> int:
    """Return roughly how many bytes an order and its pages take; texts count by their real size."""
    lines = [line.product for line in order.lines]
    total = _ENTRY_BYTES * (1 + len(lines) + order.asset_count) + _texts(order) + _texts(order.text)
    total += sum(map(_texts, lines)) + sum(getsizeof(tag) for product in lines for tag in product.tags)
    return total + sum(_texts(asset.data) for asset in order.all_assets())


def _texts(model: BaseModel) -> int:
    return sum(getsizeof(value) for value in vars(model).values() if isinstance(value, str | int))
