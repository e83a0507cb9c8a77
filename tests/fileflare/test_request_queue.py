"""Turns at Fileflare: the rate holds, the queue is bounded and fair, and nobody waits in silence."""

import asyncio
import itertools

import pytest

from fileflare_bot.fileflare import request_queue
from fileflare_bot.fileflare.errors import FileflareBusy, QueueFull
from fileflare_bot.fileflare.request_queue import Requester, RequestQueue


async def one(queue: RequestQueue, requester: Requester, served: list[Requester] | None = None) -> None:
    async with queue.turn(requester):
        if served is not None:
            served.append(requester)


async def refused(queue: RequestQueue, requester: Requester) -> QueueFull:
    with pytest.raises(QueueFull) as caught:
        await one(queue, requester)
    return caught.value


async def test_a_burst_goes_at_once_and_the_rest_at_the_rate() -> None:
    queue = RequestQueue(per_minute=600, burst=5, longest_wait=10)
    loop = asyncio.get_running_loop()
    started = loop.time()

    await asyncio.gather(*(one(queue, Requester(person)) for person in range(10)))

    assert 0.4 <= loop.time() - started < 2


async def test_requests_under_way_at_once_are_limited() -> None:
    queue = RequestQueue(per_minute=60_000, burst=100, at_once=3)
    together: list[int] = []
    under_way = 0

    async def slow(person: int) -> None:
        nonlocal under_way
        async with queue.turn(Requester(person)):
            under_way += 1
            together.append(under_way)
            await asyncio.sleep(0.01)
            under_way -= 1

    await asyncio.gather(*(slow(person) for person in range(12)))

    assert max(together) == 3
    assert len(together) == 12


async def test_one_persons_burst_does_not_starve_the_others() -> None:
    queue = RequestQueue(per_minute=1200, burst=1, longest_wait=60)
    served: list[Requester] = []
    greedy, patient = Requester(1, guild_id=7), Requester(2, guild_id=7)

    tasks = [asyncio.create_task(one(queue, greedy, served)) for _ in range(8)]
    await asyncio.sleep(0)
    tasks.append(asyncio.create_task(one(queue, patient, served)))
    await asyncio.gather(*tasks)

    assert served.index(patient) <= 2


async def test_one_servers_flood_does_not_slow_another() -> None:
    queue = RequestQueue(per_minute=1200, burst=1, longest_queue=30, longest_wait=60)
    served: list[Requester] = []
    quiet = Requester(999, guild_id=2)

    flood = [asyncio.create_task(one(queue, Requester(person, guild_id=1), served)) for person in range(30)]
    await asyncio.sleep(0)
    tasks = [*flood, asyncio.create_task(one(queue, quiet, served))]
    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert served.index(quiet) <= 2
    assert not [result for result in results[:-1] if result is not None and not isinstance(result, QueueFull)]


async def test_a_full_queue_turns_away_the_server_that_fills_it() -> None:
    queue = RequestQueue(per_minute=60, burst=1, longest_queue=5, longest_wait=60)
    await one(queue, Requester(0, guild_id=1))
    flood = [asyncio.create_task(one(queue, Requester(person, guild_id=1))) for person in range(5)]
    await asyncio.sleep(0)
    assert queue.waiting == 5

    newcomer = asyncio.create_task(one(queue, Requester(9, guild_id=2)))
    done, _ = await asyncio.wait(flood, timeout=0.2, return_when=asyncio.FIRST_COMPLETED)

    assert [type(task.exception()) for task in done] == [QueueFull]
    assert not newcomer.done()
    assert queue.waiting == 5
    assert isinstance(await refused(queue, Requester(6, guild_id=1)), QueueFull)
    for task in (*flood, newcomer):
        task.cancel()
    await asyncio.gather(*flood, newcomer, return_exceptions=True)


