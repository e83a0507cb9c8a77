"""The breaker opens, probes and closes, and says so once."""

import asyncio
import contextlib

import aiohttp
import pytest
from desk import Log
from doubles.faults import FAULTS
from doubles.faulty_fileflare import FaultyFileflare

from fileflare_bot.fileflare import lookups as lookups_module
from fileflare_bot.fileflare.breaker import FAILURES_TO_OPEN, OPEN_SECONDS, Breaker, State
from fileflare_bot.fileflare.errors import FileflareBusy, FileflareDown, FileflareTimeout, OrderNotFound, PlaceReserved
from fileflare_bot.fileflare.found import Found
from fileflare_bot.fileflare.lookups import Lookups, build_lookups
from fileflare_bot.fileflare.pace import Pace
from fileflare_bot.fileflare.request_queue import Requester, RequestQueue
from fileflare_bot.metrics import Metrics
from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.settings import Settings

AT_ONCE = FAILURES_TO_OPEN


@pytest.fixture
def clock() -> list[float]:
    return [100.0]


def request(breaker: Breaker, error: Exception | None = None) -> None:
    with breaker.watch():
        if error is not None:
            raise error


def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(FileflareDown):
            request(breaker, FileflareDown("status 503"))


def test_it_opens_after_repeated_failures_and_then_fails_at_once(clock: list[float], log: Log) -> None:
    breaker = Breaker(lambda: clock[0])
    fail(breaker, FAILURES_TO_OPEN)
    assert breaker.state is State.OPEN

    asked = []
    for _ in range(1000):
        clock[0] += 0.001
        with pytest.raises(FileflareDown, match="not asked"), breaker.watch():
            asked.append(1)

    assert not asked
    assert [event["failures"] for event in log.events("fileflare_down")] == [FAILURES_TO_OPEN]


def test_who_is_not_asked_for_learns_when_the_next_attempt_is(clock: list[float]) -> None:
    breaker = Breaker(lambda: clock[0])
    fail(breaker, FAILURES_TO_OPEN)
    clock[0] += 2
    with pytest.raises(FileflareDown) as refused:
        breaker.check()
    assert refused.value.next_attempt == OPEN_SECONDS - 2

    clock[0] += OPEN_SECONDS
    with breaker.watch(), pytest.raises(FileflareDown) as refused:
        breaker.check()
    assert refused.value.next_attempt == OPEN_SECONDS


async def test_a_request_from_before_that_is_cancelled_starts_no_second_probe(clock: list[float]) -> None:
    breaker = Breaker(lambda: clock[0])
    under_way = asyncio.Event()

    async def slow() -> None:
        with breaker.watch():
            under_way.set()
            await asyncio.sleep(60)

    early = asyncio.create_task(slow())
    await under_way.wait()
    fail(breaker, FAILURES_TO_OPEN)
    clock[0] += OPEN_SECONDS
    with breaker.watch():
        early.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await early
        with pytest.raises(FileflareDown, match="not asked"):
            breaker.check()


def test_one_probe_closes_it_again(clock: list[float], log: Log) -> None:
    breaker = Breaker(lambda: clock[0])
    fail(breaker, FAILURES_TO_OPEN)
    clock[0] += OPEN_SECONDS

    with breaker.watch():
        assert breaker.state.name == "PROBING"
        with pytest.raises(FileflareDown, match="not asked"):
            request(breaker)

    assert breaker.state is State.CLOSED
    assert len(log.events("fileflare_back")) == 1
    request(breaker)
    assert len(log.events("fileflare_back")) == 1


def test_a_failed_probe_keeps_it_open_without_saying_so_again(clock: list[float], log: Log) -> None:
    breaker = Breaker(lambda: clock[0])
    fail(breaker, FAILURES_TO_OPEN)
    for _ in range(5):
        clock[0] += OPEN_SECONDS
        fail(breaker)
        assert breaker.state is State.OPEN

    assert len(log.events("fileflare_down")) == 1


@pytest.mark.parametrize("error", [OrderNotFound("404"), FileflareBusy(1.0)])
def test_a_response_is_no_failure_even_if_it_is_no_order(clock: list[float], error: Exception) -> None:
    breaker = Breaker(lambda: clock[0])
    fail(breaker, FAILURES_TO_OPEN - 1)
    with pytest.raises(type(error)):
        request(breaker, error)
    fail(breaker, FAILURES_TO_OPEN - 1)

    assert breaker.state is State.CLOSED


def test_timeouts_count_as_failures(clock: list[float]) -> None:
    breaker = Breaker(lambda: clock[0])
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(FileflareTimeout):
            request(breaker, FileflareTimeout("too slow"))

    assert breaker.state is State.OPEN


@pytest.fixture
def queue() -> RequestQueue:
    return RequestQueue(Pace(6000), at_once=AT_ONCE)


@pytest.fixture
def impatient(
    bot_settings: Settings,
    session: aiohttp.ClientSession,
    queue: RequestQueue,
    sample: FaultyFileflare,
    monkeypatch: pytest.MonkeyPatch,
) -> Lookups:
    """Lookups whose people have less patience than FILEFLARE_TIMEOUT_SECONDS, on a silent Fileflare."""
    sample.fault = FAULTS["silent"]
    monkeypatch.setattr(lookups_module, "PATIENCE_SECONDS", 0.4)
    return build_lookups(bot_settings, session, Metrics(), queue=queue)


def look_up(lookups: Lookups, count: int) -> list[asyncio.Task[Found]]:
    return [
        asyncio.create_task(lookups.find(OrderReference(f"0123456789abcdef{number:016x}"), Requester(number)))
        for number in range(count)
    ]


async def test_a_silent_fileflare_opens_it_even_if_people_lose_their_patience_first(impatient: Lookups) -> None:
    results = await asyncio.gather(*look_up(impatient, FAILURES_TO_OPEN), return_exceptions=True)

    assert {type(result) for result in results} == {FileflareTimeout}
    assert impatient.breaker.state is State.OPEN


async def test_patience_that_ends_in_the_line_is_no_failure(
    impatient: Lookups, queue: RequestQueue, sample: FaultyFileflare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "longest_wait", 0.4)
    async with contextlib.AsyncExitStack() as stack:
        for number in range(AT_ONCE):
            await stack.enter_async_context(queue.turn(Requester(number), patience=60))
        results = await asyncio.gather(*look_up(impatient, FAILURES_TO_OPEN), return_exceptions=True)

    assert {type(result) for result in results} == {PlaceReserved}
    assert not sample.requests
    assert impatient.breaker.state is State.CLOSED


async def test_a_lookup_that_is_cancelled_is_no_failure(impatient: Lookups, sample: FaultyFileflare) -> None:
    before = asyncio.all_tasks()
    look_up(impatient, FAILURES_TO_OPEN)
    await asyncio.sleep(0.1)
    assert sum(sample.requests.values()) == FAILURES_TO_OPEN
    cancelled = [task for task in asyncio.all_tasks() - before if "Lookups" in repr(task)]
    assert len(cancelled) == 2 * FAILURES_TO_OPEN  # each with the request that it shares

    for task in cancelled:
        task.cancel()
    await asyncio.gather(*cancelled, return_exceptions=True)

    assert impatient.breaker.state is State.CLOSED
