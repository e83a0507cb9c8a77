"""The texts of a ticket's card and the name of its thread. They contain no link and no order ID."""

from collections.abc import Callable
from typing import Final

from fileflare_bot import discord_limits as limits
from fileflare_bot.i18n import N_, Translator
from fileflare_bot.interactions.components import LONGEST_WORDS
from fileflare_bot.orders.findings import report, unseen
from fileflare_bot.orders.labels import plain_number
from fileflare_bot.storage.records import Resolution, Ticket, Topic
from fileflare_bot.text import clean, escape

LONGEST_NAME: Final = 32  # characters of a display name, Discord's own limit
LONGEST_FINDINGS: Final = 1700  # characters; the rest of the card fits beside them
THREAD_NAME: Final = 100  # characters, Discord's limit

TOPICS: Final[dict[Topic, str]] = {
    Topic.NOTHING_LEFT: N_("A file has no downloads left"),
    Topic.DOWNLOAD_FAILS: N_("A download does not start or breaks off"),
    Topic.FILES_MISSING: N_("Files are missing"),
    Topic.WRONG_FILE: N_("A file is wrong or damaged"),
    Topic.ORDER_NOT_FOUND: N_("My order is not found"),
    Topic.NO_EMAIL: N_("I got no email"),
    Topic.OTHER: N_("Something else"),
}
RESOLUTIONS: Final[dict[Resolution, str]] = {
    Resolution.FIXED: N_("The download works again"),
    Resolution.ANSWERED: N_("The question is answered"),
    Resolution.PASSED_ON: N_("The store owner takes care of it"),
    Resolution.NOT_OURS: N_("Nothing that this store can fix"),
    Resolution.NO_REPLY: N_("There was no reply"),
    Resolution.CUSTOMER: N_("The customer says that it is solved"),
}


def title(ticket: Ticket, translator: Translator) -> str:
    """Return a ticket's title."""
    return translator.gettext("Help request #{number}", number=ticket.number)


def order_of(ticket: Ticket, translator: Translator) -> str:
    """Return the number of a ticket's order, Fileflare's or else the customer's, or that the order is not known."""
    return _order(ticket, translator, escape) or translator.gettext("Order not known")


def _order(ticket: Ticket, translator: Translator, safe: Callable[[str], str] = str) -> str:
    if number := plain_number(ticket.details.order_number):
        return translator.gettext("Order #{number}", number=safe(number))
    if number := plain_number(ticket.details.claimed_number):
        return translator.gettext("Order #{number} (as the customer says)", number=safe(number))
    return ""


def status(ticket: Ticket, translator: Translator) -> str:
    """Return a ticket's state, and whose turn it is."""
    if ticket.resolved:
        reason = translator.gettext(RESOLUTIONS[ticket.resolution or Resolution.ANSWERED])
        return "🟢 " + translator.gettext(
            "**Resolved** by {who}: {reason}.", who=f"<@{ticket.resolved_by}>", reason=reason
        )
    if ticket.taken_by is not None:
        who = f"<@{ticket.taken_by}>"
        if ticket.answered_at is not None:
            when = f"<t:{int(ticket.answered_at.timestamp())}:R>"
            return "🔵 " + translator.gettext("**Taken** by {who}, first answered {when}.", who=who, when=when)
        return "🔵 " + translator.gettext("**Taken** by {who}.", who=who)
    return "🟠 " + translator.gettext("**Open.** Nobody has taken it yet.")


def card(ticket: Ticket, translator: Translator) -> tuple[str, str, tuple[str, str]]:
    """Return the title, the description and the one field of a ticket's card."""
    details = ticket.details
    name = escape(limits.shorten(clean(details.name), LONGEST_NAME))
    who = translator.gettext("**Customer:** {who}", who=f"<@{ticket.user_id}>" + (f" ({name})" if name else ""))
    lines = [status(ticket, translator), f"{who} · **{order_of(ticket, translator)}**"]
    lines.append(translator.gettext("**Says:** {topic}", topic=translator.gettext(TOPICS[ticket.topic])))
    if details.words:
        lines.append(quoted(details.words))
    if not ticket.readable:
        lines.append(translator.gettext("The rest cannot be read: the key that opens it is not in SECRET_KEYS."))
    found = limits.shorten(report(details.findings, translator), LONGEST_FINDINGS)
    lines += ["", translator.gettext("**What I found**"), found]
    hidden = (translator.gettext("What the data cannot show"), limits.shorten(unseen(translator), limits.FIELD_VALUE))
    return title(ticket, translator), limits.shorten("\n".join(lines), limits.EMBED_DESCRIPTION), hidden


def quoted(text: str) -> str:
    """Return a text as a quotation without active markup or mentions."""
    safe = escape(limits.shorten(clean(text, lines=True), LONGEST_WORDS))
    return "\n".join(f"> {line}" for line in safe.splitlines())


def thread_name(ticket: Ticket, translator: Translator) -> str:
    """Return the name of a ticket's thread."""
    parts = [f"#{ticket.number}", _order(ticket, translator), translator.gettext(TOPICS[ticket.topic])]
    return limits.shorten(" · ".join(filter(None, parts)), THREAD_NAME)
