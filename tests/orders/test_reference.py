"""What people paste, and what it is taken for."""

import time
import unicodedata
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fileflare_bot.orders.hiding import hide_references
from fileflare_bot.orders.reference import (
    LONGEST_PASTE,
    OrderReference,
    ReferenceProblem,
    _read,
    find_reference,
    folded,
    gives_away,
    is_plausible_id,
    parse_reference,
)

ID = "0c732eb6fd9802a0821a9d29888baee8"
KEY = "k3y" * 230


def wrapped(address: str, times: int = 1) -> str:
    for _ in range(times):
        address = f"https://eur01.safelinks.protection.outlook.com/?url={quote(address, safe='')}&data=05&reserved=0"
    return address


@pytest.mark.parametrize(
    "pasted",
    [
        ID,
        f"  {ID}\n",
        f"`{ID}`",
        f"“{ID}”",
        f"<{ID}>",
        f"ID: {ID}.",
        f"order id {ID} please",
        f"\u200b{ID}\u202e",
        "".join(chr(ord(character) + 0xFEE0) for character in ID),  # full-width, as some keyboards write
        f"https://my-store.com/account/orders/{ID}",
        f"HTTPS://My-Store.com/account/orders/{ID}",
        f"http://my-store.com/account/orders/{ID}/",
        f"<https://my-store.com/account/orders/{ID}>",
        f"https://my-store.com/account/orders/{ID}?utm_source=mail&key=abcdefghij0123456789",
        f"https://my-store.com/account/orders/{ID}#downloads",
        f"https://my-store.com/de/account/orders/{ID}",
        f"https://my-store.com/pt-BR/account/orders/{ID}",
        f"https://my-store.com/12345678/orders/{ID}",
        f"https://my-store.com/12345678/orders/{ID}/authenticate?key={KEY}",
        f"https://my-store.com/en/12345678/orders/{ID}/authenticate?key={KEY}",
        f"https://account.my-store.com/orders/{ID}",
        f"https://my-store.myshopify.com:443/account/orders/{ID}",
        f"my-store.com/account/orders/{ID}",
        f"[my order](https://my-store.com/account/orders/{ID})",
        f"Hi! My order: https://my-store.com/account/orders/{ID}, thanks",
        f"https://my-store.com/products/x and https://my-store.com/account/orders/{ID}",
        f"https://my-store.com/account%2Forders/x https://my-store.com/account/orders/%30{ID[1:]}",
        f"https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fmy-store.com%2Faccount%2Forders%2F{ID}&data=05",
        f"https://www.google.com/url?q=https://my-store.com/account/orders/{ID}",
        wrapped(f"https://my-store.com/account/orders/{ID}", 2),
        wrapped(f"https://my-store.com/12345678/orders/{ID}/authenticate?key={KEY}", 3),
        f'"https://my-store.com/account/orders/{ID}"',
        f"‘https://my-store.com/account/orders/{ID}’",  # noqa: RUF001 - as phones write
        f"„https://my-store.com/account/orders/{ID}“",
        f"**https://my-store.com/account/orders/{ID}**",
        f"||https://my-store.com/account/orders/{ID}||",
        f"{ID[:9]}\u200b{ID[9:]}",
        f"\ufeffhttps://my-store.com/acc\u00adount/orders/{ID}\u200e",
        "".join(chr(ord(character) + 0xFEE0) for character in f"https://my-store.com/account/orders/{ID}"),
        f"bücher.example/account/orders/{ID}",
        f"https://bücher.example/account/orders/{ID}",
        f"é-books.example/account/orders/{ID}",
        f"order: my-store.com/account/orders/{ID}?a=b.",
        f"account.my-store.com/orders/{ID}?return_to=https://my-store.com/",
        f"#1050 {ID}",
        f"{ID} {ID}",
        f"{ID[:12]} {ID[12:]}",
        f"{ID[:16]}\n{ID[16:]}",
        f"{ID[:8]} {ID[8:16]} {ID[16:24]} {ID[24:]}",
        f"ID: {ID[:12]}\r\n  {ID[12:].upper()}.".lower(),
        f"my order: {ID[:20]} {ID[20:]}, thanks",
        f"https://my-store.com/account/orders/{ID[:12]} {ID[12:]}",
        f"<https://my-store.com/account/orders/{ID[:16]}\n{ID[16:]}>",
        f"https://my-store.com/12345678/orders/{ID[:12]} {ID[12:]}/authenticate?key={KEY}",
        f"https://my-store.com/account/orders/{ID[:8]} {ID[8:]}?utm_source=mail",
        f"{ID} or {ID[:8]} {ID[8:]}",
        f"https://[broken/ https://my-store.com/account/orders/{ID}",
    ],
)
def test_every_shape_of_an_id_or_an_order_address_gives_the_id(pasted: str) -> None:
    assert parse_reference(pasted) == OrderReference(ID)


