"""Why a lookup gives no order, split by who must act.

LookupFailed
├── BadReference            the customer: the pasted text holds no order ID
├── AskedTooOften           the customer: must pause
│   ├── TooManyLookups          after many lookups
│   └── Guessing                after several unknown orders
├── OrderNotFound           nobody: Fileflare knows no such order
├── OrderGone               nobody: it knew the order when the customer opened it before
├── LineEnded               the customer: their place in the line is gone
│   ├── LeftLine                they have given it up
│   ├── AskedAgain              it belongs to their newer reply
│   ├── PlaceReserved           the line is longer than a reply can wait; they have a place for later
│   └── LineClosed              the bot stops
└── FileflareUnavailable    Fileflare; trying later can help
    ├── FileflareTimeout        no response in time
    ├── FileflareDown           unreachable, or responded 5xx
    ├── FileflareBusy           responded 429, and may say how long to pause
    ├── QueueFull               our own pace: more are waiting than this lookup has time for
    └── UnexpectedResponse      the response holds no order

No error text holds the pasted text, the order ID, a link or part of the response.
"""

import logging
import math
import time
from typing import ClassVar, Final

from fileflare_bot.i18n import N_, Translator
from fileflare_bot.orders.diagnosis import Kind
from fileflare_bot.orders.reference import ReferenceProblem
from fileflare_bot.refusal import NextStep, Refusal

_WHERE: Final = N_(
    "In your order confirmation email, press and hold **View your order** (on a computer, right-click it), copy the "
    "link without opening it, and paste that instead. An order link looks like "
    "`https://…/account/orders/0c732eb6fd98…`; the last part is the order ID."
)
_COPY_LINK: Final = N_(
    "The link in your order confirmation email does. On a phone, press and hold **View your order** there, then "
    "**Copy link**; on a computer, right-click it and copy the link. Paste that link without opening it first."
)
_ELSEWHERE: Final = N_("Do you need help? Use /{command} in the store's server and press **{help}** there.")
PROBLEMS: Final[dict[ReferenceProblem, str]] = {
    ReferenceProblem.EMPTY: N_("**There was no order link in that.**"),
    ReferenceProblem.ORDER_NUMBER: N_(
        "**That is the order number, not the order ID.** Numbers are easy to guess, so they open nothing."
    ),
    ReferenceProblem.NEW_ACCOUNTS_ADDRESS: N_(
        "**That is the address of your customer account, and it does not hold the order ID.**"
    ),
    ReferenceProblem.CHECKOUT_ADDRESS: N_(
        "**That is the address of the checkout or thank-you page, and it does not hold the order ID.**"
    ),
    ReferenceProblem.OTHER_ADDRESS: N_("**That address is not the page of an order.**"),
    ReferenceProblem.EMAIL_ADDRESS: N_("**That is an email address, not an order ID.** I do not need it."),
    ReferenceProblem.LICENCE_KEY: N_("**That looks like a licence key, not an order ID.** Keep it to yourself."),
    ReferenceProblem.CUT_OFF: N_("**That looks cut off: it is only the beginning of an order link or order ID.**"),
    ReferenceProblem.NOT_AN_ID: N_("**That is not an order ID.**"),
}


class LookupFailed(Refusal):
    """Raised, as one of the classes below, when a lookup gave no order.

    ``finding`` is what moderators read about it, or None if only waiting helps.
    """

    finding: ClassVar[Kind | None] = None


class BadReference(LookupFailed):
    """Raised when the pasted text holds no order ID; ``problem`` says what it is instead.

    Without ``in_server``, help is elsewhere.
    """

    finding = Kind.WRONG_REFERENCE
    next_step = NextStep.ASK
    says_where = True

    def __init__(self, problem: ReferenceProblem, *, in_server: bool = True) -> None:
        super().__init__(problem.value)
        self.problem = problem
        self.in_server = in_server
        self.outcome = f"bad_reference.{problem}"

    def text(self, translator: Translator) -> str:
        """Return what was pasted instead, and where to find the order ID."""
        where = _COPY_LINK if self.problem is ReferenceProblem.NEW_ACCOUNTS_ADDRESS else _WHERE
        text = translator.gettext(PROBLEMS[self.problem]) + "\n" + translator.gettext(where)
        return text if self.in_server else f"{text}\n{self.filled(_ELSEWHERE, translator)}"


class AskedTooOften(LookupFailed):
    """Raised, as one of the classes below, when a user or a guild has to pause for ``retry_after`` seconds."""

    next_step = NextStep.RETRY

    def __init__(self, retry_after: float) -> None:
        super().__init__("has to pause", pause=retry_after)
        self.retry_after = retry_after


