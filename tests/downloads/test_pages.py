"""What an order's pages contain, for any possible order."""

import json
import re
import time
import timeit
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parsing import order, safe_link

from fileflare_bot import discord_limits as limits
from fileflare_bot.demo import orders
from fileflare_bot.demo.orders import answer, asset, line
from fileflare_bot.downloads.pages import LINES_OF_STORE_TEXT, LINES_ON_A_PAGE, LINKS_ON_A_PAGE, OrderPages, Page
from fileflare_bot.fileflare.errors import LookupFailed
from fileflare_bot.fileflare.responses import read_response
from fileflare_bot.i18n import Catalogs, Translator
from fileflare_bot.orders.bounds import MOST_ASSETS
from fileflare_bot.orders.file_links import LONGEST_LINK
from fileflare_bot.orders.labels import downloads_left
from fileflare_bot.orders.models import Order

CATALOGS = Catalogs()
ENGLISH = CATALOGS.translator("en")
MASKED_LINK = re.compile(r"(?<!\\)(?:\\\\)*\]\((?P<url>[^\s)]+)\)")  # after an even number of backslashes


def pages(raw: Any, translator: Translator = ENGLISH) -> list[Page]:  # noqa: ANN401 - any JSON
    made = OrderPages(order(raw))
    return rendered(made, translator)


def rendered(
    made: OrderPages, translator: Translator = ENGLISH, *, press: str = "Get help", in_server: bool = True
) -> list[Page]:
    return [made.render(number, translator, press=press, in_server=in_server) for number in range(1, len(made) + 1)]


def shown_links(page: Page) -> set[str]:
    return {match["url"] for match in MASKED_LINK.finditer(page.description)} | {link.url for link in page.links}


def keeps_every_limit(page: Page) -> None:
    assert 1 <= limits.size(page.content) <= limits.CONTENT
    assert 1 <= limits.size(page.title) <= limits.EMBED_TITLE
    assert 1 <= limits.size(page.description) <= limits.EMBED_DESCRIPTION
    assert limits.size(page.footer) <= limits.EMBED_FOOTER
    assert len(page.description.splitlines()) <= LINES_ON_A_PAGE
    assert sum(limits.size(text) for text in (page.title, page.description, page.footer)) <= limits.EMBED_TOTAL
    assert len(page.links) <= LINKS_ON_A_PAGE
    for link in page.links:
        assert 1 <= limits.size(link.label) <= limits.BUTTON_LABEL
        assert link.label.strip()
        assert len(link.url) <= limits.BUTTON_URL
        assert re.match(r"https?://[a-z0-9]", link.url, re.IGNORECASE)


def numbered(count: int) -> dict[str, Any]:
    files = [asset(str(n), f"file {n}.zip", f"https://files.example/{n}") for n in range(count)]
    return answer(1, [], files, title=None, text=None)


@pytest.mark.parametrize("size", ["10 MB", "_" * 40, "*" * 200, "1048576"])
@pytest.mark.parametrize("name", ["a", "_" * 90])
@pytest.mark.parametrize(("limit", "downloaded"), [(None, 0), (10, 3), (999_999, 5), (7, None)])
def test_the_longest_lines_fit_their_page(size: str, name: str, limit: int | None, downloaded: int | None) -> None:
    files = [
        asset(str(n), name, f"https://files.example/{n}", size=size)
        | {"limits": {"limit": limit, "downloaded": downloaded}}
        for n in range(120)
    ]
    lines = [line("_" * 90, "*" * 90, *files[number::40], number=number) for number in range(40)]

    for language in ("en", "de"):
        for page in pages(answer(1, lines, [], title=None, text=None), CATALOGS.translator(language)):
            keeps_every_limit(page)


