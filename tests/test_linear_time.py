"""Twice the text takes at most about twice the time, whoever wrote it and whatever it is made of."""

import ast
import functools
import gc
import importlib
import itertools
import pkgutil
import re
import time
import types
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

import cogs
import fileflare_bot
from fileflare_bot.logs import hiding, redact_text
from fileflare_bot.orders.hiding import hide_order, hide_references
from fileflare_bot.orders.labels import file_name
from fileflare_bot.orders.reference import find_reference, gives_away, parse_reference
from fileflare_bot.text import clean, escape
from fileflare_bot.tickets.intake import hide_secrets

ROOT: Final = Path(__file__).parents[1]
RUNS: Final = 7
TRIES: Final = 3  # one of which must be in proportion: the machines that run this are shared
MOST_TIMES: Final = 3  # as long for twice the text; what takes the square of it takes four times as long
UNNOTICED: Final = 0.002  # seconds; less is noise, and harms nobody
SIZES: Final = (16, 1024, 2048, 4096, 8192)  # characters, up to twice as many as are read of a text
ALL_METHODS: Final = frozenset({"fullmatch", "search", "sub"})
UNITS: Final = (
    *"aZ1é-_./:@#?&=+!<([{`*|\"'\\ \t\n\r\x00\u200b\u2028\u0301…㎉ﷺ٣",
    *("a-", "a.", "a1", "A1B2-", "aa.", "a@", "@.", "…a", "1-", "a ", " \n", "\n-", ":1", "//", "/a", "ab://", "a/b "),
    *(
        "%41",
        "%2F",
        "&amp;",
        "&a=",
        "?id=",
        "<p>",
        "<!--",
        "<script>",
        "<title>",
        "[](",
        "```",
        "{a}",
        "http://",
        "https://a.b/",
        "a.b/",
        "#1",
        "N0.",
    ),
    *("e\u0301\u0327", "\u0301\u0327", "a\u200b", "abababababababab b.c/d "),
)
TAILS: Final = ("", "!", "@", "\n")


