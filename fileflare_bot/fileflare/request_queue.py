"""The one gate that every request to Fileflare passes: a rate, a number at once, and a fair, bounded line.

Fileflare's public rate limit is not documented; its keyed API allows 60 requests a minute. All the bot's lookups
leave from one address, so one server's rush must not use up what the others need: whose server, and who in it,
was served least lately goes first, and a line that is full turns away the server that fills it.
"""

import asyncio
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

PAUSE_WITHOUT_A_NUMBER: Final = 5.0  # seconds, after a 429 that does not say how long
LONGEST_RETURN: Final = 600.0  # seconds; nobody is told to come back later than this
MOST_REMEMBERED: Final = 10_000  # servers and people whose last turn is remembered
_TOO_MANY_REQUESTS: Final = 429


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asks: a person's Discord ID, and the server's; in a direct message the person is a server of their own."""

    person: int
    guild: int | None = None

    @property
    def server(self) -> int:
        """The server, or the person where there is none."""
        return self.person if self.guild is None else self.guild


@dataclass(slots=True)
class _Waiter:
    requester: Requester
    turn: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class RequestQueue:
    """Gives out turns. ``longest_wait`` (seconds) and ``longest_line`` bound what anybody waits for."""

    def __init__(
        self,
        *,
        per_minute: float = 60,
        burst: int = 10,
        at_once: int = 8,
        longest_line: int = 100,
        longest_wait: float = 10,
    ) -> None:
        self._configured = self._per_minute = per_minute
        self._burst = burst
        self._limiter = _limiter(per_minute, burst)
        self._at_once = asyncio.Semaphore(at_once)
        self._longest_line = longest_line
        self._longest_wait = longest_wait
        self._line: dict[int, deque[_Waiter]] = {}
        self._last_turn: LRUCache[int, int] = LRUCache(MOST_REMEMBERED)
        self._turns = count(1)
        self._serving: asyncio.Task[None] | None = None
        self._paused_until = 0.0
        self._returns_from = 0.0

    @property
    def waiting(self) -> int:
        """How many are in the line."""
        return sum(len(waiters) for waiters in self._line.values())

    @asynccontextmanager
    async def turn(self, requester: Requester) -> AsyncIterator[None]:
        """Do one request inside this block.

        Raises:
            FileflareBusy: Fileflare has asked for a pause that is too long to wait for.
            QueueFull: too many wait already; it says when to come back.
        """
        await self._wait(requester)
        try:
            yield
        finally:
            self._at_once.release()

    def learn(self, status: int, headers: Mapping[str, str]) -> None:
        """Heed what an answer says of the limit: ``Retry-After``, ``X-RateLimit-Limit`` and ``-Remaining``."""
        limit = headers.get("X-RateLimit-Limit", "")
        if limit.isdecimal() and int(limit):
            self._go_at(min(self._configured, float(limit)))
        if status == _TOO_MANY_REQUESTS:
            self._pause(read_retry_after(headers) or PAUSE_WITHOUT_A_NUMBER)
        elif headers.get("X-RateLimit-Remaining", "").strip() == "0":
            self._pause(60 / self._per_minute)

    def _go_at(self, per_minute: float) -> None:
        if per_minute != self._per_minute:
            self._per_minute = per_minute
            self._limiter = _limiter(per_minute, self._burst)

    def _pause(self, seconds: float) -> None:
        self._paused_until = max(self._paused_until, _now() + seconds)

    async def _wait(self, requester: Requester) -> None:
        free = not self._line and not self._at_once.locked() and _now() >= self._paused_until
        if free and self._limiter.has_capacity():
            await self._at_once.acquire()
            await self._limiter.acquire()
            self._remember(requester)
            return
        waiter = self._enter(requester)
        try:
            await waiter.turn
        except asyncio.CancelledError:
            if waiter.turn.done() and not waiter.turn.cancelled():
                self._at_once.release()
            raise

    def _enter(self, requester: Requester) -> _Waiter:
        mine = len(self._line.get(requester.server, ())) + 1
        ahead = sum(min(len(waiters), mine) for waiters in self._line.values())
        pause = max(0.0, self._paused_until - _now())
        if pause > self._longest_wait:
            raise FileflareBusy(pause)
        if pause + (ahead + 1) * 60 / self._per_minute > self._longest_wait:
            raise QueueFull(self._when_to_return(pause))
        if self.waiting >= self._longest_line:
            longest = max(self._line.values(), key=len)
            if len(longest) <= mine:
                raise QueueFull(self._when_to_return(pause))
            longest.pop().turn.set_exception(QueueFull(self._when_to_return(pause)))
        waiter = _Waiter(requester)
        self._line.setdefault(requester.server, deque()).append(waiter)
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve(), name="fileflare-queue")
        return waiter

    def _when_to_return(self, pause: float) -> float:
        """Return the seconds until a turn is free for one who is turned away: each gets the next one."""
        apart = 60 / self._per_minute
        self._returns_from = max(self._returns_from, _now() + pause + self.waiting * apart) + apart
        return min(self._returns_from - _now(), LONGEST_RETURN)

    async def _serve(self) -> None:
        """Give turns while anybody waits."""
        while self._drop_the_gone():
            await asyncio.sleep(max(0.0, self._paused_until - _now()))
            await self._at_once.acquire()
            await self._limiter.acquire()
            if not self._drop_the_gone():
                self._at_once.release()
                return
            waiter = self._next()
            self._remember(waiter.requester)
            waiter.turn.set_result(None)

    def _drop_the_gone(self) -> bool:
        """Take those out of the line who have left it; return whether anybody still waits."""
        for server, waiters in list(self._line.items()):
            here = deque(waiter for waiter in waiters if not waiter.turn.done())
            if here:
                self._line[server] = here
            else:
                del self._line[server]
        return bool(self._line)

    def _next(self) -> _Waiter:
        server = min(self._line, key=lambda server: self._last_turn.get(server, 0))
        waiters = self._line[server]
        waiter = min(waiters, key=lambda waiter: self._last_turn.get(waiter.requester.person, 0))
        waiters.remove(waiter)
        if not waiters:
            del self._line[server]
        return waiter

    def _remember(self, requester: Requester) -> None:
        self._last_turn[requester.server] = self._last_turn[requester.person] = next(self._turns)


def _limiter(per_minute: float, burst: int) -> AsyncLimiter:
    return AsyncLimiter(burst, burst * 60 / per_minute)


def _now() -> float:
    return asyncio.get_running_loop().time()
