"""Finds the line of a value in a JSON text, in whatever layout, for people who have to correct it."""

import json
import re
from collections.abc import Iterator
from typing import Final

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_DECODER: Final = json.JSONDecoder(parse_int=str)  # a number may have any length


def line_of(text: str, path: tuple[str | int, ...]) -> int | None:
    """Return in which line of a valid JSON text the value at this path begins, with its name; None if it is not there.

    Of a name that is there twice the last counts, as for pydantic.
    """
    begin = value = _skip(text, 0)
    try:
        for wanted in path:
            places = [(at, inner) for name, at, inner in _inside(text, value) if name == wanted]
            if not places:
                return None
            begin, value = places[-1]
    except (ValueError, IndexError, RecursionError):  # Python's parser may differ from pydantic's
        return None
    return text.count("\n", 0, begin) + 1


def _inside(text: str, start: int) -> Iterator[tuple[str | int, int, int]]:
    """Yield each part of an object or a list: its name or index, where that begins, and where its value begins."""
    if text[start] not in "{[":
        return
    at, index = _skip(text, start + 1), 0
    while text[at] not in "}]":
        name: str | int = index
        value = at
        if text[start] == "{":
            name, end = _DECODER.raw_decode(text, at)
            value = _skip(text, _skip(text, end) + 1)  # after the colon
        yield name, at, value
        _, end = _DECODER.raw_decode(text, value)
        at, index = _skip(text, end), index + 1
        if text[at] == ",":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None  # noqa: S101 - the pattern matches nothing, too
    return match.end()
