"""Pasted text → an order reference, or the reason why it holds none.

An order ID is a bearer secret, so this module is strict in one direction only: text that is not a plausible ID
never becomes a reference, so it is never sent anywhere. A pasted address is parsed, never opened.

A text is cut before anything reads it, and every pattern takes time in proportion to it: anybody can paste anything.
"""

import re
import string
import unicodedata
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

LONGEST_PASTE = 4096  # characters; the most an embed's description holds, and more than a text input or a message
_MOST_WRAPPERS = 3  # nested redirect addresses
_MOST_MARKS = 30  # on one letter, as in unicode.org/reports/tr15's Stream-Safe Format: NFKC sorts them one by one

# Fileflare's documented sample is 32 hexadecimal characters, but it promises no format.
_PLAUSIBLE_ID = re.compile(r"(?=[0-9]{0,127}[A-Za-z_-])[A-Za-z0-9_-]{16,128}", re.ASCII)
# In other text: a whole word, and it needs a digit.
LIKE_AN_ID = re.compile(r"(?<![A-Za-z0-9_-])(?=[A-Za-z_-]*+[0-9])[A-Za-z0-9_-]{16,}+", re.ASCII)
# In other text, with no address around it: a path of an order page, or the documented form of an ID by itself.
_PATH = re.compile(r"account/++orders/++(?=[0-9]{0,127}[A-Za-z_-])[A-Za-z0-9_-]{16}", re.IGNORECASE | re.ASCII)
_DOCUMENTED_ID = re.compile(r"(?<![\w/.=-])[0-9A-Fa-f]{32}(?!\w)", re.ASCII)
_DOCUMENTED_SIZE = 32  # characters
# Whole words of hexadecimal characters, side by side: an ID that somebody typed in groups, or a mail client has wrapped
_HEXADECIMAL_WORDS = re.compile(r"(?<![\w-])[0-9A-Fa-f]++(?:\s++[0-9A-Fa-f]++(?![\w-]))++", re.ASCII)
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]+", re.ASCII)
# The beginning of an ID, with a digit and a letter. In an address it can be of an ID of any kind.
_CUT_OFF = re.compile(r"(?=[a-f-]*[0-9])(?=[0-9-]*[a-f])[0-9a-f-]{6,15}", re.IGNORECASE | re.ASCII)
_CUT_OFF_IN_ADDRESS = re.compile(r"(?=[A-Za-z_-]*[0-9])(?=[0-9]*[A-Za-z_-])[A-Za-z0-9_-]{2,15}", re.ASCII)
_LICENCE_KEY = re.compile(r"[A-Z0-9]{4,8}(-[A-Z0-9]{4,8}){2,}", re.ASCII)
_ORDER_NUMBER = re.compile(
    r"[A-Z]{0,12}#[A-Z]{0,12}-?\d{1,20}(?:-?[A-Z0-9]{1,6})?|(?:N[or]\.?)?\d{1,40}(?:-[A-Z]{1,3})?",
    re.IGNORECASE | re.ASCII,
)
_EMAIL = re.compile(r"[^\s@<>]++@[^\s@<>][^\s@<>.]*+\.[^\s@<>]++")
ADDRESS = re.compile(r"https?://[^\s<>\"'`|]+|(?<![\w@.-])[\w-]+(?:\.[\w-]+)+(?::\d+)?/[^\s<>\"'`|]+", re.IGNORECASE)
_LOCALE_PREFIX = re.compile(r"[a-z]{2}(-[a-z]{2,4})?", re.IGNORECASE | re.ASCII)
_SPACED_KEY = re.compile(r"\bkey\s*=[\s:,;]*", re.IGNORECASE)
_BETWEEN_WORDS = re.compile(r"[\s:,;]+")
_WRAPPING = " \t\r\n<>()[]{}\"'`“”‘’„«»*.,;:!?|"  # noqa: RUF001 - typographic quotes are what phones write


class ReferenceProblem(StrEnum):
    """Why a pasted text holds no order reference."""

    EMPTY = "empty"
    ORDER_NUMBER = "order_number"
    NEW_ACCOUNTS_ADDRESS = "new_accounts_address"
    CHECKOUT_ADDRESS = "checkout_address"
    OTHER_ADDRESS = "other_address"
    EMAIL_ADDRESS = "email_address"
    LICENCE_KEY = "licence_key"
    CUT_OFF = "cut_off"
    NOT_AN_ID = "not_an_id"


