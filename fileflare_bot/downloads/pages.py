"""Turns an order into the pages of its reply.

A page is one embed, one plain line of content for people who switched embeds off, and link buttons. Links never
stand in the content: Discord would fetch them for a preview, which can cost a download.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from fileflare_bot import discord_limits as limits
from fileflare_bot.i18n import Translator
from fileflare_bot.orders.file_links import safe_link
from fileflare_bot.orders.labels import bounded, downloads_left, file_name, order_name, summary
from fileflare_bot.orders.models import Asset, Line, Order, Remaining
from fileflare_bot.text import clean, escape

ENTRIES_ON_A_PAGE: Final = 8
LONGEST_NAME: Final = 100
LONGEST_TITLE: Final = 120
LONGEST_STORE_TEXT: Final = 600
BAR_CELLS: Final = 10
_ROOM: Final = 3800  # UTF-16 units of an embed's description for entries and their headings
_FIRST_PAGE_ROOM: Final = _ROOM - 2 * LONGEST_STORE_TEXT
_ORDER_BLOCK: Final = -1
_ENTRY_OVERHEAD: Final = 160  # the text around an entry's name, size and link, in any language


@dataclass(frozen=True, slots=True)
class LinkButton:
    """A button that opens a link."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a reply, ready for Discord."""

    content: str
    title: str
    description: str
    footer: str
    links: tuple[LinkButton, ...]
    number: int
    of: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of a page: an asset, or (without one) the note that a product has no files."""

    block: int  # entries of one product share it; the order's own assets have _ORDER_BLOCK
    heading: str
    cost: int
    asset: Asset | None = None
    name: str = ""
    link: str | None = field(default=None, repr=False)


class OrderPages:
    """The pages of an order. Their bounds are computed at once; each page is rendered on demand."""

    def __init__(self, order: Order) -> None:
        self.order = order
        entries = [*_entries(order)]
        self._pages = [*_split(entries)] or [[]]

    def __len__(self) -> int:
        return len(self._pages)

    def render(self, number: int, translator: Translator) -> Page:
        """Return page ``number``, counted from 1; a number out of range gives the nearest page."""
        number = min(max(number, 1), len(self))
        entries = self._pages[number - 1]
        total = downloads_left(self.order, translator)
        title = escape(limits.shorten(clean(self.order.text.title), LONGEST_TITLE))
        return Page(
            content=summary(self.order, translator),
            title=title or translator.gettext("Your downloads"),
            description="\n\n".join(_blocks(self.order, entries, translator, first=number == 1)),
            footer=_footer(number, len(self), total, translator),
            links=tuple(_button(entry, translator) for entry in entries if _fits_button(entry)),
            number=number,
            of=len(self),
        )


def _entries(order: Order) -> Iterator[_Entry]:
    for block, line in enumerate(order.lines):
        heading = _heading(line)
        if not line.assets:
            yield _Entry(block, heading, _ENTRY_OVERHEAD)
        for asset in line.assets:
            yield _asset_entry(block, heading, asset)
    for asset in order.assets:
        yield _asset_entry(_ORDER_BLOCK, "", asset)


def _heading(line: Line) -> str:
    names = (clean(line.product.name), clean(line.product.variant_name))
    return " — ".join(escape(limits.shorten(name, LONGEST_NAME)) for name in names if name)


def _asset_entry(block: int, heading: str, asset: Asset) -> _Entry:
    name = limits.shorten(file_name(asset.data.filename), LONGEST_NAME)
    link = None if asset.broken or asset.limits.remaining is Remaining.NONE else safe_link(asset.data.url)
    cost = 2 * limits.size(name) + len(link or "") + _ENTRY_OVERHEAD
    return _Entry(block, heading, cost, asset, name, link)


def _split(entries: list[_Entry]) -> Iterator[list[_Entry]]:
    page: list[_Entry] = []
    room = _FIRST_PAGE_ROOM
    for entry in entries:
        cost = entry.cost + (_heading_cost(entry) if not page or page[-1].block != entry.block else 0)
        if page and (len(page) == ENTRIES_ON_A_PAGE or cost > room):
            yield page
            page, room, cost = [], _ROOM, entry.cost + _heading_cost(entry)
        page.append(entry)
        room -= cost
    if page:
        yield page


def _heading_cost(entry: _Entry) -> int:
    return limits.size(entry.heading) + 40  # the asterisks, line breaks, and the text in place of a missing name


def _blocks(order: Order, entries: list[_Entry], translator: Translator, *, first: bool) -> Iterator[str]:
    text = escape(limits.shorten(clean(order.text.text, lines=True), LONGEST_STORE_TEXT)) if first else ""
    if text:
        yield text
    yield f"**{order_name(order, translator)}**"
    if not order.asset_count:
        yield no_files(translator)
    for block, members in groupby(entries, key=lambda entry: entry.block):
        yield "\n".join(_block(order, block, list(members), translator))
    if any(entry.asset and entry.asset.limits.remaining is Remaining.NONE for entry in entries):
        yield translator.gettext(
            "Nothing left on a file? Ask this store's support for more; its old link then works again."
        )
    if any(entry.asset and entry.asset.limits.remaining is Remaining.LAST for entry in entries):
        yield translator.gettext("A click counts as a download, so use the last one on a steady connection.")


def _block(order: Order, block: int, entries: list[_Entry], translator: Translator) -> Iterator[str]:
    heading = ""
    if block != _ORDER_BLOCK:
        heading = entries[0].heading or translator.gettext("Unnamed product")
    elif order.lines:
        heading = translator.gettext("For the whole order")
    if heading:
        yield f"**{heading}**"
    for entry in entries:
        if entry.asset:
            yield _asset_lines(entry, entry.asset, translator)
        elif order.asset_count:  # an order without any file says so already
            yield translator.gettext("No files come with this product.")


def no_files(translator: Translator) -> str:
    """Return why an order may have no files, and what to do."""
    return translator.gettext(
        "There are no files on this order yet. New orders can take up to 30 minutes: press Refresh then. "
        "If it stays empty, ask this store's support and give them the order number."
    )


def _asset_lines(entry: _Entry, asset: Asset, translator: Translator) -> str:
    name = escape(entry.name) or translator.gettext("Unnamed file")
    size = escape(limits.shorten(clean(asset.data.size), 20))
    if entry.link is None:
        used_up = asset.limits.remaining is Remaining.NONE and not asset.broken
        status = (
            _left(asset, translator) if used_up else translator.gettext("link unavailable: ask this store's support")
        )
        return " · ".join(part for part in (f"🚫 {name}", size, status) if part)
    details = (size, translator.gettext("external link") if asset.data.is_link else "")
    head = " · ".join(part for part in (f"📄 [{name}]({entry.link})", *details) if part)
    return f"{head}\n{_bar(asset)}{_left(asset, translator)}"


def _bar(asset: Asset) -> str:
    left, limit = asset.limits.left, asset.limits.limit
    if left is None or limit is None:
        return ""
    cells = min(limit, BAR_CELLS)
    filled = min(cells, math.ceil(cells * left / limit))
    return "▰" * filled + "▱" * (cells - filled) + " "


def _left(asset: Asset, translator: Translator) -> str:
    """Return how many downloads are left, in words."""
    left, limit = asset.limits.left, asset.limits.limit
    match asset.limits.remaining:
        case Remaining.UNLIMITED:
            return translator.gettext("unlimited downloads")
        case Remaining.UNCLEAR:
            return translator.gettext("download limit not known")
        case Remaining.NONE:
            return translator.gettext("no downloads left")
        case Remaining.LAST:
            return "⚠️ " + translator.gettext("last download")
        case Remaining.SOME:
            return translator.ngettext(
                "{count} of {limit} downloads left",
                "{count} of {limit} downloads left",
                bounded(left or 0),
                limit=translator.number(bounded(limit or 0)),
            )


def _footer(number: int, of: int, total: str, translator: Translator) -> str:
    page = translator.gettext("Page {number} of {of}", number=translator.number(number), of=translator.number(of))
    return f"{page} · {total}" if total else page


def _fits_button(entry: _Entry) -> bool:
    return entry.link is not None and len(entry.link) <= limits.BUTTON_URL


def _button(entry: _Entry, translator: Translator) -> LinkButton:
    assert entry.asset is not None  # noqa: S101 - only assets have links
    assert entry.link is not None  # noqa: S101 - see _fits_button
    left = entry.asset.limits.left
    counted = "" if left is None else translator.ngettext("{count} left", "{count} left", bounded(left))
    note = f" ({counted})" if counted else ""
    name = entry.name or translator.gettext("Unnamed file")
    return LinkButton(limits.shorten(name, limits.BUTTON_LABEL - limits.size(note)) + note, entry.link)
