"""Turns an order into the pages of its reply.

A page is one embed, one plain line of content for people who switched embeds off, and link buttons. Links never
stand in the content: Discord would fetch them for a preview, which can cost a download.
"""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from fileflare_bot import discord_limits as limits
from fileflare_bot.i18n import Translator
from fileflare_bot.orders.file_links import Link
from fileflare_bot.orders.labels import bounded, downloads_left, file_name, file_size, order_name, summary
from fileflare_bot.orders.models import Asset, Line, Order, Remaining
from fileflare_bot.orders.plain import plain_name, plain_text
from fileflare_bot.text import escape

ENTRIES_ON_A_PAGE: Final = 8
LONGEST_NAME: Final = 100
NAME_BESIDE_A_LONG_LINK: Final = 40
LONG_LINK: Final = 2900  # UTF-16 units; beside a longer one names are shorter
LONGEST_TITLE: Final = 120
LONGEST_STORE_TEXT: Final = 600
BAR_CELLS: Final = 10
_ROOM: Final = 3800  # UTF-16 units of an embed's description for entries and their headings
_ORDER_BLOCK: Final = -1
_PLAIN_ORIGIN: Final = re.compile(r"https?://[a-z0-9.-]*[a-z0-9](?::\d+)?", re.IGNORECASE | re.ASCII)
_HEADING_OVERHEAD: Final = 40  # the asterisks, line breaks, and the text in place of a missing name
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
    line: Line | None
    asset: Asset | None = None

    @property
    def link(self) -> Link | None:
        """The link to show, if any."""
        asset = self.asset
        if asset is None or asset.limits.remaining is Remaining.NONE or not isinstance(asset.link, Link):
            return None
        return asset.link

    @property
    def longest_name(self) -> int:
        """The UTF-16 units that a name may have beside its link."""
        return LONGEST_NAME if self.link is None or self.link.size <= LONG_LINK else NAME_BESIDE_A_LONG_LINK

    def cost(self, *, heading: bool) -> int:
        """Return the most UTF-16 units that it takes, without cleaning any name: that only makes it shorter."""
        names: list[str | None] = [self.asset.data.filename] if self.asset is not None else []
        if heading and self.line is not None:
            names += [self.line.product.name, self.line.product.variant_name]
        taken = sum(2 * min(limits.size(name), self.longest_name) for name in names if name)
        return taken + (self.link.size if self.link else 0) + _ENTRY_OVERHEAD + (_HEADING_OVERHEAD if heading else 0)


class OrderPages:
    """The pages of an order. Their bounds are computed at once; each page is rendered on demand."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self._text = escape(limits.shorten(plain_text(order.text.text), LONGEST_STORE_TEXT))
        self._pages = [*_split(_entries(order), _ROOM - limits.size(self._text))]

    def __len__(self) -> int:
        return len(self._pages)

    def render(self, number: int, translator: Translator) -> Page:
        """Return page ``number``, counted from 1; a number out of range gives the nearest page."""
        number = min(max(number, 1), len(self))
        entries = self._pages[number - 1]
        title = escape(limits.shorten(plain_name(self.order.text.title), LONGEST_TITLE))
        blocks = [self._text] if number == 1 and self._text else []
        return Page(
            content=summary(self.order, translator),
            title=title or translator.gettext("Your downloads"),
            description="\n\n".join([*blocks, *_blocks(self.order, entries, translator)]),
            footer=_footer(number, len(self), self.order, translator),
            links=tuple(_button(entry, translator) for entry in entries if _fits_button(entry.link)),
            number=number,
            of=len(self),
        )


def _entries(order: Order) -> Iterator[_Entry]:
    for block, line in enumerate(order.lines):
        if not line.assets:
            yield _Entry(block, line)
        for asset in line.assets:
            yield _Entry(block, line, asset)
    for asset in order.assets:
        yield _Entry(_ORDER_BLOCK, None, asset)


def _split(entries: Iterable[_Entry], room: int) -> Iterator[list[_Entry]]:
    """Yield the entries of each page. The first is empty if only the store's text fits it; there is always one."""
    page: list[_Entry] = []
    for entry in entries:
        cost = entry.cost(heading=not page or page[-1].block != entry.block)
        if len(page) == ENTRIES_ON_A_PAGE or (cost > room and (page or room < _ROOM)):
            yield page
            page, room, cost = [], _ROOM, entry.cost(heading=True)
        page.append(entry)
        room -= cost
    yield page


