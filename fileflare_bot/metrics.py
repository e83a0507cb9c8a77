"""Prometheus metrics. No label holds a person's input or name."""

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

_SECONDS: Final = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 3, 5, 10, 15, 20, 30)


class Metrics:
    """One bot's metrics, in their own registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.replies = Counter(
            "fileflare_bot_answers", "Interactions answered, by what was asked and what came of it.",
            ("event", "outcome"), registry=self.registry,
        )  # fmt: skip
        self.acknowledgement_seconds = self._seconds("acknowledgement", "Until Discord was told that we are there.")
        self.reply_seconds = self._seconds("answer", "Until the person had the answer.")
        self.fileflare_seconds = self._seconds("fileflare", "One request to Fileflare.")
        self.shared = Counter(
            "fileflare_bot_shared", "Lookups that needed no request of their own.", registry=self.registry
        )
        self.retries = Counter("fileflare_bot_retries", "Requests to Fileflare tried again.", registry=self.registry)
        self.gateway_lost = Counter(
            "fileflare_bot_gateway_lost", "Times that Discord's gateway was lost.", registry=self.registry
        )
        self.discord_troubles = Counter(
            "fileflare_bot_discord_troubles", "Discord's answers of 429 and 5xx, those that were tried again too.",
            ("status",), registry=self.registry,
        )  # fmt: skip
        self.discord_failures = Counter(
            "fileflare_bot_discord_failures", "Discord calls that failed, by what we could do about it.",
            ("kind",), registry=self.registry,
        )  # fmt: skip
        self.shard_connected = Gauge(
            "fileflare_bot_shard_connected", "1 while a shard is connected, by its number.",
            ("shard",), registry=self.registry,
        )  # fmt: skip
        self.session_starts_left = Gauge(
            "fileflare_bot_session_starts_left", "Sessions that Discord still lets the bot start today.",
            registry=self.registry,
        )  # fmt: skip
        self._watched: dict[str, Gauge] = {}

    def watch(self, **gauges: Callable[[], float]) -> None:
        """Register these values as gauges, read at each scrape; a later call replaces an earlier one's."""
        for name, read in gauges.items():
            if name not in self._watched:
                self._watched[name] = Gauge(f"fileflare_bot_{name}", _GAUGES[name], registry=self.registry)
            self._watched[name].set_function(read)

    def _seconds(self, name: str, description: str) -> Histogram:
        return Histogram(f"fileflare_bot_{name}_seconds", description, buckets=_SECONDS, registry=self.registry)


_GAUGES: Final = {
    "waiting": "Lookups in the line for Fileflare.",
    "longest_wait_seconds": "How long the one who waits longest in that line has waited.",
    "served_per_minute": "Requests to Fileflare in the last minute.",
    "pace_per_minute": "The most requests a minute that Fileflare is asked for now.",
    "breaker": "Fileflare's breaker: 0 closed, 1 probing, 2 open.",
    "open_lists": "Replies whose buttons are live.",
    "gateway_latency_seconds": "Discord's gateway, from heartbeat to acknowledgement.",
    "database_connected": "1 while the database answers.",
    "gateway_connected": "1 while all shards of this process are connected to Discord's gateway.",
    "cluster": "The cluster whose shards this process runs, counted from 0; -1 while it stands by.",
    "clusters_live": "Clusters that some process runs.",
}