@pytest.mark.parametrize("count", [0, 1, 26, 300, 2000])
def test_every_file_is_on_exactly_one_page(count: int) -> None:
    made = pages(numbered(count))

    assert len(made) == max(1, -(-count // LINES_ON_A_PAGE))
    found = [match["url"] for page in made for match in MASKED_LINK.finditer(page.description)]
    assert found == [f"https://files.example/{n}" for n in range(count)]
    for page in made:
        keeps_every_limit(page)
        assert page.of == len(made)
        assert page.footer.startswith(f"Page {page.number} of {page.of} · ") or page.of == 1


def test_the_page_and_the_downloads_left_in_all_are_said_only_where_there_is_more_than_one_page() -> None:
    made = pages(numbered(61))

    assert [page.footer for page in made] == [f"Page {number} of 3 · 610 downloads left" for number in (1, 2, 3)]
    assert {page.content for page in made} == {"Order #1 · 61 files"}
    (only,) = pages(numbered(30))
    assert only.footer == ""
    assert "downloads left" not in only.content + only.description


@pytest.mark.parametrize("language", CATALOGS.languages)
def test_nothing_of_the_documented_order_is_said_twice(language: str) -> None:
    raw = orders.sample_answers("https://files.example")[orders.DOCUMENTED]

    (page,) = pages(raw, CATALOGS.translator(language))

    said = f"{page.content}\n{page.title}\n{page.description}\n{page.footer}"
    assert said.count("1050") == 1
    lines = [line for line in said.splitlines() if line]
    assert len(lines) == len(set(lines)) == 8  # the order, the store's title, five of products and files, the sign


@pytest.mark.parametrize(
    ("downloaded", "limit", "said"),
    [
        (0, 10, "10 of 10 left"),
        (5, 10, "5 of 10 left"),
        (9, 10, "⚠️ last download"),
        (0, 1, "⚠️ last download"),
        (990, 1000, "10 of 1,000 left"),
        (3, None, "no limit"),
        (3, 0, "download limit not known"),
        (3, -1, "download limit not known"),
    ],
)
def test_a_file_is_one_line_with_its_link_its_size_and_what_is_left(
    downloaded: int, limit: int | None, said: str
) -> None:
    file = asset("a", "a.zip", "https://x.example/a", downloaded=downloaded, limit=limit)

    (page,) = pages(answer(1, [], [file], title=None, text=None))

    assert page.description.splitlines()[0] == f"📄 [a.zip](https://x.example/a) · 10MB · {said}"


def test_an_external_link_has_its_sign_which_is_explained_once() -> None:
    files = [asset(name, name, f"https://x.example/{name}", is_link=True) for name in "ab"]

    (page,) = pages(answer(1, [], files, title=None, text=None))

    assert "🔗 [a](https://x.example/a) · 10MB · 10 of 10 left" in page.description
    assert page.footer == "🔗 external link"


@pytest.mark.parametrize("downloaded", [3, 12])
def test_a_used_up_file_is_named_but_its_link_is_not_offered(downloaded: int) -> None:
    raw = answer(
        1, [], [asset("a", "a.zip", "https://x.example/a", downloaded=downloaded, limit=3)], title=None, text=None
    )

    (page,) = pages(raw)
    assert "🚫 a.zip · 10MB · no downloads left" in page.description
    assert page.description.endswith(
        "\n\nNothing left on a file? **Press Get help** for more: once the store raises the count, the old link works."
    )
    assert shown_links(page) == set()


@pytest.mark.parametrize(
    ("language", "desk", "said"),
    [
        ("en", True, ("**Press Get help** for more", "unavailable? **Press Get help**.")),
        ("en", False, ("Ask this store's support for more", "unavailable? Ask this store's support.")),
        ("de", True, ("**Drücke Hilfe holen**: Erhöht der Shop die Zahl,", "nicht verfügbar? **Drücke Hilfe holen**.")),
        ("de", False, ("Bitte den Support dieses Shops um mehr", "nicht verfügbar? Frag den Support dieses Shops.")),
    ],
)
def test_used_up_and_broken_files_say_who_helps_here(language: str, desk: bool, said: tuple[str, str]) -> None:  # noqa: FBT001
    files = [
        asset("a", "a.zip", "https://x.example/a", downloaded=3, limit=3),
        asset("b", "b.zip", "https://x.example/b", downloaded=3, limit=3),
        asset("c", "c.zip", None),
    ]
    made = OrderPages(order(answer(1, [], files, title=None, text=None)))

    (page,) = rendered(made, CATALOGS.translator(language), press="Get help" if desk else "")

    *_, used_up, unavailable = page.description.splitlines()
    assert said[0] in used_up
    assert said[1] in unavailable


@pytest.mark.parametrize(
    ("language", "desk", "said"),
    [
        ("en", True, "Still none? **Press Get help**."),
        ("en", False, "Still none? Ask this store's support, and give them the order number."),
        ("de", True, "Immer noch keine? **Drücke Hilfe holen**."),
        ("de", False, "Immer noch keine? Frag den Support dieses Shops, und gib die Bestellnummer an."),
    ],
)
@pytest.mark.parametrize("products", [1, 1001])  # the second is cut
def test_an_order_without_files_says_who_helps_here(language: str, desk: bool, said: str, products: int) -> None:  # noqa: FBT001
    made = OrderPages(order(answer(1, [line("Book", None)] * products, [], title=None, text=None)))

    page = made.render(1, CATALOGS.translator(language), press="Get help" if desk else "")

    assert page.description.splitlines()[0].endswith(said)


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "javascript:alert(1)",
        "ftp://x.example/a",
        "///x.example/a",
        "https://",
        "https://user:pass@x.example/a",
        "https://x.example@evil.example/a",
        "https://x.example\\@evil.example/",
        "https://x.example/a\nhttps://evil.example",
        "https://x.example/" + "a" * 3300,
        "https://x.example:99999/a",
        "https://[::1",
    ],
)
def test_a_link_that_cannot_be_shown_safely_is_unavailable(url: str | None) -> None:
    (page,) = pages(answer(1, [], [asset("a", "a.zip", url)], title=None, text=None))

    assert "🚫 a.zip · 10MB · link unavailable" in page.description
    assert shown_links(page) == set()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://x.example/a (1).zip", "https://x.example/a%20%281%29.zip"),
        ("https://x.example/[a]?b={c}|d", "https://x.example/%5Ba%5D?b=%7Bc%7D%7Cd"),
        ("https://x.example/ü.pdf?sig=a%2Fb%3D", "https://x.example/%C3%BC.pdf?sig=a%2Fb%3D"),
        ("HTTPS://X.example/A", "HTTPS://X.example/A"),
        ("//cdn.shopify.com/s/files/a", "https://cdn.shopify.com/s/files/a"),
        ("https://bücher-laden.de/a", "https://xn--bcher-laden-thb.de/a"),
        ("https://x.example/a`b\\c\"d'e<f>g", "https://x.example/a%60b%5Cc%22d%27e%3Cf%3Eg"),
    ],
)
def test_a_link_keeps_its_meaning_when_it_is_spelled_safely(url: str, shown: str) -> None:
    (page,) = pages(answer(1, [], [asset("a", "a.zip", url)], title=None, text=None))

    assert shown_links(page) == {shown}


