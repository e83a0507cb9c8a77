"""An order, or the reason why there is none → findings, each with advice for customers and moderators.

Findings are the problems that Fileflare's customers really have, as far as a response shows them. ``UNSEEN``
lists what it cannot show, so that nobody takes "no findings" for "no problem". Sentences are marked for the
catalogs here and translated by the replies.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Final

from fileflare_bot.i18n import N_
from fileflare_bot.orders.file_links import LinkProblem
from fileflare_bot.orders.models import Asset, Order, Remaining
from fileflare_bot.orders.reference import ReferenceProblem


class Severity(IntEnum):
    """How badly a finding keeps a customer from a file."""

    NOTE = 1
    WARNING = 2
    BLOCKING = 3


class Kind(StrEnum):
    """What was found."""

    USED_UP = "used_up"
    MORE_CLICKS = "more_clicks"
    LAST_ONE = "last_one"
    LINK_UNAVAILABLE = "link_unavailable"
    EXTERNAL_LINK = "external_link"
    PRODUCT_WITHOUT_FILES = "no_files_product"
    ORDER_WITHOUT_FILES = "no_files_order"
    WRONG_REFERENCE = "wrong_reference"
    NOT_FOUND = "not_found"
    OUTAGE = "outage"
    PAUSED = "paused"
    NOT_ASKED = "not_asked"
    HELD_BY_OTHERS = "held_by_others"


@dataclass(frozen=True, slots=True)
class Advice:
    """What a kind of finding means; filled with ``{name}``, ``{downloaded}``, ``{limit}`` and ``{pasted}``.

    ``why`` explains it where there is room.
    """

    moderator: str
    next_step: str
    why: str = ""
    severity: Severity = Severity.BLOCKING


_OVERRIDE: Final = N_(
    "Store owner: Fileflare > Orders > the order > Override global limitations > a higher count > Save."
)
_ATTACH_AGAIN: Final = N_("Store owner: attach the file to the order again in Fileflare, or correct the external link.")

ADVICE: Final[dict[Kind, Advice]] = {
    Kind.USED_UP: Advice(
        N_("{name}: no downloads left ({downloaded} of {limit} used)."),
        _OVERRIDE,
        N_(
            "Clicks are counted, not finished downloads, so a mail scanner or a download that broke off can have used "
            "them. With a higher count, the old links work again at once."
        ),
    ),
    Kind.MORE_CLICKS: Advice(
        N_("{name}: clicked more often than it may be ({downloaded} times, limit {limit})."),
        _OVERRIDE,
        N_(
            "A mail scanner or a link preview is the likely cause, not the customer. With a higher count, the old "
            "links work again at once."
        ),
    ),
    Kind.LAST_ONE: Advice(
        N_("{name}: one download left ({downloaded} of {limit} used)."),
        N_("Tell the customer to use a steady connection, or have the store owner raise the count first."),
        severity=Severity.WARNING,
    ),
    Kind.LINK_UNAVAILABLE: Advice(
        N_("{name}: Fileflare gives no link for it that can be opened safely."), _ATTACH_AGAIN
    ),
    Kind.EXTERNAL_LINK: Advice(
        N_("{name}: an external link, so Fileflare cannot tell whether it works."),
        N_("If it does not open: the store owner corrects the link in Fileflare, or asks that website."),
        severity=Severity.NOTE,
    ),
    Kind.PRODUCT_WITHOUT_FILES: Advice(
        N_("{name}: no files on this product of the order."),
        N_("If it should have some: the store owner attaches them in Fileflare to the product and to this order."),
        severity=Severity.NOTE,
    ),
    Kind.ORDER_WITHOUT_FILES: Advice(
        N_("The order exists, but there are no files on it."),
        N_(
            "Younger than 30 minutes: have the customer try again later. Otherwise the store owner looks whether the "
            "products have files."
        ),
        N_("Only stores with Fileflare's Premium plan have files here."),
    ),
    Kind.WRONG_REFERENCE: Advice(
        N_("What was pasted is {pasted}, not an order ID."),
        N_(
            "Ask for the address behind **View your order** in the confirmation email, to be pasted into "
            "/mydownloads and nowhere else."
        ),
    ),
    Kind.NOT_FOUND: Advice(
        N_("Fileflare knows no order with the ID that the customer gave."),
        N_(
            "Have the customer copy the address from the confirmation email again. If that fails: is the order in "
            "Fileflare > Orders?"
        ),
    ),
    Kind.OUTAGE: Advice(
        N_("Fileflare gave no usable answer. That is an outage, and says nothing about the order."),
        N_("Press **Check again** in a few minutes."),
        N_("Do not tell the customer that the order does not exist."),
        severity=Severity.WARNING,
    ),
    Kind.PAUSED: Advice(
        N_("Several IDs before were unknown, so I did not look up this one."),
        N_("Press **Check again**. Not found? Find it by its number."),
        severity=Severity.WARNING,
    ),
    Kind.NOT_ASKED: Advice(
        N_("My turn to ask Fileflare did not come in time, so I did not read the order."),
        N_("Press **Check again**."),
        severity=Severity.WARNING,
    ),
    Kind.HELD_BY_OTHERS: Advice(
        N_("Another account of this server holds the order, so it counts for nobody else."),
        N_("Ask the store owner with the order number: Shopify shows them the buyer. Then **Move** or **Release** it."),
    ),
}

_CORRECT_LINK: Final = N_(
    "Store owner: correct the external link in Fileflare. It must be the whole address of a web page or a file."
)

REFUSED_LINKS: Final[dict[LinkProblem, Advice]] = {
    LinkProblem.NONE_GIVEN: Advice(N_("{name}: Fileflare gives no link for it."), _ATTACH_AGAIN),
    LinkProblem.TOO_LONG: Advice(
        N_("{name}: its link is too long for a Discord message."),
        N_(
            "The customer finds it on the store's own order page. Store owner: a shorter external link in Fileflare "
            "works here too."
        ),
    ),
    LinkProblem.NO_WEB_ADDRESS: Advice(
        N_("{name}: what Fileflare gives as its link is not a web address."), _CORRECT_LINK
    ),
    LinkProblem.USER_NAME: Advice(
        N_("{name}: its link holds a user name, which can pass for another website, so I do not show it."),
        _CORRECT_LINK,
    ),
    LinkProblem.UNREADABLE: Advice(
        N_("{name}: Fileflare's answer is damaged here, so I cannot read its link."), _ATTACH_AGAIN
    ),
    LinkProblem.LEFT_OUT: Advice(
        N_("Fileflare's answer is damaged or very long, so there may be more in this order than I can show."),
        N_("Press **Check again** in a few minutes. The customer finds everything on the store's own order page."),
    ),
}

PASTED: Final[dict[ReferenceProblem, str]] = {
    ReferenceProblem.EMPTY: N_("nothing that holds a link"),
    ReferenceProblem.ORDER_NUMBER: N_("an order number"),
    ReferenceProblem.NEW_ACCOUNTS_ADDRESS: N_("the address of a customer account"),
    ReferenceProblem.CHECKOUT_ADDRESS: N_("the address of a checkout or thank-you page"),
    ReferenceProblem.OTHER_ADDRESS: N_("the address of another page"),
    ReferenceProblem.EMAIL_ADDRESS: N_("an email address"),
    ReferenceProblem.LICENCE_KEY: N_("a licence key"),
    ReferenceProblem.CUT_OFF: N_("only the beginning of a link or an ID"),
    ReferenceProblem.NOT_AN_ID: N_("some other text"),
}


UNSEEN: Final = (
    N_(
        "**IP limit** (a phone, a VPN, another network): the store owner raises the IP slots under Fileflare > Orders "
        "> the order > Override global limitations."
    ),
    N_("**Expired links:** the store owner sets a later date there, too."),
    N_("**Payment:** an unpaid or refunded order is the store owner's decision."),
    N_("**A hold or a cancellation:** the store owner's decision; do not guess at reasons."),
)


_NOT_READ: Final = {Kind.WRONG_REFERENCE, Kind.NOT_FOUND, Kind.OUTAGE, Kind.PAUSED, Kind.NOT_ASKED}


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. ``name`` is its file or product, as the store wrote it; ``link`` says why it has no link."""

    kind: Kind
    name: str = field(default="", repr=False)
    downloaded: int | None = None
    limit: int | None = None
    problem: ReferenceProblem | None = None
    link: LinkProblem | None = None

    @property
    def advice(self) -> Advice:
        """What it means: the advice of its kind, or of what is wrong with the link."""
        return ADVICE[self.kind] if self.link is None else REFUSED_LINKS[self.link]

    @property
    def severity(self) -> Severity:
        """The severity of its kind."""
        return ADVICE[self.kind].severity


