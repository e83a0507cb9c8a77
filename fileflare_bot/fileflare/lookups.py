"""One lookup, from who asks to the order: limits, shared and fresh answers, retries, the breaker and the budget."""

import asyncio
import hashlib
import os
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import aiohttp
import stamina
from cachetools import TTLCache

from fileflare_bot.fileflare.abuse import AbuseGuard
from fileflare_bot.fileflare.breaker import Breaker
from fileflare_bot.fileflare.client import FileflareClient
from fileflare_bot.fileflare.errors import FileflareTimeout, FileflareUnavailable, OrderNotFound
from fileflare_bot.fileflare.request_queue import Asker, Budget
from fileflare_bot.metrics import Metrics
from fileflare_bot.orders.models import Order
from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.settings import Settings

PERSON_SECONDS: Final = 20.0  # how long anybody waits for an answer, with all waiting and retries
FRESH_SECONDS: Final = 10.0  # an answer this young is given again
REFRESH_SECONDS: Final = 3.0  # to a Refresh, only one this young
RETRIES: Final = 2
FIRST_WAIT: Final = (0.1, 0.5)  # seconds before the first of them
NO_SUCH_ORDER: Final = OrderReference("fileflare-discord-bot-check")  # made up, to see whether anybody answers
MOST_ASSETS_REMEMBERED: Final = 20_000  # over all fresh answers


@dataclass(frozen=True, slots=True)
class _Recent:
    order: Order
    at: float


class Lookups:
    """Finds orders. Of the IDs that were asked for it keeps only keyed hashes, and those for seconds."""

    def __init__(self, client: FileflareClient, *, budget: Budget, abuse: AbuseGuard, metrics: Metrics) -> None:
        self.client = client
        self.breaker = Breaker()
        self.last_success: datetime | None = None
        self._budget = budget
        self._abuse = abuse
        self._metrics = metrics
        self._key = os.urandom(32)
        self._running: dict[bytes, asyncio.Task[Order]] = {}  # bounded by the budget's line and number at once
        self._recent: TTLCache[bytes, _Recent] = TTLCache(
            MOST_ASSETS_REMEMBERED,
            FRESH_SECONDS,
            getsizeof=lambda recent: 1 + recent.order.asset_count,
        )
        metrics.watch(waiting=lambda: budget.waiting, breaker=lambda: self.breaker.state)

    async def find(self, reference: OrderReference, asker: Asker, *, refresh: bool = False) -> Order:
        """Return the order as it is now, or was up to 10 s ago (3 s for a refresh).

        Raises:
            AskedTooOften: this person or server has to pause.
            OrderNotFound: Fileflare knows no such order.
            FileflareUnavailable: it gave no usable answer, or the line is too long.
        """
        await self._abuse.admit(asker)
        key = hashlib.blake2b(reference.token.encode(), key=self._key, digest_size=16).digest()
        recent = self._recent.get(key)
        if recent is not None and time.perf_counter() - recent.at < (REFRESH_SECONDS if refresh else FRESH_SECONDS):
            self._metrics.shared.inc()
            return recent.order
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(self._ask(key, reference, asker))
            task.add_done_callback(lambda done: self._finished(key, done))
        else:
            self._metrics.shared.inc()
        try:
            return await asyncio.shield(task)
        except OrderNotFound:
            self._abuse.missed(asker)
            raise

    async def probe(self, asker: Asker) -> None:
        """See whether Fileflare answers, by an order that is none; this counts as nobody's guess.

        Raises:
            FileflareUnavailable: it gave no usable answer, or the line is too long.
        """
        try:
            await self._request(NO_SUCH_ORDER, asker)
        except OrderNotFound:
            return  # the expected answer

    async def _ask(self, key: bytes, reference: OrderReference, asker: Asker) -> Order:
        try:
            async with asyncio.timeout(PERSON_SECONDS):
                order = await self._try(reference, asker)
        except TimeoutError:
            raise FileflareTimeout("no answer within a person's patience") from None
        recent = _Recent(order, time.perf_counter())
        if self._recent.getsizeof(recent) <= self._recent.maxsize:
            self._recent[key] = recent
        return order

    async def _try(self, reference: OrderReference, asker: Asker) -> Order:
        try:
            return await self._request(reference, asker)  # nearly always; stamina's machinery is for the rest
        except FileflareUnavailable as error:
            if not error.passes_soon:
                raise
        await asyncio.sleep(random.uniform(*FIRST_WAIT))  # noqa: S311 - jitter is no secret
        async for attempt in stamina.retry_context(
            on=_passes_soon, attempts=RETRIES, wait_initial=0.4, wait_jitter=0.3
        ):
            with attempt:
                self._metrics.retries.inc()
                return await self._request(reference, asker)
        raise AssertionError("stamina returns or raises")

    async def _request(self, reference: OrderReference, asker: Asker) -> Order:
        async with self._budget.turn(asker):
            with self.breaker.watch(), self._metrics.fileflare_seconds.time():
                order = await self.client.fetch_order(reference)
                self.last_success = datetime.now(UTC)
                return order

    def _finished(self, key: bytes, task: asyncio.Task[Order]) -> None:
        self._running.pop(key, None)
        if not task.cancelled():
            task.exception()  # who asked may have gone; that is no error


def build_lookups(settings: Settings, session: aiohttp.ClientSession, metrics: Metrics) -> Lookups:
    """Return what the settings ask for, over this session."""
    stamina.instrumentation.set_on_retry_hooks(())  # its own log and metric; ours say it once
    budget = Budget(
        per_minute=settings.fileflare_requests_per_minute,
        burst=settings.fileflare_burst,
        at_once=settings.fileflare_at_once,
        longest_line=settings.fileflare_longest_line,
        longest_wait=settings.fileflare_longest_wait_seconds,
    )
    abuse = AbuseGuard(
        lookups_per_person=settings.lookups_per_person,
        lookups_per_server=settings.lookups_per_server,
        misses_per_person=settings.misses_per_person,
        misses_per_server=settings.misses_per_server,
    )
    client = FileflareClient(
        session,
        settings.fileflare_base_url,
        timeout_seconds=settings.fileflare_timeout_seconds,
        on_answer=budget.learn,
    )
    return Lookups(client, budget=budget, abuse=abuse, metrics=metrics)


def _passes_soon(error: Exception) -> bool:
    return isinstance(error, FileflareUnavailable) and error.passes_soon
