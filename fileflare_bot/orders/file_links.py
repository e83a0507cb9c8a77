"""An asset's address → a link that is safe to show, or why there is none."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

from yarl import URL

LONGEST_LINK: Final = 3300  # UTF-16 units; one of them, its file's and its product's name still fit one embed
_HOST: Final = re.compile(r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?\.?", re.IGNORECASE | re.ASCII)
_PLAIN_ORIGIN: Final = re.compile(
    r"https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[1-5]?\d{1,4})?(?=[/?#]|\Z)", re.IGNORECASE | re.ASCII
)
_END_OF_ORIGIN: Final = re.compile(r"[/?#]")  # as urlsplit() has it
_SPACES: Final = frozenset("\u00a0\u1680\u202f\u205f\u3000\u2028\u2029") | {chr(code) for code in range(0x2000, 0x200B)}
_SAFE: Final = "%/?#:@!$&+,;=~"
_SAFE_BYTES: Final = bytes(byte for byte in range(128) if quote(chr(byte), safe=_SAFE) == chr(byte))


class LinkProblem(StrEnum):
    """Why a file has no link in the reply."""

    NONE_GIVEN = "none_given"
    TOO_LONG = "too_long"
    NO_WEB_ADDRESS = "no_web_address"
    USER_NAME = "user_name"
    UNREADABLE = "unreadable"
    LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True)
class Link:
    """An http(s) address that is safe in a masked link; ``size`` is its length when it is spelled."""

    origin: str = field(repr=False)
    rest: str = field(repr=False)
    size: int

    def spelled(self) -> str:
        """Return the address; only parentheses and what a browser would encode anyway are percent-encoded."""
        return self.origin + quote(self.rest, safe=_SAFE)


def read_link(url: str | None) -> Link | LinkProblem:
    """Return the link, which opens the same address as in a browser, or why there is none.

    ``//host/path`` is https, and a host outside ASCII is spelled in Punycode. Refused are other schemes, user names
    (which can pass for a host), control characters, and addresses that do not fit an embed.
    """
    url = (url or "").strip()
    if not url:
        return LinkProblem.NONE_GIVEN
    if len(url) > LONGEST_LINK:
        return LinkProblem.TOO_LONG
    if not url.isprintable() and any(not each.isprintable() and each not in _SPACES for each in set(url)):
        return LinkProblem.NO_WEB_ADDRESS
    plain = _PLAIN_ORIGIN.match(url)
    origin = plain[0] if plain else _origin(url)
    if isinstance(origin, LinkProblem):
        return origin
    rest = _after_origin(url)
    encoded = rest.encode()
    size = len(origin) + len(encoded) + 2 * len(encoded.translate(None, _SAFE_BYTES))
    return Link(origin, rest, size) if size <= LONGEST_LINK else LinkProblem.TOO_LONG


def _origin(url: str) -> str | LinkProblem:
    """Return scheme, host and port in ASCII, or why there are none."""
    try:
        parts = urlsplit(f"https:{url}" if url.startswith("//") else url)
        netloc = _netloc(parts)
    except ValueError:
        return LinkProblem.NO_WEB_ADDRESS
    if parts.scheme not in {"http", "https"}:
        return LinkProblem.NO_WEB_ADDRESS
    if netloc is None:
        return LinkProblem.USER_NAME if "@" in parts.netloc else LinkProblem.NO_WEB_ADDRESS
    return f"{url.partition('//')[0] or 'https:'}//{netloc}"


def _after_origin(url: str) -> str:
    after = url.partition("//")[2]
    end = _END_OF_ORIGIN.search(after)
    return after[end.start() :] if end else ""


def _netloc(parts: SplitResult) -> str | None:
    """Return host and port in ASCII, or None.

    Raises:
        ValueError: the port is no number, or the host cannot be spelled in Punycode.
    """
    host = parts.hostname or ""
    port = "" if parts.port is None else f":{parts.port}"
    if parts.netloc.lower() != host + port:
        return None
    if host.isascii():
        return parts.netloc if _HOST.fullmatch(host) else None
    punycode = URL.build(scheme="https", host=host).raw_host or ""
    return punycode + port if _HOST.fullmatch(punycode) else None
