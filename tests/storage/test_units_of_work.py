"""Work that has begun is finished, even if its caller has stopped waiting."""

import asyncio
import gc

import pytest
from databases import audit_entries
from desk import Log
from storage.samples import CUSTOMER, file, held, new_ticket, settings

from fileflare_bot.shielding import shielded
from fileflare_bot.storage.errors import StorageUnavailable, TooManyTickets
from fileflare_bot.storage.storage import Storage, open_storage


async def test_what_a_cancelled_caller_began_is_finished_before_the_storage_is_closed(url: str) -> None:
    storage = Storage(settings(url))
    await storage.start()
    async with held(url):
        filing = asyncio.create_task(storage.tickets.file(new_ticket(words="please help")))
        await asyncio.sleep(0.1)
        filing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await filing
        closing = asyncio.create_task(storage.close())
        await asyncio.sleep(0.1)
        assert not closing.done()
    await closing

    async with open_storage(settings(url)) as again:
        (ticket,) = (await again.tickets.page(2**62, 1)).tickets
        assert ticket.details.words == "please help"
        assert (await file(again, 2)).number == 2


async def test_callers_that_are_cancelled_at_any_moment_leave_whole_requests_behind(storage: Storage) -> None:
    tasks = [asyncio.create_task(storage.tickets.file(new_ticket(person))) for person in range(1, 41)]
    for task in tasks:
        await asyncio.sleep(0.001)
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.gather(*storage._database.running)  # noqa: SLF001 - nothing else tells when

    numbers = [ticket.number for page in range(1, 5) for ticket in (await storage.tickets.page(2**62, page)).tickets]
    assert numbers == [*range(1, 41)]
    for number in numbers:
        assert len(await audit_entries(storage, 2**62, number)) == 1


async def test_a_failure_that_nobody_waits_for_any_more_is_named_without_its_traceback(log: Log) -> None:
    async def fail() -> None:
        await asyncio.sleep(0.02)
        raise StorageUnavailable

    waiting = asyncio.create_task(shielded(asyncio.create_task(fail())))
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.wait({waiting})
    await asyncio.sleep(0.05)
    gc.collect()  # asyncio reports what was never retrieved when its task is deleted

    assert [(event["event"], event.get("error")) for event in log.all()] == [("failed_unawaited", "StorageUnavailable")]


async def test_a_failure_that_nobody_waits_for_any_more_disturbs_nobody(url: str) -> None:
    async with open_storage(settings(url, help_open_per_person=1)) as storage:
        await file(storage)
        filing = asyncio.create_task(storage.tickets.file(new_ticket(CUSTOMER, "another-order-of-the-test")))
        await asyncio.sleep(0)
        filing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await filing

        with pytest.raises(TooManyTickets):
            await storage.tickets.file(new_ticket(CUSTOMER, "another-order-of-the-test"))
