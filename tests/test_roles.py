"""Which roles an order brings."""

from typing import Any

import pytest

from fileflare_bot.orders.models import Order, Product
from fileflare_bot.roles import roles_for, seen_in
from fileflare_bot.storage.options import Match, RoleRule


def bought(**product: Any) -> Order:  # noqa: ANN401 - any JSON
    asset = {"data": {"filename": "a.zip", "url": "https://x.example/a"}}
    return Order.model_validate({"lines": [{"product": product, "assets": [asset]}]})


@pytest.mark.parametrize("tags", [["Gold"], ["gold", None], [None, {}, " GOLD "], {"1": "new", "3": "goLD"}])
@pytest.mark.parametrize("ruled", ["gold", "Gold"])
def test_a_tag_brings_its_role_in_any_case_and_beside_tags_that_cannot_be_read(tags: object, ruled: str) -> None:
    rules = [RoleRule(match=Match.TAG, value=ruled, role_ids=(1,))]

    assert roles_for(bought(tags=tags), rules) == [1]


def test_tags_of_other_letters_are_the_same_in_both_cases_too() -> None:
    assert roles_for(bought(tags=["ÜBUNG"]), [RoleRule(match=Match.TAG, value="übung", role_ids=(1,))]) == [1]


@pytest.mark.parametrize("match", [Match.SKU, Match.VENDOR])
def test_only_tags_are_compared_so(match: Match) -> None:
    order = bought(**{match.value: "Gold"})

    assert roles_for(order, [RoleRule(match=match, value="gold", role_ids=(1,))]) == []
    assert roles_for(order, [RoleRule(match=match, value="Gold", role_ids=(1,))]) == [1]


def test_a_suggestion_names_a_product_without_its_html() -> None:
    product = Product(
        name="Salt &amp; <b>Pepper</b>", variant_name="Big", product_id="1", variant_id="2", tags=("Gold",)
    )

    assert [(seen.value, seen.label) for seen in seen_in(product)] == [
        ("1", "Salt & Pepper"),
        ("2", "Salt & Pepper — Big"),
        ("Gold", "Gold"),
    ]
