"""Turns an order into the pages of its reply.

A page is one plain line of content with the order's number, which people who switched embeds off read too, one embed,
and link buttons for its first few files. Links never stand in the content: Discord would fetch them for a preview,
which can cost a download.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from itertools import groupby, islice
from typing import Final

from fileflare_bot import discord_limits as limits
from fileflare_bot.downloads.entries import LONGEST_SIZE, ORDER_BLOCK, Entry, entries_of, files_named
from fileflare_bot.downloads.places import Places
from fileflare_bot.i18n import N_, Translator
from fileflare_bot.orders.file_links import Link
from fileflare_bot.orders.hiding import hide_references
from fileflare_bot.orders.labels import bounded, downloads_left, file_name, file_size, files_counted, order_name
from fileflare_bot.orders.models import Asset, Order, Remaining
from fileflare_bot.orders.plain import plain_name, plain_text
from fileflare_bot.text import escape

LINES_ON_A_PAGE: Final = 30
LINKS_ON_A_PAGE: Final = 3  # buttons; on a phone each is a row of its own
LONGEST_TITLE: Final = 120
LONGEST_STORE_TEXT: Final = 600
LINES_OF_STORE_TEXT: Final = 12
LONGEST_WANTED: Final = 100  # UTF-16 units of what a customer searches for
_NOTE_ROOM: Final = 200  # UTF-16 units of a note in any language
_NO_FILES_ROOM: Final = 400  # UTF-16 units of the sentences about an order without files in any language
_EXTERNAL: Final = "🔗"
_PLAIN_ORIGIN: Final = re.compile(r"https?://[a-z0-9.-]*[a-z0-9](?::\d+)?", re.IGNORECASE | re.ASCII)


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


_LAST: Final = N_("A click counts as a download, so use the last one on a steady connection.")


class _Note(Enum):
    """What is said once below the files of a page.

    The first sentence is for where a button reaches moderators, then for a server where none does, and for direct
    messages.
    """

    USED_UP = (
        N_("Nothing left on a file? **Press {button}** for more: once the store raises the count, the old link works."),
        N_("Nothing left on a file? Ask this store's support for more: once the count is raised, the old link works."),
        N_("Nothing left on a file? The store can raise the count, and then the old link works again."),
    )
    UNAVAILABLE = (
        N_("A link is unavailable? **Press {button}**."),
        N_("A link is unavailable? Ask this store's support."),
        N_("A link is unavailable? The store can replace it."),
    )
    LAST = (_LAST, _LAST, _LAST)


_ELSEWHERE: Final = N_("For that, use /{command} in the store's server and press **{help}** there.")


class OrderPages:
    """The pages of an order. Their bounds are computed at once; each page is rendered on demand.

    ``wanted`` is the part of a name that these files have, out of all ``of`` files of the order. A page begins with the
    entry ``break_at``, counted from 0, whether or not there is room for it on the page before.
    """

    def __init__(self, order: Order, *, wanted: str = "", of: int = 0, break_at: int = 0) -> None:
        self.order = order
        self.wanted = wanted
        self._of = of
        self._text = _store_text(order)
        self._pages = [*_split(order, self._text, break_at)]

    def __len__(self) -> int:
        return len(self._pages)

    @cached_property
    def places(self) -> Places:
        """The places that the select of these pages jumps to."""
        return Places(self._pages)

    def with_name(self, part: str) -> "OrderPages":
        """Return pages of the files that have this in their name or their product's. There may be none."""
        return OrderPages(files_named(self.order, file_name(part)), wanted=file_name(part), of=len(self.order.files))

    def beginning_with(self, place: int | None) -> "OrderPages":
        """Return these pages, but with a page that begins with this place of their select, if they have it.

        The pages before stay as they are, and the select has the same places.
        """
        if place is None or place >= len(self.places):
            return self
        pages = OrderPages(self.order, wanted=self.wanted, of=self._of, break_at=self.places[place].start)
        pages.places = self.places.on(pages._pages)
        return pages

    def render(
        self, number: int, translator: Translator, *, press: str = N_("Get help"), in_server: bool = True
    ) -> Page:
        """Return page ``number``, counted from 1; a number out of range gives the nearest page.

        ``press`` is the label of the button that reaches moderators, empty if there is none. Without ``in_server``,
        that button is in the store's server.
        """
        number = min(max(number, 1), len(self))
        entries = self._pages[number - 1]
        title = escape(limits.shorten(plain_name(self.order.text.title), LONGEST_TITLE))
        blocks = [self._text] if number == 1 and self._text else []
        links = (entry for entry in entries if _fits_button(entry.link))
        return Page(
            content=self._content(translator),
            title=title or translator.gettext("Your downloads"),
            description="\n\n".join([*blocks, *_blocks(self.order, entries, translator, press, in_server)]),
            footer=" · ".join(self._footer(number, entries, translator)),
            links=tuple(_button(entry, translator) for entry in islice(links, LINKS_ON_A_PAGE)),
            number=number,
            of=len(self),
        )

    def _content(self, translator: Translator) -> str:
        if not self.wanted:
            return files_counted(self.order, translator)
        found = translator.ngettext(
            "{found} of {count} file",
            "{found} of {count} files",
            self._of,
            found=translator.number(len(self.order.files)),
        )
        return f"{order_name(self.order, translator)} · {found} · 🔎 {shown_wanted(self.wanted)}"

    def _footer(self, number: int, entries: Iterable[Entry], translator: Translator) -> Iterator[str]:
        if len(self) > 1:
            of = translator.number(len(self))
            yield translator.gettext("Page {number} of {of}", number=translator.number(number), of=of)
            yield downloads_left(self.order, translator)
        if any(entry.asset is not None and entry.asset.data.is_link for entry in entries if entry.link):
            yield _EXTERNAL + " " + translator.gettext("external link")
        if self.order.incomplete:
            yield translator.gettext("This order may hold more than I can show")


