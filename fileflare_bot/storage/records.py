"""What is stored, as plain frozen records: the rest of the bot sees these, never a row or a session."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from fileflare_bot.orders.diagnosis import Finding
from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.storage.options import DEFAULT_OPTIONS, Match, Options


class Topic(StrEnum):
    """What a customer says is wrong."""

    NOTHING_LEFT = "nothing_left"
    DOWNLOAD_FAILS = "download_fails"
    FILES_MISSING = "files_missing"
    WRONG_FILE = "wrong_file"
    ORDER_NOT_FOUND = "order_not_found"
    NO_EMAIL = "no_email"
    OTHER = "other"


class Resolution(StrEnum):
    """Why a request is closed."""

    FIXED = "mended"
    ANSWERED = "answered"
    PASSED_ON = "passed_on"
    NOT_OURS = "not_ours"
    NO_REPLY = "no_reply"
    CUSTOMER = "customer"  # they said that it is solved


class Action(StrEnum):
    """What somebody did; every one of them is kept."""

    FILED = "filed"
    TOOK = "took"
    HANDED_OVER = "handed_over"
    CHECKED = "checked"
    ANSWERED = "answered"
    WROTE_BACK = "wrote_back"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    POSTED_AGAIN = "posted_again"
    LOOKED_UP = "looked_up"
    DELETED_MESSAGE = "deleted_message"
    CHANGED_ANSWERS = "changed_answers"
    CHANGED_SETUP = "changed_setup"
    RELEASED_CLAIM = "released_claim"
    MOVED_CLAIM = "moved_claim"


@dataclass(frozen=True, slots=True)
class CannedAnswer:
    """A server's own ready-made answer, with its placeholders as they were written."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class GuildSettings:
    """A server's settings. Channels and roles are Discord's IDs; they may have been deleted since."""

    guild_id: int
    support_channel_id: int | None = None
    log_channel_id: int | None = None
    ping_role_id: int | None = None
    moderator_role_ids: tuple[int, ...] = ()
    canned_answers: tuple[CannedAnswer, ...] = ()
    options: Options = DEFAULT_OPTIONS
    leak_rule_id: int | None = None
    left: bool = False


@dataclass(frozen=True, slots=True)
class SeenProduct:
    """Something of a product that a rule can look at, as it was seen in an order."""

    match: Match
    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Claim:
    """An order that counts for an account; ``role_ids`` are the roles it brought, ``at`` is UTC."""

    id: int
    guild_id: int
    user_id: int
    label: str
    role_ids: tuple[int, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class SavedOrder:
    """An order that a person wants to be remembered; ``label`` holds no ID."""

    id: int
    label: str
    reference: OrderReference | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class TicketDetails:
    """What a request holds of the customer and the order; kept encrypted as a whole.

    ``name`` is how the customer was called: Discord shows a mention of somebody it does not know as a number.
    """

    order_number: str = ""
    findings: tuple[Finding, ...] = ()
    words: str = ""
    reference: OrderReference | None = field(default=None, repr=False)
    name: str = ""


@dataclass(frozen=True, slots=True)
class NewTicket:
    """A help request as it is filed."""

    guild_id: int
    user_id: int
    channel_id: int
    locale: str
    topic: Topic
    details: TicketDetails


@dataclass(frozen=True, slots=True)
class Card:
    """Where a request is shown to moderators; all None until it is posted, or after it was deleted."""

    channel_id: int | None = None
    message_id: int | None = None
    thread_id: int | None = None


@dataclass(frozen=True, slots=True)
class TicketMessage:
    """Something that a customer or a moderator wrote to the other; ``at`` is UTC."""

    author_id: int
    from_moderator: bool
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Ticket:
    """A help request as it is now; times are UTC. ``readable`` is False where no key opens its details any more."""

    id: int
    guild_id: int
    number: int
    user_id: int
    channel_id: int
    locale: str
    topic: Topic
    details: TicketDetails
    readable: bool
    resolved: bool
    resolution: Resolution | None
    resolved_by: int | None
    taken_by: int | None
    created_at: datetime
    answered_at: datetime | None
    resolved_at: datetime | None
    card: Card


@dataclass(frozen=True, slots=True)
class Filed:
    """A request that was filed, or (``existing``) the open one about the same order, with the words added to it."""

    ticket: Ticket
    existing: bool


@dataclass(frozen=True, slots=True)
class TicketPage:
    """One page of a server's requests; ``number`` counts from 1."""

    tickets: tuple[Ticket, ...]
    number: int
    of: int
    total: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """A server's requests over some days. Times are seconds, None where there is nothing to measure."""

    days: int
    filed: int
    open: int
    to_first_answer: float | None
    to_resolution: float | None
    commonest: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One action on record."""

    guild_id: int
    number: int | None
    actor_id: int
    action: Action
    at: datetime