class TooManyLookups(AskedTooOften):
    """Raised when a user has made too many lookups, or waits for too many orders at once."""

    sentence = N_("**That was a lot at once.** Please take a break and try again in {pause}.")
    outcome = "asked_too_often"


class Guessing(AskedTooOften):
    """Raised during the pause that follows order IDs which do not exist."""

    sentence = N_(
        "**Several order IDs were unknown here, so I take no more for a while.** Try again in {pause}. Or press "
        "**{help}** now: this server's team can find your order by its number."
    )
    in_messages: ClassVar[str] = N_(
        "**Several order IDs were unknown here, so I take no more for a while.** Try again in {pause}. Or use "
        "/{command} in the store's server and press **{help}** there: its team can find your order by its number."
    )
    finding = Kind.PAUSED

    def __init__(self, retry_after: float, *, in_server: bool = True) -> None:
        super().__init__(retry_after)
        self.in_server = in_server
        if not in_server:
            self.sentence = self.in_messages


class OrderNotFound(LookupFailed):
    """Raised when Fileflare knows no order with that ID; ``denied`` if it said so by 401 or 403.

    ``tries_left`` is how many more unknown IDs start a pause of ``pause`` seconds: 0 if this one has, None if nobody
    counts. Without ``in_server``, help is elsewhere. ``cut_to`` is how many characters the ID has, if it looks cut off;
    such an ID counts as unknown all the same, because nothing promises the length of an ID.
    """

    sentence = N_(
        "**Fileflare knows no order with that ID.** A character may be missing, or the order was removed.\n{where}"
    )
    cut_off: ClassVar[str] = N_(
        "**Fileflare knows no order with that ID.** It has only {count} characters; an order ID mostly has 32, so it "
        "may be cut off.\n{where}"
    )
    still: ClassVar[str] = N_("If you have copied all of it and it is still unknown, ask for help.")
    still_in_messages: ClassVar[str] = N_(
        "If you have copied all of it and it is still unknown, use /{command} in the store's server and press "
        "**{help}** there."
    )
    outcome = "not_found"
    finding = Kind.NOT_FOUND
    next_step = NextStep.ASK
    says_where = True
    warnings: ClassVar[dict[int | None, str]] = {
        1: N_("**Careful:** if the next ID is unknown too, I take no more for {pause}. Not sure? Press **{help}**."),
        0: N_(
            "**That was one unknown ID too many, so I take no more for {pause}.** **{help}** works meanwhile: this "
            "server's team can find your order by its number."
        ),
    }
    warnings_in_messages: ClassVar[dict[int | None, str]] = {
        1: N_(
            "**Careful:** if the next ID is unknown too, I take no more for {pause}. Not sure? Use /{command} in the "
            "store's server and press **{help}** there."
        ),
        0: N_(
            "**That was one unknown ID too many, so I take no more for {pause}.** Meanwhile, use /{command} in the "
            "store's server and press **{help}** there: its team can find your order by its number."
        ),
    }

    def __init__(
        self,
        why: str = "",
        *,
        denied: bool = False,
        tries_left: int | None = None,
        pause: float = 0.0,
        in_server: bool = True,
        cut_to: int | None = None,
    ) -> None:
        super().__init__(why, pause=pause)
        self.denied = denied
        self.tries_left = tries_left
        self.in_server = in_server
        self.cut_to = cut_to
        if tries_left == 0:  # nothing that is pasted helps during the pause
            self.next_step, self.says_where = NextStep.NOTHING, False

    def text(self, translator: Translator) -> str:
        """Return that the order is unknown, whether a pause is near, and unless it is there, where to find the ID."""
        sentence = self.sentence if self.cut_to is None else self.cut_off
        text = translator.gettext(sentence, where=translator.gettext(_WHERE), count=self.cut_to or 0)
        warnings = self.warnings if self.in_server else self.warnings_in_messages
        if warning := warnings.get(self.tries_left):
            head, _, rest = text.partition("** ")
            text = f"{head}**\n{self.filled(warning, translator)}"
            if self.tries_left == 0:
                return text
            text += f"\n{rest}"
        if self.in_server or not warning:  # in messages, a warning says where to ask for help, too
            text += "\n" + self.filled(self.still if self.in_server else self.still_in_messages, translator)
        return text


class OrderGone(LookupFailed):
    """Raised when Fileflare no longer knows an order that the user has opened before."""

    sentence = N_(
        "**Fileflare no longer knows this order.** The store may have removed it. Do you need its files? Press "
        "**{help}**."
    )
    in_messages: ClassVar[str] = N_(
        "**Fileflare no longer knows this order.** The store may have removed it. Do you need its files? Use "
        "/{command} in the store's server and press **{help}** there."
    )
    finding = Kind.NOT_FOUND
    next_step = NextStep.ASK

    def __init__(self, why: str = "", *, in_server: bool = True) -> None:
        super().__init__(why)
        if not in_server:
            self.sentence = self.in_messages


