"""The sample Fileflare, as it can also be: slow, faulty, or away."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from fileflare_bot.demo.orders import SLOW
from fileflare_bot.demo.sample_fileflare import SampleFileflare

SENT_BYTES: Final = web.RequestKey("sent_bytes", list[int])
Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FaultyFileflare(SampleFileflare):
    """Counts the ``requests`` for each ID, and has a ``fault`` respond in its place.

    While the ``gate`` is cleared, it holds back every response. ``sent_bytes`` is of the last streamed response.
    """

    def __init__(self) -> None:
        super().__init__()
        self.fault: Fault | None = None
        self.requests: Counter[str] = Counter()
        self.delay_seconds = 0.0
        self.sent_bytes = [0]
        self.gate = asyncio.Event()
        self.gate.set()

    async def stop(self) -> None:
        """Close every connection and accept no new ones, like a server that is down."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _order(self, request: web.Request) -> web.StreamResponse:
        token = request.query.get("id", "")
        self.requests[token] += 1
        await self.gate.wait()
        if self.fault is not None:
            request[SENT_BYTES] = self.sent_bytes
            return await self.fault(request)
        if token != SLOW:
            await asyncio.sleep(self.delay_seconds)
        return await super()._order(request)
