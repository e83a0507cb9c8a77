"""Status, headers and body → an order or an error."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from fileflare_bot.fileflare import errors
from fileflare_bot.fileflare.errors import LookupFailed
from fileflare_bot.fileflare.responses import LONGEST_PAUSE, read_response

NOW = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
DOCUMENTED = (Path(__file__).parents[1] / "downloads" / "documented.json").read_bytes()


def failure(status: int, body: bytes = b"{}", **headers: str) -> LookupFailed:
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    with pytest.raises(LookupFailed) as caught:
        read_response(status, named, body, now=NOW)
    return caught.value


def test_the_documented_response_is_read_to_its_last_field() -> None:
    order = read_response(200, {}, DOCUMENTED)

    assert order.order_number == 1050
    assert (order.text.title, order.text.text) == ("Download files for your orders", None)
    paper, hard = order.lines
    assert (paper.product.name, paper.product.variant_name) == ("My new Book", "Paper back")
    assert (paper.product.sku, paper.product.vendor) == ("my-sku", "my-store")
    assert (paper.product.product_id, paper.product.variant_id) == ("123456", "1234567")
    assert paper.product.tags == ("books", "paper-books")
    assert hard.assets == ()
    book, part_2 = order.all_assets()
    assert book.data.id == "82664d96-6dfd-4343-96b0-05c46f412a5b"
    assert (book.data.filename, book.data.size, book.data.is_link) == ("My new book", "10MB", True)
    assert book.data.url == "https://www.my-website.com/download/my-book.pdf"
    assert (book.limits.downloaded, book.limits.limit) == (5, 10)
    assert part_2.data.url == "https://www.my-website.com/download/my-book-part-2.pdf"
    assert (part_2.limits.downloaded, part_2.limits.limit) == (0, 10)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.OrderNotFound),
        (404, errors.OrderNotFound),
        (410, errors.OrderNotFound),
        (422, errors.OrderNotFound),
        (408, errors.FileflareTimeout),
        (504, errors.FileflareTimeout),
        (429, errors.FileflareBusy),
        (500, errors.FileflareDown),
        (502, errors.FileflareDown),
        (503, errors.FileflareDown),
        (520, errors.FileflareDown),
        (201, errors.UnexpectedResponse),
        (204, errors.UnexpectedResponse),
        (301, errors.UnexpectedResponse),
        (402, errors.UnexpectedResponse),
        (418, errors.UnexpectedResponse),
    ],
)
def test_each_status_has_its_meaning(status: int, kind: type[LookupFailed]) -> None:
    error = failure(status, DOCUMENTED)

    assert type(error) is kind
    assert not [piece for piece in ("1050", "my-", "New", "82664d96", "Download files") if piece in f"{error!r}{error}"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_firewalls_page_is_not_taken_for_not_found(status: int) -> None:
    assert type(failure(status, content_type="application/json; charset=utf-8")) is errors.OrderNotFound
    assert type(failure(status, b"<html>", content_type="text/html")) is errors.UnexpectedResponse
    assert type(failure(status, b"")) is errors.UnexpectedResponse


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        (" 90 ", 90),
        ("999999", LONGEST_PAUSE),
        ("Mon, 04 May 2026 12:01:30 GMT", 90),
        ("Mon, 04 May 2026 12:01:30 -0000", 90),
        ("Mon, 04 May 2026 11:00:00 GMT", 0),
        ("Mon, 04 May 2099 11:00:00 GMT", LONGEST_PAUSE),
        ("-5", None),
        ("soon", None),
        ("1e9", None),
        ("", None),
        ("²", None),
        ("9" * 5000, LONGEST_PAUSE),
        ("Mon, 31 Feb 2026 12:01:30 GMT", None),
        ("Mon, 04 May 99999999999 12:01:30 GMT", None),
        ("Mon, 04 May 2026 12:01:30 +99999999999999999", None),
        ("Mon, 04 May 2026 12:01:30 +9999", None),
    ],
)
def test_both_forms_of_retry_after_are_read_and_bounded(retry_after: str, seconds: float | None) -> None:
    error = failure(429, retry_after=retry_after)

    assert isinstance(error, errors.FileflareBusy)
    assert error.retry_after == seconds


@given(st.text() | st.from_regex(r"(Mon, )?\d{1,3} May \d{1,25} \d{1,3}:\d{1,25} ([+-]\d{1,25}|GMT)?", fullmatch=True))
def test_no_retry_after_however_garbled_is_more_than_a_bounded_pause(retry_after: str) -> None:
    error = failure(429, retry_after=retry_after)

    assert isinstance(error, errors.FileflareBusy)
    assert error.retry_after is None or 0 <= error.retry_after <= LONGEST_PAUSE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"<html>",
        b"[]",
        b'"order"',
        b"null",
        b"{}",
        b'{"order": "secret"}',
        b'{"order": {"lines": "secret"}}',
        b'<html><script>{"data": {"url": "https://secret.example/"}, "assets": [{"data": {}}]}</script></html>',
        b'{"title": "secret"',
        b"\xef\xbb\xbf",
        b'{"order": {"assets": "secret"}}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"order": ' + b"1" * 10_000 + b"}",
    ],
)
def test_a_body_that_is_no_order_is_an_unexpected_response_and_is_not_quoted(body: bytes) -> None:
    error = failure(200, body)

    assert type(error) is errors.UnexpectedResponse
    assert "secret" not in str(error)
    assert len(str(error)) < 200


def test_a_null_order_is_no_order() -> None:
    assert type(failure(200, b'{"order": null}')) is errors.OrderNotFound


@pytest.mark.parametrize("text", [b"null", b'"x"', b"[]", b'{"title": null}', b'{"title": 7, "text": {}}'])
def test_garbled_store_texts_do_not_lose_the_order(text: bytes) -> None:
    order = read_response(200, {}, b'{"order": {"order_number": 7}, "text": ' + text + b"}")

    assert order.order_number == 7
    assert order.text.text is None


FILE = b'{"limits": {"downloaded": 1, "limit": 3}, "data": {"filename": "a.zip", "url": "https://x.example/a"}}'


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + DOCUMENTED,
        b"\r\n\r\n" + DOCUMENTED,
        b"<br />\n<b>Notice</b>: Undefined index in <b>x.php</b><br />\n" + DOCUMENTED,
        DOCUMENTED + b"\n<!-- cached -->",
        DOCUMENTED.replace(b"My new Book", b"My\x01new\tBook"),
        DOCUMENTED.replace(b"123456,", b"1" * 5000 + b","),
        DOCUMENTED.replace(b"10MB", b"10\xffMB"),
    ],
)
def test_what_is_no_strict_json_is_read_whole(body: bytes) -> None:
    order = read_response(200, {}, body)

    assert [asset.data.filename for asset in order.all_assets()] == ["My new book", "My new book - part 2"]
    assert (order.order_number, order.text.title) == (1050, "Download files for your orders")
    assert not order.incomplete


@pytest.mark.parametrize("half", [b"\\ud83d", b"\\uDE00"])
def test_half_a_surrogate_pair_becomes_the_replacement_character(half: bytes) -> None:
    order = read_response(200, {}, DOCUMENTED.replace(b'My new book"', b"My new book \\ud83d\\ude00" + half + b'"'))

    assert [asset.data.filename for asset in order.all_assets()] == ["My new book 😀\ufffd", "My new book - part 2"]


def test_of_a_response_that_breaks_off_what_came_is_read_and_said_to_be_less() -> None:
    order = read_response(200, {}, b'{"order": {"lines": [{"product": {"name": "P"}, "assets": [' + FILE + b", {")

    assert [asset.data.filename for asset in order.all_assets()] == ["a.zip"]
    assert order.incomplete


def test_a_brace_too_many_loses_no_file() -> None:
    order = read_response(200, {}, b'{"order": {"order_number": 7}, "lines": [{"assets": [' + FILE + b"]}]}}")

    assert (order.order_number, order.asset_count) == (7, 1)


def test_a_lost_brace_loses_no_file() -> None:
    order = read_response(200, {}, b'{"order": "lines": [{"assets": [' + FILE + b']}], "assets": [' + FILE + b"]}}")

    assert order.asset_count == 2


def test_a_response_of_more_values_than_are_read_keeps_what_came_first() -> None:
    many = b",".join([b'{"a": 1}'] * 200_000)

    order = read_response(200, {}, b'{"order": {"assets": [' + FILE + b'], "new": [' + many + b"]}}")

    assert order.asset_count == 1
    assert order.incomplete


def test_an_empty_list_in_place_of_an_object_is_an_empty_object() -> None:
    order = read_response(200, {}, b'{"order": [], "text": []}')

    assert (order.asset_count, order.text.title) == (0, None)
