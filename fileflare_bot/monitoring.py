"""Serves /metrics for Prometheus, /healthz (the process runs) and /readyz (the gateway is connected, or stands by)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Protocol

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from fileflare_bot.metrics import Metrics

MOST_CONNECTIONS: Final = 64
BACKLOG: Final = 8  # connections that asyncio accepts at once, few enough for an older one to be read before it goes
IDLE_SECONDS: Final = 5.0  # until a request's headers must have come, and between two requests
SLOWEST_GATEWAY: Final = 30.0  # seconds of latency beyond which the gateway counts as stuck


class Gateway(Protocol):
    """The part of the bot that /readyz reads."""

    @property
    def connected(self) -> bool:
        """Whether all shards of this process are connected."""

    @property
    def standing_by(self) -> bool:
        """Whether other processes run all shards, so that this one waits for one of them to end."""

    @property
    def latency(self) -> float:
        """Seconds from a heartbeat to its acknowledgement, or nan before the first."""


class _Server(web.Server):
    """Keeps a bounded number of connections: a new one closes the oldest, so that a scrape always gets in."""

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Count a connection."""
        super().connection_made(handler, transport)
        transports = [each.transport for each in self.connections]
        kept = [each for each in transports if each is not None and not each.is_closing()]
        for oldest in kept[:-MOST_CONNECTIONS]:
            oldest.abort()  # close() would wait for whoever does not read


@asynccontextmanager
async def monitoring(host: str, port: int, metrics: Metrics, gateway: Gateway) -> AsyncIterator[str]:
    """Serve inside this block, and give it the address."""

    def show_metrics() -> web.Response:
        body = generate_latest(metrics.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    def healthz() -> web.Response:
        return web.Response(text="alive\n")

    def readyz() -> web.Response:
        if gateway.standing_by:  # as ready as can be: a rolling update waits for it before it ends the next process
            return web.Response(text="standing by\n")
        if not gateway.connected:
            return web.Response(status=503, text="not connected to Discord\n")
        if gateway.latency > SLOWEST_GATEWAY:  # nan (not known yet) is never greater
            return web.Response(status=503, text="Discord's gateway is stuck\n")
        return web.Response(text="ready\n")

    pages = {"/metrics": show_metrics, "/healthz": healthz, "/readyz": readyz}

    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        if request.path not in pages:
            return web.Response(status=404)
        if request.method not in {"GET", "HEAD"}:
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        return pages[request.path]()

    server = _Server(serve, access_log=None, keepalive_timeout=IDLE_SECONDS)
    runner = web.ServerRunner(server, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=BACKLOG).start()
        bound_host, bound_port = runner.addresses[0][:2]
        yield f"http://[{bound_host}]:{bound_port}" if ":" in bound_host else f"http://{bound_host}:{bound_port}"
    finally:
        await runner.cleanup()
