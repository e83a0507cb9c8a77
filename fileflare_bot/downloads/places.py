"""The select of a large order: it jumps to where a product or a page begins.

Discord shows 25 options. If there are more places, each option stands for a range of them, and choosing one shows what
is in it. Three choices reach any of 14,400 places; an order has 3,000 at most.

The chosen place begins a page, so a product that takes two pages is one place: what is left of it is on the next page.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby
from typing import Final

from fileflare_bot import discord_limits as limits
from fileflare_bot.downloads.entries import ORDER_BLOCK, Entry
from fileflare_bot.i18n import Translator

TWO_CHOICES: Final = limits.SELECT_OPTIONS * (limits.SELECT_OPTIONS - 1)  # places that two choices reach
LONGEST_END: Final = 45  # UTF-16 units of each end of a range
Span = tuple[int, int]  # the first place, and the one after the last


@dataclass(frozen=True, slots=True)
class Place:
    """Where a product or a page begins."""

    page: int
    opens: int  # the page that choosing it opens, which begins with it
    start: int  # how many entries stand before it
    entry: Entry


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of the select: a place, or a range of them. Its value holds no name."""

    span: Span
    label: str
    description: str | None = None
    here: bool = False

    @property
    def value(self) -> str:
        """The value of its option."""
        return f"{self.span[0]}-{self.span[1]}"


class Places:
    """The places of an order's pages, in their order."""

    def __init__(self, pages: Sequence[Sequence[Entry]]) -> None:
        places = [*_places(pages)]
        self._blocks = len({place.entry.block for place in places})
        once = [*_once(places)] if self._blocks > 1 else places
        self._places = once if len(once) <= TWO_CHOICES else places  # or the next page would be a fourth press

    def on(self, pages: Sequence[Sequence[Entry]]) -> "Places":
        """Return the same places on other pages of the same entries."""
        starts = [0, *accumulate(map(len, pages))][:-1]
        moved = Places(())
        moved._blocks = self._blocks
        moved._places = [replace(place, page=bisect_right(starts, place.start)) for place in self._places]
        return moved

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, place: int) -> "Place":
        return self._places[place]

    def choices(self, page: int, jumped: Span | None, translator: Translator) -> list[Choice]:
        """Return the options on a page; ``jumped`` is what was chosen last, and opened if it is a range."""
        whole = (0, len(self))
        span = jumped if jumped is not None and jumped[1] - jumped[0] > 1 else whole
        here = jumped[0] if jumped is not None else self._first_of(page)  # Discord tells no choice of the same again
        up = [] if span == whole else [Choice(whole, translator.gettext("The whole order"))]
        step = math.ceil((span[1] - span[0]) / (limits.SELECT_OPTIONS - len(up)))
        starts = range(span[0], span[1], step)
        return [*up, *(self._choice((start, min(start + step, span[1])), here, translator) for start in starts)]

    def _first_of(self, page: int) -> int:
        """Return a page's first place, or the one that goes on there.

        It is -1 for the first page, where the select still says what it is for.
        """
        if page == 1:
            return -1
        numbers = [place.page for place in self._places]
        first = bisect_right(numbers, page - 1)
        return first if page in numbers else first - 1

    def _choice(self, span: Span, here: int, translator: Translator) -> Choice:
        first, last = self._places[span[0]], self._places[span[1] - 1]
        name, page = self._name(first.entry, translator), translator.number(first.opens)
        if first.opens == last.opens:
            description = translator.gettext("Page {number}", number=page)
        else:
            to = translator.number(last.opens)
            description = translator.gettext("Pages {number} to {to}", number=page, to=to)
        if first is last:
            file = first.entry.file
            description += f" · {file}" if file not in {"", name} else ""
        else:
            ends = (limits.shorten(each, LONGEST_END) for each in (name, self._name(last.entry, translator)))
            name = " … ".join(dict.fromkeys(ends))
        return Choice(
            span,
            limits.shorten(name, limits.OPTION_LABEL),
            limits.shorten(description, limits.OPTION_DESCRIPTION),
            here=span[0] <= here < span[1],
        )

    def _name(self, entry: Entry, translator: Translator) -> str:
        """Return the product's name, or the file's if there is only one product or none."""
        if self._blocks > 1 and entry.block == ORDER_BLOCK:
            return translator.gettext("For the whole order")
        product = entry.product or translator.gettext("Unnamed product")
        if self._blocks > 1 or entry.asset is None:
            return product
        return entry.file or translator.gettext("Unnamed file")


def _places(pages: Sequence[Sequence[Entry]]) -> Iterator[Place]:
    start = 0
    for number, entries in enumerate(pages, 1):
        block = None
        for index, entry in enumerate(entries, start):
            if entry.block != block:
                block = entry.block
                yield Place(number, number + (index > start), index, entry)
        start += len(entries)


def _once(places: Sequence[Place]) -> Iterator[Place]:
    """Yield the places without the second page of a product that takes two; one that takes more has each."""
    for _, group in groupby(places, key=lambda place: place.entry.block):
        first, *more = group
        yield first
        if len(more) > 1:
            yield from more
