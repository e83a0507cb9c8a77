"""``make bench``: the bot's performance. Every row compares two measurements of the same run.

The bots run as separate processes against a loopback Discord and the sample Fileflare, so only the bot's own work is
measured. Memory and processor time are read from /proc, so those rows need Linux.
"""

import asyncio
import json
import os
import platform
import sqlite3
import statistics
import sys
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
from doubles.faulty_fileflare import FaultyFileflare
from doubles.loopback_discord import LoopbackDiscord
from doubles.loopback_payloads import TOKEN
from process_cost import processor_seconds, resident_mib
from pydantic import SecretStr

from fileflare_bot.demo import orders
from fileflare_bot.demo.orders import answer, asset
from fileflare_bot.downloads.open_orders import OpenOrder, OpenOrders
from fileflare_bot.downloads.pages import OrderPages
from fileflare_bot.fileflare.client import FileflareClient
from fileflare_bot.fileflare.responses import read_response
from fileflare_bot.i18n import Catalogs
from fileflare_bot.metrics import Metrics
from fileflare_bot.orders.diagnosis import diagnose
from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.settings import Settings
from fileflare_bot.storage.records import CannedAnswer
from fileflare_bot.storage.storage import Storage, open_storage

ROOT = Path(__file__).parents[1]
ROUNDS = 9
FETCHES = 300
LOOKUPS = 400
AT_ONCE = 50
STARTS = 5
MANY_LOOKUPS = 10_000
UNDER_WAY = 20
PEOPLE = 10_000
SAVED_ORDERS = 25
GUILDS = 10_000
SAVED_ANSWERS = 25
IDLE_SECONDS = 10
WIDE = {"FILEFLARE_REQUESTS_PER_MINUTE": "100000", "LOOKUPS_PER_PERSON": "10000", "LOOKUPS_PER_SERVER": "100000"}
REFERENCE = OrderReference(orders.DOCUMENTED)
# Only the development tools bring rich, which structlog imports where it is.
AS_INSTALLED = "sys.modules['rich'] = None"
ASK_EVERY_TIME = """
import fileflare_bot.runner as runner
build = runner.build_lookups
def build_without_memory(*args, **more):
    lookups = build(*args, **more)
    lookups.fresh_seconds = 0
    return lookups
runner.build_lookups = build_without_memory
"""


async def main() -> None:
    """Print the table."""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    print(f"Python {platform.python_version()}, {machine}\n")
    print("| what | ours | compared with | ratio | aim |\n|---|---|---|---|---|")
    async with _process([sys.executable, "-m", "fileflare_bot.demo.sample_fileflare"]) as server:
        assert server.stdout is not None
        base = (await server.stdout.readline()).decode().strip()
        await _fetching(base)
        _paging()
        await _open_list()
        await _autocomplete()
        await _whole_command()
        await _starting(base)
        await _memory(base)
        await _many_guilds(base)


def _pairs(what: str, pairs: list[tuple[float, float]], aim: str) -> None:
    mine, other, ratio = _medians(pairs)
    _row(what, _ms(mine), f"the shortest bot: {_ms(other)}", ratio, aim)


def _row(what: str, ours: str, other: str, ratio: float, aim: str) -> None:
    print(f"| {what} | {ours} | {other} | {ratio:.2f} | {aim} |", flush=True)


async def _fetching(base: str) -> None:
    url = f"{base}/api/v2/customer-account-orders?id={REFERENCE.token}"
    async with aiohttp.ClientSession() as session:
        client = FileflareClient(session, base)

        async def ours() -> None:
            await client.fetch_order(REFERENCE)

        async def bare() -> None:
            async with session.get(url) as response:
                json.loads(await response.read())

        async def seconds(work: Callable[[], Awaitable[None]]) -> float:
            started = time.perf_counter()
            for _ in range(FETCHES):
                await work()
            return (time.perf_counter() - started) / FETCHES

        for work in (ours, bare):
            await seconds(work)
        pairs = [(await seconds(ours), await seconds(bare)) for _ in range(ROUNDS)]
    mine, other, ratio = _medians(pairs)
    _row("fetch to validated order", _ms(mine), f"aiohttp and json.loads: {_ms(other)}", ratio, "≤ 1.25")


