"""What can go wrong between a pasted text and an order, split by who must act.

LookupFailed
├── BadReference            the customer: what was pasted points to no order
├── AskedTooOften           the customer: a pause, after many lookups or several unknown orders
├── OrderNotFound           nobody: Fileflare knows no such order
└── FileflareUnavailable    Fileflare; trying later can help
    ├── FileflareTimeout        it did not answer in time
    ├── FileflareDown           it could not be reached, or says that it is out of order
    ├── FileflareBusy           it asks for a pause, and may say how long
    ├── LineTooLong             it may not be asked faster, and too many wait already
    └── UnexpectedAnswer        it answered something that is no order

No error's text holds what was pasted, the order's ID, a link, or a piece of the answer.
"""

from typing import ClassVar

from fileflare_bot.orders.diagnosis import Kind
from fileflare_bot.orders.reference import ReferenceProblem


class LookupFailed(Exception):  # noqa: N818 - the root reads as the fact it states
    """Raised when a lookup gave no order; never itself, always as one of the classes below.

    ``finding`` is what a moderator has to know of it, or None where only waiting helps.
    """

    finding: ClassVar[Kind | None] = None


class BadReference(LookupFailed):
    """Raised when what was pasted points to no order; ``problem`` says what it is instead."""

    finding = Kind.WRONG_REFERENCE

    def __init__(self, problem: ReferenceProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


class AskedTooOften(LookupFailed):
    """Raised when a person or a server has to pause for ``retry_after`` seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("has to pause")
        self.retry_after = retry_after


class OrderNotFound(LookupFailed):
    """Raised when Fileflare knows no order of that ID."""

    finding = Kind.NOT_FOUND


class FileflareUnavailable(LookupFailed):
    """Raised, as one of the classes below, when Fileflare gave no usable answer.

    ``passes_soon`` marks a fault that another try within the second may not meet.
    """

    finding: ClassVar[Kind | None] = Kind.OUTAGE

    def __init__(self, why: str = "", *, passes_soon: bool = False) -> None:
        super().__init__(why)
        self.passes_soon = passes_soon


class FileflareTimeout(FileflareUnavailable):
    """Raised when Fileflare did not answer within the timeout."""


class FileflareDown(FileflareUnavailable):
    """Raised when Fileflare could not be reached, broke off, or answered 5xx."""


class FileflareBusy(FileflareUnavailable):
    """Raised on 429. ``retry_after`` is the pause it asked for in seconds, or None."""

    def __init__(self, retry_after: float | None = None) -> None:
        super().__init__("asked for a pause")
        self.retry_after = retry_after


class LineTooLong(FileflareUnavailable):
    """Raised when too many wait for their turn; there is one in ``retry_after`` seconds."""

    finding = None

    def __init__(self, retry_after: float) -> None:
        super().__init__("too many wait")
        self.retry_after = retry_after


class UnexpectedAnswer(FileflareUnavailable):
    """Raised when an answer is no order: not JSON, of another shape, too large, or from somewhere else."""
