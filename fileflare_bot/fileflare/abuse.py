"""How often a person and a server may look up, and how often they may miss.

An order's ID is worth guessing, so unknown IDs are counted much more tightly than lookups, and each further round
of misses makes the pause twice as long. While it lasts every lookup is refused before anything is asked, in the
same words and time whether its order exists or not: a guesser learns nothing.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog
from aiolimiter import AsyncLimiter
from cachetools import LRUCache

from fileflare_bot.fileflare.errors import AskedTooOften
from fileflare_bot.fileflare.request_queue import Requester

FIRST_PAUSE: Final = 60.0  # seconds
LONGEST_PAUSE: Final = 3600.0
FORGIVEN_AFTER: Final = 6 * 3600.0  # seconds without a miss
MOST_REMEMBERED: Final = 20_000  # people and servers; the least lately seen are forgotten first

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
    """Counts per person and per server; everything is in memory and bounded."""

    def __init__(
        self,
        *,
        lookups_per_person: int = 20,
        lookups_per_server: int = 120,
        misses_per_person: int = 5,
        misses_per_server: int = 30,
    ) -> None:
        self._person = (lookups_per_person, misses_per_person)
        self._server = (lookups_per_server, misses_per_server)
        self._records: LRUCache[tuple[str, int], _Record] = LRUCache(MOST_REMEMBERED)

    async def admit(self, requester: Requester) -> None:
        """Count a lookup.

        Raises:
            AskedTooOften: it is one too many, or a pause for misses is on; it says when to come back.
        """
        records = self._of(requester)
        pause = max(record.paused_until for record in records) - _now()
        if pause > 0:
            raise AskedTooOften(pause)
        for record in records:
            if not record.lookups.has_capacity():
                raise AskedTooOften(record.lookups.time_period / record.lookups.max_rate)
        for record in records:
            await record.lookups.acquire()  # there is room: this does not wait

    def missed(self, requester: Requester) -> None:
        """Count a lookup of an order that does not exist."""
        for record in self._of(requester):
            if _now() - record.last_miss > FORGIVEN_AFTER:
                record.misses = record.rounds = 0
            record.misses += 1
            record.last_miss = _now()
            if record.misses >= record.misses_allowed:
                pause = min(FIRST_PAUSE * 2**record.rounds, LONGEST_PAUSE)
                record.paused_until = _now() + pause
                record.misses = 0
                record.rounds += 1
                log.warning(
                    "guessing_suspected", user_id=requester.person, guild_id=requester.guild, pause_seconds=round(pause)
                )

    def _of(self, requester: Requester) -> list[_Record]:
        keys = [(("person", requester.person), self._person)]
        if requester.guild is not None:
            keys.append((("server", requester.guild), self._server))
        for key, (lookups, misses) in keys:
            if key not in self._records:
                self._records[key] = _Record(AsyncLimiter(lookups, 60), misses)
        return [self._records[key] for key, _ in keys]


def _now() -> float:
    return asyncio.get_running_loop().time()
