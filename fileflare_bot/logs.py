"""structlog for every log line of this process, each of them redacted.

Redaction cannot know which texts are secret, so it hides what *looks like* a secret: an address's user and password and
everything after its host, parameters called id, key or token, and every run of 16 or more characters with a letter and
a digit, as order IDs and tokens have. A lookup's input is also hidden by value while that lookup runs (:func:`hiding`).

What an exception says is never logged, as it may repeat anything: Discord's 400 repeats what was sent. Its class, its
traceback without values, and of Discord's errors the status, the code and the fields are.
"""

import copy
import logging
import logging.config
import re
import string
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Literal

import discord
import structlog
from discord.ext import commands
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

HIDDEN: Final = "[hidden]"
LONGEST_TEXT: Final = 20_000  # characters of one value; tracebacks are the longest
SHORTEST_HIDDEN: Final = 16  # characters; shorter values are never hidden by value
DEEPEST: Final = 4  # levels of nesting kept in one value
MOST_FRAMES: Final = 40  # of one exception, the innermost
MOST_EXCEPTIONS: Final = 10  # of one traceback, with causes and members of groups
MOST_FIELDS: Final = 10  # of one error of Discord

_ADDRESS_TAIL = re.compile(r"(?P<host>\b[a-z][a-z0-9+.-]{1,10}://[^\s/?#\"'<>\\]*+)[/?#\\][^\s\"'<>]*+", re.IGNORECASE)
_PARAMETER = re.compile(r"(?P<name>[?&](?:id|key|token)=)[^\s&\"'<>]+", re.IGNORECASE)
_LIKE_A_TOKEN = re.compile(r"(?<![A-Za-z0-9_-])(?=[0-9_-]*+[A-Za-z])(?=[A-Za-z_-]*+\d)[A-Za-z0-9_-]{16,}+")
_CREDENTIALS = re.compile(r"(?<=//)[^\s/@]++@")
_FIELD = re.compile(r"[a-z_]{1,32}|\d{1,3}", re.ASCII)  # a name of Discord's API, or an index
_ASYNCIOS_VALUES = re.compile(r"[\n(]")  # "Exception in callback f('…')", and "future: <Task … exception=…>" in a line

_OURS: Final = {"level", "logger", "timestamp"}  # which structlog's processors overwrite

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
    return {
        redact_text(str(key)): value if key in _OURS else _redact_value(value, DEEPEST) for key, value in event.items()
    }


def redact_text(text: str) -> str:
    """Hide every possible secret in the text, and limit its length.

    A text that is too long ends with its last whole word: half a secret does not look like one.
    """
    if len(text) < SHORTEST_HIDDEN and "=" not in text and "//" not in text:  # as most values of a log line
        return text
    for value in _hidden_values.get():
        text = text.replace(value, HIDDEN)
    if len(text) > LONGEST_TEXT:
        text = text[: 1 + max(text.rfind(space, 0, LONGEST_TEXT) for space in string.whitespace)]
    text = _CREDENTIALS.sub(f"{HIDDEN}@", text)
    text = _ADDRESS_TAIL.sub(rf"\g<host>/{HIDDEN}", text)
    text = _PARAMETER.sub(rf"\g<name>{HIDDEN}", text)
    return _LIKE_A_TOKEN.sub(HIDDEN, text)


def described(error: BaseException) -> str:
    """Return an exception's class, the module that is missing, and of Discord's errors status, code and fields."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(error, ImportError | commands.ExtensionError):
        return f"{name} ({error.name})"
    if not isinstance(error, discord.HTTPException):
        return name
    facts = [f"status {error.status}", f"code {error.code}", *_fields(getattr(error, "_errors", None))]
    return f"{name} ({', '.join(facts)})"


def _fields(errors: Any) -> list[str]:  # noqa: ANN401 - JSON of Discord's
    """Return the paths of the fields that Discord's 400 names; a key that is no name in its API becomes "?"."""
    found: list[str] = []
    waiting = [("", errors)]
    while waiting and len(found) < MOST_FIELDS:
        path, value = waiting.pop(0)
        if not isinstance(value, dict):
            continue
        if "_errors" in value:
            found.append(f"field {path}")
        for key, inner in value.items():
            name = key if _FIELD.fullmatch(str(key)) else "?"
            waiting.append((f"{path}.{name}" if path else name, inner))
    return found


