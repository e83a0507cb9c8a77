"""The select of a large order and Find: any file is at most three presses away."""

import re
from typing import Any

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parsing import order
from presses import COUNTS, LINK_LENGTHS, MOST_PRESSES, numbered, page_of_the_middle_file, presses_to_pages

from fileflare_bot import discord_limits as limits
from fileflare_bot.demo.orders import LARGE, answer, asset, line, sample_answers
from fileflare_bot.downloads.open_orders import OpenOrder
from fileflare_bot.downloads.pages import LINES_ON_A_PAGE, OrderPages
from fileflare_bot.downloads.places import Choice, Span
from fileflare_bot.downloads.views import order_message
from fileflare_bot.i18n import Catalogs
from fileflare_bot.orders.bounds import MOST_ASSETS, MOST_LINES
from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.roles.granting import Grant

CATALOGS = Catalogs()
ENGLISH = CATALOGS.translator("en")


def sample() -> OrderPages:
    return OrderPages(order(sample_answers("https://files.example")[LARGE]))


def choices(pages: OrderPages, page: int = 1, jumped: Span | None = None, language: str = "en") -> list[Choice]:
    return pages.places.choices(page, jumped, CATALOGS.translator(language))


def files_of(pages: OrderPages) -> list[str]:
    return [str(asset.data.filename) for asset in pages.order.all_assets()]


@pytest.mark.parametrize("products", [0, 10])
@pytest.mark.parametrize("link", [LINK_LENGTHS[0], 500, LINK_LENGTHS[-1]])
@pytest.mark.parametrize("count", COUNTS)
def test_any_file_is_at_most_three_presses_from_the_first_page(count: int, link: int, products: int) -> None:
    pages = OrderPages(order(numbered(count, link=link, products=min(products, count))))

    needed = presses_to_pages(pages)

    assert sorted(needed) == [*range(1, len(pages) + 1)]
    assert max(needed.values()) <= MOST_PRESSES
    assert needed[page_of_the_middle_file(pages)] <= 2


@pytest.mark.parametrize("link", [60, 3300])
def test_so_it_is_in_the_largest_order_that_is_read(link: int) -> None:
    raw = numbered(MOST_ASSETS - 1, link=link, products=MOST_LINES - 1)
    raw["order"]["assets"] = [asset("own", "own.zip", "https://files.example/own")]

    pages = OrderPages(order(raw))

    needed = presses_to_pages(pages)
    assert len(needed) == len(pages)
    assert max(needed.values()) <= MOST_PRESSES


def test_each_product_of_300_files_can_be_chosen_by_its_name() -> None:
    pages = sample()

    shown = choices(pages)

    assert len(shown) <= limits.SELECT_OPTIONS
    assert list(dict.fromkeys(choice.label for choice in shown)) == [f"Sound pack {pack}" for pack in range(10)]
    third = next(choice for choice in shown if choice.label == "Sound pack 3")
    number = pages.beginning_with(third.span[0]).places[third.span[0]].page
    assert third.description == f"Page {number} · loop_03_00.wav"
    opened = pages.beginning_with(third.span[0]).render(number, ENGLISH)
    assert opened.description.startswith("**Sound pack 3**\n📄 [loop\\_03\\_00.wav]")


def test_a_chosen_product_begins_a_page_and_all_files_keep_their_order() -> None:
    pages = sample()
    for choice in choices(pages):
        place = choice.span[0]
        broken = pages.beginning_with(place)
        number = broken.places[place].page

        shown = broken.render(number, ENGLISH)
        text = shown.description.removeprefix(pages.render(1, ENGLISH).description.partition("**Sound pack")[0])
        assert text.startswith(f"**{choice.label}**\n")
        assert shown.links[0].url in text.partition("\n📄")[2].partition("\n")[0]
        assert [urls_on(broken, each) for each in range(1, number - 1)] == [
            urls_on(pages, each) for each in range(1, number - 1)
        ]
        assert urls(broken) == urls(pages)
        assert [here.span[0] for here in choices(broken, number) if here.here] == ([place] if number > 1 else [])
        assert str(choice.description).partition(" · ")[0] == f"Page {number}"
        assert [(each.label, each.description) for each in choices(broken)] == [
            (each.label, each.description) for each in choices(pages)
        ]


