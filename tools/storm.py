"""``make storm``: thousands of lookups and hundreds of tickets while everything fails, and nothing may be lost.

Real processes on a Discord and a Fileflare on loopback: one on SQLite, or two clusters and one that stands by on a real
PostgreSQL. They and the database get SIGKILL and SIGTERM, connections close, events arrive twice or late, and calls
fail in every way. At the end, what people were told is compared with what is stored and what Discord shows. The seed
alone decides what happens, so a storm that finds something comes back with its seed.
"""

import argparse
import asyncio
import sys
from contextlib import nullcontext
from typing import Any

from databases import postgres_servers
from storms.plan import Size
from storms.storm import Outcome, storm
from storms.verdict import by_kind

MOST_SHOWN = 3  # of one kind


def main() -> int:
    """Let storms rage, print a table, and return 0 if nothing differs, else 1."""
    parser = argparse.ArgumentParser(prog="make storm", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first storm's")
    parser.add_argument("--seeds", type=int, default=1, help="how many storms")
    parser.add_argument("--lookups", type=int, default=2000)
    parser.add_argument("--tickets", type=int, default=60)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    given = parser.parse_args()
    good = True
    with postgres_servers() if given.database == "postgresql" else nullcontext() as start:
        server: Any = None if start is None else start()
        for seed in range(given.seed, given.seed + given.seeds):
            outcome = asyncio.run(storm(seed, Size(given.lookups, given.tickets), server))
            _report(outcome, given.database)
            good = good and not outcome.wrong
    return 0 if good else 1


def _report(outcome: Outcome, database: str) -> None:
    ledger, weather = outcome.ledger, outcome.weather
    size, seconds = outcome.plan.size, outcome.seconds
    print(f"seed {outcome.plan.seed}, {database}: {size.lookups} lookups, {size.tickets} tickets in {seconds:.0f} s")
    print(
        f"  presses and commands {ledger.tries}, not answered {ledger.said['(no answer)']}, too late {outcome.too_late}"
    )
    print("  struck: " + ", ".join(f"{kind} {count}" for kind, count in sorted(weather.struck.items())))
    print("  Discord's calls: " + ", ".join(f"{status} {count}" for status, count in sorted(outcome.calls.items())))
    print("  replies: " + "; ".join(f"{said} {count}" for said, count in ledger.said.most_common(12)))
    for life in weather.lives:
        if life.memory:
            steps, mib = zip(*life.memory, strict=True)
            print(f"  memory of {life.member.name}: {mib[0]:.0f} to {max(mib):.0f} MiB in {steps[-1] - steps[0]} steps")
    print(f"  slowest stop {weather.slowest_stop:.1f} s; differences: {len(outcome.wrong)}")
    for alike in by_kind(outcome.wrong).values():
        print(f"    {len(alike)} x", *alike[:MOST_SHOWN], sep="\n      ")


if __name__ == "__main__":
    sys.exit(main())