def _traceback(exc_info: ExcInfo) -> str:
    """Return an exception's traceback, then those of what led to it and of a group's members; all without values."""
    lines: list[str] = []
    seen: set[int] = set()
    waiting: list[tuple[str, BaseException | None]] = [("Traceback", exc_info[1])]
    while waiting and len(seen) < MOST_EXCEPTIONS:
        head, error = waiting.pop(0)
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        lines.append(f"{head} (most recent call last):")
        frames = traceback.StackSummary.extract(
            traceback.walk_tb(error.__traceback__), limit=-MOST_FRAMES, lookup_lines=False
        )
        lines += [f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}' for frame in frames]
        lines.append(described(error))
        waiting.append(("Caused by", error.__cause__))
        if not error.__suppress_context__:
            waiting.append(("Raised while handling", error.__context__))
        if isinstance(error, BaseExceptionGroup):
            waiting += [("Member of the group", member) for member in error.exceptions]
    return "\n".join(lines)


def _without_text(value: Any) -> Any:  # noqa: ANN401 - an argument of a log record
    return described(value) if isinstance(value, BaseException) else value


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Formats records of the standard library, whose messages may hold exceptions or, from asyncio, futures."""

    def format(self, record: logging.LogRecord) -> str:
        record = copy.copy(record)  # other handlers format it, too
        if isinstance(record.args, tuple):
            record.args = tuple(map(_without_text, record.args))
        elif record.args:
            record.args = {name: _without_text(value) for name, value in record.args.items()}
        record.msg = _without_text(record.msg)
        if record.name == "asyncio":
            record.msg, record.args = _ASYNCIOS_VALUES.split(record.getMessage(), maxsplit=1)[0], ()
        return super().format(record)


def log_uncaught() -> None:
    """Log what nobody catches, instead of printing it with its values."""
    log = structlog.stdlib.get_logger(__name__)
    sys.excepthook = lambda *exc_info: log.critical("uncaught", exc_info=exc_info)
    sys.unraisablehook = lambda raised: log.error("unraisable", exc_info=raised.exc_value)
    threading.excepthook = lambda raised: log.error("uncaught_in_thread", exc_info=raised.exc_value)


def _redact_value(value: Any, depth: int) -> Any:  # noqa: ANN401 - a log line may hold anything
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth and isinstance(value, dict):
        return {redact_text(str(key)): _redact_value(item, depth - 1) for key, item in value.items()}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [_redact_value(item, depth - 1) for item in value]
    if isinstance(value, BaseException):
        return redact_text(described(value))
    return redact_text(value if isinstance(value, str) else repr(value))


def configure_logging(level: str, style: Literal["console", "json"]) -> None:
    """Send all records, structlog's and the libraries', through one handler to standard error.

    discord.py and aiosqlite log whole payloads (people's input, the bot's replies, stored data) at DEBUG, so
    they and the HTTP libraries never go below INFO, whatever ``level`` says. SQLAlchemy logs every statement at INFO,
    and at ERROR, with a traceback, that a connection to a database which is away cannot be closed well.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.ExceptionRenderer(_traceback),
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    formatter = {
        "()": _Formatter,
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
            | dict.fromkeys(("alembic", "sqlalchemy"), warning_at_least)
            | {"sqlalchemy.pool": {"level": "CRITICAL"}},
        }
    )
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False  # or a record that cannot be formatted would be printed with its arguments
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
