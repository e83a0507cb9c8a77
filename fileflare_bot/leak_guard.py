"""The leak guard: a Discord AutoMod rule that blocks order links before anybody can read them.

Discord checks the messages, so the bot need not read any. The bot recreates the rule when somebody deletes it, repairs
it when somebody changes it, and deletes it when the owner switches the leak guard off.
"""

import asyncio
from enum import Enum, auto
from typing import Final
from weakref import WeakValueDictionary

import discord
import structlog
from cachetools import TTLCache

from fileflare_bot.discord_errors import SERVER_ERROR
from fileflare_bot.modlog import ModLog
from fileflare_bot.orders.leaks import PATTERNS
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

log = structlog.stdlib.get_logger(__name__)


class GuardState(Enum):
    """The state of a guild's leak guard."""

    OFF = auto()
    ON = auto()
    NO_PERMISSION = auto()
    NO_ROOM = auto()
    REFUSED = auto()


class LeakGuard:
    """Keeps each guild's AutoMod rule as its settings say; one change of a guild's rule waits for the one before."""

    def __init__(self, storage: Storage, modlog: ModLog) -> None:
        self._storage = storage
        self._modlog = modlog
        self._repairs: TTLCache[int, int] = TTLCache(10_000, HOUR_SECONDS)
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def ensure(self, guild: discord.Guild) -> GuardState:
        """Create, repair or delete a guild's rule as its settings say, and return the resulting state."""
        async with self._lock(guild.id):
            return await self._ensure(guild)

    async def repair(self, guild: discord.Guild, rule_id: int) -> None:
        """Repair the rule after a change or deletion, a few times an hour at most."""
        async with self._lock(guild.id):
            settings = self._storage.guilds.get(guild.id)
            if settings.options.leak_guard and settings.leak_rule_id == rule_id:
                await self._repair(guild, settings)

    async def blocked(self, execution: discord.AutoModAction) -> None:
        """Post a line about a blocked message, without its text."""
        settings = self._storage.guilds.get(execution.guild_id)
        if settings.leak_rule_id != execution.rule_id or execution.action.type is not BLOCK:
            return
        translator = self._modlog.translator(settings.guild_id)
        text = translator.gettext(
            "I stopped a message of {who} in {where}: it held an order link.",
            who=f"<@{execution.user_id}>",
            where=f"<#{execution.channel_id}>",
        )
        log.info("leak_stopped", guild_id=settings.guild_id)
        await self._modlog.post(settings.guild_id, f"🛡️ {text}")

    def _lock(self, guild_id: int) -> asyncio.Lock:
        return self._locks.setdefault(guild_id, asyncio.Lock())

    async def _ensure(self, guild: discord.Guild) -> GuardState:
        settings = self._storage.guilds.get(guild.id)
        try:
            if not settings.options.leak_guard:
                await self._delete(guild, settings)
                return GuardState.OFF
            if not guild.me.guild_permissions.manage_guild:
                return GuardState.NO_PERMISSION
            await self._keep(guild, settings)
        except discord.Forbidden:
            return GuardState.NO_PERMISSION
        except discord.HTTPException as error:
            log.warning("leak_guard_refused", guild_id=guild.id, status=error.status, code=error.code)
            if error.status >= SERVER_ERROR:
                return GuardState.REFUSED
            full = len(await guild.fetch_automod_rules()) >= MOST_KEYWORD_RULES
            return GuardState.NO_ROOM if full else GuardState.REFUSED
        return GuardState.ON

    async def _repair(self, guild: discord.Guild, settings: GuildSettings) -> None:
        repairs = self._repairs.get(guild.id, 0)
        if repairs >= REPAIRS_AN_HOUR:
            return
        try:
            repaired = await self._keep(guild, settings)
        except discord.HTTPException as error:
            log.warning("leak_guard_refused", guild_id=guild.id, status=error.status, code=error.code)
            return
        if repaired:
            self._repairs[guild.id] = repairs + 1
            log.info("leak_guard_repaired", guild_id=guild.id)
            translator = self._modlog.translator(guild.id)
            await self._modlog.post(
                guild.id,
                "🛡️ "
                + translator.gettext(
                    "Somebody changed the rule of the leak guard, so I put it back. To switch it off, use /store setup."
                ),
            )

    async def _keep(self, guild: discord.Guild, settings: GuildSettings) -> bool:
        """Create or update the rule; return whether anything had to change."""
        message = self._modlog.translator(guild.id).gettext(
            "That link opens your files for everybody who sees it. Use /mydownloads: only you see the answer."
        )
        roles = settings.moderator_role_ids if settings.options.leak_guard_spares_moderators else ()
        exempt = [discord.Object(role) for role in roles if guild.get_role(role) is not None][:MOST_EXEMPT_ROLES]
        trigger = discord.AutoModTrigger(type=KEYWORD, regex_patterns=[*PATTERNS])
        actions = [discord.AutoModRuleAction(type=BLOCK, custom_message=message[:LONGEST_MESSAGE])]
        rule = await self._rule(guild, settings)
        if rule is None:
            made = await guild.create_automod_rule(
                name=RULE_NAME,
                event_type=discord.AutoModRuleEventType.message_send,
                trigger=trigger,
                actions=actions,
                enabled=True,
                exempt_roles=exempt,
                reason="Leak guard",
            )
            await self._storage.guilds.set_leak_rule(guild.id, made.id)
            return True
        if (
            rule.enabled
            and [*rule.trigger.regex_patterns] == [*PATTERNS]
            and not rule.trigger.allow_list
            and [action.custom_message for action in rule.actions if action.type is BLOCK]
            == [actions[0].custom_message]
            and rule.exempt_role_ids == {role.id for role in exempt}
            and not rule.exempt_channel_ids
        ):
            return False
        await rule.edit(
            enabled=True, trigger=trigger, actions=actions, exempt_roles=exempt, exempt_channels=[], reason="Leak guard"
        )
        return True

    async def _rule(self, guild: discord.Guild, settings: GuildSettings) -> discord.AutoModRule | None:
        """Return the guild's rule; take over one that the bot has made, but does not know."""
        if settings.leak_rule_id is not None:
            try:
                return await guild.fetch_automod_rule(settings.leak_rule_id)
            except discord.NotFound:
                pass
        for rule in await guild.fetch_automod_rules():
            if rule.name == RULE_NAME and rule.creator_id == guild.me.id:
                await self._storage.guilds.set_leak_rule(guild.id, rule.id)
                return rule
        return None

    async def _delete(self, guild: discord.Guild, settings: GuildSettings) -> None:
        if settings.leak_rule_id is None:
            return
        await self._storage.guilds.set_leak_rule(guild.id, None)  # first, so that repair() ignores the deletion
        try:
            rule = await guild.fetch_automod_rule(settings.leak_rule_id)
            await rule.delete(reason="Leak guard switched off")
        except discord.NotFound:
            pass
        except discord.HTTPException:  # the rule is still there: remember it, so that the next change deletes it
            if self._storage.guilds.get(guild.id).leak_rule_id is None:
                await self._storage.guilds.set_leak_rule(guild.id, settings.leak_rule_id)
            raise
