"""Runs the bot: creates its resources, handles signals, and maps its end to an exit code."""

import asyncio
import contextlib
import math
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import aiohttp
import discord
import structlog

from fileflare_bot.app import DRAIN_SECONDS, FileflareBot
from fileflare_bot.discord_errors import SERVER_ERROR, TOO_MANY_REQUESTS
from fileflare_bot.fileflare.lookups import build_lookups
from fileflare_bot.i18n import Catalogs
from fileflare_bot.metrics import Metrics
from fileflare_bot.monitoring import monitoring
from fileflare_bot.proxies import proxy_for
from fileflare_bot.settings import Settings, SettingsError
from fileflare_bot.storage.storage import open_storage

FAILED: Final = 1
WRONG_SETTINGS: Final = 2
LOGIN_REFUSED: Final = (
    "DISCORD_TOKEN was refused by Discord: copy it anew from the Discord Developer Portal > Bot > Reset Token."
)
_CANNOT_LISTEN: Final = (
    "METRICS_PORT cannot be opened on METRICS_HOST: another program has it, or the address is not this computer's. "
    "For example: METRICS_PORT=9090"
)

_WAIT_SECONDS: Final = 60.0  # after a 429 that does not say how long
_LONGEST_WAIT: Final = 86_400.0

log = structlog.stdlib.get_logger(__name__)


async def run(settings: Settings, *, drain_seconds: float = DRAIN_SECONDS) -> int:
    """Run the bot until SIGTERM or Ctrl-C, then let replies finish for ``drain_seconds``; return the exit code.

    Raises:
        SettingsError: a setting proved wrong in use.
    """
    metrics = Metrics()
    async with (
        aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),  # customers share no cookies
            proxy=proxy_for(settings.fileflare_base_url, settings),
        ) as session,
        open_storage(settings) as storage,
        FileflareBot(
            lookups=build_lookups(settings, session, metrics, misses=storage.misses),
            storage=storage,
            catalogs=Catalogs(default=settings.default_locale),
            metrics=metrics,
            http_trace=_count_troubles(metrics),
            proxy=proxy_for(discord.http.Route.BASE, settings),
        ) as bot,
        _monitoring(settings, bot),
    ):
        stopping = asyncio.Event()
        _on_stop_signals(stopping)
        running = asyncio.create_task(_start(bot, settings.discord_token.get_secret_value()))
        stop = asyncio.create_task(stopping.wait())
        await asyncio.wait({running, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if running.done():
            return _ending(running, bot)
        await bot.stop(drain_seconds)
        running.cancel()  # discord.py may be waiting up to 17 minutes before it reconnects
        await asyncio.gather(running, return_exceptions=True)
        return 0


async def _start(bot: discord.Client, token: str) -> None:
    """Log in, however long Discord makes us wait, and stay connected."""
    request = bot.http.request
    bot.http.request = _patient(request)  # type: ignore[method-assign,assignment]  # discord.py gives up after five tries
    await bot.login(token)
    bot.http.request = request  # type: ignore[method-assign]
    await bot.connect()


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


def _count_troubles(metrics: Metrics) -> aiohttp.TraceConfig:
    """Count Discord's 429 and 5xx responses, which discord.py retries by itself."""

    async def count(_session: object, _context: object, ended: aiohttp.TraceRequestEndParams) -> None:
        status = ended.response.status
        if status == TOO_MANY_REQUESTS or status >= SERVER_ERROR:
            metrics.discord_troubles.labels("429" if status == TOO_MANY_REQUESTS else "5xx").inc()

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(count)
    return trace


@contextlib.asynccontextmanager
async def _monitoring(settings: Settings, bot: FileflareBot) -> AsyncIterator[None]:
    if settings.metrics_port is None:
        yield
        return
    async with contextlib.AsyncExitStack() as stack:
        serving = monitoring(settings.metrics_host, settings.metrics_port, bot.metrics, bot)
        try:
            address = await stack.enter_async_context(serving)
        except OSError:
            raise SettingsError([_CANNOT_LISTEN]) from None
        log.info("monitoring", address=address)
        yield


def _ending(running: asyncio.Task[None], bot: FileflareBot) -> int:
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
        case AttributeError() if getattr(bot, "ws", None) is None:  # discord.py's error for a failed first connection
            log.critical("discord_unreachable", error="the gateway did not take the first connection")
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
