"""Users' saved orders: encrypted, at most 25 per user, newest first."""

from typing import Final

import sqlalchemy as sa

from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.storage.database import Database, unit_of_work, utc_now
from fileflare_bot.storage.encryption import Cipher, Unreadable
from fileflare_bot.storage.errors import NoSuchSavedOrder
from fileflare_bot.storage.guild_rows import insert, keep_newest
from fileflare_bot.storage.models import SavedOrderRow
from fileflare_bot.storage.places import SAVED_LABEL, SAVED_REFERENCE
from fileflare_bot.storage.records import SavedOrder

MOST_SAVED: Final = 25  # choices of an autocomplete (discord.com/developers/docs/interactions/receiving-and-responding)


class SavedOrders:
    """All saved orders."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    @unit_of_work
    async def save(self, user_id: int, reference: OrderReference, label: str) -> None:
        """Save an order as the user's newest; delete the oldest beyond 25."""
        order_hash = self._cipher.hash(reference.token)
        theirs = SavedOrderRow.user_id == user_id
        async with self._database.writing() as session:
            await session.execute(sa.delete(SavedOrderRow).where(theirs, SavedOrderRow.order_hash == order_hash))
            row = SavedOrderRow(user_id=user_id, order_hash=order_hash, saved_at=utc_now())
            row.label = self._cipher.encrypt(label, SAVED_LABEL.place(row))
            row.reference = self._cipher.encrypt(reference.token, SAVED_REFERENCE.place(row))
            new = insert(session)(SavedOrderRow).values(
                user_id=user_id, order_hash=order_hash, saved_at=row.saved_at, label=row.label, reference=row.reference
            )
            await session.execute(new.on_conflict_do_nothing())  # a second press has saved it meanwhile
            await keep_newest(session, SavedOrderRow, MOST_SAVED, theirs)

    @unit_of_work
    async def of_user(self, user_id: int) -> list[SavedOrder]:
        """Return a user's saved orders, newest first."""
        query = sa.select(SavedOrderRow).where(SavedOrderRow.user_id == user_id)
        return [self._record(row) for row in await self._database.all(query.order_by(SavedOrderRow.id.desc()))]

    @unit_of_work
    async def get(self, user_id: int, saved_id: int) -> OrderReference:
        """Return the reference of one of a user's saved orders.

        Raises:
            NoSuchSavedOrder: the user has none of that ID, or it cannot be decrypted.
        """
        async with self._database.reading() as session:
            row = await session.get(SavedOrderRow, saved_id)
        record = self._record(row) if row is not None and row.user_id == user_id else None
        if record is None or record.reference is None:
            raise NoSuchSavedOrder
        return record.reference

    @unit_of_work
    async def forget(self, user_id: int, saved_id: int | None = None) -> int:
        """Delete one of a user's saved orders, or all of them; return how many."""
        wanted = [SavedOrderRow.user_id == user_id]
        if saved_id is not None:
            wanted.append(SavedOrderRow.id == saved_id)
        async with self._database.writing() as session:
            gone = await session.scalars(sa.delete(SavedOrderRow).where(*wanted).returning(SavedOrderRow.id))
            deleted = len(gone.all())
        await self._database.empty_log()
        return deleted

    def _record(self, row: SavedOrderRow) -> SavedOrder:
        try:
            label = self._cipher.decrypt(row.label, SAVED_LABEL.place(row))
            token = self._cipher.decrypt(row.reference, SAVED_REFERENCE.place(row))
            return SavedOrder(row.id, label, OrderReference(token))
        except Unreadable:
            return SavedOrder(row.id, "", None)
