"""Makes a store's texts safe in a Discord message."""

import re
import unicodedata
from typing import Final

LONGEST_TEXT: Final = 4096  # characters that are read of one text; the most an embed's description holds

_MARKUP: Final = re.compile(r"([\\*_~`|\[\]()<>:])")
_PLAIN: Final = re.compile(r"[A-Za-z0-9 ]*")
_LINE_START: Final = re.compile(r"^([^\S\n]*+)([-#+])", re.MULTILINE)
_EMPTY_LINES: Final = re.compile(r"\n{3,}+")
_MENTION: Final = re.compile(r"@(?=\S)")
_JOINERS: Final = "\u200c\u200d"  # Persian and Hindi need them, and so do many emoji


def well_formed(text: str) -> str:
    """Return the text with U+FFFD for each half of a surrogate pair, which is no UTF-8, and each NUL (PostgreSQL)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\0", "\ufffd")


def clean(text: str | None, *, lines: bool = False) -> str:
    """Return the text without control and formatting characters; ``lines`` keeps line breaks.

    Text with nothing visible comes back empty. What is longer than any message is cut: a store's texts have no limit.
    """
    if not text:
        return ""
    text = text[:LONGEST_TEXT]
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    kept = "".join(_kept(character, lines=lines) for character in text)
    if lines:
        kept = _EMPTY_LINES.sub("\n\n", "\n".join(" ".join(line.split()) for line in kept.split("\n"))).strip()
    else:
        kept = " ".join(kept.split())
    return kept if any(unicodedata.category(character)[0] not in "CZM" for character in kept) else ""


def _kept(character: str, *, lines: bool) -> str:
    if character in _JOINERS:
        return character
    if character == "\n" and lines:
        return character
    category = unicodedata.category(character)
    if category in {"Cc", "Zl", "Zp", "Zs"}:
        return " "
    return "" if category[0] == "C" else character


def escape(text: str) -> str:
    """Escape cleaned text so that no Markdown, mention, command, timestamp or address in it takes effect."""
    if _PLAIN.fullmatch(text):
        return text
    text = _MARKUP.sub(r"\\\1", text)
    text = _LINE_START.sub(r"\1\\\2", text)
    return _MENTION.sub("@\u200b", text)


def escapes(text: str) -> int:
    """Return the most characters that escape() adds to a text of one line, cleaned before or not."""
    return 0 if _PLAIN.fullmatch(text) else 1 + len(_MARKUP.findall(text)) + text.count("@")
