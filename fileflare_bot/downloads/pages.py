"""An order → the pages of its reply.

A page is one embed, one plain line of content for people who switched embeds off, and link buttons. Links never
stand in the content: Discord's preview would fetch them there, and that can cost a download.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from fileflare_bot import discord_limits as limits
from fileflare_bot.i18n import Words
from fileflare_bot.orders.findings import file_name
from fileflare_bot.orders.links import safe_link
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
_ENTRY_OVERHEAD: Final = 160  # what stands around an entry's name, size and link, in any language


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
    """What takes a place on a page: an asset, or (without one) the note that a product has no files."""

    block: int  # entries of one product share it; the order's own assets have _ORDER_BLOCK
    heading: str
    cost: int
    asset: Asset | None = None
    name: str = ""
    link: str | None = field(default=None, repr=False)


class OrderPages:
    """The pages of an order. Only their bounds are worked out at once; a page is rendered when it is asked for."""

    def __init__(self, order: Order) -> None:
        self.order = order
        entries = [*_entries(order)]
        self._pages = [*_split(entries)] or [[]]

    def __len__(self) -> int:
        return len(self._pages)

    def render(self, number: int, words: Words) -> Page:
        """Return page ``number``, counted from 1; a number out of range gives the nearest page."""
        number = min(max(number, 1), len(self))
        entries = self._pages[number - 1]
        total = _total(self.order, words)
        title = escape(limits.shorten(clean(self.order.text.title), LONGEST_TITLE))
        return Page(
            content=summary(self.order, words),
            title=title or words.gettext("Your downloads"),
            description="\n\n".join(_blocks(self.order, entries, words, first=number == 1)),
            footer=_footer(number, len(self), total, words),
            links=tuple(_button(entry, words) for entry in entries if _fits_button(entry)),
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
    return limits.size(entry.heading) + 40  # the asterisks, line breaks, and the words where there is no name


def _blocks(order: Order, entries: list[_Entry], words: Words, *, first: bool) -> Iterator[str]:
    text = escape(limits.shorten(clean(order.text.text, lines=True), LONGEST_STORE_TEXT)) if first else ""
    if text:
        yield text
    yield f"**{_order_name(order, words)}**"
    if not order.asset_count:
        yield no_files(words)
    for block, members in groupby(entries, key=lambda entry: entry.block):
        yield "\n".join(_block(order, block, list(members), words))
    if any(entry.asset and entry.asset.limits.remaining is Remaining.NONE for entry in entries):
        yield words.gettext("Nothing left on a file? Ask this store's support for more; its old link then works again.")
    if any(entry.asset and entry.asset.limits.remaining is Remaining.LAST for entry in entries):
        yield words.gettext("A click counts as a download, so use the last one on a steady connection.")


def _block(order: Order, block: int, entries: list[_Entry], words: Words) -> Iterator[str]:
    heading = ""
    if block != _ORDER_BLOCK:
        heading = entries[0].heading or words.gettext("Unnamed product")
    elif order.lines:
        heading = words.gettext("For the whole order")
    if heading:
        yield f"**{heading}**"
    for entry in entries:
        if entry.asset:
            yield _asset_lines(entry, entry.asset, words)
        elif order.asset_count:  # an order without any file has said so already
            yield words.gettext("No files come with this product.")


def no_files(words: Words) -> str:
    """Return what an order without any file can mean and what to do."""
    return words.gettext(
        "There are no files on this order yet. New orders can take up to 30 minutes: press Refresh then. "
        "If it stays empty, ask this store's support and give them the order number."
    )


def _asset_lines(entry: _Entry, asset: Asset, words: Words) -> str:
    name = escape(entry.name) or words.gettext("Unnamed file")
    size = escape(limits.shorten(clean(asset.data.size), 20))
    if entry.link is None:
        used_up = asset.limits.remaining is Remaining.NONE and not asset.broken
        status = _left(asset, words) if used_up else words.gettext("link unavailable: ask this store's support")
        return " · ".join(part for part in (f"🚫 {name}", size, status) if part)
    details = (size, words.gettext("external link") if asset.data.is_link else "")
    head = " · ".join(part for part in (f"📄 [{name}]({entry.link})", *details) if part)
    return f"{head}\n{_bar(asset)}{_left(asset, words)}"


def _bar(asset: Asset) -> str:
    left, limit = asset.limits.left, asset.limits.limit
    if left is None or limit is None:
        return ""
    cells = min(limit, BAR_CELLS)
    filled = min(cells, math.ceil(cells * left / limit))
    return "▰" * filled + "▱" * (cells - filled) + " "


def _left(asset: Asset, words: Words) -> str:
    """Return how many downloads are left, in words."""
    left, limit = asset.limits.left, asset.limits.limit
    match asset.limits.remaining:
        case Remaining.UNLIMITED:
            return words.gettext("unlimited downloads")
        case Remaining.UNCLEAR:
            return words.gettext("download limit not known")
        case Remaining.NONE:
            return words.gettext("no downloads left")
        case Remaining.LAST:
            return "⚠️ " + words.gettext("last download")
        case Remaining.SOME:
            return words.ngettext(
                "{count} of {limit} downloads left",
                "{count} of {limit} downloads left",
                _bounded(left or 0),
                limit=words.number(_bounded(limit or 0)),
            )


def _bounded(number: int) -> int:
    """Keep a count that no store has set in earnest from filling the page."""
    return min(number, 999_999_999)


def _order_name(order: Order, words: Words) -> str:
    number = clean(str(order.order_number)) if order.order_number is not None else ""
    if not number:
        return words.gettext("Your order")
    return words.gettext("Order #{number}", number=escape(limits.shorten(number.removeprefix("#"), 40)))


def order_label(order: Order, words: Words) -> str:
    """Return an order's number and first product, in at most 100 characters, to be told apart from others."""
    number = clean(str(order.order_number)).removeprefix("#") if order.order_number is not None else ""
    named = next((clean(line.product.name) for line in order.lines if clean(line.product.name)), "")
    file = next((file_name(asset.data.filename) for asset in order.all_assets() if asset.data.filename), "")
    parts = [limits.shorten(part, 60) for part in (f"#{number}" if number else "", named or file) if part]
    return limits.shorten(" · ".join(parts), limits.OPTION_LABEL) or words.gettext("Your order")