@dataclass(frozen=True, slots=True)
class OrderReference:
    """An order ID. It is a bearer secret, so its repr hides it."""

    token: str = field(repr=False)

    @property
    def forms(self) -> tuple["OrderReference", ...]:
        """The IDs that this may stand for, the likeliest first.

        Fileflare's IDs are hexadecimal in small letters, and capitals are another spelling of the same number. In an ID
        of another kind a capital is another character: to try both would be two guesses.
        """
        small = self.token.lower()
        if small == self.token or not _HEXADECIMAL.fullmatch(self.token):
            return (self,)
        return OrderReference(small), self

    @property
    def cut_to(self) -> int | None:
        """How many characters it has, if it may be the beginning of an ID of the documented form; else None."""
        size = len(self.token)
        return size if size < _DOCUMENTED_SIZE and _HEXADECIMAL.fullmatch(self.token) else None


def parse_reference(text: str) -> OrderReference | ReferenceProblem:
    """Return the reference in a pasted text, or the reason why it holds none.

    Understands a bare ID and the addresses of Shopify's order status pages (from Fileflare's and Shopify's help),
    alone or inside other text, and an ID of the documented form with blanks in it; drops a ``key`` in an address.
    """
    if is_plausible_id(text) and not _LICENCE_KEY.fullmatch(text):
        return OrderReference(text)  # the common case; the code below would return the same
    return _parse(folded(text))


def _parse(text: str) -> OrderReference | ReferenceProblem:
    """Return the reading of a text, or that of its ID in one piece if the text alone gives none, or a piece of it."""
    reading = _read(text)
    for pieces in map(str.split, split_ids(text)):
        if isinstance(reading, ReferenceProblem) or reading.token in pieces:
            whole = _read(replace_split_ids(text, "".join))
            return whole if whole == OrderReference("".join(pieces)) else reading
    return reading


def split_ids(text: str) -> list[str]:
    """Return the places where words of hexadecimal characters make up an ID of the documented form."""
    return [run[start:end] for run in _HEXADECIMAL_WORDS.findall(text) for start, end in _split_ids_in(run)]


def replace_split_ids(text: str, by: Callable[[list[str]], str]) -> str:
    """Return a text with what ``by`` makes of the words of each such place."""

    def replaced(found: re.Match[str]) -> str:
        run, kept, position = found[0], list[str](), 0
        for start, end in _split_ids_in(run):
            kept += [run[position:start], by(run[start:end].split())]
            position = end
        return "".join([*kept, run[position:]])

    return _HEXADECIMAL_WORDS.sub(replaced, text)


def _split_ids_in(run: str) -> Iterator[tuple[int, int]]:
    """Yield where two or more words side by side have the size of an ID together, whatever is beside them."""
    words: deque[re.Match[str]] = deque()
    size = 0
    for word in _HEXADECIMAL.finditer(run):
        words.append(word)
        size += len(word[0])
        while size > _DOCUMENTED_SIZE:
            size -= len(words.popleft()[0])
        if size == _DOCUMENTED_SIZE and len(words) > 1 and is_plausible_id("".join(each[0] for each in words)):
            yield words[0].start(), word.end()
            words.clear()
            size = 0


def _read(text: str) -> OrderReference | ReferenceProblem:
    if is_plausible_id(text) and not _LICENCE_KEY.fullmatch(text):
        return OrderReference(text)
    found = _first_reference([_from_address(address) for address in ADDRESS.findall(text)])
    text = _SPACED_KEY.sub("key=", text)  # a key cut off from its address is still a key
    return found or _from_words(
        [word for word in (word.strip(_WRAPPING) for word in _BETWEEN_WORDS.split(text)) if word]
    )


def find_reference(texts: Iterable[str]) -> OrderReference | ReferenceProblem:
    """Return the reference in any of a message's texts, or the reason why none holds one.

    Addresses come first. A single long word without a digit is rather a name or a title than an order ID.
    """
    texts = [text for text in map(folded, texts) if text.strip()]
    if len(texts) == 1:
        return _parse(texts[0])
    texts_to_read = [
        text
        for text in sorted(texts, key=lambda text: ADDRESS.search(text) is None)
        if not is_plausible_id(text) or any(character.isdigit() for character in text)
    ]
    in_one_piece = [text for text in texts_to_read if isinstance(_read(text), OrderReference)]
    readings = [_parse(text) for text in in_one_piece or texts_to_read]
    vague = {ReferenceProblem.OTHER_ADDRESS, ReferenceProblem.NOT_AN_ID, ReferenceProblem.EMPTY}
    found = [reading for reading in readings if isinstance(reading, OrderReference)]
    specific = [reading for reading in readings if reading not in vague]
    return next(iter(found or specific or readings), ReferenceProblem.NOT_AN_ID if texts else ReferenceProblem.EMPTY)


def gives_away(text: str) -> bool:
    """Return whether a text to somebody holds an order link, or an order ID of the documented form.

    A word that is only as long as an ID may be a file's name or a tracking number.
    """
    text = folded(text)
    if split_ids(text) or _PATH.search(text) or _DOCUMENTED_ID.search(text):
        return True
    return any(isinstance(_from_address(address), OrderReference) for address in ADDRESS.findall(text))


