"""The leak guard: a Discord AutoMod rule that blocks order links and IDs before anybody can read them.

Discord checks the messages, so the bot need not read any. The bot recreates the rule when somebody deletes it, repairs
it when somebody changes it, and deletes it when the owner switches the leak guard off. If somebody goes on changing it,
the bot gives up and says so.
"""

import asyncio
import contextlib
import time
from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final
from weakref import WeakValueDictionary

import discord
import structlog
from cachetools import LRUCache
from discord.ext import commands

from fileflare_bot.discord_errors import FAILURES, is_passing, name_of
from fileflare_bot.i18n import N_
from fileflare_bot.modlog import ModLog
from fileflare_bot.orders.leaks import PATTERNS
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.records import GuildSettings
from fileflare_bot.storage.storage import Storage

BLOCK: Final = discord.AutoModRuleActionType.block_message
KEYWORD: Final = discord.AutoModRuleTriggerType.keyword
MOST_KEYWORD_RULES: Final = 6  # in a guild: discord.com/developers/docs/resources/auto-moderation
RULE_NAME: Final = "Order links (Fileflare bot)"
LONGEST_MESSAGE: Final = 150  # characters of AutoMod's message to the author
MOST_EXEMPT_ROLES: Final = 20
REPAIRS_AN_HOUR: Final = 5  # more often, somebody does it on purpose
HOUR_SECONDS: Final = 3600
MINUTE_SECONDS: Final = 60.0
GAVE_UP: Final = N_(
    "**The leak guard has stopped.** Somebody changed or deleted its rule again and again, so I no longer put it back. "
    "The server's audit log shows who. To put the rule back, press Check in /store setup."
)

log = structlog.stdlib.get_logger(__name__)


class GuardState(Enum):
    """The state of a guild's leak guard."""

    OFF = auto()
    ON = auto()
    PENDING = auto()  # the setting is stored, and the reconciler brings the rule in line
    NO_PERMISSION = auto()
    NO_ROOM = auto()
    REFUSED = auto()
    GAVE_UP = auto()  # somebody changed or deleted the rule too often


