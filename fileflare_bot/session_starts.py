"""How many sessions Discord still lets the bot start today, and how many at once."""

import asyncio
from typing import Final

import aiohttp
import discord
import structlog

from fileflare_bot.metrics import Metrics

ASK_SECONDS: Final = 5.0  # Discord's answer about the limit is not waited for any longer

log = structlog.stdlib.get_logger(__name__)


class SessionStarts:
    """Discord's limit of sessions a day: discord.com/developers/docs/events/gateway#session-start-limit-object."""

    def __init__(self, client: discord.AutoShardedClient, metrics: Metrics) -> None:
        self._client = client
        self._left = metrics.session_starts_left
        self._at_once = 1

    async def wait(self) -> int:
        """Wait until another session may start; return how many may start within 5 seconds.

        If Discord does not say, one may.
        """
        said = False
        while True:
            try:
                async with asyncio.timeout(ASK_SECONDS):
                    limit = await self._client.fetch_session_start_limits()
            except (discord.DiscordException, aiohttp.ClientError, OSError):
                return self._at_once
            self._at_once = limit.max_concurrency
            self._left.set(limit.remaining)
            if limit.remaining > 0:
                return self._at_once
            seconds = limit.reset_after / 1000
            if not said:
                log.warning("session_starts_used_up", a_day=limit.total, seconds=round(seconds))
            said = True
            await asyncio.sleep(max(seconds, 1.0))
