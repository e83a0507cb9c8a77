"""How fast Fileflare is asked: when the next request may leave, and what its responses teach about that.

Fileflare's public rate limit is not documented; its keyed API allows 60 requests a minute. So the configured pace holds
until responses say otherwise. A limit in their headers is followed at once, up to the fastest pace that is allowed.
Without one, the pace climbs while people wait and all goes well, if a faster pace is allowed at all. After a 429 it
goes on at nine tenths of the last pace that worked, and climbs slowly from there.

A server counts over some minute of its own. So no minute, and no second more, holds more requests than one minute's.
"""

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from fileflare_bot.fileflare.responses import read_rate_limit, read_reset, read_retry_after

WINDOW_SECONDS: Final = 61.0  # a minute, and a second in which a request can be late
LEAST_PACE: Final = 0.1  # of the configured one; neither headers nor 429s lower it further
HEADERS_HOLD_SECONDS: Final = 60.0  # after the last response with a limit
PAUSE_WITHOUT_A_NUMBER: Final = 5.0  # seconds, after a 429 without Retry-After
LONGEST_PAUSE: Final = 60.0  # seconds; of a longer one every minute is checked by one request
AFTER_429: Final = 0.9  # of the last pace that worked
ONE_429_SECONDS: Final = 10.0  # requests that were under way together are refused together
CLIMB: Final = 0.6  # requests a minute, for each response that came while people waited
SLOW_CLIMB: Final = 0.02  # of the configured pace, a minute, while the last 429 is not forgotten
REMEMBERED_SECONDS: Final = 3600.0  # after a 429
BURST_SECONDS: Final = 10.0  # so much of the pace may leave at once; request_queue.py bounds what is under way
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500


class Pace:
    """The pace of requests to Fileflare, in requests a minute. All times are seconds of one monotonic clock.

    ``fastest`` bounds what headers and climbing reach; without it, that is the configured pace. ``burst`` requests may
    leave at once after a rest; without it, those of BURST_SECONDS.
    """

    def __init__(self, per_minute: float, fastest: float | None = None, *, burst: int | None = None) -> None:
        self.per_minute = self._configured = self._of_all = per_minute
        self._fastest = max(per_minute, fastest or per_minute)
        self._burst = burst
        self._sent: deque[float] = deque(maxlen=int(self._fastest) + 1)
        self._evenly_at = 0.0  # when the next request leaves if all leave evenly
        self._paused_until = 0.0
        self._worked = per_minute
        self._limit: float | None = None
        self._limit_until = 0.0
        self._refused_at: float | None = None
        self.checking = False  # a pause longer than LONGEST_PAUSE is being checked: one request at a time

    def share(self, processes: int) -> None:
        """Leave the other processes their parts of the pace; each learns from what it meets itself."""
        part = self._of_all / processes / self._configured
        self._configured *= part
        self._fastest *= part
        self.per_minute *= part
        self._worked *= part

    def wait(self, now: float) -> float:
        """Return the seconds until a request may leave; 0 if one may leave now."""
        self._forget(now)
        apart = 60 / self.per_minute
        allowed = max(1, int(self.per_minute))
        evenly = self._evenly_at - (self._most_at_once() - 1) * apart
        window = self._sent[-allowed] + WINDOW_SECONDS if len(self._sent) >= allowed else 0.0
        return max(0.0, evenly - now, window - now, self._paused_until - now)

    def sent(self, now: float) -> None:
        """Count a request that leaves."""
        self._evenly_at = max(self._evenly_at, now) + 60 / self.per_minute
        self._sent.append(now)

    def take_back(self) -> None:
        """Count the last request no longer: it has not left."""
        self._evenly_at -= 60 / self.per_minute
        self._sent.pop()

    def served(self, now: float) -> int:
        """Return how many requests left in the last minute."""
        return sum(at > now - 60 for at in self._sent)

    def pause(self, now: float) -> float:
        """Return how many seconds of a pause that Fileflare asked for are left until the next attempt."""
        return max(0.0, self._paused_until - now)

    def learn(self, status: int, headers: Mapping[str, str], now: float, *, busy: bool) -> None:
        """Learn from a response; ``busy`` says whether people wait, so that a faster pace would be used.

        ``Retry-After`` is obeyed up to LONGEST_PAUSE. What is no number, date or limit is ignored.
        """
        self._forget(now)
        limit = read_rate_limit(headers)
        if limit is not None:
            self._limit, self._limit_until = limit, now + HEADERS_HOLD_SECONDS
            self.per_minute = self._within(self.per_minute if self._refused_at is not None else limit)
        if status == _TOO_MANY_REQUESTS:
            self._slow_down(now)
            seconds = read_retry_after(headers)
            seconds = PAUSE_WITHOUT_A_NUMBER if seconds is None else seconds
            self.checking = seconds > LONGEST_PAUSE
            self._pause(now + min(seconds, LONGEST_PAUSE))
            return
        if headers.get("X-RateLimit-Remaining", "").strip() == "0":
            reset = read_reset(headers, now=datetime.now(UTC))
            self._pause(now + min(reset or 60 / self.per_minute, LONGEST_PAUSE))
        if status < _SERVER_ERROR:
            self.checking = False
            self._worked = self.per_minute
            if busy:
                self._climb()

    def _pause(self, until: float) -> None:
        self._paused_until = max(self._paused_until, until)

    def _most_at_once(self) -> int:
        return self._burst or max(1, round(self.per_minute * BURST_SECONDS / 60))

    def _slow_down(self, now: float) -> None:
        if self._refused_at is None or now - self._refused_at >= ONE_429_SECONDS:
            self.per_minute = self._within(AFTER_429 * self._worked)
            self._refused_at = now

    def _climb(self) -> None:
        carefully = SLOW_CLIMB * self._configured / self.per_minute
        self.per_minute = self._within(self.per_minute + (CLIMB if self._refused_at is None else carefully))

    def _within(self, per_minute: float) -> float:
        ceiling = self._fastest if self._limit is None else min(self._limit, self._fastest)
        return max(min(per_minute, ceiling), self._configured * LEAST_PACE)

    def _forget(self, now: float) -> None:
        """Forget a limit that no response has named for a while, and a 429 of long ago."""
        if self._limit is not None and now >= self._limit_until:
            self._limit = None
            self.per_minute = self._configured if self._refused_at is None else min(self.per_minute, self._configured)
        if self._refused_at is not None and now - self._refused_at >= REMEMBERED_SECONDS:
            self._refused_at = None
            self.per_minute = self._within(max(self.per_minute, self._limit or self._configured))
