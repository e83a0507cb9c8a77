"""Runs the bot: creates its resources, handles signals, and maps its end to an exit code."""

import asyncio
import contextlib
import gc
import math
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import aiohttp
import discord
import structlog

from fileflare_bot.app import DRAIN_SECONDS, FileflareBot
from fileflare_bot.clusters import Clusters
from fileflare_bot.database_url import database_url, sqlite_file
from fileflare_bot.discord_errors import SERVER_ERROR, TOO_MANY_REQUESTS
from fileflare_bot.fileflare.lookups import Lookups, build_lookups
from fileflare_bot.i18n import Catalogs
from fileflare_bot.metrics import Metrics
from fileflare_bot.monitoring import Gateway, monitoring
from fileflare_bot.proxies import proxy_for
from fileflare_bot.settings import Settings, SettingsError
from fileflare_bot.storage.leases import Cluster
from fileflare_bot.storage.sole_process import sole_process
from fileflare_bot.storage.storage import Storage, open_storage

FAILED: Final = 1
MOST_CONNECTIONS: Final = 64  # to Discord at once: a rush of a thousand people opens no thousand connections
WRONG_SETTINGS: Final = 2
LOGIN_REFUSED: Final = (
    "DISCORD_TOKEN was refused by Discord: copy it anew from the Discord Developer Portal > Bot > Reset Token."
)
_CANNOT_LISTEN: Final = (
    "METRICS_PORT cannot be opened on METRICS_HOST: another program has it, or the address is not this computer's. "
    "For example: METRICS_PORT=9090"
)
_OF_REPLIES: Final = re.compile(r"/(interactions|webhooks)/")

_WAIT_SECONDS: Final = 60.0  # after a 429 that does not say how long
_LONGEST_WAIT: Final = 86_400.0
_CANCEL_AGAIN_SECONDS: Final = 0.1

log = structlog.stdlib.get_logger(__name__)


async def run(settings: Settings, *, drain_seconds: float = DRAIN_SECONDS) -> int:
    """Run the bot until SIGTERM or Ctrl-C, then let replies finish for ``drain_seconds``; return the exit code.

    Raises:
        SettingsError: a setting proved wrong in use.
    """
    metrics = Metrics()
    file = sqlite_file(database_url(settings.database_url.get_secret_value()))
    async with (
        contextlib.nullcontext() if file is None else sole_process(file),
        aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),  # customers share no cookies
            proxy=proxy_for(settings.fileflare_base_url, settings),
        ) as session,
        open_storage(settings) as storage,
    ):
        lookups = build_lookups(settings, session, metrics, misses=storage.misses)
        process, clusters = _Process(settings, metrics, storage, lookups), None
        if settings.clusters > 1:
            lookups.queue.pace.share(settings.clusters)  # until it is known how many run
            clusters = Clusters(storage, settings.clusters, metrics, share=lookups.queue.pace.share)
        async with _monitoring(settings, metrics, process):
            stopping = asyncio.Event()
            _on_stop_signals(stopping)
            stop = asyncio.create_task(stopping.wait())
            try:
                if clusters is None:
                    return await process.run_alone(stop, drain_seconds)
                return await process.run_clusters(clusters, stop, drain_seconds)
            finally:
                stop.cancel()


