"""A store's texts: what is kept, what becomes a blank, what is left out, and what is escaped."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fileflare_bot.text import LONGEST_TEXT, clean, escape, escapes, well_formed


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("plain", "plain"),
        ("Grüße 🎵 日本", "Grüße 🎵 日本"),
        ("half \ud83c of a pair", "half \ufffd of a pair"),
        ("\ud83c\udfb5", "🎵"),  # both halves
        ("a\0b", "a\ufffdb"),
    ],
)
def test_a_text_that_is_no_utf_8_keeps_everything_else(text: str, kept: str) -> None:
    assert well_formed(text) == kept
    assert well_formed(kept) == kept


@pytest.mark.parametrize(
    ("text", "one_line", "lines"),
    [
        (None, "", ""),
        ("", "", ""),
        ("  a   b ", "a b", "a b"),
        ("a\tb", "a b", "a b"),
        ("a\nb", "a b", "a\nb"),
        ("a \n  b", "a b", "a\nb"),
        ("a\n\n\n\nb", "a b", "a\n\nb"),
        ("\na\n", "a", "a"),
        ("a\u2028b\u2029c\u00a0d", "a b c d", "a b c d"),
        ("a\u200bb\u202ec\u00add\ue000", "abcd", "abcd"),
        ("क्\u200dष", "क्\u200dष", "क्\u200dष"),
        ("👩\u200d🎨", "👩\u200d🎨", "👩\u200d🎨"),
        ("\u200b\u200c \u0301", "", ""),
        ("é", "é", "é"),
    ],
)
def test_a_text_is_cleaned_to_one_line_or_to_its_lines(text: str | None, one_line: str, lines: str) -> None:
    assert clean(text) == one_line
    assert clean(text, lines=True) == lines


def test_a_text_without_end_is_cut() -> None:
    assert len(clean("x" * (LONGEST_TEXT + 1))) == LONGEST_TEXT
    assert len(clean("é" * (LONGEST_TEXT + 1))) == LONGEST_TEXT


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("Only Letters 123", "Only Letters 123"),
        ("a*b_c", "a\\*b\\_c"),
        ("[x](https://e.x)", "\\[x\\]\\(https\\://e.x\\)"),
        ("- a\n  # b\n+c", "\\- a\n  \\# b\n\\+c"),
        ("a - b", "a - b"),
        ("@everyone <@1>", "@\u200beveryone \\<@\u200b1\\>"),
        ("me @ home", "me @ home"),
        ("\\", "\\\\"),
    ],
)
def test_what_discord_would_read_as_markup_is_escaped(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@given(st.text())
def test_a_cleaned_text_is_one_visible_line_and_escaping_it_adds_no_more_than_was_said(text: str) -> None:
    cleaned = clean(text)

    assert clean(cleaned) == cleaned
    assert not {unicodedata.category(each) for each in cleaned} & {"Cc", "Zl", "Zp", "Cs", "Co"}
    assert len(escape(cleaned)) <= len(cleaned) + escapes(text)
