"""Which form of an order ID Fileflare is asked for, what that counts as, and who shares a request."""

import asyncio
import time
import traceback
from collections.abc import Callable
from contextlib import suppress

import aiohttp
import pytest
from aiohttp import web
from doubles.faults import FAULTS
from doubles.faulty_fileflare import FaultyFileflare

from fileflare_bot.demo import orders
from fileflare_bot.fileflare import breaker
from fileflare_bot.fileflare.abuse import DENIALS_FOR_OUTAGE, AbuseGuard
from fileflare_bot.fileflare.breaker import FAILURES_TO_OPEN
from fileflare_bot.fileflare.client import FileflareClient
from fileflare_bot.fileflare.errors import (
    AskedTooOften,
    FileflareBusy,
    FileflareDown,
    FileflareUnavailable,
    LookupFailed,
    OrderGone,
    OrderNotFound,
)
from fileflare_bot.fileflare.lookups import Lookups, build_lookups
from fileflare_bot.fileflare.request_queue import LONGEST_WAIT, Requester
from fileflare_bot.i18n import Catalogs
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


async def test_a_pause_longer_than_the_patience_is_told_at_once_and_holds_up_nobody(build: Build) -> None:
    lookups = build(1)
    lookups.queue.learn(429, {"Retry-After": "60"})
    asking = asyncio.create_task(lookups.find(SMALL, CUSTOMER, patience=2))
    began = time.monotonic()

    with pytest.raises(FileflareBusy):
        await asking

    assert time.monotonic() - began < 1


async def test_who_waits_keeps_waiting_when_their_own_turn_finds_fileflare_away(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookups, asked = build(1), list[OrderReference]()

    async def away_for_a_while(_client: FileflareClient, reference: OrderReference) -> Order:
        asked.append(reference)
        if len(asked) <= 4:
            raise FileflareDown("status 503")
        return Order(order_number=1)

    monkeypatch.setattr(FileflareClient, "fetch_order", away_for_a_while)
    monkeypatch.setattr(breaker, "OPEN_SECONDS", 0.1)
    lookups.queue.learn(429, {"Retry-After": "1"})  # so that all of them wait
    waiting = [
        asyncio.create_task(lookups.find(OrderReference(f"{user:032x}"), Requester(user, user), patience=LONGEST_WAIT))
        for user in range(3)
    ]
    await asyncio.sleep(0.2)
    for _ in range(FAILURES_TO_OPEN):
        with suppress(FileflareDown), lookups.breaker.watch():
            raise FileflareDown("status 503")

    found = await asyncio.gather(*waiting)

    assert len(found) == 3
    assert len(asked) > 4


async def test_a_second_wait_does_not_begin_the_patience_anew(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    lookups = build(1)
    lookups.queue.longest_wait = 2.0

    async def wants_a_longer_pause(_client: FileflareClient, _reference: OrderReference) -> Order:
        lookups.queue.learn(429, {"Retry-After": "60"})
        raise FileflareBusy(60)

    monkeypatch.setattr(FileflareClient, "fetch_order", wants_a_longer_pause)
    lookups.queue.learn(429, {"Retry-After": "1"})
    began = time.monotonic()

    with pytest.raises(LookupFailed):
        await lookups.find(SMALL, CUSTOMER, patience=2)

    assert 0.9 < time.monotonic() - began < 2.5


@pytest.mark.parametrize("guild_id", [7, None])
async def test_a_known_order_that_is_gone_is_not_called_mistyped(build: Build, guild_id: int | None) -> None:
    with pytest.raises(OrderGone) as refused:
        await build(1).find(MADE_UP, Requester(1, guild_id), known=True)

    text = refused.value.text(Catalogs().translator("en"))
    assert text.startswith("**Fileflare no longer knows this order.**")
    assert ("/mydownloads in the store's server" in text) is (guild_id is None)


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
