"""Turns at Fileflare: the rate holds, the queue is bounded and fair, and nobody waits in silence."""

import asyncio
import contextlib
import itertools

import pytest

from fileflare_bot.fileflare.errors import (
    AskedAgain,
    FileflareBusy,
    LineClosed,
    OrderNotFound,
    PlaceReserved,
    QueueFull,
)
from fileflare_bot.fileflare.found import Found
from fileflare_bot.fileflare.pace import LONGEST_PAUSE, Pace
from fileflare_bot.fileflare.request_queue import LONGEST_WAIT, OVERTIME, Place, Requester, RequestQueue
from fileflare_bot.fileflare.reserved_places import ReservedPlaces
from fileflare_bot.orders.models import Order
from fileflare_bot.orders.reference import OrderReference


async def one(queue: RequestQueue, requester: Requester, served: list[Requester] | None = None) -> None:
    async with queue.turn(requester, patience=LONGEST_WAIT):
        if served is not None:
            served.append(requester)


async def test_a_burst_goes_at_once_and_the_rest_at_the_rate() -> None:
    queue = RequestQueue(Pace(600, burst=5))
    loop = asyncio.get_running_loop()
    started = loop.time()

    await asyncio.gather(*(one(queue, Requester(person)) for person in range(10)))

    assert 0.4 <= loop.time() - started < 2


async def test_requests_under_way_at_once_are_limited() -> None:
    queue = RequestQueue(Pace(60_000, burst=100), at_once=3)
    together: list[int] = []
    under_way = 0

    async def slow(person: int) -> None:
        nonlocal under_way
        async with queue.turn(Requester(person), patience=LONGEST_WAIT):
            under_way += 1
            together.append(under_way)
            await asyncio.sleep(0.01)
            under_way -= 1

    await asyncio.gather(*(slow(person) for person in range(12)))

    assert max(together) == 3
    assert len(together) == 12


async def test_one_persons_burst_does_not_starve_the_others() -> None:
    queue = RequestQueue(Pace(1200, burst=1))
    served: list[Requester] = []
    greedy, patient = Requester(1, guild_id=7), Requester(2, guild_id=7)

    tasks = [asyncio.create_task(one(queue, greedy, served)) for _ in range(8)]
    await asyncio.sleep(0)
    tasks.append(asyncio.create_task(one(queue, patient, served)))
    await asyncio.gather(*tasks)

    assert served.index(patient) <= 2


async def test_one_servers_flood_does_not_slow_another() -> None:
    queue = RequestQueue(Pace(1200, burst=1), longest_queue=30)
    served: list[Requester] = []
    quiet = Requester(999, guild_id=2)

    flood = [asyncio.create_task(one(queue, Requester(person, guild_id=1), served)) for person in range(30)]
    await asyncio.sleep(0)
    tasks = [*flood, asyncio.create_task(one(queue, quiet, served))]
    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert served.index(quiet) <= 2
    assert not [result for result in results[:-1] if result is not None and not isinstance(result, QueueFull)]


async def test_people_who_leave_the_queue_leave_no_turn_behind() -> None:
    queue = RequestQueue(Pace(600, burst=1), at_once=1)
    await one(queue, Requester(0))
    gone = [asyncio.create_task(one(queue, Requester(person))) for person in range(1, 6)]
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    await asyncio.gather(*gone, return_exceptions=True)

    await asyncio.wait_for(one(queue, Requester(9)), timeout=2)
    assert queue.waiting == 0


async def test_people_who_leave_the_queue_free_their_places_at_once() -> None:
    queue = RequestQueue(Pace(60, burst=1), longest_queue=5)
    await one(queue, Requester(0))
    gone = [asyncio.create_task(one(queue, Requester(person, guild_id=1))) for person in range(1, 6)]
    await asyncio.sleep(0.01)
    assert queue.waiting == 5

    await cancel(*gone)

    assert queue.waiting == 0


async def test_a_place_that_is_left_at_this_moment_goes_to_the_newcomer() -> None:
    queue = RequestQueue(Pace(60, burst=1), longest_queue=5)
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
    queue = RequestQueue(Pace(60, burst=2), at_once=1)
    served: list[Requester] = []
    async with queue.turn(Requester(0), patience=LONGEST_WAIT):
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
    queue = RequestQueue(Pace(60_000), at_once=1, longest_queue=2)
    async with queue.turn(Requester(0), patience=LONGEST_WAIT):
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
    async with queue.turn(requester, patience=LONGEST_WAIT):
        await asyncio.sleep(60)