def methods_of(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield the names on which a method of a pattern is called, each with the method."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
            yield node.value.id if isinstance(node.value, ast.Name) else node.value.attr, node.attr


def used_at_once(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield the patterns that are given to a function of ``re`` itself, each with the function."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="re"), attr=method), args=[ast.Constant(value=str(text)), *_]
            ) if method != "compile":
                yield text, method


def patterns_in(value: object, seen: set[int], own: tuple[str, ...]) -> Iterator[re.Pattern[str]]:
    """Yield the patterns in a value of a module: a class, a function, an object or a collection of the project."""
    if id(value) in seen or isinstance(value, types.ModuleType):
        return
    seen.add(id(value))
    inner: list[object] = []
    match value:
        case re.Pattern(pattern=bytes(text)):  # of files, which are read as texts here
            yield re.compile(text.decode("latin-1"), value.flags)
        case re.Pattern():
            yield value
        case type() | types.FunctionType():
            if value.__module__.startswith(own):
                inner += (*vars(value).values(), *(getattr(value, "__defaults__", None) or ()))
                inner += (cell.cell_contents for cell in getattr(value, "__closure__", None) or ())
        case dict():
            inner += (*value.keys(), *value.values())
        case list() | tuple() | set() | frozenset():
            inner += value
        case _ if type(value).__module__.startswith(own):
            inner += getattr(value, "__dict__", {}).values()
    for each in inner:
        yield from patterns_in(each, seen, own)


def every_pattern() -> dict[str, tuple[re.Pattern[str], frozenset[str]]]:
    """Return every pattern of the project, by its place, with the methods that are called on it."""
    own = (fileflare_bot.__name__, cogs.__name__)
    names = [
        module.name
        for package in (fileflare_bot, cogs)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not module.name.endswith("__main__") and ".migrations." not in module.name
    ]
    trees = [ast.parse(path.read_text("utf-8")) for folder in own for path in (ROOT / folder).rglob("*.py")]
    called: dict[str, set[str]] = defaultdict(set)
    for name, method in itertools.chain.from_iterable(map(methods_of, trees)):
        called[name].add(method)
    found: dict[str, tuple[re.Pattern[str], frozenset[str]]] = {}
    seen: set[int] = set()
    for module in map(importlib.import_module, names):
        for name, value in vars(module).items():
            for number, pattern in enumerate(patterns_in(value, seen, own)):
                methods = ALL_METHODS & {{"findall": "sub", "finditer": "sub"}.get(each, each) for each in called[name]}
                place = f"{module.__name__}.{name}" + (f"[{number}]" if not isinstance(value, re.Pattern) else "")
                found[place] = (pattern, methods if isinstance(value, re.Pattern) and methods else ALL_METHODS)
    for text, _ in itertools.chain.from_iterable(map(used_at_once, trees)):
        found[f"re({text})"] = (re.compile(text), ALL_METHODS)
    return found


PATTERNS: Final = every_pattern()


def own_words(pattern: re.Pattern[str]) -> list[str]:
    """Return the literal beginnings and words of a pattern: what gets a text furthest into it."""
    words = re.findall(r"[\w:/@.#&=%-]+", re.sub(r"\\.|\(\?P?<\w+>|\{[\d,]*\}|\[[^\]]*\]", " ", pattern.pattern))
    return list(dict.fromkeys(words))[:6]


def texts_of(units: list[str], heads: list[str], tails: tuple[str, ...] = TAILS) -> Iterator[Callable[[int], str]]:
    for head, unit, tail in itertools.product(heads, units, tails):
        yield functools.partial(grown, head, unit, tail)


def grown(head: str, unit: str, tail: str, size: int) -> str:
    return head + (unit * (size // len(unit) + 1))[:size] + tail


def seconds(function: Callable[[str], object], text: str) -> float:
    """Return the time of one run, on this thread's own clock: the machine is shared."""
    started = time.thread_time()
    function(text)
    return time.thread_time() - started


def fastest(function: Callable[[str], object], *texts: str) -> list[float]:
    """Return the fastest of some runs for each text, in turn and without the garbage collector, as timeit measures."""
    collects = gc.isenabled()
    gc.disable()
    try:
        return [
            min(times)
            for times in zip(*([seconds(function, text) for text in texts] for _ in range(RUNS)), strict=True)
        ]
    finally:
        if collects:
            gc.enable()


def slow_text(function: Callable[[str], object], texts: Iterator[Callable[[int], str]]) -> str | None:
    """Return the beginning of a text that takes too long when it grows, with its times, or None."""
    for text in texts:
        before = 0.0
        for size in SIZES:  # growing, so that what takes the cube is noticed before it takes minutes
            now = seconds(function, text(size))
            if now > max(UNNOTICED, MOST_TIMES * before):
                for _ in range(TRIES):
                    once, twice = fastest(function, text(size // 2), text(size))
                    if twice <= max(UNNOTICED, MOST_TIMES * once):
                        break
                else:
                    return f"{text(60)!r}: {once * 1000:.1f} ms, twice the text {twice * 1000:.1f} ms"
            if now * (SIZES[-1] / size) ** 3 < UNNOTICED:  # not even the cube of it would be noticed
                break
            before = now
    return None


@pytest.mark.parametrize("place", PATTERNS)
def test_every_pattern_of_the_project_takes_time_in_proportion_to_the_text(place: str) -> None:
    pattern, methods = PATTERNS[place]
    words = own_words(pattern)
    ways: dict[str, Callable[[str], Any]] = {
        "fullmatch": pattern.fullmatch,
        "search": pattern.search,
        "sub": lambda text: pattern.sub("", text),
    }
    for method in sorted(methods):
        units = [*UNITS, *words, *(f"{word} " for word in words), *(f"{word}a" for word in words)]
        assert slow_text(ways[method], texts_of(units, ["", *words])) is None


FUNCTIONS: Final[dict[str, Callable[[str], object]]] = {
    "parse_reference": parse_reference,
    "find_reference": lambda text: find_reference([text, f"{text} x"]),
    "hide_references": lambda text: hide_references(text, "…"),
    "hide_order": lambda text: hide_order(text, "0c732eb6fd9802a0821a9d29888baee8", "…"),
    "hide_order(repetitive)": lambda text: hide_order(text, "a" * 16, "…"),
    "hide_order(in addresses)": lambda text: hide_order(text, "ab" * 8, "…", addresses=False),
    "hide_secrets": lambda text: hide_secrets(text, "0c732eb6fd9802a0821a9d29888baee8"),
    "gives_away": gives_away,
    "file_name": file_name,
    "clean": clean,
    "clean(lines)": lambda text: clean(text, lines=True),
    "escape": escape,
    "redact_text": redact_text,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_reads_texts_takes_time_in_proportion_to_them(name: str) -> None:
    with hiding("a" * 40, "a-" * 700, "0c732eb6fd9802a0821a9d29888baee8"):
        assert slow_text(FUNCTIONS[name], texts_of([*UNITS], ["", "a@", "https://a.b/?u="], TAILS[:2])) is None


def test_this_test_finds_the_patterns_wherever_they_stand() -> None:
    assert {
        "fileflare_bot.orders.reference._EMAIL",
        "fileflare_bot.logs._LIKE_A_TOKEN",
        "cogs.downloads._SAVED",
        r"re([,\s]+)",
    } <= PATTERNS.keys()
    assert sum("cogs.help.Help" in place for place in PATTERNS) >= 5  # the routes of buttons
    assert PATTERNS["fileflare_bot.orders.reference._EMAIL"][1] == {"fullmatch"}


@pytest.mark.parametrize("slow", [r"[^\s@]+@[^\s@]+\.[^\s@]+", r"(?=[a-z-]*[0-9])[a-z0-9-]{16,}", r"^(\s*)([-#+])"])
def test_this_test_notices_a_slow_pattern(slow: str) -> None:
    pattern = re.compile(slow, re.MULTILINE)

    assert slow_text(pattern.search, texts_of([*UNITS], [""])) is not None