async def test_people_who_would_wait_too_long_are_told_at_once_when_to_try_again() -> None:
    queue = RequestQueue(per_minute=60, burst=1, longest_wait=2)
    await one(queue, Requester(0, guild_id=1))
    waiting = [asyncio.create_task(one(queue, Requester(person, guild_id=1))) for person in (1, 2)]
    await asyncio.sleep(0)

    pauses = [(await refused(queue, Requester(person, guild_id=1))).retry_after for person in range(3, 8)]

    assert pauses == sorted(pauses)
    assert [round(later - earlier) for earlier, later in itertools.pairwise(pauses)] == [1, 1, 1, 1]
    assert 2 <= pauses[0] <= 5
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_pause_that_fileflare_asks_for_is_kept() -> None:
    with pytest.raises(FileflareBusy):
        await one(paused(30), Requester(1))

    short = paused(1)
    loop = asyncio.get_running_loop()
    started = loop.time()
    await one(short, Requester(1))
    assert loop.time() - started >= 0.9


def paused(seconds: int) -> RequestQueue:
    queue = RequestQueue(per_minute=6000, burst=10, longest_wait=10)
    queue.learn(429, {"Retry-After": str(seconds)})
    return queue


async def test_a_lower_limit_that_fileflare_names_is_learnt_and_a_higher_one_is_not() -> None:
    queue = RequestQueue(per_minute=600, burst=1, longest_wait=60)
    queue.learn(200, {"X-RateLimit-Limit": "6000", "X-RateLimit-Remaining": "5999"})
    loop = asyncio.get_running_loop()
    started = loop.time()
    await asyncio.gather(*(one(queue, Requester(person)) for person in range(4)))
    assert 0.25 <= loop.time() - started < 1

    queue.learn(200, {"X-RateLimit-Limit": "120"})
    await one(queue, Requester(0))
    started = loop.time()
    await one(queue, Requester(1))
    assert loop.time() - started >= 0.4


async def test_no_requests_remaining_means_a_short_rest() -> None:
    queue = RequestQueue(per_minute=120, burst=10)
    queue.learn(200, {"X-RateLimit-Remaining": "0"})
    loop = asyncio.get_running_loop()
    started = loop.time()

    await one(queue, Requester(1))

    assert 0.4 <= loop.time() - started < 2


async def test_people_who_leave_the_queue_leave_no_turn_behind() -> None:
    queue = RequestQueue(per_minute=600, burst=1, at_once=1, longest_wait=60)
    await one(queue, Requester(0))
    gone = [asyncio.create_task(one(queue, Requester(person))) for person in range(1, 6)]
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    await asyncio.gather(*gone, return_exceptions=True)

    await asyncio.wait_for(one(queue, Requester(9)), timeout=2)
    assert queue.waiting == 0


async def test_people_who_leave_the_queue_free_their_places_at_once() -> None:
    queue = RequestQueue(per_minute=60, burst=1, longest_queue=5, longest_wait=60)
    await one(queue, Requester(0))
    gone = [asyncio.create_task(one(queue, Requester(person, guild_id=1))) for person in range(1, 6)]
    await asyncio.sleep(0.01)
    assert queue.waiting == 5

    await cancel(*gone)

    assert queue.waiting == 0


async def test_a_place_that_is_left_at_this_moment_goes_to_the_newcomer() -> None:
    queue = RequestQueue(per_minute=60, burst=1, longest_queue=5, longest_wait=60)
    await one(queue, Requester(0))
    flood = [asyncio.create_task(one(queue, Requester(person, guild_id=1))) for person in range(1, 6)]
    await asyncio.sleep(0.01)

    newcomer = asyncio.create_task(one(queue, Requester(9, guild_id=2)))
    flood[-1].cancel()
    await asyncio.sleep(0.05)

    assert not newcomer.done()
    assert [task.done() for task in flood] == [False, False, False, False, True]
    assert queue.waiting == 5
    await cancel(*flood, newcomer)


@pytest.mark.parametrize("steps", range(2))  # of the event loop: the turn is not given yet; it is given, not yet used
async def test_a_turn_of_somebody_who_leaves_at_this_moment_goes_to_the_next(steps: int) -> None:
    queue = RequestQueue(per_minute=60, burst=2, at_once=1, longest_wait=60)
    served: list[Requester] = []
    async with queue.turn(Requester(0)):
        leaving = asyncio.create_task(hold(queue, Requester(1)))
        following = asyncio.create_task(one(queue, Requester(2), served))
        await asyncio.sleep(0.01)
    for _ in range(steps):
        await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0.3)

    assert served == [Requester(2)]
    await cancel(leaving, following)


