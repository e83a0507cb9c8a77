"""HTTPS_PROXY, HTTP_PROXY and NO_PROXY, with a real proxy between the real process and its services."""

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from certificates import Authority
from doubles.faulty_fileflare import FaultyFileflare
from doubles.loopback_discord import LoopbackDiscord
from process import FOUND, Start, ask
from pydantic import SecretStr
from storage.samples import settings

from fileflare_bot.proxies import proxy_for

PASSWORD = "s3cret-of-the-proxy"
CREDENTIALS = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
PROXY = "http://proxy.example:3128"
DISCORD, GATEWAY, FILEFLARE = "discord.example", "gateway.example", "fileflare.example"


@dataclass
class Proxy:
    """Opens tunnels to the hosts that it knows, for those who log in, and keeps which hosts were asked for."""

    ports: Mapping[str, int]
    asked: list[str] = field(default_factory=list)
    port: int = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        method, target, *_ = (await reader.readline()).decode().split()
        headers = (await reader.readuntil(b"\r\n\r\n")).decode()
        host = target.partition(":")[0]
        self.asked.append(host)
        allowed = method == "CONNECT" and f"Proxy-Authorization: Basic {CREDENTIALS}" in headers
        if not allowed or host not in self.ports:
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await tunnel(reader, writer, self.ports[host])


async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """Pass everything on to a port of this computer, and back."""
    there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(_pipe(reader, there_writer), _pipe(there_reader, writer))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, ssl.SSLError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
async def proxy(discord: LoopbackDiscord, sample: FaultyFileflare, authority: Authority) -> AsyncIterator[Proxy]:
    """A proxy that leads to Discord and Fileflare, which speak TLS as the real ones do."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue(DISCORD, GATEWAY, FILEFLARE))
    async with contextlib.AsyncExitStack() as stack:

        async def serve(handle: object, context: ssl.SSLContext | None = None) -> int:
            server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)  # type: ignore[arg-type]
            stack.callback(server.close)
            port: int = server.sockets[0].getsockname()[1]
            return port

        async def encrypted(url: str) -> int:
            port = urlsplit(url).port
            assert port is not None
            return await serve(lambda reader, writer: tunnel(reader, writer, port), context)

        at_discord = await encrypted(discord.url)
        served = Proxy({DISCORD: at_discord, GATEWAY: at_discord, FILEFLARE: await encrypted(sample.url)})
        served.port = await serve(served.handle)
        discord.url, discord.gateway_url = f"https://{DISCORD}/api/v10", f"wss://{GATEWAY}/gateway"
        yield served


@pytest.fixture
def through(proxy: Proxy, authority: Authority) -> dict[str, str]:
    """The settings that lead through the proxy."""
    return {
        "HTTPS_PROXY": f"http://me:{PASSWORD}@127.0.0.1:{proxy.port}",
        "SSL_CERT_FILE": str(authority.file),
        "FILEFLARE_BASE_URL": f"https://{FILEFLARE}",
    }


async def test_discord_its_gateway_and_fileflare_are_reached_through_the_proxy(
    start: Start, discord: LoopbackDiscord, proxy: Proxy, through: dict[str, str]
) -> None:
    bot = await start(**through, LOG_LEVEL="DEBUG")
    await discord.connected()

    assert await ask(discord) == FOUND
    assert await bot.stop() == 0
    assert {*proxy.asked} == {DISCORD, GATEWAY, FILEFLARE}
    assert PASSWORD not in bot.printed
    assert CREDENTIALS not in bot.printed


async def test_hosts_of_no_proxy_are_asked_directly(
    start: Start, discord: LoopbackDiscord, proxy: Proxy, through: dict[str, str]
) -> None:
    bot = await start(**through, NO_PROXY=f"elsewhere.example, .{FILEFLARE}")
    await discord.connected()

    assert "Fileflare cannot be reached" in await ask(discord), "there is no such host but behind the proxy"
    assert await bot.stop() == 0
    assert {*proxy.asked} == {DISCORD, GATEWAY}


async def test_a_proxy_that_refuses_is_reported_in_one_line_without_its_password(
    start: Start, proxy: Proxy, through: dict[str, str]
) -> None:
    bot = await start(**through | {"HTTPS_PROXY": f"http://you:{PASSWORD}@127.0.0.1:{proxy.port}"})

    assert await bot.end() == 1
    assert "discord_unreachable" in bot.printed.splitlines()[-1]
    assert PASSWORD not in bot.printed
    assert "Traceback" not in bot.printed


async def test_loopback_is_never_asked_through_a_proxy(
    start: Start, discord: LoopbackDiscord, unused_tcp_port: int
) -> None:
    nowhere = f"http://127.0.0.1:{unused_tcp_port}"
    bot = await start(HTTP_PROXY=nowhere, HTTPS_PROXY=nowhere)
    await discord.connected()

    assert await ask(discord) == FOUND
    assert await bot.stop() == 0


@pytest.mark.parametrize(
    ("address", "no_proxy", "proxied"),
    [
        ("https://discord.com/api/v10", None, True),
        ("wss://gateway.discord.gg", "", True),
        ("https://discord.com/api/v10", "discord.com", False),
        ("https://cdn.discord.com/", ".discord.com", False),
        ("https://notdiscord.com/", "discord.com", True),
        ("https://discord.com/", "*", False),
        ("https://discord.com/", "a.example, DISCORD.COM ", False),
        ("http://discord.com/", None, False),
        ("https://localhost:8443/", None, False),
        ("https://fileflare.localhost/", None, False),
        ("https://127.0.0.9/", None, False),
        ("https://[::1]:8443/", None, False),
    ],
)
def test_no_proxy_is_read_as_other_programs_read_it(address: str, no_proxy: str | None, proxied: bool) -> None:  # noqa: FBT001 - a test's parameter
    given = settings("sqlite:///x.db", https_proxy=SecretStr(PROXY), no_proxy=no_proxy, http_proxy=None)

    assert proxy_for(address, given) == (PROXY if proxied else None)


def test_http_addresses_have_a_proxy_of_their_own() -> None:
    given = settings("sqlite:///x.db", http_proxy=SecretStr(PROXY), https_proxy=None, no_proxy=None)

    assert proxy_for("http://fileflare.example", given) == PROXY
    assert proxy_for("https://fileflare.example", given) is None