def test_no_markup_or_mention_of_the_store_takes_effect() -> None:
    hostile = orders.sample_answers("https://files.example")[orders.HOSTILE]

    (page,) = pages(hostile)

    assert shown_links(page) == {"https://files.example/download/hostile-1", "https://files.example/download/hostile-5"}
    assert "\\# Heading\n\\- list\n\\> quote\n\\[click\\]\\(https\\://evil.example\\)" in page.description
    assert "\\*\\*Free\\*\\* \\|\\|gift\\|\\| \\<@\u200b&1\\> @\u200beveryone" in page.description
    assert "\u202e" not in page.description
    assert "@\u200bhere \\*\\*Win\\*\\* \\<#1\\>" in page.title
    assert page.description.count("Unnamed file") == 2
    keeps_every_limit(page)


def test_the_stores_own_words_head_the_first_page() -> None:
    raw = numbered(60) | {"text": {"title": "Thanks!", "text": "Unpack on a computer."}}

    first, *others = pages(raw)

    assert first.title == "Thanks!"
    assert first.description.startswith("Unpack on a computer.\n\n📄 [file 0.zip]")
    assert all(page.title == "Thanks!" and "Unpack" not in page.description for page in others)


def test_long_words_of_the_store_leave_room_for_files() -> None:
    raw = numbered(1) | {"text": {"title": "Thanks!", "text": "\n".join(f"line {number}" for number in range(60))}}

    (page,) = pages(raw)

    words = page.description.partition("\n\n📄")[0].split("\n")
    assert len(words) == LINES_OF_STORE_TEXT
    assert words[-2:] == [f"line {LINES_OF_STORE_TEXT - 2}", "…"]


def test_a_product_that_goes_over_two_pages_is_named_on_both() -> None:
    files = [asset(str(n), f"{n}.zip", f"https://x.example/{n}") for n in range(LINES_ON_A_PAGE)]

    first, second = pages(answer(1, [line("Big pack", None, *files)], [], title=None, text=None))

    assert "**Big pack**" in first.description
    assert "**Big pack**" in second.description


def test_two_products_of_one_name_stay_two_blocks() -> None:
    file = asset("a", "a.zip", "https://x.example/a")
    raw = answer(1, [line("Book", "Print"), line("Book", "Print")], [file], title=None, text=None)

    (page,) = pages(raw)
    assert page.description.startswith("**Book — Print** · no files\n\n**Book — Print** · no files\n\n")


def test_an_order_without_any_file_says_so_once() -> None:
    (page,) = pages(answer(1, [line("Book", "Print"), line("Pen", None)], [], title=None, text=None))

    assert page.description.count("no files") == 1
    assert page.description.endswith("**Book — Print**\n\n**Pen**")


