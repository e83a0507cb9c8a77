"""What a lookup finds."""

from dataclasses import dataclass

from fileflare_bot.orders.models import Order
from fileflare_bot.orders.reference import OrderReference


@dataclass(frozen=True, slots=True)
class Found:
    """An order, the form of the ID that Fileflare knows, and how many seconds ago it gave it; 0 if for this lookup."""

    order: Order
    reference: OrderReference
    age: float = 0.0
