"""Stored data as plain frozen records: the rest of the bot sees these, never a row or a session."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

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
    NO_ROLE = "no_role"
    OTHER = "other"


class Resolution(StrEnum):
    """Why a ticket is closed."""

    FIXED = "mended"  # as databases hold it since the first version
    ANSWERED = "answered"
    PASSED_ON = "passed_on"
    NOT_OURS = "not_ours"
    NO_REPLY = "no_reply"
    CUSTOMER = "customer"  # they said that it is solved


class Action(StrEnum):
    """What an audit entry says was done."""

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
    PRODUCTS_NEEDED = "products_needed"  # rules wait for confirmed products; nobody did anything
    LOST_DESK = "lost_desk"  # somebody who may manage messages in one channel only is no moderator


class Delivery(StrEnum):
    """How an answer has reached its customer."""

    PENDING = "pending"  # a direct message comes next
    CLOSED = "closed"  # direct messages are closed: a mention comes next
    MESSAGE = "message"
    MENTION = "mention"
    LEFT = "left"  # the customer has left the guild
    FAILED = "failed"


class Stage(StrEnum):
    """For whom an open ticket waits."""

    WAITING = "waiting"  # for an answer of the moderators
    REMINDED = "reminded"  # the same, and they were reminded
    ANSWERED = "answered"  # for the customer, who has the answer
    ASKING = "asking"  # the customer's silence is over: they are being asked whether it helped
    ASKED = "asked"  # for the customer, who has that question


WAITS_FOR_MODERATORS: Final = (Stage.WAITING, Stage.REMINDED)


class GrantState(StrEnum):
    """What is known of a role that a user's claims bring."""

    WANTED = "wanted"
    GRANTING = "granting"  # the user did not have it, and the bot is giving it
    GRANTED = "granted"  # the bot gave it
    HELD = "held"  # the user had it before, so it is never revoked
    REVOKING = "revoking"


@dataclass(frozen=True, slots=True)
class CannedAnswer:
    """A guild's canned answer, with its placeholders unfilled."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class GuildSettings:
    """A guild's settings. The channels and roles are Discord IDs, and may have been deleted since."""

    guild_id: int
    support_channel_id: int | None = None
    log_channel_id: int | None = None
    ping_role_id: int | None = None
    moderator_role_ids: tuple[int, ...] = ()
    canned_answers: tuple[CannedAnswer, ...] = ()
    options: Options = DEFAULT_OPTIONS
    leak_rule_id: int | None = None
    left: bool = False
    version: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Property:
    """A property of a product, which a role rule can match; ``label`` names it for people."""

    match: Match
    value: str
    label: str


@dataclass(frozen=True, slots=True)
class SeenProduct:
    """A product seen in a guild's orders: in how many, and since when (UTC)."""

    product_id: str
    name: str
    vendor: str
    orders: int = 0
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """An order that counts for a user, None if they had their data deleted; ``at`` is UTC.

    ``role_ids`` are the roles that the order brings, ``given_role_ids`` those of them that the bot gave. ``moved`` is
    the audit entry of the move that gave it to the user, where that was asked for.
    """

    id: int
    guild_id: int
    user_id: int | None
    label: str
    role_ids: tuple[int, ...]
    at: datetime
    given_role_ids: tuple[int, ...] = ()
    moved: "AuditEntry | None" = None

    @property
    def shown(self) -> "ShownClaim":
        """The claim as it is shown to somebody who may then change it."""
        return ShownClaim(self.id, self.user_id, int(self.at.timestamp() * 1000))


@dataclass(frozen=True, slots=True)
class ShownClaim:
    """A claim as somebody was shown it: only this one is changed.

    ``milliseconds`` since 1970 are when it was made: SQLite gives the ID of a deleted row to a new one.
    """

    id: int
    user_id: int | None
    milliseconds: int


@dataclass(frozen=True, slots=True)
class SavedOrder:
    """An order that a user saved; ``label`` holds no ID."""

    id: int
    label: str
    reference: OrderReference | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class TicketDetails:
    """What a ticket knows of the customer and the order; encrypted as a whole.

    ``name`` is the customer's name: Discord shows a mention of a user it does not know as a number.
    ``order_number`` is Fileflare's, ``claimed_number`` what the customer says where Fileflare's is not known.
    ``products`` names the order's first products, for the customer alone.
    """

    order_number: str = ""
    findings: tuple[Finding, ...] = ()
    words: str = ""
    reference: OrderReference | None = field(default=None, repr=False)
    name: str = ""
    claimed_number: str = ""
    products: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewTicket:
    """A ticket before it is filed."""

    guild_id: int
    user_id: int
    channel_id: int
    locale: str
    topic: Topic
    details: TicketDetails


