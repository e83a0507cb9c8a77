"""What strikes in a storm: processes and the database are ended and killed, connections close, calls fail."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import psutil  # type: ignore[import-untyped]
from aiohttp import web
from clusters.fleet import STANDING_BY, Fleet, Member
from doubles.faults import FAULTS
from doubles.faulty_fileflare import FaultyFileflare
from doubles.networked_discord import Fault
from process_cost import resident_mib
from storms.people import Progress
from storms.plan import Blow, CallFault, Plan
from storms.stormy_discord import StormyDiscord

SETTLE_SECONDS: Final = 90.0
STOP_SECONDS: Final = 30.0  # what compose.yaml allows
AWAY_SECONDS: Final = 1.0
REQUESTS: Final = 4  # of Fileflare's that fail in a row: five open the breaker
OUTAGE_REQUESTS: Final = 12
OUTAGE: Final = 0.9  # from this draw on, Fileflare fails so often
SAMPLE_SECONDS: Final = 0.5


@dataclass(slots=True)
class Life:
    """One process, and how much memory it had (MiB) after how many steps."""

    member: Member
    ended: float | None = None
    killed: bool = False
    memory: list[tuple[int, float]] = field(default_factory=list)


@dataclass(slots=True)
class Weather:
    """Everything that strikes. ``add`` starts a process; ``server`` is a PostgreSQL, None for SQLite."""

    plan: Plan
    progress: Progress
    discord: StormyDiscord
    sample: FaultyFileflare
    fleet: Fleet
    add: Callable[[], Awaitable[Member]]
    server: Any = None  # PostgresServer
    lives: list[Life] = field(default_factory=list)
    struck: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    slowest_stop: float = 0.0
    calm_since: float = 0.0  # when the last process or database was ended

    def ended(self, name: str) -> float | None:
        """Return when a process has ended."""
        return next((life.ended for life in self.lives if life.member.name == name), None)

    async def start(self) -> None:
        """Start the processes that run all shards, and one that stands by if there are several."""
        for _ in range(1 if self.server is None else self.fleet.clusters + 1):
            await self._add()
        await self.settled()

    async def settled(self) -> None:
        """Wait until all shards are served, and one process stands by if there are several."""
        clusters = [STANDING_BY, *range(self.fleet.clusters)]

        def seen() -> tuple[list[int], list[int]]:
            members = {member.name for member in self.fleet.members}
            served = {session.shard for session in self.discord.sessions if session.agent in members}
            return sorted(served), sorted(member.cluster for member in self.fleet.members)

        def good() -> bool:
            served, held = seen()
            return len(served) == self.discord.shards and (self.server is None or held == clusters)

        try:
            await self.fleet.until(good, SETTLE_SECONDS)
        except TimeoutError:
            self.wrong.append(f"for {SETTLE_SECONDS:.0f} s the shards served and clusters held were {seen()}")

    async def blow(self) -> None:
        """Strike as planned."""
        watching = asyncio.create_task(self._watch())
        try:
            _ = await asyncio.gather(
                self._series(self.plan.processes, self._process),
                self._series(self.plan.database if self.server else (), self._database),
                self._series(self.plan.gateway, self._close),
                self._series(self.plan.fileflare, self._fileflare),
                self._calls(),
            )
        finally:
            watching.cancel()

    async def calm(self) -> None:
        """End all faults, and wait until everything runs."""
        self.discord.faults.clear()
        self.sample.fault = None
        await self.settled()

    async def _series(self, blows: tuple[Blow, ...], strike: Callable[[Blow], Awaitable[None]]) -> None:
        for blow in blows:
            if not await self.progress.reached(blow.at):
                return
            await strike(blow)

    def _count(self, kind: str) -> None:
        self.struck[kind] = self.struck.get(kind, 0) + 1

    # Processes

    async def _add(self) -> None:
        self.lives.append(Life(await self.add()))

    async def _process(self, blow: Blow) -> None:
        await self.settled()
        running = sorted(
            (member for member in self.fleet.members if member.cluster != STANDING_BY), key=lambda member: member.name
        )
        standing = [member for member in self.fleet.members if member.cluster == STANDING_BY]
        chosen = standing if blow.kind == "kill the standby" and standing else running
        member = chosen[int(blow.draw * len(chosen))]
        life = next(life for life in self.lives if life.member is member)
        self._count(blow.kind if standing or blow.kind == "end" else "kill")
        self.calm_since = time.monotonic()
        self.fleet.members.remove(member)
        if blow.kind == "end":
            stopping = asyncio.create_task(self.stop(life))
            self.progress.open(blow.at)
            await stopping
        else:
            self.progress.open(blow.at)
            life.killed = True
            member.signal(signal.SIGKILL)
            await member.bot.process.wait()
            life.ended = time.monotonic()
        await self._add()

    async def stop(self, life: Life) -> None:
        """End a process with SIGTERM; it must end by itself, in time and well."""
        began = time.monotonic()
        life.member.signal(signal.SIGTERM)
        try:
            code = await asyncio.wait_for(life.member.bot.process.wait(), STOP_SECONDS)
        except TimeoutError:
            self.wrong.append(f"a process did not end within {STOP_SECONDS:.0f} s")
            life.member.signal(signal.SIGKILL)
            code = 0
        life.ended = time.monotonic()
        self.slowest_stop = max(self.slowest_stop, life.ended - began)
        if code:
            self.wrong.append(f"a process ended with code {code}")

    async def _watch(self) -> None:
        """Write down how much memory each process has that serves, for one that stands by has not loaded everything."""
        while True:
            serving = {session.agent for session in self.discord.sessions}
            for life in self.lives:
                running = life.ended is None and life.member.bot.process.returncode is None
                if running and life.member.name in serving:
                    try:
                        life.memory.append((self.progress.steps, resident_mib(life.member.bot.process.pid)))
                    except (OSError, KeyError):  # it has just ended
                        continue
            await asyncio.sleep(SAMPLE_SECONDS)

    # The database

    async def _database(self, blow: Blow) -> None:
        self._count(blow.kind)
        self.calm_since = time.monotonic()
        self.progress.open(blow.at)
        pid = self.server.get_pid()
        if blow.kind == "restart the server":
            await asyncio.to_thread(self.server.stop)
            await asyncio.sleep(AWAY_SECONDS)
            await asyncio.to_thread(self.server.start)
            return
        backends = [
            child
            for child in psutil.Process(pid).children()
            if " 127.0.0.1" in _title(child) or "[local]" in _title(child)
        ]
        number = signal.SIGTERM if blow.kind == "end the backends" else signal.SIGKILL
        for backend in backends if number == signal.SIGTERM else backends[:1]:
            with suppress(psutil.NoSuchProcess):  # its client has just gone
                backend.send_signal(number)

    # Connections and calls

    async def _close(self, blow: Blow) -> None:
        sessions = self.discord.sessions
        if sessions:
            self._count("close a connection")
            await sessions[int(blow.draw * len(sessions))].socket.close(code=4000)

    async def _fileflare(self, blow: Blow) -> None:
        self._count("Fileflare fails")
        left = OUTAGE_REQUESTS if blow.draw > OUTAGE else 1 + int(blow.draw * REQUESTS)

        async def fail(request: web.Request) -> web.StreamResponse:
            nonlocal left
            left -= 1
            if left <= 0:
                self.sample.fault = None
            return await FAULTS[blow.kind](request)

        self.sample.fault = fail

    async def _calls(self) -> None:
        for at, fault in self.plan.calls:
            if not await self.progress.reached(at):
                return
            self._count("calls fail")
            self.discord.faults.append(self._fault(fault))

    def _fault(self, planned: CallFault) -> Fault:
        held = asyncio.Event() if planned.how == "slow" else None

        def wanted(method: str, path: str, _body: object) -> bool:
            if method != planned.method or planned.part not in path or path.startswith("/applications"):
                return False
            self.discord.faulty.add(self.discord.token_of(path))
            if held is not None:
                asyncio.get_running_loop().call_later(planned.seconds, held.set)
            return True

        after = planned.how == "after" or (held is not None and planned.status == 0)
        return Fault(wanted, None if held is not None else planned.status, after=after, held=held)


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
