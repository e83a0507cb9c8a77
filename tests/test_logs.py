"""No secret reaches the log, whoever logs it and however."""

import logging

import pytest
import structlog
from desk import Log
from hypothesis import given
from hypothesis import strategies as st

from fileflare_bot.logs import HIDDEN, LONGEST_TEXT, configure_logging, hiding, redact, redact_text

ID = "0c732eb6fd9802a0821a9d29888baee8"
BOT_TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.Gh1jkl.abcdefghijklmnopqrstuvwxyz0123456789AB"
SECRET_TEXTS = (
    ID,
    f"id={ID}",
    f"https://app.digital-downloads.com/api/v2/customer-account-orders?id={ID}",
    f"https://my-store.com/account/orders/{ID}/authenticate?key=abc",
    f"('{ID}',)",
    f'{{"id": "{ID}"}}',
    f"token={BOT_TOKEN}",
    f"Bot {BOT_TOKEN}",
    "https://files.example/short",
    "postgresql://user:pw@db.example/shop",
    "GET /download/a?key=abc HTTP/1.1",
)
PARTS = (ID, BOT_TOKEN, BOT_TOKEN.split(".")[2], "/short", "key=abc", "user:pw", "/account/orders/")


@pytest.mark.parametrize("text", SECRET_TEXTS)
def test_secrets_are_hidden_wherever_they_stand(text: str) -> None:
    event = redact(
        None, "info", {"event": text, text: 1, "nested": {"a": [text, (text,), {text: text}]}, "object": OSError(text)}
    )

    written = repr(event)
    assert HIDDEN in written
    assert not [part for part in PARTS if part in written]


@given(st.from_regex(r"[A-Za-z0-9_-]{16,128}", fullmatch=True), st.text(max_size=30), st.text(max_size=30))
def test_any_order_id_is_hidden_while_its_lookup_runs(token: str, before: str, after: str) -> None:
    with hiding(token):
        assert token not in redact_text(f"{before}{token}{after}").replace(HIDDEN, "")


@given(
    st.from_regex(r"[A-Za-z0-9_-]*[0-9][A-Za-z0-9_-]*[A-Za-z][A-Za-z0-9_-]*", fullmatch=True).filter(
        lambda t: len(t) >= 16
    )
)
def test_any_order_id_with_a_digit_is_hidden_at_any_time(token: str) -> None:
    assert token not in redact_text(f"a lookup of {token} failed")


def test_pasting_the_logs_own_words_does_not_blank_them() -> None:
    with hiding("lookup", "found", "o", ""):
        assert redact(None, "info", {"event": "lookup", "outcome": "found"}) == {"event": "lookup", "outcome": "found"}


def test_what_helps_to_find_a_fault_stays_readable() -> None:
    kept = {"event": "lookup", "outcome": "not_found", "milliseconds": 12, "guild_id": 112233445566778899, "ok": True}

    assert redact(None, "info", dict(kept)) == kept
    for text in (
        "Shard ID None has connected to Gateway",
        "fileflare_bot.orders.reference.parse_reference",
        "2026-11-24T08:21:02.123456Z",
        "reference 1a2b3c4d",
        "snowflake 112233445566778899",
        "https://discord.com",
    ):
        assert redact_text(text) == text


def test_a_value_is_bounded() -> None:
    assert len(redact_text("x " * LONGEST_TEXT)) <= LONGEST_TEXT
    deep: object = "end"
    for _ in range(100):
        deep = [deep]
    assert len(repr(redact(None, "info", {"event": deep}))) < 1000


@pytest.mark.parametrize("style", ["console", "json"])
def test_tracebacks_and_other_libraries_logs_are_redacted_too(style: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("DEBUG", "json" if style == "json" else "console")
    try:
        int(f"https://files.example/{ID}")
    except ValueError:
        structlog.stdlib.get_logger("ours").exception("failed", pasted=ID)
        logging.getLogger("aiohttp.client").exception("failed for %s", ID)
        logging.getLogger("discord.http").warning("We are being rate limited. PATCH %s", f"https://discord.com/x/{ID}")
    logging.getLogger("py.warnings").warning("about %s", ID)
    written = capsys.readouterr().err
    assert written.count(HIDDEN) >= 6
    assert ID not in written
    assert "ValueError" in written


def test_discord_py_never_logs_payloads_even_at_debug(log: Log) -> None:
    logging.getLogger("discord.gateway").debug("WebSocket Event: %s", {"content": "what Casey typed"})
    logging.getLogger("discord.http").debug("has returned %s", "an embed with links")
    logging.getLogger("ours").debug("our own detail")

    assert [event["event"] for event in log.all()] == ["our own detail"]


@given(
    st.sampled_from(
        [
            ID,
            f"https://my-store.com/account/orders/{ID}",
            f"postgresql://user:{BOT_TOKEN}@db.example/shop",
            "postgresql://user:secret-word@db.example/shop",
            f"?token={BOT_TOKEN}",
            f"GET /?key={'x' * 700}1 HTTP/1.1",
        ]
    ),
    st.integers(0, 800),
)
def test_no_part_of_a_secret_is_left_where_a_text_is_cut(secret: str, before_the_cut: int) -> None:
    start = LONGEST_TEXT - before_the_cut
    written = redact_text(f"{'x ' * LONGEST_TEXT}"[:start] + f" {secret} {'y ' * 500}")

    assert len(written) <= LONGEST_TEXT + len(secret)
    assert {*written.replace(HIDDEN, "").split()} <= {
        *("x", "y", "GET", "HTTP/1.1", "/?key=", "?token="),
        *("https://my-store.com/", "postgresql://@db.example/"),
    }


def test_a_hidden_value_is_hidden_where_a_text_is_cut() -> None:
    pasted = "my mother's maiden name is not an order"
    for before_the_cut in range(1, len(pasted)):
        with hiding(pasted):
            written = redact_text("x " * (LONGEST_TEXT // 2 - 30) + "y" * (60 - before_the_cut) + pasted + " z" * 500)
        assert "m" not in written


def test_a_long_text_without_a_space_is_hidden_as_a_whole() -> None:
    assert redact_text("x" * LONGEST_TEXT) == "x" * LONGEST_TEXT
    assert redact_text("x" * (LONGEST_TEXT + 1)) == ""
