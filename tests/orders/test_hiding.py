"""An order's ID, in any shape, and links are in nothing that others than its customer can read."""

import json
import re
import unicodedata
from typing import Any, Final
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from tickets.test_card_text import ticket as ticket_of

from fileflare_bot.fileflare.responses import read_response
from fileflare_bot.i18n import Catalogs
from fileflare_bot.orders.diagnosis import diagnose
from fileflare_bot.orders.findings import changes, report
from fileflare_bot.orders.hiding import SHORTEST_PART, hide_order, hide_references
from fileflare_bot.orders.labels import order_label, plain_number, summary
from fileflare_bot.orders.models import Order
from fileflare_bot.roles.rules import products_in, properties_in
from fileflare_bot.storage.records import Ticket, TicketDetails
from fileflare_bot.tickets.canned import placeholder_values
from fileflare_bot.tickets.card_text import card
from fileflare_bot.tickets.texts import thread_name

ID: Final = "0c732eb6fd9802a0821a9d29888baee8"
WITH_LETTERS_ONLY: Final = "onlyletters_are-thisOrderId"
TRANSLATOR: Final = Catalogs().translator("en")


def encoded(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def fullwidth(text: str) -> str:
    return "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in text)


SHAPES: Final[dict[str, Any]] = {
    "as it is": lambda token: token,
    "other case": str.swapcase,
    "spaces": " ".join,
    "dashes": "-".join,
    "groups": lambda token: " - ".join(re.findall(".{1,4}", token)),
    "lines": lambda token: "\n".join(re.findall(".{1,7}", token)),
    "tabs": "\t".join,
    "percent-encoded": encoded,
    "percent-encoded twice": lambda token: quote(encoded(token)),
    "half of it encoded": lambda token: encoded(token[:9]) + token[9:],
    "after a percent sign": lambda token: f"100%{token}",
    "combining marks": lambda token: "".join(each + "\u0301\u0327" for each in token),
    "zero-width": "\u200b".join,
    "joiners": "\u200d".join,
    "soft hyphens": "\u00ad".join,
    "fullwidth": fullwidth,
    "Markdown": lambda token: "**" + "*_*".join(re.findall(".{1,3}", token)) + "**",
    "in a word": lambda token: f"file{token}final",
    "in an address": lambda token: f"https://my-store.com/account/orders/{token}/authenticate?key=1",
    "without a scheme": lambda token: f"my-store.com/account/orders/{token}",
    "tags": "<b></b>".join,
    "entities": lambda token: "".join(f"&#{ord(each)};" for each in token),
    "a part of it": lambda token: token[5:-5],
    "doubled": lambda token: token + token,
}
FIELDS: Final = (
    *(("order", "order_number"), ("text", "title"), ("text", "text")),
    *(
        ("product", name)
        for name in ("name", "variant_name", "sku", "product_id", "variant_id", "vendor", "id", "tags")
    ),
    *(("data", name) for name in ("filename", "size", "id")),
)


def letters(text: str) -> str:
    """Return what remains of a text for somebody who looks for an ID in it."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(each for each in plain if each.isalnum() and each.isascii())


def assert_without(token: str, *texts: str) -> None:
    wanted = letters(token)
    for text in texts:
        for reading in (text, unquoted(text), unquoted(unquoted(text))):
            found = letters(reading)
            parts = (wanted[at : at + SHORTEST_PART] for at in range(len(wanted) - SHORTEST_PART + 1))
            assert not [part for part in parts if part in found], text


def unquoted(text: str) -> str:
    raw = re.sub(rb"%([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), text.encode())
    return raw.decode(errors="replace")


def order_with(token: str, where: str, field: str, text: str) -> Order:
    """Return an order, as it is read, with this text in a field."""
    parts: dict[str, dict[str, Any]] = {
        "order": {"order_number": 1050},
        "text": {"title": "Hi", "text": "Thanks"},
        "product": {"id": "7", "name": "My new book", "product_id": "8", "variant_id": "9", "sku": "B", "vendor": "We"},
        "data": {"id": "1", "filename": "book.pdf", "size": "2 MB", "url": "javascript:no"},
    }
    parts[where][field] = [text, "x"] if field == "tags" else text
    asset = {"data": parts["data"], "limits": {"downloaded": 5, "limit": 5}}
    refused = {"data": parts["data"], "limits": None}
    line = {"product": parts["product"], "assets": [asset, refused]}
    empty = {"product": parts["product"], "assets": []}
    raw = {"order": {**parts["order"], "lines": [line, empty], "assets": []}, "text": parts["text"]}
    return read_response(200, {}, json.dumps(raw).encode(), token=token)


LINKS: Any = {"lines": {"__all__": {"assets": {"__all__": {"data": {"url"}}}}}}


def what_others_read(order: Order) -> list[str]:
    """Return every text of an order that anybody but its customer reads."""
    findings = diagnose(order)
    number = str(order.order_number or "")
    filed: Ticket = ticket_of(TicketDetails(number, findings))
    products = products_in(order)
    seen = properties_in(order, [product.product_id for product in products])
    return [
        *(summary(order, TRANSLATOR), order_label(order, TRANSLATOR), report(findings, TRANSLATOR)),
        *(changes((), findings, TRANSLATOR), thread_name(filed, TRANSLATOR), str(card(filed, TRANSLATOR))),
        *(str(placeholder_values(filed, TRANSLATOR)), *(each.label for each in seen), *(each.value for each in seen)),
        *(f"{product.name} {product.vendor}" for product in products),
        TypeAdapter(Order).dump_json(order, exclude=LINKS).decode(),
    ]


@pytest.mark.parametrize("token", [ID, WITH_LETTERS_ONLY])
@pytest.mark.parametrize("shape", SHAPES)
def test_no_field_of_an_order_shows_others_its_id_in_any_shape(token: str, shape: str) -> None:
    for where, field in FIELDS:
        for before, after in (("", ""), ("My book ", " (2nd).pdf"), ("é", "日本")):
            order = order_with(token, where, field, f"{before}{SHAPES[shape](token)}{after}")

            assert_without(token, *what_others_read(order))


@pytest.mark.parametrize("token", [ID, WITH_LETTERS_ONLY])
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape not in {"tags", "entities"}])  # shown as they are
def test_no_typed_text_shows_others_the_id_in_any_shape(token: str, shape: str) -> None:
    for before, after in (("", ""), ("My order is ", ", please help"), ("é ", " 日本")):
        text = f"{before}{SHAPES[shape](token)}{after}"

        assert_without(token, hide_references(text, "[…]", token), hide_order(text, token, "[…]", addresses=False))


@given(
    st.from_regex(r"[A-Za-z0-9_-]{16,128}", fullmatch=True).filter(lambda token: len(letters(token)) >= SHORTEST_PART),
    st.sampled_from([shape for shape in SHAPES if shape not in {"tags", "entities"}]),
    st.text(max_size=40),
    st.text(max_size=40),
)
def test_any_id_is_hidden_in_any_shape_wherever_it_stands(token: str, shape: str, before: str, after: str) -> None:
    text = f"{before}{SHAPES[shape](token)}{after}"

    hidden = hide_order(text, token, "…")

    parts = {letters(token)[at : at + SHORTEST_PART] for at in range(len(letters(token)) - SHORTEST_PART + 1)}
    assert not [part for part in parts if part in letters(hidden) and part not in letters(before) + letters(after)]


@pytest.mark.parametrize(
    "text",
    [
        "https://files.example/download/abc?x=1",
        "files.example/download/abc",
        "ht\u200btps://files.exa\u200bmple/download/abc",
        "https\uff1a//files.example/download/abc",
        "https%3A%2F%2Ffiles.example%2Fdownload%2Fabc",
    ],
)
def test_a_link_is_hidden_in_any_shape(text: str) -> None:
    assert "abc" not in hide_order(f"see {text} there", "", "…")
    assert hide_order(f"see {text} there", "", "…").endswith(" there")


def test_everything_else_is_left_as_it_is() -> None:
    for text in ("My new book (2nd edition).pdf", "Größe ½ ™ 100% — 日本", "0c732eb6 is short", "50%\n- a\n- b", ""):
        assert hide_order(text, ID, "…") == text
    assert hide_order("see https://my-store.com/faq-1 there", ID, "…", addresses=False) == (
        "see https://my-store.com/faq-1 there"
    )
    assert hide_order(f"see https://my-store.com/account/orders/{ID}?key=1 there", ID, "…", addresses=False) == (
        "see … there"
    )
    assert hide_order(f"a {ID[:16]} {ID[16:]} b", ID, "…") == "a … b"


def test_an_id_with_hardly_a_letter_is_hidden_as_it_is_and_takes_no_words_away() -> None:
    assert hide_order("_________________a is mine, a b c", "_________________a", "…") == "… is mine, a b c"


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        *((1050, "1050"), ("#1050", "1050"), ("EU-1050", "EU-1050"), ("#FF-1001-M", "FF-1001-M")),
        ("2026/1050", "2026/1050"),
        *((None, ""), ("a.example/b", ""), ("x" * 21, ""), ("10\n50", "10 50"), ("<b>1</b>", ""), (f"#{ID}", "")),
    ],
)  # fmt: skip
def test_an_order_number_is_shown_only_if_it_is_short_plain_text(number: object, shown: str) -> None:
    assert plain_number(number) == shown


def test_a_number_that_is_the_id_is_left_out() -> None:
    token = "1234-5678-9012-3456"

    assert order_with(token, "order", "order_number", "x").order_number == "x"
    for number in (1234567890123456, "1234567890123456", "1234 5678 9012 3456"):
        raw: dict[str, Any] = {"order": {"order_number": number, "lines": [], "assets": []}}
        order = read_response(200, {}, json.dumps(raw).encode(), token=token)
        assert plain_number(order.order_number) == ""


def test_a_links_own_address_is_left_to_the_customer() -> None:
    raw: dict[str, Any] = {"order": {"assets": [{"data": {"url": f"https://files.example/{ID}/a"}, "limits": None}]}}

    (asset,) = read_response(200, {}, json.dumps(raw).encode(), token=ID).assets

    assert asset.data.url == f"https://files.example/{ID}/a"


@pytest.mark.parametrize("shape", [SHAPES["as it is"], encoded])
def test_what_stands_around_and_between_two_ids_stays(shape: Any) -> None:  # noqa: ANN401 - a function
    text = f"50 % of {shape(ID)}, then {shape(ID)} and 100 % more"

    assert hide_order(text, ID, "[…]") == "50 % of […], then […] and 100 % more"


def test_an_id_far_down_in_a_text_with_marks_is_found() -> None:
    assert hide_order("é" * 1000 + " " + ID, ID, "[…]") == "é" * 1000 + " […]"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        (f"my ID {ID} please", "my ID […] please"),
        (f"line one\nline two {ID}", "line one\nline two […]"),
        ("donaudampfschifffahrtsgesellschaft is a word", "donaudampfschifffahrtsgesellschaft is a word"),
        ("file 1234567890123456.zip", "file 1234567890123456.zip"),
    ],
)
def test_every_word_that_may_be_an_id_is_hidden_and_no_other(text: str, hidden: str) -> None:
    assert hide_references(text, "[…]") == hidden
