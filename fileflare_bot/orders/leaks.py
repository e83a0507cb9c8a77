"""Patterns for Discord's AutoMod that catch the addresses of order pages, in the shapes that hold an order's ID.

AutoMod takes at most 10 of at most 260 characters, in the flavour of Rust's regex crate, which knows no looking
ahead. So "16 characters or more, not all digits" is spelled out by where the first character stands that is no
digit; some shorter words at such an address are caught too, which is on the safe side.
"""

from typing import Final

LONGEST_PATTERN: Final = 260
MOST_PATTERNS: Final = 10

_ID: Final = r"(?:\d{0,3}[a-z_-][a-z\d_-]{12}|\d{4,7}[a-z_-][a-z\d_-]{8}|\d{8,11}[a-z_-][a-z\d_-]{4}|\d{12,}[a-z_-])"
PATTERNS: Final = (
    # https://shop/account/orders/<ID> and https://shop/<shop-id>/orders/<ID>, with anything before
    rf"(?i)\.[a-z]{{2,}}(?::\d+)?/(?:[^\s]*/)?(?:account|\d+)/orders/{_ID}",
    # https://shop/orders/<ID>, with a language before
    rf"(?i)\.[a-z]{{2,}}(?::\d+)?/(?:[a-z]{{2}}(?:-[a-z]{{2,4}})?/)?orders/{_ID}",
    # the same as a parameter of a mail program's address
    rf"(?i)(?:account|\d|\.[a-z]{{2,}})%2Forders%2F{_ID}",
)
