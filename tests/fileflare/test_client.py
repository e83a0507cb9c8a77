"""The client against a real server: each fault becomes the right error, bounded in time and size, without a secret."""

import asyncio
import socket
import time
import traceback
import tracemalloc
from collections.abc import Iterator

import aiohttp
import pytest
from aiohttp import web
from doubles import faults
from doubles.faults import FAULTS
from doubles.faulty_fileflare import Fault, FaultyFileflare

from fileflare_bot.demo import orders
from fileflare_bot.fileflare import errors
from fileflare_bot.fileflare.client import LARGEST_BODY, FileflareClient
from fileflare_bot.orders.reference import OrderReference

REFERENCE = OrderReference(orders.DOCUMENTED)
BECOMES: dict[str, type[errors.LookupFailed]] = {
    "not_found": errors.OrderNotFound,
    "unauthorized": errors.OrderNotFound,
    "blocked": errors.UnexpectedResponse,
    "unprocessable": errors.OrderNotFound,
    "busy_seconds": errors.FileflareBusy,
    "busy_date": errors.FileflareBusy,
    "server_error": errors.FileflareDown,
    "bad_gateway": errors.FileflareDown,
    "unavailable": errors.FileflareDown,
    "gateway_timeout": errors.FileflareTimeout,
    "empty_body": errors.UnexpectedResponse,
    "not_json": errors.UnexpectedResponse,
    "wrong_types": errors.UnexpectedResponse,
    "null_order": errors.OrderNotFound,
    "an_array": errors.UnexpectedResponse,
    "silent": errors.FileflareTimeout,
    "slow_body": errors.FileflareTimeout,
    "dripping_body": errors.FileflareTimeout,
    "endless_body": errors.UnexpectedResponse,
    "huge_body": errors.UnexpectedResponse,
    "gzip_bomb": errors.UnexpectedResponse,
    "deflate_bomb": errors.UnexpectedResponse,
    "wrong_encoding": errors.FileflareDown,
    "reset": errors.FileflareDown,
    "truncated": errors.FileflareDown,
    "redirect_elsewhere": errors.UnexpectedResponse,
    "redirect_loop": errors.UnexpectedResponse,
}


@pytest.fixture
def impatient(session: aiohttp.ClientSession, sample: FaultyFileflare) -> FileflareClient:
    return FileflareClient(session, sample.url, timeout_seconds=0.3)


