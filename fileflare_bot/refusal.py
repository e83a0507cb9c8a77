"""An error → what the person reads, what the log says, and what can be tried next.

The one place for it: commands, buttons and modals all come here.
"""

import logging
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from fileflare_bot import discord_limits as limits
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
from fileflare_bot.i18n import N_, Words
from fileflare_bot.orders.diagnosis import Kind
from fileflare_bot.orders.reference import ReferenceProblem
from fileflare_bot.storage.errors import (
    AlreadyTaken,
    NameTaken,
    NoSuchAnswer,
    NoSuchClaim,
    NoSuchRequest,
    NoSuchSavedOrder,
    NotPossibleNow,
    StorageUnavailable,
    TooManyAnswers,
    TooManyRequests,
)
from fileflare_bot.text import clean, escape
from fileflare_bot.tickets.canned import PLACEHOLDERS, UnknownPlaceholder


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


class NotAModerator(Exception):  # noqa: N818 - it states a fact
    """Raised when somebody who is no moderator of the server presses a moderator's button."""


class NoModeratorThere(Exception):  # noqa: N818 - it states a fact
    """Raised when a request is to be handed to somebody who is no moderator of its server."""


class NotYours(Exception):  # noqa: N818 - it states a fact
    """Raised when somebody wants to read or to answer what is for another person."""


class OnlyInServer(Exception):  # noqa: N818 - it states a fact
    """Raised when something that belongs to a server is asked for elsewhere."""


class NothingWritten(Exception):  # noqa: N818 - it states a fact
    """Raised when a modal comes back without an answer in it."""


class NoDesk(Exception):  # noqa: N818 - it states a fact
    """Raised when a server has no support channel; ``owner_id`` is whom to ask instead, if that is known."""

    def __init__(self, owner_id: int | None) -> None:
        super().__init__("no support channel")
        self.owner_id = owner_id


class OrderHeldByOthers(Exception):  # noqa: N818 - it states a fact
    """Raised when an order counts for as many other accounts in this server as its owner allows."""

    finding = Kind.HELD_BY_OTHERS


class WrongValue(Exception):  # noqa: N818 - it states a fact
    """Raised when a setting cannot be what was given; ``where`` names it, ``why`` says what it should be."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__("wrong value")
        self.where = where
        self.why = why


class NoSuchRule(Exception):  # noqa: N818 - it states a fact
    """Raised when a rule for buyers' roles lacks its value, or its number is not on the list."""


class TooManyRules(Exception):  # noqa: N818 - it states a fact
    """Raised when a server has as many rules for buyers' roles as it may."""


class NotUndoable(Exception):  # noqa: N818 - it states a fact
    """Raised when Discord does not let the bot delete a message, or it is gone."""


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


LONGEST_GIVEN_BACK: Final = 1500

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
    NotAModerator: _Row(N_("**Only this server's moderators can do that.**"), "not_a_moderator"),
    NoModeratorThere: _Row(
        N_("**That person is no moderator of this server.** Choose somebody who is."), "not_to_them"
    ),
    NotYours: _Row(N_("**That is for somebody else.**"), "not_yours"),
    OnlyInServer: _Row(
        N_(
            "**That works in a server only.** Go to the server of the store where you bought, "
            "use /{command} there, and press **{help}**."
        ),
        "only_in_server",
    ),
    NothingWritten: _Row(N_("**There was nothing in it.** Write something, or choose an answer."), "nothing_written"),
    NoDesk: _Row(
        N_(
            "**This server has no help desk yet.** Ask {who} and give them the order number, "
            "never the order link or the order ID."
        ),
        "no_desk",
    ),
    OrderHeldByOthers: _Row(
        N_(
            "**This order is already in use by another account here.** If it is yours, press **{help}**, "
            "and a moderator will move it to you."
        ),
        "held_by_others",
    ),
    WrongValue: _Row(N_("**Nothing was changed:** {where} cannot be that ({why})."), "wrong_value"),
    NoSuchRule: _Row(
        N_("**That rule is not complete, or not on the list.** Name what an order must have; /store roles list helps."),
        "no_such_rule",
    ),
    TooManyRules: _Row(N_("**There are 25 rules already.** Remove one first."), "too_many_rules"),
    NoSuchClaim: _Row(N_("**No account holds that order here any more.**"), "no_such_claim"),
    NoSuchSavedOrder: _Row(
        N_("**I do not remember that order any more.** Paste its order link instead."),
        "no_such_saved_order",
        next_step=NextStep.ASK,
    ),
    NotUndoable: _Row(
        N_(
            "**I could not delete that message.** It is gone already, or I lack the permission Manage Messages "
            "there; then please delete it yourself."
        ),
        "not_deleted",
    ),
    StorageUnavailable: _Row(
        N_(
            "**My database cannot be reached right now.** /{command} works all the same; "
            "please try the rest again in a few minutes."
        ),
        "database_away",
        logging.WARNING,
    ),
    TooManyRequests: _Row(
        N_("**You have asked for help often enough for now.** The moderators see your open requests; please wait."),
        "too_many_requests",
    ),
    NoSuchRequest: _Row(N_("**That help request does not exist any more.**"), "no_such_request"),
    AlreadyTaken: _Row(
        N_("**{who} was faster and has this request.** If you agree on it, press **{hand_over}**."), "already_taken"
    ),
    NotPossibleNow: _Row(
        N_("**That is not possible any more:** somebody has changed the request meanwhile. Its card shows how it is."),
        "not_possible_now",
    ),
    NameTaken: _Row(N_("**There is a saved answer of that name.** Use /answers edit to change it."), "name_taken"),
    NoSuchAnswer: _Row(
        N_("**There is no saved answer of that name.** /answers list shows those there are."), "no_such_answer"
    ),
    TooManyAnswers: _Row(
        N_("**There are 25 saved answers, and Discord shows no more.** Remove one first."), "too_many_answers"
    ),
    UnknownPlaceholder: _Row(
        N_("**Nothing fills {name}.** There are these placeholders: {placeholders}."), "unknown_placeholder"
    ),
    Restarting: _Row(N_("**I am restarting.** Please try again in a minute."), "restarting"),
}


def given_back(written: str, words: Words) -> str:
    """Return what somebody wrote, to be copied from under a refusal, or nothing where they wrote nothing."""
    if not written.strip():
        return ""
    text = limits.shorten(clean(written, lines=True).replace("`", "'"), LONGEST_GIVEN_BACK)
    return "\n" + words.gettext("What you wrote, to be copied:") + f"\n```\n{text}\n```"


def refuse(error: Exception, words: Words, *, reference: str) -> Refusal:
    """Return the refusal for an error; ``reference`` names a bug of our own in the log and to the person."""
    row = _ROWS.get(type(error), _BUG)
    sentence = row.sentence
    values = {
        "where": words.gettext(_WHERE),
        "command": words.gettext("mydownloads"),
        "button": words.gettext("Get my downloads"),
        "help": words.gettext("Get help"),
        "hand_over": words.gettext("Hand over"),
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
        case AlreadyTaken():
            values["who"] = f"<@{error.moderator_id}>"
        case NoDesk():
            values["who"] = f"<@{error.owner_id}>" if error.owner_id else words.gettext("this server's team")
        case WrongValue():
            values["where"], values["why"] = f"`{clean(error.where)[:80]}`", escape(clean(error.why)[:200])
        case UnknownPlaceholder():
            values["name"] = escape(f"{{{clean(error.name)}}}")
            values["placeholders"] = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    return Refusal(words.gettext(sentence, **values), outcome, row.level, row.next_step)
