"""What can go wrong with what is stored.

StorageFailed
├── StorageUnavailable       nobody: the database is away; trying later can help
├── TooManyTickets           the customer: enough help requests for now
├── NoSuchTicket             nobody: it was deleted, or never was in that guild
├── AlreadyTaken             the moderator: somebody else was faster
├── NotPossibleNow           the moderator: the ticket is in a state that does not allow it
├── NameTaken                the moderator: a canned answer of that name exists
├── NoSuchCannedAnswer       the moderator: no canned answer has that name
├── TooManyCannedAnswers     the moderator: the guild has as many canned answers as it may
├── NoSuchClaim              the moderator: no account holds that order any more
└── NoSuchSavedOrder         the customer: they have saved no such order, or forgotten it
"""

import logging

from fileflare_bot.i18n import N_
from fileflare_bot.refusal import NextStep, Refusal


class StorageFailed(Refusal):
    """Raised, as one of the classes below, when something could not be stored or read."""


class StorageUnavailable(StorageFailed):
    """Raised when the database cannot be reached or does not answer in time."""

    sentence = N_(
        "**My database cannot be reached right now.** /{command} works all the same; "
        "please try the rest again in a few minutes."
    )
    outcome = "database_away"
    level = logging.WARNING


class TooManyTickets(StorageFailed):
    """Raised when a user has as many open tickets as they may, or asked as often as they may in a day."""

    sentence = N_(
        "**You have asked for help often enough for now.** The moderators see your open requests; please wait."
    )
    outcome = "too_many_requests"


class NoSuchTicket(StorageFailed):
    """Raised when there is no such ticket in that guild."""

    sentence = N_("**That help request does not exist any more.**")
    outcome = "no_such_request"


class AlreadyTaken(StorageFailed):
    """Raised when ``moderator_id`` already works on the ticket."""

    sentence = N_("**{who} was faster and has this request.** If you agree on it, press **{hand_over}**.")
    outcome = "already_taken"

    def __init__(self, moderator_id: int) -> None:
        super().__init__("already taken", who=f"<@{moderator_id}>")
        self.moderator_id = moderator_id


class NotPossibleNow(StorageFailed):
    """Raised when a ticket is resolved and has to be open, or the other way round."""

    sentence = N_(
        "**That is not possible any more:** somebody has changed the request meanwhile. Its card shows how it is."
    )
    outcome = "not_possible_now"


class NameTaken(StorageFailed):
    """Raised when a guild has a canned answer of that name already."""

    sentence = N_("**There is a saved answer of that name.** Use /answers edit to change it.")
    outcome = "name_taken"


class NoSuchCannedAnswer(StorageFailed):
    """Raised when a guild has no canned answer of that name."""

    sentence = N_("**There is no saved answer of that name.** /answers list shows those there are.")
    outcome = "no_such_answer"


class TooManyCannedAnswers(StorageFailed):
    """Raised when a guild has as many canned answers as a Discord select shows."""

    sentence = N_("**There are 25 saved answers, and Discord shows no more.** Remove one first.")
    outcome = "too_many_answers"


class NoSuchClaim(StorageFailed):
    """Raised when a claim is not there any more, or is another guild's."""

    sentence = N_("**No account holds that order here any more.**")
    outcome = "no_such_claim"


class NoSuchSavedOrder(StorageFailed):
    """Raised when a user has no such saved order."""

    sentence = N_("**I do not remember that order any more.** Paste its order link instead.")
    outcome = "no_such_saved_order"
    next_step = NextStep.ASK
