"""How much of an order is read. Lists and texts are cut before anything is built of them or searched in them."""

from typing import Any, Final

from fileflare_bot.text import well_formed

MOST_LINES: Final = 1000  # Shopify takes 500 in an order
MOST_ASSETS: Final = 2000  # of all lines and the order itself
MOST_TAGS: Final = 250  # of a product: Shopify takes no more
MOST_TAGS_IN_ALL: Final = 10_000
LONGEST_WORD: Final = 255  # characters of an ID, an SKU, a vendor or a tag, as in Shopify
LONGEST_NAME: Final = 300  # characters of a name, with its tags; 100 are shown
LONGEST_TEXT: Final = 4000  # characters of the store's text, with its tags; 600 are shown

_LEFT_OUT: Final = object()


def as_list(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return the list that an object with whole-number keys stands for: PHP sends a filtered list so.

    An empty object is the empty list, and so is null. Anything else comes back as it is.
    """
    if value is None:
        return []
    if isinstance(value, dict):
        members = [member for key, member in value.items() if key.isascii() and key.isdecimal()]
        return members if members or not value else value
    return value


def as_object(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return an empty object for an empty list: PHP does not tell them apart."""
    return {} if isinstance(value, list) and not value else value


def cut_text(value: Any, most: int) -> Any:  # noqa: ANN401 - any JSON value
    """Return at most ``most`` characters of a text, well-formed."""
    if not isinstance(value, str):
        return value
    return well_formed(value[:most])


def bounded_order(raw: dict[str, Any]) -> dict[str, Any]:
    """Return an order's lists within their bounds, and whether anything was cut as ``incomplete``."""
    budget = _Budget()
    lines = as_list(raw.get("lines"))
    if isinstance(lines, list):
        bounded = [budget.line(line) for line in budget.cut(lines, MOST_LINES)]
        lines = [line for line in bounded if line is not _LEFT_OUT]
    assets = as_list(raw.get("assets"))
    if isinstance(assets, list):
        assets = budget.assets(assets)
    return {**raw, "lines": lines, "assets": assets, "incomplete": budget.incomplete}


class _Budget:
    """What may still be read of one order."""

    def __init__(self) -> None:
        self.incomplete = False
        self._assets_left = MOST_ASSETS
        self._tags_left = MOST_TAGS_IN_ALL

    def cut(self, members: list[Any], most: int) -> list[Any]:
        if len(members) <= most:
            return members
        self.incomplete = True
        return members[:most]

    def assets(self, members: list[Any]) -> list[Any]:
        kept = self.cut(members, self._assets_left)
        self._assets_left -= len(kept)
        return kept

    def line(self, line: Any) -> Any:  # noqa: ANN401 - any JSON value
        if not isinstance(line, dict):
            return line
        assets, product = as_list(line.get("assets")), line.get("product")
        if isinstance(assets, list):
            if assets and not self._assets_left:
                self.incomplete = True
                return _LEFT_OUT
            assets = self.assets(assets)
        if isinstance(product, dict):
            tags = as_list(product.get("tags"))
            if isinstance(tags, list):
                tags = self.cut(tags, min(MOST_TAGS, self._tags_left))
                self._tags_left -= len(tags)
            product = {**product, "tags": tags}
        return {"assets": assets, "product": product}
