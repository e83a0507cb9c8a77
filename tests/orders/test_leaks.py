"""The leak guard's patterns: they catch what gives an order away, and let ordinary messages pass."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orders.leak_samples import CAUGHT, ID, PASSING

from fileflare_bot.i18n import LOCALES, Catalogs
from fileflare_bot.orders.leaks import PATTERNS
from fileflare_bot.orders.reference import OrderReference, parse_reference

LONGEST_PATTERN: Final = 260  # characters: discord.com/developers/docs/resources/auto-moderation
MOST_PATTERNS: Final = 10
RIPGREP: Final = shutil.which("rg") or ""  # it searches with Rust's regex crate, as AutoMod does
LANGUAGES: Final = ["en", *(folder.name for folder in LOCALES.iterdir() if folder.is_dir())]
LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789_-"
IDS: Final = st.text(LETTERS, min_size=24, max_size=64).filter(lambda text: not set(text) <= {*"0123456789_-"})

needs_ripgrep = pytest.mark.skipif(not RIPGREP, reason="ripgrep is not installed (apt-get install ripgrep)")


def caught(text: str) -> bool:
    return any(re.search(pattern, text) for pattern in PATTERNS)


def ripgrep(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Search with what Rust's regex crate allows by itself, and read each file as it is."""
    limits = ("--regex-size-limit=10M", "--dfa-size-limit=2M")
    plain = ("--no-config", "--no-ignore", "--text", "--encoding=none", "--multiline")
    return subprocess.run(  # noqa: S603 - the patterns are the project's own
        [RIPGREP, *limits, *plain, *arguments], capture_output=True, encoding="utf-8", timeout=60, check=False
    )


def test_the_patterns_keep_discords_limits_and_rusts_flavour() -> None:
    assert len(PATTERNS) <= MOST_PATTERNS
    for pattern in PATTERNS:
        assert len(pattern) <= LONGEST_PATTERN
        assert not re.search(r"\(\?[=!<]|\\\d", pattern), "Rust's regex knows neither looking around nor references"


@pytest.mark.parametrize("text", CAUGHT)
def test_what_gives_an_order_away_is_caught(text: str) -> None:
    assert caught(text)


@pytest.mark.parametrize("text", PASSING)
def test_ordinary_messages_pass(text: str) -> None:
    assert not caught(text)


@needs_ripgrep
@pytest.mark.parametrize("pattern", PATTERNS)
def test_rust_compiles_every_pattern(pattern: str, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()

    assert ripgrep("--regexp", pattern, str(tmp_path)).stderr == ""


@needs_ripgrep
def test_rust_catches_the_same_and_lets_the_same_pass(tmp_path: Path) -> None:
    texts = [*CAUGHT, *PASSING]
    for number, text in enumerate(texts):
        (tmp_path / str(number)).write_text(text, encoding="utf-8", newline="")

    matching = [
        text
        for pattern in PATTERNS
        for path in ripgrep("--files-with-matches", "--regexp", pattern, str(tmp_path)).stdout.splitlines()
        for text in [texts[int(Path(path).name)]]
    ]

    assert {*matching} == {*CAUGHT}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("command", ["mydownloads", "check"])
def test_a_command_that_is_sent_as_text_is_caught_in_every_language(command: str, language: str) -> None:
    name, option = map(Catalogs().translator(language).gettext, (command, "order-id"))

    for given_id in (ID, ID[:20], "aB3-dE5_fG7-hJ9_kL1-"):
        assert caught(f"/{name} {given_id}")
        assert caught(f"/{name} {option}:{given_id}")
        assert caught(f"</{name}:1187654321098765432> {given_id}")


@given(IDS, st.sampled_from(["account", "12345678", "de/account", "en-gb/123"]), st.text(max_size=20))
def test_every_order_page_of_an_id_is_caught(token: str, path: str, before: str) -> None:
    assert caught(f"{before} https://my-store.com/{path}/orders/{token}")


@given(st.text(LETTERS + "/.?=", max_size=80))
def test_what_is_caught_in_an_address_of_a_store_is_nearly_always_an_order(rest: str) -> None:
    address = f"https://my-store.com/{rest}"
    if caught(address):
        assert "orders/" in address
    elif isinstance(parse_reference(address), OrderReference):
        token = parse_reference(address)
        assert isinstance(token, OrderReference)
        assert len(token.token) < 24 or not re.search("[a-z]", token.token)  # unlike any that was seen
