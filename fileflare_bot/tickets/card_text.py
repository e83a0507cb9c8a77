"""The text of a ticket's card. It contains no link and no order ID."""

import re
import textwrap
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from fileflare_bot import discord_limits as limits
from fileflare_bot.i18n import Translator
from fileflare_bot.orders.diagnosis import ADVICE, Finding, Kind
from fileflare_bot.orders.findings import MARKS, all_well, brief, changes, report
from fileflare_bot.orders.labels import plain_number
from fileflare_bot.storage.records import Claim, Resolution, Ticket, TicketMessage, Topic
from fileflare_bot.text import clean, escape
from fileflare_bot.tickets.holders import UNKNOWN, Standing, of_order
from fileflare_bot.tickets.texts import holder, moves, order_of, quoted, title
from fileflare_bot.tickets.topics import BRINGS_NO_ROLE, LIKELY, RESOLUTIONS, TOPICS

LONGEST_NAME: Final = 24  # characters of a display name; Discord allows 32, and the mention shows them
CARD_LINES: Final = 12  # of an open ticket's card on a desktop, its title included
LINE_WIDTH: Final = 56  # characters of a line there, about: clients draw at least 400 px of 14-pixel text
TOPIC_BESIDE_HINT: Final = 32  # characters of the topic in the same line as where the words are
FEWEST_WORDS_LINES: Final = 2  # of the customer's words on the card, before findings are left out
MOST_HOLDERS: Final = 2  # accounts that the card names
MOST_ROLES: Final = 2  # that it names of an order
_MENTION: Final = re.compile(r"<(?:@[!&]?|t:)\d+(?::\w)?>")
_ESCAPED: Final = re.compile(r"\\(.)")
_MENTION_WIDTH: Final = 14  # characters of a name or a date, about


def status(ticket: Ticket, translator: Translator) -> str:
    """Return a ticket's state, and whose turn it is."""
    if ticket.resolved:
        reason = translator.gettext(RESOLUTIONS[ticket.resolution or Resolution.ANSWERED])
        return "🟢 " + translator.gettext("**Resolved:** {reason}.", reason=reason)
    if ticket.reopened_by is not None:
        return _reopened(ticket, ticket.reopened_by, translator)
    if ticket.wrote is not None:
        return _written(ticket, ticket.wrote, translator)
    if ticket.taken_by is not None:
        who = f"<@{ticket.taken_by}>"
        if ticket.answered_at is not None:
            when = f"<t:{int(ticket.answered_at.timestamp())}:R>"
            return "🔵 " + translator.gettext("**Taken** by {who}, first answer {when}.", who=who, when=when)
        return "🔵 " + translator.gettext("**Taken** by {who}.", who=who)
    return "🟠 " + translator.gettext("**Open.** Nobody has taken it yet.")


def _reopened(ticket: Ticket, moderator_id: int, translator: Translator) -> str:
    """Return the state of a ticket that a moderator has reopened, and nobody has answered since."""
    by = f"<@{moderator_id}>"
    if ticket.taken_by is None:
        return "🟠 " + translator.gettext("**Open.** Reopened by {by}.", by=by)
    return "🔵 " + translator.gettext("**Taken** by {who}, reopened by {by}.", who=f"<@{ticket.taken_by}>", by=by)


def _written(ticket: Ticket, wrote: TicketMessage, translator: Translator) -> str:
    """Return the state of an open ticket whose customer wrote, and nobody has answered since."""
    when = f"<t:{int(wrote.at.timestamp())}:R>"
    if ticket.taken_by is None:
        return "🟠 " + translator.gettext("**Open.** ✍️ The customer wrote again {when}.", when=when)
    who = f"<@{ticket.taken_by}>"
    return "🔵 " + translator.gettext("**Taken** by {who}. ✍️ **Wrote back** {when}.", who=who, when=when)


def card(ticket: Ticket, translator: Translator, standing: Standing = UNKNOWN) -> tuple[str, str]:
    """Return the title and the description of a ticket's card, which ``details()`` holds in full.

    ``standing`` says for whom the order counts. Both take at most ``CARD_LINES`` lines on a desktop, and three once the
    ticket is resolved.
    """
    who, order = f"<@{ticket.user_id}>", f"**{order_of(ticket, translator)}**"
    if ticket.resolved:
        closed = translator.gettext("by {who}", who=f"<@{ticket.resolved_by}>")
        known = [order] if plain_number(ticket.details.order_number) else []  # whoever resolved it has the rest
        line = " · ".join([who, *known, closed])
        if rows(line) > 1:  # the number is a very long one
            line = f"{who} · {closed}"
        return title(ticket, translator), f"{status(ticket, translator)}\n{line}"
    if name := escape(limits.shorten(clean(ticket.details.name), LONGEST_NAME)):
        who = f"{who} ({name})"
    lines = [status(ticket, translator), translator.gettext("**Customer:** {who}", who=f"{who} · {order}")]
    blocks, text = _found(ticket, translator, standing), ""
    most = FEWEST_WORDS_LINES
    for words_lines, below in ((most, "\n"), (most, ""), (1, "\n"), (1, ""), (0, "")):
        said, text = _laid_out(lines, _said_shortly(ticket, translator, words_lines, below), blocks, translator)
        if rows(text) < CARD_LINES:
            break
    findings = text.removeprefix(said)
    for words_lines in range(FEWEST_WORDS_LINES + 1, CARD_LINES):  # the words get the room that the findings leave
        longer, whole = _laid_out(lines, _said_shortly(ticket, translator, words_lines, "\n"), blocks, translator)
        if longer == said or rows(whole) >= CARD_LINES or whole.removeprefix(longer) != findings:
            break
        said, text = longer, whole
    return title(ticket, translator), text