def _paging() -> None:
    words = Catalogs().translator("en")

    def seconds(count: int) -> float:
        files = [asset(str(n), f"file {n}.zip", f"https://files.example/{n}?signature={n:064x}") for n in range(count)]
        order = read_response(200, {}, json.dumps(answer(1, [], files, title=None, text=None)).encode())
        times = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            OrderPages(order).render(1, words)
            times.append(time.perf_counter() - started)
        return statistics.median(times)

    taken = {count: seconds(count) for count in (1, 10, 100, 1000, 10_000)}
    for before, count in pairwise(taken):
        ours, other = _ms(taken[count]), f"{before:,}: {_ms(taken[before])}"
        _row(f"{count:,} assets to pages", ours, other, taken[count] / taken[before], "≤ 11; 1,000 in < 10 ms")


async def _open_list() -> None:
    """Print what an open list takes for 30 minutes, beside the text of its response."""
    async with FaultyFileflare().serve() as sample:
        body = json.dumps(sample.answers[orders.DOCUMENTED]).encode()
    open_orders, words = OpenOrders(Metrics()), Catalogs().translator("en")

    def open_one(user_id: int) -> None:
        opened = OpenOrder(REFERENCE, user_id)
        order = read_response(200, {}, body, token=REFERENCE.token)
        opened.pages, opened.found = OrderPages(order), diagnose(order)
        opened.pages.render(1, words)
        open_orders.keep(opened)

    open_one(0)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for user_id in range(1, LOOKUPS + 1):
        open_one(user_id)
    taken = (tracemalloc.get_traced_memory()[0] - before) / LOOKUPS
    tracemalloc.stop()
    _row("memory of an open list", f"{taken:,.0f} B", f"its response: {len(body):,} B", taken / len(body), "≤ 5,000 B")


async def _whole_command() -> None:
    """Compare the processor time of a lookup, one by one and many at once, and how soon its links appear."""
    async with FaultyFileflare().serve() as sample, LoopbackDiscord().serve() as one, LoopbackDiscord().serve() as two:
        ids = [f"0123456789abcdef{number:016x}" for number in range(LOOKUPS)]
        sample.answers.update(dict.fromkeys(ids, sample.answers[orders.DOCUMENTED]))
        ours, shortest = one.command(first=ASK_EVERY_TIME), two.command(script=ROOT / "tools" / "shortest_bot.py")
        async with _process(ours, sample.url) as our_process, _process(shortest, sample.url) as other_process:
            await asyncio.gather(one.connected(), two.connected())
            for at_once in (1, AT_ONCE):
                pairs = []
                for round_number in range(ROUNDS + 1):
                    pair = (await _cost(one, our_process, ids, at_once), await _cost(two, other_process, ids, at_once))
                    if round_number:  # the first round is a warm-up
                        pairs.append(pair)
                what = f"processor time of a /mydownloads, {at_once} at once"
                _pairs(what, [(mine[0], other[0]) for mine, other in pairs], "≤ 1.15")
            calls, other_calls, ratio = _medians([(mine[1], other[1]) for mine, other in pairs])
            _row("Discord calls of a /mydownloads", f"{calls:g}", f"the shortest bot: {other_calls:g}", ratio, "1 to 2")
            one.seconds_away = two.seconds_away = 0.04  # to Discord and back it is twice that
            sample.delay_seconds = 0.25
            links = [(await _until_links(one, order), await _until_links(two, order)) for order in ids[:ROUNDS]]
            _pairs("time to the links, Discord 80 ms away, Fileflare taking 250 ms", links, "≤ 0.82")


async def _cost(
    loopback: LoopbackDiscord, process: asyncio.subprocess.Process, ids: Sequence[str], at_once: int
) -> tuple[float, float]:
    """Return the processor seconds and the Discord calls of one lookup."""
    limit = asyncio.Semaphore(at_once)

    async def look_up(number: int, order: str) -> None:
        async with limit:
            await loopback.answer_to(await loopback.mydownloads(order, person=number))

    loopback.forget_all()
    before = processor_seconds(process.pid)
    await asyncio.gather(*(look_up(number, order) for number, order in enumerate(ids)))
    return (processor_seconds(process.pid) - before) / len(ids), len(loopback.calls) / len(ids)


async def _until_links(loopback: LoopbackDiscord, order: str) -> float:
    """Return the seconds between a customer's command and the call that shows them the links."""
    asked = time.monotonic()
    token = await loopback.mydownloads(order)
    await loopback.answer_to(token)
    return loopback.calls_for(token)[-1].at - asked


