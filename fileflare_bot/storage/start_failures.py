"""What a failed start of the database means: a setting that is wrong, or a database that is away for now."""

import errno
import os
import ssl
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError

from fileflare_bot.settings import SettingsError
from fileflare_bot.storage.encryption import KEY_FILE
from fileflare_bot.storage.errors import StorageUnavailable

_REFUSED: Final = {  # asyncpg's errors for a wrong user, password or database name, or missing rights
    "InvalidPasswordError",
    "InvalidAuthorizationSpecificationError",
    "InvalidCatalogNameError",
    "InsufficientPrivilegeError",
}
_REFUSED_BY_A_POOLER: Final = (  # PgBouncer's and Supavisor's sentences; they have one code for all their errors
    "no such database",
    "no such user",
    "authentication failed",
    "Tenant or user not found",
)
_SQLITE_AWAY: Final = ("database is locked", "database or disk is full", "disk I/O error")  # SQLite's own words
_NO_TLS: Final = "rejected SSL upgrade"  # asyncpg's words
_NOT_VALID_NOW: Final = {9, 10}  # OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and _HAS_EXPIRED: the server's owner must act


def start_failure(error: Exception, file: Path | None) -> SettingsError | StorageUnavailable:
    """Return the error to raise: SettingsError (permanent) or StorageUnavailable (temporary).

    ``file`` is SQLite's, None for PostgreSQL.
    """
    line = _about_postgres(error) if file is None else _about_sqlite(error, file)
    return SettingsError([line]) if line else StorageUnavailable(_name(error))


def unreadable_key(path: Path, error: OSError) -> str:
    """Return the line for a key file that is there, but cannot be read."""
    if isinstance(error, PermissionError):
        return f"{KEY_FILE} beside the database of DATABASE_URL cannot be read by the bot: {_chown(path)}"
    return (
        f"{KEY_FILE} beside the database of DATABASE_URL cannot be read ({type(error).__name__}): put it back from "
        "your backup, as a file."
    )


def _about_postgres(error: Exception) -> str:
    """Return the line for what is permanent, an empty text for an outage."""
    causes = _causes(error)
    names, texts = {type(cause).__name__ for cause in causes}, [str(cause) for cause in causes]
    if names & _REFUSED or any(said in text for said in _REFUSED_BY_A_POOLER for text in texts):
        return "DATABASE_URL was refused by the database: look at its user, password, database name and rights."
    if any(_NO_TLS in text for text in texts):
        return "DATABASE_URL asks for TLS, which the database does not offer: look at its sslmode."
    failure = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
    if isinstance(failure, ssl.SSLCertVerificationError) and failure.verify_code not in _NOT_VALID_NOW:
        return (
            f"DATABASE_URL names a database whose certificate is not trusted ({failure.verify_message.rstrip('.')}): "
            "look at its host, sslmode and sslrootcert."
        )
    reason = getattr(failure, "reason", None) or ""  # OpenSSL's name for the error, if it is one of OpenSSL's
    if "ALERT" in reason:
        return (
            f"DATABASE_URL has TLS parameters that the database refuses ({reason}): look at its sslcert, "
            "sslkey and ssl_max_protocol_version."
        )
    return ""


def _about_sqlite(error: Exception, file: Path) -> str:
    """Return the line for what is permanent, an empty text for what passes."""
    number = getattr(error, "errno", None)
    if any(said in str(error) for said in _SQLITE_AWAY):
        return ""
    if number == errno.ENOSPC:
        return "DATABASE_URL names a file on a disk that is full: make room there, then start again."
    if number == errno.EROFS:
        return "DATABASE_URL names a file on a file system that is read-only: mount it writable, or use another path."
    if isinstance(error, PermissionError) or not _writable(file.parent):
        return f"DATABASE_URL names a file that the bot may not write: {_chown(file.parent)}"
    return (
        f"DATABASE_URL names a file that cannot be used as a database ({type(error).__name__}): look at its path and "
        "its permissions. For example: DATABASE_URL=sqlite:///data/fileflare.db"
    )


def _writable(folder: Path) -> bool:
    """Return whether new files may be made in a folder, as SQLite does; True for one that is not there."""
    effective = os.access in os.supports_effective_ids
    return not folder.is_dir() or os.access(folder, os.W_OK | os.X_OK, effective_ids=effective)


def _chown(path: Path) -> str:
    """Return what makes a path the bot's own."""
    path = path.absolute()
    if not hasattr(os, "geteuid"):  # Windows
        return f"give its user the right to {path}."
    user = os.geteuid()
    if path == Path(path.root):
        return f"its user has the ID {user}, so use a path in a folder that is theirs."
    command = f"chown -R {user}" if _exists(path) else f"install -d -o {user}"
    return (
        f"its user has the ID {user}, so run: sudo {command} {path} "
        "(for a container, on the folder of the host that is mounted there)."
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:  # a folder above it is closed
        return True


def _name(error: Exception) -> str:
    failure = next((cause for cause in _causes(error) if isinstance(cause, ssl.SSLCertVerificationError)), None)
    if failure is not None:
        return f"{type(failure).__name__}: {failure.verify_message}"
    driver_error = error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig is not None else None
    return type(driver_error or error).__name__


def _causes(error: BaseException | None) -> list[BaseException]:
    found = []
    while error is not None:
        found.append(error)
        error = getattr(error, "orig", None) or error.__cause__ or error.__context__
    return found
