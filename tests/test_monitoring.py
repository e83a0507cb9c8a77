"""What can be seen from outside: metrics without secrets, health and readiness."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from desk import Desk
from prometheus_client.parser import text_string_to_metric_families

from fileflare_bot.demo import orders
from fileflare_bot.metrics import Metrics
from fileflare_bot.monitoring import monitoring

DASHBOARD = Path(__file__).parents[1] / "deploy" / "grafana-dashboard.json"
OF_REAL_PROCESSES = {  # the simulated Discord has no shards, and one process has no clusters
    *("fileflare_bot_cluster", "fileflare_bot_clusters_live"),
    *("fileflare_bot_shard_connected", "fileflare_bot_session_starts_left"),
}


@dataclass
class Gateway:
    """A gateway in any state."""

    connected: bool = True
    latency: float = 0.05
    standing_by: bool = False


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
async def address(desk: Desk, gateway: Gateway) -> AsyncIterator[str]:
    async with monitoring("127.0.0.1", 0, desk.bot.metrics, gateway) as served:
        yield served


async def get(session: aiohttp.ClientSession, url: str) -> tuple[int, str]:
    async with session.get(url) as response:
        return response.status, await response.text()


async def test_lookups_are_counted_by_outcome_and_hold_no_secret(
    desk: Desk, address: str, session: aiohttp.ClientSession
) -> None:
    for pasted in (orders.DOCUMENTED, orders.EMPTY, orders.UNKNOWN, "#1050", "casey@example.com"):
        await desk.mydownloads(pasted)

    status, text = await get(session, f"{address}/metrics")

    assert status == 200
    families = {family.name: family for family in text_string_to_metric_families(text)}
    answers = {
        (sample.labels["event"], sample.labels["outcome"]): sample.value
        for sample in families["fileflare_bot_answers"].samples
        if sample.name.endswith("_total")
    }
    assert answers[("lookup", "found")] == 1
    assert answers[("lookup", "no_files")] == 1
    assert answers[("lookup", "not_found")] == 1
    assert answers[("lookup", "bad_reference.order_number")] == 1
    for name in ("acknowledgement_seconds", "answer_seconds", "fileflare_seconds"):
        assert families[f"fileflare_bot_{name}"].samples
    for name in (
        "waiting",
        "longest_wait_seconds",
        "served_per_minute",
        "pace_per_minute",
        "breaker",
        "open_lists",
        "gateway_latency_seconds",
        "gateway_connected",
    ):
        assert f"fileflare_bot_{name}" in families
    assert [sample.value for sample in families["fileflare_bot_open_lists"].samples] == [
        3
    ]  # one of them without an order, for a ticket
    for secret in (orders.DOCUMENTED, orders.UNKNOWN, "#1050", "casey", "http", str(desk.guild.id)):
        assert secret not in text


async def test_labels_are_bounded_whatever_people_paste(desk: Desk) -> None:
    for number in range(60):
        await desk.mydownloads(f"{number} and something new each time {number}")

    outcomes = {
        sample.labels["outcome"]
        for family in desk.bot.metrics.registry.collect()
        for sample in family.samples
        if "outcome" in sample.labels
    }
    assert len(outcomes) <= 3


async def test_health_and_readiness(address: str, session: aiohttp.ClientSession, gateway: Gateway) -> None:
    assert await get(session, f"{address}/healthz") == (200, "alive\n")
    assert (await get(session, f"{address}/readyz"))[0] == 200

    gateway.connected = False
    assert await get(session, f"{address}/readyz") == (503, "not connected to Discord\n")
    assert (await get(session, f"{address}/healthz"))[0] == 200

    gateway.connected, gateway.latency = True, 45.0
    assert await get(session, f"{address}/readyz") == (503, "Discord's gateway is stuck\n")
    gateway.latency = float("nan")
    assert (await get(session, f"{address}/readyz"))[0] == 200

    gateway.connected, gateway.standing_by = False, True
    assert await get(session, f"{address}/readyz") == (200, "standing by\n")


async def test_an_ipv6_address_is_said_as_a_browser_takes_it(
    gateway: Gateway, session: aiohttp.ClientSession, ipv6: str
) -> None:
    async with monitoring(ipv6, 0, Metrics(), gateway) as served:
        assert served.startswith("http://[::1]:")
        assert await get(session, f"{served}/healthz") == (200, "alive\n")


async def test_the_dashboard_shows_only_metrics_there_are(desk: Desk) -> None:
    names = {sample.name for family in desk.bot.metrics.registry.collect() for sample in family.samples}
    names |= {f"{family.name}_total" for family in desk.bot.metrics.registry.collect() if family.type == "counter"}
    panels = json.loads(DASHBOARD.read_text())["panels"]
    shown = {
        word
        for panel in panels
        for target in panel.get("targets", ())
        for word in target["expr"].replace("(", " ").replace(")", " ").replace("[", " ").replace("{", " ").split()
        if word.startswith(("fileflare_bot_", "process_"))
    }

    assert len(panels) >= 8
    assert shown - names <= OF_REAL_PROCESSES <= shown
