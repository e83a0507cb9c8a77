"""The pace at which Fileflare is asked: never more than it allows, as fast as it allows, and careful after a 429."""

import pytest

from fileflare_bot.fileflare.pace import Pace

START = 1000.0  # of the monotonic clock


def send(pace: Pace, count: int, now: float = START) -> list[float]:
    """Let requests leave as early as they may; return when each left."""
    times = []
    for _ in range(count):
        now += pace.wait(now)
        pace.sent(now)
        times.append(now)
    return times


def most_in_a_minute(times: list[float]) -> int:
    return max(sum(start <= other < start + 60 for other in times) for start in times)


class Server:
    """Allows so many requests in any minute; refuses the others with 429. People wait all the time."""

    def __init__(self, allows: float, headers: dict[str, str] | None = None) -> None:
        self.allows = allows
        self.headers = headers or {}
        self.allowed: list[float] = []
        self.refused: list[float] = []

    def asked(self, pace: Pace, now: float) -> float:
        """Take the next request as early as it may leave; return when that is."""
        now += pace.wait(now)
        pace.sent(now)
        if sum(at > now - 60 for at in self.allowed) < self.allows:
            self.allowed.append(now)
            pace.learn(200, self.headers, now, busy=True)
        else:
            self.refused.append(now)
            pace.learn(429, {"Retry-After": "1", **self.headers}, now, busy=True)
        return now

    def until(self, pace: Pace, end: float, now: float = START) -> float:
        """Take requests until this time; return when the last one left."""
        while now < end:
            now = self.asked(pace, now)
        return now


def test_a_burst_leaves_at_once_and_the_rest_evenly() -> None:
    times = send(Pace(60), 15)

    assert times[9] == START
    assert [round(time - START, 6) for time in times[9:14]] == [0, 1, 2, 3, 4]


def test_no_minute_holds_more_than_one_minutes_requests() -> None:
    times = send(Pace(60), 300)

    assert most_in_a_minute(times) == 60
    assert times[199] - START <= 1.1 * 200  # 200 people at 60 a minute


def test_after_a_rest_a_burst_leaves_again_and_no_more() -> None:
    pace = Pace(60)
    send(pace, 60)

    assert send(pace, 11, START + 600)[-2:] == [START + 600, START + 601]


def test_at_the_defaults_it_never_climbs() -> None:
    pace, server = Pace(60), Server(allows=300, headers={"X-RateLimit-Limit": "300"})
    server.until(pace, START + 600)

    assert pace.per_minute == 60
    assert most_in_a_minute(server.allowed) <= 60


def test_it_climbs_towards_its_ceiling_while_all_goes_well() -> None:
    pace, server = Pace(60, 240), Server(allows=300)
    server.until(pace, START + 180)
    assert pace.per_minute >= 200

    server.until(pace, START + 400, START + 180)
    assert pace.per_minute == 240
    assert server.refused == []


def test_it_climbs_only_while_people_wait() -> None:
    pace = Pace(60, 240)
    for second in range(600):
        pace.learn(200, {}, START + second, busy=False)

    assert pace.per_minute == 60


def test_a_429_is_followed_by_nine_tenths_of_the_pace_that_worked() -> None:
    pace, server = Pace(60, 240), Server(allows=120)
    while not server.refused:
        worked = pace.per_minute
        server.asked(pace, (server.allowed or [START])[-1])

    assert pace.per_minute == pytest.approx(0.9 * worked, rel=0.02)


def test_requests_that_were_under_way_together_slow_it_down_once() -> None:
    pace = Pace(60)
    for _ in range(8):
        pace.learn(429, {"Retry-After": "1"}, START, busy=True)

    assert pace.per_minute == 54


def test_a_server_that_allows_less_is_asked_ever_more_slowly_but_never_too_slowly() -> None:
    pace = Pace(60)
    for minute in range(100):
        pace.learn(200, {}, START + minute * 20, busy=False)
        pace.learn(429, {}, START + minute * 20 + 10, busy=True)

    assert pace.per_minute == 6


def test_it_recovers_slowly_after_a_429() -> None:
    pace, server = Pace(60), Server(allows=1000)
    pace.learn(429, {"Retry-After": "1"}, START, busy=True)
    now = server.until(pace, START + 61)
    assert 54 < pace.per_minute < 56

    server.until(pace, START + 600, now)
    assert pace.per_minute == 60


def test_a_429_of_an_hour_ago_is_forgotten() -> None:
    pace = Pace(60)
    pace.learn(429, {"Retry-After": "1"}, START, busy=True)
    assert pace.per_minute == 54
    pace.wait(START + 3601)

    assert pace.per_minute == 60


def test_headers_are_followed_at_once_up_to_the_ceiling_and_down_to_the_floor() -> None:
    pace = Pace(60, 240)
    for limit, followed in (("200", 200), ("600", 240), ("30", 30), ("1", 6), (" 90 ", 90)):
        pace.learn(200, {"X-RateLimit-Limit": limit}, START, busy=False)
        assert pace.per_minute == followed


def test_headers_are_forgotten_when_they_stop() -> None:
    pace = Pace(60, 240)
    pace.learn(200, {"X-RateLimit-Limit": "20"}, START, busy=False)
    pace.learn(200, {}, START + 59, busy=False)
    assert pace.per_minute == 20

    pace.wait(START + 61)
    assert pace.per_minute == 60


