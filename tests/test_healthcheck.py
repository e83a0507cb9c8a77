"""The container's health check, as the Dockerfile runs it."""

import asyncio
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from forking import inherited
from process import ROOT
from test_monitoring import Gateway

from fileflare_bot.metrics import Metrics
from fileflare_bot.monitoring import monitoring


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
async def port(gateway: Gateway) -> AsyncIterator[str]:
    async with monitoring("127.0.0.1", 0, Metrics(), gateway) as address:
        yield str(urlsplit(address).port)


async def exit_code(**settings: str) -> int | None:
    found = re.search(r'CMD \["python", (.+)\]', (ROOT / "Dockerfile").read_text("utf-8"))
    assert found is not None
    arguments = [argument.strip('"') for argument in found[1].split(", ")]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *arguments), cwd=ROOT, stdout=PIPE, stderr=PIPE, env={**inherited(), **settings}
    )
    assert await asyncio.wait_for(process.communicate(), timeout=15) == (b"", b"")
    return process.returncode


@pytest.mark.parametrize("host", [None, "", "127.0.0.1", "0.0.0.0", '"0.0.0.0"'])  # noqa: S104 - a setting's value
async def test_it_asks_where_the_bot_serves_and_never_through_a_proxy(
    port: str, gateway: Gateway, host: str | None
) -> None:
    settings = {"METRICS_PORT": f'"{port}"', "HTTP_PROXY": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1"}
    settings |= {} if host is None else {"METRICS_HOST": host}

    assert await exit_code(**settings) == 0
    gateway.connected = False
    assert await exit_code(**settings) == 1


async def test_it_asks_ipv6_addresses_too(gateway: Gateway, ipv6: str) -> None:
    async with monitoring(ipv6, 0, Metrics(), gateway) as address:
        port = str(urlsplit(address).port)
        assert await exit_code(METRICS_HOST=ipv6, METRICS_PORT=port) == 0
        assert await exit_code(METRICS_HOST="[::]", METRICS_PORT=port) == 0


async def test_a_bot_that_does_not_answer_is_not_well_and_one_without_a_port_cannot_say(unused_tcp_port: int) -> None:
    assert await exit_code(METRICS_PORT=str(unused_tcp_port)) == 1
    assert await exit_code(METRICS_PORT='""') == 0
    assert await exit_code() == 0
