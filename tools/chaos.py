"""``make chaos``: a tour of all faults, under a steady load of lookups, against the real bot process.

During a fault, half of Fileflare's responses are faulty, which shows that the other half still works; at the end,
Fileflare is completely down. Every lookup must get a reply, every refusal must give a true reason, and afterwards
everything must work again.
"""

import asyncio
import itertools
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
from aiohttp import web
from doubles import faults
from doubles.faulty_fileflare import Fault, FaultyFileflare
from doubles.loopback_discord import LoopbackDiscord
from doubles.loopback_payloads import TOKEN

from fileflare_bot.demo.orders import answer, asset

ROOT = Path(__file__).parents[1]
PER_SECOND = 12
PER_MINUTE = 1200  # requests to Fileflare: twenty times the default
RUSH = 100
FAULT_SECONDS = 1.6
CALM_SECONDS = 10.0
GIVEN_UP_SECONDS = 60.0
SLOWEST_ACKNOWLEDGEMENT = 3.0
SETTINGS = {
    "DISCORD_TOKEN": TOKEN,
    "FILEFLARE_TIMEOUT_SECONDS": "2",
    "FILEFLARE_REQUESTS_PER_MINUTE": str(PER_MINUTE),
    "LOG_LEVEL": "ERROR",
}
# The beginning of each sentence, and the outcome that the metrics count it under
SENTENCES = {
    "**Fileflare knows no order": "not_found",
    "**Fileflare is too slow": "timeout",
    "**Fileflare cannot be reached": "down",
    "**Fileflare sent an answer": "unexpected_response",
}
LEADS_TO = {
    "not_found": "not_found",
    "unauthorized": "not_found",
    "unprocessable": "not_found",
    "null_order": "not_found",
    "gateway_timeout": "timeout",
    "slow_body": "timeout",
    "silent": "timeout",
    "dripping_body": "timeout",
    "server_error": "down",
    "bad_gateway": "down",
    "unavailable": "down",
    "reset": "down",
    "truncated": "down",
    "wrong_encoding": "down",
}
WAITED_OUT = "busy_seconds"  # people wait in the line until the pause is over
WAITING = "⏳"  # what a message begins with while somebody waits
# busy_date would pause half of the tour, and busy_seconds covers it; half a redirect loop is no loop
LEFT_OUT = {"busy_date", "redirect_loop"}


@dataclass
class Phase:
    """A part of the tour: what is wrong, and which reasons for a refusal are then true."""

    name: str
    begin: Callable[[], Awaitable[None] | None]
    true_reasons: frozenset[str] = frozenset()
    seconds: float = FAULT_SECONDS
    began: float = 0.0
    ended: float = 0.0


@dataclass
class Lookup:
    """One person's lookup."""

    phase: str
    asked: float
    acknowledged: float | None = None
    answered: float | None = None
    outcome: str = "lost"
    waited: bool = False


