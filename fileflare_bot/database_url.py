"""DATABASE_URL, as hosting providers spell it → a URL and options for the asynchronous drivers."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from fileflare_bot import database_tls

_SQLITE: Final = {"sqlite", "sqlite+aiosqlite"}
_POSTGRES: Final = {"postgres", "postgresql", "postgresql+asyncpg"}
_KEPT_PARAMETERS: Final = {"host", "port"}  # PostgreSQL parameters; asyncpg rejects unknown ones
_PARTS: Final = {"user": "username", "password": "password", "dbname": "database"}  # parameters for libpq, too
_UNDERSTOOD: Final = {*_KEPT_PARAMETERS, *_PARTS, *database_tls.PARAMETERS}
_A_NAME: Final = re.compile(r"[A-Za-z_.-]{1,40}")
_UNESCAPED: Final = (
    "must have special characters of its password written as codes: @ as %40, / as %2F, : as %3A, ? as %3F, % as %25"
)


def database_url(text: str) -> sa.URL:
    """Parse DATABASE_URL; its TLS and unknown parameters are left out.

    Raises:
        ValueError: it names neither a SQLite file nor a PostgreSQL host. The text does not hold it.
    """
    url = _parsed(text)
    if url.drivername in _SQLITE:
        if not url.database or url.database == ":memory:" or url.host:
            raise ValueError("names no file: SQLite's address begins with sqlite:/// and goes on with a path")
        return url.set(drivername="sqlite+aiosqlite")
    if url.drivername in _POSTGRES:
        given = _parameters(url)
        query = {name: value for name, value in given.items() if name in _KEPT_PARAMETERS}
        if not (url.host or "host" in query):
            raise ValueError("names no host")
        parts: dict[str, Any] = {
            part: given[name] for name, part in _PARTS.items() if name in given and not getattr(url, part)
        }
        return url.set(drivername="postgresql+asyncpg", query=query, **parts)
    raise ValueError("must begin with sqlite:/// or postgresql://")


def driver_options(text: str) -> dict[str, Any]:
    """Return what asyncpg takes for the TLS parameters of DATABASE_URL; nothing for SQLite.

    Raises:
        ValueError: a parameter cannot be honoured.
    """
    return database_tls.tls_options(_postgres_parameters(text))


def ignored_parameters(text: str) -> list[str]:
    """Return the names of the parameters in DATABASE_URL that have no effect, such as those for other drivers."""
    names = sorted(_postgres_parameters(text).keys() - _UNDERSTOOD)
    return [name if _A_NAME.fullmatch(name) else "(unreadable)" for name in names]


def sqlite_file(url: sa.URL) -> Path | None:
    """Return SQLite's file, or None for PostgreSQL."""
    return Path(str(url.database)) if url.drivername.startswith("sqlite") else None


def _parsed(text: str) -> sa.URL:
    text = text.strip()
    try:
        url = sa.make_url(text)
    except (ArgumentError, ValueError):
        if text.count("@") > 1:
            raise ValueError(_UNESCAPED) from None
        raise ValueError("is not the address of a database") from None
    if url.drivername in _POSTGRES and _has_stray_at(text, url):
        raise ValueError(_UNESCAPED)
    return url


def _has_stray_at(text: str, url: sa.URL) -> bool:
    """Return whether an @ stands where none belongs, which is what an unescaped password does."""
    expected = (url.username or "").count("@") + (url.username is not None)
    in_parameters = any("@" in value for value in _parameters(url).values())
    return text.count("@") > expected and not in_parameters


def _postgres_parameters(text: str) -> Mapping[str, str]:
    url = _parsed(text)
    return _parameters(url) if url.drivername in _POSTGRES else {}


def _parameters(url: sa.URL) -> dict[str, str]:
    """Return the parameters; of one that is given twice, the last value."""
    return {name: value if isinstance(value, str) else value[-1] for name, value in url.query.items()}
