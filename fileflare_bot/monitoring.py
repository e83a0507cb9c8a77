"""Serves /metrics for Prometheus, /healthz (the process runs) and /readyz (the gateway is connected)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Protocol

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from fileflare_bot.metrics import Metrics

SLOWEST_GATEWAY: Final = 30.0  # seconds of latency beyond which the gateway counts as stuck


class Gateway(Protocol):
    """The part of the bot that /readyz reads."""

    connected: bool

    @property
    def latency(self) -> float:
        """Seconds from a heartbeat to its acknowledgement, or nan before the first."""


@asynccontextmanager
async def monitoring(host: str, port: int, metrics: Metrics, gateway: Gateway) -> AsyncIterator[str]:
    """Serve inside this block, and give it the address."""

    async def show_metrics(_request: web.Request) -> web.Response:
        body = generate_latest(metrics.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def readyz(_request: web.Request) -> web.Response:
        if not gateway.connected:
            return web.Response(status=503, text="not connected to Discord\n")
        if gateway.latency > SLOWEST_GATEWAY:  # nan (not known yet) is never greater
            return web.Response(status=503, text="Discord's gateway is stuck\n")
        return web.Response(text="ready\n")

    app = web.Application()
    app.add_routes([web.get("/metrics", show_metrics), web.get("/healthz", healthz), web.get("/readyz", readyz)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound_host, bound_port = runner.addresses[0][:2]
        yield f"http://[{bound_host}]:{bound_port}" if ":" in bound_host else f"http://{bound_host}:{bound_port}"
    finally:
        await runner.cleanup()
