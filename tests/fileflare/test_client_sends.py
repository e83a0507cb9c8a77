"""What the client sends, and where: the ID, once, to Fileflare's own host."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from doubles import faults
from doubles.faults import FAULTS
from doubles.faulty_fileflare import FaultyFileflare

from fileflare_bot.demo import orders
from fileflare_bot.fileflare import errors
from fileflare_bot.fileflare.client import FileflareClient
from fileflare_bot.orders.reference import OrderReference

REFERENCE = OrderReference(orders.DOCUMENTED)


@pytest.fixture
async def elsewhere() -> AsyncIterator[FaultyFileflare]:
    async with FaultyFileflare().serve() as server:
        yield server


@pytest.mark.parametrize("token", [orders.DOCUMENTED, "A-b_c-D_e-0123456789"])
async def test_the_id_is_all_that_is_sent(client: FileflareClient, sample: FaultyFileflare, token: str) -> None:
    seen: list[tuple[str, str, bytes]] = []

    async def look(request: web.Request) -> web.StreamResponse:
        seen.append((request.method, request.raw_path, await request.read()))
        return web.Response(status=404)

    sample.fault = look
    with pytest.raises(errors.OrderNotFound):
        await client.fetch_order(OrderReference(token))

    assert seen == [("GET", f"/api/v2/customer-account-orders?id={token}", b"")]


async def test_an_id_is_quoted_into_the_query_whatever_it_holds(
    client: FileflareClient, sample: FaultyFileflare
) -> None:
    hostile = "a&id=b#c/../?d=%20+é"
    with pytest.raises(errors.OrderNotFound):
        await client.fetch_order(OrderReference(hostile))

    assert sample.requests == {hostile: 1}


async def test_the_status_and_headers_of_every_response_are_reported(
    session: aiohttp.ClientSession, sample: FaultyFileflare
) -> None:
    told: list[tuple[int, str]] = []
    client = FileflareClient(
        session, sample.url, on_response=lambda status, headers: told.append((status, headers["x-ratelimit-limit"]))
    )
    sample.fault = faults.status(429, X_RateLimit_Limit="60")

    with pytest.raises(errors.FileflareBusy):
        await client.fetch_order(REFERENCE)

    assert told == [(429, "60")]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_another_host_is_not_followed(
    status: int, client: FileflareClient, sample: FaultyFileflare, elsewhere: FaultyFileflare
) -> None:
    location = f"{elsewhere.url}/api/v2/customer-account-orders?id={REFERENCE.token}"
    sample.fault = faults.status(status, Location=location)

    with pytest.raises(errors.UnexpectedResponse) as caught:
        await client.fetch_order(REFERENCE)

    assert not elsewhere.requests
    assert not [secret for secret in (elsewhere.url, REFERENCE.token) if secret in f"{caught.value!r}{caught.value}"]


async def test_a_redirect_on_the_same_host_is_followed(client: FileflareClient, sample: FaultyFileflare) -> None:
    async def once(request: web.Request) -> web.StreamResponse:
        sample.fault = None
        return web.Response(status=307, headers={"Location": str(request.rel_url)})

    sample.fault = once

    assert (await client.fetch_order(REFERENCE)).order_number == 1050
    assert sample.requests == {REFERENCE.token: 2}


@pytest.mark.parametrize("location", ["", "http://[", "//", "ftp://127.0.0.1/x", "file:///etc/passwd"])
async def test_a_redirect_to_nowhere_is_an_unexpected_response(
    location: str, client: FileflareClient, sample: FaultyFileflare
) -> None:
    sample.fault = faults.status(302, Location=location)

    with pytest.raises(errors.UnexpectedResponse):
        await client.fetch_order(REFERENCE)


async def test_redirects_in_a_circle_end(client: FileflareClient, sample: FaultyFileflare) -> None:
    sample.fault = FAULTS["redirect_loop"]

    with pytest.raises(errors.UnexpectedResponse):
        await client.fetch_order(REFERENCE)

    assert sum(sample.requests.values()) == 4
