"""The queue that every request to Fileflare passes: a rate limit, a concurrency limit, fair and bounded.

Fileflare's public rate limit is not documented; its keyed API allows 60 requests a minute. All lookups leave from
one IP address, so one guild's rush must not use up the others' share: the guild served least recently goes first,
and within it the user served least recently. A full queue turns away the guild that fills it.
"""

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from aiolimiter import AsyncLimiter
from cachetools import LRUCache

from fileflare_bot.fileflare.errors import FileflareBusy, QueueFull
from fileflare_bot.fileflare.responses import read_retry_after

PAUSE_WITHOUT_A_NUMBER: Final = 5.0  # seconds, after a 429 without Retry-After
LONGEST_WAIT: Final = 10.0  # seconds in the queue, and at most one more turn
LEAST_QUEUE: Final = 100  # places in the queue; at slow rates LONGEST_WAIT refuses earlier
MOST_AT_ONCE: Final = 100  # concurrent requests
LONGEST_RETURN: Final = 600.0  # seconds; the longest ``retry_after`` given
LEAST_RATE: Final = 0.1  # of the configured rate; Fileflare's headers lower it no further
LOWERED_SECONDS: Final = 60.0  # a lower rate holds for so long after the last response that named one
_LONGEST_NUMBER: Final = 9  # digits of a limit; more are no limit, and Python reads no more than 4,300
MOST_REMEMBERED: Final = 10_000  # guilds and users whose last turn is remembered
_TOO_MANY_REQUESTS: Final = 429


@dataclass(frozen=True, slots=True)
class Requester:
    """Who a request is for. Without a guild the user counts as a guild of their own."""

    user_id: int
    guild_id: int | None = None

    @property
    def share(self) -> int:
        """The ID that shares turns fairly: the guild's, or the user's without a guild."""
        return self.user_id if self.guild_id is None else self.guild_id


