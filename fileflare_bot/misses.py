"""Misses, which are lookups of order IDs that do not exist: how they are counted, in memory as in the database."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

FIRST_PAUSE: Final = timedelta(minutes=1)
LONGEST_PAUSE: Final = timedelta(hours=1)
FORGIVEN_AFTER: Final = timedelta(hours=6)  # without a miss
_NEVER: Final = datetime.fromtimestamp(0, UTC)
_MOST_DOUBLINGS: Final = 10  # already longer than the longest pause

Key: TypeAlias = tuple[int, int]  # (user_id, 0) for a user, (0, guild_id) for a guild


@dataclass(frozen=True, slots=True)
class Misses:
    """How many misses a user or a guild has, when the last was, and until when they pause; times are UTC."""

    count: int = 0
    last_at: datetime = _NEVER
    paused_until: datetime = _NEVER

    def remembered(self, now: datetime) -> "Misses":
        """Return these, or none if they are forgiven."""
        return NO_MISSES if now - self.last_at > FORGIVEN_AFTER else self

    def one_more(self, allowed: int, now: datetime) -> "Misses":
        """Return these and one more. Each ``allowed`` misses start a pause, twice as long as the one before."""
        before = self.remembered(now)
        count, paused_until = before.count + 1, before.paused_until
        rounds, rest = divmod(count, allowed)
        if not rest:
            paused_until = now + _pause(rounds)
        return Misses(count, now, paused_until)

    def ahead(self, allowed: int) -> tuple[int, timedelta]:
        """Return how many more misses start a pause, 0 if the last one has, and how long that pause is."""
        rounds = -(-self.count // allowed)
        return rounds * allowed - self.count, _pause(rounds)

    def merged(self, other: "Misses") -> "Misses":
        """Return the stricter of what two processes know about the same user or guild."""
        return Misses(
            max(self.count, other.count), max(self.last_at, other.last_at), max(self.paused_until, other.paused_until)
        )


def _pause(rounds: int) -> timedelta:
    doublings = min(rounds - 1, _MOST_DOUBLINGS)
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


NO_MISSES: Final = Misses()
