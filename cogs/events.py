"""Handlers of gateway events."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import discord
import structlog
from discord.ext import commands

from fileflare_bot.background import isolated
from fileflare_bot.discord_errors import FAILURES, name_of
from fileflare_bot.interactions.components import clean_typed
from fileflare_bot.interactions.routing import ListExpired
from fileflare_bot.storage.database import utc_now
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.leases import Shards
from fileflare_bot.storage.records import GuildSettings
from fileflare_bot.store.welcome import welcome

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

CAUGHT_UP_AT_ONCE: Final = 500  # guilds; after an outage, as many are looked at again

log = structlog.stdlib.get_logger(__name__)


class Events(commands.Cog):
    """Handles gateway events."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._bot = bot
        self._ready: set[int] = set()  # shards; on_shard_ready handles the guilds that are available by then
        self._missed: set[int] = set()  # guilds to catch up on
        self._gone: dict[int, datetime] = {}  # guilds that have removed the bot, until that is stored
        self._unchecked: set[int] = set()  # shards whose stored guilds have yet to be compared with Discord's
        self._catching_up = asyncio.Lock()
        self._commands_removed = False

    @commands.Cog.listener()
    async def on_shard_connect(self, shard_id: int) -> None:
        """Note that a shard is connected, so interactions can arrive; its guilds come before on_shard_ready."""
        self._connected(shard_id)
        self._ready.discard(shard_id)

    @commands.Cog.listener()
    async def on_shard_resumed(self, shard_id: int) -> None:
        """Log that a shard's session was resumed."""
        self._connected(shard_id)
        log.info("resumed", shard=shard_id)

    @commands.Cog.listener()
    async def on_shard_disconnect(self, shard_id: int) -> None:
        """Log a lost connection once; discord.py reconnects by itself."""
        bot = self._bot
        if shard_id in bot.connected_shards and not bot.is_closed():
            log.warning("gateway_lost", shard=shard_id)
            bot.metrics.gateway_lost.inc()
        bot.connected_shards.discard(shard_id)
        bot.metrics.shard_connected.labels(shard_id).set(0)

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Log that all guilds are known."""
        log.info("ready", guilds=len(self._bot.guilds), shards=len(self._bot.connected_shards))

    @commands.Cog.listener()
    async def on_shard_ready(self, shard_id: int) -> None:
        """Catch up on what was missed in the guilds of a shard."""
        self._ready.add(shard_id)
        self._unchecked.add(shard_id)
        try:
            await self._bot.reconciler.run()
        except StorageUnavailable:
            log.warning("left_to_the_next_round")
        await self._catch_up_on([guild for guild in self._bot.guilds if guild.shard_id == shard_id])

    @commands.Cog.listener()
    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Catch up on what was missed in a guild that was unavailable when the others were ready."""
        if guild.shard_id in self._ready:
            await self._catch_up_on([guild])

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Welcome a guild that has no settings yet."""
        log.info("server_joined", guild_id=guild.id)
        guilds = self._bot.storage.guilds
        self._gone.pop(guild.id, None)
        try:
            await guilds.left(guild.id, at=None)
            known = await guilds.load(guild.id) != GuildSettings(guild.id)
        except StorageUnavailable:
            self._missed.add(guild.id)
            known = False
        if not known:
            await welcome(guild, self._bot.catalogs.translator(guild.preferred_locale))

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Record when the bot left a guild; retention deletes its data later."""
        log.info("server_left", guild_id=guild.id)
        left_at = utc_now()
        try:
            await self._bot.storage.guilds.left(guild.id, at=left_at)
        except StorageUnavailable:
            self._gone[guild.id] = left_at
            log.warning("leaving_not_noted", guild_id=guild.id)

    @commands.Cog.listener("on_automod_rule_update")
    @commands.Cog.listener("on_automod_rule_delete")
    async def repair(self, rule: discord.AutoModRule) -> None:
        """Repair the leak guard's rule after a change or its deletion."""
        try:
            await self._bot.leak_guard.repair(rule.guild, rule.id)
        except StorageUnavailable:
            self._missed.add(rule.guild.id)

    @commands.Cog.listener()
    async def on_automod_action(self, execution: discord.AutoModAction) -> None:
        """Post a line about a message that the leak guard has blocked."""
        try:
            await self._bot.leak_guard.blocked(execution)
        except StorageUnavailable:
            log.warning("leak_not_told", guild_id=execution.guild_id)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Route a button, select or modal to its handler; refuse an unknown custom_id."""
        if interaction.type not in {discord.InteractionType.component, discord.InteractionType.modal_submit}:
            return
        clean_typed(interaction)
        found = self._bot.routes.find(str(dict(interaction.data or {}).get("custom_id")))
        if found is None:
            await self._bot.responder.refuse(interaction, "forgotten_button", ListExpired())
        else:
            entry, arguments = found
            await entry(interaction, **arguments)

    @commands.Cog.listener("on_upkeep")
    async def catch_up(self) -> None:
        """Catch up on what was missed; what the database is away for is left to the next call, every minute.

        A guild that fails stops no other. The event is of app.py.
        """
        if not self._ready or self._catching_up.locked():
            return
        async with self._catching_up:
            try:
                for shard_id in [*self._unchecked]:
                    await self._find_gone(shard_id)
                    self._unchecked.discard(shard_id)
                for guild_id, at in [*self._gone.items()]:
                    if self._bot.get_guild(guild_id) is None:  # it may have invited the bot again
                        await self._bot.storage.guilds.left(guild_id, at=at)
                    self._gone.pop(guild_id, None)
                while self._missed:
                    guild_ids = [*self._missed][:CAUGHT_UP_AT_ONCE]
                    await self._look_after(guild_ids)
                    self._missed.difference_update(guild_ids)
            except StorageUnavailable:
                log.warning("servers_unknown", count=len(self._missed))
                return
        with contextlib.suppress(StorageUnavailable):
            await self._remove_guild_commands()

    def _connected(self, shard_id: int) -> None:
        self._bot.connected_shards.add(shard_id)
        self._bot.metrics.shard_connected.labels(shard_id).set(1)

    async def _catch_up_on(self, guilds: Sequence[discord.Guild]) -> None:
        self._missed.update(guild.id for guild in guilds if not guild.unavailable)
        await self.catch_up()

    async def _find_gone(self, shard_id: int) -> None:
        """Find the stored guilds of a shard that have removed the bot.

        Raises:
            StorageUnavailable: the database is away.
        """
        shards = Shards((shard_id,), self._bot.shard_count or 1)
        after = 0
        while stored := await self._bot.storage.guilds.not_left(shards, after):
            self._gone |= {each: utc_now() for each in stored if self._bot.get_guild(each) is None}
            after = stored[-1]

    async def _look_after(self, guild_ids: Sequence[int]) -> None:
        """Record that the bot is in these guilds (again), and bring their leak guards in line.

        Raises:
            StorageUnavailable: the database is away.
        """
        guilds = self._bot.storage.guilds
        left, guarded = await guilds.missed([each for each in guild_ids if self._bot.get_guild(each) is not None])
        for guild_id in left:
            await guilds.left(guild_id, at=None)
        for guild_id in guarded:
            await isolated(self._bot.leak_guard.settle(guild_id), guild_id=guild_id)

    async def _remove_guild_commands(self) -> None:
        """Remove, once for each database, the commands that earlier versions could register in single guilds.

        Discord shows them beside the global ones, so people would see every command twice.
        """
        if self._commands_removed:
            return
        first = await self._bot.storage.keys.is_first_time("guild_commands_removed")
        self._commands_removed = True
        if not first:
            return
        for guild in self._bot.guilds:
            try:
                await self._bot.tree.sync(guild=guild)
            except FAILURES as error:
                log.warning("guild_commands_not_removed", guild_id=guild.id, error=name_of(error))


async def setup(bot: "FileflareBot") -> None:
    """Add the cog."""
    await bot.add_cog(Events(bot))
