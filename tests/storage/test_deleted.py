"""What is deleted on SQLite is in none of its files any more, also while the bot runs."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from storage.samples import CUSTOMER, GUILD, MODERATOR, connected, execute, file, settings

from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.storage.database import utc_now
from fileflare_bot.storage.models import GuildRow, MessageRow, PropertyRow, SavedOrderRow, TicketRow
from fileflare_bot.storage.options import Match
from fileflare_bot.storage.records import Property, Resolution
from fileflare_bot.storage.storage import Storage, open_storage

ORDER = OrderReference("feedfacecafe0123456789abcdef4242")
LONG = "a long story " * 500  # over several pages of the database


async def forget_one(storage: Storage, _url: str) -> None:
    (saved,) = await storage.saved_orders.of_user(CUSTOMER)
    await storage.saved_orders.forget(CUSTOMER, saved.id)


async def forget_everything(storage: Storage, _url: str) -> None:
    await storage.personal_data.forget(CUSTOMER)


async def grow_old(storage: Storage, url: str) -> None:
    await execute(url, sa.update(TicketRow).values(resolved_at=utc_now() - timedelta(days=9)))
    assert await storage.retention.delete_resolved(7) == 1


async def leave(storage: Storage, url: str) -> None:
    await execute(url, sa.update(GuildRow).values(left_at=utc_now() - timedelta(days=9)))
    assert await storage.retention.delete_left_guilds(7) == [GUILD]


@pytest.fixture
def _as_most_are_built() -> Iterator[None]:
    """Have SQLite leave what is deleted in place, unless it is told otherwise: Debian's does not."""

    def connected(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's
        connection.execute("PRAGMA secure_delete=OFF").close()

    sa.event.listen(sa.Engine, "connect", connected)
    yield
    sa.event.remove(sa.Engine, "connect", connected)


def in_files(url: str, markers: list[str]) -> list[str]:
    """Return which of these are in any of the database's files."""
    file = Path(url.removeprefix("sqlite:///"))
    written = b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))
    return [marker for marker in markers if marker.encode() in written]


@pytest.mark.parametrize(
    ("delete", "columns"),
    [
        (forget_one, [SavedOrderRow.reference, SavedOrderRow.label]),
        (forget_everything, [SavedOrderRow.reference, SavedOrderRow.label, TicketRow.details, MessageRow.text]),
        (grow_old, [TicketRow.details, MessageRow.text]),
        (leave, [TicketRow.details, MessageRow.text, PropertyRow.label]),
    ],
)
@pytest.mark.parametrize("read_meanwhile", [False, True])
@pytest.mark.usefixtures("_as_most_are_built")
async def test_what_was_deleted_is_in_no_file_any_more(
    sqlite_url: str,
    delete: Callable[[Storage, str], Awaitable[None]],
    columns: list[sa.ColumnElement[str]],
    *,
    read_meanwhile: bool,
) -> None:
    async with open_storage(settings(sqlite_url), busy_seconds=0.05) as storage:
        await storage.saved_orders.save(CUSTOMER, ORDER, "#1050 · The Book")
        ticket = await file(storage, CUSTOMER, ORDER.token, LONG)
        await storage.tickets.wrote_back(ticket.id, CUSTOMER, "hello?")
        await storage.tickets.wrote_back(ticket.id, CUSTOMER, LONG)
        await storage.tickets.resolve(ticket.id, MODERATOR, Resolution.FIXED)
        await storage.products.add_properties(GUILD, [Property(Match.SKU, "BOOK-1", "Marzipan for Experts")])
        async with connected(sqlite_url) as connection:
            texts = [text for column in columns for text in await connection.scalars(sa.select(column))]
        markers = [text[:40] for text in texts] + [text[-200:] for text in texts]
        assert in_files(sqlite_url, markers) == markers

        if read_meanwhile:
            async with connected(sqlite_url) as reader:
                await reader.exec_driver_sql("BEGIN")
                await reader.execute(sa.select(TicketRow.id))
                await delete(storage, sqlite_url)
            await storage.tend()  # a minute later
        else:
            await delete(storage, sqlite_url)

        assert in_files(sqlite_url, markers) == []