def diagnose(order: Order) -> tuple[Finding, ...]:
    """Return an order's findings, most severe first, else in the response's order; empty if all is well."""
    return tuple(sorted(_findings(order), key=lambda finding: -finding.severity))


def was_read(findings: Iterable[Finding]) -> bool:
    """Return whether these are the findings of an order that Fileflare knows, so that it may hide more."""
    return not any(finding.kind in _NOT_READ for finding in findings)


def diagnose_failure(kind: Kind, problem: ReferenceProblem | None = None) -> tuple[Finding, ...]:
    """Return the finding of a failed lookup; ``problem`` is what was pasted instead of an ID."""
    return (Finding(kind, problem=problem),)


def _findings(order: Order) -> Iterator[Finding]:
    if order.incomplete:
        yield Finding(Kind.LINK_UNAVAILABLE, link=LinkProblem.LEFT_OUT)
    elif not order.asset_count:
        yield Finding(Kind.ORDER_WITHOUT_FILES)
        return
    for line in order.lines:
        if not line.assets and not order.incomplete:
            yield Finding(
                Kind.PRODUCT_WITHOUT_FILES,
                " — ".join(name for name in (line.product.name, line.product.variant_name) if name),
            )
    told: set[tuple[str, Finding]] = set()
    for asset in order.all_assets():
        found = [(asset.data.id or "", finding) for finding in _of_asset(asset)]
        yield from (finding for id_, finding in found if not id_ or (id_, finding) not in told)  # once for each file
        told.update(found)


def _of_asset(asset: Asset) -> Iterator[Finding]:
    name, limits = asset.data.filename or "", asset.limits
    refused = asset.link if isinstance(asset.link, LinkProblem) else None
    kind = None
    if limits.remaining is Remaining.NONE and not asset.broken:
        kind, refused = Kind.MORE_CLICKS if (limits.downloaded or 0) > (limits.limit or 0) else Kind.USED_UP, None
    elif refused is not None:
        kind = Kind.LINK_UNAVAILABLE
    elif limits.remaining is Remaining.LAST:
        kind = Kind.LAST_ONE
    if kind is not None:
        yield Finding(kind, name, limits.downloaded, limits.limit, link=refused)
    if asset.data.is_link and kind in {None, Kind.LAST_ONE}:
        yield Finding(Kind.EXTERNAL_LINK, name)
