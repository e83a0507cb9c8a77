"""Which addresses of a store are offered as links, and how they are spelled."""

import re
import unicodedata
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from parsing import safe_link
from yarl import URL

from fileflare_bot.orders.file_links import LONGEST_LINK, LinkProblem, read_link

START = "https://x.example/"


@pytest.mark.parametrize(
    "url",
    [
        "https://x.example",
        "https://x.example/",
        "http://x.example/a.zip",
        "https://www.my-website.com/download/my-book.pdf",
        "https://x.example:8443/a",
        "https://x.example:65535/a",
        "https://192.0.2.7/a",
        "https://x.example?id=1",
        "https://x.example#part",
        "https://x.example/a%20b.zip?sig=a%2Fb%3D&expires=1#page=2",
        "https://x.example/@store/a,b;c=d$e!f~g+h",
        "HTTPS://X.example/A",
        "https://xn--bcher-kva.example/a",
        "https://my_bucket.s3.example/a",
        "https://x.example./a",
        "https://cdn.example/a?signature=" + "a" * 1800,
        START + "a" * (LONGEST_LINK - len(START)),
    ],
)
def test_a_plain_web_address_is_kept_unchanged(url: str) -> None:
    assert safe_link(url) == url


@pytest.mark.parametrize(
    ("url", "spelled"),
    [
        ("https://x.example/a b.zip", "https://x.example/a%20b.zip"),
        ("https://x.example/a(1).zip", "https://x.example/a%281%29.zip"),
        ("http://x.example/a (1).zip", "http://x.example/a%20%281%29.zip"),
        ("https://x.example/[a]?b={c}|d", "https://x.example/%5Ba%5D?b=%7Bc%7D%7Cd"),
        ("https://x.example/a`b\\c\"d'e<f>g*h", "https://x.example/a%60b%5Cc%22d%27e%3Cf%3Eg%2Ah"),
        ("https://x.example/ü.pdf", "https://x.example/%C3%BC.pdf"),
        ("https://x.example/ü.pdf?sig=a%2Fb%3D", "https://x.example/%C3%BC.pdf?sig=a%2Fb%3D"),
        ("https://x.example/😀", "https://x.example/%F0%9F%98%80"),
        ("https://x.example:8443/a b", "https://x.example:8443/a%20b"),
        ("HTTPS://x.example/a b", "HTTPS://x.example/a%20b"),
        (" https://x.example/a ", "https://x.example/a"),
        ("\nhttps://x.example/a\r\n", "https://x.example/a"),
        ("//cdn.shopify.com/s/files/a.pdf?v=1", "https://cdn.shopify.com/s/files/a.pdf?v=1"),
        ("//x.example:8443/a//b (1)", "https://x.example:8443/a//b%20%281%29"),
        ("https://bücher-laden.de/a.pdf", "https://xn--bcher-laden-thb.de/a.pdf"),
        ("HTTP://BÜCHER-LADEN.de:8080/ü?a=b", "HTTP://xn--bcher-laden-thb.de:8080/%C3%BC?a=b"),
        ("//bücher-laden.de", "https://xn--bcher-laden-thb.de"),
        ("https://x.exаmple/a", "https://x.xn--exmple-4nf/a"),  # noqa: RUF001 - the third letter is Cyrillic
        ("https://x。example/a", "https://x.example/a"),
        ("https://x.example/a\u00a0b", "https://x.example/a%C2%A0b"),
        ("https://x.example/a)[b](https://evil.example", "https://x.example/a%29%5Bb%5D%28https://evil.example"),
        ("https://X.example/a b.zip", "https://X.example/a%20b.zip"),
        ("https://x.example:61000/a b.zip", "https://x.example:61000/a%20b.zip"),
    ],
)
def test_what_a_browser_would_encode_and_parentheses_are_percent_encoded(url: str, spelled: str) -> None:
    assert safe_link(url) == spelled


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        " ",
        "javascript:alert(1)",
        "JavaScript://x.example/%0Aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "ftp://x.example/a",
        "file:///etc/passwd",
        "discord://x.example/a",
        "mailto:a@x.example",
        "x.example/a",
        "/download/a",
        "https:x.example/a",
        "https:/x.example/a",
        "https://",
        "https:///a",
        "https://?a",
        "https://.example/a",
        "https://-x.example/a",
        "https://x example/a",
        "https://user:pass@x.example/a",
        "https://user@x.example/a",
        "https://x.example@evil.example/a b",
        "https://x.example\\@evil.example/",
        "https://x.example\\evil.example/",
        "//user@x.example/a",
        "///x.example/a",
        "//",
        "https://ü..example/a",
        "https://" + "ü" * 70 + ".example/a",
        "https://ü@x.example/a",
        "https://x.example/\x85a",
        "https://x.example)/a",
        "https://x.example℀evil.example/a",
        "https://x.example:99999/a",
        "https://x.example:-1/a",
        "https://x.example:a/a",
        "https://[::1]/a",
        "https://[::1",
        "https://x.example/a\nhttps://evil.example",
        "https://x.example/\ta",
        "ht\ntps://x.example/a",
        "https://x.example/\x00",
        "https://x.example/\x7f",
        "https://x.example/\u202egpj.exe",
        "https://x.example/\ud800",
    ],
)
def test_what_is_no_safe_web_address_is_refused(url: str | None) -> None:
    assert safe_link(url) is None


