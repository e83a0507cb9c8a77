"""The bot itself: its intents, its cogs, the sync of its commands, and the one error handler."""

import sys
from typing import Any, Final

import discord
import structlog
from discord import app_commands
from discord.ext import commands, tasks

from fileflare_bot.fileflare.lookups import Lookups
from fileflare_bot.i18n import Catalogs
from fileflare_bot.interactions import permissions
from fileflare_bot.interactions.components import Routes
from fileflare_bot.interactions.responder import Answering
from fileflare_bot.metrics import Metrics
from fileflare_bot.refusal import ListExpired, MissingPermission, OutdatedCommand
from fileflare_bot.settings import SettingsError
from fileflare_bot.storage.clock import utc_now
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.records import Server
from fileflare_bot.storage.storage import Storage
from fileflare_bot.store.welcome import welcome
from fileflare_bot.tickets.desk import HelpDesk

COGS: Final = (
    "cogs.help",
    "cogs.downloads",
    "cogs.orders",
    "cogs.tickets",
    "cogs.requests",
    "cogs.answers",
    "cogs.claims",
    "cogs.privacy",
    "cogs.store",
)
INTENTS: Final = discord.Intents(guilds=True, auto_moderation_configuration=True, auto_moderation_execution=True)
DRAIN_SECONDS: Final = 10.0
TEND_SECONDS: Final = 60.0

log = structlog.stdlib.get_logger(__name__)


