"""The breaker opens, probes and closes, and says so once."""

import pytest
from desk import Log

from fileflare_bot.fileflare.breaker import FAILURES_TO_OPEN, OPEN_SECONDS, Breaker, State
from fileflare_bot.fileflare.errors import FileflareBusy, FileflareDown, FileflareTimeout, OrderNotFound


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
    assert len(log.events("fileflare_down")) == 1


def test_one_probe_closes_it_again(clock: list[float], log: Log) -> None:
    breaker = Breaker(lambda: clock[0])
    fail(breaker, FAILURES_TO_OPEN)
    clock[0] += OPEN_SECONDS

    with breaker.watch():
        assert breaker.state.name == "PROBING"
        with pytest.raises(FileflareDown, match="not asked"):
            request(breaker)

    assert breaker.state is State.CLOSED
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
    assert clock


def test_timeouts_count_as_failures(clock: list[float]) -> None:
    breaker = Breaker(lambda: clock[0])
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(FileflareTimeout):
            request(breaker, FileflareTimeout("too slow"))

    assert breaker.state is State.OPEN
    assert clock
