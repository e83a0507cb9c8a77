"""What the bot does when Discord's gateway tells it something."""

from typing import TYPE_CHECKING, Any

import discord
import structlog
from discord.ext import commands

from fileflare_bot.interactions.routing import ListExpired
from fileflare_bot.storage.database import utc_now
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.records import GuildSettings
from fileflare_bot.store.welcome import welcome

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

log = structlog.stdlib.get_logger(__name__)


class Events(commands.Cog):
    """The gateway's events."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._bot = bot

    @commands.Cog.listener()
    async def on_connect(self) -> None:
        """Note that the gateway has a session: interactions come in from now on."""
        self._bot.connected = True

    @commands.Cog.listener()
    async def on_resumed(self) -> None:
        """Log that the gateway session goes on where it was lost."""
        self._bot.connected = True
        log.info("resumed")

    @commands.Cog.listener()
    async def on_disconnect(self) -> None:
        """Log once that the gateway is lost; discord.py connects again by itself."""
        if self._bot.connected and not self._bot.is_closed():
            log.warning("gateway_lost")
            self._bot.metrics.gateway_lost.inc()
        self._bot.connected = False

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Log that every guild of a new gateway session is known, and do what was left undone in them."""
        bot = self._bot
        log.info("ready", guilds=len(bot.guilds))
        try:
            await bot.desk.post_unposted([guild.id for guild in bot.guilds])
            for guild in bot.guilds:
                await self._found(guild)
            await self._remove_guild_commands()
        except StorageUnavailable:
            log.warning("servers_unknown")

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Tell the owner of a new guild where to begin, once."""
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
        """Note when the bot left a guild; its data is deleted after a while."""
        log.info("server_left", guild_id=guild.id)
        try:
            await self._bot.storage.guilds.left(guild.id, at=utc_now())
        except StorageUnavailable:
            log.warning("leaving_not_noted", guild_id=guild.id)

    @commands.Cog.listener()
    async def on_automod_rule_update(self, rule: discord.AutoModRule) -> None:
        """Put the leak guard's rule right after somebody has changed it."""
        await self._bot.leak_guard.repair(rule.guild, rule.id)

    @commands.Cog.listener()
    async def on_automod_rule_delete(self, rule: discord.AutoModRule) -> None:
        """Create the leak guard's rule again after somebody has deleted it."""
        await self._bot.leak_guard.repair(rule.guild, rule.id)

    @commands.Cog.listener()
    async def on_automod_action(self, execution: discord.AutoModAction) -> None:
        """Post a line about a message that the leak guard has stopped."""
        await self._bot.leak_guard.blocked(execution)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Hand a button, a select or a modal to its handler; refuse one that no version of the bot knows."""
        if interaction.type not in {discord.InteractionType.component, discord.InteractionType.modal_submit}:
            return
        found = self._bot.routes.find(str(dict(interaction.data or {}).get("custom_id")))
        if found is None:
            await self._bot.responder.refuse(interaction, "forgotten_button", ListExpired())
        else:
            entry, arguments = found
            await entry(interaction, **arguments)

    async def _found(self, guild: discord.Guild) -> None:
        """Note that the bot is in a guild (again), and look after its leak guard, as nobody has meanwhile."""
        settings = self._bot.storage.guilds.get(guild.id)
        if settings.left:
            await self._bot.storage.guilds.left(guild.id, at=None)
        if settings.options.leak_guard:
            await self._bot.leak_guard.ensure(guild)

    async def _remove_guild_commands(self) -> None:
        """Remove, once for each database, the commands that earlier versions could register in single guilds.

        Discord shows them beside the global ones, so that people would see every command twice.
        """
        if not await self._bot.storage.is_first_time("guild_commands_removed"):
            return
        for guild in self._bot.guilds:
            try:
                await self._bot.tree.sync(guild=guild)
            except discord.HTTPException as error:
                log.warning("guild_commands_not_removed", guild_id=guild.id, status=error.status)


async def setup(bot: "FileflareBot") -> None:
    """Add the cog."""
    await bot.add_cog(Events(bot))
