"""structlog for every log line of this process, each of them redacted.

Redaction cannot know which texts are secret, so it hides what *looks like* a secret: everything after an
address's host, and every run of 16 or more characters with a letter and a digit, as order IDs and tokens have.
A lookup's input is also hidden by value while that lookup runs (:func:`hiding`).
"""

import logging
import logging.config
import re
import string
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN: Final = "[hidden]"
LONGEST_TEXT: Final = 20_000  # characters of one value; tracebacks are the longest
SHORTEST_HIDDEN: Final = 16  # characters; shorter values are never hidden by value
DEEPEST: Final = 4  # levels of nesting kept in one value

_ADDRESS_TAIL = re.compile(r"(?P<host>\b[a-z][a-z0-9+.-]{1,10}://[^\s/?#\"'<>\\]*+)[/?#\\][^\s\"'<>]*+", re.IGNORECASE)
_PARAMETER = re.compile(r"(?P<name>[?&](?:id|key|token)=)[^\s&\"'<>]+", re.IGNORECASE)
_LIKE_A_TOKEN = re.compile(r"(?<![A-Za-z0-9_-])(?=[0-9_-]*+[A-Za-z])(?=[A-Za-z_-]*+\d)[A-Za-z0-9_-]{16,}+")
_CREDENTIALS = re.compile(r"(?<=//)[^\s/@]++@")

_hidden_values: ContextVar[tuple[str, ...]] = ContextVar("hidden_values", default=())


@contextmanager
def hiding(*values: str) -> Iterator[None]:
    """Hide these exact values in every log line of this task and the tasks it starts.

    Values shorter than an order ID are not hidden: nobody may blank the log's own text by pasting it.
    """
    before = _hidden_values.get()
    hide(*values)
    try:
        yield
    finally:
        _hidden_values.set(before)


def hide(*values: str) -> None:
    """Hide these values until the surrounding ``hiding`` block ends."""
    secrets = (value for value in values if len(value) >= SHORTEST_HIDDEN)
    _hidden_values.set((*_hidden_values.get(), *secrets))


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Hide every possible secret in the event, and limit the length of its texts."""
    return {redact_text(str(key)): _redact_value(value, DEEPEST) for key, value in event.items()}


def redact_text(text: str) -> str:
    """Hide every possible secret in the text, and limit its length.

    A text that is too long ends with its last whole word: half a secret does not look like one.
    """
    for value in _hidden_values.get():
        text = text.replace(value, HIDDEN)
    if len(text) > LONGEST_TEXT:
        text = text[: 1 + max(text.rfind(space, 0, LONGEST_TEXT) for space in string.whitespace)]
    text = _CREDENTIALS.sub(f"{HIDDEN}@", text)
    text = _ADDRESS_TAIL.sub(rf"\g<host>/{HIDDEN}", text)
    text = _PARAMETER.sub(rf"\g<name>{HIDDEN}", text)
    return _LIKE_A_TOKEN.sub(HIDDEN, text)


def _redact_value(value: Any, depth: int) -> Any:  # noqa: ANN401 - a log line may hold anything
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth and isinstance(value, dict):
        return {redact_text(str(key)): _redact_value(item, depth - 1) for key, item in value.items()}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [_redact_value(item, depth - 1) for item in value]
    return redact_text(value if isinstance(value, str) else repr(value))


def configure_logging(level: str, style: Literal["console", "json"]) -> None:
    """Send all records, structlog's and the libraries', through one handler to standard error.

    discord.py and aiosqlite log whole payloads (people's input, the bot's replies, stored data) at DEBUG, so
    they and the HTTP libraries never go below INFO, whatever ``level`` says. SQLAlchemy logs every statement at INFO.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": shared,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, renderer],
    }
    warning_at_least = {"level": max(level, "WARNING", key=logging.getLevelName)}
    info_at_least = {"level": max(level, "INFO", key=logging.getLevelName)}
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"redacted": formatter},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "redacted"}},
            "root": {"level": level, "handlers": ["stderr"]},
            "loggers": dict.fromkeys(("discord", "aiohttp", "asyncio", "aiosqlite"), info_at_least)
            | dict.fromkeys(("alembic", "sqlalchemy"), warning_at_least),
        }
    )
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