def is_plausible_id(text: str) -> bool:
    """Return whether a text could be an order ID: 16 to 128 of ``[A-Za-z0-9_-]``, not all digits."""
    return _PLAUSIBLE_ID.fullmatch(text) is not None


def folded(text: str, *, lines: bool = False) -> str:
    """Return at most LONGEST_PASTE characters in their plain form (NFKC), without invisible ones.

    ``lines`` keeps line breaks, and drops a word that was cut in two.
    """
    kept = text[:LONGEST_PASTE]
    if lines:
        kept = "\n".join(kept.splitlines())
    plain = unicodedata.normalize("NFKC", "".join(_without_piles_of_marks(kept)))
    folded = "".join(
        " " if unicodedata.category(character) == "Cc" and character != "\n" else character
        for character in plain[:LONGEST_PASTE]  # one character can become 18
        if unicodedata.category(character) != "Cf"
    )
    if not lines:
        return folded.replace("\n", " ")
    is_cut = len(text) > LONGEST_PASTE or len(plain) > LONGEST_PASTE
    return folded[: 1 + max(map(folded.rfind, string.whitespace))] if is_cut else folded


def _without_piles_of_marks(text: str) -> Iterator[str]:
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MOST_MARKS:
            yield character


def _first_reference(readings: list[OrderReference | ReferenceProblem]) -> OrderReference | ReferenceProblem | None:
    references = [reading for reading in readings if isinstance(reading, OrderReference)]
    specific = [reading for reading in readings if reading is not ReferenceProblem.OTHER_ADDRESS]
    return next(iter(references or specific or readings), None)


def _from_address(address: str, wrappers: int = 0) -> OrderReference | ReferenceProblem:
    try:
        parts = urlsplit(address if address.lower().startswith(("http://", "https://")) else f"https://{address}")
    except ValueError:
        return ReferenceProblem.OTHER_ADDRESS
    readings = [_from_path(parts)]
    # Mail programs wrap links in their own redirect address, with the real one as a parameter.
    if wrappers < _MOST_WRAPPERS:
        readings += [
            _from_address(value, wrappers + 1)
            for name, value in parse_qsl(parts.query)
            if name.lower() != "key" and ADDRESS.fullmatch(value)
        ]
    return _first_reference(readings) or ReferenceProblem.OTHER_ADDRESS


def _from_path(parts: SplitResult) -> OrderReference | ReferenceProblem:
    segments = [unquote(segment).strip(_WRAPPING) for segment in parts.path.split("/") if segment]
    names = [segment.lower() for segment in segments]
    if "admin" in names or parts.netloc.lower().startswith("admin."):
        return ReferenceProblem.OTHER_ADDRESS
    if any(name in {"checkouts", "checkout", "thank_you", "thank-you"} for name in names):
        return ReferenceProblem.CHECKOUT_ADDRESS
    for index, name in enumerate(names[:-1]):
        if name == "orders" and _may_hold_orders(names[index - 1] if index else None):
            candidate = segments[index + 1]
            if is_plausible_id(candidate):
                return OrderReference(candidate)
            if candidate.isdecimal():
                return ReferenceProblem.NEW_ACCOUNTS_ADDRESS
            if _CUT_OFF_IN_ADDRESS.fullmatch(candidate):
                return ReferenceProblem.CUT_OFF
    return ReferenceProblem.OTHER_ADDRESS


def _may_hold_orders(parent: str | None) -> bool:
    """Tell a store's order pages (/account/orders, /<shop-id>/orders) from a product called "orders"."""
    return parent is None or parent == "account" or parent.isdecimal() or bool(_LOCALE_PREFIX.fullmatch(parent))


def _from_words(words: list[str]) -> OrderReference | ReferenceProblem:
    if not words:
        return ReferenceProblem.EMPTY
    candidates = {word for word in words if is_plausible_id(word) and not _LICENCE_KEY.fullmatch(word)}
    if len(words) > 1:  # inside a sentence a long word is more likely than an ID without a digit
        candidates = {word for word in candidates if any(character.isdigit() for character in word)}
    if len(candidates) == 1:
        return OrderReference(candidates.pop())
    return _problem_of(words)


def _problem_of(words: list[str]) -> ReferenceProblem:
    if any(_LICENCE_KEY.fullmatch(word) for word in words):
        return ReferenceProblem.LICENCE_KEY
    if any(_EMAIL.fullmatch(word) for word in words):
        return ReferenceProblem.EMAIL_ADDRESS
    if any(_ORDER_NUMBER.fullmatch(word) for word in words):
        return ReferenceProblem.ORDER_NUMBER
    is_cut_off = len(words) == 1 and _CUT_OFF.fullmatch(words[0])
    return ReferenceProblem.CUT_OFF if is_cut_off else ReferenceProblem.NOT_AN_ID
