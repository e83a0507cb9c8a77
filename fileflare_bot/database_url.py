"""DATABASE_URL, as hosting providers spell it → a URL for the asynchronous drivers."""

from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

_SQLITE: Final = {"sqlite", "sqlite+aiosqlite"}
_POSTGRES: Final = {"postgres", "postgresql", "postgresql+asyncpg"}
_KEPT_PARAMETERS: Final = {"host", "port"}  # PostgreSQL parameters; asyncpg rejects unknown ones


def database_url(text: str) -> sa.URL:
    """Parse DATABASE_URL.

    Raises:
        ValueError: it names neither a SQLite file nor a PostgreSQL host.
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
        query: dict[str, Any] = {name: value for name, value in url.query.items() if name in _KEPT_PARAMETERS}
        if mode := url.query.get("sslmode") or url.query.get("ssl"):
            query["ssl"] = mode
        if not (url.host or "host" in query):
            raise ValueError("names no host")
        return url.set(drivername="postgresql+asyncpg", query=query)
    raise ValueError("must begin with sqlite:/// or postgresql://")


def sqlite_file(url: sa.URL) -> Path | None:
    """Return SQLite's file, or None for PostgreSQL."""
    return Path(str(url.database)) if url.drivername.startswith("sqlite") else None