def _total(order: Order, words: Words) -> str:
    """Return the downloads left on the whole order in words, or nothing for an order without files."""
    left = limited = unlimited = 0
    for asset in order.all_assets():
        if not asset.broken:
            asset_left = asset.limits.left
            limited += asset_left is not None
            left += asset_left or 0
            unlimited += asset.limits.limit is None
    if not order.asset_count:
        return ""
    parts = []
    if limited or not unlimited:
        parts.append(words.ngettext("{count} download left", "{count} downloads left", _bounded(left)))
    if unlimited:
        parts.append(words.ngettext("{count} file without a limit", "{count} files without a limit", unlimited))
    return " · ".join(parts)


def summary(order: Order, words: Words) -> str:
    """Return an order in one line, without its links."""
    total = _total(order, words)
    counted = words.ngettext("{count} file", "{count} files", order.asset_count)
    return " · ".join(part for part in (_order_name(order, words), counted, total) if part)


def _footer(number: int, of: int, total: str, words: Words) -> str:
    page = words.gettext("Page {number} of {of}", number=words.number(number), of=words.number(of))
    return f"{page} · {total}" if total else page


def _fits_button(entry: _Entry) -> bool:
    return entry.link is not None and len(entry.link) <= limits.BUTTON_URL


def _button(entry: _Entry, words: Words) -> LinkButton:
    assert entry.asset is not None  # noqa: S101 - only assets have links
    assert entry.link is not None  # noqa: S101 - see _fits_button
    left = entry.asset.limits.left
    counted = "" if left is None else words.ngettext("{count} left", "{count} left", _bounded(left))
    note = f" ({counted})" if counted else ""
    name = entry.name or words.gettext("Unnamed file")
    return LinkButton(limits.shorten(name, limits.BUTTON_LABEL - limits.size(note)) + note, entry.link)