def test_a_429_in_spite_of_headers_slows_it_down_for_longer_than_one_response() -> None:
    pace = Pace(60)
    pace.learn(200, {"X-RateLimit-Limit": "60"}, START, busy=True)
    pace.learn(429, {"X-RateLimit-Limit": "60", "Retry-After": "1"}, START, busy=True)
    pace.learn(200, {"X-RateLimit-Limit": "60"}, START + 2, busy=True)

    assert 54 <= pace.per_minute < 55


@pytest.mark.parametrize("named", ["9" * 5000, "9" * 500, "0", "-1", "", "1e3", "sixty", "６", "60, 60;w=60", "1 0"])  # noqa: RUF001
def test_what_is_no_limit_changes_nothing(named: str) -> None:
    pace = Pace(60)
    pace.learn(200, {"X-RateLimit-Limit": named}, START, busy=True)

    assert pace.per_minute == 60
    assert pace.wait(START) == 0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 1),
        ({"X-RateLimit-Reset": "30"}, 30),
        ({"X-RateLimit-Reset": "4000000000"}, 60),  # a Unix time, decades from now
        ({"X-RateLimit-Reset": "1000000000"}, 1),  # a Unix time of long ago
        ({"X-RateLimit-Reset": "soon"}, 1),
    ],
)
def test_no_requests_remaining_means_a_rest_until_the_reset(headers: dict[str, str], seconds: float) -> None:
    pace = Pace(60)
    pace.learn(200, {"X-RateLimit-Remaining": "0", **headers}, START, busy=True)

    assert pace.wait(START) == seconds


@pytest.mark.parametrize(
    ("told", "seconds", "checking"),
    [
        ("30", 30, False),
        ("60", 60, False),
        ("61", 60, True),
        ("3600", 60, True),
        ("0", 0, False),
        ("", 5, False),
        ("soon", 5, False),
        ("-5", 5, False),
        ("9" * 400, 60, True),
        ("Fri, 31 Dec 2999 23:59:59 GMT", 60, True),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0, False),
    ],
)
def test_a_pause_is_obeyed_for_a_minute_and_a_longer_one_is_checked(told: str, seconds: float, checking: bool) -> None:  # noqa: FBT001
    pace = Pace(60)
    pace.learn(429, {"Retry-After": told} if told else {}, START, busy=True)

    assert pace.pause(START) == seconds
    assert pace.checking is checking

    pace.learn(200, {}, START + 60, busy=True)
    assert not pace.checking
    assert pace.wait(START + 60) == 0


def test_a_shorter_pause_that_comes_later_ends_no_longer_one() -> None:
    pace = Pace(60)
    pace.learn(429, {"Retry-After": "40"}, START, busy=True)
    pace.learn(429, {"Retry-After": "1"}, START, busy=True)

    assert pace.pause(START) == 40


def test_it_counts_what_left_in_the_last_minute() -> None:
    pace = Pace(60)
    send(pace, 12)

    assert pace.served(START + 30) == 12
    assert pace.served(START + 60.5) == 2


def test_several_processes_share_the_pace_and_follow_how_many_they_are() -> None:
    pace = Pace(60, 240)
    pace.share(3)
    assert (pace.per_minute, most_in_a_minute(send(pace, 60))) == (20, 20)
    server = Server(allows=1000)
    server.until(pace, START + 6000, START + 3600)
    assert pace.per_minute == 80

    pace.share(2)
    assert pace.per_minute == 120
    pace.share(1)
    assert pace.per_minute == 240


@pytest.mark.parametrize(("burst", "at_once"), [(None, 40), (1, 1), (3, 3)])
def test_after_a_rest_ten_seconds_of_the_pace_leave_at_once_or_so_many_as_are_allowed(
    burst: int | None, at_once: int
) -> None:
    times = send(Pace(240, burst=burst), at_once + 1)

    assert times[at_once - 1 :] == [START, START + 0.25]


def test_a_429_after_the_pace_was_shared_slows_down_the_part() -> None:
    pace = Pace(60)
    pace.share(2)
    pace.learn(429, {"Retry-After": "1"}, START, busy=True)

    assert pace.per_minute == 27


def test_it_climbs_no_higher_than_a_limit_that_is_named() -> None:
    pace = Pace(60, 240)
    for second in range(300):
        pace.learn(200, {"X-RateLimit-Limit": "100"}, START + second, busy=True)
        assert pace.per_minute == 100


def test_a_limit_that_is_forgotten_leaves_what_a_429_has_taught() -> None:
    pace = Pace(60, 240)
    pace.learn(429, {"X-RateLimit-Limit": "100", "Retry-After": "1"}, START, busy=True)
    assert pace.per_minute == 54

    pace.wait(START + 61)
    assert pace.per_minute == 54


def test_a_429_ten_seconds_after_another_is_one_more() -> None:
    pace = Pace(60)
    for seconds, per_minute in ((0, 54), (9.9, 54), (10, 54 * 0.9)):
        pace.learn(200, {}, START + seconds, busy=False)
        pace.learn(429, {"Retry-After": "1"}, START + seconds, busy=True)
        assert pace.per_minute == pytest.approx(per_minute)


def test_a_server_error_says_nothing_about_whether_a_pause_is_over() -> None:
    pace = Pace(60)
    pace.learn(429, {"Retry-After": "3600"}, START, busy=True)
    pace.learn(500, {}, START + 60, busy=True)

    assert pace.checking
