"""Fileflare's order data, as frozen dataclasses with slots: an open order keeps them for half an hour.

The shape is the documented response of ``GET /api/v2/customer-account-orders``. Stores' data and PHP vary it: unknown
fields are ignored, missing and null ones have a meaning, an object with whole-number keys is a list, and ``[]`` is an
empty object too. An unreadable value is lost alone: a count is then not known, an asset has no link, a list is one
such asset. ``orders/bounds.py`` says how much is read.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass as plain_dataclass
from dataclasses import field
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, ClassVar, Final, TypedDict

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    SkipValidation,
    ValidationError,
    ValidationInfo,
    WrapValidator,
    model_validator,
)
from pydantic import ValidatorFunctionWrapHandler as Handler
from pydantic.dataclasses import dataclass
from pydantic_core import CoreSchema, core_schema

from fileflare_bot.orders.bounds import (
    LONGEST_NAME,
    LONGEST_TEXT,
    LONGEST_WORD,
    as_list,
    as_object,
    bounded_order,
    cut_text,
)
from fileflare_bot.orders.file_links import LONGEST_LINK, Link, LinkProblem, read_link
from fileflare_bot.orders.hiding import Wanted, hide_order
from fileflare_bot.orders.plain import plain_text, without_any_tag

_HIDDEN: Final = "…"  # replaces the order's ID in a text


_CONFIG: Final = ConfigDict(extra="ignore", hide_input_in_errors=True, coerce_numbers_to_str=True)


@plain_dataclass(frozen=True, slots=True)
class OrDefault:
    """Uses the default for unreadable values, and for null where the type does not allow it.

    pydantic-core does this at a tenth of the cost of a Python validator.
    """

    default: Any

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401
        return core_schema.with_default_schema(handler(source), default=self.default, on_error="default")


class Context(TypedDict, total=False):
    """What the validation of an order needs to know: its ID, which only links keep, and whether some of it is lost."""

    order: Wanted
    incomplete: bool


def _at_most(characters: int) -> BeforeValidator:
    def read(value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401 - any JSON value
        text, order = cut_text(value, characters), (info.context or {}).get("order")
        return text if order is None else _without_id(text, order)

    return BeforeValidator(read)


def _without_id(value: Any, order: Wanted) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        if "<" in value or "&" in value:  # tags and entities may split it
            value = value if _is_without(without_any_tag(value), order) else plain_text(value)
        return hide_order(value, order, _HIDDEN, addresses=False)
    return None if isinstance(value, int) and not _is_without(str(value), order) else value


def _is_without(text: str, order: Wanted) -> bool:
    return hide_order(text, order, _HIDDEN, addresses=False) == text


_Word = Annotated[str | None, OrDefault(None), _at_most(LONGEST_WORD)]
_Name = Annotated[str | None, OrDefault(None), _at_most(LONGEST_NAME)]
_StoreText = Annotated[str | None, OrDefault(None), _at_most(LONGEST_TEXT)]
_Url = Annotated[  # one more character is too long, not another address
    str | None, OrDefault(None), BeforeValidator(lambda value: cut_text(value, LONGEST_LINK + 1))
]
_AsList = BeforeValidator(as_list)
_AsObject = BeforeValidator(as_object)


class Remaining(StrEnum):
    """How many downloads an asset's limit leaves."""

    SOME = "some"
    LAST = "last"
    NONE = "none"
    UNLIMITED = "unlimited"
    UNCLEAR = "unclear"


_NOT_KNOWN: Final = -1  # a limit that cannot be read


