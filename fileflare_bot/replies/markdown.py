"""A store's texts and links, made safe to stand in a Discord message."""

import re
import unicodedata
from typing import Final
from urllib.parse import quote, urlsplit

LONGEST_LINK: Final = 1500  # UTF-16 units; two of them and their names still fit one embed

_ACTIVE: Final = re.compile(r"([\\*_~`|\[\]()<>:])")
_HARMLESS: Final = re.compile(r"[A-Za-z0-9 ]*")
_LINE_START: Final = re.compile(r"^(\s*)([-#+])", re.MULTILINE)
_MENTION: Final = re.compile(r"@(?=\S)")
_PLAIN_URL: Final = re.compile(
    r"https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[1-5]?\d{1,4})?(?:[/?#][\w\-.~:/?#@!$&+,;=%]*)?",
    re.IGNORECASE | re.ASCII,
)
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?", re.IGNORECASE | re.ASCII)
_UNRESERVED: Final = "%/?#:@!$&+,;=~"
_JOINERS: Final = "\u200c\u200d"  # Persian and Hindi need them, and so do many emoji


def clean(text: str | None, *, lines: bool = False) -> str:
    """Return the text without control and formatting characters; ``lines`` keeps line breaks.

    What has nothing to see comes back empty.
    """
    if not text:
        return ""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    kept = "".join(_kept(character, lines=lines) for character in text)
    if lines:
        kept = re.sub(r"\n{3,}", "\n\n", "\n".join(" ".join(line.split()) for line in kept.split("\n"))).strip()
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
    """Return the cleaned text so that no Markdown, mention, command, timestamp or address in it takes effect."""
    if _HARMLESS.fullmatch(text):
        return text
    text = _ACTIVE.sub(r"\\\1", text)
    text = _LINE_START.sub(r"\1\\\2", text)
    return _MENTION.sub("@\u200b", text)


def safe_link(url: str | None) -> str | None:
    """Return an http(s) URL spelled so that it can stand in a masked link and a button, or None.

    Only characters that a browser would encode anyway, and parentheses, are percent-encoded; the address stays
    the same. User names in it, other schemes, hosts that are not plain ASCII and over-long ones are refused.
    """
    if not url or len(url) > LONGEST_LINK:
        return None
    if _PLAIN_URL.fullmatch(url):
        return url
    if any(unicodedata.category(character)[0] == "C" for character in url):
        return None
    try:
        parts = urlsplit(url.strip())
        usable = (
            parts.scheme in {"http", "https"}
            and parts.netloc == (parts.hostname or "") + (f":{parts.port}" if parts.port is not None else "")
            and _HOST.fullmatch(parts.hostname or "")
        )
    except ValueError:
        return None
    if not usable:
        return None
    quoted = quote(url.strip(), safe=_UNRESERVED)
    return quoted if len(quoted) <= LONGEST_LINK else None
