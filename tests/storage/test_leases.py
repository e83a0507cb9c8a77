"""Leases: what one process has at a time, by the database's clock."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa
from desk import Log
from storage.samples import GUILD, MODERATOR, execute, held, new_ticket, settings

from fileflare_bot.storage.database import utc_now
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.leases import Cluster, Layout, Shards
from fileflare_bot.storage.models import LeaseRow, TicketRow
from fileflare_bot.storage.records import Resolution
from fileflare_bot.storage.storage import Storage, open_storage

LONG = 600.0
TWO = Layout(shards=8, clusters=2)


async def expire(url: str, name: str) -> None:
    """Let a lease's time be over."""
    past = sa.update(LeaseRow).where(LeaseRow.name == name)
    await execute(url, past.values(expires_at=sa.text("'2026-01-01 00:00:00+00'" if "postgres" in url else "'2026'")))


async def test_a_lease_is_had_by_one_process_at_a_time(storage: Storage, another: Storage, url: str) -> None:
    assert await storage.leases.take("job", LONG)
    assert not await storage.leases.take("job", LONG)
    assert not await another.leases.take("job", LONG)
    assert await another.leases.take("another job", LONG)

    await another.leases.release("job")  # it is not theirs
    assert not await another.leases.take("job", LONG)
    await storage.leases.release("job")
    assert await another.leases.take("job", LONG)

    await expire(url, "job")
    assert await storage.leases.take("job", LONG)


async def test_a_lease_ends_after_its_seconds_on_the_databases_clock(storage: Storage) -> None:
    assert await storage.leases.take("job", 0.5)
    assert not await storage.leases.take("job", 0.5)

    await asyncio.sleep(0.6)

    assert await storage.leases.take("job", LONG)


async def test_of_many_who_ask_at_once_one_gets_it(storage: Storage, another: Storage) -> None:
    asking = [each.leases.take("job", LONG) for each in (storage, another) * 10]

    assert sum(await asyncio.gather(*asking)) == 1


async def fail(storage: Storage) -> None:
    async with storage.leases.once("job", timedelta(hours=6)) as mine:
        assert mine
        raise KeyError


async def test_a_job_is_done_once_in_its_time_and_again_if_it_failed(storage: Storage, another: Storage) -> None:
    every = timedelta(hours=6)
    with pytest.raises(KeyError):
        await fail(storage)
    async with another.leases.once("job", every) as mine:
        assert mine
        async with storage.leases.once("job", every) as theirs:
            assert not theirs
    async with storage.leases.once("job", every) as mine:
        assert not mine


async def test_each_cluster_is_had_by_one_process_until_nobody_renews_it(
    storage: Storage, another: Storage, url: str
) -> None:
    first, second = await asyncio.gather(storage.leases.take_cluster(TWO, LONG), another.leases.take_cluster(TWO, LONG))
    assert first is not None
    assert second is not None
    assert sorted((first.number, second.number)) == [0, 1]
    async with open_storage(settings(url)) as third:
        assert await third.leases.take_cluster(TWO, LONG) is None
        assert await storage.leases.renew(first, LONG) == 2

        await expire(url, first.name)
        assert await another.leases.renew(second, LONG) == 1
        assert await third.leases.take_cluster(TWO, LONG) == first
        assert await storage.leases.renew(first, LONG) == 0
        await storage.leases.release(first.name)  # it is not theirs any more
        assert await third.leases.renew(first, LONG) == 2


async def test_many_processes_that_start_at_once_share_the_clusters(storage: Storage, another: Storage) -> None:
    layout = Layout(shards=32, clusters=4)
    taking = [each.leases.take_cluster(layout, LONG) for each in (storage, another) * 5]

    taken = [cluster.number for cluster in await asyncio.gather(*taking) if cluster is not None]

    assert sorted(taken) == [0, 1, 2, 3]