@pytest.mark.parametrize(
    ("pasted", "problem"),
    [
        ("", ReferenceProblem.EMPTY),
        (" \n\u200b ", ReferenceProblem.EMPTY),
        ("1050", ReferenceProblem.ORDER_NUMBER),
        ("#1050", ReferenceProblem.ORDER_NUMBER),
        ("# 1050", ReferenceProblem.ORDER_NUMBER),
        ("Order #1050", ReferenceProblem.ORDER_NUMBER),
        ("#1050-A", ReferenceProblem.ORDER_NUMBER),
        ("(#1050).", ReferenceProblem.ORDER_NUMBER),
        ("１０５０", ReferenceProblem.ORDER_NUMBER),  # noqa: RUF001 - full-width
        ("Bestellung Nr. 1050", ReferenceProblem.ORDER_NUMBER),
        ("my order number is 1050!", ReferenceProblem.ORDER_NUMBER),
        ("1050-A", ReferenceProblem.ORDER_NUMBER),
        ("No. 1050", ReferenceProblem.ORDER_NUMBER),
        ("No.1050", ReferenceProblem.ORDER_NUMBER),
        ("№1050", ReferenceProblem.ORDER_NUMBER),
        ("order#1050", ReferenceProblem.ORDER_NUMBER),
        ("photo.mp4", ReferenceProblem.NOT_AN_ID),
        ("#SHOP1050", ReferenceProblem.ORDER_NUMBER),
        ("#EU-1050-A", ReferenceProblem.ORDER_NUMBER),
        ("1234567890123456", ReferenceProblem.ORDER_NUMBER),
        ("https://shopify.com/12345/account/orders/6789012345678", ReferenceProblem.NEW_ACCOUNTS_ADDRESS),
        ("https://account.my-store.com/orders/6789012345678?locale=de", ReferenceProblem.NEW_ACCOUNTS_ADDRESS),
        (wrapped("https://shopify.com/12345/account/orders/6789012345678"), ReferenceProblem.NEW_ACCOUNTS_ADDRESS),
        (
            "https://my-store.com/products/x https://shopify.com/12345/account/orders/6789012345678",
            ReferenceProblem.NEW_ACCOUNTS_ADDRESS,
        ),
        ("shopify.com/12345/account/orders/6789012345678/", ReferenceProblem.NEW_ACCOUNTS_ADDRESS),
        (wrapped("https://my-store.com/checkouts/cn/Z2NwLXVzLWVhc3QxOjAx"), ReferenceProblem.CHECKOUT_ADDRESS),
        ("https://my-store.com/checkouts/cn/Z2NwLXVzLWVhc3QxOjAx/thank-you", ReferenceProblem.CHECKOUT_ADDRESS),
        ("https://my-store.com/12345/checkouts/0123456789abcdef/thank_you", ReferenceProblem.CHECKOUT_ADDRESS),
        ("https://my-store.com/products/my-new-book-2024", ReferenceProblem.OTHER_ADDRESS),
        ("https://my-store.com/products/orders/a-book-that-is-called-orders-1", ReferenceProblem.OTHER_ADDRESS),
        ("https://admin.shopify.com/store/x/orders/6789012345678", ReferenceProblem.OTHER_ADDRESS),
        ("https://my-store.com/admin/orders/0123456789abcdef0", ReferenceProblem.OTHER_ADDRESS),
        ("https://my-store.com/account", ReferenceProblem.OTHER_ADDRESS),
        ("https://my-store.com/account/orders/short", ReferenceProblem.OTHER_ADDRESS),
        (f"https://admin.shopify.com/store/x/orders/{ID}", ReferenceProblem.OTHER_ADDRESS),
        (f"https://admin.shopify.com/store/my/orders/{ID}", ReferenceProblem.OTHER_ADDRESS),
        (f"https://my-store.com/admin/12345/orders/{ID}", ReferenceProblem.OTHER_ADDRESS),
        ("https://my-store.com/thank_you", ReferenceProblem.CHECKOUT_ADDRESS),
        ("https://my-store.com/thank-you", ReferenceProblem.CHECKOUT_ADDRESS),
        (" " * 4096 + ID, ReferenceProblem.EMPTY),  # Discord lets nobody paste as much
        (f"https://my-store.com/products/{ID}", ReferenceProblem.OTHER_ADDRESS),
        ("https://[", ReferenceProblem.OTHER_ADDRESS),
        (wrapped(f"https://[broken/account/orders/{ID}"), ReferenceProblem.OTHER_ADDRESS),
        (
            f"https://my-store.com/account/orders/short?key=https://x.example/orders/{ID}",
            ReferenceProblem.OTHER_ADDRESS,
        ),
        (f"https://my-store.com/12345/orders/authenticate?key=\n{ID}", ReferenceProblem.OTHER_ADDRESS),
        (f"key={ID}", ReferenceProblem.NOT_AN_ID),
        (f"key= {ID}", ReferenceProblem.NOT_AN_ID),
        (f"authenticate?KEY =\n{ID}", ReferenceProblem.NOT_AN_ID),
        ("<casey@example.com>,", ReferenceProblem.EMAIL_ADDRESS),
        ("mailto:casey.with-a-long-name-01@example.com", ReferenceProblem.EMAIL_ADDRESS),
        ("casey@example.com", ReferenceProblem.EMAIL_ADDRESS),
        ("my mail is casey@example.com", ReferenceProblem.EMAIL_ADDRESS),
        ("ABCD-1234-EFGH-5678", ReferenceProblem.LICENCE_KEY),
        ("KEY: A1B2C-D3E4F-G5H6I-J7K8L", ReferenceProblem.LICENCE_KEY),
        ("where are my files?", ReferenceProblem.NOT_AN_ID),
        ("internationalization is long", ReferenceProblem.NOT_AN_ID),
        (f"{ID} or {ID[::-1]}", ReferenceProblem.NOT_AN_ID),
        (f"{ID[:8]} {ID[8:]} or {ID[::-1]}", ReferenceProblem.NOT_AN_ID),
        (f"{ID[:8]} {ID[8:14]} {ID[14:22]} {ID[22:31]}", ReferenceProblem.NOT_AN_ID),  # 31 characters
        (f"{ID[:8]}-{ID[8:14]} {ID[14:22]} {ID[22:]}", ReferenceProblem.NOT_AN_ID),
        ("1234 5678 1234 5678 1234 5678 1234 5678", ReferenceProblem.ORDER_NUMBER),
        (f"https://my-store.com/products/{ID[:8]} {ID[8:]}", ReferenceProblem.OTHER_ADDRESS),
        ("a" * 14 + "1", ReferenceProblem.CUT_OFF),
        ("0c732eb6fd98…", ReferenceProblem.CUT_OFF),
        ("82664d96-6dfd", ReferenceProblem.CUT_OFF),
        ("https://my-store.com/account/orders/0c732eb6", ReferenceProblem.CUT_OFF),
        ("<https://my-store.com/account/orders/0c732eb6fd98…>", ReferenceProblem.CUT_OFF),
        ("0c732", ReferenceProblem.NOT_AN_ID),
        ("decade", ReferenceProblem.NOT_AN_ID),
        ("my order 0c732eb6fd98", ReferenceProblem.NOT_AN_ID),
        ("a" * 128 + "1", ReferenceProblem.NOT_AN_ID),
        ("0c732eb6fd9802a0821a9d29888baéé8", ReferenceProblem.NOT_AN_ID),
    ],
)
def test_everything_else_is_named_for_what_it_is(pasted: str, problem: ReferenceProblem) -> None:
    assert parse_reference(pasted) is problem


