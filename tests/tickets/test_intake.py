"""What customers type for an order number: no part of an order ID gets into buttons, forms and cards with it."""

from hypothesis import given
from hypothesis import strategies as st

from fileflare_bot.tickets.intake import pasted_number, sorted_out, typed_number

PARTS = st.text("0123456789abcdefABCDEF", min_size=8, max_size=15)
NUMBERS = st.integers(1, 9_999_999).map(str) | st.integers(1, 99_999).map(lambda number: f"#{number}")
BETWEEN = st.sampled_from([" ", "\n", ", ", ": ", " ID ", " or "])


@given(NUMBERS, BETWEEN, PARTS)
def test_a_number_beside_a_part_of_an_order_id_never_brings_the_part_along(
    number: str, between: str, part: str
) -> None:
    for text in (number + between + part, part + between + number):
        for found in (pasted_number(text), typed_number(text), sorted_out(text, "")[1], sorted_out("", text)[1]):
            assert part not in found
