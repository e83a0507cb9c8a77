"""One lookup: abuse limits, shared and cached responses, retries, breaker and queue."""

import asyncio
import hashlib
import os
import time
import traceback
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, ExitStack, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import aiohttp
import stamina
from cachetools import TTLCache

from fileflare_bot.fileflare.abuse import AbuseGuard, SharedMisses
from fileflare_bot.fileflare.breaker import Breaker
from fileflare_bot.fileflare.client import FileflareClient
from fileflare_bot.fileflare.errors import (
    FileflareBusy,
    FileflareDown,
    FileflareTimeout,
    FileflareUnavailable,
    LookupFailed,
    OrderGone,
    OrderNotFound,
    QueueFull,
    TooManyLookups,
)
from fileflare_bot.fileflare.found import Found
from fileflare_bot.fileflare.pace import Pace
from fileflare_bot.fileflare.request_queue import LONGEST_WAIT, Place, Requester, RequestQueue
from fileflare_bot.metrics import Metrics
from fileflare_bot.orders.models import Order
from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.orders.weight import weight
from fileflare_bot.settings import Settings

PATIENCE_SECONDS: Final = 20.0  # for one turn, retries included
SHORT_WAIT: Final = 10.0  # seconds in the line for lookups whose users see nothing of it
MOST_PLACES: Final = 3  # of one user; more would be guesses before the first is known to be a miss
FRESH_SECONDS: Final = 10.0  # a response this young is reused
REFRESH_SECONDS: Final = 3.0  # for a Refresh, only one this young
ATTEMPTS: Final = 3  # the second 0.1 to 0.5 s after the first, the third 0.4 to 0.8 s after that
NO_SUCH_ORDER: Final = OrderReference("fileflare-discord-bot-check")  # made up, for the probe
MOST_REMEMBERED: Final = 32 * 2**20  # bytes of all cached responses
Waiting = Callable[[Place], AbstractAsyncContextManager[object]]  # is entered while somebody waits
_NO_PATIENCE_LEFT: Final = "no response within a person's patience"


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
        self.queue = queue
        self._abuse = abuse
        self._metrics = metrics
        self._key = os.urandom(32)
        self._running: dict[bytes, asyncio.Task[Found]] = {}  # bounded by the queue
        self._places = _Places()
        self._recent: TTLCache[bytes, _Recent] = TTLCache(
            MOST_REMEMBERED, FRESH_SECONDS, getsizeof=lambda recent: weight(recent.found.order)
        )
        queue.away = lambda: self.breaker.next_attempt
        metrics.watch(
            waiting=lambda: queue.waiting,
            longest_wait_seconds=lambda: queue.longest,
            served_per_minute=lambda: queue.served,
            pace_per_minute=lambda: queue.pace.per_minute,
            breaker=lambda: self.breaker.state,
        )

    async def find(
        self,
        reference: OrderReference,
        requester: Requester,
        *,
        refresh: bool = False,
        known: bool = False,
        patience: float = SHORT_WAIT,
        waiting: Waiting = nullcontext,
    ) -> Found:
        """Return the order, at most 10 s old (3 s for a refresh). A ``known`` order is one that they opened before.

        All forms of the reference together are one lookup, and at most one miss. Whoever has to wait does so for
        ``patience`` seconds, inside ``waiting``, which can show their place.

        Raises:
            AskedTooOften: the user must pause.
            OrderNotFound: Fileflare knows no such order; it says whether a pause is near.
            OrderGone: Fileflare knows a ``known`` order no longer.
            FileflareUnavailable: no usable response, or the line is longer than the patience.
            LineEnded: the place in the line is gone.
        """
        await self._abuse.admit(requester, known=known)
        lookup = _Lookup(self._key_of(reference), reference, requester, known=known, patience=patience)
        try:
            found = await self._find(lookup, self.refresh_seconds if refresh else self.fresh_seconds, waiting)
        except OrderNotFound as error:  # shared by all who have asked for the order
            in_server = requester.guild_id is not None
            if known and error.denied:  # Fileflare may deny everybody's
                raise OrderNotFound(str(error), denied=True, in_server=in_server) from error
            if known:
                raise OrderGone(str(error), in_server=in_server) from error
            tries_left, pause = await self._abuse.missed(requester)
            raise OrderNotFound(
                str(error),
                denied=error.denied,
                tries_left=tries_left,
                pause=pause.total_seconds(),
                in_server=in_server,
                cut_to=reference.cut_to,
            ) from error
        if not known:
            self._abuse.hit(requester)
        return found

    async def probe(self, requester: Requester) -> None:
        """Check that Fileflare responds, with a made-up order ID; it does not count as a miss.

        Raises:
            FileflareUnavailable: no usable response, or the line is too long.
        """
        self.breaker.check()
        try:
            async with self.queue.turn(requester, patience=LONGEST_WAIT):
                await self._request(NO_SUCH_ORDER, requester)
        except OrderNotFound:
            return  # the expected response

    def _key_of(self, reference: OrderReference) -> bytes:
        likeliest, *_ = reference.forms
        return hashlib.blake2b(likeliest.token.encode(), key=self._key, digest_size=16).digest()

    async def _find(self, lookup: "_Lookup", oldest: float, waiting: Waiting) -> Found:
        """Find an order. Who has waited keeps waiting if Fileflare wants a pause, or is away, as long as is left."""
        waited, began = False, _now()
        while True:
            recent = self._recent.get(lookup.key)
            if recent is not None and (age := time.perf_counter() - recent.at) < oldest:
                self._metrics.shared.inc()
                return replace(recent.found, age=age)
            try:
                running = self._under_way(lookup)
                if running is not None:
                    self._metrics.shared.inc()
                elif not waited:
                    self.breaker.check()
                if running is None and self.queue.try_turn(lookup.requester):
                    running = self._start(lookup)
                if running is not None:
                    return await asyncio.shield(running)
                returning, waited = waited, True
                return await self._wait(lookup, waiting, returning=returning, since=began)
            except (FileflareBusy, FileflareDown, FileflareTimeout, QueueFull) as error:
                if isinstance(error, QueueFull):  # the request had no time for a further attempt, but they have
                    passes = lookup.patience >= self.queue.longest_wait
                else:
                    passes = isinstance(error, FileflareBusy) or (waited and self.breaker.next_attempt is not None)
                if not passes or _now() + self.queue.pause >= began + lookup.patience:
                    raise
            waited = True

    async def _wait(self, lookup: "_Lookup", waiting: Waiting, *, returning: bool, since: float) -> Found:
        """Wait in the line until it is this lookup's turn, or somebody else's has brought the order."""
        place = self._place_of(lookup, returning=returning)
        try:
            async with waiting(place):
                found = await place.come(lookup.patience, since=since)
                if found is not None:
                    self._metrics.shared.inc()
                    return found
                running = self._under_way(lookup)
                with ExitStack() as unused:
                    unused.callback(self.queue.give_back)
                    if running is None and not lookup.known:
                        self._abuse.check_pause(lookup.requester)
                    if running is None:
                        running = self._start(lookup)
                        unused.pop_all()
                return await asyncio.shield(running)
        finally:
            self._places.discard(lookup, place)

    def _place_of(self, lookup: "_Lookup", *, returning: bool) -> Place:
        """Return the lookup's place, which it takes over if its user waits for the same order already."""
        theirs = self._places.of(lookup.requester.user_id)
        own = theirs.get(lookup.key)
        if own is not None and not own.turn.done():
            if lookup.patience < self.queue.longest_wait:
                raise QueueFull(own.wait)
            place = self.queue.move(own)
        elif len(theirs) >= MOST_PLACES and not returning:
            raise TooManyLookups(min(place.wait for place in theirs.values()))
        else:
            place = self.queue.join(lookup.requester, returning=returning, patience=lookup.patience)
        self._places.add(lookup, place)
        return place

    def _under_way(self, lookup: "_Lookup") -> asyncio.Task[Found] | None:
        """Return the request that is made for this order already; one that has ended is none, though just now."""
        running = self._running.get(lookup.key)
        return None if running is None or running.done() else running

    def _start(self, lookup: "_Lookup") -> asyncio.Task[Found]:
        """Ask Fileflare; the turn for it has come."""
        task = self._running[lookup.key] = asyncio.create_task(self._fetch(lookup))
        task.add_done_callback(lambda done: self._finished(lookup.key, done))
        return task

    async def _fetch(self, lookup: "_Lookup") -> Found:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS) as patience:
                found = await self._fetch_with_retries(lookup, patience)
        except TimeoutError:
            raise FileflareTimeout(_NO_PATIENCE_LEFT) from None
        with suppress(ValueError):  # larger than MOST_REMEMBERED
            self._recent[lookup.key] = _Recent(found, time.perf_counter())
        return found

    async def _fetch_with_retries(self, lookup: "_Lookup", patience: asyncio.Timeout) -> Found:
        async for attempt in stamina.retry_context(
            on=_passes_soon, attempts=ATTEMPTS, wait_initial=0.1, wait_jitter=0.4, wait_exp_base=4
        ):
            with attempt:
                if attempt.num == 1:
                    with self.queue.given_turn():
                        return await self._request(lookup.reference, lookup.requester, patience)
                self._metrics.retries.inc()
                async with self._next_turn(lookup.requester):
                    return await self._request(lookup.reference, lookup.requester, patience)
        raise AssertionError("stamina returns or raises")

    def _next_turn(self, requester: Requester) -> AbstractAsyncContextManager[None]:
        """Return a further turn of a lookup that has begun."""
        self.breaker.check()
        return self.queue.turn(requester, returning=True, patience=PATIENCE_SECONDS)

    async def _request(
        self, reference: OrderReference, requester: Requester, patience: asyncio.Timeout | None = None
    ) -> Found:
        """Ask for an order in a turn that has come."""
        try:
            found = await self._ask_for_each_form(reference, patience)
        except OrderNotFound as error:
            if error.denied and self._abuse.denied(requester):
                raise FileflareDown("denies everybody") from None
            if not error.denied:
                self._abuse.not_denied()
            raise
        self._abuse.not_denied()
        return found

    async def _ask_for_each_form(self, reference: OrderReference, patience: asyncio.Timeout | None) -> Found:
        *likelier, last = reference.forms
        for form in likelier:
            with suppress(OrderNotFound):
                return Found(await self._ask(form, patience), form)
            self.queue.another_request()
        return Found(await self._ask(last, patience), last)

    async def _ask(self, reference: OrderReference, patience: asyncio.Timeout | None) -> Order:
        """Ask Fileflare; if ``patience`` ends it, that counts as a failure, as Fileflare's own timeout does."""
        with self.breaker.watch(), self._metrics.fileflare_seconds.time():
            try:
                order = await self.client.fetch_order(reference)
            except asyncio.CancelledError:
                if patience is not None and patience.expired():
                    raise FileflareTimeout(_NO_PATIENCE_LEFT) from None
                raise
            except LookupFailed as error:  # it would keep the response's body until the collector looks for cycles
                traceback.clear_frames(error.__traceback__)
                raise
            self.last_success = datetime.now(UTC)
            return order

    def _finished(self, key: bytes, task: asyncio.Task[Found]) -> None:
        """Give the order, or that there is none, to everybody who waits for it."""
        if self._running.get(key) is task:
            del self._running[key]
        error = None if task.cancelled() else task.exception()
        for place in self._places.for_order(key):
            if isinstance(error, OrderNotFound):
                place.lose(error)
            elif error is None and not task.cancelled():
                place.give(task.result())


