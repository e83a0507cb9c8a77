"""An error → what the person reads, what the log says, and what can be tried next.

The one place for it: commands, buttons and modals all come here.
"""

import logging
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from fileflare_bot.fileflare.errors import (
    AskedTooOften,
    BadReference,
    FileflareBusy,
    FileflareDown,
    FileflareTimeout,
    LineTooLong,
    OrderNotFound,
    UnexpectedAnswer,
)
from fileflare_bot.orders.reference import ReferenceProblem
from fileflare_bot.words import N_, Words


class ListExpired(Exception):  # noqa: N818 - it states a fact
    """Raised when a button belongs to a list that is no longer held, as after a restart."""


class MissingPermission(Exception):  # noqa: N818 - it states a fact
    """Raised when a person may not do what they asked for; ``permission`` is Discord's name of what they lack."""

    def __init__(self, permission: str) -> None:
        super().__init__(permission)
        self.permission = permission


class BotLacksPermission(Exception):  # noqa: N818 - it states a fact
    """Raised when the bot may not do what it was asked for; ``permissions`` are Discord's names of what it lacks."""

    def __init__(self, permissions: str) -> None:
        super().__init__(permissions)
        self.permissions = permissions


class OutdatedCommand(Exception):  # noqa: N818 - it states a fact
    """Raised when Discord sends a command in a form that this version does not have."""


class Restarting(Exception):  # noqa: N818 - it states a fact
    """Raised when the bot is stopping and takes no new work."""


class NextStep(Enum):
    """The button that a refusal offers."""

    NOTHING = auto()
    ASK = auto()
    RETRY = auto()


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a person is told, the log's outcome and level, and the button to offer."""

    text: str
    outcome: str
    level: int
    next_step: NextStep


@dataclass(frozen=True, slots=True)
class _Row:
    sentence: str
    outcome: str
    level: int = logging.INFO
    next_step: NextStep = NextStep.NOTHING


_WHERE: Final = N_(
    "Open your order confirmation email, press **View your order**, and copy the address of the page that opens. "
    "It looks like `https://…/account/orders/0c732eb6fd98…`; the last part is the order ID."
)
_PROBLEMS: Final[dict[ReferenceProblem, str]] = {
    ReferenceProblem.EMPTY: N_("**There was no order link in that.**"),
    ReferenceProblem.ORDER_NUMBER: N_(
        "**That is the order number, not the order ID.** Numbers are easy to guess, so they open nothing."
    ),
    ReferenceProblem.NEW_ACCOUNTS_ADDRESS: N_(
        "**That is the address of your customer account, and it does not hold the order ID.** "
        "The link in your confirmation email does."
    ),
    ReferenceProblem.CHECKOUT_ADDRESS: N_(
        "**That is the address of the checkout or thank-you page, and it does not hold the order ID.**"
    ),
    ReferenceProblem.OTHER_ADDRESS: N_("**That address is not the page of an order.**"),
    ReferenceProblem.EMAIL_ADDRESS: N_("**That is an email address, not an order ID.** I do not need it."),
    ReferenceProblem.LICENCE_KEY: N_("**That looks like a licence key, not an order ID.** Keep it to yourself."),
    ReferenceProblem.NOT_AN_ID: N_("**That is not an order ID.**"),
}
_BUSY_WITHOUT_PAUSE: Final = N_(
    "**Fileflare has too many requests right now.** Nothing was used up. Please try again in a minute."
)
_BUG: Final = _Row(
    N_(
        "**Something went wrong on my side, not yours.** Please try again. "
        "If it happens again, tell this server's team the number {reference}."
    ),
    "bug",
    logging.ERROR,
)
_ROWS: Final[dict[type[Exception], _Row]] = {
    BadReference: _Row("{problem}\n{where}", "bad_reference", next_step=NextStep.ASK),
    OrderNotFound: _Row(
        N_("**Fileflare knows no order with that ID.** A character may be missing, or the order was removed.\n{where}"),
        "not_found",
        next_step=NextStep.ASK,
    ),
    FileflareBusy: _Row(
        N_("**Fileflare has too many requests right now.** Nothing was used up. Please try again in {pause}."),
        "busy",
        logging.WARNING,
        NextStep.RETRY,
    ),
    LineTooLong: _Row(
        N_("**Many people are asking right now.** There is room for you in {pause}; please try again then."),
        "line_too_long",
        logging.WARNING,
        NextStep.RETRY,
    ),
    AskedTooOften: _Row(
        N_("**That was a lot at once.** Please take a break and try again in {pause}."), "asked_too_often"
    ),
    FileflareTimeout: _Row(
        N_(
            "**Fileflare is too slow right now, so I could not read your order.** "
            "Your files are safe and nothing was used up. Please try again in a few minutes."
        ),
        "timeout",
        logging.WARNING,
        NextStep.RETRY,
    ),
    FileflareDown: _Row(
        N_(
            "**Fileflare cannot be reached right now, so I could not read your order.** "
            "Your files are safe and nothing was used up. Please try again in a few minutes."
        ),
        "down",
        logging.WARNING,
        NextStep.RETRY,
    ),
    UnexpectedAnswer: _Row(
        N_(
            "**Fileflare sent an answer that I cannot read.** Your files are safe and nothing was used up. "
            "Please try again later; if it stays so, tell this server's team."
        ),
        "unexpected_answer",
        logging.ERROR,
        NextStep.RETRY,
    ),
    ListExpired: _Row(
        N_("**This list is no longer live.** Use /{command} or press **{button}** for a new one."),
        "list_expired",
        next_step=NextStep.ASK,
    ),
    MissingPermission: _Row(
        N_("**Only people with the permission {permission} can do that here.**"), "missing_permission"
    ),
    BotLacksPermission: _Row(
        N_("**I may not do that in this channel.** Give me these permissions here, then try again: {permissions}."),
        "bot_lacks_permission",
    ),
    OutdatedCommand: _Row(
        N_("**This command has changed.** Restart Discord (Ctrl+R on a computer), then try again."), "outdated_command"
    ),
    Restarting: _Row(N_("**I am restarting.** Please try again in a minute."), "restarting"),
}


def refuse(error: Exception, words: Words, *, reference: str) -> Refusal:
    """Return the refusal for an error; ``reference`` names a bug of our own in the log and to the person."""
    row = _ROWS.get(type(error), _BUG)
    sentence = row.sentence
    values = {
        "where": words.gettext(_WHERE),
        "command": words.gettext("mydownloads"),
        "button": words.gettext("Get my downloads"),
        "reference": f"`{reference}`",
    }
    outcome = row.outcome
    match error:
        case BadReference():
            values["problem"] = words.gettext(_PROBLEMS[error.problem])
            outcome = f"{row.outcome}.{error.problem}"
        case FileflareBusy(retry_after=None):
            sentence = _BUSY_WITHOUT_PAUSE
        case FileflareBusy() | LineTooLong() | AskedTooOften():
            values["pause"] = words.pause(error.retry_after or 0)
        case MissingPermission():
            values["permission"] = error.permission
        case BotLacksPermission():
            values["permissions"] = error.permissions
    return Refusal(words.gettext(sentence, **values), outcome, row.level, row.next_step)
