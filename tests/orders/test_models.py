"""What a response may lack or garble without a customer losing a file."""

from typing import Any

import pytest
from pydantic import ValidationError

from fileflare_bot.orders.models import Asset, BrokenAsset, Limits, Order, Remaining


def asset(**data: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return {"limits": {"downloaded": 1, "limit": 3}, "data": {"filename": "a.zip", "url": "https://x.example/a"} | data}


def read(raw: Any) -> Order:  # noqa: ANN401 - any JSON
    return Order.model_validate(raw)


def test_unknown_fields_are_ignored_everywhere() -> None:
    raw = {
        "order_number": 1,
        "new": 1,
        "lines": [{"new": 1, "product": {"name": "P", "new": 1}}],
        "assets": [asset(new=1)],
    }

    order = read(raw)

    assert order.lines[0].product.name == "P"
    assert not order.assets[0].broken


@pytest.mark.parametrize("limits", [None, {}, {"downloaded": None, "limit": None}, {"downloaded": 7}])
def test_missing_and_null_limits_mean_no_limit(limits: object) -> None:
    (only,) = read({"assets": [asset() | {"limits": limits}]}).assets

    assert only.limits.remaining is Remaining.UNLIMITED
    assert only.limits.left is None
    assert not only.broken


@pytest.mark.parametrize("field", ["size", "url", "filename", "id", "is_link"])
def test_missing_and_null_fields_of_an_asset_cope(field: str) -> None:
    missing = asset()
    missing["data"].pop(field, None)

    for raw in (missing, asset(**{field: None})):
        (only,) = read({"assets": [raw]}).assets
        assert not only.broken


@pytest.mark.parametrize("raw", [{}, {"lines": None, "assets": None}, {"order_number": None}, {"order_number": {}}])
def test_an_order_may_lack_everything(raw: object) -> None:
    order = read(raw)

    assert list(order.all_assets()) == []
    assert order.order_number is None


@pytest.mark.parametrize("product", [None, "x", {"name": None, "variant_name": None, "tags": None}, {"tags": "x"}, {}])
def test_a_garbled_product_does_not_lose_its_files(product: object) -> None:
    order = read({"lines": [{"product": product, "assets": [asset()]}]})

    assert [only.data.filename for only in order.all_assets()] == ["a.zip"]
    assert order.lines[0].product.tags == ()


@pytest.mark.parametrize("field", ["id", "variant_name", "sku", "product_id", "variant_id", "vendor", "tags"])
@pytest.mark.parametrize("garbled", [None, {}, [{}], True])
def test_a_garbled_field_of_a_product_does_not_lose_its_name(field: str, garbled: object) -> None:
    order = read({"lines": [{"product": {"name": "P", field: garbled}}]})

    assert order.lines[0].product.name == "P"
    assert not getattr(order.lines[0].product, field)


@pytest.mark.parametrize(
    "broken",
    [
        None,
        "x",
        [],
        {},
        {"data": None},
        asset() | {"limits": "x"},
        asset() | {"limits": {"downloaded": "many", "limit": 3}},
        asset() | {"limits": {"downloaded": -1, "limit": 3}},
        asset() | {"limits": {"downloaded": 1, "limit": 2.5}},
        asset() | {"limits": {"downloaded": 1, "limit": "none"}},
        asset() | {"limits": {"downloaded": 1, "limit": float("inf")}},
    ],
)
def test_one_broken_asset_does_not_lose_the_others(broken: Any) -> None:  # noqa: ANN401 - any JSON
    order = read({"lines": [{"assets": [broken, asset()]}], "assets": [broken]})

    assert [only.broken for only in order.all_assets()] == [True, False, True]
    assert isinstance(order.assets[0], BrokenAsset)


def test_a_broken_asset_keeps_its_name_and_offers_no_link() -> None:
    (only,) = read({"assets": [asset(filename="mine.zip") | {"limits": 7}]}).assets

    assert only.broken
    assert only.data.filename == "mine.zip"
    assert only.data.url is None


@pytest.mark.parametrize("filename", [None, {}, [], True])
def test_a_broken_asset_without_a_readable_name_is_still_shown(filename: object) -> None:
    (only,) = read({"assets": [asset(filename=filename) | {"limits": 7}]}).assets

    assert only.broken
    assert only.data.filename is None


@pytest.mark.parametrize(("given", "read_as"), [(1050, 1050), ("#1050", "#1050"), (None, None), ([], None)])
def test_an_order_number_is_a_number_or_a_text(given: object, read_as: object) -> None:
    assert read({"order_number": given}).order_number == read_as


def test_a_broken_line_is_shown_as_one_broken_asset() -> None:
    order = read({"lines": ["x", {"assets": {"a": 1}}, {"assets": [asset()]}]})

    assert [only.broken for only in order.all_assets()] == [True, True, False]


@pytest.mark.parametrize("raw", [[], "x", 1, {"lines": {}}, {"lines": "x"}, {"assets": {}}, {"assets": 1}])
def test_what_is_no_order_is_refused(raw: object) -> None:
    with pytest.raises(ValidationError):
        read(raw)


@pytest.mark.parametrize(
    ("downloaded", "limit", "left", "remaining"),
    [
        (0, 10, 10, Remaining.SOME),
        (9, 10, 1, Remaining.LAST),
        (10, 10, 0, Remaining.NONE),
        (12, 10, 0, Remaining.NONE),
        (0, 1, 1, Remaining.LAST),
        (5, None, None, Remaining.UNLIMITED),
        (0, 0, None, Remaining.UNCLEAR),
        (5, -1, None, Remaining.UNCLEAR),
        ("5", "10", 5, Remaining.SOME),
        (5, "0", None, Remaining.UNCLEAR),
        (5.0, 10.0, 5, Remaining.SOME),
    ],
)
def test_what_is_left(downloaded: object, limit: object, left: int | None, remaining: Remaining) -> None:
    limits = Limits.model_validate({"downloaded": downloaded, "limit": limit})

    assert (limits.left, limits.remaining) == (left, remaining)


def test_nothing_that_is_secret_is_in_a_repr() -> None:
    order = read({"lines": [{"assets": [asset()]}], "assets": [asset(), asset() | {"limits": 7}]})

    assert "x.example" not in repr(order)
    assert "a.zip" not in repr(order)


def test_an_error_does_not_show_what_was_read() -> None:
    with pytest.raises(ValidationError) as caught:
        Asset.model_validate({"data": "https://secret.example/a"})

    assert "secret.example" not in str(caught.value)
