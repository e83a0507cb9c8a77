"""Findings → sentences for a moderator, in a reader's language. No link and no order ID is among them."""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from fileflare_bot import discord_limits as limits
from fileflare_bot.i18n import Words
from fileflare_bot.orders.diagnosis import ADVICE, PASTED, UNSEEN, Finding, Kind, Severity
from fileflare_bot.orders.reference import ReferenceProblem, hide_addresses
from fileflare_bot.text import clean, escape

HIDDEN: Final = "…"  # stands for an address in a file's name
LONGEST_NAME: Final = 80
MOST_OF_A_KIND: Final = 4
_KINDS: Final = tuple(Kind)
_MARKS: Final = {Severity.BLOCKING: "🔴", Severity.WARNING: "🟡", Severity.NOTE: "⚪"}
_SCHEME: Final = re.compile(r"\b[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_MOST_COUNTED: Final = 999_999_999


def file_name(text: str | None) -> str:
    """Return a store's name of a file as it can be shown; Discord shows no masked link that looks like an address."""
    return _SCHEME.sub("", clean(text))


def name_of(finding: Finding, words: Words) -> str:
    """Return the escaped name of what a finding concerns."""
    name = escape(limits.shorten(file_name(hide_addresses(finding.name, HIDDEN)), LONGEST_NAME))
    if name:
        return name
    if finding.kind is Kind.PRODUCT_WITHOUT_FILES:
        return words.gettext("Unnamed product")
    return words.gettext("Unnamed file")


def for_moderator(finding: Finding, words: Words) -> str:
    """Return what a moderator has to know."""
    return _filled(ADVICE[finding.kind].moderator, finding, words)


def for_customer(finding: Finding, words: Words) -> str:
    """Return what a customer has to know."""
    return _filled(ADVICE[finding.kind].customer, finding, words)


def next_step(finding: Finding, words: Words) -> str:
    """Return what mends it."""
    return _filled(ADVICE[finding.kind].next_step, finding, words)


def report(findings: Iterable[Finding], words: Words) -> str:
    """Return all findings with their next steps, the gravest first; several of a kind share their step."""
    ordered = sorted(findings, key=lambda finding: (-finding.severity, _KINDS.index(finding.kind)))
    blocks = ["\n".join(_block(list(same), words)) for _kind, same in groupby(ordered, key=lambda found: found.kind)]
    return "\n".join(blocks) or "✅ " + words.gettext(
        "I found nothing wrong: every file has a link, and none is known to be used up."
    )


def unseen(words: Words) -> str:
    """Return what Fileflare's answer does not show, with what mends it."""
    return "\n".join("• " + words.gettext(sentence) for sentence in UNSEEN.values())


def changes(before: Iterable[Finding], after: Iterable[Finding], words: Words) -> str:
    """Return what is mended and what is new, or nothing where all is as it was."""
    then = {(finding.kind, finding.name): finding for finding in before}
    now = {(finding.kind, finding.name): finding for finding in after}
    gone = [
        "✅ " + words.gettext("No longer: {what}", what=for_moderator(then[key], words))
        for key in then
        if key not in now
    ]
    new = [f"{_MARKS[now[key].severity]} {for_moderator(now[key], words)}" for key in now if then.get(key) != now[key]]
    lines = [*gone, *new]
    shown = lines[: 2 * MOST_OF_A_KIND]
    if len(lines) > len(shown):
        shown.append(_more(len(lines) - len(shown), words))
    return "\n".join(shown)


def _block(same: list[Finding], words: Words) -> Iterator[str]:
    for finding in same[:MOST_OF_A_KIND]:
        yield f"{_MARKS[finding.severity]} {for_moderator(finding, words)}"
    if len(same) > MOST_OF_A_KIND:
        yield _more(len(same) - MOST_OF_A_KIND, words)
    yield f"→ {next_step(same[0], words)}"


def _more(count: int, words: Words) -> str:
    return words.ngettext("… and {count} more", "… and {count} more", count)


def _filled(sentence: str, finding: Finding, words: Words) -> str:
    return words.gettext(
        sentence,
        name=name_of(finding, words),
        downloaded=words.number(min(finding.downloaded or 0, _MOST_COUNTED)),
        limit=words.number(min(finding.limit or 0, _MOST_COUNTED)),
        pasted=words.gettext(PASTED[finding.problem or ReferenceProblem.NOT_AN_ID]),
    )
