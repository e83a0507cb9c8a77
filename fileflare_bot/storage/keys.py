"""The hash key, the rotation of SECRET_KEYS, and marks of what was done once."""

import os
from typing import Any, Final

import sqlalchemy as sa

from fileflare_bot.storage.database import Database, unit_of_work
from fileflare_bot.storage.encryption import Cipher
from fileflare_bot.storage.guild_rows import insert
from fileflare_bot.storage.models import (
    CannedAnswerRow,
    ClaimRow,
    MessageRow,
    NoteRow,
    SavedOrderRow,
    TicketRow,
    VaultRow,
)

ROTATED_AT_ONCE: Final = 500  # texts in a transaction: other writers wait for it
_HASH_KEY: Final = "hash_key"
_ENCRYPTED: Final = (
    (TicketRow.id, TicketRow.details),
    (MessageRow.id, MessageRow.text),
    (NoteRow.id, NoteRow.text),
    (CannedAnswerRow.id, CannedAnswerRow.text),
    (ClaimRow.id, ClaimRow.label),
    (SavedOrderRow.id, SavedOrderRow.label),
    (SavedOrderRow.id, SavedOrderRow.reference),
    (VaultRow.name, VaultRow.value),
)


class Keys:
    """Reads and rotates the keys."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    @unit_of_work
    async def read_hash_key(self) -> None:
        """Read the hash key, which the first process of the bot creates.

        Raises:
            Unreadable: none of the keys decrypts it.
        """
        made = self._cipher.encrypt(os.urandom(32).hex())
        async with self._database.writing() as session:
            await session.execute(insert(session)(VaultRow).values(name=_HASH_KEY, value=made).on_conflict_do_nothing())
            stored = await session.scalar(sa.select(VaultRow.value).where(VaultRow.name == _HASH_KEY))
        self._cipher.hash_key = bytes.fromhex(self._cipher.decrypt(stored or ""))

    @unit_of_work
    async def rotate(self) -> int:
        """Re-encrypt everything with the newest key, in batches; return how many texts had an older one."""
        changed = 0
        for key, column in _ENCRYPTED:
            batch = sa.select(key, column).order_by(key).limit(ROTATED_AT_ONCE)
            rows = await self._read(batch)
            while rows:
                changed += await self._rotate(key, column, rows)
                rows = await self._read(batch.where(key > rows[-1][0]))
        return changed

    async def _read(self, batch: sa.Select[*tuple[Any, ...]]) -> list[tuple[Any, str]]:
        async with self._database.reading() as session:
            return [(key, text) for key, text in await session.execute(batch)]

    async def _rotate(self, key: Any, column: Any, rows: list[tuple[Any, str]]) -> int:  # noqa: ANN401 - of any table
        changed = 0
        async with self._database.writing() as session:
            for row_id, text in rows:
                rotated = self._cipher.rotated(text)
                if rotated is not None:
                    unchanged = key == row_id, column == text  # another process may have written it meanwhile
                    update = sa.update(column.class_).where(*unchanged).values({column.key: rotated})
                    changed += len((await session.scalars(update.returning(key))).all())
        return changed

    @unit_of_work
    async def is_first_time(self, what: str) -> bool:
        """Return True once per database and name, then always False.

        Raises:
            StorageUnavailable: the database is unreachable.
        """
        async with self._database.writing() as session:
            row = insert(session)(VaultRow).values(name=what, value=self._cipher.encrypt("done"))
            new = await session.scalars(row.on_conflict_do_nothing().returning(VaultRow.name))
            return new.first() is not None
