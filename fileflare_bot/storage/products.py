"""The products seen in guilds' orders, and the properties of the confirmed ones: suggestions for their owners.

Anybody can order in a shop of their own and open that order here, so seen products are capped: of an order, of a user
and of a guild, the oldest go first.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from fileflare_bot.storage.database import Database, unit_of_work, utc_now
from fileflare_bot.storage.guild_rows import ensure_guild, insert, keep_newest, lock_guild
from fileflare_bot.storage.models import PropertyRow, SeenProductRow
from fileflare_bot.storage.options import Match
from fileflare_bot.storage.records import Property, SeenProduct

MOST_SHOWN: Final = 25  # select options or autocomplete choices; discord.com/developers/docs/components/reference
MOST_OF_AN_ORDER: Final = 25
MOST_OF_A_USER: Final = 50
MOST_OF_A_GUILD: Final = 2000
MOST_PROPERTIES: Final = 2000  # of a guild


class Products:
    """All seen products, and the properties of confirmed ones."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @unit_of_work
    async def see(self, guild_id: int, user_id: int, products: Sequence[SeenProduct]) -> None:
        """Count the products of an owner's order as seen in a guild; they get the names that they have there."""
        async with self._database.writing() as session:
            await ensure_guild(session, guild_id)
            await lock_guild(session, guild_id)
            await see(session, guild_id, user_id, products, renames=True)

    @unit_of_work
    async def seen(self, guild_id: int, typed: str = "", *, without: Iterable[str] = ()) -> list[SeenProduct]:
        """Return up to 25 products whose name or ID contains the typed text, those of most orders first."""
        its = SeenProductRow.guild_id == guild_id, SeenProductRow.product_id.not_in(list(without))
        query = sa.select(SeenProductRow).where(*its, _contains(SeenProductRow.name, SeenProductRow.product_id, typed))
        query = query.order_by(SeenProductRow.orders.desc(), SeenProductRow.name).limit(MOST_SHOWN)
        return [_record(row) for row in await self._database.all(query)]

    @unit_of_work
    async def named(self, guild_id: int, product_ids: Iterable[str]) -> list[SeenProduct]:
        """Return those of these products that were seen in a guild."""
        its = SeenProductRow.guild_id == guild_id, SeenProductRow.product_id.in_(list(product_ids))
        return [_record(row) for row in await self._database.all(sa.select(SeenProductRow).where(*its))]

    @unit_of_work
    async def of_user(self, user_id: int) -> list[SeenProduct]:
        """Return the products that a user was the first to bring to any guild."""
        query = sa.select(SeenProductRow).where(SeenProductRow.user_id == user_id)
        return [_record(row) for row in await self._database.all(query.order_by(SeenProductRow.first_seen_at))]

    @unit_of_work
    async def add_properties(self, guild_id: int, properties: Sequence[Property]) -> None:
        """Keep the properties of confirmed products."""
        async with self._database.writing() as session:
            await add_properties(session, guild_id, properties)

    @unit_of_work
    async def properties(self, guild_id: int, match: Match, typed: str) -> list[Property]:
        """Return up to 25 properties of confirmed products whose value or label contains the typed text."""
        its = PropertyRow.guild_id == guild_id, PropertyRow.match == match
        query = sa.select(PropertyRow).where(*its, _contains(PropertyRow.label, PropertyRow.value, typed))
        async with self._database.reading() as session:
            rows = await session.scalars(query.order_by(PropertyRow.label).limit(MOST_SHOWN))
            return [Property(Match(row.match), row.value, row.label) for row in rows]

    @unit_of_work
    async def labels(self, guild_id: int, match: Match, values: Iterable[str]) -> dict[str, str]:
        """Return the labels of those of these values that are known, by value."""
        its = PropertyRow.guild_id == guild_id, PropertyRow.match == match, PropertyRow.value.in_(list(values))
        async with self._database.reading() as session:
            rows = await session.scalars(sa.select(PropertyRow).where(*its))
            return {row.value: row.label for row in rows}


async def see(
    session: AsyncSession, guild_id: int, user_id: int, products: Sequence[SeenProduct], *, renames: bool = False
) -> None:
    """Count the products of an order that a user has opened, up to 25 of them.

    Without ``renames``, those that were seen before keep their names: an order has the names of the day it was placed,
    so they would change with whichever order was opened last.
    """
    now = utc_now()
    for product in products[:MOST_OF_AN_ORDER]:
        facts = {"name": product.name, "vendor": product.vendor, "last_seen_at": now}
        first = {"guild_id": guild_id, "product_id": product.product_id, "orders": 1, "user_id": user_id}
        row = insert(session)(SeenProductRow).values(**first, **facts, first_seen_at=now)
        counted: dict[str, Any] = facts | {"orders": SeenProductRow.orders + 1}
        if not renames:
            unnamed = SeenProductRow.name == ""
            counted["name"] = sa.case((unnamed, product.name), else_=SeenProductRow.name)
            counted["vendor"] = sa.case((unnamed, product.vendor), else_=SeenProductRow.vendor)
        await session.execute(row.on_conflict_do_update(index_elements=["guild_id", "product_id"], set_=counted))
    if products:
        its = SeenProductRow.guild_id == guild_id
        await _keep_newest(session, MOST_OF_A_USER, its, SeenProductRow.user_id == user_id)
        await _keep_newest(session, MOST_OF_A_GUILD, its)


async def add_properties(session: AsyncSession, guild_id: int, properties: Sequence[Property]) -> None:
    """Keep the properties of confirmed products, up to 2,000 of a guild; the oldest go first."""
    for each in properties:
        row = insert(session)(PropertyRow).values(
            guild_id=guild_id, match=each.match, value=each.value, label=each.label
        )
        await session.execute(row.on_conflict_do_nothing())
    if properties:
        await keep_newest(session, PropertyRow, MOST_PROPERTIES, PropertyRow.guild_id == guild_id)


async def forget_user(session: AsyncSession, user_id: int) -> None:
    """Delete the products that only this user has brought, and take the user off the others."""
    theirs = SeenProductRow.user_id == user_id
    await session.execute(_deletion().where(theirs, SeenProductRow.orders == 1))
    await session.execute(
        sa.update(SeenProductRow).where(theirs).values(user_id=None).execution_options(synchronize_session=False)
    )


async def _keep_newest(session: AsyncSession, most: int, *its: sa.ColumnElement[bool]) -> None:
    newest = sa.select(SeenProductRow.guild_id, SeenProductRow.product_id).where(*its)
    older = newest.order_by(SeenProductRow.last_seen_at.desc()).offset(most)
    for guild_id, product_id in (await session.execute(older)).all():
        its_key = SeenProductRow.guild_id == guild_id, SeenProductRow.product_id == product_id
        await session.execute(_deletion().where(*its_key))


def _deletion() -> sa.Delete:
    return sa.delete(SeenProductRow).execution_options(synchronize_session=False)


def _contains(
    first: InstrumentedAttribute[str], second: InstrumentedAttribute[str], typed: str
) -> sa.ColumnElement[bool]:
    return first.icontains(typed, autoescape=True) | second.icontains(typed, autoescape=True)


def _record(row: SeenProductRow) -> SeenProduct:
    return SeenProduct(row.product_id, row.name, row.vendor, row.orders, row.first_seen_at)
