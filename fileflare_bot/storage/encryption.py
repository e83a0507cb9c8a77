"""Encryption at rest: Fernet keys, newest first, and keyed hashes of order IDs.

Each encrypted text says to which row it belongs, and is read in that row only.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkstemp
from typing import Final, TypeAlias

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from fileflare_bot.settings import SettingsError
from fileflare_bot.storage.errors import StorageUnavailable

KEY_FILE: Final = "secret.key"
_KEY_IS_GONE: Final = (
    f"{KEY_FILE} is missing beside the database of DATABASE_URL, and only it opens what is stored: put it back, or set "
    "SECRET_KEYS to its content. To begin anew, move the database away."
)
_BOUND: Final = "\0bound\0"  # begins what is encrypted, unless an earlier version has encrypted it

Place: TypeAlias = tuple[str | int | None, ...]  # see places.py


class Unreadable(Exception):  # noqa: N818 - it states a fact
    """Raised when none of the keys decrypts a text, or it belongs to another place."""


class Cipher:
    """Encrypts with the newest key, decrypts with any. ``hash_key`` is set once the database has been read."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._newest = Fernet(keys[0])
        self._all = MultiFernet([Fernet(key) for key in keys])
        self.hash_key = b""

    def encrypt(self, text: str, place: Place) -> str:
        """Encrypt a text for its place."""
        return self._all.encrypt((_BOUND + json.dumps([*place, text])).encode()).decode()

    def decrypt(self, text: str, place: Place) -> str:
        """Decrypt a text of that place.

        Raises:
            Unreadable: none of the keys decrypts it, or it is of another place.
        """
        plain = self._plain(text)
        if plain.startswith(_BOUND):
            *bound_to, kept = json.loads(plain.removeprefix(_BOUND))
            if bound_to == [*place]:
                return str(kept)
        raise Unreadable

    def readable(self, text: str, place: Place, otherwise: str = "") -> str:
        """Decrypt a text of that place; return ``otherwise`` if that cannot be done."""
        try:
            return self.decrypt(text, place)
        except Unreadable:
            return otherwise

    def encrypt_unbound(self, text: str) -> str:
        """Encrypt a text as earlier versions did, for no place."""
        return self._all.encrypt(text.encode()).decode()

    def decrypt_unbound(self, text: str) -> str:
        """Decrypt a text that an earlier version encrypted, which bound it to no place.

        Raises:
            Unreadable: none of the keys decrypts it, or it is bound.
        """
        plain = self._plain(text)
        if plain.startswith(_BOUND):
            raise Unreadable
        return plain

    def renewed(self, text: str, place: Place, *, bind: bool) -> str | None:
        """Re-encrypt a text with the newest key; with ``bind``, bind it to its place if it is bound to none.

        None if there is nothing to change, or it cannot be decrypted.
        """
        if bind:
            try:
                return self.encrypt(self.decrypt_unbound(text), place)
            except Unreadable:
                pass
        try:
            self._newest.decrypt(text.encode())
        except InvalidToken:
            try:
                return self._all.rotate(text.encode()).decode()
            except InvalidToken:
                return None
        return None

    def _plain(self, text: str) -> str:
        try:
            return self._all.decrypt(text.encode()).decode()  # Fernet raises ValueError for a text that is not ASCII
        except InvalidToken:
            raise Unreadable from None

    def hash(self, token: str) -> str:
        """Return the keyed hash of an order ID. Its key is the database's own, so it survives key rotation."""
        if not self.hash_key:
            raise StorageUnavailable("the key of the hashes was not read")
        return hashlib.blake2b(token.encode(), key=self.hash_key, digest_size=16).hexdigest()


def make_key(database: Path) -> None:
    """Create the file with the key beside a new SQLite database (mode 0600), unless it is there.

    Raises:
        SettingsError: the database has content, so it had a key, but the file is gone.
        OSError: the file cannot be created.
    """
    path = database.with_name(KEY_FILE)
    if path.exists():
        return
    if database.is_file() and database.stat().st_size:
        raise SettingsError([_KEY_IS_GONE])
    descriptor, name = mkstemp(dir=path.parent, prefix=KEY_FILE)  # with mode 0600
    draft = Path(name)
    with os.fdopen(descriptor, "wb") as file:
        file.write(Fernet.generate_key())
        file.flush()
        os.fsync(descriptor)  # the database, which needs the key, survives a power cut too
    try:
        path.hardlink_to(draft)  # atomic: one process creates the key, the others never read half of it
    except FileExistsError:
        pass
    finally:
        draft.unlink()
