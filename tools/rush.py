"""``make rush``: a launch day, in real time: everybody presses at once, and nobody has to come back later.

The real process with its default settings, on a Discord and a Fileflare on loopback. Fileflare allows 60 requests in
any minute and answers 429 beyond. First 200 people of one server ask within a second; then 60 of one server and three
of another. Last, 1,000 people ask within ten seconds, to see what those who wait cost, and the bot
stops.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from crowd import Asked, ask, give_orders, until_served
from doubles.faulty_fileflare import FaultyFileflare
from doubles.loopback_discord import LoopbackDiscord
from doubles.loopback_payloads import TOKEN
from doubles.rate_limit import RateLimit
from process_cost import processor_seconds, resident_mib

ROOT = Path(__file__).parents[1]
ALLOWED = 60  # requests a minute
PEOPLE = 200
CROWD = 60  # of the second rush
QUIET = 3  # people of a quiet server beside it
WAITING = 1000
WAITING_SECONDS = 10.0  # in which they come: all at once, reading their events takes twice the memory for a moment
AT_MOST = 1.1  # times what the limit allows
SLOWEST_ACKNOWLEDGEMENT = 3.0  # seconds
QUIET_SECONDS = 10.0
MOST_EDITS = 1 + 6 * 4  # of one person in four minutes: one in ten seconds, and the links
MOST_MEMORY = 20.0  # MiB for those who wait


async def main() -> int:
    """Print what became of everybody; return 0 if all is as required, else 1."""
    async with LoopbackDiscord().serve() as discord, FaultyFileflare().serve() as sample:
        orders = give_orders(sample, PEOPLE + CROWD + QUIET + WAITING)
        limit = sample.fault = RateLimit(sample.answers, ALLOWED)
        async with _bot(discord, sample) as process:
            await discord.connected()
            rush = [await ask(discord, order, person=person) for person, order in enumerate(orders[:PEOPLE])]
            took = await until_served(rush, AT_MOST * PEOPLE * 60 / ALLOWED + 5)
            allowed = PEOPLE * 60 / ALLOWED
            good = [_report(f"{PEOPLE} people in one server", rush, took, AT_MOST * allowed)]
            print(f"  the limit allows {PEOPLE} in {allowed:.0f} s: {took / allowed:.2f} times that")

            numbers = range(PEOPLE, PEOPLE + CROWD + QUIET)
            crowd = [await ask(discord, orders[person], person=person) for person in numbers[:CROWD]]
            quiet = [await ask(discord, orders[person], person=person, guild=1) for person in numbers[CROWD:]]
            took = await until_served(quiet, QUIET_SECONDS + 5)
            good.append(
                _report(f"{QUIET} people of a quiet server beside {CROWD} of another", quiet, took, QUIET_SECONDS)
            )
            took += await until_served(crowd, 2 * 60 * (CROWD + QUIET) / ALLOWED)
            most = AT_MOST * 60 * (CROWD + QUIET) / ALLOWED + 60  # those before have used up the first minute
            good.append(_report(f"and the {CROWD}", crowd, took, most))
            print(f"Fileflare: {len(limit.allowed)} requests, {len(limit.refused)} refused with 429")
            print(f"  at most {limit.busiest()} in any minute")
            good.append(not limit.refused)
            good += await _waiting(discord, orders[-WAITING:], process)
    return 0 if all(good) else 1


def _report(what: str, people: list[Asked], took: float, most: float) -> bool:
    served = [asked.served for asked in people if asked.served < float("inf")]
    slowest = max(asked.acknowledged for asked in people)
    edits = [asked.edits for asked in people]
    print(f"{what}: {len(served)} of {len(people)} have their links after {max(served, default=0):.1f} s")
    print(f"  slowest acknowledgement {slowest:.2f} s; {sum(edits)} edits, at most {max(edits)} for one person")
    complete = len(served) == len(people) and took <= most
    return complete and slowest <= SLOWEST_ACKNOWLEDGEMENT and max(edits) <= MOST_EDITS


async def _waiting(discord: LoopbackDiscord, orders: list[str], process: asyncio.subprocess.Process) -> list[bool]:
    before, busy = resident_mib(process.pid), processor_seconds(process.pid)
    await asyncio.sleep(10)
    idle = (processor_seconds(process.pid) - busy) / 10
    crowd = []
    for person, order in enumerate(orders):
        crowd.append(await ask(discord, order, person=10_000 + person))
        await asyncio.sleep(WAITING_SECONDS / WAITING)
    await asyncio.sleep(5)
    waiting = [asked for asked in crowd if asked.said.startswith("⏳")]
    reserved = [asked for asked in crowd if "A place is reserved for you" in asked.said]
    cost = resident_mib(process.pid) - before
    print(f"{WAITING} people: {len(waiting)} wait, {len(reserved)} have a reserved place; {cost:.1f} MiB more memory")
    print(f"  an idle line takes {100 * idle:.2f} % of a processor")
    started = time.monotonic()
    process.terminate()
    await process.wait()
    told = [asked for asked in waiting if "your place in the line is gone" in asked.said or asked.served < float("inf")]
    print(f"  a stop after {time.monotonic() - started:.1f} s has told {len(told)} of {len(waiting)} what to do")
    return [cost <= MOST_MEMORY, len(told) == len(waiting), bool(reserved)]


@asynccontextmanager
async def _bot(discord: LoopbackDiscord, sample: FaultyFileflare) -> AsyncIterator[asyncio.subprocess.Process]:
    with TemporaryDirectory() as folder:
        environment = {**os.environ, "DISCORD_TOKEN": TOKEN, "FILEFLARE_BASE_URL": sample.url, "LOG_LEVEL": "ERROR"}
        environment |= {"PYTHONPATH": str(ROOT), "DATABASE_URL": f"sqlite:///{folder}/rush.db"}
        process = await asyncio.create_subprocess_exec(*discord.command(), cwd=folder, env=environment)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
