"""Starts the bot: ``python bot.py``, or tests what it needs: ``python bot.py --check``."""

import argparse
import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import AsyncIterator

import aiohttp
import discord
import structlog
from cryptography.fernet import Fernet

from fileflare_bot.app import FileflareBot
from fileflare_bot.fileflare.client import FileflareClient
from fileflare_bot.fileflare.errors import LookupFailed, OrderNotFound
from fileflare_bot.fileflare.lookups import NO_SUCH_ORDER, build_lookups
from fileflare_bot.i18n import Catalogs
from fileflare_bot.interactions.responder import SERVER_ERROR, TOO_MANY_REQUESTS
from fileflare_bot.logs import configure_logging
from fileflare_bot.metrics import Metrics
from fileflare_bot.monitoring import monitoring
from fileflare_bot.settings import Settings, SettingsError, load_settings
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.storage import Storage, open_storage

WRONG_SETTINGS = 2
_CANNOT_LISTEN = (
    "METRICS_PORT cannot be opened on METRICS_HOST: another program has it, or the address is not this computer's. "
    "For example: METRICS_PORT=9090"
)

log = structlog.stdlib.get_logger(__name__)


def main() -> int:
    """Return the exit code: 0 after a clean stop or check, 1 after a failure, 2 for wrong settings."""
    parser = argparse.ArgumentParser(description="The Fileflare Discord bot.")
    parser.add_argument("--check", action="store_true", help="test the settings, Fileflare and the Discord login")
    parser.add_argument("--new-key", action="store_true", help="print a new key for SECRET_KEYS")
    arguments = parser.parse_args()
    if arguments.new_key:
        print(Fernet.generate_key().decode())
        return 0
    try:
        settings = load_settings()
    except SettingsError as error:
        print(*error.lines, sep="\n", file=sys.stderr)
        return WRONG_SETTINGS
    configure_logging("WARNING" if arguments.check else settings.log_level, settings.log_format)
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # warnings about voice, which is not used
    try:
        return asyncio.run(check(settings) if arguments.check else run(settings))
    except SettingsError as error:  # one that shows only in use
        log.critical("\n".join(error.lines))
        return WRONG_SETTINGS


async def run(settings: Settings) -> int:
    """Run the bot until SIGTERM or Ctrl-C; return the exit code."""
    metrics = Metrics()
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,  # no answer follows another customer
        open_storage(settings) as storage,
        FileflareBot(
            lookups=build_lookups(settings, session, metrics),
            storage=storage,
            catalogs=Catalogs(default=settings.default_locale),
            metrics=metrics,
            sync_guilds=settings.discord_sync_guilds,
            http_trace=_count_troubles(metrics),
        ) as bot,
        _monitoring(settings, bot),
    ):
        stopping = asyncio.Event()
        _on_stop_signals(stopping)
        running = asyncio.create_task(bot.start(settings.discord_token.get_secret_value()))
        stop = asyncio.create_task(stopping.wait())
        await asyncio.wait({running, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if running.done():
            return _ending(running, bot)
        await bot.stop()
        running.cancel()  # discord.py may be waiting to try again, which takes it up to 17 minutes
        await asyncio.gather(running, return_exceptions=True)
        return 0


def _count_troubles(metrics: Metrics) -> aiohttp.TraceConfig:
    """Count what discord.py tries again by itself, and so nobody else sees."""

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
            log.critical(_login_refused())  # a line that is also JSON where LOG_FORMAT says so
            return WRONG_SETTINGS
        case SettingsError() as error:
            log.critical("\n".join(error.lines))
            return WRONG_SETTINGS
        case discord.ConnectionClosed() as error:
            log.critical("discord_refused", close_code=error.code)
        case discord.HTTPException() as error:
            log.critical("discord_refused", status=error.status, code=error.code, text=error.text)
        case (discord.GatewayNotFound() | aiohttp.ClientError() | OSError()) as error:
            log.critical("discord_unreachable", error=type(error).__name__)
        case AttributeError() if getattr(bot, "ws", None) is None:  # discord.py, after a first connection that failed
            log.critical("discord_unreachable", error="the gateway did not take the first connection")
        case error:
            log.critical("start_failed", exc_info=error)
    return 1


async def check(settings: Settings) -> int:
    """Test the settings, Fileflare and the Discord login; print a line for each and return the exit code."""
    print("settings   good")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        good = [
            await _check_database(settings),
            await _check_fileflare(_client(settings, session)),
            await _check_discord(settings),
        ]
    return 0 if all(good) else 1


async def _check_database(settings: Settings) -> bool:
    storage = None
    try:
        storage = Storage(settings)
        await storage.check()
    except SettingsError as error:
        print(f"database   failed: {error}")
        return False
    except StorageUnavailable as error:
        print(f"database   failed: it does not answer ({error}). Look at DATABASE_URL and the network.")
        return False
    finally:
        if storage is not None:
            await storage.close()
    print("database   good")
    return True


async def _check_fileflare(client: FileflareClient) -> bool:
    started = time.perf_counter()
    try:
        await client.fetch_order(NO_SUCH_ORDER)
    except OrderNotFound:
        pass  # the expected answer: the ID is made up
    except LookupFailed as error:
        print(f"Fileflare  failed: {type(error).__name__} ({error}). Look at FILEFLARE_BASE_URL and the network.")
        return False
    print(f"Fileflare  good: it answers ({round((time.perf_counter() - started) * 1000)} ms)")
    return True


async def _check_discord(settings: Settings) -> bool:
    async with discord.Client(intents=discord.Intents(guilds=True)) as client:
        try:
            await client.login(settings.discord_token.get_secret_value())
        except discord.LoginFailure:
            print(f"Discord    failed: {_login_refused()}")
            return False
        except discord.HTTPException as error:
            print(f"Discord    failed: it answered with status {error.status}. Try again in a few minutes.")
            return False
        except (aiohttp.ClientError, OSError) as error:
            print(f"Discord    failed: no connection ({type(error).__name__}). Look at the network, then try again.")
            return False
        print(f"Discord    good: logged in as {client.user}")
        return True


def _login_refused() -> str:
    return "DISCORD_TOKEN was refused by Discord: copy it anew from the Discord Developer Portal > Bot > Reset Token."


def _client(settings: Settings, session: aiohttp.ClientSession) -> FileflareClient:
    return FileflareClient(session, settings.fileflare_base_url, timeout_seconds=settings.fileflare_timeout_seconds)


def _on_stop_signals(stopping: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stopping.set)
        except NotImplementedError:  # Windows knows no signal handlers in the loop
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopping.set))


if __name__ == "__main__":
    sys.exit(main())
