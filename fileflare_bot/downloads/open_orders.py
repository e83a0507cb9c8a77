"""Open orders: what their replies show, and their order IDs while the buttons are live."""

import secrets
import time
from dataclasses import dataclass, field
from typing import Final

from cachetools import TTLCache

from fileflare_bot.downloads.pages import OrderPages
from fileflare_bot.fileflare.request_queue import Place
from fileflare_bot.i18n import N_
from fileflare_bot.metrics import Metrics
from fileflare_bot.orders.diagnosis import Finding
from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.orders.weight import weight

OPEN_SECONDS: Final = 30 * 60
MOST_BYTES: Final = 64 * 2**20  # of all open orders; the user who holds most loses theirs first
ROOMY_BYTES: Final = MOST_BYTES * 9 // 10  # what is left once some had to go
USER_BYTES: Final = 16 * 2**20  # of one user's, about 4,000 files; their least recently used are dropped first
OPEN_BYTES: Final = 2000  # of an open order without the order itself


@dataclass(slots=True)
class OpenOrder:
    """An order whose reply has live buttons: its user, what it shows, and its order ID."""

    reference: OrderReference
    user_id: int
    pages: OrderPages | None = None
    found: tuple[Finding, ...] = ()
    failure: Finding | None = None
    saved: bool = False
    ticket_id: int | None = None  # their ticket from whose answer they opened it
    asked_in: int | None = None  # the guild of that ticket
    savable: bool = False
    told: bool = False  # whether its user has read before why it brings no role
    in_server: bool = True  # Get help works nowhere else
    desk: bool = False  # whether there is a help desk behind Get help
    page: int = 1
    begins_with: int | None = None  # the place of the select with which a page begins, if a jump led there
    place: Place | None = None  # in the line, while the user waits
    waits_in: int | None = None  # the message in which they pressed for that place; None if they typed the command
    wanted: str = field(default="", repr=False)  # only files with this in their name are shown
    found_from: tuple[int, int | None] = (1, None)  # the page and place where they pressed Find, for All files
    order_number: str = ""  # empty before the first successful lookup
    products: tuple[str, ...] = ()  # the names of the first few
    handle: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    weight: int = 0  # roughly how many bytes it took when it was kept last
    until: float = 0.0  # of time.monotonic()

    @property
    def known(self) -> bool:
        """Whether the user has opened it before, so that it cannot be a guess."""
        return self.saved or self.ticket_id is not None or self.pages is not None

    @property
    def press_for_help(self) -> str:
        """The label, not translated, of its button that reaches moderators; empty if none does."""
        if self.ticket_id is not None:
            return N_("Write back")
        return N_("Get help") if self.desk else ""

    @property
    def shown(self) -> OrderPages | None:
        """The pages that are shown: of the files with the wanted name, or of all if there are none of them."""
        if self.pages is None:
            return None
        if not self.wanted:
            return self.pages.beginning_with(self.begins_with)
        found = self.pages.with_name(self.wanted)
        return found.beginning_with(self.begins_with) if found.order.asset_count else self.pages

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The order's findings, and the reason if its last lookup failed."""
        return (self.failure, *self.found) if self.failure is not None else self.found


class OpenOrders:
    """All open orders. In memory only."""

    def __init__(self, metrics: Metrics) -> None:
        # By the random handle in their buttons' custom_ids, the latest used last
        self._users: TTLCache[int, dict[str, OpenOrder]] = TTLCache(MOST_BYTES, OPEN_SECONDS, getsizeof=_bytes)
        metrics.watch(open_lists=lambda: sum(map(len, self._users.values())))

    def get(self, handle: str, user_id: int) -> OpenOrder | None:
        """Return a user's open order, or None if it has expired or is another user's."""
        theirs = self._users.get(user_id, {})
        opened = theirs.pop(handle, None)
        if opened is None or opened.until <= time.monotonic():
            return None
        theirs[handle] = opened  # the last used is the last to go
        return opened

    def keep(self, opened: OpenOrder) -> None:
        """Keep an order open for 30 more minutes, unless it is too large for that."""
        now = time.monotonic()
        before = self._users.pop(opened.user_id, None) or {}
        theirs = {handle: each for handle, each in before.items() if each.until > now and handle != opened.handle}
        opened.until = now + OPEN_SECONDS
        opened.weight = OPEN_BYTES + (weight(opened.pages.order) if opened.pages else 0)
        theirs[opened.handle] = opened
        while _bytes(theirs) > USER_BYTES:
            del theirs[opened.handle if opened.weight > USER_BYTES else next(iter(theirs))]
        if theirs:
            self._make_room(_bytes(theirs))
            self._users[opened.user_id] = theirs

    def _make_room(self, needed: int) -> None:
        """Drop the orders of the users who hold most, so that nobody pushes out those who hold little.

        Enough of them that nobody has to look through all users again soon.
        """
        if self._users.currsize + needed <= MOST_BYTES:
            return
        for user_id, _ in sorted(self._users.items(), key=lambda item: _bytes(item[1]), reverse=True):
            if self._users.currsize + needed <= ROOMY_BYTES:
                break
            del self._users[user_id]


def _bytes(theirs: dict[str, OpenOrder]) -> int:
    return sum(opened.weight for opened in theirs.values())
