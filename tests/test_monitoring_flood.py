"""The metrics' port stands many connections that ask for nothing, and still answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import pytest
from doubles.loopback_discord import LoopbackDiscord
from process import Start
from test_monitoring import Gateway, get

from fileflare_bot import monitoring as served
from fileflare_bot.metrics import Metrics
from fileflare_bot.monitoring import MOST_CONNECTIONS, monitoring

FEW_FILES: Final = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))"
ATTACKERS: Final = 125
HALF: Final = b"GET /metrics HTTP/1.1\r\nHost: half"
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Crowd:
    """Connections to an address."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._host, self._port = parts.hostname, parts.port
        self.connections: list[Connection] = []

    async def open(self, first: bytes) -> Connection:
        """Connect, and send the beginning of a request."""
        made = await asyncio.open_connection(self._host, self._port)
        self.connections.append(made)
        with suppress(ConnectionError):
            made[1].write(first)
            await made[1].drain()
        return made

    async def kept(self) -> int:
        """Return how many of the connections the server has not closed."""
        await asyncio.sleep(0.2)
        return sum(not reader.at_eof() and reader.exception() is None for reader, _ in self.connections)

    def leave(self) -> None:
        """Close every connection."""
        for _, writer in self.connections:
            writer.close()


@pytest.fixture
async def address() -> AsyncIterator[str]:
    async with monitoring("127.0.0.1", 0, Metrics(), Gateway()) as address:
        yield address


@pytest.fixture
async def crowd(address: str) -> AsyncIterator[Crowd]:
    crowd = Crowd(address)
    yield crowd
    crowd.leave()


async def test_a_scrape_answers_while_a_thousand_half_open_connections_are_attempted(
    start: Start, discord: LoopbackDiscord, unused_tcp_port: int
) -> None:
    bot = await start(first=FEW_FILES, METRICS_PORT=str(unused_tcp_port))
    await discord.connected()
    crowd = Crowd(f"http://127.0.0.1:{unused_tcp_port}")

    async def attack() -> None:
        for _ in range(1000 // ATTACKERS):
            await crowd.open(HALF)

    scrapes = 0
    try:
        attacking = asyncio.gather(*(attack() for _ in range(ATTACKERS)))
        while not attacking.done() or scrapes < 3:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as session:
                assert (await get(session, f"http://127.0.0.1:{unused_tcp_port}/metrics"))[0] == 200
            scrapes += 1
            await asyncio.sleep(0.1)
        await attacking
    finally:
        crowd.leave()

    assert len(crowd.connections) == 1000
    assert await bot.stop() == 0
    assert "Traceback" not in bot.printed


async def test_no_more_than_64_connections_are_kept_and_the_newest_are(crowd: Crowd) -> None:
    for _ in range(100):
        await crowd.open(HALF)
        await asyncio.sleep(0.005)

    assert await crowd.kept() == MOST_CONNECTIONS
    newest = crowd.connections[-MOST_CONNECTIONS:]
    assert not any(reader.at_eof() or reader.exception() for reader, _ in newest)


async def test_a_connection_whose_headers_do_not_come_in_time_is_closed_even_if_it_goes_on_sending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert served.IDLE_SECONDS <= 5
    monkeypatch.setattr(served, "IDLE_SECONDS", 1.0)
    async with monitoring("127.0.0.1", 0, Metrics(), Gateway()) as address:
        crowd = Crowd(address)
        silent, _ = await crowd.open(b"")
        _, trickling = await crowd.open(HALF)
        again, _ = await crowd.open(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" + HALF)
        assert await again.readuntil(b"alive\n")
        assert await crowd.kept() == 3

        with suppress(ConnectionError):
            for _ in range(30):
                trickling.write(b"x")
                await trickling.drain()
                await asyncio.sleep(0.05)

        assert await asyncio.wait_for(silent.read(), 5) == b""
        assert await crowd.kept() == 0
        crowd.leave()


async def test_who_reads_no_answer_holds_no_place(address: str, crowd: Crowd) -> None:
    for _ in range(MOST_CONNECTIONS):
        await crowd.open(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 500)
    await asyncio.sleep(0.5)

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(4)) as session:
        assert (await get(session, f"{address}/metrics"))[0] == 200


async def test_one_connection_serves_several_scrapes(address: str) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
        for _ in range(3):
            assert await get(session, f"{address}/healthz") == (200, "alive\n")
        assert (await get(session, f"{address}/nothing"))[0] == 404
        async with session.post(f"{address}/metrics") as refused:
            assert refused.status == 405
        async with session.head(f"{address}/metrics") as head:
            assert (head.status, await head.read()) == (200, b"")