@dataclass
class Tour:
    """The tour's state and its findings."""

    discord: LoopbackDiscord
    sample: FaultyFileflare
    lookups: list[Lookup] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    crowd: list[asyncio.Task[None]] = field(default_factory=list)

    def half(self, fault: Fault | None, share: int = 2, seconds: float = 0) -> None:
        """Fail one in ``share`` requests with this fault, and delay every response by ``seconds``."""
        turns = itertools.count()

        async def sometimes(request: web.Request) -> web.StreamResponse:
            await asyncio.sleep(seconds)
            if fault is not None and next(turns) % share == 0:
                return await fault(request)
            return web.json_response(self.sample.answers[request.query["id"]])

        self.sample.fault = sometimes

    def rush(self) -> None:
        """Let many people ask at once: they wait in the line, and all get their links."""
        self.crowd += [asyncio.create_task(self._one(next(self.numbers))) for _ in range(RUSH)]

    def script(self) -> list[Phase]:
        """Return every part of the tour, in order."""
        discord, callback, original = self.discord, "/callback", "/messages/@original"

        def fileflare(name: str) -> Phase:
            reasons = {LEADS_TO.get(name, "unexpected_response")} if name != WAITED_OUT else set()
            return Phase(name, lambda: self.half(faults.FAULTS[name]), frozenset(reasons))

        def on_discord(name: str, begin: Callable[[], Awaitable[None] | None]) -> Phase:
            return Phase(f"Discord: {name}", begin)

        def slow_and_broken() -> None:
            self.half(None, seconds=1.2)
            discord.answer_next("PATCH", original, 502, times=4)

        limited = {"Via": "1.1 google"}
        return [
            Phase("calm", lambda: self.half(None), seconds=3),
            *(fileflare(name) for name in faults.FAULTS if name not in LEFT_OUT),
            Phase("calm again", lambda: self.half(None), seconds=3),
            Phase(f"{RUSH} people at once", self.rush, seconds=RUSH * 60 / PER_MINUTE + 4),
            on_discord(
                "429", lambda: discord.answer_next("POST", callback, 429, times=4, headers=limited, retry_after=0.3)
            ),
            on_discord("5xx on the first answer", lambda: discord.answer_next("POST", callback, 502, times=4)),
            on_discord("5xx on an edit", slow_and_broken),
            Phase("calm once more", lambda: self.half(None), seconds=3),
            on_discord("the socket is closed", lambda: discord.close_gateway(4000)),
            on_discord("asks to reconnect", discord.ask_to_reconnect),
            on_discord("the session is invalid", discord.invalidate_session),
            Phase("Fileflare is down", lambda: self.half(faults.FAULTS["unavailable"], 1), frozenset({"down"}), 5),
            Phase("calm afterwards", lambda: self.half(None), seconds=CALM_SECONDS),
        ]

    async def run(self) -> None:
        """Run all parts of the tour while people keep looking up orders."""
        asking = asyncio.create_task(self._people())
        for phase in self.script():
            phase.began = time.perf_counter()
            self.phases.append(phase)
            begun = phase.begin()
            if begun is not None:
                await begun
            await asyncio.sleep(phase.seconds)
            phase.ended = time.perf_counter()
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
        await asyncio.gather(*self.crowd)

    async def _people(self) -> None:
        async with asyncio.TaskGroup() as group:
            with suppress(asyncio.CancelledError):
                while True:
                    await asyncio.sleep(1 / PER_SECOND)
                    group.create_task(self._one(next(self.numbers)))

    async def _one(self, number: int) -> None:
        order = f"{number:08x}" * 4 + "f"
        file = asset(order, "file.zip", f"{self.sample.url}/download/{order}")
        self.sample.answers[order] = answer(number, [], [file], title=None, text=None)
        if not self.discord.has_session:  # Discord itself shows an error
            return
        lookup = Lookup(self.phases[-1].name, time.perf_counter())
        self.lookups.append(lookup)
        token = await self.discord.mydownloads(order, person=number, guild=number % 40)
        with suppress(TimeoutError):
            async with asyncio.timeout(GIVEN_UP_SECONDS):
                while lookup.answered is None:
                    calls = [
                        call for call in self.discord.calls_for(token) if call.status < web.HTTPBadRequest.status_code
                    ]
                    first = next((call for call in calls if "/callback" in call.path), None)
                    lookup.acknowledged = lookup.acknowledged or (first and first.at - _offset()) or None
                    with suppress(IndexError):
                        self._answered(lookup, self.discord._messages(token)[-1].get("content", ""))  # noqa: SLF001
                    await asyncio.sleep(0.02)

    def _answered(self, lookup: Lookup, text: str) -> None:
        if text.startswith(WAITING):
            lookup.waited = True
            return
        lookup.answered = time.perf_counter()
        known = next(
            (outcome for begin, outcome in SENTENCES.items() if text.startswith(begin)), f"unknown: {text[:40]}"
        )
        lookup.outcome = "answered" if text.startswith("Order #") else known

    def reason_was_true(self, lookup: Lookup) -> bool:
        """Return whether a refusal's reason held at any time between lookup and reply."""
        asked, answered = lookup.asked - FAULT_SECONDS * 4, lookup.answered or lookup.asked
        during = [phase for phase in self.phases if phase.began <= answered and (phase.ended or answered) >= asked]
        return any(lookup.outcome in phase.true_reasons for phase in during)

    def recovery_seconds(self) -> float:
        """Return the seconds from the end of the last fault to the last refusal."""
        end = self.phases[-1].began
        late = [lookup.asked for lookup in self.lookups if lookup.asked >= end and lookup.outcome != "answered"]
        return max(late, default=end) - end


def _offset() -> float:
    """Return the offset between time.monotonic() and time.perf_counter()."""
    return time.monotonic() - time.perf_counter()


async def main() -> int:
    """Print the results, and return 0 if all of them are as required, else 1."""
    async with LoopbackDiscord().serve() as discord, FaultyFileflare().serve() as sample:
        tour = Tour(discord, sample)
        async with _bot(discord, sample) as metrics_url:
            await discord.connected()
            before = await _metrics(metrics_url)
            await tour.run()
            after = await _metrics(metrics_url)
    return _report(tour, before, after)


