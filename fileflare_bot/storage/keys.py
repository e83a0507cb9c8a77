"""The hash key, the rotation of SECRET_KEYS, the binding of earlier versions' texts, and what was done once."""

import asyncio
import os
from typing import Any, Final

import sqlalchemy as sa

from fileflare_bot.storage.database import Database, unit_of_work
from fileflare_bot.storage.encryption import Cipher, Unreadable
from fileflare_bot.storage.guild_rows import insert
from fileflare_bot.storage.models import VaultRow
from fileflare_bot.storage.places import ENCRYPTED, VAULT, Encrypted

ROTATED_AT_ONCE: Final = 100  # texts in a transaction: other writers wait for it, and all interactions for its cipher
PAUSE_SECONDS: Final = 0.02  # between two transactions
_HASH_KEY: Final = "hash_key"


class Keys:
    """Reads and rotates the keys, and binds what they encrypt."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    @unit_of_work
    async def read_hash_key(self) -> bool:
        """Read the hash key, which the first process of the bot creates; return whether the texts must be bound yet.

        They are, as far as an earlier version has written them, until renew() has gone through them once: it binds the
        hash key last.

        Raises:
            Unreadable: none of the keys decrypts it.
        """
        made = self._cipher.encrypt_unbound(os.urandom(32).hex())
        async with self._database.writing() as session:
            await session.execute(insert(session)(VaultRow).values(name=_HASH_KEY, value=made).on_conflict_do_nothing())
            stored = await session.scalar(sa.select(VaultRow.value).where(VaultRow.name == _HASH_KEY)) or ""
        unbound = False
        try:
            key = self._cipher.decrypt(stored, VAULT.place_for([_HASH_KEY]))
        except Unreadable:
            key, unbound = self._cipher.decrypt_unbound(stored), True
        self._cipher.hash_key = bytes.fromhex(key)
        return unbound

    async def renew(self, *, bind: bool = False) -> int:
        """Re-encrypt everything with the newest key, in batches; return how many texts changed.

        With ``bind``, texts of an earlier version are bound to their places, too. If it ends between two batches, the
        next call does the rest.
        """
        changed = 0
        for texts in ENCRYPTED:
            batch, last = texts.texts().limit(ROTATED_AT_ONCE), texts.key.type.python_type()
            while rows := await self._read(batch.where(texts.key > last)):
                changed += await self._renew(texts, rows, bind=bind)
                last = rows[-1][0]
                await asyncio.sleep(PAUSE_SECONDS)
        return changed

    @unit_of_work
    async def _read(self, batch: sa.Select[Any]) -> list[sa.Row[Any]]:
        async with self._database.reading() as session:
            return [*await session.execute(batch)]

    @unit_of_work
    async def _renew(self, texts: Encrypted, rows: list[sa.Row[Any]], *, bind: bool) -> int:
        changed = []
        for row_id, text, *owner in map(tuple, rows):
            renewed = self._cipher.renewed(text, texts.place_for(owner), bind=bind)
            if renewed is not None:
                changed.append({"its": row_id, "was": text, "becomes": renewed})
        if changed:
            unchanged = texts.key == sa.bindparam("its"), texts.column == sa.bindparam("was")
            update = sa.update(texts.column.class_.__table__).where(*unchanged)  # another process may have written it
            async with self._database.writing() as session:
                connection = await session.connection()
                await connection.execute(update.values({texts.column.key: sa.bindparam("becomes")}), changed)
        return len(changed)

    @unit_of_work
    async def is_first_time(self, what: str) -> bool:
        """Return True once per database and name, then always False."""
        async with self._database.writing() as session:
            row = insert(session)(VaultRow).values(
                name=what, value=self._cipher.encrypt("done", VAULT.place_for([what]))
            )
            new = await session.scalars(row.on_conflict_do_nothing().returning(VaultRow.name))
            return new.first() is not None
