"""DATABASE_URL, in the spellings that hosting providers give, as an address for the asynchronous drivers."""

from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

_SQLITE: Final = {"sqlite", "sqlite+aiosqlite"}
_POSTGRES: Final = {"postgres", "postgresql", "postgresql+asyncpg"}
_PASSED_ON: Final = {"host", "port"}  # of a PostgreSQL address's parameters; asyncpg rejects what it does not know


def database_url(text: str) -> sa.URL:
    """Return the address.

    Raises:
        ValueError: it is no address of SQLite (with a file) or PostgreSQL.
    """
    try:
        url = sa.make_url(text.strip())
    except (ArgumentError, ValueError):
        raise ValueError("is not the address of a database") from None
    if url.drivername in _SQLITE:
        if not url.database or url.database == ":memory:" or url.host:
            raise ValueError("names no file: SQLite's address begins with sqlite:/// and goes on with a path")
        return url.set(drivername="sqlite+aiosqlite")
    if url.drivername in _POSTGRES:
        query: dict[str, Any] = {name: value for name, value in url.query.items() if name in _PASSED_ON}
        if mode := url.query.get("sslmode") or url.query.get("ssl"):
            query["ssl"] = mode
        if not (url.host or "host" in query):
            raise ValueError("names no host")
        return url.set(drivername="postgresql+asyncpg", query=query)
    raise ValueError("must begin with sqlite:/// or postgresql://")


def sqlite_file(url: sa.URL) -> Path | None:
    """Return SQLite's file, or None for PostgreSQL."""
    return Path(str(url.database)) if url.drivername.startswith("sqlite") else None
