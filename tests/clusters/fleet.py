"""Processes that share the shards, watched from outside."""

import asyncio
import itertools
import re
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
from doubles.discord_people import Interaction
from doubles.networked_discord import NetworkedDiscord
from process import Bot, Start
from shop import SOON, Shop, team_channel
from storage.samples import KEY

SHARDS: Final = 8
EVERY_SECONDS: Final = 0.05
STANDING_BY: Final = -1
UNSEEN: Final = -2  # the process does not answer
_HELD: Final = re.compile(r"^fileflare_bot_cluster (\S+)$", re.MULTILINE)
# The process says its name in each request. discord.py and its interaction responses name themselves differently.
_NAMED: Final = (
    "import aiohttp.client_reqrep, discord.http\n"
    "aiohttp.client_reqrep.SERVER_SOFTWARE = {name!r}\n"
    "discord.http.HTTPClient.user_agent = property(lambda self: {name!r}, lambda self, value: None)\n"
)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the processes' clocks run, and how many seconds people may wait then."""

    first: str
    killed: float  # until the first shard of a killed process serves again
    ended: float  # the same for one that got SIGTERM
    stopped: float  # how long a process is stopped
    away: float  # how long the database is away
    identify: float  # between two sessions


QUICK: Final = Pace(
    "import fileflare_bot.clusters as clusters; "
    "clusters.LEASE_SECONDS, clusters.TRUST_SECONDS, clusters.RENEW_SECONDS = 6.0, 4.0, 1.0; "
    "clusters.LOOK_SECONDS, clusters.IDENTIFY_SECONDS, clusters.IDENTIFY_LOOK_SECONDS = 0.25, 0.5, 0.05\n",
    killed=15.0,
    ended=8.0,
    stopped=10.0,
    away=6.0,
    identify=0.5,
)
REAL: Final = Pace("", killed=25.0, ended=5.0, stopped=40.0, away=30.0, identify=5.0)


@dataclass(slots=True, eq=False)
class Member:
    """One process; ``cluster`` is what it believes to run."""

    name: str
    bot: Bot
    port: int
    cluster: int = UNSEEN

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.bot.process.send_signal(number)


