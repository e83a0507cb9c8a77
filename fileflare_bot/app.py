"""The bot itself: its intents, its features, its cogs, and the sync of its commands."""

import asyncio
import contextlib
import math
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

import discord
import structlog
from discord import app_commands
from discord.ext import commands, tasks

from fileflare_bot import background
from fileflare_bot.discord_errors import FAILURES
from fileflare_bot.downloads.open_orders import OpenOrders
from fileflare_bot.downloads.opening import OrderOpener
from fileflare_bot.fileflare.lookups import Lookups
from fileflare_bot.i18n import N_, Catalogs
from fileflare_bot.interactions.components import clean_typed
from fileflare_bot.interactions.responder import Responder
from fileflare_bot.interactions.routing import Routes
from fileflare_bot.leak_guard import LeakGuard
from fileflare_bot.metrics import Metrics
from fileflare_bot.modlog import ModLog
from fileflare_bot.privacy import Privacy
from fileflare_bot.reconciler import Reconciler
from fileflare_bot.refusal import Refusal
from fileflare_bot.removals import Removals
from fileflare_bot.roles.granting import BuyerRoles
from fileflare_bot.session_starts import SessionStarts
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.leases import Shards
from fileflare_bot.storage.storage import Storage
from fileflare_bot.store.changes import StoreSettings
from fileflare_bot.store.panel import Panels
from fileflare_bot.tickets.desk import HelpDesk
from fileflare_bot.tickets.reminders import Reminders
from fileflare_bot.tickets.sync import TicketSync

COGS: Final = (
    "cogs.events",
    "cogs.help",
    "cogs.downloads",
    "cogs.orders",
    "cogs.tickets",
    "cogs.requests",
    "cogs.check",
    "cogs.answers",
    "cogs.claims",
    "cogs.privacy",
    "cogs.store",
    "cogs.store_setup",
    "cogs.store_roles",
    "cogs.store_products",
)
INTENTS: Final = discord.Intents(guilds=True, auto_moderation_configuration=True, auto_moderation_execution=True)
DRAIN_SECONDS: Final = 10.0
LAST_STEPS_SECONDS: Final = 2.0
LEAVE_SECONDS: Final = 2.0  # for Discord's part of closing the connections
TEND_SECONDS: Final = 60.0
AWAY_SECONDS: Final = 2.0  # between two tries to reach a database that is away
FOLLOW_SECONDS: Final = 5.0  # between two looks for settings that other processes have changed

log = structlog.stdlib.get_logger(__name__)


class OutdatedCommand(Refusal):
    """Raised when Discord sends a command or option that this version does not have."""

    sentence = N_("**This command has changed.** Restart Discord (Ctrl+R on a computer), then try again.")