async def _starting(base: str) -> None:
    """Compare starts, ours on a database that is there, as nearly all are, and what the idle bots then take."""

    async def start(loopback: LoopbackDiscord, command: list[str], folder: str) -> tuple[float, float]:
        started = time.perf_counter()
        async with _process(command, base, folder) as process:
            await loopback.connected()
            taken = time.perf_counter() - started
            await asyncio.sleep(1)
            idle = resident_mib(process.pid)
        await loopback.until(lambda: not loopback.has_session)
        return taken, idle

    async with LoopbackDiscord().serve() as loopback:
        ours, shortest = (
            loopback.command(first=AS_INSTALLED),
            loopback.command(script=ROOT / "tools" / "shortest_bot.py"),
        )
        with TemporaryDirectory() as folder:
            await start(loopback, ours, folder)
            pairs = [
                (await start(loopback, ours, folder), await start(loopback, shortest, folder)) for _ in range(STARTS)
            ]
    for place, what, unit, aim in ((0, "start to ready", "s", "≤ 2.6"), (1, "memory when idle", "MiB", "≤ 2.2")):
        mine, other, ratio = _medians([(one[place], two[place]) for one, two in pairs])
        _row(what, f"{mine:.3g} {unit}", f"the shortest bot: {other:.3g} {unit}", ratio, aim)