def shown_wanted(wanted: str) -> str:
    """Return what a customer searches for, escaped, and without what may be an order ID."""
    return escape(limits.shorten(hide_references(file_name(wanted), "…"), LONGEST_WANTED))


def _store_text(order: Order) -> str:
    """Return the store's text, escaped, and cut where it would fill the page."""
    text = limits.shorten(plain_text(order.text.text), LONGEST_STORE_TEXT)
    lines = text.split("\n")
    if len(lines) > LINES_OF_STORE_TEXT:
        text = "\n".join([*lines[: LINES_OF_STORE_TEXT - 1], "…"])
    return escape(text)


@dataclass(frozen=True, slots=True)
class _Room:
    """The room that is left on a page. Every block takes a blank line, and the first does not need its own."""

    units: int = limits.EMBED_DESCRIPTION
    lines: int = LINES_ON_A_PAGE + 1
    notes: frozenset[_Note] = frozenset()

    @property
    def enough(self) -> bool:
        """Whether everything fits."""
        return self.units >= 0 and self.lines >= 0

    def without(self, units: int, lines: int) -> "_Room":
        """Return what a block leaves."""
        return _Room(self.units - units, self.lines - lines - 1, self.notes)

    def after(self, entry: Entry, *, begins: int) -> "_Room":
        """Return what an entry leaves, with its note if that is not there yet; ``begins`` lines begin its block."""
        units = self.units - entry.cost(heading=begins > 0)
        lines = self.lines - begins - (entry.asset is not None)
        note = _note(entry)
        if note is None or note in self.notes:
            return _Room(units, lines, self.notes)
        return _Room(units - _NOTE_ROOM, lines - (1 if self.notes else 2), self.notes | {note})


def _split(order: Order, text: str, break_at: int) -> Iterator[list[Entry]]:
    """Yield the entries of each page. The first is empty if only the store's text fits it; there is always one."""
    fresh = _Room() if order.asset_count else _Room().without(_NO_FILES_ROOM, 1)
    room = fresh.without(limits.size(text) + 2, text.count("\n") + 1) if text else fresh
    page: list[Entry] = []
    for index, entry in enumerate(entries_of(order)):
        begins = 2 if order.lines else 1  # a blank line, and a heading if there are products
        after = room.after(entry, begins=begins if not page or page[-1].block != entry.block else 0)
        if (not after.enough and (page or text)) or (page and index == break_at):
            yield page
            page, after, text = [], fresh.after(entry, begins=begins), ""
        page.append(entry)
        room = after
    yield page


def _note(entry: Entry) -> _Note | None:
    """Return the note that a file needs, or None."""
    if entry.asset is None:
        return None
    if entry.link is None:
        used_up = entry.asset.limits.remaining is Remaining.NONE and not entry.asset.broken
        return _Note.USED_UP if used_up else _Note.UNAVAILABLE
    return _Note.LAST if entry.asset.limits.remaining is Remaining.LAST else None


