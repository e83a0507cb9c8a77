"""The roles that users' claims bring, and what is known of each: wanted, given by the bot, or held before.

A role that a user held before is never revoked. The rows change together with the claims, under their guild's lock.
"""

from collections.abc import Collection, Iterable
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from fileflare_bot.storage.database import Database, unit_of_work, utc_now
from fileflare_bot.storage.guild_rows import lock_guild
from fileflare_bot.storage.leases import Shards, within
from fileflare_bot.storage.models import ClaimRow, RoleGrantRow
from fileflare_bot.storage.postponing import ATTEMPTS_OF_A_DAY, postpone
from fileflare_bot.storage.records import Claim, GrantState

OPEN: Final = (GrantState.WANTED, GrantState.GRANTING, GrantState.REVOKING)


class RoleGrants:
    """All roles of claims."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @unit_of_work
    async def due_members(self, shards: Shards | None = None) -> list[tuple[int, int]]:
        """Return the guilds and users whose roles must change now, those that wait longest first."""
        due = RoleGrantRow.retry_at <= utc_now(), within(shards, RoleGrantRow.guild_id)
        pairs = sa.select(RoleGrantRow.guild_id, RoleGrantRow.user_id).where(*due).order_by(RoleGrantRow.retry_at)
        async with self._database.reading() as session:
            return list(dict.fromkeys((guild_id, user_id) for guild_id, user_id in await session.execute(pairs)))

    @unit_of_work
    async def due(self, guild_id: int, user_id: int) -> dict[int, GrantState]:
        """Return a user's roles that are to be changed now."""
        its = RoleGrantRow.guild_id == guild_id, RoleGrantRow.user_id == user_id, RoleGrantRow.retry_at <= utc_now()
        async with self._database.reading() as session:
            rows = await session.scalars(sa.select(RoleGrantRow).where(*its).order_by(RoleGrantRow.role_id))
            return {row.role_id: GrantState(row.state) for row in rows}

    @unit_of_work
    async def is_settled(self, guild_id: int, user_id: int) -> bool:
        """Return whether all of a user's roles are as they should be."""
        its = RoleGrantRow.guild_id == guild_id, RoleGrantRow.user_id == user_id, RoleGrantRow.state.in_(OPEN)
        return await self._database.first(sa.select(RoleGrantRow.role_id).where(*its).limit(1)) is None

    @unit_of_work
    async def given_to_buyers(self, guild_id: int, role_ids: Collection[int]) -> set[int]:
        """Return those of these roles that the bot has given to buyers, or is about to, whatever the rules are now."""
        if not role_ids:
            return set()
        its = RoleGrantRow.guild_id == guild_id, RoleGrantRow.role_id.in_(role_ids)
        given = sa.select(RoleGrantRow.role_id).where(*its, RoleGrantRow.state != GrantState.HELD)
        return set(await self._database.all(given.distinct()))

    @unit_of_work
    async def begin(self, guild_id: int, user_id: int, role_id: int, *, held: bool) -> bool:
        """Record, before a wanted role is given, whether the user holds it already; return whether to give it."""
        async with self._database.writing() as session:
            row = await _locked(session, guild_id, user_id, role_id)
            if row is None or row.state != GrantState.WANTED:
                return row is not None and row.state == GrantState.GRANTING
            if held:
                row.state, row.retry_at, row.attempts = GrantState.HELD, None, 0
            else:
                row.state = GrantState.GRANTING
            return not held

    @unit_of_work
    async def given(self, guild_id: int, user_id: int, role_id: int) -> bool:
        """Record that the bot gave a role; return False if the claim is gone, so that the role must go too."""
        async with self._database.writing() as session:
            row = await _locked(session, guild_id, user_id, role_id)
            if row is None:
                session.add(
                    RoleGrantRow(
                        guild_id=guild_id,
                        user_id=user_id,
                        role_id=role_id,
                        state=GrantState.REVOKING,
                        retry_at=utc_now(),
                    )
                )
                return False
            if row.state == GrantState.REVOKING:
                return False
            row.state, row.retry_at, row.attempts = GrantState.GRANTED, None, 0
            return True

    @unit_of_work
    async def revoked(self, guild_id: int, user_id: int, role_id: int) -> None:
        """Record that a user does not have a role any more, unless it is wanted again."""
        async with self._database.writing() as session:
            row = await _locked(session, guild_id, user_id, role_id)
            if row is not None and row.state == GrantState.REVOKING:
                await session.delete(row)

    @unit_of_work
    async def given_up(self, guild_id: int, user_id: int, role_id: int) -> None:
        """Forget a role that can never be given or revoked."""
        async with self._database.writing() as session:
            row = await _locked(session, guild_id, user_id, role_id)
            if row is not None and row.state in OPEN:
                await session.delete(row)

    @unit_of_work
    async def postponed(self, guild_id: int, user_id: int, role_id: int, *, refused: bool) -> None:
        """Try a role again after a pause; forget one that Discord has refused for a day."""
        async with self._database.writing() as session:
            row = await _locked(session, guild_id, user_id, role_id)
            if row is None or row.retry_at is None:
                return
            if refused and row.attempts >= ATTEMPTS_OF_A_DAY:
                await session.delete(row)
                return
            if refused and row.state == GrantState.GRANTING:
                row.state = GrantState.WANTED  # somebody may give it by hand meanwhile
            postpone(row)


