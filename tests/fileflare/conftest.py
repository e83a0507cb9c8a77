"""A client on the sample Fileflare."""

import aiohttp
import pytest
from doubles.faulty_fileflare import FaultyFileflare

from fileflare_bot.fileflare.client import FileflareClient


@pytest.fixture
def client(session: aiohttp.ClientSession, sample: FaultyFileflare) -> FileflareClient:
    return FileflareClient(session, sample.url, timeout_seconds=1)
