"""Discord counts UTF-16 units, so an emoji counts twice."""

from hypothesis import given
from hypothesis import strategies as st

from fileflare_bot.discord_limits import shorten, size


def test_a_letter_counts_once_and_an_emoji_twice() -> None:
    assert [size(text) for text in ("", "a", "ä", "漢", "😀", "\ud83d")] == [0, 1, 1, 1, 2, 1]
    assert repr(size("😀")) == "2"


@given(st.text(), st.integers(min_value=1, max_value=40))
def test_a_text_is_shortened_to_what_fits_and_otherwise_left_alone(text: str, most: int) -> None:
    short = shorten(text, most)

    assert size(short) <= most
    assert short == text if size(text) <= most else (short.endswith("…") and text.startswith(short[:-1]))