async def has_all(
    session: AsyncSession, guild_id: int, user_id: int, role_ids: Collection[int], *, held: Collection[int] | None
) -> bool:
    """Return whether a user has these roles, so that wanting them would change nothing."""
    known = await _of_user(session, guild_id, user_id) if role_ids else {}
    states = {role_id: row.state for role_id, row in known.items() if held is None or role_id in held}
    return all(states.get(role_id) in {GrantState.GRANTED, GrantState.HELD} for role_id in role_ids)


async def want(
    session: AsyncSession, guild_id: int, user_id: int, role_ids: Iterable[int], *, held: Collection[int] | None
) -> None:
    """Intend to give a user these roles; ``held`` are the roles that the user has now, None if that is not known."""
    known = await _of_user(session, guild_id, user_id)
    for role_id in dict.fromkeys(role_ids):
        row = known.get(role_id)
        has = held is not None and role_id in held
        if row is None:
            row = RoleGrantRow(guild_id=guild_id, user_id=user_id, role_id=role_id, state=GrantState.WANTED)
            session.add(row)
        elif row.state == GrantState.REVOKING:
            row.state = GrantState.GRANTING
        elif row.state in {GrantState.GRANTED, GrantState.HELD}:
            if has or held is None:
                continue
            if row.state == GrantState.HELD:
                row.state = GrantState.WANTED  # it was taken away, or the user has left and come back
            else:
                row.state = GrantState.GRANTING
        row.retry_at, row.attempts = utc_now(), 0
        if row.state == GrantState.WANTED and held is not None:
            row.state = GrantState.HELD if has else GrantState.GRANTING
            row.retry_at = None if has else row.retry_at


async def unwant(session: AsyncSession, claim: Claim) -> None:
    """Intend to revoke the roles of a claim that is gone, but for those of other claims and those held before."""
    if claim.user_id is None:
        return
    others = ClaimRow.guild_id == claim.guild_id, ClaimRow.user_id == claim.user_id, ClaimRow.id != claim.id
    kept = {role for roles in await session.scalars(sa.select(ClaimRow.role_ids).where(*others)) for role in roles}
    known = await _of_user(session, claim.guild_id, claim.user_id)
    for role_id in set(claim.role_ids) - kept:
        row = known.get(role_id)
        if row is None:
            continue
        if row.state in {GrantState.GRANTING, GrantState.GRANTED}:
            row.state, row.retry_at, row.attempts = GrantState.REVOKING, utc_now(), 0
        elif row.state != GrantState.REVOKING:
            await session.delete(row)


async def revoking(session: AsyncSession, user_id: int) -> list[int]:
    """Return the guilds where a user's roles go, and try each of them now."""
    theirs = RoleGrantRow.user_id == user_id, RoleGrantRow.state == GrantState.REVOKING
    now = sa.update(RoleGrantRow).where(*theirs).values(retry_at=utc_now())
    return sorted(set(await session.scalars(now.returning(RoleGrantRow.guild_id))))


async def _of_user(session: AsyncSession, guild_id: int, user_id: int) -> dict[int, RoleGrantRow]:
    theirs = RoleGrantRow.guild_id == guild_id, RoleGrantRow.user_id == user_id
    return {row.role_id: row for row in await session.scalars(sa.select(RoleGrantRow).where(*theirs))}


async def _locked(session: AsyncSession, guild_id: int, user_id: int, role_id: int) -> RoleGrantRow | None:
    await lock_guild(session, guild_id)
    return await session.get(RoleGrantRow, (guild_id, user_id, role_id))
