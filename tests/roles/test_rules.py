"""Which roles an order brings."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from fileflare_bot.orders.models import Order
from fileflare_bot.roles.rules import products_in, properties_in, roles_for
from fileflare_bot.storage.options import Match, Options, RoleRule, StoreProduct
from fileflare_bot.storage.records import SeenProduct

OWN = "123456"
ALIKE = {
    "product_id": 987,
    "variant_id": 654,
    "name": "My Book",
    "variant_name": "Hard back",
    "sku": "Gold",
    "tags": ["Gold"],
    "vendor": "Gold",
}


def bought(**product: Any) -> Order:  # noqa: ANN401 - any JSON
    return order_of({"product_id": OWN, **product})


def order_of(*products: dict[str, Any]) -> Order:
    asset = {"data": {"filename": "a.zip", "url": "https://x.example/a"}}
    return TypeAdapter(Order).validate_python(
        {"lines": [{"product": product, "assets": [asset]} for product in products]}
    )


def ruled(match: Match, value: str, *confirmed: str) -> Options:
    products = tuple(StoreProduct(product_id=product_id) for product_id in confirmed)
    return Options(rules=(RoleRule(match=match, value=value, role_ids=(1,)),), products=products)


@pytest.mark.parametrize("tags", [["Gold"], ["gold", None], [None, {}, " GOLD "], {"1": "new", "3": "goLD"}])
@pytest.mark.parametrize("value", ["gold", "Gold"])
def test_a_tag_brings_its_role_in_any_case_and_beside_tags_that_cannot_be_read(tags: object, value: str) -> None:
    assert roles_for(bought(tags=tags), ruled(Match.TAG, value, OWN)) == [1]


def test_tags_of_other_letters_are_the_same_in_both_cases_too() -> None:
    assert roles_for(bought(tags=["ÜBUNG"]), ruled(Match.TAG, "übung", OWN)) == [1]


@pytest.mark.parametrize("match", [Match.SKU, Match.VENDOR])
def test_only_tags_are_compared_so(match: Match) -> None:
    order = bought(**{match.value: "Gold"})

    assert roles_for(order, ruled(match, "gold", OWN)) == []
    assert roles_for(order, ruled(match, "Gold", OWN)) == [1]


@pytest.mark.parametrize(
    ("match", "value"), [(Match.ANY_ORDER, ""), (Match.SKU, "Gold"), (Match.TAG, "Gold"), (Match.VENDOR, "Gold")]
)
def test_an_order_of_another_store_with_equal_names_brings_nothing(match: Match, value: str) -> None:
    alike = order_of(ALIKE, {**ALIKE, "product_id": None}, {**ALIKE, "product_id": f"{OWN}0"})

    assert roles_for(alike, ruled(match, value, OWN)) == []
    assert roles_for(alike, ruled(match, value)) == []
    assert roles_for(order_of({**ALIKE, "product_id": int(OWN)}), ruled(match, value, OWN)) == [1]


def test_only_the_lines_with_a_confirmed_product_count() -> None:
    order = order_of(ALIKE, {"product_id": OWN, "tags": ["books"]})

    assert roles_for(order, ruled(Match.TAG, "Gold", OWN)) == []
    assert roles_for(order, ruled(Match.TAG, "books", OWN)) == [1]
    assert [each.value for each in properties_in(order, {OWN})] == [OWN, "books"]


@pytest.mark.parametrize(("match", "value"), [(Match.PRODUCT_ID, "987"), (Match.VARIANT_ID, "654")])
def test_what_nobody_can_forge_needs_no_confirmed_product(match: Match, value: str) -> None:
    assert roles_for(order_of(ALIKE), ruled(match, value)) == [1]


def test_files_of_the_order_itself_are_of_no_product() -> None:
    asset = {"data": {"filename": "a.zip", "url": "https://x.example/a"}}
    order = TypeAdapter(Order).validate_python({"lines": [], "assets": [asset]})

    assert roles_for(order, ruled(Match.ANY_ORDER, "", OWN)) == []


def test_a_suggestion_names_a_product_without_its_html() -> None:
    order = bought(
        name="Salt &amp; <b>Pepper</b>", variant_name="Big", variant_id="2", vendor="<i>Me</i>", tags=["Gold"]
    )

    assert products_in(order_of({"product_id": None}, {"product_id": "x" * 101})) == []
    assert products_in(order) == [SeenProduct(OWN, "Salt & Pepper", "Me")]
    assert [(each.match, each.label) for each in properties_in(order, {OWN})] == [
        (Match.PRODUCT_ID, "Salt & Pepper"),
        (Match.VARIANT_ID, "Salt & Pepper — Big"),
        (Match.VENDOR, "<i>Me</i>"),
        (Match.TAG, "Gold"),
    ]
