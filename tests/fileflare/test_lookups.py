"""Which form of an order ID Fileflare is asked for, what that counts as, and who shares a request."""

import asyncio
import time
import traceback
from collections.abc import Callable

import aiohttp
import pytest
from aiohttp import web
from doubles.faults import FAULTS
from doubles.faulty_fileflare import FaultyFileflare

from fileflare_bot.demo import orders
from fileflare_bot.fileflare.abuse import DENIALS_FOR_OUTAGE, AbuseGuard
from fileflare_bot.fileflare.client import FileflareClient
from fileflare_bot.fileflare.errors import AskedTooOften, FileflareBusy, FileflareUnavailable, OrderNotFound
from fileflare_bot.fileflare.lookups import Lookups, build_lookups
from fileflare_bot.fileflare.request_queue import Requester
from fileflare_bot.metrics import Metrics
from fileflare_bot.orders.models import Order
from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.settings import Settings

SMALL, CAPITALS = OrderReference(orders.DOCUMENTED), OrderReference(orders.DOCUMENTED.upper())
MADE_UP = OrderReference("ABCDEF0123456789ABCDEF0123456789")
CUSTOMER = Requester(1)

Build = Callable[[int], Lookups]


@pytest.fixture
def build(bot_settings: Settings, session: aiohttp.ClientSession) -> Build:
    """Build lookups whose users may have so many misses before they pause."""

    def built(misses: int) -> Lookups:
        return build_lookups(bot_settings, session, Metrics(), abuse=AbuseGuard(misses_per_user=misses))

    return built


async def test_an_id_in_capitals_is_asked_for_in_small_letters_and_known_by_them(
    build: Build, sample: FaultyFileflare
) -> None:
    found = await build(1).find(CAPITALS, CUSTOMER)

    assert found.reference == SMALL
    assert sample.requests == {orders.DOCUMENTED: 1}


async def test_an_id_that_fileflare_knows_in_capitals_only_is_found_too(build: Build, sample: FaultyFileflare) -> None:
    sample.answers[CAPITALS.token] = sample.answers.pop(orders.DOCUMENTED)

    found = await build(1).find(CAPITALS, CUSTOMER)

    assert found.reference == CAPITALS


async def test_an_order_read_in_capitals_is_not_asked_for_again_in_small_letters(
    build: Build, sample: FaultyFileflare
) -> None:
    lookups = build(1)
    await lookups.find(CAPITALS, CUSTOMER)

    again = await lookups.find(SMALL, CUSTOMER)

    assert again.age > 0
    assert again.reference == SMALL
    assert sample.requests == {orders.DOCUMENTED: 1}


async def test_one_paste_in_capitals_is_one_miss(build: Build, sample: FaultyFileflare) -> None:
    lookups = build(2)
    with pytest.raises(OrderNotFound):
        await lookups.find(MADE_UP, CUSTOMER)
    assert sample.requests == {MADE_UP.token: 1, MADE_UP.token.lower(): 1}

    with pytest.raises(OrderNotFound):  # the second of the two that are allowed
        await lookups.find(MADE_UP, CUSTOMER)
    with pytest.raises(AskedTooOften):
        await lookups.find(MADE_UP, CUSTOMER)


async def test_one_paste_in_capitals_is_one_denial(build: Build, sample: FaultyFileflare) -> None:
    sample.fault = denied
    lookups = build(100)

    for user in range(DENIALS_FOR_OUTAGE - 1):  # one more denial, and it would be an outage
        with pytest.raises(OrderNotFound):
            await lookups.find(MADE_UP, Requester(user))


@pytest.mark.parametrize("guess", ["ABCDEFGH0123456789", "ABCDEF0123456789_-", "Abcdefgh01234567"])
async def test_a_guess_of_another_kind_of_id_is_asked_for_once_as_it_is(
    build: Build, sample: FaultyFileflare, guess: str
) -> None:
    with pytest.raises(OrderNotFound):
        await build(1).find(OrderReference(guess), CUSTOMER)

    assert sample.requests == {guess: 1}


async def test_who_comes_in_the_moment_in_which_a_request_fails_holds_up_nobody(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookups, failing = build(1), asyncio.Event()

    async def refused(_client: FileflareClient, _reference: OrderReference) -> Order:
        await asyncio.sleep(0.01)
        failing.set()  # wakes the second customer before anybody knows how the request ended
        raise FileflareBusy(60)

    async def second() -> None:
        await failing.wait()
        await lookups.find(SMALL, Requester(2), patience=2)

    monkeypatch.setattr(FileflareClient, "fetch_order", refused)
    asking = [asyncio.create_task(second()), asyncio.create_task(lookups.find(SMALL, CUSTOMER, patience=2))]
    longest, before = 0.0, time.monotonic()
    while not all(task.done() for task in asking):
        await asyncio.sleep(0.01)
        longest, before = max(longest, time.monotonic() - before), time.monotonic()

    assert longest < 1
    assert all(isinstance(task.exception(), FileflareUnavailable) for task in asking)


async def denied(_request: web.Request) -> web.StreamResponse:
    """Deny the order, as Fileflare may do for one that it does not know."""
    return web.json_response({"message": "Unauthenticated."}, status=401)


@pytest.mark.parametrize("fault", ["huge_body", "gzip_bomb", "not_json", "wrong_types", "server_error"])
async def test_a_failure_that_is_kept_for_its_traceback_keeps_no_response(
    bot_settings: Settings, session: aiohttp.ClientSession, sample: FaultyFileflare, fault: str
) -> None:
    lookups = build_lookups(bot_settings, session, Metrics())
    sample.fault = FAULTS[fault]
    with pytest.raises(FileflareUnavailable) as failed:
        await lookups.find(OrderReference(orders.DOCUMENTED), Requester(1))

    frames = [frame for frame, _ in traceback.walk_tb(failed.value.__traceback__)]
    assert any(frame.f_code.co_name == "fetch_order" for frame in frames)
    held = [value for frame in frames for value in frame.f_locals.values() if isinstance(value, bytes | bytearray)]
    assert held == []
