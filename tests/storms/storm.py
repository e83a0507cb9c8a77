"""One storm: its people, its weather, and what differs in the end."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, cast
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped]
import discord as discord_py
from clusters.fleet import QUICK, Fleet
from doubles.faulty_fileflare import FaultyFileflare
from doubles.loopback_payloads import Json
from operations.agreement import unfinished
from process import starting
from shop import SOON, Shop, team_channel
from storms.people import Ledger, People, Progress
from storms.plan import GUILDS, SHARDS, Plan, Size, order_id, plan
from storms.stormy_discord import Calls, StormyDiscord
from storms.verdict import differences, in_files
from storms.weather import Weather

from fileflare_bot.demo.orders import answer, asset, line

AT_ONCE: Final = 64  # customers who look up at a time
DESKS: Final = 24  # tickets at a time
LOOK_SECONDS: Final = 0.25
CALM_SECONDS: Final = 90.0  # until nothing is left to do
FAST: Final = f"""{SOON}
import discord
async def _at_once(self, shard_id, *, initial=False): pass
discord.Client.before_identify_hook = _at_once
"""
SETTINGS: Final = {
    "FILEFLARE_REQUESTS_PER_MINUTE": "100000",
    "FILEFLARE_TIMEOUT_SECONDS": "2",
    "LOOKUPS_PER_PERSON": "10000",
    "LOOKUPS_PER_SERVER": "100000",
}


@dataclass(slots=True)
class Outcome:
    """What became of a storm."""

    plan: Plan
    seconds: float
    wrong: list[str]
    ledger: Ledger
    weather: Weather
    too_late: int = 0
    calls: dict[str, int] = field(default_factory=dict)


async def storm(seed: int, size: Size, server: Any = None) -> Outcome:  # noqa: ANN401 - PostgresServer
    """Let a storm rage, on a SQLite file or on this PostgreSQL."""
    planned = plan(seed, size)
    with TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{folder}/storm.db" if server is None else await _new_database(server.get_uri())
        async with _world(planned, url, folder, server) as (people, weather):
            began = time.monotonic()
            await _rage(planned, people, weather)
            seconds = time.monotonic() - began
            wrong = [] if await _settled(weather, url) else ["something is still to be told to Discord"]
            metrics = [await weather.fleet.metrics(member) for member in weather.fleet.members]
            wrong += await differences(planned, people, weather, url, metrics)
            for life in weather.lives:
                if life.ended is None:
                    await weather.stop(life)
            wrong += in_files(folder if server is None else Path(server.pgdata))
        calls = cast("Calls", people.discord.calls).counts
        return Outcome(planned, seconds, wrong, people.ledger, weather, len(people.discord.too_late), dict(calls))


async def _rage(planned: Plan, people: People, weather: Weather) -> None:
    async with asyncio.TaskGroup() as group:  # people wait for the weather: if it fails, so does the storm
        _ = group.create_task(weather.blow())
        for guild, count in enumerate(planned.changes):
            _ = group.create_task(people.change_settings(guild, count))
        first = len(planned.customers)
        await asyncio.gather(
            _crew(AT_ONCE, [lambda customer=customer: people.look_up(customer) for customer in planned.customers]),  # type: ignore[misc]
            _crew(DESKS, [lambda case=case: people.have_case(case, first + case.number) for case in planned.cases]),  # type: ignore[misc]
        )
        people.progress.finish()
    await weather.calm()


async def _crew(count: int, errands: list[Callable[[], Awaitable[None]]]) -> None:
    """Do all errands in their order, so many at a time."""
    rest = iter(errands)

    async def work() -> None:
        for errand in rest:
            await errand()

    await asyncio.gather(*(work() for _ in range(count)))


async def _settled(weather: Weather, url: str) -> bool:
    """Return whether everything that is stored as due was done in time."""
    try:
        async with asyncio.timeout(CALM_SECONDS):
            while await unfinished(url):  # noqa: ASYNC110 - nothing tells when the reconcilers are done
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        return False
    return bool(weather.fleet.members)


@asynccontextmanager
async def _world(
    planned: Plan,
    url: str,
    folder: Path,
    server: Any,  # noqa: ANN401 - PostgresServer
) -> AsyncIterator[tuple[People, Weather]]:
    async with AsyncExitStack() as stack:
        discord = StormyDiscord()
        _ = await stack.enter_async_context(discord.serve())
        sample = await stack.enter_async_context(FaultyFileflare().serve())
        start = await stack.enter_async_context(starting(discord, sample.url, folder, quiet=True))
        fleet = Fleet(discord, start, url, clusters=1 if server is None else 2, soon=FAST, every=LOOK_SECONDS)
        fleet.pace = QUICK
        await stack.enter_async_context(fleet.looked_at())
        gates = [blow.at for blow in (*planned.processes, *(planned.database if server else ()))]
        progress = Progress(planned.size.steps, gates)
        weather = Weather(planned, progress, discord, sample, fleet, lambda: fleet.add(**SETTINGS), server)
        people = _people(planned, discord, progress, weather)
        for number in range(planned.orders):
            sample.answers[order_id(number)] = _order(number, sample.url, planned)
        await weather.start()
        for shop in people.shops:
            await shop.set_up()
            await shop.add_rule()
            await shop.log_everything()
            await discord.slash(shop.owner, shop.channel, "store panel").done()
        yield people, weather


def _people(planned: Plan, discord: StormyDiscord, progress: Progress, weather: Weather) -> People:
    backend: Any = discord.backend
    shops, halls, moderators = [], [], []
    for number in range(GUILDS):
        owner = backend.make_user(f"owner-{number}")
        guild = backend.create_guild(f"Shop {number}", owner_id=owner.id, shard_id=number % SHARDS, shard_count=SHARDS)
        team = backend.create_role(guild.id, "Team", permissions=discord_py.Permissions(manage_messages=True).value)
        pair = [backend.make_user(f"moderator-{number}-{each}").id for each in range(2)]
        for moderator in pair:
            backend.add_member(guild.id, moderator, roles=[team.id])
        channel, hall = (backend.create_channel(guild.id, name).id for name in ("help", "downloads"))
        support = team_channel(discord, guild.id, "support", team.id)
        shops.append(Shop(discord, guild.id, owner.id, pair[0], owner.id, channel, support.id))
        halls.append(hall)
        moderators.append((pair[0], pair[1]))
    users: dict[tuple[str, int], int] = {}
    for kind, all_of_them in (("customer", planned.customers), ("case", planned.cases)):
        for one in all_of_them:
            users[kind, one.number] = backend.make_user(f"{kind}-{one.number}").id
            backend.add_member(shops[one.guild].guild_id, users[kind, one.number])
    return People(
        discord, shops, halls, moderators, Ledger(), progress, weather.ended, lambda: weather.calm_since, users
    )


def _order(number: int, url: str, planned: Plan) -> Json:
    """Return what Fileflare says about an order, which brings a role if its customer is to have one."""
    files = [
        asset(f"{number}-{file}", f"file {file}.zip", f"{url}/download/{order_id(number)}-{file}", downloaded=file)
        for file in range(3)
    ]
    has_role = number < len(planned.customers) and number % 2 == 0
    lines = [line("A book", None, *files)] if has_role else []
    return answer(number + 1, lines, [] if has_role else files, title=None, text=None)


async def _new_database(server: str) -> str:
    name = f"storm_{uuid4().hex}"
    connection = await asyncpg.connect(server)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return server.replace("/postgres?", f"/{name}?")