def test_a_product_on_two_pages_is_listed_once() -> None:
    labels = [choice.label for choice in choices(sample())]

    assert labels == [f"Sound pack {pack}" for pack in range(10)]


def urls_on(pages: OrderPages, number: int) -> list[str]:
    return re.findall(r"\]\((\S+)\)", pages.render(number, ENGLISH).description)


def urls(pages: OrderPages) -> list[str]:
    return [url for number in range(1, len(pages) + 1) for url in urls_on(pages, number)]


def test_pages_of_one_product_are_told_apart_by_their_files() -> None:
    pages = OrderPages(order(numbered(100, products=1)))

    assert [choice.label for choice in choices(pages)] == ["file 0.zip", "file 29.zip", "file 58.zip", "file 87.zip"]
    assert choices(pages, language="de")[1].description == "Seite 2"


def test_more_places_than_options_are_ranges_that_open_when_chosen() -> None:
    pages = OrderPages(order(numbered(2000)))

    ranges = choices(pages)
    inside = choices(pages, jumped=ranges[3].span)

    assert (ranges[3].label, ranges[3].description) == ("file 270.zip … file 330.zip", "Pages 10 to 12")
    assert [choice.label for choice in inside] == ["The whole order", "file 270.zip", "file 300.zip", "file 330.zip"]
    assert inside[0].span == (0, len(pages.places))
    german = choices(pages, jumped=ranges[3].span, language="de")
    assert (german[0].label, choices(pages, language="de")[3].description) == (
        "Die ganze Bestellung",
        "Seiten 10 bis 12",
    )


def test_the_select_shows_where_one_is_except_on_the_first_page_where_it_says_what_it_is_for() -> None:
    pages = sample()

    def here(page: int, jumped: Span | None = None) -> list[str]:
        return [choice.label for choice in choices(pages, page, jumped) if choice.here]

    assert here(1) == []
    assert here(len(pages)) == ["Sound pack 9"]
    sixth = next(choice.span for choice in choices(pages) if choice.label == "Sound pack 6")
    assert here(pages.places[sixth[0]].page, sixth) == ["Sound pack 6"]


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ("loop_03_1", [f"loop_03_{number}.wav" for number in range(10, 20)]),
        ("LOOP_03_17", ["loop_03_17.wav"]),
        ("https://loop_03_17", ["loop_03_17.wav"]),
        ("pack 4", [f"loop_04_{number:02}.wav" for number in range(30)]),
        ("loop 07 12", ["loop_07_12.wav"]),
        ("Loop-07.12", ["loop_07_12.wav"]),
        ("wav 12 07", ["loop_07_12.wav"]),
        ("12 pack 7 sound", ["loop_07_12.wav"]),
        ("nothing of that name", []),
        ("loop 07 99", []),
        ("-", []),
        (" _. ", []),
    ],
)
def test_find_shows_the_files_with_that_in_their_own_name_or_their_products(part: str, found: list[str]) -> None:
    pages = sample().with_name(part)

    assert files_of(pages) == found


def test_find_reads_names_as_they_are_shown() -> None:
    files = [asset("a", "caf&eacute; &lt;1&gt;.zip", "https://x.example/a"), asset("b", None, "https://x.example/b")]
    pages = OrderPages(order(answer(1, [line("<b>Tea</b>", "Black", *files)], [], title="Hi", text="Thanks!")))

    assert len(files_of(pages.with_name("CAFÉ <1>"))) == 1
    assert len(files_of(pages.with_name("tea"))) == 2
    assert len(files_of(pages.with_name("black"))) == 2
    page = pages.with_name("café").render(1, ENGLISH)
    assert (page.title, page.content) == ("Hi", "Order #1 · 1 of 2 files · 🔎 café")
    assert "Thanks!" not in page.description


