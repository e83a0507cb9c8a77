"""One lookup: abuse limits, shared and cached responses, retries, breaker and queue."""

import asyncio
import hashlib
import os
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import aiohttp
import stamina
from cachetools import TTLCache

from fileflare_bot.fileflare.abuse import AbuseGuard, SharedMisses
from fileflare_bot.fileflare.breaker import Breaker
from fileflare_bot.fileflare.client import FileflareClient
from fileflare_bot.fileflare.errors import FileflareDown, FileflareTimeout, FileflareUnavailable, OrderNotFound
from fileflare_bot.fileflare.request_queue import Requester, RequestQueue
from fileflare_bot.metrics import Metrics
from fileflare_bot.orders.models import Order
from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.orders.weight import weight
from fileflare_bot.settings import Settings

PATIENCE_SECONDS: Final = 20.0  # for one lookup, queue and retries included
FRESH_SECONDS: Final = 10.0  # a response this young is reused
REFRESH_SECONDS: Final = 3.0  # for a Refresh, only one this young
ATTEMPTS: Final = 3  # the second 0.1 to 0.5 s after the first, the third 0.4 to 0.8 s after that
NO_SUCH_ORDER: Final = OrderReference("fileflare-discord-bot-check")  # made up, for the probe
MOST_REMEMBERED: Final = 32 * 2**20  # bytes of all cached responses
_NO_PATIENCE_LEFT: Final = "no response within a person's patience"


@dataclass(frozen=True, slots=True)
class Found:
    """An order, the form of the ID that Fileflare knows, and how many seconds ago it gave it; 0 if for this lookup."""

    order: Order
    reference: OrderReference
    age: float = 0.0


@dataclass(frozen=True, slots=True)
class _Recent:
    found: Found
    at: float


