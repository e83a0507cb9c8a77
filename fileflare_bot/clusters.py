"""Which cluster this process runs: one of the groups into which CLUSTERS divides the shards, if one is free.

A process holds its cluster by a lease in the database. It trusts it for a shorter time than the lease lasts, counted
from before it asked, and by its own clock: so whatever stops a process, or keeps it from its database, it ceases to act
before another may begin.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import structlog

from fileflare_bot.metrics import Metrics
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.leases import Cluster, Layout
from fileflare_bot.storage.storage import Storage

LEASE_SECONDS: Final = 20.0  # then another process may take over; this one has stopped at TRUST_SECONDS
RENEW_SECONDS: Final = 5.0
TRUST_SECONDS: Final = 12.0  # after the last renewal
LOOK_SECONDS: Final = 1.0  # between two looks for a free cluster, or tries to reach the database
IDENTIFY_SECONDS: Final = (
    5.0  # between two sessions of a bucket: discord.com/developers/docs/events/gateway#identifying
)
IDENTIFY_LOOK_SECONDS: Final = 0.25

log = structlog.stdlib.get_logger(__name__)


class Clusters:
    """The cluster of this process; ``live`` is how many clusters some process runs, as far as is known.

    ``share`` is told so at each renewal of the lease.
    """

    def __init__(
        self, storage: Storage, clusters: int, metrics: Metrics, *, share: Callable[[int], object] = lambda _live: None
    ) -> None:
        self._storage = storage
        self._leases = storage.leases
        self._clusters = clusters
        self._held: Cluster | None = None
        self._trusted_until = 0.0
        self._share = share
        self.live = 1
        metrics.watch(
            cluster=lambda: self._held.number if self._held is not None and self.may_act() else -1,
            clusters_live=lambda: self.live,
        )

    def may_act(self) -> bool:
        """Return whether this process surely is the only one that runs its cluster."""
        return _now() < self._trusted_until

    async def stand_by(self, shards_wanted: Callable[[], Awaitable[int]]) -> Cluster:
        """Wait until a cluster is free, take it, and return it; ``shards_wanted`` asks Discord how many shards to run.

        The number of shards changes only while no process holds a cluster.

        Raises:
            SettingsError: the database was away before, and now the settings prove wrong.
        """
        said = ""
        while True:
            reason = ""
            if self._storage.available:
                try:
                    reason = await self._try(shards_wanted)
                except StorageUnavailable:
                    await self._storage.tend()  # says once that it is away
            else:
                await self._storage.tend(unused=True)  # starts it, if that failed before
            if self._held is not None:
                return self._held
            if reason and reason != said:
                log.info("standing_by", reason=reason, note=_REASONS[reason])
                said = reason
            await asyncio.sleep(LOOK_SECONDS)

    async def keep(self) -> None:
        """Renew the lease; return when it is lost, which ends may_act() too."""
        cluster = self._held
        pause = RENEW_SECONDS
        while cluster is not None:
            await asyncio.sleep(min(pause, max(0.0, self._trusted_until - _now())))
            asked = _now()
            if asked >= self._trusted_until:
                break
            pause = LOOK_SECONDS
            with suppress(StorageUnavailable, TimeoutError):
                async with asyncio.timeout(self._trusted_until - asked):
                    live = await self._leases.renew(cluster, LEASE_SECONDS)
                if not live:
                    break
                self.live, self._trusted_until, pause = live, asked + TRUST_SECONDS, RENEW_SECONDS
                self._share(live)
        self._trusted_until = 0.0
        log.warning("cluster_lost", cluster=None if cluster is None else cluster.number)

    async def let_go(self) -> None:
        """Give the lease back, so that another process need not wait for its end.

        Replies that still run may go on until its time is over: nobody else has their interactions.
        """
        cluster, self._held = self._held, None
        if cluster is not None:
            with suppress(StorageUnavailable):
                await self._leases.release(cluster.name)

    async def pace(self, bucket: int) -> None:
        """Wait until a session of this bucket may start, whichever process started the one before."""
        while True:
            with suppress(StorageUnavailable):
                if await self._leases.take(f"identify:{bucket}", IDENTIFY_SECONDS):
                    return
            await asyncio.sleep(IDENTIFY_LOOK_SECONDS)

    async def _try(self, shards_wanted: Callable[[], Awaitable[int]]) -> str:
        """Take a cluster if one is free; return the reason if not."""
        layout = await self._leases.layout() or Layout(await shards_wanted(), self._clusters)
        if layout.clusters != self._clusters:
            return "other_clusters"
        asked = _now()
        self._held = await self._leases.take_cluster(layout, LEASE_SECONDS)
        if self._held is None:
            return "none_free"
        self._trusted_until = asked + TRUST_SECONDS
        _say_taken(self._held)
        return ""


_REASONS: Final = {
    "none_free": "Other processes run all clusters; I take over when one of them ends.",
    "other_clusters": "Other processes run with another value of CLUSTERS; I begin when all of them have ended.",
}


def _say_taken(cluster: Cluster) -> None:
    log.info("cluster_taken", cluster=cluster.number, shards=cluster.shards.ids, of=cluster.layout.shards)
    if cluster.layout.clusters > cluster.layout.shards:
        log.info(
            "clusters_without_shards",
            clusters=cluster.layout.clusters,
            shards=cluster.layout.shards,
            note="Discord wants fewer shards than CLUSTERS; the processes beyond stand by.",
        )


def _now() -> float:
    """Return seconds on a clock that only goes forward, and on while the computer sleeps, where the system has one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