@dataclass(slots=True)
class Fleet:
    """All processes. ``doubts`` holds each moment in which two believed to run the same cluster."""

    discord: NetworkedDiscord
    start: Start
    url: str
    pace: Pace = QUICK
    clusters: int = 2
    soon: str = SOON
    every: float = EVERY_SECONDS  # seconds between two looks
    members: list[Member] = field(default_factory=list)
    doubts: list[tuple[str, ...]] = field(default_factory=list)
    looks: int = 0
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def add(self, **settings: str) -> Member:
        """Start one more process."""
        with socket.socket() as tried:
            tried.bind(("127.0.0.1", 0))
            port = tried.getsockname()[1]
        name = f"process-{next(self.numbers)}"
        bot = await self.start(
            first="\n".join((_NAMED.format(name=name), self.soon, self.pace.first)),
            DATABASE_URL=self.url,
            SECRET_KEYS=KEY,
            CLUSTERS=str(self.clusters),
            METRICS_PORT=str(port),
            **settings,
        )
        self.members.append(Member(name, bot, port))
        return self.members[-1]

    async def three(self) -> tuple[Member, Member, Member]:
        """Start three processes; return those that run clusters 0 and 1, and the one that stands by."""
        for _ in range(3):
            await self.add()
        return await self.settled()

    async def settled(self) -> tuple[Member, Member, Member]:
        """Wait until three processes run all shards; return those of clusters 0 and 1, and the one that stands by."""
        await self.until(lambda: sorted(member.cluster for member in self.members) == [STANDING_BY, 0, 1])
        await self.discord.until(lambda: self.connected_shards() == {*range(SHARDS)}, 120)
        standby, zero, one = sorted(self.members, key=lambda member: member.cluster)
        return zero, one, standby

    def connected_shards(self) -> set[int]:
        """Return the shards that have a session."""
        return {session.shard for session in self.discord.sessions}

    async def until(self, happened: Callable[[], Any], seconds: float = 60.0) -> None:
        """Wait until the watched state is so."""
        async with asyncio.timeout(seconds):
            while not happened():  # noqa: ASYNC110 - the watcher polls, too
                await asyncio.sleep(EVERY_SECONDS)

    def ask(self, shard: int, **options: str) -> Interaction:
        """Type /mydownloads in the guild of a shard."""
        owner, channel = self._place(shard)
        return self.discord.slash(owner, channel, "mydownloads", **options)

    async def serves(self, shard: int, seconds: float) -> float:
        """Ask in the guild of a shard until somebody answers; return how many seconds that took."""
        began = time.monotonic()
        asked: list[Interaction] = []
        async with asyncio.timeout(seconds):
            while not any(each.finished for each in asked):
                asked.append(self.ask(shard))
                await asyncio.sleep(0.25)
        return time.monotonic() - began

    def acknowledged_twice(self) -> list[str]:
        """Return the interactions that were acknowledged more than once, or tried to be."""
        paths = [call.path for call in self.discord.calls if call.path.endswith("/callback")]
        return [path for path in {*paths} if paths.count(path) > 1]

    def calls_by(self, member: Member) -> list[str]:
        """Return what a process has asked of Discord so far."""
        return [f"{call.method} {call.path}" for call in self.discord.calls if call.agent == member.name]

    async def metrics(self, member: Member) -> str:
        """Return a process's metrics."""
        return (await self._get(member, "metrics"))[1]

    async def ready(self, member: Member) -> tuple[int, str]:
        """Return what a process answers whoever asks whether it is ready."""
        return await self._get(member, "readyz")

    async def _get(self, member: Member, page: str) -> tuple[int, str]:
        async with aiohttp.request("GET", f"http://127.0.0.1:{member.port}/{page}") as response:
            return response.status, await response.text()

    @asynccontextmanager
    async def watched(self) -> AsyncIterator["Fleet"]:
        """Watch all processes inside this block; at the end no two may have run one cluster."""
        async with self.looked_at():
            yield self
        assert self.looks > 0
        assert self.doubts == []
        assert self.acknowledged_twice() == []

    @asynccontextmanager
    async def looked_at(self) -> AsyncIterator[None]:
        """Keep each member's ``cluster`` up to date inside this block, and note the doubts."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(1)) as session:
            watching = asyncio.create_task(self._watch(session))
            try:
                yield
            finally:
                watching.cancel()

    def _place(self, shard: int) -> tuple[int, int]:
        guild = next(each for each in self.discord.backend.guilds.values() if (each.id >> 22) % SHARDS == shard)
        channel = next(each for each in self.discord.backend.channels.values() if each.guild_id == guild.id)
        return guild.owner_id, channel.id

    async def _watch(self, session: aiohttp.ClientSession) -> None:
        while True:
            next_look = asyncio.create_task(asyncio.sleep(self.every))
            await asyncio.gather(*(self._look(session, member) for member in self.members))
            running = [member for member in self.members if member.cluster >= 0]
            self.doubts += [
                (one.name, other.name)
                for one in running
                for other in running
                if one.name < other.name and one.cluster == other.cluster
            ]
            self.looks += 1
            await next_look

    async def _look(self, session: aiohttp.ClientSession, member: Member) -> None:
        try:
            async with session.get(f"http://127.0.0.1:{member.port}/metrics") as response:
                found = _HELD.search(await response.text())
                member.cluster = UNSEEN if found is None else int(float(found[1]))
        except (aiohttp.ClientError, OSError, TimeoutError):
            member.cluster = UNSEEN


def add_shop(discord: NetworkedDiscord, shard: int) -> Shop:
    """Make a guild on a shard, with an owner, a customer, and two channels."""
    backend: Any = discord.backend
    owner, customer = (backend.make_user(f"{name}-{shard}") for name in ("owner", "customer"))
    guild = backend.create_guild(f"Shop {shard}", owner_id=owner.id, shard_id=shard, shard_count=SHARDS)
    backend.add_member(guild.id, customer.id)
    channel, support = backend.create_channel(guild.id, "downloads"), team_channel(discord, guild.id, "support")
    return Shop(discord, guild.id, owner.id, owner.id, customer.id, channel.id, support.id)
