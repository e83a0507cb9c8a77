"""What a ticket, its thread and its order's holder are called. It contains no link and no order ID."""

from collections.abc import Callable, Iterable
from typing import Final

from fileflare_bot import discord_limits as limits
from fileflare_bot.i18n import Translator
from fileflare_bot.interactions.components import LONGEST_WORDS
from fileflare_bot.orders.labels import plain_number
from fileflare_bot.storage.errors import NOBODY
from fileflare_bot.storage.records import Claim, ShownClaim, Ticket
from fileflare_bot.text import clean, escape
from fileflare_bot.tickets.topics import TOPICS

THREAD_NAME: Final = 100  # characters, Discord's limit


def title(ticket: Ticket, translator: Translator) -> str:
    """Return a ticket's title."""
    return translator.gettext("Help request #{number}", number=ticket.number)


def order_of(ticket: Ticket, translator: Translator) -> str:
    """Return the number of a ticket's order, Fileflare's or else the customer's, or that the order is not known."""
    return _order(ticket, translator, escape) or translator.gettext("Order not known")


def described(ticket: Ticket, translator: Translator) -> str:
    """Return a ticket's order and its customer's name, as far as they are known, and its topic; not escaped."""
    parts = [_order(ticket, translator, str), clean(ticket.details.name), translator.gettext(TOPICS[ticket.topic])]
    return " · ".join(filter(None, parts))


def _order(ticket: Ticket, translator: Translator, safe: Callable[[str], str] = str) -> str:
    if number := plain_number(ticket.details.order_number):
        return translator.gettext("Order #{number}", number=safe(number))
    if number := plain_number(ticket.details.claimed_number):
        return translator.gettext("Order #{number} (unverified)", number=safe(number))
    return ""


def numbered(ticket: Ticket, translator: Translator, reader_id: int) -> str:
    """Return a ticket's number, and who has it if that is not the reader."""
    if ticket.taken_by in {None, reader_id}:
        return f"**{title(ticket, translator)}**"
    who = f"<@{ticket.taken_by}>"
    return translator.gettext("**Help request #{number}**, which {who} has", number=ticket.number, who=who)


def holder(claim: Claim | ShownClaim, translator: Translator) -> str:
    """Return for whom an order counts."""
    return f"<@{claim.user_id}>" if claim.user_id is not None else translator.gettext(NOBODY)


def moves(claims: Iterable[Claim], translator: Translator) -> list[str]:
    """Return a sentence about each move that gave one of these claims to its holder."""
    return [
        translator.gettext(
            "{who} moved it to {to} {when}.",
            who=f"<@{claim.moved.actor_id}>",
            to=holder(claim, translator),
            when=f"<t:{int(claim.moved.at.timestamp())}:R>",
        )
        for claim in claims
        if claim.moved is not None
    ]


def quoted(text: str) -> str:
    """Return a text as a quotation without active markup or mentions."""
    safe = escape(limits.shorten(clean(text, lines=True), LONGEST_WORDS))
    return "\n".join(f"> {line}" for line in safe.splitlines())


def thread_name(ticket: Ticket, translator: Translator) -> str:
    """Return the name of a ticket's thread."""
    parts = [f"#{ticket.number}", _order(ticket, translator), translator.gettext(TOPICS[ticket.topic])]
    return limits.shorten(" · ".join(filter(None, parts)), THREAD_NAME)