def test_a_file_that_is_named_like_an_address_is_not_shown_as_one() -> None:
    raw = answer(1, [], [asset("a", "https://evil.example/a.exe", "https://x.example/a")], title=None, text=None)

    (page,) = pages(raw)
    assert "[evil.example/a.exe](https://x.example/a)" in page.description
    assert page.links[0].label == "evil.example/a.exe (10 left)"


def test_the_last_page_asked_for_beyond_the_end_is_the_last() -> None:
    made = OrderPages(order(numbered(70)))

    assert made.render(99, ENGLISH).number == 3
    assert made.render(-1, ENGLISH).number == 1


@pytest.mark.parametrize("size", [1800, 2500, LONGEST_LINK])
@pytest.mark.parametrize("language", CATALOGS.languages)
def test_long_signed_links_are_shown_one_to_a_page_if_need_be(size: int, language: str) -> None:
    urls = [f"https://x.example/{number}?signature=".ljust(size, "a") for number in range(3)]
    name = "*" * 300
    files = [
        asset(str(number), name, url, downloaded=10**9, limit=2 * 10**9, size=name, is_link=True)
        for number, url in enumerate(urls)
    ]
    raw = answer(10**40, [line(name, name, *files)], [], title=name, text="The store's own words. " + name * 3)

    made = pages(raw, CATALOGS.translator(language))

    for page in made:
        keeps_every_limit(page)
    assert [url for page in made for url in urls if f"]({url})" in page.description] == urls
    assert "The store's own words" in made[0].description
    assert not any(page.links for page in made)


def test_a_store_text_that_leaves_no_room_for_a_long_link_has_a_page_of_its_own() -> None:
    url = "https://x.example/".ljust(LONGEST_LINK, "a")

    first, second = pages(answer(1, [], [asset("a", "a.zip", url)], title=None, text="(*) " * 150))

    assert "Your files are on the next page." in first.description
    assert shown_links(second) == {url}


@pytest.mark.parametrize("limit", ["unlimited", {}, True, "1.5"])
def test_a_limit_that_cannot_be_read_is_not_known_and_the_link_is_offered(limit: object) -> None:
    file = asset("a", "a.zip", "https://x.example/a") | {"limits": {"downloaded": 1, "limit": limit}}

    (page,) = pages(answer(1, [], [file], title=None, text=None))

    assert shown_links(page) == {"https://x.example/a"}
    assert page.description.endswith(" · download limit not known")


def test_the_same_file_is_named_in_each_place_and_counted_once() -> None:
    same = asset("a", "a.zip", "https://x.example/a", downloaded=2)

    made = order(answer(1, [line("Book", None, same), line("Pack", None, same)], [same], title=None, text=None))
    (page,) = rendered(OrderPages(made))

    assert page.description.count("[a.zip](https://x.example/a)") == 3
    assert page.content == "Order #1 · 1 file"
    assert downloads_left(made, ENGLISH) == "8 downloads left"


@pytest.mark.parametrize(
    ("size", "language", "shown"),
    [
        (2516582, "en", "2.4 MB"),
        ("2516582", "de", "2,4 MB"),
        (2516582.0, "en", "2.4 MB"),
        (512, "en", "512 byte"),
        (1536, "en", "1.5 kB"),
        (3 * 1024**3, "en", "3 GB"),
        (10**14, "en", "90.9 TB"),
        ("10MB", "en", "10MB"),
        ("1.5 GB", "en", "1.5 GB"),
        ("2 &lt;MB&gt;", "en", "2 \\<MB\\>"),
        (None, "en", ""),
        ({}, "en", ""),
    ],
)
def test_a_bare_number_is_a_size_in_bytes(size: Any, language: str, shown: str) -> None:  # noqa: ANN401 - any JSON
    file = asset("a", "a.zip", "https://x.example/a", size=size)

    (page,) = pages(answer(1, [], [file], title=None, text=None), CATALOGS.translator(language))

    assert page.description.startswith(" · ".join(filter(None, ["📄 [a.zip](https://x.example/a)", shown, ""])))


def test_what_a_store_wrote_for_a_page_is_shown_plain_and_escaped_once() -> None:
    raw = answer(
        1,
        [line("<b>Salt &amp; Pepper</b>", "Vector<T>", asset("a", "caf&eacute; &lt;b&gt;.zip", "https://x.example/a"))],
        [],
        title="<h1>Thanks!</h1>",
        text="<p>Hi!<br>Open with <strong>7-Zip</strong>.</p><ul><li>One</li></ul>",
    )

    (page,) = pages(raw)

    assert page.title == "Thanks!"
    assert page.description.startswith("Hi!\nOpen with 7-Zip.\n• One\n\n**Salt & Pepper — Vector")
    assert "**Salt & Pepper — Vector\\<T\\>**" in page.description
    assert "[café \\<b\\>.zip](https://x.example/a)" in page.description
    assert page.links[0].label.startswith("café <b>.zip")


