"""What happened in each server in the last 24 hours, for its owner: how many lookups, and what came of them."""

from collections import Counter
from datetime import UTC, datetime
from typing import Final

from cachetools import TTLCache

HOURS: Final = 24
MOST_KEPT: Final = 100_000  # hours of servers


class Activity:
    """Counts by server and hour, kept in memory only."""

    def __init__(self) -> None:
        self._hours: TTLCache[tuple[int, int], Counter[str]] = TTLCache(MOST_KEPT, HOURS * 3600)

    def count(self, guild_id: int, outcome: str) -> None:
        """Count a lookup in a server."""
        key = (guild_id, _hour())
        self._hours.setdefault(key, Counter())[outcome] += 1

    def of(self, guild_id: int) -> Counter[str]:
        """Return the outcomes of a server's lookups in the last 24 hours, or since the bot started."""
        now = _hour()
        counted: Counter[str] = Counter()
        for hour in range(now - HOURS + 1, now + 1):
            counted.update(self._hours.get((guild_id, hour), ()))
        return counted


def _hour() -> int:
    return int(datetime.now(UTC).timestamp()) // 3600