class FileflareBot(commands.AutoShardedBot):
    """Only replies to interactions, so it needs no privileged intent and caches no messages or members.

    One of several processes runs only ``shards``, and acts on nothing unless it ``may_act``. ``pace`` waits until a
    session of this bucket may start.
    """

    standing_by = False  # whoever stands by has no bot

    def __init__(
        self,
        *,
        lookups: Lookups,
        storage: Storage,
        catalogs: Catalogs,
        metrics: Metrics,
        shards: Shards | None = None,
        may_act: Callable[[], bool] = lambda: True,
        pace: Callable[[int], Awaitable[None]] | None = None,
        **options: Any,  # noqa: ANN401 - discord.py's own
    ) -> None:
        if shards is not None:
            options |= {"shard_ids": [*shards.ids], "shard_count": shards.total, "shard_connect_timeout": None}
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
        self.modlog = ModLog(self, storage, catalogs)
        self.responder = Responder(catalogs, storage.guilds, metrics, self.modlog.lost_desk)
        self.routes = Routes()
        self.roles = BuyerRoles(self, storage, self.modlog)
        self.leak_guard = LeakGuard(self, storage, self.modlog)
        self.removals = Removals(self, storage.intents)
        self.panels = Panels(self, storage.panels, self.modlog, catalogs)
        sync = TicketSync(self, storage, catalogs, self.modlog)
        self.desk = HelpDesk(self, storage, lookups, catalogs, modlog=self.modlog, sync=sync, removals=self.removals)
        self.may_act = may_act
        self._several = shards is not None
        self._pace = pace
        self._session_starts = SessionStarts(self, metrics)
        self.reconciler = Reconciler(
            (storage.ended_stages.ids, Reminders(self, storage, catalogs, self.modlog).act),
            (storage.intents.due_tickets, sync.sync),
            (storage.role_grants.due_members, lambda member: self.roles.settle(*member)),
            (storage.intents.due_removals, self.removals.remove),
            (storage.guilds.due_leak_guards, self.leak_guard.settle),
            (storage.panels.due, self.panels.settle),
            (storage.intents.due_logs, self.modlog.post_lines),
            shards=shards,
            may_act=may_act,
        )
        self.open_orders = OpenOrders(metrics)
        self.order_opener = OrderOpener(lookups, storage, self.roles, self.open_orders)
        self.privacy = Privacy(storage, self.removals, self.roles)
        self.store_settings = StoreSettings(
            storage.guilds, storage.role_grants, self.modlog, self.leak_guard, self.panels
        )
        self.connected_shards: set[int] = set()
        metrics.shard_connected.clear()
        metrics.watch(
            gateway_latency_seconds=lambda: self.latency,
            gateway_connected=lambda: self.connected,
            database_connected=lambda: storage.available,
        )

    @property
    def connected(self) -> bool:
        """Whether all shards of this process are connected."""
        wanted = self.shard_ids or range(self.shard_count or 1)
        return not self.is_closed() and self.connected_shards.issuperset(wanted)

    @property
    def latency(self) -> float:
        """Seconds from a heartbeat to its acknowledgement on the slowest shard, or nan before the first."""
        known = [seconds for _, seconds in self.latencies if not math.isnan(seconds)]
        return max(known, default=math.nan)

    def dispatch(self, event_name: str, /, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - discord.py's
        """Handle an event of the gateway, unless another process may have taken the shards over."""
        if self.may_act():
            super().dispatch(event_name, *args, **kwargs)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Wait until a shard may start a session."""
        at_once = await self._session_starts.wait()
        if self._pace is None:
            await super().before_identify_hook(shard_id, initial=initial)
        else:
            await self._pace((shard_id or 0) % at_once)
        if not self.may_act():
            raise asyncio.CancelledError

    async def setup_hook(self) -> None:
        """Load the cogs, then sync their commands; a broken cog stops the start."""
        self.lookups.queue.open()  # another bot of this process may have closed it
        await self.tree.set_translator(_CommandTranslator(self.catalogs))
        for cog in COGS:
            await self.load_extension(cog)
        await self.tree.sync()
        _ = self._tend_storage.start()
        if self._several:
            _ = self._follow_settings.start()

    async def add_cog(
        self,
        cog: commands.Cog,
        /,
        *,
        under: str = "",
        **options: Any,  # noqa: ANN401 - discord.py's own
    ) -> None:
        """Add a cog and its routes; ``under`` names the command group that its commands belong to."""
        await super().add_cog(cog, **options)
        self.routes.add(cog)
        if under:
            group = self.tree.get_command(under)
            assert isinstance(group, app_commands.Group)  # noqa: S101 - COGS names the group's cog first
            own = cog.app_command
            for command in cog.get_app_commands() if own is None else [own]:
                self.tree.remove_command(command.name)
                group.add_command(command)

    @tasks.loop(seconds=FOLLOW_SECONDS)
    async def _follow_settings(self) -> None:
        with contextlib.suppress(StorageUnavailable):
            await self.storage.guilds.refresh()

    @tasks.loop(seconds=TEND_SECONDS)
    async def _tend_storage(self) -> None:
        try:
            while not await self.storage.tend():  # noqa: ASYNC110 - nothing says when it is back
                await asyncio.sleep(AWAY_SECONDS)
            if self.is_ready() and self.storage.available and self.may_act():
                self.dispatch("upkeep")
                await self.reconciler.run()
        except StorageUnavailable:
            log.warning("left_to_the_next_round")
        except Exception:  # one failure must not end the loop: without it, nothing expires until a restart
            log.exception("upkeep_failed")

    async def close(self) -> None:
        """Stop the background tasks, and disconnect from Discord."""
        self._tend_storage.cancel()
        self._follow_settings.cancel()
        await self.reconciler.stop()
        await super().close()

    async def on_error(self, event_method: str, /, *_args: Any, **_kwargs: Any) -> None:  # noqa: ANN401 - discord.py's
        """Log a failed event handler without its arguments: they hold what people typed."""
        if self.is_closed():  # its calls end with the connections, and the next start catches up
            log.debug("event_cut_off", handler=event_method, exc_info=sys.exc_info())
            return
        log.error("event_failed", handler=event_method, exc_info=sys.exc_info())

    async def stop(
        self, seconds: float = DRAIN_SECONDS, *, after_leaving: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Refuse new interactions, give running replies this long to finish, then disconnect from Discord.

        With ``after_leaving``, another process takes the shards over: leave the gateway first, so that no interaction
        arrives here any more, and call it then.
        """
        log.info("stopping")
        if after_leaving is not None:
            self.responder.refuse_new()
            self._tend_storage.cancel()
            await self._leave_gateway()
            await asyncio.gather(after_leaving(), self._finish(seconds))
        else:
            await self._finish(seconds)
            await self._leave_gateway()
            await self.responder.drain(LAST_STEPS_SECONDS)  # what arrived in the last moment
        await self.close()

    async def _finish(self, seconds: float) -> None:
        """Let replies finish for this long, then what they have left to do for a moment."""
        self.lookups.queue.close()
        cut_off = await self.responder.drain(seconds)
        if cut_off:
            log.warning("replies_cut_off", count=cut_off)
        await background.stop(LAST_STEPS_SECONDS)

    async def _leave_gateway(self) -> None:
        self.connected_shards.clear()  # so none of them counts as lost
        leaving = [asyncio.create_task(shard.disconnect()) for shard in self.shards.values()]
        if leaving:
            await asyncio.wait(leaving, timeout=LEAVE_SECONDS)


class _Tree(app_commands.CommandTree[FileflareBot]):
    """Cleans what is typed into commands, and turns errors outside the handlers into refusals."""

    async def interaction_check(self, interaction: discord.Interaction[FileflareBot], /) -> bool:
        """Clean what was typed, before discord.py reads the options; everybody may go on.

        An option that this version does not have gets no suggestions, as a refusal cannot be shown there. Nothing is
        answered while another process may have taken the shards over: commands do not come through dispatch().
        """
        if not interaction.client.may_act():
            return False
        clean_typed(interaction)
        if interaction.type is not discord.InteractionType.autocomplete or _has_suggestions(interaction):
            return True
        log.info("no_suggestions", why=OutdatedCommand.__name__, guild_id=interaction.guild_id)
        with contextlib.suppress(*FAILURES):
            await interaction.response.autocomplete([])
        return False

    async def on_error(
        self, interaction: discord.Interaction[FileflareBot], error: app_commands.AppCommandError, /
    ) -> None:
        cause: Exception = error
        match error:
            case app_commands.CommandInvokeError():
                cause = error.original
            case app_commands.CommandNotFound() | app_commands.CommandSignatureMismatch():
                cause = OutdatedCommand()
        await interaction.client.responder.refuse(interaction, "command", cause)


def _has_suggestions(interaction: discord.Interaction[Any]) -> bool:
    """Return whether the option that somebody types into is one of this version's, and has suggestions."""
    command = interaction.command
    if not isinstance(command, app_commands.Command):
        return False
    options = [*cast("dict[str, Any]", interaction.data or {}).get("options", ())]
    for option in options:
        options += option.get("options", ())
    typed = {option["name"] for option in options if option.get("focused")}
    return any(parameter.autocomplete and parameter.display_name in typed for parameter in command.parameters)


class _CommandTranslator(app_commands.Translator):
    """Translates command names and descriptions into every language that has a catalog."""

    def __init__(self, catalogs: Catalogs) -> None:
        self._catalogs = catalogs

    async def translate(
        self, string: app_commands.locale_str, locale: discord.Locale, _context: app_commands.TranslationContextTypes
    ) -> str | None:
        translated = self._catalogs.translator(locale).gettext(string.message)
        return None if translated == string.message else translated
