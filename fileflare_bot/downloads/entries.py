"""What the pages of an order list: its files, and its products without any."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from fileflare_bot import discord_limits as limits
from fileflare_bot.orders.file_links import Link
from fileflare_bot.orders.labels import file_name
from fileflare_bot.orders.models import Asset, Line, Order, Remaining, StoreText
from fileflare_bot.orders.plain import plain_name
from fileflare_bot.text import escapes

SEARCHED: Final = 100  # characters of a name as the store wrote it: so many are shown
LONGEST_NAME: Final = 100
NAME_BESIDE_A_LONG_LINK: Final = 40
LONG_LINK: Final = 2900  # UTF-16 units; beside a longer one names are shorter
LONGEST_SIZE: Final = 20
ORDER_BLOCK: Final = -1
_AROUND_A_HEADING: Final = 40  # the asterisks, the line breaks, the dash, and that there are no files, in any language
_AROUND_A_FILE: Final = 18  # the sign, brackets, dots and the line break
_LEFT: Final = 40  # what is left, in any language
_FEW_LEFT: Final = 20  # the same as two numbers below 1,000
_MANY: Final = 1000
_REPLACED: Final = 20  # the text in place of a missing name, in any language
_BETWEEN_WORDS: Final = re.compile(r"[\s_.-]+")
_COUNTED_SIZE: Final = 16  # a size that is a bare number, with its unit in any language


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a page: an asset, or (without one) a product that has none."""

    block: int  # entries of one product share it; the order's own assets have ORDER_BLOCK
    line: Line | None
    asset: Asset | None = None
    link: Link | None = None  # to show

    @property
    def longest_name(self) -> int:
        """The UTF-16 units that a name may have beside its link."""
        return LONGEST_NAME if self.link is None or self.link.size <= LONG_LINK else NAME_BESIDE_A_LONG_LINK

    @property
    def file(self) -> str:
        """The file's name, not escaped; empty if it has none."""
        return limits.shorten(file_name(self.asset.data.filename), self.longest_name) if self.asset else ""

    @property
    def product(self) -> str:
        """The names of the product and its variant, not escaped; empty if it has none."""
        return " — ".join(
            limits.shorten(name, self.longest_name) for name in map(plain_name, self._product_names) if name
        )

    def cost(self, *, heading: bool) -> int:
        """Return the most UTF-16 units that it takes, without cleaning any name: that only makes it shorter."""
        taken = 0
        if heading:
            taken += _AROUND_A_HEADING + max(sum(map(self._most, self._product_names)), _REPLACED)
        if self.asset is not None:
            data, link = self.asset.data, self.link
            size = max(min(2 * len(data.size), 2 * LONGEST_SIZE), _COUNTED_SIZE) if data.size else 0
            few = self.asset.limits.remaining is Remaining.SOME and (self.asset.limits.limit or 0) < _MANY
            taken += _AROUND_A_FILE + max(self._most(data.filename), _REPLACED) + size
            taken += (_FEW_LEFT if few else _LEFT) + (link.size if link is not None else 0)
        return taken

    @property
    def _product_names(self) -> tuple[str | None, ...]:
        return (self.line.product.name, self.line.product.variant_name) if self.line is not None else ()

    def _most(self, name: str | None) -> int:
        return min(limits.size(name) + escapes(name), 2 * self.longest_name) if name else 0


def entries_of(order: Order) -> Iterator[Entry]:
    """Yield the entries of an order: line by line, then the order's own files."""
    for block, line in enumerate(order.lines):
        if not line.assets:
            yield Entry(block, line)
        for asset in line.assets:
            yield Entry(block, line, asset, _link(asset))
    for asset in order.assets:
        yield Entry(ORDER_BLOCK, None, asset, _link(asset))


def _link(asset: Asset) -> Link | None:
    link = asset.link if asset.limits.remaining is not Remaining.NONE else None
    return link if isinstance(link, Link) else None


def files_named(order: Order, part: str) -> Order:
    """Return the order with only the files that have this in their own name and their product's, in any case.

    Blanks and the signs between words are equal. If no file has it so, those are found that have each of its words.
    """
    read = [
        (line, _comparable(line.product.name, line.product.variant_name), _named(line.assets)) for line in order.lines
    ]
    own, wanted = _named(order.assets), _comparable(part)
    for words in ([wanted] if wanted.split() else [], wanted.split()):
        lines = [(line, _with(words, named, product)) for line, product, named in read]
        assets = _with(words, own)
        if assets or any(found for _, found in lines):
            break
    return Order(
        order_number=order.order_number,
        lines=tuple(Line(product=line.product, assets=found) for line, found in lines if found),
        assets=assets,
        text=StoreText(title=order.text.title),
        incomplete=order.incomplete,
    )


def _comparable(*names: str | None) -> str:
    return _BETWEEN_WORDS.sub(" ", " ".join(file_name(name[:SEARCHED]) for name in names if name)).casefold()


def _named(assets: Iterable[Asset]) -> list[tuple[Asset, str]]:
    return [(asset, _comparable(asset.data.filename)) for asset in assets]


def _with(words: list[str], named: list[tuple[Asset, str]], product: str = "") -> tuple[Asset, ...]:
    """Return the files that have all of these words in their own name or their product's; none without any word."""
    return tuple(asset for asset, name in named if words and all(word in f"{product} {name}" for word in words))
