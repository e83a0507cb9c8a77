"""A store's names and texts, perhaps written for a web page → plain text. HTML stays only where it is none."""

import html
import re
from typing import Final

from fileflare_bot.text import clean

# A comment, a script or a style that is not closed runs to the end, in a browser too.
_DROPPED: Final = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style)\b[^<>]*>.*?(?:</\1\s*>|\Z)|<title\b[^<>]*>[^<]*</title\s*>",
    re.IGNORECASE | re.DOTALL,
)
_LINES: Final = (
    "address|article|aside|blockquote|body|br|center|dd|div|dl|dt|fieldset|figcaption|figure|footer|form|h[1-6]|head|"
    "header|hr|html|li|main|nav|ol|p|pre|section|table|tbody|tfoot|thead|tr|ul"
)
_WORDS: Final = (
    "a|abbr|b|bdi|bdo|big|button|cite|code|del|dfn|em|font|i|iframe|img|ins|kbd|label|link|mark|meta|q|s|samp|small|"
    "span|strike|strong|sub|sup|td|th|time|tt|u|var|wbr"
)
_TAG: Final = re.compile(rf"<(/?)({_LINES}|{_WORDS})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_ANY_TAG: Final = re.compile(r"<[^<>]*>")
_LINE: Final = re.compile(_LINES, re.IGNORECASE)
_END: Final = re.compile(r"</([a-z])\s*>", re.IGNORECASE)
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});", re.IGNORECASE)
_BREAK: Final = "\v"  # where a tag begins or ends a line; no text keeps one


def plain_name(text: str | None) -> str:
    """Return a name in one line, without tags, with entities decoded once, and cleaned."""
    return clean(_without_html(text or ""))


def plain_text(text: str | None) -> str:
    """Return a text with its line breaks, without tags, with entities decoded once, and cleaned."""
    return clean(_without_html(text or ""), lines=True)


def without_any_tag(text: str) -> str:
    """Return a text without anything that may be a tag: what stood on both sides of one stands together."""
    return html.unescape(_ANY_TAG.sub("", _DROPPED.sub("", text)))


def _without_html(text: str) -> str:
    """Remove HTML's tags; ``Vector<T>``, ``List<Label>`` and ``Set<A>`` stay: that has no T, no Label, no endless A."""
    if "<" in text:
        text = _DROPPED.sub("", text)
        ended = {end[1].lower() for end in _END.finditer(text)}
        text = _TAG.sub(lambda tag: _in_place_of(tag, ended), text)
        if _BREAK in text:
            text = "\n".join(line for line in (part.strip() for part in text.split(_BREAK)) if line)
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text) if "&" in text else text


def _in_place_of(tag: re.Match[str], ended: set[str]) -> str:
    end, name = tag[1], tag[2]
    if not (name.islower() or name.isupper()) or (len(name) == 1 and name != "p" and name.lower() not in ended):
        return tag[0]
    name = name.lower()
    if _LINE.fullmatch(name):
        return f"{_BREAK}• " if name == "li" and not end else _BREAK
    return " " if name in {"td", "th"} else ""