async def test_somebody_turned_away_who_leaves_at_this_moment_makes_no_room_for_more_at_once() -> None:
    queue = RequestQueue(per_minute=60_000, at_once=1, longest_queue=2, longest_wait=60)
    async with queue.turn(Requester(0)):
        flood = [asyncio.create_task(hold(queue, Requester(person, guild_id=1))) for person in (1, 2)]
        await asyncio.sleep(0.01)
        newcomer = asyncio.create_task(hold(queue, Requester(9, guild_id=2)))
        await asyncio.sleep(0)  # as long as it takes to turn one away, and no longer
        flood[-1].cancel()
        await asyncio.sleep(0.05)

        assert flood[-1].cancelled()
        assert queue.waiting == 2
    await cancel(*flood, newcomer)


async def hold(queue: RequestQueue, requester: Requester) -> None:
    async with queue.turn(requester):
        await asyncio.sleep(60)


async def cancel(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_who_is_overtaken_for_too_long_is_told_when_to_try_again() -> None:
    queue = RequestQueue(per_minute=600, burst=1, longest_wait=0.5)
    loop = asyncio.get_running_loop()
    await one(queue, Requester(0, guild_id=1))
    await one(queue, Requester(1, guild_id=1))
    last = asyncio.create_task(refused(queue, Requester(1, guild_id=1)))
    await asyncio.sleep(0)
    started = loop.time()
    others: list[asyncio.Task[None]] = []
    while not last.done():  # one newcomer after the other, each from a server that was never served
        others.append(asyncio.create_task(one(queue, Requester(len(others), guild_id=100 + len(others)))))
        await asyncio.sleep(0.05)

    assert (await last).retry_after > 0
    assert loop.time() - started < 2
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def test_a_lower_limit_lowers_the_burst_too() -> None:
    queue = RequestQueue(per_minute=600, longest_wait=60)
    queue.learn(200, {"X-RateLimit-Limit": "60"})
    loop = asyncio.get_running_loop()
    started = loop.time()

    await asyncio.gather(*(one(queue, Requester(person)) for person in range(11)))

    assert loop.time() - started > 0.5


@pytest.mark.parametrize("named", ["9" * 5000, "9" * 500, "0", "-1", "", "1e3", "sixty", "６", "60, 60;w=60", "1 0"])  # noqa: RUF001
async def test_what_is_no_limit_changes_nothing(named: str) -> None:
    queue = RequestQueue(per_minute=600, burst=1, longest_wait=60)
    queue.learn(200, {"X-RateLimit-Limit": named})

    assert await seconds_for(queue, 4) < 1


@pytest.mark.parametrize("named", ["1", "59", " 1 "])
async def test_a_limit_that_is_far_too_low_is_believed_only_in_part(named: str) -> None:
    queue = RequestQueue(per_minute=600, burst=1, longest_wait=60)
    queue.learn(200, {"X-RateLimit-Limit": named})

    assert 0.9 <= await seconds_for(queue, 2) < 2  # a tenth of 600 a minute is one a second


async def test_a_lower_rate_rises_again_when_no_response_names_it_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_queue, "LOWERED_SECONDS", 0.5)
    queue = RequestQueue(per_minute=6000, burst=1, longest_wait=60)
    queue.learn(200, {"X-RateLimit-Limit": "1000"})
    for limit in ("6000", "1", ""):
        queue.learn(200, {"X-RateLimit-Limit": limit})
        assert await seconds_for(queue, 3) >= 0.1
    await asyncio.sleep(0.6)

    assert await seconds_for(queue, 6) < 0.2
    queue.learn(200, {})
    assert await seconds_for(queue, 6) < 0.2


async def test_limits_that_take_turns_open_no_new_burst_each_time() -> None:
    queue = RequestQueue(per_minute=600, burst=10, longest_wait=60)
    loop = asyncio.get_running_loop()
    started = loop.time()
    for number in range(18):
        await one(queue, Requester(number))
        queue.learn(200, {"X-RateLimit-Limit": ("300", "600", "450")[number % 3]})

    assert loop.time() - started > 1  # at 300 a minute; with a burst each time it takes none


async def seconds_for(queue: RequestQueue, requests: int) -> float:
    loop = asyncio.get_running_loop()
    started = loop.time()
    await asyncio.gather(*(one(queue, Requester(person)) for person in range(requests)))
    return loop.time() - started
