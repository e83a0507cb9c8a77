"""Fileflare's order data, as frozen models.

The shape is the documented response of ``GET /api/v2/customer-account-orders``. The models are strict where a
mistake would mislead people (lists are lists, counts are whole numbers) and lenient where stores' data varies:
unknown fields are ignored, missing and null ones have a meaning, and one unreadable asset, product or line does
not lose the rest of the order.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
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
    """Uses the default for unreadable values, and for null where the type does not allow it.

    pydantic-core does this at a tenth of the cost of a Python validator.
    """

    default: Any

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401
        return core_schema.with_default_schema(handler(source), default=self.default, on_error="default")


_Text = Annotated[str | None, OrDefault(None)]
_NullIsEmpty = BeforeValidator(lambda value: () if value is None else value)


class Remaining(StrEnum):
    """How many downloads an asset's limit leaves."""

    SOME = "some"
    LAST = "last"
    NONE = "none"
    UNLIMITED = "unlimited"
    UNCLEAR = "unclear"


class Limits(_Model):
    """How often an asset was opened, and how often it may be.

    ``downloaded`` counts clicks, not finished downloads. A null ``limit`` means "no limit". Whether 0 means none or
    unlimited is not documented, so the bot claims neither.
    """

    downloaded: Annotated[int, BeforeValidator(lambda value: 0 if value is None else value)] = Field(default=0, ge=0)
    limit: int | None = None

    @property
    def left(self) -> int | None:
        """Downloads left, or None if the number is unknown or unlimited."""
        return None if self.limit is None or self.limit <= 0 else max(0, self.limit - self.downloaded)

    @property
    def remaining(self) -> Remaining:
        """The downloads left, as a category."""
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
    """Replaces an asset that could not be read; keeps its name if that was readable."""

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


def _broken_asset(value: Any) -> BrokenAsset:  # noqa: ANN401 - any JSON value
    data = value.get("data") if isinstance(value, dict) else None
    return BrokenAsset(data=AssetData(filename=data.get("filename") if isinstance(data, dict) else None))


def _keep_broken_asset(value: Any, handler: Handler) -> Any:  # noqa: ANN401 - pydantic hands over anything
    try:
        return handler(value)
    except ValidationError:
        return _broken_asset(value)


_Assets = Annotated[tuple[Annotated[Asset, WrapValidator(_keep_broken_asset)], ...], _NullIsEmpty]


class Line(_Model):
    """A bought product with its assets, possibly none."""

    product: Annotated[Product, OrDefault(NO_PRODUCT)] = NO_PRODUCT
    assets: _Assets = ()


def _keep_broken_line(value: Any, handler: Handler) -> Any:  # noqa: ANN401 - pydantic hands over anything
    try:
        return handler(value)
    except ValidationError:
        return Line(assets=(_broken_asset(None),))


class StoreText(_Model):
    """The store's own text for its customers."""

    title: _Text = None
    text: _Text = None


NO_TEXT = StoreText()


class Order(_Model):
    """An order. The customer owns the assets of its lines and those of the order itself.

    In a response ``text`` is outside the order; the client moves it here.
    """

    order_number: Annotated[int | str | None, OrDefault(None)] = None
    lines: Annotated[tuple[Annotated[Line, WrapValidator(_keep_broken_line)], ...], _NullIsEmpty] = ()
    assets: _Assets = ()
    text: Annotated[StoreText, OrDefault(NO_TEXT)] = NO_TEXT

    @cached_property
    def asset_count(self) -> int:
        """How many assets there are."""
        return len(self.assets) + sum(len(line.assets) for line in self.lines)

    def all_assets(self) -> Iterator[Asset]:
        """Return every asset in the response's order, the lines' first."""
        for line in self.lines:
            yield from line.assets
        yield from self.assets
