"""``python bot.py --check``: checks what the bot needs, and prints one line for each."""

import time

import aiohttp
import discord

from fileflare_bot.discord_errors import TOO_MANY_REQUESTS
from fileflare_bot.fileflare.client import FileflareClient
from fileflare_bot.fileflare.errors import LookupFailed, OrderNotFound
from fileflare_bot.fileflare.lookups import NO_SUCH_ORDER
from fileflare_bot.proxies import proxy_for
from fileflare_bot.runner import FAILED, LOGIN_REFUSED, retry_after
from fileflare_bot.settings import Settings, SettingsError
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.storage import Storage


async def check(settings: Settings) -> int:
    """Check the settings, database, Fileflare and Discord login, print a line for each, and return the exit code."""
    print("settings   good")
    proxy = proxy_for(settings.fileflare_base_url, settings)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), proxy=proxy) as session:
        seconds = settings.fileflare_timeout_seconds
        client = FileflareClient(session, settings.fileflare_base_url, timeout_seconds=seconds)
        good = [await _check_database(settings), await _check_fileflare(client, proxy), await _check_discord(settings)]
    return 0 if all(good) else FAILED


async def _check_database(settings: Settings) -> bool:
    storage = None
    try:
        storage = Storage(settings)
        used = await storage.check()
    except SettingsError as error:
        print(f"database   failed: {error}")
        return False
    except StorageUnavailable as error:
        print(f"database   failed: it does not answer ({error}). Look at DATABASE_URL and the network.")
        return False
    finally:
        if storage is not None:
            await storage.close()
    print(f"database   good: {storage.place}{'' if used else ' (new: the start makes its tables)'}")
    return True


async def _check_fileflare(client: FileflareClient, proxy: str | None) -> bool:
    started = time.perf_counter()
    try:
        await client.fetch_order(NO_SUCH_ORDER)
    except OrderNotFound:
        pass  # the expected response: the ID is made up
    except LookupFailed as error:
        what = "FILEFLARE_BASE_URL" if proxy is None else "FILEFLARE_BASE_URL, HTTPS_PROXY"
        print(f"Fileflare  failed: {type(error).__name__} ({error}). Look at {what} and the network.")
        return False
    print(f"Fileflare  good: it answers ({round((time.perf_counter() - started) * 1000)} ms)")
    return True


async def _check_discord(settings: Settings) -> bool:
    proxy = proxy_for(discord.http.Route.BASE, settings)
    async with discord.Client(intents=discord.Intents(guilds=True), proxy=proxy) as client:
        try:
            await client.login(settings.discord_token.get_secret_value())
        except discord.LoginFailure:
            print(f"Discord    failed: {LOGIN_REFUSED}")
            return False
        except discord.HTTPException as error:
            wait = f"{retry_after(error):.0f} seconds" if error.status == TOO_MANY_REQUESTS else "a few minutes"
            print(f"Discord    failed: it answered with status {error.status}. Try again in {wait}.")
            return False
        except (aiohttp.ClientError, OSError) as error:
            what = "the network" if proxy is None else "HTTPS_PROXY and the network"
            print(f"Discord    failed: no connection ({type(error).__name__}). Look at {what}, then try again.")
            return False
        print(f"Discord    good: logged in as {client.user}")
        return True
