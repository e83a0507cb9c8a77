"""Whatever one damage does to the documented response, every file that it leaves whole keeps its link and count."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fileflare_bot.downloads.pages import OrderPages
from fileflare_bot.fileflare.errors import LookupFailed
from fileflare_bot.fileflare.responses import read_response
from fileflare_bot.i18n import Catalogs
from fileflare_bot.orders.models import Order, Remaining

EXAMPLES: Final = int(os.environ.get("DAMAGED_ANSWERS", "200"))
DOCUMENTED: Final = (Path(__file__).parent / "documented.json").read_text("utf-8")
ENGLISH: Final = Catalogs().translator("en")
TOKEN: Final = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+)')


@dataclass
class Node:
    """A value of the response: where it and its key stand, and what is in it."""

    start: int
    end: int = 0
    key: tuple[int, int] | None = None
    path: tuple[str | int, ...] = ()
    members: list["Node"] = field(default_factory=list)

    def walk(self) -> Iterator["Node"]:
        """Yield it and everything in it."""
        yield self
        for member in self.members:
            yield from member.walk()


@dataclass(frozen=True)
class File:
    """A file of the documented response, where it stands, and what its entry on the page must be."""

    path: tuple[str | int, ...]
    url: str
    left: str


@dataclass(frozen=True)
class Damage:
    """A damaged response: which files must still have their link, and which also their count."""

    body: bytes
    links: tuple[File, ...]
    counts: tuple[File, ...]


FILES: Final = (
    File(("order", "lines", 0, "assets", 0), "https://www.my-website.com/download/my-book.pdf", "5 of 10 left"),
    File(("order", "assets", 0), "https://www.my-website.com/download/my-book-part-2.pdf", "10 of 10 left"),
)


def parsed(text: str) -> Node:
    """Return the tree of a JSON text with the place of every value."""
    tokens = [(found[1], found.start(1), found.end(1)) for found in TOKEN.finditer(text)]
    position = 0

    def value(path: tuple[str | int, ...], key: tuple[int, int] | None) -> Node:
        nonlocal position
        token, start, end = tokens[position]
        position += 1
        node = Node(start, end, key, path)
        closing = {"{": "}", "[": "]"}.get(token)
        while closing is not None and tokens[position][0] != closing:
            name, of_name, member_key = tokens[position][0], tokens[position][1], None
            if closing == "}":
                member_key = (of_name, tokens[position + 1][2])
                position += 2
            step = json.loads(name) if closing == "}" else len(node.members)
            node.members.append(value((*path, step), member_key))
            position += tokens[position][0] == ","
        if closing is not None:
            node.end = tokens[position][2]
            position += 1
        return node

    return value((), None)


ROOT: Final = parsed(DOCUMENTED)
NODES: Final = {node.path: node for node in ROOT.walk()}


def holds(outer: tuple[str | int, ...], inner: tuple[str | int, ...]) -> bool:
    return inner[: len(outer)] == outer


def value_damaged(path: tuple[str | int, ...], written: str) -> Damage:
    """Replace a value. It takes only what is in it: a file without its name still has its link."""
    node = NODES[path]
    links = tuple(file for file in FILES if not holds(path, (*file.path, "data", "url")) and not holds(path, file.path))
    counts = tuple(
        file
        for file in links
        if not any(holds(path, (*file.path, "limits", count)) for count in ("downloaded", "limit"))
    )
    text = DOCUMENTED[: node.start] + written + DOCUMENTED[node.end :]
    return Damage(text.encode(errors="surrogatepass"), links, counts)


def bytes_damaged(start: int, end: int, instead: bytes) -> Damage:
    """Replace bytes. They take each file that they touch, and those below a key that they touch."""

    def touched(place: tuple[int, int] | None) -> bool:
        return place is not None and start < place[1] and max(end, start + 1) > place[0]

    lost = [node.path for node in NODES.values() if touched(node.key)]
    whole = tuple(
        file
        for file in FILES
        if not touched((NODES[file.path].start, NODES[file.path].end))
        and not any(holds(path, file.path) for path in lost)
    )
    raw = DOCUMENTED.encode()
    return Damage(raw[:start] + instead + raw[end:], whole, whole)


def as_php_sends_it(value: Any, first: int, step: int, only: tuple[str | int, ...] | None) -> Any:  # noqa: ANN401
    """Return a value with its lists as objects: all, or the one at the path."""

    def changed(value: Any, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - any JSON value
        if isinstance(value, dict):
            return {key: changed(member, (*path, key)) for key, member in value.items()}
        if isinstance(value, list):
            members = [changed(member, (*path, number)) for number, member in enumerate(value)]
            if only in {None, path}:
                return {str(first + number * step): member for number, member in enumerate(members)}
            return members
        return value

    return changed(value, ())


def otherwise_typed(value: Any, text: bool, null: bool) -> Any:  # noqa: ANN401, FBT001 - any JSON value; drawn
    """Return a value with its numbers as texts or floats, and perhaps its texts that no file needs as null."""
    if isinstance(value, dict):
        needed = {"url", "downloaded", "limit"}
        return {
            key: None if null and isinstance(member, str) and key not in needed else otherwise_typed(member, text, null)
            for key, member in value.items()
        }
    if isinstance(value, list):
        return [otherwise_typed(member, text, null) for member in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if text else float(value)
    return value


def whole(body: bytes) -> Damage:
    return Damage(body, FILES, FILES)


LOADED: Final = json.loads(DOCUMENTED)
LISTS: Final = [path for path, node in NODES.items() if DOCUMENTED[node.start] == "["]
TEXTS: Final = [path for path, node in NODES.items() if DOCUMENTED[node.start] == '"']
SIZE: Final = len(DOCUMENTED.encode())

texts = st.text(max_size=20) | st.sampled_from(["", "0", "many", "<b>", "&amp;", "https://x.example/", "\ud83d"])
numbers = st.integers() | st.floats() | st.sampled_from([0, -1, 10**400, 2.5])
anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(texts | st.sampled_from(["0", "1", "data", "assets", "lines", "order"]), inner, max_size=4)
    ),
    max_leaves=8,
)
written = (
    anything.map(json.dumps) | anything.map(lambda value: json.dumps(value, ensure_ascii=False)) | st.just("9" * 5000)
)
pieces = st.binary(min_size=1, max_size=8) | st.sampled_from(
    [
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b",",
        b":",
        b"\\",
        b"\n",
        b"\x00",
        b"\xff",
        b"0,",
        b"{}",
        b'{"',
        b"<br />\n<b>Notice</b>: x",
    ]
)
places = st.integers(0, SIZE - 1)


def with_half_a_pair(path: tuple[str | int, ...], half: str, offset: int) -> Damage:
    node = NODES[path]
    inside = DOCUMENTED[node.start + 1 : node.end - 1]
    offset = min(offset, len(inside))
    return value_damaged(path, f'"{inside[:offset]}{half}{inside[offset:]}"')


DAMAGES: Final[dict[str, st.SearchStrategy[Damage]]] = {
    "a value is replaced": st.builds(value_damaged, st.sampled_from(sorted(NODES, key=str)), written),
    "bytes are added": st.builds(lambda at, piece: bytes_damaged(at, at, piece), places, pieces),
    "bytes are cut": st.builds(
        lambda at, size: bytes_damaged(at, min(at + size, SIZE), b""), places, st.integers(1, 12)
    ),
    "bytes are changed": st.builds(
        lambda at, piece: bytes_damaged(at, min(at + len(piece), SIZE), piece), places, pieces
    ),
    "the rest is missing": st.builds(lambda at: bytes_damaged(at, SIZE, b""), places),
    "something stands before it": pieces.map(lambda piece: whole(piece + DOCUMENTED.encode())),
    "something stands behind it": pieces.map(lambda piece: whole(DOCUMENTED.encode() + piece)),
    "a byte order mark": st.sampled_from([b"\xef\xbb\xbf", b"\n\xef\xbb\xbf ", b"\r\n"]).map(
        lambda mark: whole(mark + DOCUMENTED.encode())
    ),
    "lists are objects": st.builds(
        lambda first, step, only: whole(json.dumps(as_php_sends_it(LOADED, first, step, only)).encode()),
        st.integers(0, 5),
        st.integers(1, 3),
        st.none() | st.sampled_from(LISTS),
    ),
    "types are changed": st.builds(
        lambda text, null: whole(json.dumps(otherwise_typed(LOADED, text, null)).encode()), st.booleans(), st.booleans()
    ),
    "half a surrogate pair": st.builds(
        with_half_a_pair,
        st.sampled_from(TEXTS),
        st.sampled_from(["\\ud83d", "\\uDE00", "\\ud83d\\ud83d", "\\ude00\\ud83d", "\ud83d"]),
        st.integers(0, 60),
    ),
}


def order_of(damage: Damage) -> Order | None:
    try:
        return read_response(200, {}, damage.body)
    except LookupFailed:
        return None


def keeps_what_is_whole(damage: Damage) -> None:
    order = order_of(damage)
    if order is None:
        assert not damage.links
        return
    pages = OrderPages(order)
    shown = "\n".join(pages.render(number, ENGLISH).description for number in range(1, len(pages) + 1))
    for file in damage.counts:
        assert re.search(rf"\]\({re.escape(file.url)}\)[^\n]* · {file.left}", shown)
    for file in damage.links:
        asset = next(asset for asset in order.all_assets() if asset.data.url == file.url)  # damage can make two of it
        assert f"]({file.url})" in shown or asset.limits.remaining is Remaining.NONE


def test_the_files_are_those_of_the_documented_response() -> None:
    assert [NODES[file.path].start > 0 for file in FILES] == [True, True]
    keeps_what_is_whole(whole(DOCUMENTED.encode()))


@pytest.mark.parametrize("kind", DAMAGES)
@settings(max_examples=-(-EXAMPLES // len(DAMAGES)), suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_file_that_the_damage_leaves_whole_is_shown_with_its_link_and_count(kind: str, data: st.DataObject) -> None:
    keeps_what_is_whole(data.draw(DAMAGES[kind]))