def _count(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a value that may be a count; pydantic would take true for 1."""
    return "" if isinstance(value, bool) else value


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class Limits:
    """How often an asset was opened, and how often it may be.

    ``downloaded`` counts clicks, not finished downloads; None if it cannot be read. A null ``limit`` means "no limit".
    Whether 0 means none or unlimited is not documented, so the bot claims neither, as for a limit that cannot be read.
    """

    downloaded: Annotated[
        Annotated[int, Field(ge=0)] | None,
        OrDefault(None),
        BeforeValidator(lambda value: 0 if value is None else _count(value)),
    ] = 0
    limit: Annotated[int | None, OrDefault(_NOT_KNOWN), BeforeValidator(_count)] = None

    @property
    def left(self) -> int | None:
        """Downloads left, or None if the number is not known or unlimited."""
        if self.downloaded is None or self.limit is None or self.limit <= 0:
            return None
        return max(0, self.limit - self.downloaded)

    @property
    def remaining(self) -> Remaining:
        """The downloads left, as a category."""
        left = self.left
        if left is None:
            return Remaining.UNLIMITED if self.limit is None else Remaining.UNCLEAR
        return Remaining.NONE if left == 0 else Remaining.LAST if left == 1 else Remaining.SOME


NO_LIMITS = Limits()
UNREADABLE_LIMITS = Limits(limit=_NOT_KNOWN)


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class AssetData:
    """What an asset is. ``size`` is display text; ``id`` looks like a UUID but need not be one."""

    id: _Word = None
    filename: _Name = Field(default=None, repr=False)
    size: _Word = None
    is_link: Annotated[bool, OrDefault(False)] = False
    url: _Url = Field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class Asset:
    """A file or an external link that a customer bought."""

    broken: ClassVar[bool] = False

    data: Annotated[AssetData, _AsObject]
    limits: Annotated[
        Limits,
        OrDefault(UNREADABLE_LIMITS),
        BeforeValidator(lambda value: NO_LIMITS if value is None else as_object(value)),
    ] = NO_LIMITS
    link: SkipValidation[Link | LinkProblem] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Read its link, whether downloads are left or not, or why it has none."""
        link = LinkProblem.UNREADABLE if self.broken else read_link(self.data.url)
        object.__setattr__(self, "link", link)


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class BrokenAsset(Asset):
    """Replaces an asset that could not be read; keeps its name if that was readable."""

    broken: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class Product:
    """The product of a line. ``product_id``, ``variant_id`` and ``id`` are identifiers of Shopify and Fileflare."""

    id: _Word = None
    name: _Name = None
    variant_name: _Name = None
    sku: _Word = None
    product_id: _Word = None
    variant_id: _Word = None
    vendor: _Word = None
    tags: Annotated[
        tuple[Annotated[str, OrDefault(""), _at_most(LONGEST_WORD)], ...],
        AfterValidator(lambda tags: tuple(tag for tag in tags if tag)),  # without the unreadable ones
        OrDefault(()),
        _AsList,
    ] = ()


NO_PRODUCT = Product()


def _broken_asset(value: Any = None) -> BrokenAsset:  # noqa: ANN401 - any JSON value
    data = value.get("data") if isinstance(value, dict) else None
    return BrokenAsset(data=AssetData(filename=data.get("filename") if isinstance(data, dict) else None))


def _keep_broken_asset(value: Any, handler: Handler) -> Any:  # noqa: ANN401 - pydantic hands over anything
    try:
        return handler(value)
    except ValidationError:
        return _broken_asset(value)


_Assets = Annotated[
    tuple[Annotated[Asset, WrapValidator(_keep_broken_asset), _AsObject], ...], OrDefault((_broken_asset(),)), _AsList
]


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class Line:
    """A bought product with its assets, possibly none."""

    product: Annotated[Product, OrDefault(NO_PRODUCT), _AsObject] = NO_PRODUCT
    assets: _Assets = ()


_BROKEN_LINE: Final = Line(assets=(_broken_asset(),))
_Lines = Annotated[tuple[Annotated[Line, OrDefault(_BROKEN_LINE), _AsObject], ...], OrDefault((_BROKEN_LINE,)), _AsList]


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class StoreText:
    """The store's own text for its customers."""

    title: _Name = None
    text: _StoreText = None


NO_TEXT = StoreText()


@plain_dataclass(frozen=True, slots=True)
class Downloads:
    """The downloads left on an order, and of how many of its files that is known, unlimited or not known."""

    left: int
    limited: int
    unlimited: int
    unclear: int


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Order:
    """An order. The customer owns the assets of its lines and those of the order itself.

    In a response ``text`` is outside the order; the client moves it here. ``incomplete`` says that the response held
    more than was read.
    """

    order_number: Annotated[int | str | None, OrDefault(None), _at_most(LONGEST_WORD)] = None
    lines: _Lines = ()
    assets: _Assets = ()
    text: Annotated[StoreText, OrDefault(NO_TEXT)] = NO_TEXT
    incomplete: bool = False

    @model_validator(mode="before")
    @classmethod
    def _bounded(cls, value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401 - any JSON value
        """Cut what is too long or too much; refuse what holds nothing but unreadable lists."""
        raw = as_object(value)
        if not isinstance(raw, dict):
            return raw
        bounded = bounded_order(raw)
        lists = [bounded["lines"], bounded["assets"]]
        read = [members for members in lists if isinstance(members, list | tuple)]
        if len(read) < len(lists) and not any(read):
            raise ValueError("no list of it can be read")
        bounded["incomplete"] |= bool(info.context and info.context.get("incomplete"))
        return bounded

    @cached_property
    def asset_count(self) -> int:
        """How many assets there are, each as often as it is named."""
        return len(self.assets) + sum(len(line.assets) for line in self.lines)

    @cached_property
    def files(self) -> tuple[Asset, ...]:
        """Every asset once, by its ID: the same file can come with several products."""
        known: dict[str, Asset] = {}
        for number, asset in enumerate(self.all_assets()):
            key = asset.data.id or f"\0{number}"
            if key not in known or known[key].broken:
                known[key] = asset
        return tuple(known.values())

    @cached_property
    def downloads(self) -> Downloads:
        """The downloads left on all files that could be read."""
        read = [asset.limits for asset in self.files if not asset.broken]
        limited = [left for left in (each.left for each in read) if left is not None]
        kinds = Counter(each.remaining for each in read)
        return Downloads(sum(limited), len(limited), kinds[Remaining.UNLIMITED], kinds[Remaining.UNCLEAR])

    def all_assets(self) -> Iterator[Asset]:
        """Return every asset in the response's order, the lines' first."""
        for line in self.lines:
            yield from line.assets
        yield from self.assets
