"""What a response may lack or garble without a customer losing a file."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from fileflare_bot.orders import bounds
from fileflare_bot.orders.file_links import Link, LinkProblem
from fileflare_bot.orders.models import Asset, BrokenAsset, Limits, Order, Remaining


def asset(**data: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return {"limits": {"downloaded": 1, "limit": 3}, "data": {"filename": "a.zip", "url": "https://x.example/a"} | data}


def read(raw: Any) -> Order:  # noqa: ANN401 - any JSON
    return TypeAdapter(Order).validate_python(raw)


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


@pytest.mark.parametrize("broken", [None, "x", [], {}, {"data": None}, {"data": "x"}, {"data": [1]}])
def test_one_broken_asset_does_not_lose_the_others(broken: Any) -> None:  # noqa: ANN401 - any JSON
    order = read({"lines": [{"assets": [broken, asset()]}], "assets": [broken]})

    assert [only.broken for only in order.all_assets()] == [True, False, True]
    assert isinstance(order.assets[0], BrokenAsset)


@pytest.mark.parametrize(
    "limits",
    [
        "x",
        7,
        [5],
        {"downloaded": "many", "limit": 3},
        {"downloaded": -1, "limit": 3},
        {"downloaded": True, "limit": 1},
        {"downloaded": {}, "limit": 3},
        {"downloaded": 2.5, "limit": 3},
        {"downloaded": 1, "limit": 2.5},
        {"downloaded": 1, "limit": "unlimited"},
        {"downloaded": 1, "limit": ""},
        {"downloaded": 1, "limit": True},
        {"downloaded": 1, "limit": False},
        {"downloaded": 1, "limit": [3]},
        {"downloaded": 1, "limit": "9" * 5000},
        {"downloaded": 1, "limit": float("inf")},
        {"downloaded": float("nan"), "limit": 3},
    ],
)
def test_a_count_that_cannot_be_read_takes_no_link_away(limits: object) -> None:
    (only,) = read({"assets": [asset() | {"limits": limits}]}).assets

    assert not only.broken
    assert isinstance(only.link, Link)
    assert only.limits.remaining is Remaining.UNCLEAR


def test_a_count_that_cannot_be_read_does_not_limit_an_unlimited_file() -> None:
    (only,) = read({"assets": [asset() | {"limits": {"downloaded": "many", "limit": None}}]}).assets

    assert only.limits.remaining is Remaining.UNLIMITED


def test_a_broken_asset_offers_no_link() -> None:
    (only,) = read({"assets": [{"data": "mine.zip"}]}).assets

    assert only.broken
    assert only.link is LinkProblem.UNREADABLE


@pytest.mark.parametrize(("given", "read_as"), [(1050, 1050), ("#1050", "#1050"), (None, None), ([], None)])
def test_an_order_number_is_a_number_or_a_text(given: object, read_as: object) -> None:
    assert read({"order_number": given}).order_number == read_as


def test_a_broken_line_is_shown_as_one_broken_asset() -> None:
    order = read({"lines": ["x", {"product": {"name": "P"}, "assets": {"a": 1}}, {"assets": [asset()]}]})

    assert [only.broken for only in order.all_assets()] == [True, True, False]
    assert order.lines[1].product.name == "P"


@pytest.mark.parametrize("keys", ["01", "13", "30", "97"])
def test_an_object_with_whole_number_keys_is_a_list_in_the_order_sent(keys: str) -> None:
    def php(*members: object) -> dict[str, object]:
        return dict(zip(keys, members, strict=True))

    product = {"name": "P", "tags": php("gold", "new")}
    order = read(
        {
            "lines": php(
                {"product": product, "assets": php(asset(filename="1"), asset(filename="2"))},
                {"product": {"name": "Q"}},
            ),
            "assets": php(asset(filename="3"), asset(filename="4")),
        }
    )

    assert [only.data.filename for only in order.all_assets()] == ["1", "2", "3", "4"]
    assert [line.product.name for line in order.lines] == ["P", "Q"]
    assert order.lines[0].product.tags == ("gold", "new")


def test_another_key_among_whole_numbers_does_not_lose_the_list() -> None:
    assert len(read({"assets": {"0": asset(), "2": asset(), "total": 2}}).assets) == 2


def test_an_empty_object_is_an_empty_list_and_an_empty_list_an_empty_object() -> None:
    order = read(
        {
            "lines": {"0": {"product": [], "assets": {}}, "1": {"product": {"name": "P", "tags": {}}, "assets": []}},
            "assets": [asset() | {"limits": []}, {"data": [], "limits": []}],
        }
    )

    assert [line.assets for line in order.lines] == [(), ()]
    assert [only.broken for only in order.assets] == [False, False]
    assert [only.limits.remaining for only in order.assets] == [Remaining.UNLIMITED, Remaining.UNLIMITED]
    assert read({"lines": {}, "assets": [asset()]}).asset_count == 1
    assert read([]).asset_count == 0


@pytest.mark.parametrize("garbled", ["x", 7, True, {"a": 1}])
def test_a_list_that_cannot_be_read_does_not_lose_the_other(garbled: object) -> None:
    line = {"product": {"name": "P"}, "assets": [asset()]}

    assert [only.broken for only in read({"lines": garbled, "assets": [asset()]}).all_assets()] == [True, False]
    assert [only.broken for only in read({"lines": [line], "assets": garbled}).all_assets()] == [False, True]


@pytest.mark.parametrize("raw", ["x", 1, {"lines": "x"}, {"lines": "x", "assets": []}, {"assets": 1}])
def test_what_is_no_order_is_refused(raw: object) -> None:
    with pytest.raises(ValidationError):
        read(raw)


@pytest.mark.parametrize("unreadable", [None, True, {}, ["gold"], ""])
def test_a_tag_that_cannot_be_read_is_left_out(unreadable: object) -> None:
    order = read({"lines": [{"product": {"tags": ["gold", unreadable, 2025]}}]})

    assert order.lines[0].product.tags == ("gold", "2025")


def test_half_a_surrogate_pair_is_replaced_and_a_whole_pair_stays() -> None:
    (only,) = read({"assets": [asset(filename="a\ud83d \ud83d\ude00 😀\ude00")]}).assets

    assert only.data.filename == "a\ufffd 😀 😀\ufffd"


def test_the_same_asset_in_several_places_is_one_file() -> None:
    same = asset(id="a")
    order = read(
        {
            "lines": [{"assets": [same]}, {"assets": [same, asset(id="b")]}],
            "assets": [same, asset(), asset(), asset(id="")],
        }
    )

    assert order.asset_count == 7
    assert [only.data.id for only in order.files] == ["a", "b", None, None, ""]


def test_of_the_same_asset_the_one_that_can_be_read_counts() -> None:
    order = read({"assets": [{"data": "x"}, asset(id="a")]})

    assert [only.broken for only in order.files] == [True, False]


def test_more_lines_assets_and_tags_than_are_read_are_cut_and_said_to_be() -> None:
    lines = read({"lines": [{}] * (bounds.MOST_LINES + 1)})
    assets = read({"lines": [{"assets": [asset()] * 1500}, {"assets": [asset()] * 600}, {"assets": [asset()]}, {}]})
    tags = read({"lines": [{"product": {"tags": ["t"] * (bounds.MOST_TAGS + 1)}, "assets": [asset()]}]})

    assert (len(lines.lines), lines.incomplete) == (bounds.MOST_LINES, True)
    assert [len(line.assets) for line in assets.lines] == [1500, 500, 0]  # none seems to be without its files
    assert (assets.asset_count, assets.incomplete) == (bounds.MOST_ASSETS, True)
    assert (len(tags.lines[0].product.tags), tags.incomplete) == (bounds.MOST_TAGS, True)
    assert tags.asset_count == 1


def test_all_tags_together_are_bounded_too() -> None:
    order = read({"lines": [{"product": {"tags": ["t"] * bounds.MOST_TAGS}}] * bounds.MOST_LINES})

    assert sum(len(line.product.tags) for line in order.lines) == bounds.MOST_TAGS_IN_ALL
    assert order.incomplete


def test_an_order_within_the_bounds_is_complete_whatever_it_says_of_itself() -> None:
    most = read({"lines": [{}] * bounds.MOST_LINES, "assets": [asset()] * bounds.MOST_ASSETS, "incomplete": True})

    assert (len(most.lines), most.asset_count, most.incomplete) == (bounds.MOST_LINES, bounds.MOST_ASSETS, False)


@pytest.mark.parametrize("character", ["a", "é", "😀", "<b>"])
def test_every_text_is_cut_to_its_limit(character: str) -> None:
    long = character * 10_000
    product = dict.fromkeys(("id", "name", "variant_name", "sku", "product_id", "variant_id", "vendor"), long)
    order = read(
        {
            "order_number": long,
            "lines": [{"product": product | {"tags": [long]}}],
            "assets": [asset(id=long, filename=long, size=long, url=f"https://x.example/{long}")],
            "text": {"title": long, "text": long},
        }
    )

    (only,), bought = order.assets, order.lines[0].product
    names = (bought.name, bought.variant_name, only.data.filename, order.text.title)
    words = (bought.id, bought.sku, bought.product_id, bought.variant_id, bought.vendor, *bought.tags, only.data.id)
    assert {len(name or "") for name in names} == {bounds.LONGEST_NAME}
    assert {len(word or "") for word in (*words, only.data.size, str(order.order_number))} == {bounds.LONGEST_WORD}
    assert len(order.text.text or "") == bounds.LONGEST_TEXT
    assert only.link is LinkProblem.TOO_LONG


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
    limits = TypeAdapter(Limits).validate_python({"downloaded": downloaded, "limit": limit})

    assert (limits.left, limits.remaining) == (left, remaining)


def test_nothing_that_is_secret_is_in_a_repr() -> None:
    order = read({"lines": [{"assets": [asset()]}], "assets": [asset(), asset() | {"limits": 7}]})

    assert "x.example" not in repr(order)
    assert "a.zip" not in repr(order)


def test_an_error_does_not_show_what_was_read() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Asset).validate_python({"data": "https://secret.example/a"})

    assert "secret.example" not in str(caught.value)