async def _memory(base: str) -> None:
    async with LoopbackDiscord().serve() as loopback, _process(loopback.command(first=AS_INSTALLED), base) as process:
        await loopback.connected()
        await asyncio.sleep(1)
        idle = resident_mib(process.pid)
        await _ask(loopback, MANY_LOOKUPS // 4)
        warm = resident_mib(process.pid)
        await _ask(loopback, MANY_LOOKUPS)
        after = resident_mib(process.pid)
    _row("memory after 2,500 lookups", f"{warm:.0f} MiB", f"idle: {idle:.0f} MiB", warm / idle, "none")
    _row(f"memory after {MANY_LOOKUPS:,} more", f"{after:.0f} MiB", f"before: {warm:.0f} MiB", after / warm, "1.0")


async def _autocomplete() -> None:
    """Time an autocomplete's read of saved orders in a database of many people, and of only one."""
    with TemporaryDirectory() as folder:
        async with open_storage(_settings(folder)) as storage:
            for number in range(SAVED_ORDERS):
                await storage.saved_orders.save(0, OrderReference(f"{number:032x}"), f"#{number} · My new Book")
            alone = await _median_read(storage, [0])
            with closing(sqlite3.connect(f"{folder}/bench.db")) as connection, connection:
                connection.execute(
                    "WITH RECURSIVE people(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM people WHERE n < ?) "
                    "INSERT INTO saved_orders (person_id, order_hash, label, reference, saved_at) "
                    "SELECT n, order_hash, label, reference, saved_at FROM people, saved_orders WHERE person_id = 0",
                    (PEOPLE,),
                )
            among = await _median_read(storage, range(1, PEOPLE, PEOPLE // 200))
    what = f"autocomplete among {PEOPLE:,} people with 25 saved orders"
    _row(what, _ms(among), f"of one alone: {_ms(alone)}", among / alone, "< 300 ms")


async def _many_guilds(base: str) -> None:
    """Compare the bot in one guild with the bot in 10,000 that have 25 saved answers each and are idle."""
    ours, shortest, starts, upkeep = [], [], [], []
    for count in (1, GUILDS):
        async with LoopbackDiscord(guilds=count).serve() as loopback:
            script = ROOT / "tools" / "shortest_bot.py"
            async with _process(loopback.command(script=script), base) as process:
                await _first_answer(loopback)
                await asyncio.sleep(IDLE_SECONDS)
                shortest.append(resident_mib(process.pid))
            await loopback.until(lambda: not loopback.has_session)
            with TemporaryDirectory() as folder:
                upkeep.append(await _fill(folder, count))
                started = time.perf_counter()
                async with _process(loopback.command(), base, folder) as process:
                    await _first_answer(loopback)
                    starts.append(time.perf_counter() - started)
                    await asyncio.sleep(IDLE_SECONDS)
                    ours.append(resident_mib(process.pid))
    discords = (shortest[1] - shortest[0]) * 1024 / GUILDS
    mine = (ours[1] - ours[0]) * 1024 / GUILDS - discords
    among = f"in {GUILDS:,} guilds"
    other = f"discord.py's: {discords:.1f} kB"
    _row(f"memory of an idle guild, {among}", f"{mine:.1f} kB", other, mine / discords, "< 4 kB")
    one, many = starts
    _row(f"start to first answer, {among}", f"{many:.2f} s", f"in one: {one:.2f} s", many / one, "< 3 s more")
    one, many = upkeep
    _row(f"upkeep of a minute, {among}", _ms(many), f"in one: {_ms(one)}", many / one, "< 50 ms")


async def _first_answer(loopback: LoopbackDiscord) -> None:
    await loopback.connected()
    await loopback.answer_to(await loopback.mydownloads(orders.DOCUMENTED))


async def _fill(folder: str, guilds: int) -> float:
    """Make a database of so many guilds; return how long its upkeep takes while nothing is due."""
    async with open_storage(_settings(folder)) as storage:
        for number in range(SAVED_ANSWERS):
            answer = CannedAnswer(f"Answer {number}", "Hello {name}, please try the links below once more. " * 5)
            await storage.guilds.add_canned_answer(1, 1, answer)
        await storage.keys.is_first_time("guild_commands_removed")
        with closing(sqlite3.connect(f"{folder}/bench.db")) as connection, connection:
            connection.execute(
                "CREATE TEMP TABLE more AS WITH RECURSIVE numbers(n) AS "
                "(SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?) SELECT n FROM numbers WHERE n < ?",
                (guilds, guilds),
            )
            connection.execute(
                "INSERT INTO servers (guild_id, moderator_role_ids, next_number, changed_at) "
                "SELECT 1 + n, '[]', 1, '2020-01-01 00:00:00.000000' FROM more"
            )
            connection.execute(
                "INSERT INTO saved_answers (guild_id, name, text) "
                "SELECT 1 + n, name, text FROM more, saved_answers WHERE guild_id = 1"
            )
            connection.execute("UPDATE actions SET retry_at = NULL")
        intents = storage.intents
        times = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            await storage.tend()
            for due in (
                *(storage.ended_stages.ids, intents.due_tickets, storage.role_grants.due_members, intents.due_removals),
                *(storage.guilds.due_leak_guards, storage.panels.due, intents.due_logs),
            ):
                await due()
            times.append(time.perf_counter() - started)
    return statistics.median(times)


def _settings(folder: str) -> Settings:
    token = SecretStr("this-is-no-real-token.bench.this-is-no-real-token")
    url = SecretStr(f"sqlite:///{folder}/bench.db")
    return Settings(_env_file=None, discord_token=token, database_url=url)


async def _median_read(storage: Storage, people: Iterable[int]) -> float:
    times = []
    for person in people:
        for _ in range(3):
            started = time.perf_counter()
            assert len(await storage.saved_orders.of_user(person)) == SAVED_ORDERS
            times.append(time.perf_counter() - started)
    return statistics.median(times)


async def _ask(loopback: LoopbackDiscord, count: int) -> None:
    """Make ``count`` lookups, and wait for every reply."""
    limit = asyncio.Semaphore(UNDER_WAY)

    async def one(number: int) -> None:
        async with limit:
            token = await loopback.mydownloads(orders.DOCUMENTED, person=number % 1000, guild=number % 50)
            await loopback.answer_to(token)
            loopback.forget(token)

    await asyncio.gather(*(one(number) for number in range(count)))


@asynccontextmanager
async def _process(
    command: list[str], base: str = "", database_folder: str = ""
) -> AsyncIterator[asyncio.subprocess.Process]:
    folder = TemporaryDirectory()
    database = f"sqlite:///{database_folder or folder.name}/bench.db"
    environment = {**os.environ, **WIDE, "DATABASE_URL": database, "DISCORD_TOKEN": TOKEN, "PYTHONPATH": str(ROOT)}
    if base:
        environment["FILEFLARE_BASE_URL"] = base
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        folder.cleanup()


def _medians(pairs: list[tuple[float, float]]) -> tuple[float, float, float]:
    ours, others = zip(*pairs, strict=True)
    return statistics.median(ours), statistics.median(others), statistics.median(mine / other for mine, other in pairs)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms"


if __name__ == "__main__":
    asyncio.run(main())
