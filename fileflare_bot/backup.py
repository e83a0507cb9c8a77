"""``python bot.py --backup FOLDER``: copies a SQLite database while the bot runs."""

import os
import shlex
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from fileflare_bot.database_url import database_url, sqlite_file
from fileflare_bot.runner import FAILED, WRONG_SETTINGS
from fileflare_bot.settings import Settings
from fileflare_bot.storage.encryption import KEY_FILE

BUSY_SECONDS: Final = 30.0


class BackupFailed(Exception):  # noqa: N818 - it states a fact
    """Raised when there is no backup; its text says why, and ``exit_code`` whether trying again can help."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def back_up(settings: Settings, folder: Path) -> list[str]:
    """Write a consistent copy of the database into the folder, without the key; return what to tell the operator.

    Raises:
        BackupFailed: there is no backup.
    """
    database = sqlite_file(database_url(settings.database_url.get_secret_value()))
    if database is None:
        file = shlex.quote(str(folder / "fileflare.dump"))
        raise BackupFailed(
            "Nothing is backed up: PostgreSQL is backed up with its own tool, so run: "
            f'pg_dump --format=custom --file={file} "$DATABASE_URL"',
            WRONG_SETTINGS,
        )
    if not database.is_file():
        raise BackupFailed(f"There is no database at {database.absolute()}: look at DATABASE_URL.", WRONG_SETTINGS)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = folder / f"{database.stem}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.db"
        _copy(database, target)
    except OSError as error:
        raise BackupFailed(
            f"{folder.absolute()} cannot hold the backup ({error.strerror}): use a folder that is yours.",
            WRONG_SETTINGS,
        ) from None
    except sqlite3.Error as error:
        raise BackupFailed(
            f"The backup of {database.absolute()} failed ({error}): look at the disk, then try again.", FAILED
        ) from None
    key = database.with_name(KEY_FILE)
    opens = "SECRET_KEYS" if settings.secret_keys or not key.exists() else str(key.absolute())
    return [
        f"The backup is in {target.absolute()}.",
        f"Only the key opens it, which is not in it: keep a copy of {opens} too, in another place.",
    ]


def _copy(database: Path, target: Path) -> None:
    """Copy what is committed at this moment, check the copy, and give it its name only then."""
    draft = target.with_suffix(".part")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        source = sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True, timeout=BUSY_SECONDS)
        with closing(source):
            source.isolation_level = None
            source.execute("VACUUM INTO ?", (str(draft),))  # writers go on meanwhile, and what is deleted stays out
        with closing(sqlite3.connect(f"{draft.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as copy:
            (found,) = copy.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        with draft.open("rb") as written:
            os.fsync(written.fileno())  # VACUUM INTO does not do that
        _ = draft.rename(target)
    finally:
        draft.unlink(missing_ok=True)