async def cancel(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def busy(*, longest_wait: float = LONGEST_WAIT, longest_queue: int | None = None) -> RequestQueue:
    """A queue of one turn a second whose next turn is a second away."""
    queue = RequestQueue(Pace(60, burst=1), longest_wait=longest_wait, longest_queue=longest_queue)
    assert queue.try_turn(Requester(0, guild_id=1))
    queue.finish()
    return queue


def join(queue: RequestQueue, person: int, guild: int | None = 1, *, staff: bool = False) -> Place:
    return queue.join(Requester(person, guild, staff), patience=LONGEST_WAIT)


async def order_of_turns(queue: RequestQueue, places: dict[str, Place]) -> list[str]:
    """Return the names of the places in the order in which their turns come."""
    came: list[str] = []

    async def come(name: str, place: Place) -> None:
        await place.come(LONGEST_WAIT)
        came.append(name)
        queue.finish()

    await asyncio.gather(*(come(name, place) for name, place in places.items()))
    return came


async def test_a_place_knows_how_long_it_has_to_wait() -> None:
    queue = busy()
    rush = [join(queue, person) for person in range(1, 121)]
    quiet = join(queue, 999, guild=2)

    assert rush[0].wait == pytest.approx(2, abs=0.2)  # the quiet server's person may go before
    assert rush[-1].wait == pytest.approx(121, abs=0.2)
    assert quiet.wait == pytest.approx(2, abs=0.2)
    queue.close()
    await asyncio.gather(*(place.turn for place in [*rush, quiet]), return_exceptions=True)


async def test_a_servers_moderators_go_before_its_customers_and_not_before_other_servers() -> None:
    queue = RequestQueue(Pace(1200, burst=1))
    queue.try_turn(Requester(0, guild_id=1))
    queue.finish()
    places = {f"customer {person}": join(queue, person) for person in range(1, 4)}
    places["moderator"] = join(queue, 8, staff=True)
    places["another server"] = join(queue, 9, guild=2)

    came = await order_of_turns(queue, places)

    assert came[:2] == ["another server", "moderator"]


async def test_a_server_that_has_used_up_its_lookups_goes_after_the_others_but_its_moderators_do_not() -> None:
    queue = RequestQueue(Pace(1200, burst=1), per_guild=6)
    for person in range(6):
        await one(queue, Requester(person, guild_id=1))
    await one(queue, Requester(20, guild_id=2))  # so that its turn is not the older one
    places = {"customer": join(queue, 21)} | {f"other {person}": join(queue, person, guild=2) for person in (31, 32)}
    places["moderator"] = join(queue, 22, staff=True)
    assert await order_of_turns(queue, places) == ["moderator", "other 31", "other 32", "customer"]


async def test_whoever_would_wait_longer_than_a_reply_can_gets_a_time_and_no_two_the_same() -> None:
    queue = busy(longest_wait=10)
    rush = [join(queue, person) for person in range(1, 11)]

    seconds = []
    for person in range(11, 16):
        with pytest.raises(PlaceReserved) as caught:
            join(queue, person)
        seconds.append(caught.value.seconds)

    assert [round(later - earlier) for earlier, later in itertools.pairwise(seconds)] == [1, 1, 1, 1]
    assert seconds[0] == pytest.approx(11, abs=0.2)
    queue.close()
    await asyncio.gather(*(place.turn for place in rush), return_exceptions=True)


class Reservation:
    """A queue with two turns a second in which somebody has a reserved place."""

    def __init__(self, others: int = 0) -> None:
        self.queue = RequestQueue(Pace(120, burst=1), longest_wait=1.1, reserved=ReservedPlaces(kept=0.5))
        self.queue.try_turn(Requester(0, guild_id=1))
        self.queue.finish()
        self.rush = [asyncio.create_task(self.wait(join(self.queue, person))) for person in (1, 2)]
        for person in range(50, 50 + others):
            self.press(person)
        self.seconds = self.press()

    def press(self, person: int = 9) -> float:
        """Ask before the time; return for how many seconds it is still reserved."""
        with pytest.raises(PlaceReserved) as caught:
            join(self.queue, person)
        return caught.value.seconds

    async def wait(self, place: Place) -> None:
        """Wait for a turn, and use it."""
        await place.come(LONGEST_WAIT)
        self.queue.finish()

    async def goes_on(self) -> None:
        """Keep the line as full as it may be."""
        for person in itertools.count(100):
            with contextlib.suppress(PlaceReserved):
                self.rush.append(asyncio.create_task(self.wait(join(self.queue, person))))
            await asyncio.sleep(0.1)


async def test_a_reserved_place_is_for_its_time_and_goes_first_then() -> None:
    reservation = Reservation()
    rush = asyncio.create_task(reservation.goes_on())
    await asyncio.sleep(0.05)

    assert reservation.press() == pytest.approx(reservation.seconds, abs=0.2)  # before its time
    await asyncio.sleep(reservation.press() + 0.02)
    place = join(reservation.queue, 9)  # at its time
    assert place.wait <= 0.6
    await reservation.wait(place)
    await cancel(rush, *reservation.rush)


async def test_a_reserved_place_is_lost_some_time_after_its_time() -> None:
    reservation = Reservation()
    rush = asyncio.create_task(reservation.goes_on())

    await asyncio.sleep(reservation.seconds + 0.7)
    with contextlib.suppress(PlaceReserved):
        assert join(reservation.queue, 9).wait > 0.6
    await cancel(rush, *reservation.rush)


async def test_a_reserved_place_is_not_waited_for_when_the_rush_is_over() -> None:
    reservation = Reservation(others=6)
    await asyncio.gather(*reservation.rush)

    await reservation.wait(join(reservation.queue, 9))
    assert reservation.queue.waiting == 0


async def test_reserved_places_count_in_the_wait_of_those_who_come_later() -> None:
    queue = busy(longest_wait=10)
    rush = [join(queue, person) for person in range(1, 11)]
    for person in range(11, 16):
        with pytest.raises(PlaceReserved):
            join(queue, person)
    for place in rush[:3]:
        place.lose(LineClosed())
    rush.append(join(queue, 99, guild=2))

    with pytest.raises(PlaceReserved):  # eight wait, and some of the five come back before the newcomer's turn
        rush.extend(join(queue, person) for person in range(20, 23))
    queue.close()
    await asyncio.gather(*(place.turn for place in rush), return_exceptions=True)


async def test_a_full_line_turns_away_the_last_of_the_server_that_fills_it() -> None:
    queue = busy(longest_queue=5)
    flood = [join(queue, person) for person in range(1, 6)]

    newcomer = join(queue, 9, guild=2)

    assert [place.turn.done() for place in flood] == [False, False, False, False, True]
    with pytest.raises(PlaceReserved):
        await flood[-1].turn
    with pytest.raises(PlaceReserved):
        join(queue, 6)
    assert queue.waiting == 5
    assert not newcomer.turn.done()
    queue.close()
    await asyncio.gather(*(place.turn for place in [*flood, newcomer]), return_exceptions=True)


async def test_whoever_has_waited_as_long_as_a_reply_can_goes_first_when_they_ask_again() -> None:
    queue = RequestQueue(Pace(60, burst=1), longest_wait=0.3)
    queue.try_turn(Requester(0, guild_id=1))
    place = queue.join(Requester(1, guild_id=1, staff=True), patience=LONGEST_WAIT)

    with pytest.raises(PlaceReserved) as caught:
        await place.come(LONGEST_WAIT)

    assert caught.value.seconds <= 1
    assert queue.waiting == 0


async def test_whoever_is_overtaken_has_a_little_longer_than_the_longest_wait() -> None:
    queue, loop = busy(longest_wait=0.9), asyncio.get_running_loop()
    place = queue.join(Requester(1, guild_id=1, staff=True), patience=0.9)
    began = loop.time()

    with pytest.raises(PlaceReserved):
        await place.come(0.9)

    assert loop.time() - began >= 0.9 * OVERTIME - 0.01


async def test_lookups_that_cannot_wait_long_are_told_at_once() -> None:
    queue = busy()
    rush = [join(queue, person) for person in range(1, 21)]

    with pytest.raises(QueueFull) as caught:
        queue.join(Requester(30, guild_id=1), patience=10)

    assert caught.value.retry_after == pytest.approx(21, abs=0.2)
    queue.close()
    await asyncio.gather(*(place.turn for place in rush), return_exceptions=True)


async def test_a_pause_that_fileflare_asks_for_is_kept_by_the_line() -> None:
    queue = RequestQueue(Pace(6000))
    queue.learn(429, {"Retry-After": "1"})
    with pytest.raises(FileflareBusy) as caught:
        queue.join(Requester(1), patience=0.5)
    assert caught.value.retry_after == pytest.approx(1, abs=0.1)

    loop = asyncio.get_running_loop()
    started = loop.time()
    await one(queue, Requester(1))
    assert loop.time() - started >= 0.9


async def test_a_long_pause_is_checked_by_one_request_and_the_rest_follows_when_it_succeeds() -> None:
    queue = RequestQueue(Pace(60_000), at_once=10)
    an_attempt_ago = asyncio.get_running_loop().time() - LONGEST_PAUSE + 0.1
    queue.pace.learn(429, {"Retry-After": "3600"}, an_attempt_ago, busy=True)
    places = [join(queue, person) for person in range(1, 6)]
    await asyncio.sleep(0.2)
    assert [place.turn.done() for place in places] == [True, False, False, False, False]

    queue.learn(200, {})
    queue.finish()
    await asyncio.sleep(0.2)
    assert all(place.turn.done() for place in places)


async def test_during_an_outage_the_line_stands_and_one_at_a_time_tries_again() -> None:
    away: list[float | None] = [0.3]
    queue = RequestQueue(Pace(60_000), away=lambda: away[0])
    places = [join(queue, person) for person in range(1, 4)]
    await asyncio.sleep(0.1)
    assert not any(place.turn.done() for place in places)

    away[0] = 0.0
    await asyncio.sleep(0.4)
    assert [place.turn.done() for place in places] == [True, False, False]

    away[0] = None
    queue.finish()
    await asyncio.sleep(0.1)
    assert all(place.turn.done() for place in places)


async def test_a_place_moves_to_a_newer_reply_and_keeps_its_order() -> None:
    queue = busy()
    places = [join(queue, person) for person in (1, 2, 3)]

    newer = queue.move(places[1])

    with pytest.raises(AskedAgain):
        await places[1].come(LONGEST_WAIT)
    assert newer.wait == pytest.approx(2, abs=0.2)
    assert queue.waiting == 3
    queue.close()
    await asyncio.gather(*(place.turn for place in (places[0], newer, places[2])), return_exceptions=True)


async def test_a_place_can_be_given_what_another_turn_has_brought_or_failed_to() -> None:
    queue = busy()
    served, failed = join(queue, 1), join(queue, 2)
    found = Found(Order(), OrderReference("a1b2c3d4e5f60718"))

    served.give(found)
    failed.lose(OrderNotFound())

    assert await served.come(LONGEST_WAIT) is found
    with pytest.raises(OrderNotFound):
        await failed.come(LONGEST_WAIT)
    assert queue.waiting == 0


async def test_when_the_bot_stops_everybody_is_told_and_nobody_can_join() -> None:
    queue = busy()
    places = [join(queue, person, guild=person) for person in (1, 2, 3)]

    queue.close()

    for place in places:
        with pytest.raises(LineClosed):
            await place.come(LONGEST_WAIT)
    with pytest.raises(LineClosed):
        join(queue, 4)


async def test_an_idle_line_has_no_task_and_no_timer() -> None:
    queue = busy()
    await one(queue, Requester(1))
    await asyncio.sleep(0)

    assert [task for task in asyncio.all_tasks() if task.get_name() == "fileflare-queue"] == []
    assert queue.waiting == 0
    assert queue.longest == 0


async def test_the_line_says_how_long_somebody_has_waited_and_how_many_were_served() -> None:
    queue = busy()
    place = join(queue, 1)
    await asyncio.sleep(0.2)

    assert queue.longest >= 0.2
    assert queue.served == 1
    await place.come(LONGEST_WAIT)
    assert queue.served == 2
