"""Buyers' roles: which roles an order brings, claims, and why a role could not be given."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import discord
import structlog
from cachetools import LRUCache, TTLCache
from discord.ext import commands

from fileflare_bot.i18n import N_, Translator
from fileflare_bot.modlog import ModLog
from fileflare_bot.orders.diagnosis import Kind
from fileflare_bot.orders.labels import order_label
from fileflare_bot.orders.models import Order, Product
from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.refusal import Refusal
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.options import MOST_RULES, LaterAccounts, Match, RoleRule
from fileflare_bot.storage.records import Action, Claim, GuildSettings, SeenProduct
from fileflare_bot.storage.storage import Storage

ROLE_GONE: Final = N_(
    "The role <@&{role}> for buyers does not exist any more: remove its rule with /store roles remove."
)
ROLE_ABOVE: Final = N_(
    "I may not give the role <@&{role}>: it is above mine. In Server Settings > Roles, drag my role above it."
)
NO_MANAGE_ROLES: Final = N_("I may not give the role <@&{role}>: I lack the permission Manage Roles.")
ROLE_MANAGED: Final = N_("Nobody can give the role <@&{role}>: it belongs to an app or to boosters.")
TOLD_SECONDS: Final = 24 * 3600  # the log channel gets the same warning once a day
LONGEST_VALUE: Final = 100  # characters of a value that a rule matches

log = structlog.stdlib.get_logger(__name__)


class OrderHeldByOthers(Refusal):
    """Raised when an order already counts for as many other users in this guild as the owner allows."""

    sentence = N_(
        "**This order is already in use by another account here.** If it is yours, press **{help}**, "
        "and a moderator will move it to you."
    )
    outcome = "held_by_others"
    finding = Kind.HELD_BY_OTHERS


class NoSuchRule(Refusal):
    """Raised when a rule for buyers' roles lacks its value, or its number is not on the list."""

    sentence = N_(
        "**That rule is not complete, or not on the list.** Name what an order must have; /store roles list helps."
    )
    outcome = "no_such_rule"


class TooManyRules(Refusal):
    """Raised when a guild has the largest allowed number of rules for buyers' roles."""

    sentence = N_("**There are 25 rules already.** Remove one first.")
    outcome = "too_many_rules"


@dataclass(frozen=True, slots=True)
class Grant:
    """The result of opening an order: the names of the roles just given, and whether others have claimed the order."""

    given: tuple[str, ...] = ()
    held_by_others: bool = False