async def failure(client: FileflareClient) -> errors.LookupFailed:
    with pytest.raises(errors.LookupFailed) as caught:
        await client.fetch_order(REFERENCE)
    return caught.value


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and all its causes, also those that "from None" only hides."""
    if error is not None:
        yield error
        yield from chain(error.__cause__)
        yield from chain(error.__context__)


def shows_nothing(error: errors.LookupFailed, *secrets: str) -> None:
    written = "".join("".join(traceback.format_exception(link)) + repr(link) + str(link) for link in chain(error))
    assert not [secret for secret in (REFERENCE.token, "customer-account-orders?", *secrets) if secret in written]


def raw_response(*parts: bytes) -> Fault:
    async def respond(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(b"".join(parts) + b"\r\n\r\n")
        request.transport.close()
        return web.Response()

    return respond


def test_every_fault_of_the_sample_is_covered() -> None:
    assert BECOMES.keys() == FAULTS.keys()


@pytest.mark.parametrize("name", FAULTS)
async def test_each_fault_becomes_its_error_in_time_and_the_session_goes_on(
    name: str, client: FileflareClient, sample: FaultyFileflare, session: aiohttp.ClientSession
) -> None:
    sample.fault = FAULTS[name]
    started = time.monotonic()

    error = await failure(client)

    assert type(error) is BECOMES[name]
    assert time.monotonic() - started < 5
    shows_nothing(error, sample.url, faults.ELSEWHERE, "Maintenance", "Bad gateway", "Access denied", "not packed")
    sample.fault = None
    assert (await client.fetch_order(REFERENCE)).order_number == 1050
    assert not session.closed


@pytest.mark.parametrize("name", ["bad_gateway", "unavailable", "gateway_timeout", "reset"])
async def test_only_faults_that_pass_soon_are_marked_so(
    name: str, client: FileflareClient, sample: FaultyFileflare
) -> None:
    sample.fault = FAULTS[name]
    error = await failure(client)
    assert isinstance(error, errors.FileflareUnavailable)
    assert error.passes_soon
    sample.fault = FAULTS["server_error"]
    other = await failure(client)
    assert isinstance(other, errors.FileflareUnavailable)
    assert not other.passes_soon


@pytest.mark.parametrize(("name", "seconds"), [("busy_seconds", 2), ("busy_date", 30)])
async def test_both_forms_of_retry_after_are_read(
    name: str, seconds: float, client: FileflareClient, sample: FaultyFileflare
) -> None:
    sample.fault = FAULTS[name]

    error = await failure(client)

    assert isinstance(error, errors.FileflareBusy)
    assert error.retry_after == pytest.approx(seconds, abs=2)


@pytest.mark.parametrize("name", ["silent", "slow_body", "dripping_body", "endless_body"])
async def test_a_fault_without_an_end_ends_when_the_client_goes(
    name: str, impatient: FileflareClient, sample: FaultyFileflare
) -> None:
    ended = asyncio.Event()

    async def watched(request: web.Request) -> web.StreamResponse:
        try:
            return await FAULTS[name](request)
        finally:
            ended.set()

    sample.fault = watched
    await failure(impatient)

    await asyncio.wait_for(ended.wait(), 1)
    assert ended.is_set()


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (b"SSH-2.0-OpenSSH_9.6", errors.UnexpectedResponse),
        (b"HTTP/1.1 302 Found\r\nLocation: http://not-a-size.example:0/", errors.UnexpectedResponse),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:many/", errors.UnexpectedResponse),
        (b"HTTP/1.1 302 Found\r\nLocation: /\xff\xfe", errors.OrderNotFound),  # a page that is not there
        (b"HTTP/1.1 200 OK\r\nContent-Length: many", errors.UnexpectedResponse),
        (b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 100_000, errors.UnexpectedResponse),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot a size", errors.UnexpectedResponse),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\nnot a", errors.FileflareDown),  # broken off
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3", errors.UnexpectedResponse),
        (b"HTTP/1.1 101 Switching Protocols", errors.UnexpectedResponse),
        (b"HTTP/1.1 429 Busy\r\nRetry-After: Mon, 04 May 99999999999 12:01:30 GMT", errors.FileflareBusy),
        (b"", errors.FileflareDown),
    ],
)
async def test_what_is_hardly_http_becomes_one_of_our_errors(
    response: bytes, kind: type[errors.LookupFailed], client: FileflareClient, sample: FaultyFileflare
) -> None:
    sample.fault = raw_response(response)

    error = await failure(client)

    assert type(error) is kind
    shows_nothing(error, "OpenSSH", "many", "not a size", "not-a-size")


@pytest.mark.parametrize("name", ["huge_body", "endless_body"])
async def test_a_body_is_read_up_to_a_size_and_no_further(
    name: str, client: FileflareClient, sample: FaultyFileflare
) -> None:
    sample.fault = FAULTS[name]

    await failure(client)

    assert LARGEST_BODY <= sample.sent_bytes[0] < 4 * LARGEST_BODY


@pytest.mark.parametrize("name", ["gzip_bomb", "deflate_bomb"])
async def test_a_small_response_that_becomes_huge_never_fills_the_memory(
    name: str, client: FileflareClient, sample: FaultyFileflare
) -> None:
    sample.fault = FAULTS[name]
    tracemalloc.start()
    try:
        await failure(client)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 4 * LARGEST_BODY < faults.BOMB_BYTES


async def test_a_server_that_is_not_there_is_down(session: aiohttp.ClientSession) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    error = await failure(FileflareClient(session, f"http://127.0.0.1:{port}"))
    assert isinstance(error, errors.FileflareDown)
    assert error.passes_soon
    shows_nothing(error)


async def test_a_host_that_has_no_address_is_down(session: aiohttp.ClientSession) -> None:
    error = await failure(FileflareClient(session, "http://nowhere.invalid", timeout_seconds=5))
    assert isinstance(error, (errors.FileflareDown, errors.FileflareTimeout))  # some resolvers only fall silent
    shows_nothing(error)


def body(of: str, each: bytes, times: int) -> bytes:
    return b'{"order":{"order_number":1050,"' + of.encode() + b'":[' + b",".join([each] * times) + b"]}}"


@pytest.mark.parametrize(
    ("made_of", "readable"),
    [
        (body("assets", b"1", 4_900), True),
        (body("assets", b"{}", 49_000), True),
        (body("assets", b"1", 2_400_000), True),
        (body("lines", b"{}", 1_600_000), True),
        (body("lines", b'{"product":{"tags":[1,2,3]}}', 12_000), True),
        (body("lines", b'{"assets":[{},{}]}', 1_600), True),
        (body("unknown", b"[[[1]]]", 49_000), True),
        (body("assets", b'{"data":{"filename":"' + b"a-" * 2000 + b'"}}', 1_000), True),
        (b"[" * 4_900_000, False),
        (b'{"order":{"order_number":"' + b"9," * 45_000 + b'"}}', True),
    ],
    ids=range(10),
)
async def test_no_response_whatever_it_is_made_of_holds_up_the_others(
    made_of: bytes,
    readable: bool,  # noqa: FBT001 - a table's column
    client: FileflareClient,
    sample: FaultyFileflare,
) -> None:
    async def respond(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=made_of, content_type="application/json")

    sample.fault = respond
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.01)
            longest = max(longest, time.perf_counter() - before)

    watching = asyncio.create_task(watch())
    try:
        await asyncio.sleep(0.05)
        if readable:
            assert (await client.fetch_order(REFERENCE)).order_number is not None
        else:
            assert type(await failure(client)) is errors.UnexpectedResponse
    finally:
        watching.cancel()
    assert longest < 1
