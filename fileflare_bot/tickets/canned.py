"""Canned answers to customers: a built-in one for each finding, and a guild's own with placeholders."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from fileflare_bot.discord_limits import shorten
from fileflare_bot.i18n import N_, Translator
from fileflare_bot.orders.diagnosis import Finding, Kind
from fileflare_bot.orders.file_links import LinkProblem
from fileflare_bot.orders.findings import most_serious, name_of, named
from fileflare_bot.orders.labels import plain_number
from fileflare_bot.refusal import Refusal
from fileflare_bot.storage.errors import NoSuchCannedAnswer
from fileflare_bot.storage.records import CannedAnswer, Ticket, Topic
from fileflare_bot.text import clean, escape

PLACEHOLDERS: Final = ("customer", "order", "file")
LONGEST_ANSWER: Final = 1500  # characters of a guild's own answer, before its placeholders are filled
LONGEST_REPLY: Final = 2000  # characters of an answer as it is sent
LONGEST_NAME: Final = 50  # characters
MOST_FILES: Final = 3  # named for {file}
_NAMED: Final = {
    Kind.USED_UP,
    Kind.MORE_CLICKS,
    Kind.LAST_ONE,
    Kind.LINK_UNAVAILABLE,
    Kind.EXTERNAL_LINK,
    Kind.PRODUCT_WITHOUT_FILES,
}
_PLACEHOLDER: Final = re.compile(r"\{([^{}\n]{0,40})\}")


class UnknownPlaceholder(Refusal):
    """Raised when a canned answer has a placeholder that does not exist; ``name`` is its name."""

    sentence = N_("**Nothing fills {name}.** There are these placeholders: {placeholders}.")

    def __init__(self, name: str) -> None:
        placeholders = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        super().__init__("unknown placeholder", name=escape(f"{{{clean(name)}}}"), placeholders=placeholders)
        self.name = name


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A built-in answer: its label for moderators, and its text for customers.

    It is offered first for a finding of the kind ``fits``, or for the ``topic``; ``{file}`` is the files of these
    findings and of ``also``.
    """

    label: str
    text: str
    fits: Kind | None = None
    also: tuple[Kind, ...] = ()
    topic: Topic | None = None
    passes_on: bool = False  # its sender has to tell the store owner


BUILT_IN: Final[dict[str, BuiltIn]] = {
    "used_up": BuiltIn(
        N_("Nothing left: passed on to the store owner"),
        N_(
            "Hello {customer}, there are no downloads left for {file}. A click counts as a download, and so does a "
            "mail scanner. The store owner can raise the count: I am passing it on, and will tell you when it is done."
        ),
        Kind.USED_UP,
        also=(Kind.MORE_CLICKS,),
        passes_on=True,
    ),
    "raised": BuiltIn(
        N_("The count was raised"),
        N_(
            "Hello {customer}, the count for {file} was raised. Your old links work again: open your order with "
            "/mydownloads, and use a steady connection."
        ),
        also=(Kind.USED_UP, Kind.MORE_CLICKS),
    ),
    "more_clicks": BuiltIn(
        N_("More clicks than the limit"),
        N_(
            "Hello {customer}, more clicks were counted for {file} than the limit allows. That is often a mail scanner "
            "or a link preview, so it need not have been you. The store owner can raise the count: I am passing it on."
        ),
        Kind.MORE_CLICKS,
        passes_on=True,
    ),
    "last_one": BuiltIn(
        N_("One download left"),
        N_(
            "Hello {customer}, only one download is left for {file}. Use it on a computer with a steady connection; "
            "if it breaks off, write back and we will help."
        ),
        Kind.LAST_ONE,
    ),
    "link_unavailable": BuiltIn(
        N_("Link unavailable"),
        N_("Hello {customer}, the link for {file} does not work. The store owner can fix it: I am passing it on."),
        Kind.LINK_UNAVAILABLE,
        passes_on=True,
    ),
    "external_link": BuiltIn(
        N_("External link"),
        N_(
            "Hello {customer}, the link for {file} leads to another website. If it does not open there, write back "
            "what you see, and the store owner will correct the link."
        ),
        Kind.EXTERNAL_LINK,
    ),
    "no_files_product": BuiltIn(
        N_("Product without files"),
        N_(
            "Hello {customer}, there are no files for {file} on {order}. If there should be some, write back, "
            "and I will ask the store owner."
        ),
        Kind.PRODUCT_WITHOUT_FILES,
    ),
    "no_files_order": BuiltIn(
        N_("Order without files"),
        N_(
            "Hello {customer}, there are no files on {order} yet. New orders can take up to 30 minutes. "
            "If it stays so, write back, and I will ask the store owner."
        ),
        Kind.ORDER_WITHOUT_FILES,
    ),
    "wrong_reference": BuiltIn(
        N_("Where the order link is"),
        N_(
            "Hello {customer}, in your order confirmation email, press and hold **View your order** (on a computer, "
            "right-click it), and copy the link. Paste it into /mydownloads, and nowhere else: it opens your files."
        ),
        Kind.WRONG_REFERENCE,
    ),
    "not_found": BuiltIn(
        N_("Order not found"),
        N_(
            "Hello {customer}, Fileflare knows no order with that ID. Please copy the link again: in the "
            "confirmation email, press and hold **View your order**, or right-click it. If it still fails, write "
            "back with your order number."
        ),
        Kind.NOT_FOUND,
    ),
    "outage": BuiltIn(
        N_("Outage"),
        N_(
            "Hello {customer}, Fileflare cannot be read right now. Your files are safe and nothing was used up. "
            "Please try /mydownloads again later."
        ),
        Kind.OUTAGE,
    ),
    "held_by_others": BuiltIn(
        N_("In use by another account"),
        N_(
            "Hello {customer}, {order} is in use by another account of this server. If both accounts are yours, or "
            "somebody else has your link, write back, and I will move it to you."
        ),
        Kind.HELD_BY_OTHERS,
    ),
    "asking_whose": BuiltIn(
        N_("I am asking the store whose order it is"),
        N_(
            "Hello {customer}, another account of this server uses {order}, so I am asking the store whose order it "
            "is. I will write to you as soon as I know."
        ),
        Kind.HELD_BY_OTHERS,
        passes_on=True,
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
        N_(
            "Hello {customer}, no other account uses {order} now. Open it in the server with /mydownloads, and it "
            "counts for you there."
        ),
    ),
    "no_role": BuiltIn(
        N_("No role: open the order in the server"),
        N_(
            "Hello {customer}, press **Refresh** under your files in the server, or open {order} there once more with "
            "/mydownloads: that brings the role that is missing. In direct messages I give none. If it is still "
            "missing, write back."
        ),
        topic=Topic.NO_ROLE,
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
            "Hello {customer}, I cannot see why {order} gives no downloads. The store owner can: I am passing it on, "
            "and will write to you."
        ),
        passes_on=True,
    ),
    "no_email": BuiltIn(
        N_("No email"),
        N_(
            "Hello {customer}, you need no email for your files: log in to the store, open your order, and paste that "
            "page's address into /mydownloads. Look into the spam folder too."
        ),
    ),
}