def _blocks(order: Order, entries: list[_Entry], translator: Translator) -> Iterator[str]:
    yield f"**{order_name(order, translator)}**"
    if not order.asset_count:
        yield translator.gettext("I cannot read its files.") if order.incomplete else no_files(translator)
    elif not entries:
        yield translator.gettext("Your files are on the next page.")
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
        heading = _heading(entries) or translator.gettext("Unnamed product")
    elif order.lines:
        heading = translator.gettext("For the whole order")
    if heading:
        yield f"**{heading}**"
    for entry in entries:
        if entry.asset:
            yield _asset_lines(entry, entry.asset, translator)
        elif order.asset_count and not order.incomplete:  # an order without any file says so already
            yield translator.gettext("No files come with this product.")


def _heading(entries: list[_Entry]) -> str:
    line, longest = entries[0].line, min(entry.longest_name for entry in entries)
    names = (line.product.name, line.product.variant_name) if line else ()
    shown = (escape(limits.shorten(plain_name(name), longest)) for name in names)
    return " — ".join(name for name in shown if name)


def no_files(translator: Translator) -> str:
    """Return why an order may have no files, and what to do."""
    return translator.gettext(
        "There are no files on this order yet. New orders can take up to 30 minutes: press Refresh then. "
        "If it stays empty, ask this store's support and give them the order number."
    )


def _asset_lines(entry: _Entry, asset: Asset, translator: Translator) -> str:
    name = escape(_name(entry, asset)) or translator.gettext("Unnamed file")
    size = escape(limits.shorten(file_size(asset.data.size, translator), 20))
    link = entry.link
    if link is None:
        used_up = asset.limits.remaining is Remaining.NONE and not asset.broken
        status = (
            _left(asset, translator) if used_up else translator.gettext("link unavailable: ask this store's support")
        )
        return " · ".join(part for part in (f"🚫 {name}", size, status) if part)
    details = (size, translator.gettext("external link") if asset.data.is_link else "")
    head = " · ".join(part for part in (f"📄 [{name}]({link.spelled()})", *details) if part)
    return f"{head}\n{_bar(asset)}{_left(asset, translator)}"


def _name(entry: _Entry, asset: Asset) -> str:
    return limits.shorten(file_name(asset.data.filename), entry.longest_name)


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


def _footer(number: int, of: int, order: Order, translator: Translator) -> str:
    page = translator.gettext("Page {number} of {of}", number=translator.number(number), of=translator.number(of))
    more = translator.gettext("This order may hold more than I can show") if order.incomplete else ""
    return " · ".join(part for part in (page, downloads_left(order, translator), more) if part)


def _fits_button(link: Link | None) -> bool:
    """Discord refuses a whole message for a button's address that it takes for none."""
    return link is not None and link.size <= limits.BUTTON_URL and _PLAIN_ORIGIN.fullmatch(link.origin) is not None


def _button(entry: _Entry, translator: Translator) -> LinkButton:
    assert entry.asset is not None  # noqa: S101 - only assets have links
    assert entry.link is not None  # noqa: S101 - see _fits_button
    left = entry.asset.limits.left
    counted = "" if left is None else translator.ngettext("{count} left", "{count} left", bounded(left))
    note = f" ({counted})" if counted else ""
    name = _name(entry, entry.asset) or translator.gettext("Unnamed file")
    return LinkButton(limits.shorten(name, limits.BUTTON_LABEL - limits.size(note)) + note, entry.link.spelled())
