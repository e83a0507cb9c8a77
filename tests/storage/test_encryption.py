"""Secrets are encrypted in the database, and their keys can be changed."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from desk import Log
from storage.samples import (
    CUSTOMER,
    GUILD,
    KEY,
    MODERATOR,
    NEWER_KEY,
    connected,
    execute,
    file,
    new_ticket,
    python,
    settings,
)

from fileflare_bot.database_url import sqlite_file
from fileflare_bot.orders.diagnosis import Finding, Kind
from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.settings import SettingsError
from fileflare_bot.storage.encryption import Cipher
from fileflare_bot.storage.errors import NotPossibleNow
from fileflare_bot.storage.models import CannedAnswerRow, ClaimRow, MessageRow, SavedOrderRow, TicketRow
from fileflare_bot.storage.places import DETAILS, ENCRYPTED
from fileflare_bot.storage.records import CannedAnswer, Resolution, Ticket, TicketDetails
from fileflare_bot.storage.storage import Storage, open_storage
from fileflare_bot.storage.ticket_rows import _DETAILS

TOKEN = "feedfacecafe0123456789abcdef4242"
WRONG_KEY = "OVo7zhS9tOKJln-Hz2maQbKgGJowkMnGTSEpS3nqjbE="
FINDINGS = (Finding(Kind.USED_UP, "Marzipan Patterns.zip", 31, 29),)
CHECKED = (Finding(Kind.LAST_ONE, "Nougat Patterns.zip", 31, 29),)
SECRETS = (
    TOKEN,
    "please fix my marzipan",
    "Marzipan Patterns",
    "Nougat Patterns",
    "#FF-1001-M",
    "#FF-1001-N",
    "Zelda Marzipan",
    "the answer is marzipan",
    "marzipan it is",
    "Dear marzipan",
)


ROTATE = """
import asyncio, sys
from storage.samples import settings
from fileflare_bot.storage import keys
from fileflare_bot.storage.storage import open_storage

renew = keys.Keys._renew

async def renew_and_tell(self, *given, **more):
    await renew(self, *given, **more)
    print("a batch", flush=True)
    return 1

async def main():
    keys.ROTATED_AT_ONCE, keys.Keys._renew = 1, renew_and_tell
    async with open_storage(settings(sys.argv[1], keys=sys.argv[2:])) as storage:
        print("available", flush=True)
        await storage.rotation
        print("rotated", flush=True)

