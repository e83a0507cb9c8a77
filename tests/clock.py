"""A clock that the tests set."""

from datetime import UTC, datetime, timedelta


class Clock:
    """Gives the time in UTC, which passes only when a test says so."""

    def __init__(self) -> None:
        self._time = datetime(2026, 11, 25, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the time."""
        return self._time

    def passes(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self._time += timedelta(seconds=seconds)