class _Process:
    """Builds and runs the bot, which cannot be used again once it was closed; /readyz reads the present one."""

    def __init__(self, settings: Settings, metrics: Metrics, storage: Storage, lookups: Lookups) -> None:
        self._settings = settings
        self._token = settings.discord_token.get_secret_value()
        self._proxy = proxy_for(discord.http.Route.BASE, settings)
        self._metrics = metrics
        self._storage = storage
        self._lookups = lookups
        self._bot: FileflareBot | None = None
        self.standing_by = False

    @property
    def connected(self) -> bool:
        """Whether all shards of this process are connected."""
        return self._bot is not None and self._bot.connected

    @property
    def latency(self) -> float:
        """Seconds from a heartbeat to its acknowledgement, or nan before the first."""
        return math.nan if self._bot is None else self._bot.latency

    async def run_alone(self, stop: asyncio.Task[Any], drain_seconds: float) -> int:
        """Run all shards until ``stop`` is done; return the exit code."""
        async with self._built() as bot:
            running = asyncio.create_task(self._start(bot))
            await asyncio.wait({running, stop}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                return _ending(running)
            await bot.stop(drain_seconds)
            await _cancelled(running)  # discord.py may be waiting up to 17 minutes before it reconnects
            return 0

    async def run_clusters(self, clusters: Clusters, stop: asyncio.Task[Any], drain_seconds: float) -> int:
        """Run a cluster's shards whenever one is free, until ``stop`` is done; return the exit code."""
        while True:
            self.standing_by = True
            taking = asyncio.create_task(clusters.stand_by(self._shards_wanted))
            await asyncio.wait({taking, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not taking.done():
                await _cancelled(taking)
            if stop.done():
                await clusters.let_go()
                return 0
            if taking.exception() is not None:
                return _ending(taking)
            self.standing_by = False
            code = await self._run_cluster(taking.result(), clusters, stop, drain_seconds)
            if code is not None:
                return code

    async def _run_cluster(
        self, cluster: Cluster, clusters: Clusters, stop: asyncio.Task[Any], drain_seconds: float
    ) -> int | None:
        """Run a cluster's shards until ``stop`` is done, and return the exit code; None if the cluster was lost."""
        async with self._built(
            shards=cluster.shards,
            may_act=clusters.may_act,
            pace=clusters.pace,
            http_trace=_trace(self._metrics, clusters.may_act),
        ) as bot:
            running, keeping = asyncio.create_task(self._start(bot)), asyncio.create_task(clusters.keep())
            await asyncio.wait({running, keeping, stop}, return_when=asyncio.FIRST_COMPLETED)
            failed = running.done() and not running.cancelled() and not keeping.done()
            await _cancelled(keeping)
            await _cancelled(running)
            await bot.stop(drain_seconds, after_leaving=clusters.let_go)
            if failed:
                return _ending(running)
            return 0 if stop.done() else None

    @contextlib.asynccontextmanager
    async def _built(self, **options: Any) -> AsyncIterator[FileflareBot]:  # noqa: ANN401 - FileflareBot's
        async with FileflareBot(
            lookups=self._lookups,
            storage=self._storage,
            catalogs=Catalogs(default=self._settings.default_locale),
            metrics=self._metrics,
            proxy=self._proxy,
            connector=aiohttp.TCPConnector(limit=0, limit_per_host=MOST_CONNECTIONS),
            **{"http_trace": _trace(self._metrics), **options},
        ) as bot:
            self._bot = bot
            try:
                yield bot
            finally:
                self._bot = None

    async def _start(self, bot: discord.Client) -> None:
        """Log in, however long Discord makes us wait, and stay connected."""
        await _log_in(bot, self._token)
        _spare_the_collector()
        await bot.connect()

    async def _shards_wanted(self) -> int:
        """Ask Discord how many shards the bot should have."""
        async with discord.Client(intents=discord.Intents.none(), proxy=self._proxy) as client:
            await _log_in(client, self._token)
            shards, _, _ = await client.http.get_bot_gateway()
            return shards


def _spare_the_collector() -> None:
    """Keep the garbage collector off what was made until now; the start itself leaves no garbage."""
    if gc.get_freeze_count():  # another bot of this process, which may be garbage by now
        gc.unfreeze()
        gc.collect()
    gc.freeze()


async def _log_in(client: discord.Client, token: str) -> None:
    request = client.http.request
    client.http.request = _patient(request)  # type: ignore[method-assign,assignment]  # discord.py gives up after five tries
    await client.login(token)
    client.http.request = request  # type: ignore[method-assign]


async def _cancelled(task: asyncio.Task[Any]) -> None:
    """Cancel a task until it ends: discord.py ignores a cancellation while a shard identifies again."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_CANCEL_AGAIN_SECONDS)
    await asyncio.gather(task, return_exceptions=True)


def _patient(request: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Return ``request``, made to wait as often as Discord answers 429, as it does to hosts with a shared address.

    Ending instead would have the bot restarted, and asking again too early prolongs the wait.
    """
    said = False

    async def wait_and_request(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - discord.py's
        nonlocal said
        while True:
            try:
                return await request(*args, **kwargs)
            except discord.HTTPException as error:
                if error.status != TOO_MANY_REQUESTS:
                    raise
                seconds = retry_after(error)
                if not said:
                    log.warning(
                        "discord_asks_to_wait", seconds=round(seconds), note="I log in after that; leave me on."
                    )
                said = True
                await asyncio.sleep(seconds)

    return wait_and_request


def retry_after(error: discord.HTTPException) -> float:
    """Return how many seconds a 429 asks to wait."""
    told = str(error.response.headers.get("Retry-After", ""))
    try:
        seconds = float(told)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            seconds = _WAIT_SECONDS
    return min(max(seconds, 1.0), _LONGEST_WAIT) if math.isfinite(seconds) else _WAIT_SECONDS


def _trace(metrics: Metrics, may_act: Callable[[], bool] | None = None) -> aiohttp.TraceConfig:
    """Count Discord's 429 and 5xx responses, which discord.py retries by itself; stop what must not be sent.

    Without ``may_act``, a request is cancelled at the last moment before it is sent, together with whatever wanted it:
    what is left to do is stored, and another process does it. Replies go on: nobody else has their interactions.
    """

    async def count(_session: object, _context: object, ended: aiohttp.TraceRequestEndParams) -> None:
        status = ended.response.status
        if status == TOO_MANY_REQUESTS or status >= SERVER_ERROR:
            metrics.discord_troubles.labels("429" if status == TOO_MANY_REQUESTS else "5xx").inc()

    async def check(_session: object, _context: object, sent: aiohttp.TraceRequestHeadersSentParams) -> None:
        if may_act is not None and not may_act() and not _OF_REPLIES.search(sent.url.path):
            raise asyncio.CancelledError

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(count)
    trace.on_request_headers_sent.append(check)
    return trace


@contextlib.asynccontextmanager
async def _monitoring(settings: Settings, metrics: Metrics, gateway: Gateway) -> AsyncIterator[None]:
    if settings.metrics_port is None:
        yield
        return
    async with contextlib.AsyncExitStack() as stack:
        serving = monitoring(settings.metrics_host, settings.metrics_port, metrics, gateway)
        try:
            address = await stack.enter_async_context(serving)
        except OSError:
            raise SettingsError([_CANNOT_LISTEN]) from None
        log.info("monitoring", address=address)
        yield


def _ending(running: asyncio.Task[Any]) -> int:
    match running.exception():
        case None:
            return 0
        case discord.LoginFailure() | discord.ConnectionClosed(code=4004):  # the gateway's "authentication failed"
            log.critical(LOGIN_REFUSED)  # logged, not printed, to follow LOG_FORMAT
            return WRONG_SETTINGS
        case SettingsError() as error:
            log.critical("\n".join(error.lines))
            return WRONG_SETTINGS
        case discord.ConnectionClosed() as error:
            log.critical("discord_refused", close_code=error.code)
        case discord.HTTPException() as error:
            log.critical("discord_refused", status=error.status, code=error.code)
        case (discord.GatewayNotFound() | aiohttp.ClientError() | OSError()) as error:
            log.critical("discord_unreachable", error=type(error).__name__)
        case error:
            log.critical("start_failed", exc_info=error)
    return FAILED


def _on_stop_signals(stopping: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stopping.set)
        except NotImplementedError:  # Windows has no signal handlers in the loop
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopping.set))
