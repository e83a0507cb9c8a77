"""Canned answers to customers: a built-in one for each finding, and a guild's own with placeholders."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from fileflare_bot.discord_limits import shorten
from fileflare_bot.i18n import N_, Translator
from fileflare_bot.orders.findings import name_of, named
from fileflare_bot.orders.labels import plain_number
from fileflare_bot.refusal import Refusal
from fileflare_bot.storage.errors import NoSuchCannedAnswer
from fileflare_bot.storage.records import CannedAnswer, Ticket
from fileflare_bot.text import clean, escape

PLACEHOLDERS: Final = ("customer", "order", "file")
LONGEST_ANSWER: Final = 1500  # characters of a guild's own answer, before its placeholders are filled
LONGEST_REPLY: Final = 2000  # characters of an answer as it is sent
LONGEST_NAME: Final = 50  # characters
_PLACEHOLDER: Final = re.compile(r"\{([^{}\n]{0,40})\}")


class UnknownPlaceholder(Refusal):
    """Raised when a canned answer has a placeholder that does not exist; ``name`` is its name."""

    sentence = N_("**Nothing fills {name}.** There are these placeholders: {placeholders}.")
    outcome = "unknown_placeholder"

    def __init__(self, name: str) -> None:
        placeholders = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        super().__init__("unknown placeholder", name=escape(f"{{{clean(name)}}}"), placeholders=placeholders)
        self.name = name


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A built-in answer: its label for moderators, and its text for customers."""

    label: str
    text: str


BUILT_IN: Final[dict[str, BuiltIn]] = {
    "used_up": BuiltIn(
        N_("Nothing left: passed on to the store owner"),
        N_(
            "Hello {customer}, {file} has no downloads left. A click counts as a download, and so does a mail scanner. "
            "I have asked the store owner to raise the count; I will tell you when it is done."
        ),
    ),
    "raised": BuiltIn(
        N_("The count was raised"),
        N_(
            "Hello {customer}, the count of {file} was raised. Your old links work again: open your order with "
            "/mydownloads, and use a steady connection."
        ),
    ),
    "more_clicks": BuiltIn(
        N_("More clicks than the limit"),
        N_(
            "Hello {customer}, {file} was opened more often than its limit. That is often a mail scanner or a link "
            "preview, so it need not have been you. I have asked the store owner to raise the count."
        ),
    ),
    "last_one": BuiltIn(
        N_("One download left"),
        N_(
            "Hello {customer}, {file} has one download left. Use it on a computer with a steady connection; "
            "if it breaks off, write back and we will help."
        ),
    ),
    "link_unavailable": BuiltIn(
        N_("Link unavailable"),
        N_("Hello {customer}, the link of {file} does not work. I have asked the store owner to fix it."),
    ),
    "external_link": BuiltIn(
        N_("External link"),
        N_(
            "Hello {customer}, {file} lies on another website. If it does not open there, write back what you see, "
            "and the store owner will correct the link."
        ),
    ),
    "no_files_product": BuiltIn(
        N_("Product without files"),
        N_(
            "Hello {customer}, that product of {order} comes without files. If it should have some, write back, "
            "and I will ask the store owner."
        ),
    ),
    "no_files_order": BuiltIn(
        N_("Order without files"),
        N_(
            "Hello {customer}, there are no files on {order} yet. New orders can take up to 30 minutes. "
            "If it stays so, write back, and I will ask the store owner."
        ),
    ),
    "wrong_reference": BuiltIn(
        N_("Where the order link is"),
        N_(
            "Hello {customer}, open your order confirmation email, press **View your order**, and copy the address of "
            "the page that opens. Paste it into /mydownloads, and nowhere else: it opens your files."
        ),
    ),
    "not_found": BuiltIn(
        N_("Order not found"),
        N_(
            "Hello {customer}, Fileflare knows no order with that ID. Please copy the address again: confirmation "
            "email > **View your order**. If it still fails, write back with your order number."
        ),
    ),
    "outage": BuiltIn(
        N_("Outage"),
        N_(
            "Hello {customer}, Fileflare cannot be read right now. Your files are safe and nothing was used up. "
            "Please try /mydownloads again later."
        ),
    ),
    "held_by_others": BuiltIn(
        N_("In use by another account"),
        N_(
            "Hello {customer}, {order} is in use by another account of this server. If both accounts are yours, or "
            "somebody else has your link, write back, and I will move it to you."
        ),
    ),
    "moved": BuiltIn(
        N_("Their account has the order now"),
        N_(
            "Hello {customer}, {order} counts for this account now, and you get the roles that it brings. "
            "If one is missing, write back."
        ),
    ),
    "released": BuiltIn(
        N_("The order is free for their account"),
        N_("Hello {customer}, no other account uses {order} now. Open it with /mydownloads, and it counts for you."),
    ),
    "ip_limit": BuiltIn(
        N_("Phone, VPN or another network"),
        N_(
            "Hello {customer}, a link can be limited to a few networks. Please try once more without a VPN, on the "
            "network where you bought. If it still fails, write back, and I will ask the store owner for more."
        ),
    ),
    "hold": BuiltIn(
        N_("A question for the store owner"),
        N_(
            "Hello {customer}, I cannot see why {order} gives no downloads. I have asked the store owner, "
            "who can, and will write to you."
        ),
    ),
    "no_email": BuiltIn(
        N_("No email"),
        N_(
            "Hello {customer}, you need no email for your files: log in to the store, open your order, and paste that "
            "page's address into /mydownloads. Look into the spam folder too."
        ),
    ),
}