class BuyerRoles:
    """Gives roles to buyers and takes them back."""

    def __init__(self, bot: commands.Bot, storage: Storage, modlog: ModLog) -> None:
        self._bot = bot
        self._storage = storage
        self._modlog = modlog
        self._told: TTLCache[tuple[int, int, str], bool] = TTLCache(10_000, TOLD_SECONDS)
        self._seen: LRUCache[tuple[int, Match, str], bool] = LRUCache(50_000)

    async def grant(
        self,
        user: discord.User | discord.Member,
        settings: GuildSettings,
        reference: OrderReference,
        order: Order,
        translator: Translator,
    ) -> Grant:
        """Claim an order for a member, and give them the roles that it brings.

        Raises:
            OrderHeldByOthers: the guild's limit is reached, and the owner chose to refuse the order then.
        """
        if not isinstance(user, discord.Member) or user.guild.me is None:  # not in a guild that the bot is in
            return Grant()
        if not settings.options.buyers_roles or not order.asset_count:
            return Grant()
        try:
            await self._store_values(settings.guild_id, order)
            claim = await self._storage.claims.claim(
                settings.guild_id,
                user.id,
                reference,
                order_label(order, translator),
                accounts=settings.options.accounts_per_order,
            )
            if claim is None:
                if settings.options.later_accounts is LaterAccounts.REFUSE:
                    raise OrderHeldByOthers
                return Grant(held_by_others=True)
            given = await self._give_for(claim, user, roles_for(order, settings.options.rules))
        except StorageUnavailable:
            log.warning("roles_not_given", guild_id=settings.guild_id, reason="database_away")
            return Grant()
        return Grant(tuple(role.name for role in map(user.guild.get_role, given) if role is not None))

    async def _give_for(self, claim: Claim, member: discord.Member, wanted: Sequence[int]) -> tuple[int, ...]:
        """Give a claim's roles; store those that the member has from us, never one that they had by other means.

        If the claim was released or moved meanwhile, take them back.
        """
        given = await self._give(member, wanted)
        if not given and set(wanted) <= set(claim.role_ids):
            return ()
        claims = await self._storage.claims.of_user(claim.guild_id, member.id)
        ours = {role for other in claims for role in other.role_ids}
        brought = {*given, *ours.intersection(wanted)}
        if await self._storage.claims.granted(claim, brought):
            return given
        await self._revoke(claim, set(given) - ours)
        return ()

    async def restore(self, member: discord.Member, settings: GuildSettings) -> tuple[int, ...]:
        """Give a member the missing roles of their claims; return the IDs of the roles just given."""
        if not settings.options.buyers_roles:
            return ()
        claims = await self._storage.claims.of_user(settings.guild_id, member.id)
        ruled = {role for rule in settings.options.rules for role in rule.role_ids}
        return await self._give(member, [role for claim in claims for role in claim.role_ids if role in ruled])

    async def release(self, guild_id: int, claim_id: int, moderator_id: int) -> bool:
        """Delete a claim and remove its roles; return whether all of them are gone.

        Raises:
            NoSuchClaim: the guild has no such claim.
        """
        claim, roles = await self._storage.claims.release(guild_id, claim_id, moderator_id)
        await self._modlog.announce(guild_id, Action.RELEASED_CLAIM, moderator_id)
        return await self._revoke(claim, roles)

    async def move(self, guild_id: int, claim_id: int, moderator_id: int, to: int) -> bool:
        """Move a claim to another user and remove its roles; return whether all of them are gone.

        The other user gets them by opening the order or restoring their roles.

        Raises:
            HeldByThem: it is that user's already.
            NoSuchClaim: the guild has no such claim.
        """
        claim, roles = await self._storage.claims.move(guild_id, claim_id, moderator_id, to)
        await self._modlog.announce(guild_id, Action.MOVED_CLAIM, moderator_id)
        return await self._revoke(claim, roles)

    async def _revoke(self, claim: Claim, role_ids: Iterable[int]) -> bool:
        """Remove roles from a claim's user; return whether all are gone, which they are if the user has left."""
        revoked = True
        for role_id in role_ids:
            try:
                await self._bot.http.remove_role(claim.guild_id, claim.user_id, role_id)
            except discord.NotFound:
                continue
            except discord.Forbidden:
                revoked = False
                await self._tell_owner(claim.guild_id, role_id, NO_MANAGE_ROLES)
            except discord.HTTPException as error:
                revoked = False
                log.warning("role_not_taken", guild_id=claim.guild_id, status=error.status)
        return revoked

    async def _give(self, member: discord.Member, wanted: Iterable[int]) -> tuple[int, ...]:
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
                except discord.HTTPException as error:  # opening the order again retries
                    log.warning("role_not_given", guild_id=member.guild.id, status=error.status)
                    continue
            if trouble is None:
                given.append(role_id)
            else:
                await self._tell_owner(member.guild.id, role_id, trouble)
        return tuple(given)

    async def _tell_owner(self, guild_id: int, role_id: int, trouble: str) -> None:
        """Post into the log channel why a role could not be given, once a day for each reason."""
        key = (guild_id, role_id, trouble)
        if key in self._told:
            return
        self._told[key] = True
        log.warning("role_refused", guild_id=guild_id)
        translator = self._modlog.translator(guild_id)
        await self._modlog.post(guild_id, "⚠️ " + translator.gettext(trouble, role=role_id))

    async def _store_values(self, guild_id: int, order: Order) -> None:
        """Store the values of an order that rules can match, as suggestions for /store roles add."""
        new = [
            product
            for line in order.lines
            for product in seen_in(line.product)
            if (guild_id, product.match, product.value) not in self._seen
        ]
        if new:
            await self._storage.claims.see(guild_id, new)
            self._seen.update({(guild_id, product.match, product.value): True for product in new})


def with_rule(rules: tuple[RoleRule, ...], match: Match, value: str, role_ids: Iterable[int]) -> tuple[RoleRule, ...]:
    """Return the rules with a new one at the end.

    Raises:
        NoSuchRule: the match needs a value.
        TooManyRules: there are 25 already.
    """
    if match is not Match.ANY_ORDER and not value.strip():
        raise NoSuchRule
    if len(rules) >= MOST_RULES:
        raise TooManyRules
    value = "" if match is Match.ANY_ORDER else value
    return (*rules, RoleRule(match=match, value=value, role_ids=tuple(dict.fromkeys(role_ids))))


def without_rule(rules: tuple[RoleRule, ...], number: int) -> tuple[RoleRule, tuple[RoleRule, ...]]:
    """Return rule ``number``, counted from 1, and the others.

    Raises:
        NoSuchRule: no rule has that number.
    """
    if number > len(rules):
        raise NoSuchRule
    return rules[number - 1], (*rules[: number - 1], *rules[number:])


def roles_for(order: Order, rules: Iterable[RoleRule]) -> list[int]:
    """Return the IDs of the roles that an order brings; none for an order without files."""
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
    """Yield the values of a product that a rule can match."""
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
    """Return the sentence why the bot cannot give a role, or None if it can."""
    role = guild.get_role(role_id)
    if role is None or role.is_default():
        return ROLE_GONE
    if role.managed:
        return ROLE_MANAGED
    if not guild.me.guild_permissions.manage_roles:
        return NO_MANAGE_ROLES
    return ROLE_ABOVE if role >= guild.me.top_role else None
