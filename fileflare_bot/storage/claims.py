"""Claims: the users that an order counts for in a guild.

An order ID can be passed around, so only the first users who open it can claim it, up to the guild's limit. IDs are
stored only as keyed hashes.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.storage.audit import add_entry, audit_entry
from fileflare_bot.storage.database import Database, unit_of_work, utc_now
from fileflare_bot.storage.encryption import Cipher
from fileflare_bot.storage.errors import HeldByThem, NoSuchClaim
from fileflare_bot.storage.guild_rows import ensure_guild, lock_guild
from fileflare_bot.storage.intents import add_note, show
from fileflare_bot.storage.models import AuditRow, ClaimRow, RoleGrantRow, TicketRow
from fileflare_bot.storage.places import CLAIM_LABEL
from fileflare_bot.storage.products import add_properties, see
from fileflare_bot.storage.records import Action, Claim, GrantState, NewNote, Property, SeenProduct, ShownClaim
from fileflare_bot.storage.role_grants import has_all, unwant, want

KEEP_FORGOTTEN: Final = timedelta(days=90)


class Claims:
    """All claims."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    @unit_of_work
    async def claim(
        self,
        guild_id: int,
        user_id: int,
        reference: OrderReference,
        label: str,
        *,
        accounts: int,
        role_ids: Collection[int] = (),
        held: Collection[int] | None = None,
        products: Sequence[SeenProduct] = (),
        properties: Sequence[Property] = (),
    ) -> Claim | None:
        """Claim the order, and its roles, for this user. None if the guild's limit is reached.

        What is so already is only read. ``held`` are the roles that the user has now. A new claim counts the order's
        ``products`` as seen, and keeps the ``properties`` of those that are confirmed.
        """
        order_hash = self._cipher.hash(reference.token)
        query = sa.select(ClaimRow).where(ClaimRow.guild_id == guild_id, ClaimRow.order_hash == order_hash)
        async with self._database.reading() as session:
            row, others = _split(await session.scalars(query), user_id)
            if row is None and others >= accounts:
                return None
            brings = row is not None and {*role_ids} <= {*row.role_ids}
            if row is not None and brings and await has_all(session, guild_id, user_id, role_ids, held=held):
                return self._record(row)
        async with self._database.writing() as session:
            await ensure_guild(session, guild_id)
            await lock_guild(session, guild_id)
            row, others = _split(await session.scalars(query), user_id)
            changes = row is None or not {*role_ids} <= {*row.role_ids}
            if row is None:
                if others >= accounts:
                    return None
                row = ClaimRow(
                    guild_id=guild_id, order_hash=order_hash, user_id=user_id, role_ids=[], claimed_at=utc_now()
                )
                row.label = self._encrypted(row, label)
                session.add(row)
                await see(session, guild_id, user_id, products)
                await add_properties(session, guild_id, properties)
            row.role_ids = sorted({*row.role_ids, *role_ids})
            await session.flush()
            await want(session, guild_id, user_id, role_ids, held=held)
            if changes:
                await self._show_tickets(session, row)
            return self._record(row)

    @unit_of_work
    async def restore(
        self, guild_id: int, user_id: int, role_ids: Collection[int], *, held: Collection[int] | None
    ) -> None:
        """Intend to give a user those of these roles that their claims bring; ``held`` are the roles they have now."""
        theirs = sa.select(ClaimRow.role_ids).where(ClaimRow.guild_id == guild_id, ClaimRow.user_id == user_id)
        async with self._database.writing() as session:
            await lock_guild(session, guild_id)
            brought = [role for roles in await session.scalars(theirs) for role in roles if role in role_ids]
            await want(session, guild_id, user_id, brought, held=held)

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
    async def with_move(self, claim: Claim, reference: OrderReference) -> Claim:
        """Return a claim on an order with the move that gave it to its user, if that was on a card of theirs."""
        about = TicketRow.user_id == claim.user_id, TicketRow.order_hash == self._cipher.hash(reference.token)
        theirs = AuditRow.guild_id == TicketRow.guild_id, AuditRow.number == TicketRow.number
        since = AuditRow.action == Action.MOVED_CLAIM, AuditRow.at >= claim.at  # a move keeps when it was claimed
        query = sa.select(AuditRow).where(TicketRow.guild_id == claim.guild_id, *about, *theirs, *since)
        rows = await self._database.all(query)
        return replace(claim, moved=max(map(audit_entry, rows), key=lambda entry: entry.at, default=None))

    @unit_of_work
    async def free_from(self, guild_id: int, reference: OrderReference, accounts: int) -> datetime | None:
        """Return when one more user can claim an order that counts for as many as the guild allows, in UTC.

        None if that needs a claim to end whose user did not have their data deleted.
        """
        wanted = ClaimRow.guild_id == guild_id, ClaimRow.order_hash == self._cipher.hash(reference.token)
        ended = await self._database.all(sa.select(ClaimRow.forgotten_at).where(*wanted))
        forgotten = sorted(at for at in ended if at is not None)
        last = len(ended) - accounts  # of those that must end, if the first is 0
        return forgotten[last] + KEEP_FORGOTTEN if 0 <= last < len(forgotten) else None

    @unit_of_work
    async def release(
        self,
        guild_id: int,
        shown: ShownClaim,
        moderator_id: int,
        *,
        number: int | None = None,
        note: NewNote | None = None,
    ) -> Claim:
        """Delete a claim, and intend to revoke its roles that no other claim of the user brings; return it.

        ``number`` is that of the ticket on whose card it was done; ``note`` is for the threads of open tickets about
        the order, whose cards change.

        Raises:
            NoSuchClaim: the guild has no such claim, or another user holds it.
        """
        async with self._database.writing() as session:
            await lock_guild(session, guild_id)
            claim, row = await self._as_shown(session, guild_id, shown)
            await session.delete(row)
            await self._show_tickets(session, row, note)
            add_entry(session, guild_id, moderator_id, Action.RELEASED_CLAIM, number=number)
            await unwant(session, claim)
            return claim

    @unit_of_work
    async def move(
        self,
        guild_id: int,
        shown: ShownClaim,
        moderator_id: int,
        to: int,
        check: Callable[[Claim], None],
        *,
        held: Collection[int] | None = None,
        number: int | None = None,
        note: NewNote | None = None,
    ) -> Claim:
        """Move a claim and its roles to another user; return it as it was. What ``check`` raises changes nothing.

        ``held`` are the roles that they have now, None if that is not known; ``number`` and ``note`` are as for
        release().

        Raises:
            HeldByThem: it is that user's already.
            NoSuchClaim: the guild has no such claim, or another user holds it.
        """
        async with self._database.writing() as session:
            await lock_guild(session, guild_id)
            claim, row = await self._as_shown(session, guild_id, shown, to=to)
            check(claim)
            same = ClaimRow.guild_id == guild_id, ClaimRow.order_hash == row.order_hash, ClaimRow.user_id == to
            theirs = await session.scalar(sa.select(ClaimRow).where(*same))
            if theirs is None:
                row.user_id, row.forgotten_at = to, None
                row.label = self._encrypted(row, claim.label)
            else:  # the new holder has a claim already, which brings all the roles from now on
                theirs.role_ids = sorted({*theirs.role_ids, *claim.role_ids})
                await session.delete(row)
            await self._show_tickets(session, row, note)
            add_entry(session, guild_id, moderator_id, Action.MOVED_CLAIM, number=number)
            await session.flush()
            await unwant(session, claim)
            await want(session, guild_id, to, claim.role_ids, held=held)
            return claim

    async def labels(self, session: AsyncSession, user_id: int) -> list[str]:
        """Return the labels of a user's claims in all guilds, the newest first."""
        theirs = sa.select(ClaimRow).where(ClaimRow.user_id == user_id).order_by(ClaimRow.id.desc())
        return [self._record(row).label for row in await session.scalars(theirs)]

    async def forget(self, session: AsyncSession, user_id: int) -> int:
        """Take a user off their claims, and intend to revoke the roles; return how many claims those were.

        Each stays for 90 days, and counts towards the guild's limit for its order. The guilds' rows must be locked.
        """
        rows = (await session.scalars(sa.select(ClaimRow).where(ClaimRow.user_id == user_id))).all()
        for row in rows:
            claim = self._record(row)
            row.user_id, row.forgotten_at = None, utc_now()
            row.label = self._encrypted(row, "")
            await self._show_tickets(session, row)
            await session.flush()
            await unwant(session, claim)
        return len(rows)

    async def _as_shown(
        self, session: AsyncSession, guild_id: int, shown: ShownClaim, *, to: int | None = None
    ) -> tuple[Claim, ClaimRow]:
        """Return the claim that somebody was shown, and its locked row."""
        row = await session.get(ClaimRow, shown.id, with_for_update=True)
        claim = None if row is None or row.guild_id != guild_id else self._record(row)
        if row is None or claim is None or claim.shown.milliseconds != shown.milliseconds:
            raise NoSuchClaim
        if to is not None and claim.user_id == to:
            raise HeldByThem
        if claim.user_id != shown.user_id:
            raise NoSuchClaim([claim.user_id])
        return claim, row

    async def _show_tickets(self, session: AsyncSession, claim: ClaimRow, note: NewNote | None = None) -> None:
        """Intend to show on the cards of open tickets about a claim's order that it has changed."""
        about = TicketRow.guild_id == claim.guild_id, TicketRow.order_hash == claim.order_hash, ~TicketRow.resolved
        for ticket in await session.scalars(sa.select(TicketRow).where(*about).with_for_update()):
            show(ticket)
            if note is not None:
                add_note(session, ticket, note, self._cipher)

    async def _read(self, query: sa.Select[ClaimRow]) -> list[Claim]:
        async with self._database.reading() as session:
            rows = (await session.scalars(query)).all()
            given = RoleGrantRow.state == GrantState.GRANTED, RoleGrantRow.user_id.in_({row.user_id for row in rows})
            grants = sa.select(RoleGrantRow.guild_id, RoleGrantRow.user_id, RoleGrantRow.role_id).where(*given)
            known = {tuple(grant) for grant in await session.execute(grants)} if rows else set()
        return [
            replace(
                self._record(row),
                given_role_ids=tuple(role for role in row.role_ids if (row.guild_id, row.user_id, role) in known),
            )
            for row in rows
        ]

    def _encrypted(self, row: ClaimRow, label: str) -> str:
        return self._cipher.encrypt(label, CLAIM_LABEL.place(row))

    def _record(self, row: ClaimRow) -> Claim:
        label = self._cipher.readable(row.label, CLAIM_LABEL.place(row))
        return Claim(row.id, row.guild_id, row.user_id, label, tuple(row.role_ids), row.claimed_at)


def _split(claims: Iterable[ClaimRow], user_id: int) -> tuple[ClaimRow | None, int]:
    """Return a user's claim among those on an order, and how many others have."""
    theirs, others = None, 0
    for row in claims:
        if row.user_id == user_id:
            theirs = row
        else:
            others += 1
    return theirs, others