def _report(tour: Tour, before: dict[str, float], after: dict[str, float]) -> int:
    by_phase: dict[str, list[Lookup]] = {phase.name: [] for phase in tour.phases}
    for lookup in tour.lookups:
        by_phase[lookup.phase].append(lookup)
    print(f"{'while':32} asked  waited  answered  slowest ack  refused because")
    for phase, lookups in by_phase.items():
        counts = Counter(lookup.outcome for lookup in lookups)
        answered = counts.pop("answered", 0)
        why = ", ".join(f"{outcome} {count}" for outcome, count in counts.most_common())
        waited = sum(lookup.waited for lookup in lookups)
        print(f"{phase:32} {len(lookups):5}  {waited:6}  {answered:8}  {_slowest(lookups):9.2f} s  {why}")
    refused = [lookup for lookup in tour.lookups if lookup.outcome not in {"answered", "lost"}]
    true = sum(tour.reason_was_true(lookup) for lookup in refused)
    lost = sum(lookup.outcome == "lost" for lookup in tour.lookups)
    slowest, recovery = _slowest(tour.lookups), tour.recovery_seconds()
    seen = {name: after.get(name, 0) - before.get(name, 0) for name in sorted(after) if name != "memory"}
    wanted = {f"lookup {outcome}" for outcome in {*LEADS_TO.values(), "unexpected_response", "found"}}
    wanted |= {"retries", "gateway lost", "Discord 429", "Discord 5xx"}
    invisible = [name for name in wanted if not seen.get(name)]
    print()
    print(f"asked {len(tour.lookups)}, answered {sum(lookup.outcome == 'answered' for lookup in tour.lookups)}, "
          f"refused with a true reason {true} of {len(refused)}, lost {lost}")  # fmt: skip
    print(f"slowest acknowledgement {slowest:.2f} s; recovered {recovery:.1f} s after the last fault")
    print("in the metrics: " + ", ".join(f"{name} {value:.0f}" for name, value in seen.items()))
    print(f"memory before {before['memory']:.0f} MiB, after {after['memory']:.0f} MiB")
    good = not lost and true == len(refused) and slowest < SLOWEST_ACKNOWLEDGEMENT and recovery < CALM_SECONDS
    return 0 if good and not invisible and any(lookup.waited for lookup in tour.lookups) else 1


def _slowest(lookups: list[Lookup]) -> float:
    return max((lookup.acknowledged - lookup.asked for lookup in lookups if lookup.acknowledged), default=float("nan"))


@asynccontextmanager
async def _bot(discord: LoopbackDiscord, sample: FaultyFileflare) -> AsyncIterator[str]:
    port = 20_000 + os.getpid() % 20_000
    environment = {**os.environ, **SETTINGS, "FILEFLARE_BASE_URL": sample.url, "METRICS_PORT": str(port)}
    environment["PYTHONPATH"] = str(ROOT)
    folder = TemporaryDirectory()
    environment["DATABASE_URL"] = f"sqlite:///{folder.name}/chaos.db"
    process = await asyncio.create_subprocess_exec(
        *discord.command(),
        cwd=ROOT,
        env=environment,
        stderr=asyncio.subprocess.DEVNULL,  # its log, which the metrics summarise
    )
    try:
        yield f"http://127.0.0.1:{port}/metrics"
    finally:
        process.terminate()
        await process.wait()
        folder.cleanup()


async def _metrics(url: str) -> dict[str, float]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        lines = [line.rpartition(" ") for line in (await response.text()).splitlines() if not line.startswith("#")]
    values = {name: float(value) for name, _, value in lines}
    lookup = 'fileflare_bot_answers_total{event="lookup",outcome="'
    found = {f"lookup {name[len(lookup) : -2]}": value for name, value in values.items() if name.startswith(lookup)}
    troubles = 'fileflare_bot_discord_troubles_total{status="'
    found |= {
        f"Discord {name[len(troubles) : -2]}": value for name, value in values.items() if name.startswith(troubles)
    }
    found["retries"] = values["fileflare_bot_retries_total"]
    found["gateway lost"] = values["fileflare_bot_gateway_lost_total"]
    found["memory"] = values.get("process_resident_memory_bytes", float("nan")) / 2**20
    return found


if __name__ == "__main__":
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # the faults break their own connections
    sys.exit(asyncio.run(main()))