def _laid_out(
    lines: Sequence[str], said: Iterable[str], blocks: Sequence[str], translator: Translator
) -> tuple[str, str]:
    """Return what the customer says below the first lines, and the same with the findings below."""
    text = "\n".join([*lines, *said])
    return text, "\n".join([text, *_fitting(blocks, CARD_LINES - 1 - rows(text), translator)])


def details(
    ticket: Ticket, translator: Translator, standing: Standing = UNKNOWN, messages: Iterable[TicketMessage] = ()
) -> str:
    """Return what a ticket's card leaves out: all of the customer's words, and every finding."""
    rest = of_order(ticket.details.findings)
    found = [*_held(standing.holders, translator), *([report(rest, translator, most=None)] if rest else ())]
    found = [*_role(ticket, standing, translator), *(found or _nothing_found(ticket, translator))]
    wrote = [
        translator.gettext("**Wrote back** {when}:", when=f"<t:{int(message.at.timestamp())}:f>")
        + f"\n{quoted(message.text)}\n"
        for message in messages
        if not message.from_moderator
    ]
    return "\n".join([*_said(ticket, translator), *wrote, *found])


def checked(ticket: Ticket, findings: Sequence[Finding], translator: Translator, holders: Sequence[Claim]) -> str:
    """Return what is new since a ticket's order was checked before, in its card's order, or what still holds.

    ``ticket`` is as it was before; ``holders`` are the claims known to keep the order from its customer.
    """
    before, after = of_order(ticket.details.findings), of_order(findings)
    were_held = len(before) < len(ticket.details.findings)
    held = _held(holders, translator)
    new = [] if were_held else held
    if were_held and len(after) == len(findings):
        what = translator.gettext(ADVICE[Kind.HELD_BY_OTHERS].moderator)
        new = ["✅ " + translator.gettext("No longer: {what}", what=what)]
    said = [*new, *filter(None, [changes(before, after, translator)])]
    if not said:
        rest = translator.gettext("**Details** has all findings.") if after else "" if held else all_well(translator)
        said = [translator.gettext("Nothing has changed."), *held, *filter(None, [rest])]
    elif not findings:
        said.append("→ " + translator.gettext("Tell the customer with **Answer**, then press **Resolve**."))
    return "\n".join(said)


def rows(text: str) -> int:
    """Return how many lines a text takes in an embed on a desktop, about."""
    plain = _MENTION.sub("x" * _MENTION_WIDTH, text).replace("**", "")
    plain = _ESCAPED.sub(r"\1", plain)
    wide = "".join("xx" if unicodedata.east_asian_width(each) in "FW" else each for each in plain)
    return sum(len(textwrap.wrap(line, LINE_WIDTH)) or 1 for line in wide.split("\n"))


def _said(ticket: Ticket, translator: Translator) -> Iterator[str]:
    """Yield the ticket's topic, and all of its customer's first words, with an empty line below."""
    yield translator.gettext("**Says:** {topic}", topic=translator.gettext(TOPICS[ticket.topic]))
    if ticket.details.words:
        yield quoted(ticket.details.words) + "\n"