class FileflareUnavailable(LookupFailed):
    """Raised, as one of the classes below, when Fileflare gave no usable response.

    ``passes_soon`` means that a retry within a second may succeed.
    """

    level = logging.WARNING
    finding: ClassVar[Kind | None] = Kind.OUTAGE
    next_step = NextStep.RETRY

    def __init__(self, why: str = "", /, *, passes_soon: bool = False, **values: float) -> None:
        super().__init__(why, **values)
        self.passes_soon = passes_soon


class FileflareTimeout(FileflareUnavailable):
    """Raised when Fileflare did not respond within the timeout."""

    sentence = N_(
        "**Fileflare is too slow right now, so I could not read your order.** "
        "Your files are safe and nothing was used up. Please try again in a few minutes."
    )
    outcome = "timeout"


class FileflareDown(FileflareUnavailable):
    """Raised when Fileflare is unreachable, drops the connection, responds 5xx, or denies everybody's orders.

    ``next_attempt`` is in how many seconds it is asked again, if it was not asked because it is away.
    """

    sentence = N_(
        "**Fileflare cannot be reached right now, so I could not read your order.** "
        "Your files are safe and nothing was used up. Please try again in a few minutes."
    )
    not_asked: ClassVar[str] = N_(
        "**Fileflare cannot be reached right now, so I could not read your order.** "
        "Your files are safe and nothing was used up. I ask it again in {pause}; please try again then."
    )
    outcome = "down"

    def __init__(self, why: str = "", /, *, passes_soon: bool = False, next_attempt: float | None = None) -> None:
        super().__init__(why, passes_soon=passes_soon, pause=next_attempt or 0.0)
        self.next_attempt = next_attempt
        if next_attempt is not None:
            self.sentence = self.not_asked


class FileflareBusy(FileflareUnavailable):
    """Raised on 429. ``retry_after`` is the requested pause in seconds, or None."""

    sentence = N_("**Fileflare has too many requests right now.** Nothing was used up. Please try again in {pause}.")
    without_pause: ClassVar[str] = N_(
        "**Fileflare has too many requests right now.** Nothing was used up. Please try again in a minute."
    )
    outcome = "busy"

    def __init__(self, retry_after: float | None = None) -> None:
        super().__init__("asked for a pause", pause=retry_after or 0.0)
        self.retry_after = retry_after
        if retry_after is None:
            self.sentence = self.without_pause


class QueueFull(FileflareUnavailable):
    """Raised when more people wait than a lookup has time for; its turn would come in ``retry_after`` seconds."""

    sentence = N_("**Many people are asking right now.** There is room for you in {pause}; please try again then.")
    finding = None

    def __init__(self, retry_after: float) -> None:
        super().__init__("too many wait", pause=retry_after)
        self.retry_after = retry_after


class UnexpectedResponse(FileflareUnavailable):
    """Raised when a response holds no order: not JSON, wrong shape, too large, or from another host."""

    sentence = N_(
        "**Fileflare sent an answer that I cannot read.** Your files are safe and nothing was used up. "
        "Please try again later; if it stays so, tell the store's team."
    )
    level = logging.ERROR


class LineEnded(LookupFailed):
    """Raised, as one of the classes below, when somebody's place in the line is gone."""


class LeftLine(LineEnded):
    """Raised when users have given their place up."""

    sentence = N_("**You have left the line.** Press **Try again** when you want your downloads.")
    next_step = NextStep.RETRY


class AskedAgain(LineEnded):
    """Raised when users have asked for the same order again, so that their place belongs to that reply."""

    sentence = N_("**You have asked again,** so your downloads come where you asked last.")


class PlaceReserved(LineEnded):
    """Raised when the line is longer than a reply can wait; in ``seconds`` the user goes first."""

    sentence = N_(
        "**So many people are asking that I cannot keep this message for long enough.** A place is reserved for you: "
        "ask again in {pause}, at {time}. For ten minutes from then on you go first."
    )
    next_step = NextStep.RETRY

    def __init__(self, seconds: float) -> None:
        at = math.ceil(time.time() + seconds)
        super().__init__("the line is too long", pause=max(seconds, 1.0), time=f"<t:{at}:t>")
        self.seconds = seconds


class LineClosed(LineEnded):
    """Raised for everybody who waits when the bot stops."""

    sentence = N_(
        "**I am restarting, so your place in the line is gone.** Nothing was used up: press **{button}** in a minute."
    )
    next_step = NextStep.ASK
