"""A client on the sample Fileflare."""

import aiohttp
import pytest

from fileflare_bot.demo.sample_fileflare import SampleFileflare
from fileflare_bot.fileflare.client import FileflareClient


@pytest.fixture
def client(session: aiohttp.ClientSession, sample: SampleFileflare) -> FileflareClient:
    return FileflareClient(session, sample.url, timeout_seconds=1)