@pytest.mark.parametrize(("length", "plausible"), [(15, False), (16, True), (128, True), (129, False)])
def test_an_id_has_16_to_128_characters(length: int, plausible: bool) -> None:  # noqa: FBT001 - a table's column
    token = "a" * (length - 1) + "1"

    assert is_plausible_id(token) is plausible
    assert isinstance(parse_reference(token), OrderReference) is plausible


@given(st.text(max_size=300) | st.from_regex(r"(https?://)?[a-z./#?&=%@-]{0,40}orders/.{0,40}"))
def test_whatever_is_pasted_only_a_plausible_id_that_stood_there_comes_out(pasted: str) -> None:
    result = parse_reference(pasted)

    if isinstance(result, OrderReference):
        assert is_plausible_id(result.token)
        plain = "".join(c for c in unicodedata.normalize("NFKC", pasted) if unicodedata.category(c) != "Cf")
        assert result.token in "".join(unquote(unquote(plain)).split())


@given(
    st.lists(
        st.sampled_from(
            [
                ID,
                ID[:12],
                ID[12:],
                ID[:16],
                ID[16:],
                ID[::-1],
                "1050",
                "key=",
                "or",
                "\n",
                "-",
                "https://my-store.com/1/",
                *("orders/", "/", "my-store.com/account/orders/", "?a=", "A1B2-C3D4-E5F6"),
            ]
        )
        | st.from_regex(r"[0-9a-f]{1,20}", fullmatch=True),
        max_size=8,
    ),
    st.sampled_from(["", " "]),
)
def test_what_is_an_order_in_one_piece_stays_that_order(parts: list[str], between: str) -> None:
    text = between.join(parts)
    before, now = _read(folded(text)), parse_reference(text)

    if isinstance(before, OrderReference) and before != now:  # it was a piece of what is now read as a whole
        assert before.cut_to is not None
        assert isinstance(now, OrderReference)
        assert now.token in "".join(folded(text).split())
        assert len(now.token) == 32
        assert before.token in now.token


