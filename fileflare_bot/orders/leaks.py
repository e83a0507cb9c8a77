"""AutoMod patterns for what people post with an order's ID in it: addresses, commands, and the ID beside a word for it.

AutoMod takes at most 10 patterns of 260 characters (discord.com/developers/docs/resources/auto-moderation), in the
syntax of Rust's regex crate, which has no lookaround. These are written so that Python's ``re`` reads them alike.

An address of an order page gives the ID away whatever it looks like. Elsewhere a word as long may be anything, such as
a commit, a file's hash or a tracking number. There it needs a label such as "order ID" before it, or the documented
form of 32 hexadecimal characters and a word for an order nearby.
"""

from typing import Final

_UNSEEN: Final = r"[^ -~]*"  # zero-width characters and soft hyphens, which copying adds: all but printable ASCII
_SLASH: Final = r"(?:[/\\]|%(?:25)*2f)+"  # percent-encoded as a parameter of a mail program's redirect address
_ACCOUNT: Final = _UNSEEN.join("account") + _UNSEEN
_ORDERS: Final = _UNSEEN.join("orders") + _UNSEEN + _SLASH + _UNSEEN
# At least 24 characters, not all digits, spelled out by the position of the first non-digit, which may be unseen.
# Some shorter IDs match too; an order number does not, not even before the punctuation that ends a sentence.
_IN_ADDRESS: Final = r"(?:\d{0,11}[^\s!-,.-@][^\s!-$&-,./:-@]{11}|\d{12}[\d_-]*[a-z])"

# With letters and digits, from about 16 characters on
_AFTER_COMMAND: Final = r"(?:[a-z_-]{1,15}\d|\d{1,15}[a-z_-])[a-z\d_-]{12}"
_AFTER_LABEL: Final = r"(?:[a-z]{1,15}\d|\d{1,15}[a-z])[a-z\d]{12}"  # no hyphen: UUIDs, invoice numbers
_HEX: Final = rf"(?:[\da-f]{_UNSEEN}){{31}}[\da-f]\b"
_NOT_IN_ADDRESS: Final = r"[^\w/.=-]"  # before it: the addresses of pictures and products hold hashes
_COMMAND: Final = r"(?:my|meine)-?downloads"
# "in order to" is no such word: whoever explains checksums writes that.
_WORD: Final = rf"(?:(?:^|[^i]n\W|[^n]\W)(?:re)?order|purchase|bought|bestell|kauf|auftrag|{_COMMAND})"
_LABEL: Final = r"(?:order|bestell|bestellungs|auftrags)[\s_-]*(?:id|link|url|token)"
_IS: Final = r"[^\w/]+(?:(?:is|was|ist|war|lautet|here|hier)[^\w/]+){0,2}"

PATTERNS: Final = (
    # https://shop/account/orders/<ID> and https://shop/<shop-id>/orders/<ID>, with anything before, or nothing
    rf"(?i)(?:{_ACCOUNT}|\d){_SLASH}{_UNSEEN}{_ORDERS}{_IN_ADDRESS}",
    # https://shop/orders/<ID>, with a language before
    rf"(?i)\.[^\s!-,./:-@]{{2,}}(?:(?::|%3a)\d+)?{_SLASH}(?:[a-z]{{2}}(?:-[a-z]{{2,4}})?{_SLASH})?{_ORDERS}{_IN_ADDRESS}",
    # Fileflare's own address
    rf"(?i)customer-account-orders\S{{0,9}}\bid(?:=|%(?:25)*3d){_IN_ADDRESS}",
    # The commands that take an ID, sent as text
    rf"(?i)(?:{_COMMAND}|/check|/prüfen)(?::\d+>)?[^\w/]+(?:(?:order|bestell)-id[^\w/]+)?{_AFTER_COMMAND}",
    # An ID after its label, such as "my order ID is"
    rf"(?i){_LABEL}{_IS}{_AFTER_LABEL}",
    # An ID of the documented form after a word for an order, and before one
    rf"(?is){_WORD}.{{0,60}}?{_NOT_IN_ADDRESS}{_HEX}",
    rf"(?is)(?:^|{_NOT_IN_ADDRESS}){_HEX}.{{0,40}}?{_WORD}",
)
