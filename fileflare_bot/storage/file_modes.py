"""The files beside each other in SQLite's folder are for the bot's user only."""

import contextlib
import os
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import structlog

from fileflare_bot.storage.encryption import KEY_FILE

OWNER_ONLY: Final = 0o600
OTHERS: Final = 0o077

log = structlog.stdlib.get_logger(__name__)


def tighten(database: Path) -> None:
    """Take from all others the right to read the key and the database's files; log a warning for each that cannot be.

    On Windows, where a file's mode says nothing about others, nothing is done.
    """
    if os.name != "posix":
        return
    sides = (database.with_name(f"{database.name}{ending}") for ending in ("-wal", "-shm"))
    for path in _open_to_others([database.with_name(KEY_FILE), database, *sides]):
        with contextlib.suppress(OSError):
            path.chmod(OWNER_ONLY)
        if [*_open_to_others([path])]:  # it is another user's, or its file system has no modes
            command = f"chmod 600 {shlex.quote(str(path.absolute()))}"
            log.warning("file_open_to_others", file=path.name, fix=command)


def _open_to_others(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        try:
            if path.is_file() and path.stat().st_mode & OTHERS:
                yield path
        except OSError:  # it is gone, or its folder is closed, which the start reports
            continue
