"""Circuit breaker: stops requests while Fileflare is down, and probes until it is back.

No maintained library does this for asyncio, and it is short.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Final

import structlog

from fileflare_bot.fileflare.errors import FileflareDown, FileflareTimeout

FAILURES_TO_OPEN: Final = 5  # in a row
OPEN_SECONDS: Final = 5.0  # then one request probes

log = structlog.stdlib.get_logger(__name__)


class State(IntEnum):
    """The values are the breaker metric's."""

    CLOSED = 0
    PROBING = 1
    OPEN = 2


class Breaker:
    """Opens after 5 failures in a row; then every request fails at once, except one probe every 5 s.

    ``clock`` returns seconds.
    """

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._now = clock or (lambda: asyncio.get_running_loop().time())
        self.state = State.CLOSED
        self._failures = 0
        self._probe_at = 0.0

    @property
    def next_attempt(self) -> float | None:
        """The seconds until Fileflare may be asked again, or None if it is not away."""
        return None if self.state is State.CLOSED else max(0.0, self._probe_at - self._now())

    def check(self) -> None:
        """Check that a request may be made, before it waits for its turn.

        Raises:
            FileflareDown: the breaker is open.
        """
        if self.state is State.PROBING or (self.state is State.OPEN and self._now() < self._probe_at):
            raise FileflareDown("not asked: it has not answered lately", next_attempt=self.next_attempt or OPEN_SECONDS)

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Make one request inside this block; its outcome opens or closes the breaker.

        Raises:
            FileflareDown: the breaker is open.
        """
        self.check()
        probing = self.state is State.OPEN
        if probing:
            self.state = State.PROBING
        try:
            yield
        except (FileflareDown, FileflareTimeout):
            self._failed()
            raise
        except asyncio.CancelledError:
            if probing:
                self.state = State.OPEN
            raise
        except Exception:
            self._responded()
            raise
        else:
            self._responded()

    def _failed(self) -> None:
        self._failures += 1
        if self.state is State.CLOSED and self._failures >= FAILURES_TO_OPEN:
            log.error("fileflare_down", failures=self._failures)
        if self._failures >= FAILURES_TO_OPEN:
            self.state = State.OPEN
            self._probe_at = self._now() + OPEN_SECONDS

    def _responded(self) -> None:
        if self.state is not State.CLOSED:
            log.warning("fileflare_back")
        self.state = State.CLOSED
        self._failures = 0
