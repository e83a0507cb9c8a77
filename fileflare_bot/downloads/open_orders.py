"""Open orders: what their replies show, and their order IDs while the buttons are live."""

import secrets
from dataclasses import dataclass, field
from typing import Final

from cachetools import TTLCache

from fileflare_bot.downloads.pages import OrderPages
from fileflare_bot.metrics import Metrics
from fileflare_bot.orders.diagnosis import Finding
from fileflare_bot.orders.reference import OrderReference

OPEN_SECONDS: Final = 30 * 60
MOST_OPEN: Final = 20_000  # total weight of all open orders; the least recently used are dropped first
WEIGHT: Final = 10  # of an order without its assets, which weigh 1 each


@dataclass(slots=True)
class OpenOrder:
    """An order whose reply has live buttons: its user, what it shows, and its order ID."""

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
        """Its share of ``MOST_OPEN``."""
        return WEIGHT + (self.pages.order.asset_count if self.pages else 0)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The order's findings, and the reason if its last lookup failed."""
        return (self.failure, *self.found) if self.failure is not None else self.found

    @property
    def order_number(self) -> str:
        """The order's number, or an empty string before the first successful lookup."""
        return str(self.pages.order.order_number or "") if self.pages is not None else ""


class OpenOrders:
    """All open orders, by the random handle in their buttons' custom_ids. In memory only."""

    def __init__(self, metrics: Metrics) -> None:
        self._orders: TTLCache[str, OpenOrder] = TTLCache(
            MOST_OPEN, OPEN_SECONDS, getsizeof=lambda open_order: open_order.weight
        )
        metrics.watch(open_lists=lambda: len(self._orders))

    def get(self, handle: str, user_id: int) -> OpenOrder | None:
        """Return a user's open order, or None if it has expired or is another user's."""
        opened = self._orders.get(handle)
        return opened if opened is not None and opened.user_id == user_id else None

    def keep(self, opened: OpenOrder) -> None:
        """Keep an order open for 30 more minutes, unless it is too large for that."""
        if opened.weight <= MOST_OPEN:
            self._orders[opened.handle] = opened
