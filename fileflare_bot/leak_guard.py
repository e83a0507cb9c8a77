"""The leak guard: an AutoMod rule of Discord's that stops order links before anybody can read them.

Discord checks the messages, so the bot needs to read none. The rule is kept as it should be: made again when somebody
deletes it, mended when somebody changes it, and taken away when the owner switches the guard off.
"""

from enum import Enum, auto
from typing import Final

import discord
import structlog
from cachetools import TTLCache
from discord.ext import commands

from fileflare_bot.interactions.responder import SERVER_ERROR
from fileflare_bot.orders.leaks import PATTERNS
from fileflare_bot.storage.records import Server
from fileflare_bot.storage.storage import Storage
from fileflare_bot.tickets.card import Cards

BLOCK: Final = discord.AutoModRuleActionType.block_message
KEYWORD: Final = discord.AutoModRuleTriggerType.keyword
MOST_KEYWORD_RULES: Final = 6  # of a server
RULE_NAME: Final = "Order links (Fileflare bot)"
LONGEST_MESSAGE: Final = 150  # of what AutoMod tells the author
MOST_EXEMPT_ROLES: Final = 20
REPAIRS_AN_HOUR: Final = 5  # then somebody seems to mean it
HOUR_SECONDS: Final = 3600

log = structlog.stdlib.get_logger(__name__)


class Guard(Enum):
    """How the leak guard of a server is."""

    OFF = auto()
    ON = auto()
    NO_PERMISSION = auto()
    NO_ROOM = auto()
    REFUSED = auto()


class LeakGuard:
    """Keeps the rule of every server as its owner wants it."""

    def __init__(self, bot: commands.Bot, storage: Storage, cards: Cards) -> None:
        self._bot = bot
        self._storage = storage
        self._cards = cards
        self._repairs: TTLCache[int, int] = TTLCache(10_000, HOUR_SECONDS)

    async def ensure(self, guild: discord.Guild, server: Server) -> Guard:
        """Make, mend or take away the rule of a server, and return how it is now."""
        try:
            if not server.options.leak_guard:
                await self._take_away(guild, server)
                return Guard.OFF
            if not guild.me.guild_permissions.manage_guild:
                return Guard.NO_PERMISSION
            await self._keep(guild, server)
        except discord.Forbidden:
            return Guard.NO_PERMISSION
        except discord.HTTPException as error:
            log.warning("leak_guard_refused", guild_id=guild.id, status=error.status, code=error.code)
            if error.status >= SERVER_ERROR:
                return Guard.REFUSED
            full = len(await guild.fetch_automod_rules()) >= MOST_KEYWORD_RULES
            return Guard.NO_ROOM if full else Guard.REFUSED
        return Guard.ON

    async def repair(self, guild: discord.Guild, rule_id: int) -> None:
        """Mend the rule after somebody has changed or deleted it; a few times an hour at most."""
        server = self._storage.servers.get(guild.id)
        if not server.options.leak_guard or server.leak_rule_id != rule_id:
            return
        repairs = self._repairs.get(guild.id, 0)
        if repairs >= REPAIRS_AN_HOUR:
            return
        try:
            mended = await self._keep(guild, server)
        except discord.HTTPException as error:
            log.warning("leak_guard_refused", guild_id=guild.id, status=error.status, code=error.code)
            return
        if mended:
            self._repairs[guild.id] = repairs + 1
            log.info("leak_guard_repaired", guild_id=guild.id)
            words = self._cards.words(guild.id)
            await self._cards.log(
                server,
                "🛡️ "
                + words.gettext(
                    "Somebody changed the rule of the leak guard, so I put it back. To switch it off, use /store setup."
                ),
            )

    async def blocked(self, execution: discord.AutoModAction) -> None:
        """Tell the log channel of a blocked message, without what stood in it."""
        server = self._storage.servers.get(execution.guild_id)
        if server.leak_rule_id != execution.rule_id or execution.action.type is not BLOCK:
            return
        words = self._cards.words(server.guild_id)
        text = words.gettext(
            "I stopped a message of {who} in {where}: it held an order link.",
            who=f"<@{execution.user_id}>",
            where=f"<#{execution.channel_id}>",
        )
        log.info("leak_stopped", guild_id=server.guild_id)
        await self._cards.log(server, f"🛡️ {text}")

    async def _keep(self, guild: discord.Guild, server: Server) -> bool:
        """Bring the rule to what it should be; return whether anything had to be done."""
        message = self._cards.words(guild.id).gettext(
            "That link opens your files for everybody who sees it. Use /mydownloads: only you see the answer."
        )
        roles = server.moderator_role_ids if server.options.leak_guard_spares_moderators else ()
        exempt = [discord.Object(role) for role in roles if guild.get_role(role) is not None][:MOST_EXEMPT_ROLES]
        trigger = discord.AutoModTrigger(type=KEYWORD, regex_patterns=[*PATTERNS])
        actions = [discord.AutoModRuleAction(type=BLOCK, custom_message=message[:LONGEST_MESSAGE])]
        rule = await self._rule(guild, server)
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
            await self._storage.servers.set_leak_rule(guild.id, made.id)
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

    async def _rule(self, guild: discord.Guild, server: Server) -> discord.AutoModRule | None:
        if server.leak_rule_id is None:
            return None
        try:
            return await guild.fetch_automod_rule(server.leak_rule_id)
        except discord.NotFound:
            return None

    async def _take_away(self, guild: discord.Guild, server: Server) -> None:
        if server.leak_rule_id is None:
            return
        await self._storage.servers.set_leak_rule(guild.id, None)  # first, so that its deletion is not repaired
        try:
            rule = await guild.fetch_automod_rule(server.leak_rule_id)
            await rule.delete(reason="Leak guard switched off")
        except discord.NotFound:
            pass