def test_among_several_texts_an_id_in_one_piece_comes_first() -> None:
    split = f"{ID[:16]} {ID[16:]}"

    assert find_reference(["x", split, f"ID: {ID[::-1]}"]) == OrderReference(ID[::-1])
    assert find_reference(["x", split, "#1050"]) == OrderReference(ID)


def test_an_id_with_blanks_is_hidden_and_given_away_like_one_in_one_piece() -> None:
    for whole in (ID, f"https://my-store.com/1/orders/{ID}/authenticate?key=k3y"):
        for at, size in ((12, 20), (16, 16), (8, 8)):
            begin, end = whole.split(ID)[0], whole.split(ID)[1]
            pieces = [ID[:at], *(ID[start : start + size] for start in range(at, 32, size))]
            for blank in (" ", "\n", "\u00a0 "):
                text = f"Hi {begin}{blank.join(pieces)}{end} please"
                assert hide_references(text, "…") == "Hi … please"
                assert gives_away(text)
    for before, after in (("my order 1001\n", ""), ("The ID ", " a friend sent"), ("add be ", " 1050 dead")):
        text = f"{before}{ID[:8]} {ID[8:16]} {ID[16:24]} {ID[24:]}{after}"
        assert hide_references(text, "…") == f"{before}…{after}"
        assert gives_away(text)
        assert parse_reference(text) == OrderReference(ID)
    assert not gives_away("1234 5678 1234 5678 1234 5678 1234 5678, and 0c732eb6 fd9802a0")


@given(st.text(alphabet="h tps:/[]?&=%@#.a0-\uff03\uff1aé", max_size=80))
def test_no_wrapped_address_however_broken_raises(inner: str) -> None:
    for pasted in (inner, f"https://{inner}", wrapped(f"https://{inner}"), f"x.example/?u=https://{inner}"):
        assert isinstance(parse_reference(pasted), OrderReference | ReferenceProblem)


@given(st.from_regex(r"[A-Za-z0-9_-]{16,128}", fullmatch=True).filter(is_plausible_id))
def test_any_plausible_id_comes_back_as_it_is_bare_and_from_its_address(token: str) -> None:
    for address in (
        f"https://my-store.com/account/orders/{token}/authenticate?key=x",
        f"my-store.com/12345678/orders/{token}",
        wrapped(f"https://my-store.com/de/account/orders/{token}#x"),
    ):
        assert parse_reference(address) == OrderReference(token)
    assert parse_reference(token) in (OrderReference(token), ReferenceProblem.LICENCE_KEY)
    assert parse_reference(token.lower()) == OrderReference(token.lower())


@given(st.from_regex(r"[A-Za-z0-9]{20,60}", fullmatch=True))
def test_a_key_is_never_taken_for_the_id(key: str) -> None:
    for address in (
        f"https://my-store.com/1/orders/{ID}/authenticate?key={key}",
        f"https://my-store.com/account?key={key}",
        f"https://my-store.com/1/orders/authenticate?key={key}",
    ):
        assert parse_reference(address) in (OrderReference(ID), ReferenceProblem.OTHER_ADDRESS)