def test_many_matches_have_pages_and_a_select_of_their_own() -> None:
    pages = OrderPages(order(numbered(2000))).with_name("file 1")

    assert len(pages) == -(-1111 // LINES_ON_A_PAGE)
    assert pages.render(2, ENGLISH).content == "Order #1050 · 1,111 of 2,000 files · 🔎 file 1"
    assert pages.render(2, ENGLISH).footer == "Page 2 of 38 · 11,110 downloads left"
    assert max(presses_to_pages(pages).values()) <= MOST_PRESSES


@pytest.mark.parametrize(
    "secret", ["0c732eb6fd9802a0821a9d29888baee8", "https://x.example/0c732eb6fd9802a0821a9d29888baee8"]
)
def test_what_looks_like_an_order_id_is_not_repeated(secret: str) -> None:
    name = f"notes {secret} end"
    pages = OrderPages(order(answer(1, [], [asset("a", name, "https://x.example/a")], title=None, text=None)))

    found = pages.with_name(secret)

    assert len(files_of(found)) == 1
    assert "0c732eb6fd98" not in found.render(1, ENGLISH).content


@pytest.mark.parametrize("language", CATALOGS.languages)
def test_many_new_roles_of_long_names_fit_the_reply(language: str) -> None:
    pages = OrderPages(order(numbered(10))).with_name("file")
    opened = OpenOrder(OrderReference("0c732eb6fd9802a0821a9d29888baee8"), 1, pages)

    message = order_message(opened, pages, CATALOGS.translator(language), Grant(given=("*" * 100,) * 25))

    assert message.content.count("\n") == 1
    assert limits.size(message.content) <= limits.CONTENT


names = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="*_~`|[]()<>@#-: \n/.hts\u202e\u200b\u200d😀é&;", max_size=200),
    st.none(),
    st.just("x" * 400),
)
products = st.lists(st.tuples(names, names, st.lists(names, max_size=12)), max_size=8)


@given(
    products,
    st.sampled_from([30, 1200, 3300]),
    st.sampled_from(CATALOGS.languages),
    names,
    st.lists(st.integers(0, 24), min_size=3, max_size=3),
)
def test_for_any_order_the_buttons_and_the_select_keep_every_limit_and_hold_no_name(
    bought: Any,  # noqa: ANN401 - drawn
    link: int,
    language: str,
    part: str | None,
    chosen: list[int],
) -> None:
    url = "https://x.example/".ljust(link, "a")
    lines = [line(name, variant, *(asset("", file, url) for file in files)) for name, variant, files in bought]
    whole = OrderPages(order(answer(1050, lines, [], title=None, text=None)))
    opened = OpenOrder(OrderReference("0c732eb6fd9802a0821a9d29888baee8"), 1, whole, savable=True)
    for pages in (whole, whole.with_name(part or "")):
        jumped: Span | None = None
        opened.page, opened.begins_with = 1, None
        for number in chosen:
            shown = pages.beginning_with(opened.begins_with)
            message = order_message(opened, shown, CATALOGS.translator(language), jumped=jumped)
            assert message.embed is not None
            assert len(message.embed) <= limits.EMBED_TOTAL
            spans = keeps_the_limits_of_components(message.view, opened)
            if not spans:
                break
            jumped = spans[number % len(spans)]
            opened.begins_with = jumped[0]
            opened.page = pages.beginning_with(jumped[0]).places[jumped[0]].page


def keeps_the_limits_of_components(view: Any, opened: OpenOrder) -> list[Span]:  # noqa: ANN401 - any view
    """Assert that Discord takes the view, and return what its select offers."""
    spans: list[Span] = []
    rows = [row["components"] for row in view.to_components()]
    assert len(rows) < limits.ROWS
    assert all(len(row) <= limits.BUTTONS_IN_A_ROW for row in rows)
    for item in view.children:
        if isinstance(item, discord.ui.Button):
            assert item.label is not None
            assert 1 <= limits.size(item.label) <= limits.BUTTON_LABEL
        if isinstance(item, discord.ui.Select):
            assert item.custom_id == f"downloads:jump:{opened.handle}"
            assert 2 <= len(item.options) <= limits.SELECT_OPTIONS
            assert sum(option.default for option in item.options) <= 1
            for option in item.options:
                assert 1 <= limits.size(option.label.strip()) <= limits.OPTION_LABEL
                assert option.description is None or 1 <= limits.size(option.description) <= limits.OPTION_DESCRIPTION
                assert re.fullmatch(r"\d{1,4}-\d{1,4}", option.value)
            values = [option.value for option in item.options]
            assert len(values) == len(set(values))
            spans = [(int(first), int(end)) for first, end in (value.split("-") for value in values)]
    return spans