def placeholder_values(
    ticket: Ticket, translator: Translator, safe: Callable[[str], str] = escape, answer: BuiltIn | None = None
) -> dict[str, str]:
    """Return the values of the placeholders for a ticket, with its names as ``safe`` makes them.

    ``answer`` is the built-in answer that is filled with them, None for a guild's own.
    """
    number = safe(plain_number(ticket.details.order_number))
    name = safe(clean(ticket.details.name))  # a mention is a number to who edits the text
    return {
        "customer": name or f"<@{ticket.user_id}>",
        "order": translator.gettext("order #{number}", number=number) if number else translator.gettext("your order"),
        "file": _files(_subjects(ticket, answer), translator, safe) or _neutral(answer, translator),
    }


def _subjects(ticket: Ticket, answer: BuiltIn | None) -> list[Finding]:
    """Return the findings that an answer is about: of its kinds, or of the most serious kind for a guild's own."""
    of_files = [
        finding
        for finding in ticket.details.findings
        if finding.kind in _NAMED and finding.link is not LinkProblem.LEFT_OUT  # that one is about the whole order
    ]
    if answer is not None:
        return [finding for finding in of_files if finding.kind in {answer.fits, *answer.also}]
    worst = most_serious(of_files)
    return [finding for finding in of_files if worst is not None and finding.kind is worst.kind]


def _files(findings: Iterable[Finding], translator: Translator, safe: Callable[[str], str]) -> str:
    """Return the names of the findings' files or products, as the card shows them, and how many more there are."""
    names = list(dict.fromkeys(safe(named(finding)) or name_of(finding, translator) for finding in findings))
    shown = ", ".join(names[:MOST_FILES])
    if more := len(names[MOST_FILES:]):
        shown += " " + translator.ngettext("… and {count} more", "… and {count} more", more)
    return shown


def _neutral(answer: BuiltIn | None, translator: Translator) -> str:
    """Return what stands for the name of a file or product that no finding names."""
    if answer is not None and answer.fits is Kind.PRODUCT_WITHOUT_FILES:
        return translator.gettext("that product")
    return translator.gettext("your file")


def sample_values(user_id: int, translator: Translator) -> dict[str, str]:
    """Return the values of the placeholders for a preview."""
    name = translator.gettext("My new book")
    return {"customer": f"<@{user_id}>", "order": translator.gettext("order #{number}", number=1050), "file": name}


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
    values = placeholder_values(ticket, translator, safe, None if source == "saved" else BUILT_IN.get(name))
    if source == "saved":
        text = next((filled(answer.text, values) for answer in canned if answer.name == name), "")
    else:
        text = translator.gettext(BUILT_IN[name].text, **values) if name in BUILT_IN else ""
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