def test_every_page_of_an_order_that_was_cut_says_so() -> None:
    made = pages(numbered(MOST_ASSETS + 1))

    assert len(made) == -(-MOST_ASSETS // LINES_ON_A_PAGE)
    assert all(page.footer.endswith(" · This order may hold more than I can show") for page in made)


def test_an_order_whose_files_were_cut_off_does_not_say_that_it_has_none() -> None:
    made = pages(answer(1, [line("Book", None)] * 1001, [], title=None, text=None))

    assert "I cannot read its files." in made[0].description
    assert "no files" not in made[0].description.lower()


@pytest.mark.parametrize("host", ["my_bucket.s3.example", "x.example."])
def test_a_host_that_discord_may_refuse_in_a_button_is_a_link_only(host: str) -> None:
    (page,) = pages(answer(1, [], [asset("a", "a.zip", f"https://{host}/a")], title=None, text=None))

    assert f"](https://{host}/a)" in page.description
    assert page.links == ()


def test_ten_times_the_assets_take_no_more_than_linear_time_to_split() -> None:
    few, many = order(numbered(200)), order(numbered(2000))

    def seconds(parsed: Order) -> float:
        return min(
            timeit.repeat(lambda: OrderPages(parsed).render(1, ENGLISH), timer=time.process_time, number=2, repeat=5)
        )

    assert seconds(many) < 30 * seconds(few)


texts = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="*_~`|[]()<>@#-: \n\\/.hts\u202e\u200b\u200d😀é", max_size=200),
    st.sampled_from(["", "@everyone", "](https://evil.example)", "https://evil.example/x", "x" * 5000]),
)
urls = st.one_of(
    texts,
    st.none(),
    texts.map(lambda tail: f"https://files.example/{tail}"),
    st.integers(1, 4000).map(lambda size: "https://files.example/" + "a" * size),
)
anything: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), texts),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


def or_anything(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(strategy, strategy, strategy, anything)


counts = or_anything(st.integers(-2, 12) | st.none())
assets = or_anything(
    st.fixed_dictionaries(
        {
            "limits": or_anything(st.fixed_dictionaries({"downloaded": counts, "limit": counts})),
            "data": or_anything(
                st.fixed_dictionaries(
                    {"id": or_anything(texts), "filename": or_anything(texts), "url": or_anything(urls)},
                    optional={"size": or_anything(texts), "is_link": or_anything(st.booleans())},
                )
            ),
        }
    )
)
products = or_anything(st.fixed_dictionaries({"name": or_anything(texts), "variant_name": or_anything(texts)}))
lines = or_anything(st.fixed_dictionaries({"product": products, "assets": or_anything(st.lists(assets, max_size=12))}))
answers = or_anything(
    st.fixed_dictionaries(
        {
            "order": or_anything(
                st.fixed_dictionaries(
                    {
                        "order_number": or_anything(st.integers()),
                        "lines": or_anything(st.lists(lines, max_size=5)),
                        "assets": or_anything(st.lists(assets, max_size=12)),
                    }
                )
            ),
            "text": or_anything(st.fixed_dictionaries({"title": or_anything(texts), "text": or_anything(texts)})),
        }
    )
)


@given(answers, st.sampled_from(CATALOGS.languages), texts, st.booleans())
def test_for_any_json_the_reply_keeps_every_limit_and_shows_no_link_but_an_assets(
    raw: Any,  # noqa: ANN401 - any JSON
    language: str,
    part: str,
    desk: bool,  # noqa: FBT001 - drawn
) -> None:
    body = json.dumps(raw).encode()
    try:
        parsed = read_response(200, {}, body)
    except LookupFailed:
        return
    own = {safe_link(asset.data.url) for asset in parsed.all_assets()}
    seen: set[str] = set()
    whole = OrderPages(parsed)
    for made in (whole, whole.with_name(part)):
        for page in rendered(made, CATALOGS.translator(language), press="Get help" if desk else ""):
            keeps_every_limit(page)
            assert not re.search("https?://", page.content, re.IGNORECASE)
            assert not re.search("https?://", MASKED_LINK.sub("", page.description), re.IGNORECASE)
            seen |= shown_links(page)
    assert seen <= own
