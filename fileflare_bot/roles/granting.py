"""Gives the roles that orders bring, by claims, and takes them back."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from weakref import WeakValueDictionary

import discord
import structlog
from discord.ext import commands

from fileflare_bot.background import soon, soon_or
from fileflare_bot.discord_errors import (
    FAILURES,
    UNKNOWN_MEMBER,
    UNKNOWN_ROLE,
    UNKNOWN_USER,
    code_of,
    is_passing,
    name_of,
)
from fileflare_bot.i18n import N_, Translator
from fileflare_bot.modlog import ModLog
from fileflare_bot.orders.diagnosis import Kind
from fileflare_bot.orders.labels import order_label
from fileflare_bot.orders.models import Order
from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.refusal import Refusal
from fileflare_bot.roles.rights import ROLE_ABOVE, ROLE_GONE, ROLE_MANAGED, check_may_give, why_not
from fileflare_bot.roles.rules import products_in, properties_in, roles_for
from fileflare_bot.storage.errors import NOBODY, StorageUnavailable
from fileflare_bot.storage.options import LaterAccounts
from fileflare_bot.storage.records import Claim, GrantState, GuildSettings, NewNote, ShownClaim
from fileflare_bot.storage.storage import Storage

MOST_ROUNDS: Final = 5
HAS_LEFT: Final = {UNKNOWN_MEMBER, UNKNOWN_USER}

INSTEAD_OF_MOVING: Final = N_(
    "**Press Release instead, and have the customer open the order in this server with /mydownloads.** Moving it takes "
    "Manage Roles and a role above {role}: somebody who has both can press **Move**."
)

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ClaimChange:
    """A claim as it was before it was released or moved, and the roles that its user has lost and kept with that.

    ``settled`` says that Discord has confirmed all of it.
    """

    claim: Claim
    lost: list[int]
    kept: list[int]
    settled: bool


class OrderHeldByOthers(Refusal):
    """Raised when an order already counts for as many other users in this guild as the owner allows."""

    sentence = N_(
        "**This order is already in use by another account here.** If it is yours, press **{help}**, "
        "and a moderator will move it to you."
    )
    outcome = "held_by_others"
    finding = Kind.HELD_BY_OTHERS


class OrderFreeLater(Refusal):
    """Raised instead of OrderHeldByOthers while the order is kept back because its user had their data deleted."""

    sentence = N_(
        "**This order takes no further account until {when}.** It counted for an account, perhaps yours, that had "
        "its data deleted. Its place is kept for 90 days, so that nobody passes the order on. Is it "
        "yours? Your files are on the store's order page, and with **{help}** a moderator can give the order back to "
        "you sooner."
    )
    outcome = "free_later"
    finding = Kind.HELD_BY_OTHERS

    def __init__(self, free_from: datetime) -> None:
        super().__init__(when=discord.utils.format_dt(free_from, "D"))


class NotInServer(Refusal):
    """Raised when a claim is moved to somebody who is no member of the guild."""

    sentence = N_("**They are not in this server, so I have changed nothing:** an order counts for members only.")


@dataclass(frozen=True, slots=True)
class Grant:
    """The result of opening an order: the names of the roles just given, and whether others have claimed the order.

    ``free_from`` is when the order can be claimed again, if it is kept back because its user had their data deleted.
    ``in_server`` says that it was opened in a direct message, and would count, and bring a role, in the guild.
    """

    given: tuple[str, ...] = ()
    held_by_others: bool = False
    free_from: datetime | None = None
    in_server: bool = False


class BuyerRoles:
    """Gives roles to buyers and takes them back."""

    def __init__(self, bot: commands.AutoShardedBot, storage: Storage, modlog: ModLog) -> None:
        self._bot = bot
        self._guilds = storage.guilds
        self._claims = storage.claims
        self._grants = storage.role_grants
        self._modlog = modlog
        self._locks: WeakValueDictionary[tuple[int, int], asyncio.Lock] = WeakValueDictionary()

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
            OrderHeldByOthers, OrderFreeLater: the guild's limit is reached, and the owner chose to refuse the order
                then.
        """
        if not isinstance(user, discord.Member) or self._bot.get_guild(settings.guild_id) is None:
            return Grant()
        if not settings.options.buyers_roles or not order.asset_count:
            return Grant()
        options = settings.options
        try:
            claim = await self._claims.claim(
                settings.guild_id,
                user.id,
                reference,
                order_label(order, translator),
                accounts=options.accounts_per_order,
                role_ids=roles_for(order, options),
                held=self._role_ids(user),
                products=products_in(order),
                properties=properties_in(order, options.product_ids),
            )
        except StorageUnavailable:
            log.warning("roles_not_given", guild_id=settings.guild_id, reason="database_away")
            return Grant()
        if claim is None:
            return await self._not_granted(settings, reference)
        given = await soon_or([], self.settle(settings.guild_id, user.id))
        return Grant(tuple(role.name for role in map(user.guild.get_role, given) if role is not None))

    async def elsewhere(self, user_id: int, guild_id: int, reference: OrderReference, order: Order) -> Grant:
        """Return what comes of opening an order of a guild in a direct message, where it counts for nobody."""
        try:
            options = (await self._guilds.load(guild_id)).options
            if not options.buyers_roles or not roles_for(order, options):
                return Grant()
            holders = [claim.user_id for claim in await self._claims.of_order(guild_id, reference)]
        except StorageUnavailable:
            return Grant()
        return Grant(in_server=user_id not in holders and len(holders) < options.accounts_per_order)

    async def restore(self, member: discord.Member, settings: GuildSettings) -> tuple[list[int], bool]:
        """Give a member the missing roles of their claims; return those just given, and whether that is all.

        Raises:
            StorageUnavailable: the database does not answer.
        """
        if not settings.options.buyers_roles:
            return [], True
        ruled = settings.options.buyers_role_ids
        await self._claims.restore(settings.guild_id, member.id, ruled, held=self._role_ids(member))
        given = await soon_or([], self.settle(settings.guild_id, member.id))
        return given, await self.is_settled(settings.guild_id, member.id)

    async def lost_and_kept(self, guild_id: int, shown: ShownClaim) -> tuple[list[int], list[int]]:
        """Return the roles that its user loses without a claim, and those that another claim of theirs brings, too."""
        if shown.user_id is None:
            return [], []
        theirs = await self._claims.of_user(guild_id, shown.user_id)
        others = {role for claim in theirs if claim.id != shown.id for role in claim.role_ids}
        given = {role for claim in theirs if claim.id == shown.id for role in claim.given_role_ids}
        return sorted(given - others), sorted(given & others)

    async def held(self, guild_id: int, user_id: int) -> set[int] | None:
        """Return the roles that a member has now, or None if Discord does not say.

        Raises:
            NotInServer: the user is no member.
        """
        try:
            member = await self._bot.http.get_member(guild_id, user_id)
        except FAILURES as error:
            if code_of(error) in HAS_LEFT:
                raise NotInServer from None
            log.info("member_not_read", guild_id=guild_id, error=name_of(error))
            return None
        return {int(role) for role in member["roles"]}

    async def release(
        self, guild_id: int, shown: ShownClaim, moderator_id: int, *, number: int | None = None
    ) -> ClaimChange:
        """Delete a claim and revoke its roles that no other claim of its user brings.

        ``number`` is that of the ticket on whose card it was done.

        Raises:
            NoSuchClaim: the guild has no such claim, or another user holds it.
        """
        translator = await self._modlog.translator(guild_id)
        said = translator.gettext("{who} has released the order.", who=f"<@{moderator_id}>")
        note = NewNote(f"🔓 {said}", "taken")
        lost, kept = await self.lost_and_kept(guild_id, shown)
        claim = await self._claims.release(guild_id, shown, moderator_id, number=number, note=note)
        return ClaimChange(claim, lost, kept, settled=await self._changed(claim))

    async def move(
        self, shown: ShownClaim, moderator: discord.Member, to: int, *, number: int | None = None
    ) -> ClaimChange:
        """Move a claim to another user, with its roles; its user before keeps those that another claim brings.

        ``number`` is that of the ticket on whose card it was done.

        Raises:
            HeldByThem: it is that user's already.
            MayNotGive: the moderator may not give its roles.
            NotInServer: the other user is no member of the guild.
            NoSuchClaim: the guild has no such claim, or another user holds it.
        """

        def check(claim: Claim) -> None:
            check_may_give(moderator, claim.role_ids, INSTEAD_OF_MOVING)

        guild_id = moderator.guild.id
        held = await self.held(guild_id, to)  # an order counts for members only
        translator = await self._modlog.translator(guild_id)
        before = translator.gettext(NOBODY) if shown.user_id is None else f"<@{shown.user_id}>"
        said = translator.gettext(
            "{who} has moved the order from {before} to {to}.", who=f"<@{moderator.id}>", before=before, to=f"<@{to}>"
        )
        note = NewNote(f"➡️ {said}", "taken")
        lost, kept = await self.lost_and_kept(guild_id, shown)
        claim = await self._claims.move(guild_id, shown, moderator.id, to, check, held=held, number=number, note=note)
        return ClaimChange(claim, lost, kept, settled=await self._changed(claim, to))

    async def settle(self, guild_id: int, user_id: int) -> list[int]:
        """Give and revoke what is due for a user, and return the roles just given; the rest is tried again later.

        Raises:
            StorageUnavailable: the database does not answer.
        """
        given: list[int] = []
        async with self._locks.setdefault((guild_id, user_id), asyncio.Lock()):
            for _ in range(MOST_ROUNDS):  # what changes during a round is due in the next
                due = await self._grants.due(guild_id, user_id)
                for role_id, state in due.items():
                    if state is GrantState.REVOKING:
                        await self._revoke(guild_id, user_id, role_id)
                    elif await self._give(guild_id, user_id, role_id, state):
                        given.append(role_id)
                if not due:
                    break
        return given

    async def is_settled(self, guild_id: int, user_id: int) -> bool:
        """Return whether all of a user's roles are known to be as they should be."""
        try:
            return await self._grants.is_settled(guild_id, user_id)
        except StorageUnavailable:  # what was decided is stored, so this is no refusal
            return False

    async def _changed(self, claim: Claim, to: int | None = None) -> bool:
        """Settle the roles of a claim's users, and return whether they are settled."""
        users = [user_id for user_id in (claim.user_id, to) if user_id is not None]
        settling = [self.settle(claim.guild_id, user_id) for user_id in users]
        await soon(*settling, self._modlog.post_lines(claim.guild_id))
        return all([await self.is_settled(claim.guild_id, user_id) for user_id in users])

    async def _not_granted(self, settings: GuildSettings, reference: OrderReference) -> Grant:
        """Return or raise why an order does not count for a user: others hold it, or it is kept back for now."""
        try:
            accounts = settings.options.accounts_per_order
            free_from = await self._claims.free_from(settings.guild_id, reference, accounts)
        except StorageUnavailable:
            free_from = None
        if settings.options.later_accounts is LaterAccounts.REFUSE:
            raise OrderHeldByOthers if free_from is None else OrderFreeLater(free_from)
        return Grant(held_by_others=True, free_from=free_from)

    async def _give(self, guild_id: int, user_id: int, role_id: int, state: GrantState) -> bool:
        """Give a role, unless the user holds it already; return whether the bot gave it."""
        try:
            if state is GrantState.WANTED:
                member = await self._bot.http.get_member(guild_id, user_id)
                held = str(role_id) in member["roles"]
                if not await self._grants.begin(guild_id, user_id, role_id, held=held):
                    return False
            guild = self._guild(guild_id)
            if guild is None:  # nobody knows which powers the role has
                await self._grants.postponed(guild_id, user_id, role_id, refused=False)
                return False
            trouble = why_not(guild, role_id)
            if trouble is None:
                await self._bot.http.add_role(guild_id, user_id, role_id, reason="Bought in the store")
        except FAILURES as error:
            log.warning("role_not_given", guild_id=guild_id, error=name_of(error))
            if code_of(error) in HAS_LEFT:
                await self._grants.given_up(guild_id, user_id, role_id)
                return False
            trouble = ROLE_GONE if code_of(error) == UNKNOWN_ROLE else ROLE_ABOVE
            if trouble == ROLE_ABOVE and not isinstance(error, discord.Forbidden):
                await self._grants.postponed(guild_id, user_id, role_id, refused=not is_passing(error))
                return False
        if trouble is None:
            return await self._grants.given(guild_id, user_id, role_id)
        if trouble in {ROLE_GONE, ROLE_MANAGED}:
            await self._grants.given_up(guild_id, user_id, role_id)
        else:
            await self._grants.postponed(guild_id, user_id, role_id, refused=True)
        await self._tell_owner(guild_id, role_id, trouble)
        return False

    async def _revoke(self, guild_id: int, user_id: int, role_id: int) -> None:
        try:
            await self._bot.http.remove_role(guild_id, user_id, role_id, reason="The order does not count any more")
        except FAILURES as error:
            if code_of(error) not in {*HAS_LEFT, UNKNOWN_ROLE}:
                log.warning("role_not_revoked", guild_id=guild_id, error=name_of(error))
                await self._grants.postponed(guild_id, user_id, role_id, refused=not is_passing(error))
                if isinstance(error, discord.Forbidden):
                    guild = self._guild(guild_id)
                    await self._tell_owner(guild_id, role_id, (guild and why_not(guild, role_id)) or ROLE_ABOVE)
                return
        await self._grants.revoked(guild_id, user_id, role_id)

    def _guild(self, guild_id: int) -> discord.Guild | None:
        """Return a guild with its roles, or None while Discord has not told the bot about it."""
        guild = self._bot.get_guild(guild_id)
        return None if guild is None or guild.unavailable or guild.me is None else guild

    def _role_ids(self, member: discord.Member) -> set[int] | None:
        """Return a member's roles, or None while their guild is not known: discord.py drops those it cannot look up."""
        return None if self._guild(member.guild.id) is None else {role.id for role in member.roles}

    async def _tell_owner(self, guild_id: int, role_id: int, trouble: str) -> None:
        """Post into the log channel why a role could not be given or revoked, once a day for each reason."""
        translator = await self._modlog.translator(guild_id)
        await self._modlog.warn_once_a_day(guild_id, translator.gettext(trouble, role=role_id))
