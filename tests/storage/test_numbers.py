"""Ticket numbers are consecutive, and none is lost, whichever process files and whichever is killed."""

import asyncio

import pytest
from storage.samples import ELSEWHERE, GUILD, at_once, file, new_ticket, python, settings

from fileflare_bot.storage.storage import Storage, open_storage

FILE = """
import asyncio, sys
from itertools import count
from storage.samples import file, settings
from structlog.testing import capture_logs
from fileflare_bot.storage.storage import open_storage

async def main():
    url, first, many = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    async with open_storage(settings(url)) as storage:
        print("ready", flush=True)
        sys.stdin.readline()
        for person in range(first, first + many):
            print((await file(storage, person)).number, flush=True)

with capture_logs():
    asyncio.run(main())
"""


async def stored_numbers(storage: Storage) -> list[int]:
    """Return the numbers of all open tickets, oldest first."""
    pages = (await storage.tickets.page(GUILD, 1)).of
    return [
        ticket.number for page in range(1, pages + 1) for ticket in (await storage.tickets.page(GUILD, page)).tickets
    ]


async def test_two_hundred_requests_at_once_get_the_numbers_one_to_two_hundred(storage: Storage) -> None:
    filed = await asyncio.gather(*(file(storage, person) for person in range(1, 201)))

    assert sorted(ticket.number for ticket in filed) == [*range(1, 201)]
    assert await stored_numbers(storage) == [*range(1, 201)]
    assert {ticket.user_id for ticket in filed} == {*range(1, 201)}


async def test_every_server_counts_for_itself(storage: Storage) -> None:
    numbers = [(await file(storage, guild_id=guild)).number for guild in (GUILD, ELSEWHERE)]

    assert numbers == [1, 1]


async def test_processes_that_file_at_once_share_the_numbers(storage: Storage, url: str) -> None:
    lines = await at_once(FILE, [(url, str(100 * process + 1), "25") for process in range(4)])

    assert sorted(int(line) for said in lines for line in said) == [*range(1, 101)]
    assert await stored_numbers(storage) == [*range(1, 101)]


async def test_a_process_that_is_killed_while_it_writes_loses_nothing_it_had_said(url: str) -> None:
    process = await python(FILE, url, "1", "100000")
    assert process.stdin is not None
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    process.stdin.write(b"go\n")
    said = [await process.stdout.readline() for _ in range(20)]
    process.kill()
    said += (await process.stdout.read()).splitlines(keepends=True)
    assert await process.wait() == -9

    async with open_storage(settings(url)) as storage:
        stored = await stored_numbers(storage)
        assert {int(line) for line in said if line.endswith(b"\n")} <= {*stored}
        assert stored == [*range(1, len(stored) + 1)]
        assert (await file(storage, 200_000)).number == len(stored) + 1


@pytest.mark.parametrize("times", [2, 10])
async def test_the_same_order_filed_at_once_by_one_person_is_one_request(storage: Storage, times: int) -> None:
    new = new_ticket(token="an-order-of-the-test", words="please help")

    filed = await asyncio.gather(*(storage.tickets.file(new) for _ in range(times)))

    assert [one.existing for one in filed].count(False) == 1
    assert {one.ticket.number for one in filed} == {1}
    assert (await storage.tickets.page(GUILD, 1)).total == 1
    assert await storage.tickets.messages(filed[0].ticket.id) == []
    assert (await file(storage)).number == 2