@pytest.mark.parametrize(
    "url",
    [START + "a" * (LONGEST_LINK - len(START) + 1), START + " " * 1100 + "a", START + "ü" * 600, START + "😀" * 300],
)
def test_an_address_over_3300_characters_is_refused_also_when_it_only_grows_so_long_by_encoding(url: str) -> None:
    assert read_link(url) is LinkProblem.TOO_LONG


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        (None, LinkProblem.NONE_GIVEN),
        ("", LinkProblem.NONE_GIVEN),
        (" \n", LinkProblem.NONE_GIVEN),
        (START + "a" * LONGEST_LINK, LinkProblem.TOO_LONG),
        ("javascript:alert(1)", LinkProblem.NO_WEB_ADDRESS),
        ("/download/a", LinkProblem.NO_WEB_ADDRESS),
        ("soon", LinkProblem.NO_WEB_ADDRESS),
        ("https://", LinkProblem.NO_WEB_ADDRESS),
        ("https://[::1", LinkProblem.NO_WEB_ADDRESS),
        ("https://user:pass@x.example/a", LinkProblem.USER_NAME),
        ("//user@x.example/a", LinkProblem.USER_NAME),
        ("ftp://user@x.example/a", LinkProblem.NO_WEB_ADDRESS),
    ],
)
def test_a_refused_address_says_why(url: str | None, problem: LinkProblem) -> None:
    assert read_link(url) is problem


def test_a_link_shows_nothing_in_its_repr() -> None:
    assert "secret" not in repr(read_link("https://secret.example/secret"))


schemes = st.sampled_from(["http://", "https://", "HTTPS://", "javascript:", "data:", "ftp://", "//", "/", "\\"])
hosts = st.sampled_from(["x.example", "X.Example", "bücher.example", "user:pass@", "[::1]", "xn--a", ":443", ":65536"])
marks = st.sampled_from([*"@:?#%-. ()[]<>*_`|\n\t\x00\x7f\u200b\u202eü😀", "%2"])
pieces = st.one_of(schemes, hosts, marks, st.text(max_size=3))
urls = st.one_of(
    st.text(max_size=60),
    st.lists(pieces, max_size=12).map("".join),
    st.lists(pieces, max_size=12).map(lambda parts: START + "".join(parts)),
    st.integers(3200, 3400).map(lambda size: START + "a" * size),
    st.integers(1000, 1200).map(lambda size: START + " " * size + "a"),
)


@given(st.none() | urls)
@example("https://x.example/a) b")
def test_for_any_text_a_link_is_the_same_web_address_and_cannot_end_its_markup(url: str | None) -> None:
    link = safe_link(url)

    if link is None:
        return
    assert url is not None
    assert link.lower().startswith(("http://", "https://"))
    assert not re.search(r"[\s()\[\]<>|*`\\]", link)
    assert not any(unicodedata.category(character)[0] in "CZ" for character in link)
    assert link.isascii()
    assert len(link) <= LONGEST_LINK
    asked = url.strip()
    asked = f"https:{asked}" if asked.startswith("//") else asked
    netloc = urlsplit(asked).netloc
    assert unquote(link).partition("//")[2][len(urlsplit(link).netloc) :] == unquote(
        asked.partition("//")[2][len(netloc) :]
    )
    assert urlsplit(link).netloc == netloc or URL(asked).host_port_subcomponent == URL(link).host_port_subcomponent
    assert safe_link(link) == link
