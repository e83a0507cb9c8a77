"""What customers type for an order number: no part of an order ID gets into buttons, forms and cards with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fileflare_bot.tickets.intake import pasted_number, sorted_out, typed_number

PARTS = st.from_regex(r"[0-9]{0,3}[a-fA-F][0-9a-fA-F]{7,12}", fullmatch=True)
NUMBERS = st.integers(1, 9_999_999).map(str) | st.integers(1, 99_999).map(lambda number: f"#{number}")
BETWEEN = st.sampled_from([" ", "\n", ", ", ": ", " ID ", " or ", "/", ".", "-"])


@given(NUMBERS, BETWEEN, PARTS)
def test_a_number_beside_a_part_of_an_order_id_never_brings_the_part_along(
    number: str, between: str, part: str
) -> None:
    for text in (number + between + part, part + between + number):
        for found in (pasted_number(text), typed_number(text), sorted_out(text, "")[1], sorted_out("", text)[1]):
            assert part not in found


@pytest.mark.parametrize("number", ["SHOP2 10023456", "1050 20261130", "DE-10501234", "1050", "AB1050", "#1050-2"])
def test_a_number_of_an_order_is_kept_although_it_could_be_a_part_of_an_id(number: str) -> None:
    assert typed_number(number).replace("#", "") == number.replace("#", "")


@pytest.mark.parametrize("pasted", ["0c732eb6fd98", "#1050#0c732eb6fd98", "1050/0c732eb6fd98", "1050.0c732eb6fd98"])
def test_a_part_of_an_id_is_no_number(pasted: str) -> None:
    assert "0c732eb6" not in typed_number(pasted)


def test_words_without_any_digit_are_no_number() -> None:
    assert typed_number("I do not know") == ""
