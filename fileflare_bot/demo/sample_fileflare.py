"""A sample Fileflare: a real server on loopback with the documented endpoint and links that count downloads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Self

from aiohttp import web

from fileflare_bot.demo.orders import SLOW, Json, sample_answers

SLOW_SECONDS: Final = 2.5


class SampleFileflare:
    """Responds like Fileflare, as far as its documentation goes.

    ``answers`` maps order IDs to response bodies and may change at any time.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Json] = {}
        self.url = ""
        self._runner: web.AppRunner | None = None

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[Self]:
        """Serve on loopback inside this block; ``url`` says where."""
        app = web.Application()
        app.router.add_get("/api/v2/customer-account-orders", self._order)
        app.router.add_get("/download/{asset}", self._download)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        try:
            self._runner = runner
            await web.TCPSite(runner, "127.0.0.1", port).start()
            host, bound = runner.addresses[0][:2]
            self.url = f"http://{host}:{bound}"
            self.answers |= sample_answers(self.url)
            yield self
        finally:
            await runner.cleanup()

    async def _order(self, request: web.Request) -> web.StreamResponse:
        token = request.query.get("id", "")
        if token == SLOW:
            await asyncio.sleep(SLOW_SECONDS)
        if token not in self.answers:
            return web.json_response({"message": "Not found."}, status=404)
        return web.json_response(self.answers[token])

    async def _download(self, request: web.Request) -> web.Response:
        wanted = request.match_info["asset"]
        for asset in self._assets():
            limits, data = asset.get("limits"), asset.get("data")
            if not isinstance(limits, dict) or not isinstance(data, dict) or data.get("id") != wanted:
                continue
            if limits["limit"] is not None and limits["downloaded"] >= limits["limit"]:
                return web.Response(text="No downloads left.", status=403)
            limits["downloaded"] += 1
            return web.Response(
                text=f"This stands for the file: {data['filename']}\n",
                headers={"Content-Disposition": 'attachment; filename="sample.txt"'},
            )
        return web.Response(text="No such file.", status=404)

    def _assets(self) -> list[Json]:
        return [
            asset
            for answer in self.answers.values()
            for holder in (*answer["order"]["lines"], answer["order"])
            for asset in holder["assets"]
        ]


async def _serve_for_ever() -> None:
    async with SampleFileflare().serve() as sample:
        print(sample.url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve_for_ever())