def placeholder_values(ticket: Ticket, translator: Translator, safe: Callable[[str], str] = escape) -> dict[str, str]:
    """Return the values of the placeholders for a ticket, with its names as ``safe`` makes them."""
    number = safe(plain_number(ticket.details.order_number))
    finding = next((finding for finding in ticket.details.findings if finding.name), None)
    name = safe(clean(ticket.details.name))  # a mention is a number to who edits the text
    return {
        "customer": name or f"<@{ticket.user_id}>",
        "order": translator.gettext("order #{number}", number=number) if number else translator.gettext("your order"),
        "file": f"**{safe(named(finding)) or name_of(finding, translator)}**"
        if finding
        else translator.gettext("your file"),
    }


def sample_values(user_id: int, translator: Translator) -> dict[str, str]:
    """Return the values of the placeholders for a preview."""
    name = translator.gettext("My new book")
    return {
        "customer": f"<@{user_id}>",
        "order": translator.gettext("order #{number}", number=1050),
        "file": f"**{name}**",
    }


def built_in(key: str, filling: dict[str, str], translator: Translator) -> str:
    """Return a built-in answer, in the translator's language."""
    return translator.gettext(BUILT_IN[key].text, **filling)


def filled(text: str, filling: dict[str, str]) -> str:
    """Return a guild's own answer with its placeholders filled."""
    return _PLACEHOLDER.sub(lambda found: filling.get(found[1], found[0]), text)


def checked(text: str) -> str:
    """Return a guild's own answer as it is stored.

    Raises:
        UnknownPlaceholder: it has a placeholder that does not exist.
    """
    for found in _PLACEHOLDER.finditer(text):
        if found[1] not in PLACEHOLDERS:
            raise UnknownPlaceholder(found[1])
    return text.strip()


def prepared(
    ticket: Ticket,
    translator: Translator,
    canned: Iterable[CannedAnswer],
    source: str,
    name: str,
    *,
    safe: Callable[[str], str] = escape,
) -> str:
    """Return an answer filled in for a ticket: the guild's own if ``source`` is "saved", else a built-in one.

    The built-in ones are in the translator's language. Names are as ``safe`` makes them: whoever edits the text reads
    them as they are, and as_sent() escapes them.

    Raises:
        NoSuchCannedAnswer: it was deleted meanwhile.
    """
    values = placeholder_values(ticket, translator, safe)
    if source == "saved":
        text = next((filled(answer.text, values) for answer in canned if answer.name == name), "")
    else:
        text = built_in(name, values, translator) if name in BUILT_IN else ""
    if not text:
        raise NoSuchCannedAnswer
    return shorten(text, LONGEST_REPLY)


def as_sent(text: str, ticket: Ticket) -> str:
    """Return a moderator's words with the names in them escaped that the customer and the store chose."""
    names = {clean(ticket.details.name), *map(named, ticket.details.findings)}
    active = sorted((name for name in names if len(name) > 1 and escape(name) != name), key=len, reverse=True)
    if not active:
        return text
    return re.sub("|".join(map(re.escape, active)), lambda found: escape(found[0]), text)
