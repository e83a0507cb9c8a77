"""The leak guard's patterns: they catch the addresses that hold an order's ID, and nothing else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fileflare_bot.orders.leaks import LONGEST_PATTERN, MOST_PATTERNS, PATTERNS
from fileflare_bot.orders.reference import OrderReference, parse_reference

TOKEN = "0c732eb6fd9802a0821a9d29888baee8"
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_-"
TOKENS = st.text(LETTERS, min_size=24, max_size=64).filter(lambda text: not text.isdecimal())


def caught(text: str) -> bool:
    return any(re.search(pattern, text) for pattern in PATTERNS)


def test_the_patterns_keep_discords_limits_and_rusts_flavour() -> None:
    assert len(PATTERNS) <= MOST_PATTERNS
    for pattern in PATTERNS:
        assert len(pattern) <= LONGEST_PATTERN
        assert not re.search(r"\(\?[=!<]|\\\d", pattern), "Rust's regex knows neither looking around nor references"


@pytest.mark.parametrize(
    "text",
    [
        f"https://my-store.com/account/orders/{TOKEN}",
        f"<https://my-store.com/account/orders/{TOKEN}>",
        f"why does HTTPS://MY-STORE.COM/ACCOUNT/ORDERS/{TOKEN.upper()}?locale=de#x not work",
        f"my-store.com/de/account/orders/{TOKEN}/",
        f"https://my-store.com/12345678/orders/{TOKEN}/authenticate?key=abc",
        f"https://shop.my-store.co.uk:8443/en-gb/orders/{TOKEN}",
        f"https://links.example/?u=https%3A%2F%2Fmy-store.com%2Faccount%2Forders%2F{TOKEN}",
    ],
)
def test_order_links_are_caught_in_every_shape(text: str) -> None:
    assert caught(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://my-store.com/products/my-new-book-hard-back-2024",
        "https://my-store.com/products/orders/a-product-called-orders-2024",
        "https://my-store.com/collections/all?order=title-ascending-2024",
        "https://shopify.com/12345678/account/orders/6789012345",
        "https://my-store.com/invoices/0c732eb6fd9802a0821a9d29888baee8",
        "https://my-store.com/account/orders",
        "https://my-store.com/pages/how-to-find-your-account/orders/",
        "my order #1050 and 6789012345678901",
        TOKEN,
        "account/orders without an address",
    ],
)
def test_products_invoices_and_numbers_pass(text: str) -> None:
    assert not caught(text)


@given(TOKENS, st.sampled_from(["account", "12345678", "de/account", "en-gb/123"]), st.text(max_size=20))
def test_every_order_page_of_an_id_is_caught(token: str, path: str, before: str) -> None:
    assert caught(f"{before} https://my-store.com/{path}/orders/{token}")


@given(st.text(LETTERS + "/.?=", max_size=80))
def test_what_is_caught_in_an_address_of_a_store_is_nearly_always_an_order(rest: str) -> None:
    address = f"https://my-store.com/{rest}"
    if caught(address):
        assert "orders/" in address
    elif isinstance(parse_reference(address), OrderReference):
        token = parse_reference(address)
        assert isinstance(token, OrderReference)
        assert len(token.token) < 24  # a shorter ID than any that was seen
