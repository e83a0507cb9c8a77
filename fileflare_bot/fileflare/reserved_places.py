"""Reserved places: who comes back to the line, when, and that they go first then."""

from bisect import bisect_left, bisect_right, insort
from typing import Final, NamedTuple

KEPT_SECONDS: Final = 10 * 60.0  # after its time
MISSED_SECONDS: Final = 60.0  # after its time; then nobody reckons with it any more
MOST_RESERVED: Final = 10_000


class _Reserved(NamedTuple):
    at: float
    share: int


class ReservedPlaces:
    """The reserved places, one for each user. All times are seconds of one monotonic clock.

    ``kept`` is for how many seconds after its time a place is kept.
    """

    def __init__(self, kept: float = KEPT_SECONDS) -> None:
        self.kept = kept
        self._places: dict[int, _Reserved] = {}  # the oldest first
        self._times: dict[int, list[float]] = {}  # of each share, in order
        self._last = 0.0

    def reserve_next(self, user_id: int, share: int, earliest: float, apart: float) -> float:
        """Reserve a place ``apart`` seconds after the last one, at the ``earliest`` then; return its time."""
        self._last = max(self._last + apart, earliest)
        self.reserve(user_id, share, self._last)
        return self._last

    def reserve(self, user_id: int, share: int, at: float) -> None:
        """Reserve a place at this time."""
        self.drop(user_id)
        if len(self._places) >= MOST_RESERVED:
            self.drop(next(iter(self._places)))
        self._places[user_id] = _Reserved(at, share)
        insort(self._times.setdefault(share, []), at)

    def time_of(self, user_id: int, now: float) -> float | None:
        """Return when a user may come back, or None if they have no place or it is no longer kept."""
        place = self._places.get(user_id)
        if place is not None and now > place.at + self.kept:
            self.drop(user_id)
            return None
        return place.at if place is not None else None

    def drop(self, user_id: int) -> None:
        """Give up a user's place, if they have one."""
        place = self._places.pop(user_id, None)
        if place is not None:
            times = self._times[place.share]
            del times[bisect_left(times, place.at)]
            if not times:
                del self._times[place.share]

    def due(self, share: int, now: float, until: float) -> int:
        """Return how many people of a share are expected until then."""
        times = self._times.get(share)
        return bisect_right(times, until) - bisect_left(times, now - MISSED_SECONDS) if times else 0
