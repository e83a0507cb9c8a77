"""Claims (the users that an order counts for in a guild), and the products seen in its orders.

An order ID can be passed around, so only the first users who open it can claim it, up to the guild's limit. IDs are
stored only as keyed hashes.
"""

from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.storage.database import Database, unit_of_work, utc_now
from fileflare_bot.storage.encryption import Cipher, Unreadable
from fileflare_bot.storage.errors import HeldByThem, NoSuchClaim
from fileflare_bot.storage.guilds import ensure_guild, insert, lock_guild
from fileflare_bot.storage.models import AuditRow, ClaimRow, ProductRow
from fileflare_bot.storage.options import Match
from fileflare_bot.storage.records import Action, Claim, SeenProduct

MOST_SHOWN: Final = 25  # select options or autocomplete choices; discord.com/developers/docs/components/reference
MOST_PRODUCTS: Final = 2000  # per guild


class Claims:
    """All claims."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    @unit_of_work
    async def claim(
        self, guild_id: int, user_id: int, reference: OrderReference, label: str, *, accounts: int
    ) -> Claim | None:
        """Claim the order for this user. None if the guild's limit is reached."""
        order_hash = self._cipher.hash(reference.token)
        async with self._database.writing() as session:
            await ensure_guild(session, guild_id)
            await lock_guild(session, guild_id)
            query = sa.select(ClaimRow).where(ClaimRow.guild_id == guild_id, ClaimRow.order_hash == order_hash)
            holders = (await session.scalars(query)).all()
            row = next((holder for holder in holders if holder.user_id == user_id), None)
            if row is None:
                if len(holders) >= accounts:
                    return None
                row = ClaimRow(
                    guild_id=guild_id,
                    order_hash=order_hash,
                    user_id=user_id,
                    label=self._cipher.encrypt(label),
                    role_ids=[],
                    claimed_at=utc_now(),
                )
                session.add(row)
                await session.flush()
            return self._record(row)

    @unit_of_work
    async def granted(self, claim: Claim, role_ids: Iterable[int]) -> bool:
        """Store the roles that a claim has brought its user; return False if the claim is not theirs any more."""
        async with self._database.writing() as session:
            await lock_guild(session, claim.guild_id)
            row = await session.get(ClaimRow, claim.id)
            if row is None or row.user_id != claim.user_id:
                return False
            row.role_ids = sorted({*row.role_ids, *role_ids})
            return True

    @unit_of_work
    async def of_user(self, guild_id: int | None, user_id: int) -> list[Claim]:
        """Return a user's claims in a guild, or in all guilds if None, newest first."""
        query = sa.select(ClaimRow).where(ClaimRow.user_id == user_id).order_by(ClaimRow.id.desc())
        return await self._read(query if guild_id is None else query.where(ClaimRow.guild_id == guild_id))

    @unit_of_work
    async def of_order(self, guild_id: int, reference: OrderReference) -> list[Claim]:
        """Return the claims on an order in a guild, oldest first."""
        wanted = ClaimRow.guild_id == guild_id, ClaimRow.order_hash == self._cipher.hash(reference.token)
        return await self._read(sa.select(ClaimRow).where(*wanted).order_by(ClaimRow.id))

    @unit_of_work
    async def release(self, guild_id: int, claim_id: int, moderator_id: int) -> tuple[Claim, set[int]]:
        """Delete a claim; return it, and its roles that no other claim of the user brings.

        Raises:
            NoSuchClaim: the guild has no such claim.
        """
        async with self._database.writing() as session:
            await lock_guild(session, guild_id)
            row = await _row(session, guild_id, claim_id)
            claim = self._record(row)
            await session.delete(row)
            session.add(AuditRow(guild_id=guild_id, actor_id=moderator_id, action=Action.RELEASED_CLAIM, at=utc_now()))
            return claim, await _roles_only_from(session, claim)

    @unit_of_work
    async def move(self, guild_id: int, claim_id: int, moderator_id: int, to: int) -> tuple[Claim, set[int]]:
        """Move a claim to another user; return it as it was, and the roles that its old holder loses.

        Raises:
            HeldByThem: it is that user's already.
            NoSuchClaim: the guild has no such claim.
        """
        async with self._database.writing() as session:
            await lock_guild(session, guild_id)
            row = await _row(session, guild_id, claim_id)
            claim = self._record(row)
            if row.user_id == to:
                raise HeldByThem
            same = ClaimRow.guild_id == guild_id, ClaimRow.order_hash == row.order_hash, ClaimRow.user_id == to
            if await session.scalar(sa.select(ClaimRow.id).where(*same)) is None:
                row.user_id = to
            else:  # the new holder has a claim already
                await session.delete(row)
            session.add(AuditRow(guild_id=guild_id, actor_id=moderator_id, action=Action.MOVED_CLAIM, at=utc_now()))
            await session.flush()
            return claim, await _roles_only_from(session, claim)

    @unit_of_work
    async def see(self, guild_id: int, products: Iterable[SeenProduct]) -> None:
        """Store the products seen in an order, up to 2,000 per guild."""
        async with self._database.writing() as session:
            there = sa.select(sa.func.count()).select_from(ProductRow).where(ProductRow.guild_id == guild_id)
            room = MOST_PRODUCTS - (await session.scalar(there) or 0)
            for product in list(products)[: max(room, 0)]:
                row = insert(session)(ProductRow).values(
                    guild_id=guild_id, match=product.match, value=product.value, label=product.label
                )
                await session.execute(row.on_conflict_do_nothing())

    @unit_of_work
    async def products(self, guild_id: int, match: Match, typed: str) -> list[SeenProduct]:
        """Return up to 25 seen products whose value or label contains the typed text."""
        wanted = ProductRow.guild_id == guild_id, ProductRow.match == match
        found = ProductRow.label.icontains(typed, autoescape=True) | ProductRow.value.icontains(typed, autoescape=True)
        query = sa.select(ProductRow).where(*wanted, found)
        async with self._database.reading() as session:
            rows = await session.scalars(query.order_by(ProductRow.label).limit(MOST_SHOWN))
            return [SeenProduct(Match(row.match), row.value, row.label) for row in rows]

    async def _read(self, query: sa.Select[ClaimRow]) -> list[Claim]:
        async with self._database.reading() as session:
            return [self._record(row) for row in await session.scalars(query)]

    def _record(self, row: ClaimRow) -> Claim:
        try:
            label = self._cipher.decrypt(row.label)
        except Unreadable:
            label = ""
        return Claim(row.id, row.guild_id, row.user_id, label, tuple(row.role_ids), row.claimed_at)


async def _row(session: AsyncSession, guild_id: int, claim_id: int) -> ClaimRow:
    row = await session.get(ClaimRow, claim_id, with_for_update=True)
    if row is None or row.guild_id != guild_id:
        raise NoSuchClaim
    return row


async def _roles_only_from(session: AsyncSession, claim: Claim) -> set[int]:
    others = ClaimRow.guild_id == claim.guild_id, ClaimRow.user_id == claim.user_id, ClaimRow.id != claim.id
    kept = {role for roles in await session.scalars(sa.select(ClaimRow.role_ids).where(*others)) for role in roles}
    return set(claim.role_ids) - kept
