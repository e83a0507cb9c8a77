"""No secret reaches the log, whoever logs it and however."""

import asyncio
import gc
import json
import logging
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import discord
import pytest
import structlog
from desk import Log
from hypothesis import given
from hypothesis import strategies as st

from fileflare_bot.logs import HIDDEN, LONGEST_TEXT, _traceback, configure_logging, hiding, redact, redact_text

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
SAID = "where are my files, says Zelda"  # looks like no secret
ROOT = Path(__file__).parents[1]
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
    assert written.count(HIDDEN) >= 4
    assert ID not in written
    assert "ValueError" in written


def value_error(text: str = SAID) -> ValueError:
    error = ValueError(text)
    error.add_note(text)
    return error


def rejected() -> discord.HTTPException:
    """Return Discord's 400, which repeats what was sent, even as a key."""
    detail = {"code": "BASE_TYPE", "message": f"“{SAID}” is wrong"}
    errors = {"data": {"components": {"0": {"value": {"_errors": [detail]}}}, SAID: {"_errors": [detail]}}}
    response = SimpleNamespace(status=400, reason="Bad Request")
    return discord.HTTPException(cast("Any", response), {"code": 50035, "message": SAID, "errors": errors})


def raised_from(cause: Exception) -> None:
    """Raise an error with causes, in all of which is what was typed, and in the locals, too."""
    typed = SAID
    cause.__context__ = KeyError(typed)
    raise RuntimeError(typed) from ExceptionGroup(typed, [cause, ExceptionGroup(typed, [value_error()])])


@pytest.mark.parametrize("style", ["console", "json"])
@pytest.mark.parametrize(
    "name", ["fileflare_bot.interactions.responder", "discord.client", "asyncio", "aiohttp.server"]
)
def test_no_exception_says_anything_in_the_log(style: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("DEBUG", "json" if style == "json" else "console")
    log = logging.getLogger(name)

    try:
        raised_from(rejected())
    except RuntimeError as error:
        structlog.stdlib.get_logger(name).exception("failed")
        structlog.stdlib.get_logger(name).error("failed", error=error, errors=[error], exc_info=error)
        log.exception("failed")
        log.exception(error)  # noqa: TRY401 - as a library may do it
        log.warning("failed: %s", error)
        log.warning("failed: %(error)s", {"error": error})
        log.warning("failed for %d", SAID)

    written = capsys.readouterr().err
    assert SAID not in written
    assert "is wrong" not in written
    for kept in ("RuntimeError", "ValueError", "KeyError", "in raised_from", "status 400, code 50035"):
        assert kept in written
    assert "field data.?, field data.components.0.value)" in written


def test_a_failed_task_and_a_failed_callback_say_nothing_in_the_log(log: Log) -> None:
    async def fails() -> None:
        raise value_error()

    def called(_: str) -> None:
        raise value_error()

    async def leaves_them_alone() -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(called, SAID)
        task = asyncio.create_task(fails())
        await asyncio.wait([task])
        del task
        gc.collect()

    asyncio.run(leaves_them_alone())

    assert {event["event"] for event in log.all() if event["logger"] == "asyncio"} == {
        "Task exception was never retrieved",
        "Exception in callback test_a_failed_task_and_a_failed_callback_say_nothing_in_the_log.<locals>.called",
    }
    assert log.getvalue().count("\\nValueError") == 2
    assert SAID not in log.getvalue()


def test_what_nobody_catches_is_logged_without_what_it_says() -> None:
    script = "\n".join(
        [
            "import threading",
            "from fileflare_bot.logs import configure_logging, log_uncaught",
            "configure_logging('INFO', 'json')",
            "log_uncaught()",
            "class Dying:",
            f"    def __del__(self): raise KeyError({SAID!r})",
            "Dying()",
            f"threading.Thread(target=int, args=({SAID!r},)).start()",
            f"raise RuntimeError({SAID!r})",
        ]
    )

    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603

    assert ended.returncode == 1
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert {line["event"] for line in lines} == {"uncaught", "uncaught_in_thread", "unraisable"}
    assert SAID not in ended.stderr


def test_a_traceback_stays_readable_however_deep_and_long_it_is() -> None:
    def deeper(depth: int) -> None:
        if depth:
            deeper(depth - 1)
        raise value_error()

    error: BaseException = KeyError()
    for _ in range(50):
        try:
            try:
                deeper(300)
            except ValueError as raised:
                raise raised from error
        except ValueError as raised:
            error = raised
    error.__context__ = error.__cause__

    event = redact(None, "error", {"exception": _traceback((type(error), error, error.__traceback__))})

    assert event["exception"].startswith("Traceback (most recent call last):\n  File ")
    assert "\nValueError\nCaused by (most recent call last):\n" in event["exception"]
    assert len(event["exception"]) <= LONGEST_TEXT


def test_sqlalchemy_prints_no_traceback_for_each_connection_that_a_database_took_with_it(log: Log) -> None:
    logging.getLogger("sqlalchemy.pool.impl.AsyncAdaptedQueuePool").error("Exception closing connection %r", object())
    logging.getLogger("sqlalchemy.engine").warning("something else")

    assert "closing connection" not in log.getvalue()
    assert "something else" in log.getvalue()


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