async def test_the_number_of_shards_changes_only_while_nobody_has_a_cluster(storage: Storage, another: Storage) -> None:
    more, other = Layout(shards=16, clusters=2), Layout(shards=8, clusters=3)
    assert await storage.leases.layout() is None
    first = await storage.leases.take_cluster(TWO, LONG)
    assert first is not None
    assert await another.leases.layout() == TWO
    assert await another.leases.take_cluster(more, LONG) is None
    assert await another.leases.take_cluster(other, LONG) is None

    await storage.leases.release(first.name)

    assert await another.leases.layout() is None
    assert await another.leases.take_cluster(more, LONG) == Cluster(0, more)
    assert await storage.leases.layout() == more


async def test_with_fewer_shards_than_clusters_those_beyond_are_not_there(storage: Storage) -> None:
    layout = Layout(shards=1, clusters=2)

    assert await storage.leases.take_cluster(layout, LONG) == Cluster(0, layout)
    assert await storage.leases.take_cluster(layout, LONG) is None


@pytest.mark.parametrize("layout", [TWO, Layout(7, 3), Layout(1, 1), Layout(16, 5)])
def test_the_clusters_have_each_shard_once(layout: Layout) -> None:
    clusters = [Cluster(number, layout).shards for number in range(layout.clusters)]

    assert sorted(shard for shards in clusters for shard in shards.ids) == [*range(layout.shards)]
    assert {shards.total for shards in clusters} == {layout.shards}


async def test_a_lease_waits_for_no_busy_connection(storage: Storage, url: str) -> None:
    if url.startswith("sqlite"):
        pytest.skip("SQLite has one writer, and one process, which needs no leases")
    cluster = await storage.leases.take_cluster(TWO, LONG)
    assert cluster is not None
    async with held(url):
        writing = [asyncio.create_task(storage.guilds.change(GUILD, MODERATOR, ping_role_id=n)) for n in range(20)]
        filing = [asyncio.create_task(storage.tickets.file(new_ticket(user))) for user in range(20)]
        await asyncio.sleep(0.2)

        assert await asyncio.wait_for(storage.leases.renew(cluster, LONG), timeout=3) == 1
    await asyncio.gather(*writing, *filing)


async def test_what_is_due_is_due_for_the_process_that_has_the_guilds_shard(storage: Storage) -> None:
    other = GUILD + (1 << 22)  # on the next shard
    for guild_id in (GUILD, other):
        await storage.guilds.change(guild_id, MODERATOR, log_channel_id=3, support_channel_id=4)
        await storage.tickets.file(new_ticket(guild_id=guild_id))
        await storage.intents.remove_message(guild_id, 5, guild_id, MODERATOR)
    shard = (GUILD >> 22) % 2
    own, theirs = Shards((shard,), 2), Shards((1 - shard,), 2)

    for due in (storage.intents.due_tickets, storage.intents.due_logs):
        both = set(await due())
        assert (len(both), len(await due(own)), len(await due(theirs))) == (2, 1, 1)
        assert {*await due(own), *await due(theirs)} == both
    assert await storage.intents.due_logs(own) == [GUILD]
    assert {*await storage.intents.due_logs(Shards((0, 1), 2))} == {GUILD, other}


async def test_of_two_processes_one_deletes_old_data(postgresql_url: str, log: Log) -> None:
    async with (
        open_storage(settings(postgresql_url, clusters=2, keep_resolved_days=1)) as storage,
        open_storage(settings(postgresql_url, clusters=2, keep_resolved_days=1)) as another,
    ):
        filed = await storage.tickets.file(new_ticket())
        await storage.tickets.resolve(filed.ticket.id, MODERATOR, Resolution.FIXED)
        await storage.tend()
        before = utc_now() - timedelta(days=2)
        await execute(postgresql_url, sa.update(TicketRow).values(resolved_at=before))
        await another.tend()
        assert log.events("requests_pruned") == []

        await expire(postgresql_url, "retention")
        another._pruned_at = before  # noqa: SLF001 - six hours later
        await another.tend()

    assert len(log.events("requests_pruned")) == 1


async def test_a_database_that_is_away_gives_no_lease(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_arguments: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(storage._of_leases, "_sessions", away)  # noqa: SLF001 - the fault itself

    with pytest.raises(StorageUnavailable):
        await storage.leases.take("job", LONG)
