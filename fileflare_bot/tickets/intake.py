"""How a customer asks for help: the button, the checks, and what a ticket stores about the order."""

import asyncio
import re
from typing import Final

import discord
import structlog
from discord.ext import commands

from fileflare_bot.discord_errors import FAILURES, UNKNOWN_MEMBER, UNKNOWN_USER, code_of, name_of
from fileflare_bot.fileflare.errors import LookupFailed, TooManyLookups
from fileflare_bot.fileflare.lookups import Lookups
from fileflare_bot.fileflare.request_queue import Requester
from fileflare_bot.i18n import N_, Translator
from fileflare_bot.interactions.components import button
from fileflare_bot.orders.diagnosis import Finding, Kind, diagnose, diagnose_failure, was_read
from fileflare_bot.orders.hiding import hide_references
from fileflare_bot.orders.labels import plain_number, product_names
from fileflare_bot.orders.reference import OrderReference, ReferenceProblem, parse_reference
from fileflare_bot.refusal import Refusal, Translated
from fileflare_bot.storage.records import GuildSettings, TicketDetails

HIDDEN: Final = "[…]"  # replaces links and order IDs in a customer's words
_BETWEEN_WORDS: Final = re.compile(r"[\s:,;]+")
_BEFORE_NUMBER: Final = re.compile(r"^(?:.*#|n[or]\.?(?=\d))", re.IGNORECASE)
_HEXADECIMAL: Final = re.compile(r"[0-9a-f]+", re.IGNORECASE | re.ASCII)
_PART_BESIDE_A_WORD: Final = 8  # hexadecimal characters with a letter: order numbers have as many digits, too
_PART_ALONE: Final = 12  # a shorter one can be a number with letters
MEMBER_SECONDS: Final = 3.0  # to ask Discord whether somebody is a member

log = structlog.stdlib.get_logger(__name__)


class NoDesk(Refusal):
    """Raised when a guild has no support channel; ``owner_id`` is the owner to ask instead, if known."""

    sentence = N_(
        "**This server has no help desk yet.** Ask {who} and give them the order number, "
        "never the order link or the order ID."
    )

    def __init__(self, owner_id: int | None) -> None:
        super().__init__(who=f"<@{owner_id}>" if owner_id else Translated(N_("this server's team")))


class NothingWritten(Refusal):
    """Raised when a modal is submitted without any text."""

    sentence = N_("**There was nothing in it.** Write something, or choose an answer.")


class NothingToFindItBy(Refusal):
    """Raised when somebody asks for an unknown order, and gives neither its number nor anything else to find it by."""

    sentence = N_(
        "**Without the order number nobody can find it.** It is in your order confirmation email. None at hand? Say in "
        "your own words what you bought, and when."
    )
    outcome = "no_order_number"


class NotAMember(Refusal):
    """Raised when somebody who has left a guild, or was banned, writes to its moderators."""

    sentence = N_("**You are not in that server any more, so nothing was done.** Join it again, then try once more.")


def require_desk(settings: GuildSettings, guild: discord.Guild | None) -> None:
    """Check that the guild has a help desk.

    Raises:
        NoDesk: it has none.
    """
    if settings.support_channel_id is None:
        raise NoDesk(guild.owner_id if guild is not None else None)


async def require_member(bot: commands.AutoShardedBot, guild_id: int, user_id: int) -> None:
    """Check that a user is a member of a guild. If Discord does not say so within three seconds, they pass.

    Raises:
        NotAMember: they are none.
    """
    try:
        async with asyncio.timeout(MEMBER_SECONDS):
            await bot.http.get_member(guild_id, user_id)
    except FAILURES as error:
        if code_of(error) in {UNKNOWN_MEMBER, UNKNOWN_USER}:
            raise NotAMember from None
        log.info("member_not_known", guild_id=guild_id, error=name_of(error))


def help_button(
    translator: Translator, handle: str, finding: Finding | None, claimed_number: str = "", *, label: str = ""
) -> discord.ui.Button[discord.ui.View]:
    """Return the button that asks for help with an open order, or with the finding of a failed lookup.

    ``claimed_number`` is the order number that was pasted there, for the form. A ``label`` replaces **Get help**.
    """
    kind = finding.kind if finding is not None else ""
    problem = finding.problem if finding is not None and finding.problem is not None else ""
    custom_id = f"help:ask:{handle}:{kind}.{problem}" + (f":{claimed_number}" if claimed_number else "")
    return button(label or translator.gettext("Get help"), custom_id, emoji="🛟")


def write_button(translator: Translator, ticket_id: int) -> discord.ui.Button[discord.ui.View]:
    """Return the button that continues a ticket, for what its customer opened from an answer."""
    return button(translator.gettext("Write back"), f"help:write:{ticket_id}", emoji="✍️")


def pasted_number(pasted: str) -> str:
    """Return the order number that somebody pasted instead of an order ID, or an empty string."""
    is_number = parse_reference(pasted) is ReferenceProblem.ORDER_NUMBER
    return typed_number(pasted) if is_number else ""


def typed_number(text: str, token: str = "") -> str:
    """Return an order number without what was typed around it, such as "Order #"; empty as in sorted_out()."""
    text = hide_secrets(text, token)
    words = [word.strip(".!?()") for word in _BETWEEN_WORDS.split(text) if any(map(str.isdigit, word))]
    if not words:  # such as "I do not know"
        return ""
    number = plain_number(_BEFORE_NUMBER.sub("", words[0]) if len(words) == 1 and HIDDEN not in text else text)
    shortest = _PART_BESIDE_A_WORD if re.search(r"\W", number) else _PART_ALONE
    runs = _HEXADECIMAL.findall(number)
    return "" if any(len(run) >= shortest and not run.isdecimal() for run in runs) else number


def hide_secrets(text: str, token: str = "") -> str:
    """Return a text without links and order IDs; ``token`` is the known ID."""
    return hide_references(text, HIDDEN, token).strip()


def sorted_out(pasted: str, number: str, token: str = "") -> tuple[str, str]:
    """Return the pasted order link and the order number, whichever input each was typed into.

    The number is empty if it is none, or if it gives an order ID away; ``token`` is the known ID.
    """
    parsed = parse_reference(pasted)
    if isinstance(parse_reference(number), OrderReference):
        pasted, number = (pasted if isinstance(parsed, OrderReference) else number), ""
    elif parsed is ReferenceProblem.ORDER_NUMBER and not number.strip():
        number = pasted
    return pasted, typed_number(number, token)


async def look_into(
    lookups: Lookups, pasted: str, requester: Requester, words: str, before: Finding | None
) -> TicketDetails:
    """Look up a pasted order, and return what a ticket stores about it; ``before`` is an earlier lookup's finding.

    Raises:
        TooManyLookups: the user has to wait.
    """
    if not pasted.strip():
        return TicketDetails(findings=() if before is None or was_read([before]) else (before,), words=words)
    parsed = parse_reference(pasted)
    if isinstance(parsed, ReferenceProblem):
        return TicketDetails(findings=diagnose_failure(Kind.WRONG_REFERENCE, parsed), words=words)
    return await _read(lookups, parsed, requester, words)


async def _read(lookups: Lookups, reference: OrderReference, requester: Requester, words: str) -> TicketDetails:
    try:
        found = await lookups.find(reference, requester)
    except TooManyLookups:
        raise
    except LookupFailed as error:
        findings = diagnose_failure(error.finding or Kind.NOT_ASKED)
        return TicketDetails(findings=findings, words=words, reference=reference)
    order = found.order
    return TicketDetails(
        str(order.order_number or ""), diagnose(order), words, found.reference, products=product_names(order)
    )
