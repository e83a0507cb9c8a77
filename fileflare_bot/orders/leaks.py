"""AutoMod patterns for the addresses of order pages that hold an order ID.

AutoMod takes at most 10 patterns of 260 characters (discord.com/developers/docs/resources/auto-moderation), in the
syntax of Rust's regex crate, which has no lookahead. So "16 characters or more, not all digits" is spelled out by the
position of the first non-digit; some shorter IDs match too, which is the safe side.
"""

from typing import Final

LONGEST_PATTERN: Final = 260  # characters
MOST_PATTERNS: Final = 10

_ID: Final = r"(?:\d{0,3}[a-z_-][a-z\d_-]{12}|\d{4,7}[a-z_-][a-z\d_-]{8}|\d{8,11}[a-z_-][a-z\d_-]{4}|\d{12,}[a-z_-])"
PATTERNS: Final = (
    # https://shop/account/orders/<ID> and https://shop/<shop-id>/orders/<ID>, with anything before
    rf"(?i)\.[a-z]{{2,}}(?::\d+)?/(?:[^\s]*/)?(?:account|\d+)/orders/{_ID}",
    # https://shop/orders/<ID>, with a language before
    rf"(?i)\.[a-z]{{2,}}(?::\d+)?/(?:[a-z]{{2}}(?:-[a-z]{{2,4}})?/)?orders/{_ID}",
    # the same as a parameter of a mail program's redirect address
    rf"(?i)(?:account|\d|\.[a-z]{{2,}})%2Forders%2F{_ID}",
)
