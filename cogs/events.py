"""Handlers of gateway events."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import discord
import structlog
from discord.ext import commands

from fileflare_bot.discord_errors import FAILURES
from fileflare_bot.interactions.routing import ListExpired
from fileflare_bot.storage.database import utc_now
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.records import GuildSettings
from fileflare_bot.store.welcome import welcome

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

log = structlog.stdlib.get_logger(__name__)


class Events(commands.Cog):
    """Handles gateway events."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._bot = bot
        self._caught_up = False  # on_ready handles the guilds that are available by then

    @commands.Cog.listener()
    async def on_connect(self) -> None:
        """Note that the gateway is connected, so interactions can arrive."""
        self._bot.connected = True

    @commands.Cog.listener()
    async def on_resumed(self) -> None:
        """Log that the gateway session was resumed."""
        self._bot.connected = True
        log.info("resumed")

    @commands.Cog.listener()
    async def on_disconnect(self) -> None:
        """Log a lost gateway connection once; discord.py reconnects by itself."""
        if self._bot.connected and not self._bot.is_closed():
            log.warning("gateway_lost")
            self._bot.metrics.gateway_lost.inc()
        self._bot.connected = False

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Log that all guilds are known, and catch up on what was missed in them."""
        bot = self._bot
        log.info("ready", guilds=len(bot.guilds))
        self._caught_up = True
        try:
            await self._catch_up(bot.guilds)
            await self._remove_guild_commands()
        except StorageUnavailable:
            log.warning("servers_unknown")

    @commands.Cog.listener()
    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Catch up on what was missed in a guild that was unavailable when the others were ready."""
        if self._caught_up:
            await self._catch_up([guild])

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Welcome a guild that has no settings yet."""
        log.info("server_joined", guild_id=guild.id)
        guilds = self._bot.storage.guilds
        try:
            await guilds.left(guild.id, at=None)
            known = guilds.get(guild.id) != GuildSettings(guild.id)
        except StorageUnavailable:
            known = False
        if not known:
            await welcome(guild, self._bot.catalogs.translator(guild.preferred_locale))

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Record when the bot left a guild; retention deletes its data later."""
        log.info("server_left", guild_id=guild.id)
        try:
            await self._bot.storage.guilds.left(guild.id, at=utc_now())
        except StorageUnavailable:
            log.warning("leaving_not_noted", guild_id=guild.id)

    @commands.Cog.listener()
    async def on_automod_rule_update(self, rule: discord.AutoModRule) -> None:
        """Repair the leak guard's rule after a change."""
        await self._bot.leak_guard.repair(rule.guild, rule.id)

    @commands.Cog.listener()
    async def on_automod_rule_delete(self, rule: discord.AutoModRule) -> None:
        """Recreate the leak guard's rule after its deletion."""
        await self._bot.leak_guard.repair(rule.guild, rule.id)

    @commands.Cog.listener()
    async def on_automod_action(self, execution: discord.AutoModAction) -> None:
        """Post a line about a message that the leak guard has blocked."""
        await self._bot.leak_guard.blocked(execution)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Route a button, select or modal to its handler; refuse an unknown custom_id."""
        if interaction.type not in {discord.InteractionType.component, discord.InteractionType.modal_submit}:
            return
        found = self._bot.routes.find(str(dict(interaction.data or {}).get("custom_id")))
        if found is None:
            await self._bot.responder.refuse(interaction, "forgotten_button", ListExpired())
        else:
            entry, arguments = found
            await entry(interaction, **arguments)

    async def _catch_up(self, guilds: Sequence[discord.Guild]) -> None:
        """Record that the bot is in these guilds (again), post the cards they lack, and repair their leak guards.

        A guild that fails is logged, and stops no other.

        Raises:
            StorageUnavailable: the database does not answer.
        """
        there = [guild for guild in guilds if not guild.unavailable and guild.me is not None]
        await self._bot.desk.post_unposted([guild.id for guild in there])
        for guild in there:
            settings = self._bot.storage.guilds.get(guild.id)
            if settings.left:
                await self._bot.storage.guilds.left(guild.id, at=None)
            if settings.options.leak_guard:
                try:
                    await self._bot.leak_guard.ensure(guild)
                except FAILURES as error:
                    log.warning("leak_guard_unknown", guild_id=guild.id, error=type(error).__name__)

    async def _remove_guild_commands(self) -> None:
        """Remove, once for each database, the commands that earlier versions could register in single guilds.

        Discord shows them beside the global ones, so people would see every command twice.
        """
        if not await self._bot.storage.keys.is_first_time("guild_commands_removed"):
            return
        for guild in self._bot.guilds:
            try:
                await self._bot.tree.sync(guild=guild)
            except discord.HTTPException as error:
                log.warning("guild_commands_not_removed", guild_id=guild.id, status=error.status)


async def setup(bot: "FileflareBot") -> None:
    """Add the cog."""
    await bot.add_cog(Events(bot))
