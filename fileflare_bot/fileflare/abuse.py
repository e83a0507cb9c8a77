"""Limits on lookups and on misses (unknown order IDs), per user and per guild.

Order IDs are worth guessing, so misses are limited much more tightly than lookups, and each further round of misses
doubles the pause. During a pause every lookup is refused before Fileflare is asked, with the same words and timing
whether or not the order exists, so a guesser learns nothing.

Fileflare may say by 401 or 403 that an ID is unknown. Many of them in a row, for several users, mean that it denies
the bot every order; such an outage is nobody's miss.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog
from aiolimiter import AsyncLimiter
from cachetools import LRUCache

from fileflare_bot.fileflare.errors import AskedTooOften
from fileflare_bot.fileflare.request_queue import Requester

FIRST_PAUSE: Final = 60.0  # seconds
LONGEST_PAUSE: Final = 3600.0  # seconds
FORGIVEN_AFTER: Final = 6 * 3600.0  # seconds without a miss
DENIALS_FOR_OUTAGE: Final = 5  # in a row
USERS_FOR_OUTAGE: Final = 3  # in that row
MOST_REMEMBERED: Final = 20_000  # users and guilds; the least recently seen are dropped first

log = structlog.stdlib.get_logger(__name__)


@dataclass(slots=True)
class _Record:
    lookups: AsyncLimiter
    misses_allowed: int
    misses: int = 0
    rounds: int = 0
    last_miss: float = 0.0
    paused_until: float = 0.0


class AbuseGuard:
    """Counts lookups and misses per user and guild, in bounded memory. ``clock`` returns seconds."""

    def __init__(
        self,
        *,
        lookups_per_user: int = 20,
        lookups_per_guild: int = 120,
        misses_per_user: int = 5,
        misses_per_guild: int = 30,
        most_remembered: int = MOST_REMEMBERED,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._user = (lookups_per_user, misses_per_user)
        self._guild = (lookups_per_guild, misses_per_guild)
        self._records: LRUCache[tuple[str, int], _Record] = LRUCache(most_remembered)
        self._denials = 0
        self._denied_users: set[int] = set()
        self._denies_all = False
        self._now = clock or (lambda: asyncio.get_running_loop().time())

    async def admit(self, requester: Requester) -> None:
        """Count a lookup.

        Raises:
            AskedTooOften: the limit is reached, or a pause is running; it says how long to wait.
        """
        records = self._records_of(requester)
        pause = max(record.paused_until for record in records) - self._now()
        if pause > 0:
            raise AskedTooOften(pause)
        for record in records:
            if not record.lookups.has_capacity():
                raise AskedTooOften(record.lookups.time_period / record.lookups.max_rate)
        for record in records:
            await record.lookups.acquire()  # has capacity, so this does not wait

    def missed(self, requester: Requester) -> None:
        """Count a lookup of an order that does not exist; too many start a pause."""
        for record in self._records_of(requester):
            if self._now() - record.last_miss > FORGIVEN_AFTER:
                record.misses = record.rounds = 0
            record.misses += 1
            record.last_miss = self._now()
            if record.misses >= record.misses_allowed:
                pause = min(FIRST_PAUSE * 2**record.rounds, LONGEST_PAUSE)
                record.paused_until = self._now() + pause
                record.misses = 0
                record.rounds += 1
                log.warning(
                    "guessing_suspected",
                    user_id=requester.user_id,
                    guild_id=requester.guild_id,
                    pause_seconds=round(pause),
                )

    def denied(self, requester: Requester) -> bool:
        """Count a 401 or 403; return whether Fileflare denies everybody, which is no miss."""
        self._denials += 1
        if not self._denies_all:
            self._denied_users.add(requester.user_id)
            self._denies_all = self._denials >= DENIALS_FOR_OUTAGE and len(self._denied_users) >= USERS_FOR_OUTAGE
            if self._denies_all:
                log.error("fileflare_denies_access", in_a_row=self._denials)
        return self._denies_all

    def not_denied(self) -> None:
        """End the row of 401 and 403: Fileflare has returned an order, or said that there is none."""
        self._denials = 0
        self._denied_users.clear()
        self._denies_all = False

    def _records_of(self, requester: Requester) -> list[_Record]:
        keys = [(("user", requester.user_id), self._user)]
        if requester.guild_id is not None:
            keys.append((("guild", requester.guild_id), self._guild))
        for key, (lookups, misses) in keys:
            if key not in self._records:
                self._records[key] = _Record(AsyncLimiter(lookups, 60), misses)
        return [self._records[key] for key, _ in keys]
