"""What both stand-ins for Discord share: a server on loopback, and the command that runs the bot on it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from doubles.loopback_payloads import TOKEN, Json

API: Final = "/api/v10"
PATIENCE_SECONDS: Final = 30.0
HEARTBEAT, IDENTIFY, RESUME, RECONNECT, INVALID_SESSION, HELLO, ACK = 1, 2, 6, 7, 9, 10, 11
GREETING: Final[Json] = {"op": HELLO, "d": {"heartbeat_interval": 41250}}
AT_MOST: Final = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1}


class Loopback:
    """A server on loopback. ``token`` is the only valid one; ``changed`` is set after every request and frame."""

    def __init__(self) -> None:
        self.token = TOKEN
        self.url = self.gateway_url = ""
        self.changed = asyncio.Event()

    @asynccontextmanager
    async def serving(self, app: web.Application) -> AsyncIterator[None]:
        """Serve this application inside the block; ``url`` and ``gateway_url`` say where."""
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            self.url = f"http://{host}:{port}{API}"
            self.gateway_url = f"ws://{host}:{port}/gateway"
            yield
        finally:
            await runner.cleanup()

    def command(
        self, *arguments: str, first: str = "", main: str = "bot.main()", script: Path | None = None
    ) -> list[str]:
        """Return the command that runs the real bot.py, or a script, on this Discord; ``first`` is run before it."""
        code = (
            "import runpy, sys, discord, yarl",
            f"discord.http.Route.BASE = {self.url!r}",
            f"discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL({self.gateway_url!r})",
            first,
            f"sys.argv = {['bot.py', *arguments]!r}",
            f"runpy.run_path({str(script)!r}, run_name='__main__')" if script else f"import bot; sys.exit({main})",
        )
        return [sys.executable, "-c", "\n".join(code)]

    async def until(self, happened: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until this holds; it is checked after every request and frame."""
        async with asyncio.timeout(seconds):
            while not happened():
                self.changed.clear()
                await self.changed.wait()


def response(payload: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a response with this JSON, or without a body if it is None."""
    if payload is None:
        return web.Response(status=status, headers=headers)
    body = json.dumps(payload).encode()  # discord.py wants the type without a charset, as Discord sends it
    return web.Response(status=status, body=body, headers={**(headers or {}), "Content-Type": "application/json"})


def error(status: int, code: int, message: str) -> web.Response:
    """Return one of Discord's errors."""
    return response({"message": message, "code": code}, status=status)
