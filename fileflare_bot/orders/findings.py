"""Findings → sentences in the reader's language, without links and order IDs."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from fileflare_bot import discord_limits as limits
from fileflare_bot.i18n import Translator
from fileflare_bot.orders import bounds
from fileflare_bot.orders.diagnosis import PASTED, UNSEEN, Finding, Kind, Severity
from fileflare_bot.orders.file_links import LinkProblem
from fileflare_bot.orders.hiding import hide_order
from fileflare_bot.orders.labels import bounded, without_scheme
from fileflare_bot.orders.plain import plain_name
from fileflare_bot.orders.reference import ReferenceProblem
from fileflare_bot.text import escape

HIDDEN: Final = "…"  # replaces an address in a file name
LONGEST_NAME: Final = 80  # UTF-16 units
BRIEF_NAME: Final = 24  # the same, where there is little room
LONGEST_READ: Final = 2 * bounds.LONGEST_NAME + 3  # characters: a product and its variant
MOST_OF_A_KIND: Final = 4
_ORDER: Final = tuple(Kind)
_LINKS: Final = tuple(LinkProblem)
MARKS: Final = {Severity.BLOCKING: "🔴", Severity.WARNING: "🟡", Severity.NOTE: "⚪"}


def named(finding: Finding, longest: int = LONGEST_NAME) -> str:
    """Return the name of the finding's file or product, not escaped; empty if it has none."""
    return limits.shorten(without_scheme(hide_order(plain_name(finding.name[:LONGEST_READ]), "", HIDDEN)), longest)


def name_of(finding: Finding, translator: Translator, longest: int = LONGEST_NAME) -> str:
    """Return the escaped name of the finding's file or product."""
    if name := escape(named(finding, longest)):
        return name
    if finding.kind is Kind.PRODUCT_WITHOUT_FILES:
        return translator.gettext("Unnamed product")
    return translator.gettext("Unnamed file")


def for_moderator(finding: Finding, translator: Translator) -> str:
    """Return the moderator's sentence, and why it is so."""
    said = _filled(finding.advice.moderator, finding, translator)
    return said + " " + translator.gettext(finding.advice.why) if finding.advice.why else said


def next_step(finding: Finding, translator: Translator) -> str:
    """Return how to fix it."""
    return _filled(finding.advice.next_step, finding, translator)


def most_serious(findings: Iterable[Finding]) -> Finding | None:
    """Return the finding that keeps a customer most from their files, or None if there is none."""
    return min(findings, key=_order, default=None)


def report(findings: Iterable[Finding], translator: Translator, most: int | None = MOST_OF_A_KIND) -> str:
    """Return all findings with their next steps, most severe first; findings of one kind share a step.

    Of each kind, ``most`` are named, and the others counted.
    """
    blocks = ["\n".join(_block(same, translator, most)) for same in _kinds(findings)]
    return "\n".join(blocks) or all_well(translator)


def brief(findings: Iterable[Finding], translator: Translator) -> list[str]:
    """Return two short lines for each kind of finding, most severe first: one finding, and its next step."""
    blocks = []
    for same in _kinds(findings):
        said = f"{MARKS[same[0].severity]} {_filled(same[0].advice.moderator, same[0], translator, BRIEF_NAME)}"
        if len(same) > 1:
            said += " " + _more(same[1:], translator)
        blocks.append(f"{said}\n→ {next_step(same[0], translator)}")
    return blocks


def all_well(translator: Translator) -> str:
    """Return the sentence about an order without findings."""
    well = translator.gettext("I found nothing wrong: every file has a link, and none is known to be used up.")
    step = translator.gettext("Ask which file it is, and what they see.")
    return f"✅ {well}\n→ {step}"


def unseen(translator: Translator) -> str:
    """Return what Fileflare's response does not show, and how to fix it."""
    return "\n".join("• " + translator.gettext(sentence) for sentence in UNSEEN)


def changes(before: Iterable[Finding], after: Iterable[Finding], translator: Translator) -> str:
    """Return what is fixed and what is new, or an empty string if nothing changed."""
    before, after = list(before), list(after)
    then, now = Counter(before), Counter(after)
    new = sorted((now - then).elements(), key=_order)
    still = Counter((finding.kind, finding.name) for finding in new)  # of the same file, with other figures
    gone = []
    for finding in (then - now).elements():
        if still[finding.kind, finding.name]:
            still[finding.kind, finding.name] -= 1
        else:
            gone.append(finding)
    lines = [
        *("✅ " + translator.gettext("No longer: {what}", what=for_moderator(each, translator)) for each in gone),
        *(f"{MARKS[each.severity]} {for_moderator(each, translator)}" for each in new),
    ]
    shown = lines[: 2 * MOST_OF_A_KIND]
    if len(lines) > len(shown):
        left = len(lines) - len(shown)
        shown.append(translator.ngettext("… and {count} more change", "… and {count} more changes", left))
    return "\n".join(shown)


def _order(finding: Finding) -> tuple[int, int, int]:
    link = -1 if finding.link is None else _LINKS.index(finding.link)
    return -finding.severity, _ORDER.index(finding.kind), link


def _kinds(findings: Iterable[Finding]) -> Iterator[list[Finding]]:
    """Yield the findings of each kind that share a next step, most severe first."""
    for _, same in groupby(sorted(findings, key=_order), key=_order):
        yield list(same)


def _block(same: list[Finding], translator: Translator, most: int | None) -> Iterator[str]:
    for finding in same[:most]:
        yield f"{MARKS[finding.severity]} {for_moderator(finding, translator)}"
    if most is not None and len(same) > most:
        yield _more(same[most:], translator)
    yield f"→ {next_step(same[0], translator)}"


def _more(left: list[Finding], translator: Translator) -> str:
    """Return how many more products, or files, have the same finding."""
    if left[0].kind is Kind.PRODUCT_WITHOUT_FILES:
        return translator.ngettext("… and {count} more product", "… and {count} more products", len(left))
    return translator.ngettext("… and {count} more file", "… and {count} more files", len(left))


def _filled(sentence: str, finding: Finding, translator: Translator, longest: int = LONGEST_NAME) -> str:
    return translator.gettext(
        sentence,
        name=name_of(finding, translator, longest),
        downloaded=translator.number(bounded(finding.downloaded or 0)),
        limit=translator.number(bounded(finding.limit or 0)),
        pasted=translator.gettext(PASTED[finding.problem or ReferenceProblem.NOT_AN_ID]),
    )
