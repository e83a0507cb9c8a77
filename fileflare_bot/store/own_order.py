"""Reads an order that a store's owner has pasted, and tells an owner where to get one."""

from typing import ClassVar

from fileflare_bot.fileflare.errors import PROBLEMS, BadReference, OrderNotFound
from fileflare_bot.fileflare.lookups import Lookups
from fileflare_bot.fileflare.request_queue import LONGEST_WAIT, Requester
from fileflare_bot.i18n import N_, Translator
from fileflare_bot.interactions.reply import Reply
from fileflare_bot.orders.models import Order
from fileflare_bot.orders.reference import ReferenceProblem
from fileflare_bot.refusal import Refusal


class NoOwnOrder(Refusal):
    """Raised when an owner has pasted no order link, or an unknown one; ``problem`` says what it is instead."""

    sentence = N_(
        "**Take the order link of one of your own orders,** such as a test order: in its confirmation email, press and "
        "hold **View your order** (on a computer, right-click it), and copy the link."
    )
    unknown: ClassVar[str] = N_("**Fileflare knows no order with that ID.**")

    def __init__(self, problem: ReferenceProblem | None = None, *, cut_to: int | None = None) -> None:
        super().__init__("no order")
        self._problem = problem
        self._cut_to = cut_to

    def text(self, translator: Translator) -> str:
        """Return what was pasted instead, and where an owner finds an order link."""
        what = translator.gettext(self.unknown if self._problem is None else PROBLEMS[self._problem])
        if self._cut_to is not None:
            what = translator.gettext(OrderNotFound.cut_off, count=self._cut_to, where="").rstrip()
        return what + "\n" + translator.gettext(self.sentence)


async def own_order(reply: Reply, lookups: Lookups, pasted: str) -> Order:
    """Return the order that an owner has pasted; what else a lookup raises is the same for everybody.

    Raises:
        NoOwnOrder: there is no order ID in it, or Fileflare does not know it.
        OrderNotFound: it does not, and a pause for unknown IDs is near.
    """
    try:
        reference = reply.reference(pasted)
        requester = Requester(reply.user.id, reply.guild_id, staff=True)
        return (await lookups.find(reference, requester, patience=LONGEST_WAIT)).order
    except BadReference as error:
        raise NoOwnOrder(error.problem) from None
    except OrderNotFound as error:
        if error.tries_left in {0, 1}:
            raise
        raise NoOwnOrder(cut_to=error.cut_to) from None