asyncio.run(main())
"""


async def write_everything(storage: Storage) -> Ticket:
    """Store each secret where it belongs."""
    given = {"words": "please fix my marzipan", "order_number": "#FF-1001-M", "name": "Zelda Marzipan"}
    ticket = await file(storage, CUSTOMER, TOKEN, **given, findings=FINDINGS)
    await storage.tickets.file(new_ticket(CUSTOMER, TOKEN, "please fix my marzipan too"))
    await storage.tickets.take(ticket.id, MODERATOR)
    await storage.tickets.answered(ticket.id, MODERATOR, "the answer is marzipan")
    await storage.tickets.wrote_back(ticket.id, CUSTOMER, "marzipan it is")
    await storage.tickets.checked(ticket.id, MODERATOR, "#FF-1001-N", CHECKED)
    await storage.guilds.add_canned_answer(GUILD, MODERATOR, CannedAnswer("hi", "Dear"))
    await storage.guilds.edit_canned_answer(GUILD, MODERATOR, CannedAnswer("hi", "Dear marzipan"))
    return await storage.tickets.resolve(ticket.id, CUSTOMER, Resolution.CUSTOMER)


async def assert_readable(storage: Storage, ticket: Ticket) -> None:
    assert await storage.tickets.get(ticket.id) == ticket
    assert [message.text for message in await storage.tickets.messages(ticket.id)] == [
        "please fix my marzipan too",
        "the answer is marzipan",
        "marzipan it is",
    ]
    assert (await storage.guilds.load(GUILD)).canned_answers == (CannedAnswer("hi", "Dear marzipan"),)


async def every_row(url: str) -> str:
    """Return the content of all tables."""
    metadata = sa.MetaData()
    async with connected(url) as connection:
        await connection.run_sync(metadata.reflect)
        rows = {table.name: (await connection.execute(sa.select(table))).all() for table in metadata.sorted_tables}
    assert all(rows[name] for name in ("servers", "help_requests", "messages", "actions", "saved_answers"))
    return str(rows)


async def test_no_secret_can_be_read_in_the_database(storage: Storage, url: str, log: Log) -> None:
    await write_everything(storage)

    dump = await every_row(url)

    assert str(CUSTOMER) in dump
    for secret in SECRETS:
        assert secret not in dump
        assert secret not in log.getvalue()


async def test_no_secret_lies_in_the_files_of_sqlite(sqlite_url: str) -> None:
    async with open_storage(settings(sqlite_url)) as storage:
        await write_everything(storage)
        file_names = [f"{sqlite_url.removeprefix('sqlite:///')}{ending}" for ending in ("", "-wal")]
        written = b"".join(await asyncio.gather(*(asyncio.to_thread(Path(name).read_bytes) for name in file_names)))

    assert b"help_requests" in written
    for secret in SECRETS:
        assert secret.encode() not in written


async def test_the_same_words_look_different_each_time(storage: Storage, url: str) -> None:
    for person in (1, 2):
        await file(storage, person, TOKEN, "please fix my marzipan")

    async with connected(url) as connection:
        details = (await connection.scalars(sa.select(TicketRow.details))).all()
    assert len({*details}) == 2


async def test_an_order_cannot_be_found_by_hashing_its_id_without_a_key(storage: Storage, url: str) -> None:
    await write_everything(storage)

    dump = (await every_row(url)).lower()

    for name in hashlib.algorithms_guaranteed - {"shake_128", "shake_256"}:
        digest = hashlib.new(name, TOKEN.encode()).digest()
        assert digest.hex()[:16] not in dump
        assert base64.b64encode(digest).decode().lower()[:16] not in dump
    assert hashlib.blake2b(TOKEN.encode(), digest_size=16).hexdigest() not in dump


@asynccontextmanager
async def opened(url: str, *keys: str) -> AsyncIterator[Storage]:
    """Open a storage that has re-encrypted everything."""
    async with open_storage(settings(url, keys=keys)) as storage:
        assert storage.available
        if storage.rotation is not None:
            await storage.rotation
        yield storage


async def test_a_newer_key_takes_over_at_the_start_and_the_old_one_can_go(url: str, log: Log) -> None:
    async with opened(url, KEY) as storage:
        ticket = await write_everything(storage)

    async with opened(url, NEWER_KEY, KEY) as storage:
        await assert_readable(storage, ticket)
    async with opened(url, NEWER_KEY) as storage:
        await assert_readable(storage, ticket)
    async with opened(url, NEWER_KEY, KEY) as storage:
        await assert_readable(storage, ticket)

    rotated, nothing_left = (event["count"] for event in log.events("secrets_rotated"))
    assert rotated >= 5
    assert nothing_left == 0


async def test_a_process_that_is_killed_while_it_changes_keys_leaves_the_rest_to_the_next(url: str, log: Log) -> None:
    async with opened(url, KEY) as storage:
        ticket = await write_everything(storage)
    process = await python(ROTATE, url, NEWER_KEY, KEY)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"available\n"
    for _ in range(3):
        assert await process.stdout.readline() == b"a batch\n"
    process.kill()
    await process.wait()

    with pytest.raises(SettingsError):  # the old key is needed yet
        async with opened(url, NEWER_KEY):
            pass
    async with open_storage(settings(url, keys=(NEWER_KEY, KEY))) as storage:
        await assert_readable(storage, ticket)
        assert storage.rotation is not None
        await storage.rotation
    async with opened(url, NEWER_KEY) as storage:
        await assert_readable(storage, ticket)
    async with connected(url) as connection:
        total = sum([len((await connection.execute(kind.texts())).all()) for kind in ENCRYPTED])
    (event,) = log.events("secrets_rotated")
    assert total - 5 <= event["count"] <= total - 3


async def test_a_key_that_is_set_takes_over_from_the_key_beside_sqlite_and_that_can_go(sqlite_url: str) -> None:
    async with opened(sqlite_url) as storage:
        ticket = await write_everything(storage)
    async with opened(sqlite_url, NEWER_KEY) as storage:
        await assert_readable(storage, ticket)

    file = sqlite_file(sa.make_url(sqlite_url))
    assert file is not None
    file.with_name("secret.key").unlink()

    async with opened(sqlite_url, NEWER_KEY) as storage:
        await assert_readable(storage, ticket)


async def test_a_key_that_decrypts_nothing_is_refused_in_one_line_and_spoils_nothing(url: str) -> None:
    async with opened(url, KEY) as storage:
        ticket = await write_everything(storage)

    with pytest.raises(SettingsError) as raised:
        async with opened(url, WRONG_KEY):
            pass

    (line,) = raised.value.lines
    assert line.startswith("SECRET_KEYS does not open what is stored")
    assert WRONG_KEY not in line
    async with opened(url, KEY) as storage:
        await assert_readable(storage, ticket)


async def test_what_no_key_can_decrypt_any_more_is_empty_and_everything_else_works(url: str) -> None:
    async with opened(url, KEY) as storage:
        ticket = await write_everything(storage)
    place = DETAILS.place_for([GUILD, ticket.number, CUSTOMER])
    lost = Cipher([WRONG_KEY]).encrypt(_DETAILS.dump_json(ticket.details).decode(), place)
    for statement in (
        sa.update(TicketRow).values(details=lost),
        sa.update(MessageRow).values(text=lost),
        sa.update(CannedAnswerRow).values(text=lost),
    ):
        await execute(url, statement)

    async with opened(url, NEWER_KEY, KEY) as storage:
        found = await storage.tickets.get(ticket.id)
        assert (found.readable, found.details) == (False, TicketDetails())
        assert (found.number, found.resolved, found.taken_by) == (1, True, MODERATOR)
        assert [message.text for message in await storage.tickets.messages(ticket.id)] == ["", "", ""]
        assert (await storage.guilds.load(GUILD)).canned_answers == (CannedAnswer("hi", ""),)
        assert (await storage.tickets.page(GUILD, 1, user_id=CUSTOMER)).tickets == (found,)
        export = await storage.personal_data.export(CUSTOMER)
        (exported,) = export["help_requests"]
        assert exported["ticket"]["details"]["reference"] is None
        assert exported["messages"] == []
        assert export["not_readable"] == {"help_requests": 1, "messages": 3}
        assert not (await storage.tickets.reopen(ticket.id, MODERATOR)).resolved
        await storage.tickets.answered(ticket.id, MODERATOR, "we are back")
        assert (await storage.tickets.messages(ticket.id))[-1].text == "we are back"
    async with opened(url, NEWER_KEY, WRONG_KEY) as storage:
        assert (await storage.tickets.get(ticket.id)).details == ticket.details


async def test_an_order_that_is_asked_about_stays_one_open_request_across_a_change_of_keys(url: str) -> None:
    async with opened(url, KEY) as storage:
        await file(storage, token=TOKEN)

    async with opened(url, NEWER_KEY, KEY) as storage:
        assert (await storage.tickets.file(new_ticket(token=TOKEN))).existing


async def test_an_order_stays_one_open_request_after_the_old_key_is_gone(url: str) -> None:
    async with opened(url, KEY) as storage:
        await file(storage, token=TOKEN)
    async with opened(url, NEWER_KEY, KEY):
        pass

    async with opened(url, NEWER_KEY) as storage:
        assert (await storage.tickets.file(new_ticket(token=TOKEN))).existing


async def test_a_request_from_before_a_change_of_keys_does_not_open_beside_a_newer_one(url: str) -> None:
    async with opened(url, KEY) as storage:
        old = await file(storage, token=TOKEN)
        await storage.tickets.resolve(old.id, MODERATOR, Resolution.FIXED)

    async with opened(url, NEWER_KEY, KEY) as storage:
        await file(storage, token=TOKEN)
        with pytest.raises(NotPossibleNow):
            await storage.tickets.reopen(old.id, MODERATOR)


async def test_what_another_process_writes_while_keys_are_changed_is_kept(postgresql_url: str) -> None:
    async with opened(postgresql_url, KEY) as storage:
        ticket = await file(storage, words="from before")
    place = DETAILS.place_for([GUILD, ticket.number, CUSTOMER])
    newer = Cipher([NEWER_KEY]).encrypt(_DETAILS.dump_json(TicketDetails(words="written meanwhile")).decode(), place)
    storage = Storage(settings(postgresql_url, keys=(NEWER_KEY, KEY)))

    async with connected(postgresql_url) as another:
        await another.execute(sa.update(TicketRow).values(details=newer))
        await storage.start()
        assert storage.rotation is not None
        waiting = sa.text(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        for _ in range(200):
            await asyncio.sleep(0.02)
            async with connected(postgresql_url) as watching:
                if await watching.scalar(waiting):
                    break
        assert not storage.rotation.done()
    await storage.rotation

    assert (await storage.tickets.get(ticket.id)).details.words == "written meanwhile"
    await storage.close()


async def test_details_in_an_unknown_format_are_unreadable_and_stop_nothing(storage: Storage, url: str) -> None:
    ticket = await file(storage)

    for garbage in ("", "garbage", "gAAAAA==", "gAAAAÄ=="):
        await execute(url, sa.update(TicketRow).values(details=garbage))
        assert not (await storage.tickets.get(ticket.id)).readable
        assert await storage.keys.renew() == 0


@pytest.mark.parametrize(
    "garbage", [Cipher([WRONG_KEY]).encrypt_unbound("anything"), "gAAAAÄ=="], ids=["other key", "damaged"]
)
async def test_an_export_leaves_out_what_no_key_decrypts_and_counts_it(
    storage: Storage, url: str, garbage: str
) -> None:
    ticket = await file(storage, CUSTOMER, TOKEN, "please fix it")
    for words in ("first", "lost", "last"):
        await storage.tickets.wrote_back(ticket.id, CUSTOMER, words)
    for number in range(3):
        reference = OrderReference(f"{TOKEN}{number}")
        await storage.saved_orders.save(CUSTOMER, reference, f"Order {number}")
        await storage.claims.claim(GUILD, CUSTOMER, reference, f"Order {number}", accounts=1)
    assert (await storage.personal_data.export(CUSTOMER))["not_readable"] == {}
    some = 2  # of the saved orders and of the messages, the one in the middle
    for statement in (
        sa.update(SavedOrderRow).where(SavedOrderRow.id == some).values(reference=garbage),
        sa.update(MessageRow).where(MessageRow.id == some).values(text=garbage),
        sa.update(ClaimRow).where(ClaimRow.id != some).values(label=garbage),
    ):
        await execute(url, statement)

    export = await storage.personal_data.export(CUSTOMER)

    assert export["not_readable"] == {"saved_orders": 1, "orders_that_count": 2, "messages": 1}
    assert [order["label"] for order in export["saved_orders"]] == ["Order 2", "Order 0"]
    assert [claim["label"] for claim in export["orders_that_count"]] == ["", "Order 1", ""]
    (exported,) = export["help_requests"]
    assert [message["text"] for message in exported["messages"]] == ["first", "last"]