def _said_shortly(ticket: Ticket, translator: Translator, most: int, below: str) -> Iterator[str]:
    """Yield the ticket's topic, and its customer's first words and latest ones that nobody has answered, ✍️.

    The words take at most so many lines, half of them the latest if both are long. Without a line for them, the latest
    stand in the topic's place.
    """
    topic, words = translator.gettext(TOPICS[ticket.topic]), " ".join(ticket.details.words.split())
    latest = "✍️ " + " ".join(ticket.wrote.text.split()) if ticket.wrote is not None and ticket.wrote.text else ""
    if most == 0 and latest:
        yield _within(1, latest, quoted)
        return
    if most == 0 and words:
        topic = limits.shorten(topic, TOPIC_BESIDE_HINT)
        yield translator.gettext("**Says:** {topic} (**Details**)", topic=topic)
        return
    yield translator.gettext("**Says:** {topic}", topic=topic)
    if latest:
        latest = _within(max(1, (most + 1) // 2, most - rows(quoted(words))), latest, quoted)
        most -= rows(latest)
    first = _within(most, words, quoted) if words and most > 0 else ""
    if said := "\n".join(filter(None, [first, latest])):
        yield said + below


def _found(ticket: Ticket, translator: Translator, standing: Standing) -> list[str]:
    """Return the findings that hold now, a block for each kind.

    Who holds the order comes first, as the card's buttons are about that; then what fits the topic, then the most
    severe.
    """
    rest = of_order(ticket.details.findings)
    fitting = [finding for finding in rest if LIKELY.get(finding.kind) is ticket.topic]
    others = [finding for finding in rest if finding not in fitting]
    found = [*_held(standing.holders, translator), *brief(fitting, translator), *brief(others, translator)]
    found = found or _nothing_found(ticket, translator)
    return [*_role(ticket, standing, translator), *found]


def kinds_shown(ticket: Ticket) -> list[Kind]:
    """Return the kinds of a ticket's findings as as_it_is() returned them, in their order on its card."""

    def place(kind: Kind) -> tuple[bool, bool, int, int]:
        held, fits = kind is Kind.HELD_BY_OTHERS, LIKELY.get(kind) is ticket.topic
        return not held, not fits, -ADVICE[kind].severity, [*Kind].index(kind)

    return sorted({finding.kind for finding in ticket.details.findings}, key=place)


def _role(ticket: Ticket, standing: Standing, translator: Translator) -> list[str]:
    """Return, for a customer who misses a role, whether the order counts for them, and which roles it brings.

    Empty if others hold the order, which _held() says.
    """
    kinds = {finding.kind for finding in ticket.details.findings}
    cannot_count = bool(kinds) and kinds <= BRINGS_NO_ROLE
    if ticket.topic is not Topic.NO_ROLE or standing.holders or not standing.roles or cannot_count:
        return []
    command = translator.gettext("mydownloads")
    if standing.own is None:
        said = "🟡 " + translator.gettext("The order does not count for them yet, so it has brought no role.")
        step = translator.gettext("Have them open it with /{command} **in this server**.", command=command)
    elif not standing.own.role_ids:
        said = "🟡 " + translator.gettext("The order counts for them, but no rule gives a role for it.")
        step = translator.gettext(
            "Store owner: /store roles. After a change, they open it with /{command} **in this server**.",
            command=command,
        )
    else:
        roles = [f"<@&{role}>" for role in standing.own.role_ids[:MOST_ROLES]]
        if more := len(standing.own.role_ids) - len(roles):
            roles.append(translator.ngettext("… and {count} more role", "… and {count} more roles", more))
        said = "✅ " + translator.gettext("The order counts for them and brings {roles}.", roles=", ".join(roles))
        step = translator.gettext(
            "Missing? **{refresh}** under their files **in this server** brings it; else store owner: /store status.",
            refresh=translator.gettext("Refresh"),
        )
    return [f"{said}\n→ {step}"]


def _nothing_found(ticket: Ticket, translator: Translator) -> list[str]:
    if not ticket.readable:
        return [translator.gettext("The rest cannot be read: the key that opens it is not in SECRET_KEYS.")]
    if ticket.details.reference is not None:
        return [all_well(translator)]
    unknown = translator.gettext("I could check nothing, as no order is known.")
    step = translator.gettext(
        "Have the customer open it with /{command}, and press **{help}** there.",
        command=translator.gettext("mydownloads"),
        help=translator.gettext("Get help"),
    )
    return [f"⚪ {unknown}\n→ {step}"]


def _held(holders: Sequence[Claim], translator: Translator) -> list[str]:
    """Return who keeps the order from the customer, since when and by whose move, and what to do; empty if nobody."""
    if not holders:
        return []
    named = [
        translator.gettext(
            "{who} since {when}", who=holder(claim, translator), when=f"<t:{int(claim.at.timestamp())}:d>"
        )
        for claim in holders[:MOST_HOLDERS]
    ]
    if more := len(holders) - len(named):
        named.append(translator.ngettext("… and {count} more account", "… and {count} more accounts", more))
    advice = ADVICE[Kind.HELD_BY_OTHERS]
    who = translator.gettext("In use by {holders}.", holders=", ".join(named))
    step = translator.gettext(advice.next_step)
    said = " ".join([who, *moves(holders[:MOST_HOLDERS], translator)])
    return [f"{MARKS[advice.severity]} {said}\n→ {step}"]


def _fitting(blocks: Sequence[str], most: int, translator: Translator) -> Iterator[str]:
    """Yield the blocks that fit so many lines, if need be without their steps, and how many are left out.

    The first comes whole in any case.
    """
    for index, block in enumerate(blocks):
        left = len(blocks) - index
        room = most - (left > 1)  # a line for those left out
        fitting = [shown for shown in (block, block.split("\n")[0]) if rows(shown) <= room or not index]
        if not fitting:
            yield translator.ngettext(
                "… and {count} more finding: see Details", "… and {count} more findings: see Details", left
            )
            return
        yield fitting[0]
        most -= rows(fitting[0])


def _within(most: int, text: str, shown: Callable[[str], str]) -> str:
    """Return how a text is shown, shortened until it takes at most so many lines."""
    text = limits.shorten(text, most * LINE_WIDTH)
    while rows(shown(text)) > most:
        text = limits.shorten(text, limits.size(text) - 2)
    return shown(text)
