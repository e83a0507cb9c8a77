"""The outcomes of each guild's lookups in the last 24 hours, for /store status."""

import time
from collections import Counter
from typing import Final

from cachetools import TTLCache

HOURS: Final = 24
MOST_KEPT: Final = 100_000  # pairs of guild and hour


class Activity:
    """Counts lookups by guild and hour, in memory only."""

    def __init__(self) -> None:
        self._hours: TTLCache[tuple[int, int], Counter[str]] = TTLCache(MOST_KEPT, HOURS * 3600)

    def count(self, guild_id: int, outcome: str) -> None:
        """Count a lookup in a guild."""
        key = (guild_id, _hour())
        self._hours.setdefault(key, Counter())[outcome] += 1

    def of(self, guild_id: int) -> Counter[str]:
        """Return the outcomes of a guild's lookups in the last 24 hours, or since the bot started."""
        now = _hour()
        counted: Counter[str] = Counter()
        for hour in range(now - HOURS + 1, now + 1):
            counted.update(self._hours.get((guild_id, hour), ()))
        return counted


def _hour() -> int:
    return int(time.time()) // 3600
