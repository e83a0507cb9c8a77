"""One lookup: find the order, grant its roles, page it, keep it open."""

import asyncio
from datetime import datetime
from typing import Final

import discord
from cachetools import TTLCache

from fileflare_bot.downloads.open_orders import OpenOrder, OpenOrders
from fileflare_bot.downloads.pages import OrderPages
from fileflare_bot.fileflare.lookups import Lookups, Waiting
from fileflare_bot.fileflare.request_queue import LONGEST_WAIT, Requester
from fileflare_bot.i18n import Translator
from fileflare_bot.orders.diagnosis import Finding, Kind, diagnose
from fileflare_bot.orders.labels import plain_number, product_names
from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.roles.granting import BuyerRoles, Grant
from fileflare_bot.storage.database import SOON_SECONDS
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.records import GuildSettings
from fileflare_bot.storage.storage import Storage

TOLD_FOR: Final = 24 * 3600  # seconds in which the reason why an order brings no role is not explained again
MOST_TOLD: Final = 20_000


class OrderOpener:
    """Opens orders for customers. Without the database it still works, except for roles and saved orders."""

    def __init__(self, lookups: Lookups, storage: Storage, roles: BuyerRoles, open_orders: OpenOrders) -> None:
        self._lookups = lookups
        self._storage = storage
        self._roles = roles
        self._open_orders = open_orders
        self._told: TTLCache[tuple[int, int, int], datetime | None] = TTLCache(MOST_TOLD, TOLD_FOR)

    async def open(
        self,
        opened: OpenOrder,
        user: discord.User | discord.Member,
        guild_id: int | None,
        translator: Translator,
        *,
        refresh: bool,
        waiting: Waiting,
    ) -> tuple[OrderPages, Grant, float]:
        """Look up an order and keep it open. Return its pages, the roles that it brought, and its age in seconds.

        Whoever has to wait for that does so inside ``waiting``, as long as a reply can.

        Raises:
            LookupFailed: the lookup failed, or the place in the line is gone; the subclass says why.
            OrderHeldByOthers, OrderFreeLater: others have claimed it, and the owner chose to refuse it then.
        """
        requester = Requester(user.id, guild_id)
        found = await self._lookups.find(
            opened.reference, requester, refresh=refresh, known=opened.known, patience=LONGEST_WAIT, waiting=waiting
        )
        opened.reference = found.reference
        opened.order_number = plain_number(found.order.order_number)  # for a ticket, also if it is refused below
        opened.products = product_names(found.order)
        settings = self._settings(guild_id)
        grant = Grant()
        if settings is not None:
            grant = await self._roles.grant(user, settings, opened.reference, found.order, translator)
        elif guild_id is None and opened.asked_in is not None:
            grant = await self._roles.elsewhere(user.id, opened.asked_in, opened.reference, found.order)
        if guild_id is not None and grant.held_by_others:
            opened.told = self._has_been_told(guild_id, user.id, opened.reference, grant)
        opened.pages = pages = OrderPages(found.order)
        opened.found = diagnose(found.order)
        opened.failure = Finding(Kind.HELD_BY_OTHERS) if grant.held_by_others else None
        opened.desk = settings is not None and settings.support_channel_id is not None
        opened.savable = bool(found.order.asset_count) and self.may_save(guild_id)
        if guild_id is None and opened.savable and not opened.saved:
            opened.saved = await self._is_saved(user.id, opened.reference)
        self._open_orders.keep(opened)
        return pages, grant, found.age

    def _has_been_told(self, guild_id: int, user_id: int, reference: OrderReference, grant: Grant) -> bool:
        """Note that a user is told why an order brings no role; return whether they were told the same before."""
        key = guild_id, user_id, hash(reference)  # no order ID is kept for so long
        before = key in self._told and self._told[key] == grant.free_from
        self._told[key] = grant.free_from
        return before

    def may_save(self, guild_id: int | None) -> bool:
        """Return whether orders can be saved here: everywhere except in guilds that switched it off."""
        settings = self._settings(guild_id)
        return guild_id is None or (settings is not None and settings.options.saved_orders)

    async def _is_saved(self, user_id: int, reference: OrderReference) -> bool:
        """Return whether a user has saved an order; False if the database does not say so in time."""
        try:
            async with asyncio.timeout(SOON_SECONDS):
                saved = await self._storage.saved_orders.of_user(user_id)
        except (StorageUnavailable, TimeoutError):
            return False
        return reference in [order.reference for order in saved]

    def _settings(self, guild_id: int | None) -> GuildSettings | None:
        """Return the guild's settings; None in direct messages, and while the database is away."""
        if guild_id is None:
            return None
        try:
            return self._storage.guilds.get(guild_id)
        except StorageUnavailable:
            return None