class FileflareBot(commands.Bot):
    """Answers interactions only, so it needs no privileged intent and keeps no messages or members."""

    def __init__(
        self,
        *,
        lookups: Lookups,
        storage: Storage,
        catalogs: Catalogs,
        metrics: Metrics,
        sync_guilds: tuple[int, ...] = (),
        **options: Any,  # noqa: ANN401 - discord.py's own
    ) -> None:
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            intents=INTENTS,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            allowed_mentions=discord.AllowedMentions.none(),
            tree_cls=_Tree,
            **options,
        )
        self.lookups = lookups
        self.storage = storage
        self.catalogs = catalogs
        self.metrics = metrics
        self.answering = Answering(catalogs, metrics)
        self.routes = Routes()
        self.desk = HelpDesk(self, storage, catalogs)
        self.connected = False
        self._sync_guilds = sync_guilds
        metrics.watch(
            gateway_latency_seconds=lambda: self.latency,
            gateway_connected=lambda: self.connected,
            database_connected=lambda: storage.available,
        )

    async def setup_hook(self) -> None:
        """Load the cogs, then tell Discord of their commands; a broken cog stops the start."""
        await self.tree.set_translator(_CommandTranslator(self.catalogs))
        for cog in COGS:
            await self.load_extension(cog)
        for guild_id in self._sync_guilds:
            guild = discord.Object(guild_id)
            self.tree.copy_global_to(guild=guild)
            try:
                await self.tree.sync(guild=guild)
            except discord.Forbidden:
                what = f"DISCORD_SYNC_GUILDS names the server {guild_id}, which the bot is not in."
                raise SettingsError([f"{what} Invite the bot there, or take the server out."]) from None
        await self.tree.sync()
        _ = self._tend_storage.start()

    async def add_cog(self, cog: commands.Cog, /, **options: Any) -> None:  # noqa: ANN401 - discord.py's own
        """Add a cog with what it does for buttons, selects and modals."""
        await super().add_cog(cog, **options)
        self.routes.add(cog)

    @tasks.loop(seconds=TEND_SECONDS)
    async def _tend_storage(self) -> None:
        await self.storage.tend()

    async def close(self) -> None:
        """End what runs in the background, and leave Discord."""
        self._tend_storage.cancel()
        await super().close()

    async def on_connect(self) -> None:
        """Note that the gateway has a session: commands come in from now on."""
        self.connected = True

    async def on_ready(self) -> None:
        """Log that every server of a new gateway session is known, and post what a sudden end left unposted."""
        log.info("ready", guilds=len(self.guilds))
        try:
            await self.desk.post_unposted([guild.id for guild in self.guilds])
            for guild in self.guilds:
                await self._found(guild)
        except StorageUnavailable:
            log.warning("servers_unknown")

    async def _found(self, guild: discord.Guild) -> None:
        """Note that the bot is in a server (again), and look after its leak guard, as nobody has meanwhile."""
        server = self.storage.servers.get(guild.id)
        if server.left:
            await self.storage.servers.left(guild.id, at=None)
        if server.options.leak_guard:
            await self.desk.leak_guard.ensure(guild, server)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Tell the owner of a new server where to begin, once, where the bot may write."""
        log.info("server_joined", guild_id=guild.id)
        try:
            await self.storage.servers.left(guild.id, at=None)
            known = self.storage.servers.get(guild.id) != Server(guild.id)
        except StorageUnavailable:
            known = False
        if not known:
            await welcome(guild, self.catalogs.words(guild.preferred_locale))

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Note when the bot left a server; its data is deleted after a while."""
        log.info("server_left", guild_id=guild.id)
        try:
            await self.storage.servers.left(guild.id, at=utc_now())
        except StorageUnavailable:
            log.warning("leaving_not_noted", guild_id=guild.id)

    async def on_automod_rule_update(self, rule: discord.AutoModRule) -> None:
        """Mend the leak guard's rule after somebody has changed it."""
        await self.desk.leak_guard.repair(rule.guild, rule.id)

    async def on_automod_rule_delete(self, rule: discord.AutoModRule) -> None:
        """Make the leak guard's rule again after somebody has deleted it."""
        await self.desk.leak_guard.repair(rule.guild, rule.id)

    async def on_automod_action(self, execution: discord.AutoModAction) -> None:
        """Tell a server's log channel that the leak guard has stopped a message."""
        await self.desk.leak_guard.blocked(execution)

    async def on_resumed(self) -> None:
        """Log that the gateway session goes on where it was lost."""
        self.connected = True
        log.info("resumed")

    async def on_disconnect(self) -> None:
        """Log once that the gateway is lost; discord.py connects again by itself."""
        if self.connected and not self.is_closed():
            log.warning("gateway_lost")
            self.metrics.gateway_lost.inc()
        self.connected = False

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Hand a button, a select or a modal to its handler; answer those that an earlier version has left."""
        if interaction.type not in {discord.InteractionType.component, discord.InteractionType.modal_submit}:
            return
        found = self.routes.find(str(dict(interaction.data or {}).get("custom_id")))
        if found is None:
            await self.answering.refuse(interaction, "forgotten_button", ListExpired())
        else:
            handler, arguments = found
            await handler(interaction, **arguments)

    async def on_error(self, event_method: str, /, *_args: Any, **_kwargs: Any) -> None:  # noqa: ANN401 - discord.py's
        """Log a failed event handler without its arguments: they hold what people typed."""
        log.error("event_failed", handler=event_method, exc_info=sys.exc_info())

    async def stop(self) -> None:
        """Take no new work, let running replies finish (10 s at most), then leave Discord."""
        log.info("stopping")
        cut_off = await self.answering.drain(DRAIN_SECONDS)
        if cut_off:
            log.warning("replies_cut_off", count=cut_off)
        await self.close()


class _Tree(app_commands.CommandTree[FileflareBot]):
    """Turns what fails before a command runs into a refusal."""

    async def on_error(
        self, interaction: discord.Interaction[FileflareBot], error: app_commands.AppCommandError, /
    ) -> None:
        cause: Exception = error
        match error:
            case app_commands.CommandInvokeError():
                cause = error.original
            case app_commands.MissingPermissions():
                cause = MissingPermission(permissions.names(error.missing_permissions))
            case app_commands.CommandNotFound() | app_commands.CommandSignatureMismatch():
                cause = OutdatedCommand()
        await interaction.client.answering.refuse(interaction, "command", cause)


class _CommandTranslator(app_commands.Translator):
    """Gives Discord the names and descriptions of commands in every language there is."""

    def __init__(self, catalogs: Catalogs) -> None:
        self._catalogs = catalogs

    async def translate(
        self, string: app_commands.locale_str, locale: discord.Locale, _context: app_commands.TranslationContextTypes
    ) -> str | None:
        translated = self._catalogs.words(locale).gettext(string.message)
        return None if translated == string.message else translated
