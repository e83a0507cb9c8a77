"""The tables: made at the first start, brought up to date at later ones, by one process alone."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from databases import audit_entries
from desk import Log
from storage.samples import CUSTOMER, GUILD, KEY, at_once, connected, execute, file, settings

from fileflare_bot.settings import SettingsError
from fileflare_bot.storage.database import MIGRATIONS, newest_revision, utc_now
from fileflare_bot.storage.encryption import Cipher
from fileflare_bot.storage.models import Base
from fileflare_bot.storage.options import Match
from fileflare_bot.storage.records import Action, Stage, TicketDetails
from fileflare_bot.storage.storage import Storage, open_storage
from fileflare_bot.storage.ticket_rows import _DETAILS
from fileflare_bot.storage.upgrade import alembic_config

SCRIPTS = ScriptDirectory(MIGRATIONS)
START = """
import asyncio, sys
from storage.samples import settings
from structlog.testing import capture_logs
from fileflare_bot.storage.storage import open_storage

async def main():
    print("ready", flush=True)
    sys.stdin.readline()
    with capture_logs() as logs:
        async with open_storage(settings(sys.argv[1])) as storage:
            print(storage.available, *(log["event"] for log in logs))

asyncio.run(main())
"""


async def revisions(url: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the revision of the database, and the newest there is."""

    def read(connection: sa.Connection) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return MigrationContext.configure(connection).get_current_heads(), tuple(SCRIPTS.get_heads())

    async with connected(url) as connection:
        return await connection.run_sync(read)


@pytest.fixture
def url(empty_url: str) -> str:
    """The address of an empty database, of both kinds in turn."""
    return empty_url


def test_the_newest_file_is_the_head() -> None:
    assert tuple(SCRIPTS.get_heads()) == (newest_revision(),)


async def test_an_empty_database_gets_the_newest_tables(storage: Storage, url: str) -> None:
    assert storage.available
    there, newest = await revisions(url)
    assert there == newest


@pytest.mark.usefixtures("storage")
async def test_the_migrated_tables_are_the_models(url: str) -> None:
    def differences(connection: sa.Connection) -> Any:  # noqa: ANN401 - Alembic's
        return compare_metadata(MigrationContext.configure(connection), Base.metadata)

    async with connected(url) as connection:
        assert await connection.run_sync(differences) == []


@pytest.mark.parametrize("revision", [script.revision for script in SCRIPTS.walk_revisions()][1:])
async def test_the_tables_of_every_version_before_are_brought_up_to_date_and_keep_what_they_hold(
    url: str, revision: str
) -> None:
    tables = sa.MetaData()
    async with connected(url) as connection:
        await connection.run_sync(lambda sync: command.upgrade(alembic_config(sync), revision))
        await connection.run_sync(tables.reflect)
    servers, requests, messages, actions = (
        tables.tables[name] for name in ("servers", "help_requests", "messages", "actions")
    )
    cipher, at = Cipher([KEY]), utc_now()
    details = cipher.encrypt_unbound(_DETAILS.dump_json(TicketDetails(words="from before")).decode())
    request = {"guild_id": GUILD, "number": 4, "person_id": CUSTOMER, "channel_id": 7, "locale": "en"}
    request |= {"topic": "other", "kinds": [], "order_hash": "", "details": details, "resolved": False}
    message = {"author_id": CUSTOMER, "from_moderator": False, "text": cipher.encrypt_unbound("hello?"), "at": at}
    async with connected(url) as connection:
        server = sa.insert(servers).values(guild_id=GUILD, log_channel_id=9, next_number=5, changed_at=at)
        await connection.execute(server.values(moderator_role_ids=[1, 2]))
        row = await connection.execute(sa.insert(requests).values(**request, created_at=at).returning(requests.c.id))
        request_id = row.scalar_one()
        await connection.execute(sa.insert(messages).values(request_id=request_id, **message))
        await connection.execute(sa.insert(actions).values(guild_id=GUILD, actor_id=1, action="filed", at=at))

    async with open_storage(settings(url)) as storage:
        kept = await storage.tickets.get(request_id)
        assert (kept.number, kept.details.words, kept.created_at) == (4, "from before", at)
        assert [message.text for message in await storage.tickets.messages(request_id)] == ["hello?"]
        assert len(await audit_entries(storage, GUILD)) == 1
        if revision < "0009":  # later ones store it themselves
            assert (kept.stage, kept.stage_since) == (Stage.WAITING, at)
        assert (await file(storage, 2)).number == 5
        server_record = await storage.guilds.load(GUILD)
        assert (server_record.log_channel_id, server_record.moderator_role_ids) == (9, (1, 2))
    there, newest = await revisions(url)
    assert there == newest


async def test_products_that_were_seen_are_to_be_confirmed_and_owners_whose_rules_need_it_are_told(url: str) -> None:
    tables = sa.MetaData()
    async with connected(url) as connection:
        await connection.run_sync(lambda sync: command.upgrade(alembic_config(sync), "0004"))
        await connection.run_sync(tables.reflect)
    servers, products = tables.tables["servers"], tables.tables["products"]
    async with connected(url) as connection:
        for guild_id, match in ((GUILD, "tag"), (GUILD + 1, "product_id"), (GUILD + 2, None)):
            rules = [] if match is None else [{"match": match, "value": "1", "role_ids": [7]}]
            row = {"guild_id": guild_id, "moderator_role_ids": [], "next_number": 1, "changed_at": utc_now()}
            await connection.execute(sa.insert(servers).values(**row, options={"rules": rules}))
        for match, value in (("product_id", "123"), ("tag", "books"), ("vendor", "me")):
            row = {"guild_id": GUILD, "match": match, "value": value, "label": f"My {value}"}
            await connection.execute(sa.insert(products).values(**row))

    async with open_storage(settings(url)) as storage:
        (seen,) = await storage.products.seen(GUILD)
        assert (seen.product_id, seen.name, seen.orders) == ("123", "My 123", 1)
        assert seen.since is not None
        assert abs(seen.since - utc_now()) < timedelta(minutes=5)
        assert await storage.products.properties(GUILD, Match.TAG, "") == []
        assert await storage.intents.due_logs() == [GUILD]
        (line,) = (await storage.intents.due_lines(GUILD))[0]
        assert line.action is Action.PRODUCTS_NEEDED
        assert (await storage.guilds.load(GUILD)).options.waiting_rules == 1


@pytest.mark.usefixtures("storage")
async def test_a_database_of_a_newer_version_is_refused_in_one_line(url: str) -> None:
    await execute(url, sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(SettingsError) as raised:
        async with open_storage(settings(url)):
            pass

    (line,) = raised.value.lines
    assert line.startswith("DATABASE_URL names a database that a newer version of the bot has changed")
    assert "\n" not in line
    assert (await revisions(url))[0] == ("9999",)


async def test_a_second_start_does_nothing(url: str, log: Log) -> None:
    for _ in range(2):
        async with open_storage(settings(url)) as storage:
            assert storage.available

    assert len(log.events("database_created")) == 1


async def test_when_eight_processes_start_at_once_one_makes_the_tables(url: str) -> None:
    said = await at_once(START, [(url,)] * 8)

    assert sorted(said) == [["True"]] * 7 + [["True database_created"]]
    there, newest = await revisions(url)
    assert there == newest