@given(
    st.sampled_from(["", "?", "&", "authenticate?", "x y ", "https://my-store.com/1/orders/authenticate?"]),
    st.from_regex(r"[kK][eE][yY] {0,2}=[ \n:,;]{0,3}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9_-]{16,60}", fullmatch=True),
)
def test_a_key_that_lost_its_address_or_was_wrapped_is_still_a_key(before: str, name: str, key: str) -> None:
    assert isinstance(parse_reference(before + name + key), ReferenceProblem)


@given(st.from_regex(r"[0-9A-Fa-f]{16,128}", fullmatch=True).filter(is_plausible_id))
def test_every_spelling_of_a_hexadecimal_id_has_the_same_likeliest_form(token: str) -> None:
    forms = OrderReference(token).forms

    assert forms[0] == OrderReference(token.lower())
    assert forms[-1] == OrderReference(token)
    assert len(forms) == (1 if token == token.lower() else 2)


@given(st.from_regex(r"[A-Za-z0-9_-]{15,127}[g-zG-Z_-]", fullmatch=True))
def test_an_id_that_is_not_hexadecimal_has_one_form(token: str) -> None:
    assert OrderReference(token).forms == (OrderReference(token),)


@pytest.mark.parametrize(
    "pasted",
    [
        ID.upper(),
        f"ID: {ID.upper()}.",
        f"HTTPS://MY-STORE.COM/ACCOUNT/ORDERS/{ID.upper()}",
        f"https://my-store.com/12345678/orders/{ID.capitalize()}/authenticate?key={KEY}",
        f"https://my-store.com/account/orders/{ID.title()}",
    ],
)
def test_an_id_in_capitals_is_read_bare_and_from_its_address(pasted: str) -> None:
    reference = parse_reference(pasted)

    assert isinstance(reference, OrderReference)
    assert reference.forms[0] == OrderReference(ID)


def test_a_references_repr_hides_the_id() -> None:
    assert ID not in repr(parse_reference(ID))
    assert ID not in f"{parse_reference(ID)}"
    assert ID not in repr(OrderReference(ID.upper()).forms)


@pytest.mark.parametrize(
    "nasty",
    [
        "a." * 2000,
        "a-" * 2000,
        "https://" * 500,
        "#" * 4000,
        "@" * 4000,
        "A1B2-" * 800,
        "orders/" * 570,
        "a@" * 2000,
        "https://x/" + "orders/" * 500,
        "\u200b" * 4000,
        "1" * 4000,
        "a" * 100000,
        "-" * 4000,
        "-ﬃ" * 2000,
        "ﷺ" * 4000,
        "x.example/?u=https://" * 190,
        "https://x/?" + "&u=https://x/" * 300,
        "key" + " " * 3996,
        "key = " * 666,
        "N0." * 1333,
        "A#1-" * 1000,
        "㎉" * 4000,
        "a@" + "…" * 4000 + "@",
        "a" + "\u0301\u0327" * 2000,
        "a-" * 100_000,
    ],
)
def test_no_text_takes_long_to_read(nasty: str) -> None:
    started = time.process_time()

    parse_reference(nasty)
    find_reference([nasty, f"x {nasty}"])
    hide_references(nasty, "…")

    assert time.process_time() - started < 0.5


@pytest.mark.parametrize("filling", ["x ", "㎉ ", "\u200b", "ﷺ", "\n"])
def test_no_part_of_an_id_or_an_address_is_left_where_a_customers_words_are_cut(filling: str) -> None:
    for secret in (ID, f"https://my-store.com/account/orders/{ID}"):
        for size in range(LONGEST_PASTE - len(secret) - 2, LONGEST_PASTE + 2):
            long = (filling * LONGEST_PASTE)[: size // len(unicodedata.normalize("NFKC", filling)) * len(filling)]
            left = hide_references(f"{long} {secret} {ID}", "…")
            assert len(left) <= LONGEST_PASTE
            assert not [part for part in ("0c7", "my-", "ttp") if part in left]


def test_words_keep_their_accents() -> None:
    assert hide_references("Zoe\u0301 pays 5 \u20ac", "…") == "Zoé pays 5 €"
    assert hide_references("e" + "\u0301" * 5000 + "!", "…") == ""  # a pile that is cut
    assert hide_references("e" + "\u0327" * 40 + "!", "…") == "ȩ" + "\u0327" * 29 + "!"
