"""What a store wrote for a page is shown as plain lines, and what is no HTML stays."""

import html
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fileflare_bot.orders.bounds import LONGEST_TEXT
from fileflare_bot.orders.plain import plain_name, plain_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<p>Hi!<br>Open with <strong>7-Zip</strong>.</p><ul><li>One</li></ul>", "Hi!\nOpen with 7-Zip.\n• One"),
        ("<ol>\n  <li>One</li>\n  <li>Two</li>\n</ol>", "• One\n• Two"),
        ('<p class="a">Read <a href="https://x.example/?a=1&amp;b=2">this</a><br/>now</P>', "Read this\nnow"),
        ("<DIV>One</DIV><H2>Two</H2>", "One\nTwo"),
        ("<table><tr><th>File</th><td>a.zip</td></tr></table>", "File a.zip"),
        ("One<!-- not shown --><script>alert(1)</script><style>p{}</style> two", "One two"),
        ("<b>R&amp;D</b> &#8212; 5&nbsp;&euro; &lt;b&gt;", "R&D — 5 € <b>"),
        ("One<!-- cut off", "One"),
        ("One<script>cut off", "One"),
        ("The <title> of a page", "The <title> of a page"),
        ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),
        ("One\n\nTwo\nThree", "One\n\nTwo\nThree"),
    ],
)
def test_a_text_for_a_page_becomes_plain_lines(text: str, shown: str) -> None:
    assert plain_text(text) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<b>My</b> <i>new</i> book", "My new book"),
        ("Salt &amp; Pepper", "Salt & Pepper"),
        ("One<br>Two", "One Two"),
        ("caf&eacute;.pdf", "café.pdf"),
        ("&#x1F600;&#0;&#xD83D;", "😀\ufffd\ufffd"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_name_becomes_one_plain_line(name: str | None, shown: str) -> None:
    assert plain_name(name) == shown


@pytest.mark.parametrize(
    "name",
    [
        "Vector<T>",
        "Map<String, List<Label>>",
        "Set<A>.java",
        "a < b > c",
        "1 <2> 3",
        "<3 you",
        "Tom & Jerry",
        "AT&T; R&D",
        "a.php?b=1&copy=2",
        "<custom-tag>",
        "a <b",
    ],
)
def test_what_is_no_html_stays_as_it_is(name: str) -> None:
    assert plain_name(name) == name
    assert plain_text(name) == name


@given(st.text(alphabet="abc .,-äß😀\n", max_size=60))
def test_a_text_that_was_escaped_for_a_page_is_shown_as_it_was_written(text: str) -> None:
    assert plain_text(html.escape(text)) == plain_text(text)


@pytest.mark.parametrize(
    "piece", ["<", "<p ", "<p>", "<!--", "<script>", "&#", "&amp;", "</", "<b><", " ", "<li>", "\v"]
)
def test_no_text_within_the_bounds_takes_long(piece: str) -> None:
    started = time.process_time()

    plain_text((piece * LONGEST_TEXT)[:LONGEST_TEXT])

    assert time.process_time() - started < 0.1
