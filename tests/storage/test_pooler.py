"""PostgreSQL behind a pooler that gives each transaction another connection, as PgBouncer and Supabase do."""

import asyncio
import os
import shutil
import tempfile
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import asyncpg  # type: ignore[import-untyped]
import pytest
from desk import Log
from storage.samples import GUILD, KEY, MODERATOR, NEWER_KEY, at_once, new_ticket, settings
from storage.test_migrations import START

from fileflare_bot.settings import SettingsError
from fileflare_bot.storage.storage import open_storage

PGBOUNCER: Final = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
PATIENCE_SECONDS: Final = 15.0
USERS: Final = range(1, 13)
CONFIGURATION: Final = """
[databases]
{database} = host={socket} pool_size=3
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
"""

pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed (apt-get install pgbouncer)")


async def answers(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url, statement_cache_size=0)
    except OSError:
        return False
    await connection.close()
    return True


async def listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def until_it_answers(url: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await answers(url):  # noqa: ASYNC110 - nothing tells when another process listens
            await asyncio.sleep(0.05)


@pytest.fixture
def command(postgresql_url: str, unused_tcp_port: int) -> Iterator[list[str]]:
    """The command that starts a PgBouncer with three connections to an empty database."""
    address = urlsplit(postgresql_url)
    database, socket = address.path.removeprefix("/"), parse_qs(address.query)["host"][0]
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    file, users = folder / "pgbouncer.ini", folder / "users.txt"
    users.write_text('"postgres" ""\n')
    file.write_text(CONFIGURATION.format(database=database, socket=socket, port=unused_tcp_port, users=users))
    # As root it refuses to run, and PostgreSQL runs as the owner of its socket's folder.
    as_user = ["-u", Path(socket).owner()] if os.geteuid() == 0 else []
    yield [str(PGBOUNCER), *as_user, str(file)]
    shutil.rmtree(folder)


@pytest.fixture
async def pooler_url(command: list[str], postgresql_url: str, unused_tcp_port: int) -> AsyncIterator[str]:
    """The address of an empty database behind a pooler."""
    process = await asyncio.create_subprocess_exec(*command, stderr=DEVNULL, stdout=DEVNULL)
    try:
        url = f"postgresql://postgres@127.0.0.1:{unused_tcp_port}{urlsplit(postgresql_url).path}"
        await until_it_answers(url)
        yield url
    finally:
        process.terminate()
        await process.wait()


async def test_twelve_people_who_ask_at_once_are_all_heard_also_after_a_restart(pooler_url: str) -> None:
    for guild in (GUILD, GUILD + 1):
        async with open_storage(settings(pooler_url)) as storage:
            assert storage.available
            await storage.guilds.change(guild, MODERATOR, log_channel_id=3)
            filing = [storage.tickets.file(new_ticket(user, words="help", guild_id=guild)) for user in USERS]
            filed = await asyncio.gather(*filing)
            read = await asyncio.gather(*(storage.tickets.get(each.ticket.id) for each in filed))

            assert sorted(ticket.number for ticket in read) == [*USERS]
            assert {ticket.details.words for ticket in read} == {"help"}
            assert (await storage.tickets.page(guild, 1)).total == len(USERS)


async def test_keys_are_rotated_behind_a_pooler(pooler_url: str) -> None:
    async with open_storage(settings(pooler_url)) as storage:
        filed = await asyncio.gather(*(storage.tickets.file(new_ticket(user, words="help")) for user in USERS))
    async with open_storage(settings(pooler_url, keys=(NEWER_KEY, KEY))) as storage:
        assert storage.rotation is not None
        await storage.rotation
    async with open_storage(settings(pooler_url, keys=(NEWER_KEY,))) as storage:
        read = await asyncio.gather(*(storage.tickets.get(each.ticket.id) for each in filed))

    assert {ticket.details.words for ticket in read} == {"help"}


async def test_no_statement_is_left_behind_on_the_servers_connections(pooler_url: str, postgresql_url: str) -> None:
    async with open_storage(settings(pooler_url)) as storage:
        await asyncio.gather(*(storage.tickets.file(new_ticket(user)) for user in USERS))

        connection = await asyncpg.connect(pooler_url, statement_cache_size=0)
        async with connection.transaction():
            assert await connection.fetchval("SELECT count(*) FROM pg_prepared_statements WHERE name <> ''") == 0
        await connection.close()
    direct = await asyncpg.connect(postgresql_url)
    assert await direct.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0
    await direct.close()


async def test_when_eight_processes_start_at_once_behind_a_pooler_one_makes_the_tables(pooler_url: str) -> None:
    said = await at_once(START, [(pooler_url,)] * 8)

    assert sorted(said) == [["True"]] * 7 + [["True database_created"]]


@pytest.mark.parametrize(("known", "unknown"), [("/test_", "/nowhere_"), ("postgres@", "nobody@")])
async def test_what_the_pooler_does_not_have_is_refused_in_one_line(pooler_url: str, known: str, unknown: str) -> None:
    with pytest.raises(SettingsError) as raised:
        async with open_storage(settings(pooler_url.replace(known, unknown))):
            pass

    (line,) = raised.value.lines
    assert line.startswith("DATABASE_URL was refused by the database")


@pytest.fixture
def without_server(command: list[str]) -> list[str]:
    """The command of a pooler whose PostgreSQL is away."""
    file = Path(command[-1])
    file.write_text(file.read_text().replace("host=/", "host=/nowhere/"))
    return command


async def test_a_server_that_is_away_behind_its_pooler_is_an_outage(
    without_server: list[str], postgresql_url: str, unused_tcp_port: int, log: Log
) -> None:
    process = await asyncio.create_subprocess_exec(*without_server, stderr=DEVNULL, stdout=DEVNULL)
    try:
        url = f"postgresql://postgres@127.0.0.1:{unused_tcp_port}{urlsplit(postgresql_url).path}"
        async with asyncio.timeout(PATIENCE_SECONDS):
            while process.returncode is None and not await listens(unused_tcp_port):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)
        async with open_storage(settings(url)) as storage:
            assert not storage.available
    finally:
        process.terminate()
        await process.wait()
    assert [event["error"] for event in log.events("database_away")] != ["ConnectionRefusedError"]
