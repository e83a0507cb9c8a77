"""Limits on a user's lookups, and on misses (unknown order IDs) of users and guilds.

Order IDs are worth guessing, so misses are limited much more tightly than lookups, and each further round of misses
doubles the pause. During a pause a lookup is refused before Fileflare is asked, with the same words and timing
whether or not the order exists, so a guesser learns nothing. A known order, which this user has opened before, is no
guess: it passes, and is neither a miss nor a hit.

A guild's pause slows many guessing accounts, each of which stays below its own limit. It must not lock everybody else
out, so it holds only for users whose last lookup was a miss, within the last hour. In it, a new account has one guess.

All processes count misses together in the database. A miss is written; only a user of whom this process has seen a miss
is read. So each further process adds one guess, after which it reads the others', and other lookups cost no call.
Without the database each process counts alone.

Fileflare may say by 401 or 403 that an ID is unknown. Many of them in a row, for several users, mean that it denies
the bot every order; such an outage is nobody's miss.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import structlog
from aiolimiter import AsyncLimiter
from cachetools import LRUCache

from fileflare_bot.fileflare.errors import Guessing, TooManyLookups
from fileflare_bot.fileflare.request_queue import Requester
from fileflare_bot.misses import NO_MISSES, Key, Misses

SUSPECT_FOR: Final = timedelta(hours=1)  # after a miss; a guild's pause holds for suspects
DENIALS_FOR_OUTAGE: Final = 5  # in a row
USERS_FOR_OUTAGE: Final = 3  # in that row
MOST_REMEMBERED: Final = 20_000  # users and guilds; the least recently seen are dropped first

log = structlog.stdlib.get_logger(__name__)


class SharedMisses(Protocol):
    """The misses that all processes count together. Both methods return nothing if they have no answer soon."""

    async def read(self, keys: Collection[Key]) -> Mapping[Key, Misses]:
        """Return the misses of these users and guilds, as far as they have any."""

    async def add(self, allowed: Mapping[Key, int], now: datetime) -> Mapping[Key, Misses]:
        """Count a miss of each of these, which may have so many before they pause; return all their misses."""


@dataclass(slots=True)
class _Record:
    key: Key
    lookups: AsyncLimiter  # of a user
    misses_allowed: int
    misses: Misses = NO_MISSES
    cleared_at: datetime = NO_MISSES.last_at  # the last miss before the last hit


class AbuseGuard:
    """Counts lookups and misses per user and guild, in bounded memory. ``clock`` returns the time in UTC."""

    def __init__(
        self,
        *,
        lookups_per_user: int = 20,
        misses_per_user: int = 5,
        misses_per_guild: int = 30,
        most_remembered: int = MOST_REMEMBERED,
        shared: SharedMisses | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._lookups_per_user = lookups_per_user
        self._misses_allowed = (misses_per_user, misses_per_guild)
        self._records: LRUCache[Key, _Record] = LRUCache(most_remembered)
        self._shared = shared
        self._denials = 0
        self._denied_users: set[int] = set()
        self._denies_all = False
        self._now = clock

    async def admit(self, requester: Requester, *, known: bool = False) -> None:
        """Count a user's lookup. No pause holds for a ``known`` order.

        Raises:
            TooManyLookups, Guessing: the limit is reached, or a pause is running; it says how long to wait.
        """
        records = self._records_of(requester)
        if not known:
            self._refuse_during_a_pause(records)
        lookups = records[0].lookups
        if not lookups.has_capacity():
            raise TooManyLookups(lookups.time_period / lookups.max_rate)
        await lookups.acquire()  # has capacity, so this does not wait
        if self._shared is not None and not known and records[0].misses.count:
            shared = await self._shared.read([record.key for record in records])
            for record in records:
                record.misses = record.misses.merged(shared.get(record.key, NO_MISSES))
            self._refuse_during_a_pause(records)

    def check_pause(self, requester: Requester) -> None:
        """Check again before Fileflare is asked for somebody who has waited.

        Raises:
            Guessing: a pause has begun meanwhile.
        """
        self._refuse_during_a_pause(self._records_of(requester))

    async def missed(self, requester: Requester) -> tuple[int, timedelta]:
        """Count a lookup of an order that does not exist; too many start a pause.

        Return how many more of this user start one, 0 if this one has, and how long it is.
        """
        records, now = self._records_of(requester), self._now()
        counted = {}
        for record in records:
            counted[record.key] = record.misses = record.misses.one_more(record.misses_allowed, now)
        if self._shared is not None:
            counted |= await self._shared.add({record.key: record.misses_allowed for record in records}, now)
        for record in records:
            misses = counted[record.key]
            if misses.count % record.misses_allowed == 0:
                log.warning(
                    "guessing_suspected",
                    user_id=requester.user_id,
                    guild_id=requester.guild_id,
                    pause_seconds=round((misses.paused_until - now).total_seconds()),
                )
        user, *_ = records
        return counted[user.key].ahead(user.misses_allowed)

    def hit(self, requester: Requester) -> None:
        """Clear the user of suspicion until their next miss. It does not shorten a pause of their own."""
        user, *_ = self._records_of(requester)
        user.cleared_at = user.misses.last_at

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

    def _refuse_during_a_pause(self, records: list[_Record]) -> None:
        now = self._now()
        user, *_ = records
        paused = records if _is_suspect(user, now) else [user]
        pause = max(record.misses.paused_until for record in paused) - now
        if pause > timedelta():
            raise Guessing(pause.total_seconds(), in_server=len(records) > 1)

    def _records_of(self, requester: Requester) -> list[_Record]:
        """Return the record of the user, then of the guild if there is one."""
        keys = [(requester.user_id, 0)]
        if requester.guild_id is not None:
            keys.append((0, requester.guild_id))
        now = self._now()
        for key, allowed in zip(keys, self._misses_allowed, strict=False):
            if key not in self._records:
                self._records[key] = _Record(key, AsyncLimiter(self._lookups_per_user, 60), allowed)
            record = self._records[key]
            record.misses = record.misses.remembered(now)
        return [self._records[key] for key in keys]


def _is_suspect(user: _Record, now: datetime) -> bool:
    return now - user.misses.last_at < SUSPECT_FOR and user.misses.last_at != user.cleared_at
