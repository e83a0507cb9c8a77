"""What a client sends as a number or as one of a few words. A forged one is refused like a button nobody knows."""

from enum import StrEnum
from typing import Final, TypeVar

from fileflare_bot.interactions.routing import ListExpired

LARGEST: Final = 2**63 - 1  # of a column, and of Discord's IDs

E = TypeVar("E", bound=StrEnum)


def number(text: str) -> int:
    """Return the number, which is not negative.

    Raises:
        ListExpired: the text is none, or none that a database holds.
    """
    if text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST)) and int(text) <= LARGEST:
        return int(text)
    raise ListExpired


def member(kind: type[E], text: str) -> E:
    """Return the member of an enumeration.

    Raises:
        ListExpired: it has no such member.
    """
    try:
        return kind(text)
    except ValueError:
        raise ListExpired from None