@dataclass(slots=True)
class _Minute:
    """The messages of a guild that were blocked within a minute, and the line that tells of them."""

    began: float
    first: dict[str, str]  # by whom, and where
    blocked: int = 0
    told: int = 0
    line: discord.Message | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class LeakGuard:
    """Keeps each guild's AutoMod rule as its settings say; one change of a guild's rule waits for the one before.

    A change of the settings makes the rule due in its own transaction, and it stays due until the rule is as wanted.
    While the database is away, each call that needs it raises StorageUnavailable, but not ensure().
    """

    def __init__(self, bot: commands.AutoShardedBot, storage: Storage, modlog: ModLog) -> None:
        self._bot = bot
        self._guilds = storage.guilds
        self._modlog = modlog
        self._repairs: LRUCache[int, deque[float]] = LRUCache(10_000)
        self._failed: dict[int, GuardState] = {}  # guilds, until their rule is in place again
        self._minutes: LRUCache[int, _Minute] = LRUCache(10_000)
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def ensure(self, guild: discord.Guild) -> GuardState:
        """Create, repair or delete a guild's rule as its settings say, and return the resulting state.

        Whatever fails is tried again later.
        """
        try:
            return await self._settle(guild)
        except StorageUnavailable:
            log.warning("leak_guard_unknown", guild_id=guild.id)
            return GuardState.PENDING

    async def settle(self, guild_id: int) -> None:
        """Do what ensure() does, for a guild that this process serves; do nothing for any other."""
        guild = self._bot.get_guild(guild_id)
        if guild is not None and not guild.unavailable and guild.me is not None:
            await self._settle(guild)

    def failed(self, guild_id: int) -> GuardState | None:
        """Return what keeps a guild's rule from being in place; None if nothing does, or nobody has tried yet."""
        return self._failed.get(guild_id)

    async def repair(self, guild: discord.Guild, rule_id: int) -> None:
        """Repair the rule after a change or deletion, a few times an hour at most; then say once that this is over."""
        async with self._lock(guild.id):
            settings = await self._guilds.load(guild.id)
            if settings.options.leak_guard and settings.leak_rule_id == rule_id:
                await self._repair(guild, settings)

    async def blocked(self, execution: discord.AutoModAction) -> None:
        """Post a line about a blocked message, without its text; those of the next minute are counted in it."""
        settings = await self._guilds.load(execution.guild_id)
        guild_id = settings.guild_id
        if settings.leak_rule_id != execution.rule_id or execution.action.type is not BLOCK:
            return
        log.info("leak_stopped", guild_id=guild_id)
        translator, now = await self._modlog.translator(guild_id), time.monotonic()
        minute = self._minutes.get(guild_id)
        if minute is None or now - minute.began >= MINUTE_SECONDS:
            first = {"who": f"<@{execution.user_id}>", "where": f"<#{execution.channel_id}>"}
            minute = self._minutes[guild_id] = _Minute(now, first)
        minute.blocked += 1
        async with minute.lock:
            if minute.told == 0:
                minute.told = 1
                text = translator.gettext(
                    "I stopped a message of {who} in {where}: it held an order link or an order ID.", **minute.first
                )
                minute.line = await self._modlog.warn(guild_id, f"🛡️ {text}")
            if minute.told < minute.blocked and minute.line is not None:
                minute.told = minute.blocked
                text = translator.gettext(
                    "I stopped {count} messages within a minute: they held order links or order IDs. The first one was "
                    "of {who} in {where}.",
                    count=translator.number(minute.blocked),
                    **minute.first,
                )
                await self._modlog.change(minute.line, f"🛡️ {text}")

    def _lock(self, guild_id: int) -> asyncio.Lock:
        return self._locks.setdefault(guild_id, asyncio.Lock())

    async def _settle(self, guild: discord.Guild) -> GuardState:
        async with self._lock(guild.id):
            settings = await self._guilds.load(guild.id)
            try:
                state = await self._bring_in_line(guild, settings)
            except FAILURES as error:
                state = await self._why(guild, error)
            return await self._ended(settings, state)

    async def _ended(self, settings: GuildSettings, state: GuardState) -> GuardState:
        """Record the outcome of a try to bring a guild's rule in line, and return it."""
        if state in {GuardState.ON, GuardState.OFF}:
            self._failed.pop(settings.guild_id, None)
            await self._guilds.leak_guard_settled(settings)
        else:
            self._failed[settings.guild_id] = state
            await self._guilds.leak_guard_postponed(settings.guild_id)
        return state

    async def _bring_in_line(self, guild: discord.Guild, settings: GuildSettings) -> GuardState:
        may = guild.me.guild_permissions.manage_guild
        if settings.options.leak_guard:
            if not may:
                return GuardState.NO_PERMISSION
            await self._keep(guild, settings)
            return GuardState.ON
        # A rule that is not known can only be there if a change is due: its creation may not have been confirmed.
        if settings.leak_rule_id is not None or (may and await self._guilds.leak_guard_pending(guild.id)):
            await self._delete(guild, settings)
        return GuardState.OFF

    async def _why(self, guild: discord.Guild, error: Exception) -> GuardState:
        """Return the state that a failed call leaves."""
        log.warning("leak_guard_refused", guild_id=guild.id, error=name_of(error))
        if is_passing(error):
            return GuardState.PENDING
        if isinstance(error, discord.Forbidden):
            return GuardState.NO_PERMISSION
        try:
            rules = await guild.fetch_automod_rules()
        except FAILURES:
            return GuardState.REFUSED
        full = sum(rule.trigger.type is KEYWORD for rule in rules) >= MOST_KEYWORD_RULES
        return GuardState.NO_ROOM if full else GuardState.REFUSED

    async def _repair(self, guild: discord.Guild, settings: GuildSettings) -> None:
        repairs = self._repairs.setdefault(guild.id, deque(maxlen=REPAIRS_AN_HOUR))
        now = time.monotonic()
        too_often = len(repairs) == REPAIRS_AN_HOUR and now - repairs[0] < HOUR_SECONDS
        try:
            differs = await self._keep(guild, settings, only_look=too_often)
        except FAILURES as error:
            await self._ended(settings, await self._why(guild, error))
            return
        if differs and too_often:
            if self.failed(guild.id) is not GuardState.GAVE_UP:
                await self._give_up(guild)
            return
        await self._ended(settings, GuardState.ON)
        if not differs:
            return
        repairs.append(now)
        log.info("leak_guard_repaired", guild_id=guild.id)
        translator = await self._modlog.translator(guild.id)
        text = translator.gettext(
            "Somebody changed the rule of the leak guard, so I put it back. To switch it off, use /store setup."
        )
        await self._modlog.warn(guild.id, f"🛡️ {text}")

    async def _give_up(self, guild: discord.Guild) -> None:
        self._failed[guild.id] = GuardState.GAVE_UP
        log.warning("leak_guard_given_up", guild_id=guild.id)
        text = (await self._modlog.translator(guild.id)).gettext(GAVE_UP)
        await self._modlog.alert(guild, f"🛡️ {text}")

    async def _keep(self, guild: discord.Guild, settings: GuildSettings, *, only_look: bool = False) -> bool:
        """Create or update the rule, unless this is only to look; return whether anything has to change."""
        message = (await self._modlog.translator(guild.id)).gettext(
            "Everybody who sees that can open your files. Type / and choose mydownloads from Discord's list: only you "
            "see the answer."
        )
        roles = settings.moderator_role_ids if settings.options.leak_guard_spares_moderators else ()
        exempt = [discord.Object(role) for role in roles if guild.get_role(role) is not None][:MOST_EXEMPT_ROLES]
        trigger = discord.AutoModTrigger(type=KEYWORD, regex_patterns=[*PATTERNS])
        actions = [discord.AutoModRuleAction(type=BLOCK, custom_message=message[:LONGEST_MESSAGE])]
        rule = await self._rule(guild, settings)
        if rule is None:
            if only_look:
                return True
            made = await guild.create_automod_rule(
                name=RULE_NAME,
                event_type=discord.AutoModRuleEventType.message_send,
                trigger=trigger,
                actions=actions,
                enabled=True,
                exempt_roles=exempt,
                reason="Leak guard",
            )
            await self._guilds.set_leak_rule(guild.id, made.id)
            await self._delete_others(guild, made.id)
            return True
        if rule.id != settings.leak_rule_id:
            await self._guilds.set_leak_rule(guild.id, rule.id)
            await self._delete_others(guild, rule.id)
        if (
            rule.enabled
            and [*rule.trigger.regex_patterns] == [*PATTERNS]
            and not rule.trigger.keyword_filter
            and not rule.trigger.allow_list
            and [action.custom_message for action in rule.actions if action.type is BLOCK]
            == [actions[0].custom_message]
            and rule.exempt_role_ids == {role.id for role in exempt}
            and not rule.exempt_channel_ids
        ):
            return False
        if not only_look:
            await rule.edit(
                enabled=True,
                trigger=trigger,
                actions=actions,
                exempt_roles=exempt,
                exempt_channels=[],
                reason="Leak guard",
            )
        return True

    async def _rule(self, guild: discord.Guild, settings: GuildSettings) -> discord.AutoModRule | None:
        """Return the guild's rule, be it one that the bot has made without learning its ID."""
        if settings.leak_rule_id is not None:
            try:
                return await guild.fetch_automod_rule(settings.leak_rule_id)
            except discord.NotFound:
                pass
        return next(iter(await self._made(guild)), None)

    async def _made(self, guild: discord.Guild) -> list[discord.AutoModRule]:
        rules = await guild.fetch_automod_rules()
        return [rule for rule in rules if rule.name == RULE_NAME and rule.creator_id == guild.me.id]

    async def _delete(self, guild: discord.Guild, settings: GuildSettings) -> None:
        rule = await self._rule(guild, settings)
        if rule is not None:
            await _delete(rule)
            await self._delete_others(guild, rule.id)
        if settings.leak_rule_id is not None:
            await self._guilds.set_leak_rule(guild.id, None)

    async def _delete_others(self, guild: discord.Guild, rule_id: int) -> None:
        """Delete second rules: discord.py repeats a creation whose response was a server error."""
        for rule in await self._made(guild):
            if rule.id != rule_id:
                await _delete(rule)


async def _delete(rule: discord.AutoModRule) -> None:
    with contextlib.suppress(discord.NotFound):
        await rule.delete(reason="Leak guard")