class Lookups:
    """Finds orders. Keeps requested IDs only as keyed hashes, and only for seconds."""

    def __init__(
        self,
        client: FileflareClient,
        *,
        queue: RequestQueue,
        abuse: AbuseGuard,
        breaker: Breaker,
        metrics: Metrics,
        fresh_seconds: float = FRESH_SECONDS,
        refresh_seconds: float = REFRESH_SECONDS,
    ) -> None:
        self.client = client
        self.breaker = breaker
        self.fresh_seconds = fresh_seconds
        self.refresh_seconds = refresh_seconds
        self.last_success: datetime | None = None
        self._queue = queue
        self._abuse = abuse
        self._metrics = metrics
        self._key = os.urandom(32)
        self._running: dict[bytes, asyncio.Task[Found]] = {}  # bounded by the queue
        self._recent: TTLCache[bytes, _Recent] = TTLCache(
            MOST_REMEMBERED, FRESH_SECONDS, getsizeof=lambda recent: weight(recent.found.order)
        )
        metrics.watch(waiting=lambda: queue.waiting, breaker=lambda: self.breaker.state)

    async def find(
        self, reference: OrderReference, requester: Requester, *, refresh: bool = False, known: bool = False
    ) -> Found:
        """Return the order, at most 10 s old (3 s for a refresh). A ``known`` order is one that they opened before.

        All forms of the reference together are one lookup, and at most one miss.

        Raises:
            AskedTooOften: the user or guild must pause.
            OrderNotFound: Fileflare knows no such order.
            FileflareUnavailable: no usable response, or the queue is full.
        """
        await self._abuse.admit(requester, known=known)
        try:
            found = await self._find(reference, requester, self.refresh_seconds if refresh else self.fresh_seconds)
        except OrderNotFound:
            if not known:
                await self._abuse.missed(requester)
            raise
        if not known:
            self._abuse.hit(requester)
        return found

    async def probe(self, requester: Requester) -> None:
        """Check that Fileflare responds, with a made-up order ID; it does not count as a miss.

        Raises:
            FileflareUnavailable: no usable response, or the queue is full.
        """
        try:
            await self._request(NO_SUCH_ORDER, requester)
        except OrderNotFound:
            return  # the expected response

    async def _find(self, reference: OrderReference, requester: Requester, oldest: float) -> Found:
        likeliest, *_ = reference.forms
        key = hashlib.blake2b(likeliest.token.encode(), key=self._key, digest_size=16).digest()
        recent = self._recent.get(key)
        if recent is not None:
            age = time.perf_counter() - recent.at
            if age < oldest:
                self._metrics.shared.inc()
                return replace(recent.found, age=age)
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(self._fetch(key, reference, requester))
            task.add_done_callback(lambda done: self._finished(key, done))
        else:
            self._metrics.shared.inc()
        return await asyncio.shield(task)

    async def _fetch(self, key: bytes, reference: OrderReference, requester: Requester) -> Found:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS) as patience:
                found = await self._fetch_with_retries(reference, requester, patience)
        except TimeoutError:
            raise FileflareTimeout(_NO_PATIENCE_LEFT) from None
        with suppress(ValueError):  # larger than MOST_REMEMBERED
            self._recent[key] = _Recent(found, time.perf_counter())
        return found

    async def _fetch_with_retries(
        self, reference: OrderReference, requester: Requester, patience: asyncio.Timeout
    ) -> Found:
        async for attempt in stamina.retry_context(
            on=_passes_soon, attempts=ATTEMPTS, wait_initial=0.1, wait_jitter=0.4, wait_exp_base=4
        ):
            with attempt:
                if attempt.num > 1:
                    self._metrics.retries.inc()
                return await self._request(reference, requester, patience)
        raise AssertionError("stamina returns or raises")

    async def _request(
        self, reference: OrderReference, requester: Requester, patience: asyncio.Timeout | None = None
    ) -> Found:
        try:
            found = await self._ask_for_each_form(reference, requester, patience)
        except OrderNotFound as error:
            if error.denied and self._abuse.denied(requester):
                raise FileflareDown("denies everybody") from None
            if not error.denied:
                self._abuse.not_denied()
            raise
        self._abuse.not_denied()
        return found

    async def _ask_for_each_form(
        self, reference: OrderReference, requester: Requester, patience: asyncio.Timeout | None
    ) -> Found:
        *likelier, last = reference.forms
        for form in likelier:
            with suppress(OrderNotFound):
                return Found(await self._ask(form, requester, patience), form)
        return Found(await self._ask(last, requester, patience), last)

    async def _ask(self, reference: OrderReference, requester: Requester, patience: asyncio.Timeout | None) -> Order:
        """Make one request; if ``patience`` ends it, that counts as a failure, as Fileflare's own timeout does."""
        self.breaker.check()
        async with self._queue.turn(requester):
            with self.breaker.watch(), self._metrics.fileflare_seconds.time():
                try:
                    order = await self.client.fetch_order(reference)
                except asyncio.CancelledError:
                    if patience is not None and patience.expired():
                        raise FileflareTimeout(_NO_PATIENCE_LEFT) from None
                    raise
                self.last_success = datetime.now(UTC)
                return order

    def _finished(self, key: bytes, task: asyncio.Task[Found]) -> None:
        self._running.pop(key, None)
        if not task.cancelled():
            task.exception()  # retrieved, so asyncio does not log it when no requester is left


def build_lookups(
    settings: Settings,
    session: aiohttp.ClientSession,
    metrics: Metrics,
    *,
    misses: SharedMisses | None = None,
    queue: RequestQueue | None = None,
    abuse: AbuseGuard | None = None,
    breaker: Breaker | None = None,
) -> Lookups:
    """Build the lookups from the settings; a given queue, abuse guard or breaker replaces the default.

    ``misses`` are those that all processes count together; without them, this one counts alone.
    """
    stamina.instrumentation.set_on_retry_hooks(())  # no log and metric of its own: ours suffice
    queue = queue or RequestQueue(per_minute=settings.fileflare_requests_per_minute)
    abuse = abuse or AbuseGuard(
        lookups_per_user=settings.lookups_per_person,
        lookups_per_guild=settings.lookups_per_server,
        shared=misses,
    )
    client = FileflareClient(
        session,
        settings.fileflare_base_url,
        timeout_seconds=settings.fileflare_timeout_seconds,
        on_response=queue.learn,
    )
    return Lookups(client, queue=queue, abuse=abuse, breaker=breaker or Breaker(), metrics=metrics)


def _passes_soon(error: Exception) -> bool:
    return isinstance(error, FileflareUnavailable) and error.passes_soon