@dataclass(frozen=True, slots=True)
class _Lookup:
    key: bytes
    reference: OrderReference
    requester: Requester
    known: bool
    patience: float


class _Places:
    """The places in the line, by user and by order."""

    def __init__(self) -> None:
        self._by_user: defaultdict[int, dict[bytes, Place]] = defaultdict(dict)
        self._by_order: defaultdict[bytes, list[Place]] = defaultdict(list)

    def of(self, user_id: int) -> dict[bytes, Place]:
        return self._by_user.get(user_id, {})

    def for_order(self, key: bytes) -> list[Place]:
        return [*self._by_order.get(key, ())]

    def add(self, lookup: _Lookup, place: Place) -> None:
        self._by_user[lookup.requester.user_id][lookup.key] = place
        self._by_order[lookup.key].append(place)

    def discard(self, lookup: _Lookup, place: Place) -> None:
        user_id, key = lookup.requester.user_id, lookup.key
        self._by_order[key].remove(place)
        if not self._by_order[key]:
            del self._by_order[key]
        if self._by_user[user_id].get(key) is place:
            del self._by_user[user_id][key]
        if not self._by_user[user_id]:
            del self._by_user[user_id]


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
    queue = queue or RequestQueue(
        Pace(settings.fileflare_requests_per_minute, settings.fileflare_fastest_per_minute),
        per_guild=settings.lookups_per_server,
    )
    abuse = abuse or AbuseGuard(lookups_per_user=settings.lookups_per_person, shared=misses)
    client = FileflareClient(
        session,
        settings.fileflare_base_url,
        timeout_seconds=settings.fileflare_timeout_seconds,
        on_response=queue.learn,
    )
    return Lookups(client, queue=queue, abuse=abuse, breaker=breaker or Breaker(), metrics=metrics)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _passes_soon(error: Exception) -> bool:
    return isinstance(error, FileflareUnavailable) and error.passes_soon
