"""An asset's address → a link that is safe to show, or None."""

import re
import unicodedata
from typing import Final
from urllib.parse import quote, urlsplit

LONGEST_LINK: Final = 1500  # UTF-16 units; two of them and their names still fit one embed
_PLAIN_URL: Final = re.compile(
    r"https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[1-5]?\d{1,4})?(?:[/?#][\w\-.~:/?#@!$&+,;=%]*)?",
    re.IGNORECASE | re.ASCII,
)
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?", re.IGNORECASE | re.ASCII)
_UNRESERVED: Final = "%/?#:@!$&+,;=~"


def safe_link(url: str | None) -> str | None:
    """Return an http(s) URL that is safe in a masked link and a button, or None.

    Percent-encodes only parentheses and what a browser would encode anyway, so the address stays the same.
    Refuses other schemes, user names, hosts that are not plain ASCII, and over-long addresses.
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
            and parts.netloc.lower() == (parts.hostname or "") + (f":{parts.port}" if parts.port is not None else "")
            and _HOST.fullmatch(parts.hostname or "")
        )
    except ValueError:
        return None
    if not usable:
        return None
    quoted = quote(url.strip(), safe=_UNRESERVED)
    return quoted if len(quoted) <= LONGEST_LINK else None