def _blocks(
    order: Order,
    entries: list[Entry],
    translator: Translator,
    press: str,
    in_server: bool,  # noqa: FBT001 - see render()
) -> Iterator[str]:
    if not order.asset_count:
        yield _no_files(order, translator, press, in_server)
    elif not entries:
        yield translator.gettext("Your files are on the next page.")
    for block, members in groupby(entries, key=lambda entry: entry.block):
        yield "\n".join(_block(order, block, list(members), translator))
    notes = {_note(entry) for entry in entries}
    button = translator.gettext(press) if press else ""
    way = 0 if press else 1 if in_server else 2
    said = [translator.gettext(note.value[way], button=button) for note in _Note if note in notes]
    asks = len(notes & {_Note.USED_UP, _Note.UNAVAILABLE})
    if asks and not press and not in_server:
        said[asks - 1] += " " + _in_the_server(_ELSEWHERE, translator)
    if said:
        yield "\n".join(said)


def _no_files(order: Order, translator: Translator, press: str, in_server: bool) -> str:  # noqa: FBT001 - see render()
    """Return why an order may have no files, and what to do."""
    why = translator.gettext(
        "There are no files on this order yet. New orders can take up to 30 minutes: press **Refresh** then."
    )
    if order.incomplete:
        why = translator.gettext("I cannot read its files. Press **Refresh** in a few minutes.")
    if press:
        button = translator.gettext(press)
        return why + " " + translator.gettext("Still none? **Press {button}**.", button=button)
    if not in_server:
        still = N_("Still none? Use /{command} in the store's server and press **{help}** there.")
        return why + " " + _in_the_server(still, translator)
    return why + " " + translator.gettext("Still none? Ask this store's support, and give them the order number.")


def _in_the_server(sentence: str, translator: Translator) -> str:
    return translator.gettext(sentence, command=translator.gettext("mydownloads"), help=translator.gettext("Get help"))


def _block(order: Order, block: int, entries: list[Entry], translator: Translator) -> Iterator[str]:
    heading = ""
    if block != ORDER_BLOCK:
        heading = escape(entries[0].product) or translator.gettext("Unnamed product")
    elif order.lines:
        heading = translator.gettext("For the whole order")
    # An order without any file says so already, and one that was cut may have more
    without = entries[0].asset is None and order.asset_count and not order.incomplete
    if heading:
        yield f"**{heading}**" + (" · " + translator.gettext("no files") if without else "")
    for entry in entries:
        if entry.asset is not None:
            yield _line(entry, entry.asset, translator)


def _line(entry: Entry, asset: Asset, translator: Translator) -> str:
    name = escape(entry.file) or translator.gettext("Unnamed file")
    size = escape(limits.shorten(file_size(asset.data.size, translator), LONGEST_SIZE))
    if entry.link is not None:
        sign = _EXTERNAL if asset.data.is_link else "📄"
        name, left = f"{sign} [{name}]({entry.link.spelled()})", _left(asset, translator)
    else:
        unavailable = _note(entry) is _Note.UNAVAILABLE
        name, left = f"🚫 {name}", translator.gettext("link unavailable") if unavailable else _left(asset, translator)
    return " · ".join(part for part in (name, size, left) if part)


def _left(asset: Asset, translator: Translator) -> str:
    """Return how many downloads are left, in words."""
    left, limit = asset.limits.left, asset.limits.limit
    match asset.limits.remaining:
        case Remaining.UNLIMITED:
            return translator.gettext("no limit")
        case Remaining.UNCLEAR:
            return translator.gettext("download limit not known")
        case Remaining.NONE:
            return translator.gettext("no downloads left")
        case Remaining.LAST:
            return "⚠️ " + translator.gettext("last download")
        case Remaining.SOME:
            return translator.ngettext(
                "{count} of {limit} left",
                "{count} of {limit} left",
                bounded(left or 0),
                limit=translator.number(bounded(limit or 0)),
            )


def _fits_button(link: Link | None) -> bool:
    """Discord refuses a whole message for a button's address that it takes for none."""
    return link is not None and link.size <= limits.BUTTON_URL and _PLAIN_ORIGIN.fullmatch(link.origin) is not None


def _button(entry: Entry, translator: Translator) -> LinkButton:
    assert entry.asset is not None  # noqa: S101 - only assets have links
    assert entry.link is not None  # noqa: S101 - see _fits_button
    left = entry.asset.limits.left
    counted = "" if left is None else translator.ngettext("{count} left", "{count} left", bounded(left))
    note = f" ({counted})" if counted else ""
    name = entry.file or translator.gettext("Unnamed file")
    return LinkButton(limits.shorten(name, limits.BUTTON_LABEL - limits.size(note)) + note, entry.link.spelled())