@dataclass(frozen=True, slots=True)
class Card:
    """Where moderators see a ticket; without a message until it is posted, and after it was deleted."""

    channel_id: int | None = None
    message_id: int | None = None
    thread_id: int | None = None


@dataclass(frozen=True, slots=True)
class TicketMessage:
    """A message between a customer and a moderator; ``at`` is UTC. An answer has a ``delivery``.

    ``asking`` marks the bot's own question whether an answer has helped.
    """

    id: int
    author_id: int
    from_moderator: bool
    text: str
    at: datetime
    delivery: Delivery | None
    asking: bool = False


@dataclass(frozen=True, slots=True)
class NewNote:
    """A note for a ticket's thread; ``colour`` is a ticket's state, ``mention`` a moderator to notify.

    A ``reminder`` goes beside the card and, without such a moderator, notifies the role to ping.
    """

    text: str
    colour: str
    mention: int | None = None
    reminder: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """A note that is not in its thread yet."""

    id: int
    text: str
    colour: str
    mention: int | None
    reminder: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PendingAnswer:
    """An answer that has not reached its customer yet; ``closing`` says that it closes the ticket.

    ``asking`` marks the bot's own question whether an earlier one has helped.
    """

    id: int
    text: str
    author_id: int
    delivery: Delivery
    closing: bool
    asking: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Removal:
    """A message that is still to be deleted, or without a message the thread itself.

    ``moderator_id`` is the moderator who deletes it, if one does.
    """

    id: int
    guild_id: int
    channel_id: int
    message_id: int | None
    moderator_id: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket; times are UTC. ``readable`` is False if no key decrypts its details any more.

    ``wrote`` is the customer's latest message if no moderator has answered since, ``reopened_by`` the moderator who
    has reopened it if neither has written since; both are read where a ticket is shown.
    """

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
    version: int = field(compare=False)
    shown_version: int = field(compare=False)
    card_wanted_at: datetime = field(compare=False)
    archived: bool = field(compare=False)
    stage: Stage | None = field(default=None, compare=False)
    stage_since: datetime | None = field(default=None, compare=False)
    wrote: TicketMessage | None = field(default=None, compare=False)
    reopened_by: int | None = field(default=None, compare=False)

    @property
    def linked(self) -> str:
        """Its number, which links its card if it has one."""
        if self.card.message_id is None:
            return f"#{self.number}"
        place = f"{self.guild_id}/{self.card.channel_id}/{self.card.message_id}"
        return f"[#{self.number}](https://discord.com/channels/{place})"

    @property
    def waits(self) -> bool:
        """Whether it waits for an answer of the moderators."""
        return not self.resolved and (self.stage in WAITS_FOR_MODERATORS or self.answered_at is None)

    @property
    def must_be_posted(self) -> bool:
        """Whether it needs a card, as none is known, or as it lost it and has something new to show.

        A resolved ticket needs it too: it can have been posted without anybody having recorded that.
        """
        return self.shown_version == 0


@dataclass(frozen=True, slots=True)
class Filed:
    """A new ticket, or (``existing``) the open one about the same order, with the words added to it.

    ``note_id`` is the note that is held for the screenshot, if there is one.
    """

    ticket: Ticket
    existing: bool
    note_id: int | None = None


@dataclass(frozen=True, slots=True)
class TicketPage:
    """One page of tickets; ``number`` counts from 1, ``of`` is the number of pages."""

    tickets: tuple[Ticket, ...]
    number: int
    of: int
    total: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """A guild's tickets over some days. Times are medians in seconds, None if there is nothing to measure."""

    days: int
    filed: int
    open: int
    to_first_answer: float | None
    to_resolution: float | None
    commonest: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what when; ``number`` is the ticket's, if it was about one."""

    guild_id: int
    number: int | None
    actor_id: int
    action: Action
    at: datetime


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel, with the options that it shows; ``message_id`` is None until it is posted.

    ``due`` says whether Discord has something to be told; ``failed`` says that the last try did not succeed;
    ``replaced`` says that a newer one is in its channel.
    """

    id: int
    guild_id: int
    channel_id: int
    message_id: int | None
    locale: str
    created_at: datetime
    wanted_at: datetime
    due: bool
    failed: bool
    replaced: bool
    options: Options


class SettingChange(NamedTuple):
    """A setting that an owner changed, ready for JSON.

    Of rules, products and answers, ``before`` counts those that are gone, and ``after`` those that are new; the next
    change names them, in a setting of its own that the version before this one leaves out. Of the panel's words,
    ``after`` holds which. The words themselves are not kept: an owner may have pasted an order link.
    """

    setting: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class AuditLine:
    """An audit entry whose line is not in the log channel yet."""

    id: int
    number: int | None
    actor_id: int
    action: Action
    at: datetime
    changes: tuple[SettingChange, ...] = ()