@dataclass(slots=True)
class _Waiter:
    requester: Requester
    turn: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class RequestQueue:
    """Gives out turns. The defaults follow from the rate: 60 a minute allow a burst of 10, and 8 at once."""

    def __init__(
        self,
        *,
        per_minute: float = 60,
        burst: int | None = None,
        at_once: int | None = None,
        longest_wait: float = LONGEST_WAIT,
        longest_queue: int | None = None,
    ) -> None:
        self._configured = self._per_minute = per_minute
        self._burst = burst or max(1, round(per_minute / 6))
        self._limiter = _limiter(per_minute, self._burst)
        self._lowered_until = 0.0
        self._at_once = asyncio.Semaphore(at_once or min(MOST_AT_ONCE, max(2, round(per_minute / 7.5))))
        self._longest_wait = longest_wait
        self._longest_queue = longest_queue or max(LEAST_QUEUE, math.ceil(per_minute / 60 * longest_wait))
        self._queue: dict[int, deque[_Waiter]] = {}
        self._last_turn: LRUCache[int, int] = LRUCache(MOST_REMEMBERED)
        self._turns = count(1)
        self._serving: asyncio.Task[None] | None = None
        self._paused_until = 0.0
        self._next_slot = 0.0

    @property
    def waiting(self) -> int:
        """How many requests are in the queue."""
        return sum(len(waiters) for waiters in self._queue.values())

    @asynccontextmanager
    async def turn(self, requester: Requester) -> AsyncIterator[None]:
        """Make one request inside this block.

        Raises:
            FileflareBusy: Fileflare asked for a pause longer than the longest wait.
            QueueFull: too many are waiting; it says when to try again.
        """
        await self._wait(requester)
        try:
            yield
        finally:
            self._at_once.release()

    def learn(self, status: int, headers: Mapping[str, str]) -> None:
        """Follow the rate limit in a response's headers: ``Retry-After``, ``X-RateLimit-Limit`` and ``-Remaining``.

        A limit lowers the rate at once, to ``LEAST_RATE`` of the configured one at least, and the rate rises again
        after ``LOWERED_SECONDS`` without such a limit. What is no limit is ignored.
        """
        limit = _limit(headers)
        if limit is not None and limit < self._configured:
            rate = max(limit, self._configured * LEAST_RATE)
            if rate <= self._per_minute or self._is_rate_due():
                self._lowered_until = _now() + LOWERED_SECONDS
                self._set_rate(rate)
        self._raise_rate()
        if status == _TOO_MANY_REQUESTS:
            self._pause(read_retry_after(headers) or PAUSE_WITHOUT_A_NUMBER)
        elif headers.get("X-RateLimit-Remaining", "").strip() == "0":
            self._pause(60 / self._per_minute)

    def _raise_rate(self) -> None:
        if self._per_minute != self._configured and self._is_rate_due():
            self._set_rate(self._configured)

    def _is_rate_due(self) -> bool:
        return _now() >= self._lowered_until

    def _set_rate(self, per_minute: float) -> None:
        if per_minute != self._per_minute:
            self._per_minute = per_minute
            self._limiter = _limiter(per_minute, min(self._burst, max(1, round(per_minute / 6))))

    def _pause(self, seconds: float) -> None:
        self._paused_until = max(self._paused_until, _now() + seconds)

    async def _wait(self, requester: Requester) -> None:
        self._raise_rate()
        free = not self._queue and not self._at_once.locked() and _now() >= self._paused_until
        if free and self._limiter.has_capacity():
            await self._at_once.acquire()
            await self._limiter.acquire()
            self._remember(requester)
            return
        waiter = self._join(requester)
        try:  # guilds that come later may overtake, so the estimate of _join() can be too short
            async with asyncio.timeout(self._longest_wait + 60 / self._per_minute):
                await self._take(waiter)
        except TimeoutError:
            raise QueueFull(self._retry_after(max(0.0, self._paused_until - _now()))) from None

    async def _take(self, waiter: _Waiter) -> None:
        try:
            await waiter.turn
        except asyncio.CancelledError:
            remain = self._drop_cancelled()
            if not waiter.turn.cancelled() and waiter.turn.exception() is None:  # it had its turn already
                if remain:
                    self._grant_next()
                else:
                    self._at_once.release()
            raise

    def _join(self, requester: Requester) -> _Waiter:
        self._drop_cancelled()
        mine = len(self._queue.get(requester.share, ())) + 1
        ahead = sum(min(len(waiters), mine) for waiters in self._queue.values())
        pause = max(0.0, self._paused_until - _now())
        if pause > self._longest_wait:
            raise FileflareBusy(pause)
        if pause + (ahead + 1) * 60 / self._per_minute > self._longest_wait:
            raise QueueFull(self._retry_after(pause))
        if self.waiting >= self._longest_queue:
            longest = max(self._queue.values(), key=len)
            if len(longest) <= mine:
                raise QueueFull(self._retry_after(pause))
            longest.pop().turn.set_exception(QueueFull(self._retry_after(pause)))
        waiter = _Waiter(requester)
        self._queue.setdefault(requester.share, deque()).append(waiter)
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve(), name="fileflare-queue")
        return waiter

    def _retry_after(self, pause: float) -> float:
        """Return the seconds until somebody turned away should retry; each gets a later slot than the last."""
        apart = 60 / self._per_minute
        self._next_slot = max(self._next_slot, _now() + pause + self.waiting * apart) + apart
        return min(self._next_slot - _now(), LONGEST_RETURN)

    async def _serve(self) -> None:
        """Give out turns until the queue is empty."""
        while self._drop_cancelled():
            await asyncio.sleep(max(0.0, self._paused_until - _now()))
            await self._at_once.acquire()
            await self._limiter.acquire()
            if not self._drop_cancelled():
                self._at_once.release()
                return
            self._grant_next()

    def _grant_next(self) -> None:
        """Give a turn that is already paid for to the next waiter; there must be one, and none cancelled."""
        waiter = self._next()
        self._remember(waiter.requester)
        waiter.turn.set_result(None)

    def _drop_cancelled(self) -> bool:
        """Remove cancelled waiters; return whether any remain."""
        for share, waiters in list(self._queue.items()):
            remaining = deque(waiter for waiter in waiters if not waiter.turn.done())
            if remaining:
                self._queue[share] = remaining
            else:
                del self._queue[share]
        return bool(self._queue)

    def _next(self) -> _Waiter:
        share = min(self._queue, key=lambda share: self._last_turn.get(share, 0))
        waiters = self._queue[share]
        waiter = min(waiters, key=lambda waiter: self._last_turn.get(waiter.requester.user_id, 0))
        waiters.remove(waiter)
        if not waiters:
            del self._queue[share]
        return waiter

    def _remember(self, requester: Requester) -> None:
        self._last_turn[requester.share] = self._last_turn[requester.user_id] = next(self._turns)


def _limit(headers: Mapping[str, str]) -> int | None:
    text = headers.get("X-RateLimit-Limit", "").strip()
    return int(text) or None if text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER else None


def _limiter(per_minute: float, burst: int) -> AsyncLimiter:
    return AsyncLimiter(burst, burst * 60 / per_minute)


def _now() -> float:
    return asyncio.get_running_loop().time()
