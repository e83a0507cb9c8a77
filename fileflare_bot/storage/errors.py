"""Storage errors; each class says when it is raised."""

import logging
import math
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Final

from fileflare_bot.i18n import N_, Translator, ngettext_noop
from fileflare_bot.refusal import NextStep, Refusal

NOBODY: Final = N_("an account that had its data deleted")


class StorageUnavailable(Refusal):
    """Raised when the database is unreachable or does not respond in time."""

    sentence = N_(
        "**My database cannot be reached right now.** /{command} still opens an order by its link; "
        "please try the rest again in a few minutes."
    )
    outcome = "database_away"
    level = logging.WARNING


class TooManyTickets(Refusal):
    """Raised when a user has reached the limit of open tickets, or of tickets or messages a day.

    ``open_tickets`` are the ID, the number and the order's number, if it is known, of those to which they may add
    something, out of all ``count`` that are open; ``again_at`` is when a limit a day ends, of ``filed`` tickets or of
    messages.
    """

    sentence = N_("**You have written to the moderators as often as you can in a day.**")
    too_many_filed: ClassVar[str] = N_("**You have filed as many help requests as you can in a day.**")
    too_many_open: ClassVar[tuple[str, str]] = ngettext_noop(
        "**You have {count} open help request, and this store takes no more at once.**",
        "**You have {count} open help requests, and this store takes no more at once.**",
    )
    wait: ClassVar[str] = N_("The moderators see your open requests; please wait.")
    later: ClassVar[str] = N_(
        "You can write to the moderators again {when}; until then, /{command} still opens your orders."
    )
    file_later: ClassVar[str] = N_("You can file another one {when}; until then, /{command} still opens your orders.")
    to_add: ClassVar[str] = N_("To add something to an open one, press its button.")
    outcome = "too_many_requests"

    def __init__(
        self,
        open_tickets: Sequence[tuple[int, int, str]] = (),
        again_at: datetime | None = None,
        *,
        count: int = 0,
        filed: bool = False,
    ) -> None:
        super().__init__("too many tickets")
        self.open_tickets = tuple(open_tickets)
        self.again_at = again_at
        self._count = count
        self._filed = filed

    def text(self, translator: Translator) -> str:
        """Return the sentence, until when it holds, and which tickets are open, if known."""
        if self.again_at is None:
            text = translator.ngettext(*self.too_many_open, self._count) + " " + translator.gettext(self.wait)
        else:
            when = f"<t:{math.ceil(self.again_at.timestamp())}:R>"
            said = (self.too_many_filed, self.file_later) if self._filed else (self.sentence, self.later)
            command = translator.gettext("mydownloads")
            text = " ".join(translator.gettext(each, when=when, command=command) for each in said)
        if not self.open_tickets:
            return text
        return text + " " + translator.gettext(self.to_add)


class NoSuchTicket(Refusal):
    """Raised when the guild has no such ticket."""

    sentence = N_("**That help request does not exist any more.**")
    outcome = "no_such_request"


class AlreadyTaken(Refusal):
    """Raised when ``moderator_id`` already works on the ticket."""

    sentence = N_("**{who} was faster and has this request.** If you agree on it, press **{hand_over}**.")

    def __init__(self, moderator_id: int) -> None:
        super().__init__("already taken", who=f"<@{moderator_id}>")
        self.moderator_id = moderator_id


class NotPossibleNow(Refusal):
    """Raised when a ticket is resolved but must be open, or the other way round.

    ``closed_by`` closed it ``at`` this time; without them, its customer asks. ``opened`` says that it is open;
    ``other`` is the open ticket about the same order that keeps it closed.
    """

    sentence = N_(
        "**The help request is closed already.** There is nothing left for you to do. If you write back, it is open "
        "again."
    )
    closed: ClassVar[str] = N_(
        "**The help request is closed already:** {who} closed it {when}. **{reopen}** opens it again, and so does a "
        "reply of the customer."
    )
    is_open: ClassVar[str] = N_("**The help request is open already.** Go on with it.")
    has_other: ClassVar[str] = N_(
        "**Another help request about it is open: {other}.** Go on there; this one stays closed."
    )

    def __init__(
        self, *, closed_by: int | None = None, at: datetime | None = None, opened: bool = False, other: str = ""
    ) -> None:
        when = "" if at is None else f"<t:{int(at.timestamp())}:R>"
        super().__init__("not possible now", who=f"<@{closed_by}>", when=when, other=other)
        self.is_closed = not (opened or other)  # it would be possible if the ticket were reopened
        if other:
            self.sentence = self.has_other
        elif opened:
            self.sentence = self.is_open
        elif closed_by is not None and at is not None:
            self.sentence = self.closed


class NameTaken(Refusal):
    """Raised when a guild already has a canned answer of that name."""

    sentence = N_("**There is a saved answer of that name.** Use /answers edit to change it.")


class NoSuchCannedAnswer(Refusal):
    """Raised when a guild has no canned answer of that name."""

    sentence = N_("**There is no saved answer of that name.** /answers list shows those there are.")
    outcome = "no_such_answer"


class TooManyCannedAnswers(Refusal):
    """Raised when a guild has as many canned answers as a Discord select shows."""

    sentence = N_("**There are 25 saved answers, and Discord shows no more.** Remove one first.")
    outcome = "too_many_answers"


class NoSuchClaim(Refusal):
    """Raised when a claim is gone, is another guild's, or is no longer held by the user that a moderator was shown.

    ``holders`` are the users for whom the order counts now, None if that is not known; one of them is None if they had
    their data deleted.
    """

    sentence = N_("**I have changed nothing: the order no longer counts for the account that you were shown.**")
    in_place = True
    held: ClassVar[str] = N_("It counts for {who} now.")
    free: ClassVar[str] = N_("It counts for nobody now, so the next account that opens it holds it.")
    unknown: ClassVar[str] = N_("/claims order shows for whom it counts now.")

    def __init__(self, holders: Sequence[int | None] | None = None) -> None:
        super().__init__("no such claim")
        self.holders = holders

    def text(self, translator: Translator) -> str:
        """Return the sentence, and for whom the order counts now, if known."""
        if self.holders is None:
            now = translator.gettext(self.unknown)
        elif self.holders:
            names = [translator.gettext(NOBODY) if user is None else f"<@{user}>" for user in self.holders]
            now = translator.gettext(self.held, who=", ".join(names))
        else:
            now = translator.gettext(self.free)
        return f"{super().text(translator)} {now}"


class HeldByThem(Refusal):
    """Raised when a claim is moved to the user who holds it."""

    sentence = N_("**The order counts for them already.** Choose another account.")


class NoSuchSavedOrder(Refusal):
    """Raised when a user has no such saved order."""

    sentence = N_("**I do not remember that order any more.** Paste its order link instead.")
    next_step = NextStep.ASK
