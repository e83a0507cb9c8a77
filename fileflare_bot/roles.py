"""Buyers' roles: which an order brings, for which accounts it counts, and what happens when one cannot be given."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import discord
import structlog
from cachetools import LRUCache, TTLCache
from discord.ext import commands

from fileflare_bot.downloads.pages import order_label
from fileflare_bot.i18n import N_, Words
from fileflare_bot.orders.models import Order, Product
from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.refusal import OrderHeldByOthers
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.options import LaterAccounts, Match, RoleRule
from fileflare_bot.storage.records import Product as SeenProduct
from fileflare_bot.storage.records import Server
from fileflare_bot.storage.storage import Storage
from fileflare_bot.tickets.card import Cards

ROLE_GONE: Final = N_(
    "The role <@&{role}> for buyers does not exist any more: remove its rule with /store roles remove."
)
ROLE_ABOVE: Final = N_(
    "I may not give the role <@&{role}>: it is above mine. In Server Settings > Roles, drag my role above it."
)
NO_MANAGE_ROLES: Final = N_("I may not give the role <@&{role}>: I lack the permission Manage Roles.")
ROLE_MANAGED: Final = N_("Nobody can give the role <@&{role}>: it belongs to an app or to boosters.")
TOLD_SECONDS: Final = 24 * 3600  # an owner is told of the same trouble once a day
LONGEST_VALUE: Final = 100

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Bought:
    """What opening an order brought: the names of roles given now, and whether other accounts hold the order."""

    given: tuple[str, ...] = ()
    held_by_others: bool = False


class Buyers:
    """Gives roles to buyers and takes them back."""

    def __init__(self, bot: commands.Bot, storage: Storage, cards: Cards) -> None:
        self._bot = bot
        self._storage = storage
        self._cards = cards
        self._told: TTLCache[tuple[int, int, str], bool] = TTLCache(10_000, TOLD_SECONDS)
        self._seen: LRUCache[tuple[int, Match, str], bool] = LRUCache(50_000)

    async def opened(
        self, member: discord.Member, server: Server, reference: OrderReference, order: Order, words: Words
    ) -> Bought:
        """Give a member the roles that their order brings.

        Raises:
            OrderHeldByOthers: it counts for as many other accounts as it may, and the owner wants it refused then.
        """
        if not server.options.buyers_roles or not order.asset_count:
            return Bought()
        try:
            await self._see(server, order)
            claim = await self._storage.claims.claim(
                server.guild_id,
                member.id,
                reference,
                order_label(order, words),
                accounts=server.options.accounts_per_order,
            )
            if claim is None:
                if server.options.later_accounts is LaterAccounts.REFUSE:
                    raise OrderHeldByOthers
                return Bought(held_by_others=True)
            wanted = roles_for(order, server.options.rules)
            given = await self._give(member, server, wanted)
            if not set(wanted) <= set(claim.role_ids):
                await self._storage.claims.granted(claim.id, {*claim.role_ids, *wanted})
        except StorageUnavailable:
            log.warning("roles_not_given", guild_id=server.guild_id, reason="database_away")
            return Bought()
        return Bought(tuple(role.name for role in map(member.guild.get_role, given) if role is not None))

    async def restore(self, member: discord.Member, server: Server) -> tuple[int, ...]:
        """Give a member who came back the roles of the orders that count for them; return those given now."""
        if not server.options.buyers_roles:
            return ()
        claims = await self._storage.claims.of_person(server.guild_id, member.id)
        ruled = {role for rule in server.options.rules for role in rule.role_ids}
        return await self._give(member, server, [role for claim in claims for role in claim.role_ids if role in ruled])

    async def take_back(self, server: Server, person_id: int, role_ids: Iterable[int]) -> bool:
        """Take roles from an account; return whether all are gone, as also where the person has left."""
        taken = True
        for role_id in role_ids:
            try:
                await self._bot.http.remove_role(server.guild_id, person_id, role_id)
            except discord.NotFound:
                continue
            except discord.Forbidden:
                taken = False
                await self._tell(server, role_id, NO_MANAGE_ROLES)
            except discord.HTTPException as error:
                taken = False
                log.warning("role_not_taken", guild_id=server.guild_id, status=error.status)
        return taken

    async def _give(self, member: discord.Member, server: Server, wanted: Iterable[int]) -> tuple[int, ...]:
        had = {role.id for role in member.roles}
        given = []
        for role_id in dict.fromkeys(role for role in wanted if role not in had):
            trouble = why_not(member.guild, role_id)
            if trouble is None:
                try:
                    await member.add_roles(discord.Object(role_id), reason="Bought in the store")
                except discord.NotFound:
                    trouble = ROLE_GONE
                except discord.Forbidden:
                    trouble = ROLE_ABOVE
                except discord.HTTPException as error:  # the next look at the order tries again
                    log.warning("role_not_given", guild_id=server.guild_id, status=error.status)
                    continue
            if trouble is None:
                given.append(role_id)
            else:
                await self._tell(server, role_id, trouble)
        return tuple(given)

    async def _tell(self, server: Server, role_id: int, trouble: str) -> None:
        """Tell the owner, in the log channel, why a role could not be given; the same only once a day."""
        key = (server.guild_id, role_id, trouble)
        if key in self._told:
            return
        self._told[key] = True
        log.warning("role_refused", guild_id=server.guild_id)
        words = self._cards.words(server.guild_id)
        await self._cards.log(server, "⚠️ " + words.gettext(trouble, role=role_id))

    async def _see(self, server: Server, order: Order) -> None:
        """Keep what the owner's rules could look at, for the suggestions of /store roles add."""
        new = [
            product
            for line in order.lines
            for product in seen_in(line.product)
            if (server.guild_id, product.match, product.value) not in self._seen
        ]
        if new:
            await self._storage.claims.see(server.guild_id, new)
            self._seen.update({(server.guild_id, product.match, product.value): True for product in new})


def roles_for(order: Order, rules: Iterable[RoleRule]) -> list[int]:
    """Return the roles that an order with files brings; none for one without."""
    if not order.asset_count:
        return []
    bought = {(product.match, product.value) for line in order.lines for product in seen_in(line.product)}
    return list(
        dict.fromkeys(
            role
            for rule in rules
            if rule.match is Match.ANY_ORDER or (rule.match, rule.value) in bought
            for role in rule.role_ids
        )
    )


def seen_in(product: Product) -> Iterator[SeenProduct]:
    """Return what a rule can look at in a product."""
    name = product.name or ""
    whole = f"{name} — {product.variant_name}" if product.variant_name else name
    values = [
        (Match.PRODUCT_ID, product.product_id, name),
        (Match.VARIANT_ID, product.variant_id, whole),
        (Match.SKU, product.sku, f"{product.sku} ({whole})"),
        (Match.VENDOR, product.vendor, product.vendor),
        *((Match.TAG, tag, tag) for tag in product.tags),
    ]
    for match, value, label in values:
        if value and len(value) <= LONGEST_VALUE:
            yield SeenProduct(match, value, (label or value)[:LONGEST_VALUE])


def why_not(guild: discord.Guild, role_id: int) -> str | None:
    """Return the sentence that says why the bot cannot give a role, or None where it can."""
    role = guild.get_role(role_id)
    if role is None or role.is_default():
        return ROLE_GONE
    if role.managed:
        return ROLE_MANAGED
    if not guild.me.guild_permissions.manage_roles:
        return NO_MANAGE_ROLES
    return ROLE_ABOVE if role >= guild.me.top_role else None
