"""Hides an order's ID, in whatever shape it is written, and addresses in texts that others can read.

An ID can be written in the other case, split by spaces, dashes or lines, percent-encoded, or with marks and invisible
characters on and between its letters. So only letters and digits are compared, in their plain form. A text takes time
in proportion to its length.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from fileflare_bot.orders.reference import ADDRESS, LIKE_AN_ID, folded, is_plausible_id, replace_split_ids

SHORTEST_PART: Final = 12  # letters and digits of an ID that are hidden: fewer open nothing, and can be a word
FEWEST_LETTERS: Final = 8  # an ID with fewer of them is hidden only as it is
SORTED_AT_ONCE: Final = 256  # characters: NFKD sorts the marks on a letter one by one
_NO_LETTER: Final = re.compile(r"[\W_]+")
_ESCAPED: Final = re.compile(r"(?:%(?:25)*[0-9a-f]{2})+", re.IGNORECASE)  # %2541 is %41, encoded again
_ESCAPE: Final = re.compile(r"%(?:25)*([0-9a-f]{2})", re.IGNORECASE)
_INVISIBLE: Final = {"Cf", "Mn", "Mc", "Me"}

_Unit = tuple[str, int, int]  # a character in its plain form, and where what it stands for begins and ends


class Wanted:
    """An order ID, ready to be found in many texts; an empty ``token`` is no ID."""

    def __init__(self, token: str) -> None:
        self.token = token
        letters = _NO_LETTER.sub("", token).casefold()
        size = min(SHORTEST_PART, len(letters)) if len(letters) >= FEWEST_LETTERS else 0
        self.size = size
        self.parts = {letters[start : start + size] for start in range(len(letters) - size + 1)} if size else set()
        half = size // 2  # each part holds at least one of the halves that begin here
        self.halves = [letters[start : start + half] for start in range(0, len(letters) - half + 1, half or 1)]

    def may_be_in(self, letters: str) -> bool:
        """Return False if no part is in this run of letters and digits."""
        return bool(self.parts) and any(half in letters for half in self.halves)


def hide_order(text: str, order: str | Wanted, hidden: str, *, addresses: bool = True) -> str:
    """Return a text with ``hidden`` instead of every part of the order ID that tells something, and of every address.

    Without ``addresses``, only those are hidden that hold a part of the ID.
    """
    wanted = Wanted(order) if isinstance(order, str) else order
    parts = wanted.parts
    if not parts:
        text = text.replace(wanted.token, hidden) if wanted.token else text
    if _is_harmless(text, wanted, addresses=addresses):
        return text
    readings = [[*_plain(units)] for units in (_as_it_is(text), _decoded(text) if "%" in text else ())]
    secret = _merged(span for units in readings for span in _of_id(units, parts))
    in_secret = {at for span in secret for at in range(*span)}
    found = [span for units in readings for span in _addresses(units)]
    also = [span for span in found if addresses or not in_secret.isdisjoint(range(*span))]
    kept: list[str] = []
    position = 0
    for start, end in _merged([*secret, *also]):
        kept += [text[position:start], hidden]
        position = end
    return "".join([*kept, text[position:]])


def hide_references(text: str, hidden: str, token: str = "") -> str:
    """Return a text in its plain form, with ``hidden`` as by hide_order() and for every word that may be an order ID.

    A text that is too long ends with its last whole word: the first characters of an ID do not look like one.
    """
    text = replace_split_ids(folded(text, lines=True), lambda _pieces: hidden)
    text = hide_order(text, token, hidden)
    return LIKE_AN_ID.sub(lambda found: hidden if is_plausible_id(found[0]) else found[0], text)


def _is_harmless(text: str, wanted: Wanted, *, addresses: bool) -> bool:
    """Return True if a text needs no closer look, as nearly every text; this takes a fraction of the time."""
    if not addresses and len(text) < wanted.size and text.isascii():
        return True
    for reading in (text, _ESCAPED.sub(lambda run: _unescaped(run[0]), text)) if "%" in text else (text,):
        plain = reading if reading.isascii() else "".join(_normalised(reading))
        if (addresses and "/" in plain) or wanted.may_be_in(_NO_LETTER.sub("", plain.casefold())):
            return False
    return True


def _normalised(text: str) -> Iterator[str]:
    for start in range(0, len(text), SORTED_AT_ONCE):
        yield unicodedata.normalize("NFKD", text[start : start + SORTED_AT_ONCE])


def _unescaped(run: str) -> str:
    return bytes(int(pair, 16) for pair in _ESCAPE.findall(run)).decode(errors="replace")


def _as_it_is(text: str) -> Iterator[_Unit]:
    return ((character, at, at + 1) for at, character in enumerate(text))


def _decoded(text: str) -> Iterator[_Unit]:
    """Yield what a browser would read; all that a run of escapes stands for begins and ends with the run."""
    position = 0
    for run in _ESCAPED.finditer(text):
        yield from ((text[at], at, at + 1) for at in range(position, run.start()))
        yield from ((character, run.start(), run.end()) for character in _unescaped(run[0]))
        position = run.end()
    yield from ((text[at], at, at + 1) for at in range(position, len(text)))


def _plain(units: Iterable[_Unit]) -> Iterator[_Unit]:
    for character, start, end in units:
        if character.isascii():
            yield character, start, end
        else:
            for each in unicodedata.normalize("NFKD", character):
                if unicodedata.category(each) not in _INVISIBLE:
                    yield each, start, end


def _addresses(units: list[_Unit]) -> Iterator[tuple[int, int]]:
    for match in ADDRESS.finditer("".join(character for character, _, _ in units)):
        yield units[match.start()][1], units[match.end() - 1][2]


def _of_id(units: list[_Unit], parts: set[str]) -> Iterator[tuple[int, int]]:
    """Yield where the letters stand that make up a part of the ID."""
    letters = [
        (letter, start, end) for character, start, end in units for letter in character.casefold() if letter.isalnum()
    ]
    text, size = "".join(letter for letter, _, _ in letters), len(next(iter(parts), ""))
    for first in range(len(text) - size + 1 if size else 0):
        if text[first : first + size] in parts:
            yield letters[first][1], letters[first + size - 1][2]


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans in their order, one for those that touch."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged
