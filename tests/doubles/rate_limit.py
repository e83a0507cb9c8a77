"""A limit of requests, as a server enforces it."""

import time
from collections import deque
from typing import Any

from aiohttp import web


class RateLimit:
    """A fault of the sample Fileflare: it allows so many requests in any window of seconds, and answers 429 beyond.

    ``allowed`` are the times of the requests that it allowed, ``refused`` of the others; both by the monotonic clock.
    """

    def __init__(self, answers: dict[str, Any], allowed: int, window: float = 60.0) -> None:
        self._answers = answers
        self._allowed = allowed
        self._window = window
        self._recent: deque[float] = deque()
        self.allowed: list[float] = []
        self.refused: list[float] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Answer a request, or refuse it."""
        now = time.monotonic()
        while self._recent and self._recent[0] <= now - self._window:
            self._recent.popleft()
        if len(self._recent) >= self._allowed:
            self.refused.append(now)
            seconds = max(1, round(self._recent[0] + self._window - now))
            return web.Response(status=429, headers={"Retry-After": str(seconds)})
        self._recent.append(now)
        self.allowed.append(now)
        return web.json_response(self._answers[request.query["id"]])

    def busiest(self) -> int:
        """Return the most requests, refused ones too, in any window."""
        times, most, first = sorted([*self.allowed, *self.refused]), 0, 0
        for last, at in enumerate(times):
            while times[first] <= at - self._window:
                first += 1
            most = max(most, last - first + 1)
        return most
