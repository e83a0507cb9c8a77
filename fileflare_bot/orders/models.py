"""What Fileflare knows of an order, as frozen models.

The shape is the documented answer of ``GET /api/v2/customer-account-orders``. The models are strict where a
mistake would mislead a person (lists are lists, counts are whole numbers) and lenient where a store's data may
vary: unknown fields are ignored, missing and null ones have a meaning, and one unreadable asset, product or
line does not take the rest of the order with it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    ValidationError,
    WrapValidator,
)
from pydantic import ValidatorFunctionWrapHandler as Handler
from pydantic_core import CoreSchema, core_schema


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, coerce_numbers_to_str=True)


@dataclass(frozen=True, slots=True)
class OrDefault:
    """Reads null, where the type has no null, and whatever cannot be read, as the default.

    pydantic-core does this itself, at a tenth of the cost of a validator in Python.
    """

    default: Any

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401
        return core_schema.with_default_schema(handler(source), default=self.default, on_error="default")


_Text = Annotated[str | None, OrDefault(None)]
_NullIsEmpty = BeforeValidator(lambda value: () if value is None else value)


class Remaining(StrEnum):
    """What an asset's limit leaves, as far as its counts say."""

    SOME = "some"
    LAST = "last"
    NONE = "none"
    UNLIMITED = "unlimited"
    UNCLEAR = "unclear"


class Limits(_Model):
    """How often an asset was opened, and how often it may be.

    ``downloaded`` counts clicks, not finished downloads. ``limit`` of null is read as "no limit"; whether 0 means
    none or unlimited is not documented, so it is neither claimed.
    """

    downloaded: Annotated[int, BeforeValidator(lambda value: 0 if value is None else value)] = Field(default=0, ge=0)
    limit: int | None = None

    @property
    def left(self) -> int | None:
        """Downloads left, or None where no number of them is known."""
        return None if self.limit is None or self.limit <= 0 else max(0, self.limit - self.downloaded)

    @property
    def remaining(self) -> Remaining:
        """What the limit leaves, in one word."""
        left = self.left
        if left is None:
            return Remaining.UNLIMITED if self.limit is None else Remaining.UNCLEAR
        return Remaining.NONE if left == 0 else Remaining.LAST if left == 1 else Remaining.SOME


NO_LIMITS = Limits()


class AssetData(_Model):
    """What an asset is. ``size`` is display text; ``id`` looks like a UUID but need not be one."""

    id: _Text = None
    filename: _Text = Field(default=None, repr=False)
    size: _Text = None
    is_link: Annotated[bool, OrDefault(False)] = False
    url: _Text = Field(default=None, repr=False)


class Asset(_Model):
    """A file or an external link that a customer bought."""

    broken: ClassVar[bool] = False

    data: AssetData
    limits: Annotated[Limits, BeforeValidator(lambda value: NO_LIMITS if value is None else value)] = NO_LIMITS


class BrokenAsset(Asset):
    """Stands where an asset could not be read, with its name where that much was readable."""

    broken: ClassVar[bool] = True


class Product(_Model):
    """The product of a line. ``product_id``, ``variant_id`` and ``id`` are identifiers of Shopify and Fileflare."""

    id: _Text = None
    name: _Text = None
    variant_name: _Text = None
    sku: _Text = None
    product_id: _Text = None
    variant_id: _Text = None
    vendor: _Text = None
    tags: Annotated[tuple[str, ...], OrDefault(())] = ()


NO_PRODUCT = Product()


def _broken_asset(value: Any) -> BrokenAsset:  # noqa: ANN401 - whatever stood where an asset should
    data = value.get("data") if isinstance(value, dict) else None
    return BrokenAsset(data=AssetData(filename=data.get("filename") if isinstance(data, dict) else None))


def _keep_broken_asset(value: Any, handler: Handler) -> Any:  # noqa: ANN401 - pydantic hands over anything
    try:
        return handler(value)
    except ValidationError:
        return _broken_asset(value)


_Assets = Annotated[tuple[Annotated[Asset, WrapValidator(_keep_broken_asset)], ...], _NullIsEmpty]


class Line(_Model):
    """A bought product with its assets, of which there may be none."""

    product: Annotated[Product, OrDefault(NO_PRODUCT)] = NO_PRODUCT
    assets: _Assets = ()


def _keep_broken_line(value: Any, handler: Handler) -> Any:  # noqa: ANN401 - pydantic hands over anything
    try:
        return handler(value)
    except ValidationError:
        return Line(assets=(_broken_asset(None),))


class StoreText(_Model):
    """The store's own words for its customers."""

    title: _Text = None
    text: _Text = None


NO_TEXT = StoreText()


class Order(_Model):
    """An order: its lines' assets and those that hang on the order itself are both the customer's.

    ``text`` stands beside the order in an answer; the client moves it here.
    """

    order_number: Annotated[int | str | None, OrDefault(None)] = None
    lines: Annotated[tuple[Annotated[Line, WrapValidator(_keep_broken_line)], ...], _NullIsEmpty] = ()
    assets: _Assets = ()
    text: Annotated[StoreText, OrDefault(NO_TEXT)] = NO_TEXT

    @property
    def asset_count(self) -> int:
        """How many assets there are."""
        return len(self.assets) + sum(len(line.assets) for line in self.lines)

    def all_assets(self) -> Iterator[Asset]:
        """Return every asset, the lines' first, in the answer's order."""
        for line in self.lines:
            yield from line.assets
        yield from self.assets
