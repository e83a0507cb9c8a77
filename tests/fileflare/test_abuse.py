"""People who ask too often, or guess, have to wait; others do not notice."""

import pytest
from clock import Clock
from desk import Log

from fileflare_bot.fileflare.abuse import SUSPECT_FOR, AbuseGuard
from fileflare_bot.fileflare.errors import AskedTooOften
from fileflare_bot.fileflare.request_queue import Requester
from fileflare_bot.misses import FORGIVEN_AFTER

GUESSER, OTHER = Requester(1, guild_id=7), Requester(2, guild_id=7)


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def pause(guard: AbuseGuard, requester: Requester) -> float:
    with pytest.raises(AskedTooOften) as caught:
        await guard.admit(requester)
    return caught.value.retry_after


async def test_a_person_has_a_limit_of_lookups() -> None:
    guard = AbuseGuard(lookups_per_user=3)
    for _ in range(3):
        await guard.admit(GUESSER)

    assert await pause(guard, GUESSER) == pytest.approx(20)
    await guard.admit(OTHER)


async def test_a_server_has_no_limit_of_lookups() -> None:
    guard = AbuseGuard(lookups_per_user=3)
    for person in range(1000):
        await guard.admit(Requester(person, guild_id=7))


async def test_misses_lead_to_pauses_that_grow(clock: Clock, log: Log) -> None:
    guard = AbuseGuard(misses_per_user=5, misses_per_guild=1000, clock=clock)
    pauses = []
    for _ in range(8):
        for _ in range(5):
            await guard.missed(GUESSER)
        pauses.append(await pause(guard, GUESSER))
        await guard.admit(OTHER)
        clock.passes(pauses[-1])

    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    events = log.events("guessing_suspected")
    assert len(events) == 8
    assert (events[0]["user_id"], events[0]["guild_id"], events[0]["pause_seconds"]) == (1, 7, 60)


async def six_accounts_guess(guard: AbuseGuard) -> None:
    """Let six accounts of a server try five made-up order IDs each."""
    for person in range(10, 16):
        for _ in range(5):
            await guard.missed(Requester(person, guild_id=7))


async def test_six_guessing_accounts_do_not_pause_the_rest_of_their_server(clock: Clock) -> None:
    guard = AbuseGuard(clock=clock)
    await six_accounts_guess(guard)

    for person in range(10, 16):
        assert await pause(guard, Requester(person, guild_id=7)) == 60
    for person in range(20, 60):
        await guard.admit(Requester(person, guild_id=7))


async def test_a_crowd_of_accounts_has_one_guess_each_while_its_server_is_paused(clock: Clock) -> None:
    guard = AbuseGuard(clock=clock)
    await six_accounts_guess(guard)
    guesses = 0
    for _ in range(5):
        for person in range(100, 120):
            guesser = Requester(person, guild_id=7)
            try:
                await guard.admit(guesser)
            except AskedTooOften:
                continue
            guesses += 1
            await guard.missed(guesser)

    assert guesses == 20
    assert await pause(guard, Requester(100, guild_id=7)) == 60
    await guard.admit(Requester(100, guild_id=8))
    clock.passes(60)
    await guard.admit(Requester(100, guild_id=7))


async def test_who_has_found_their_order_after_a_miss_is_not_paused_with_their_server(clock: Clock) -> None:
    guard = AbuseGuard(clock=clock)
    await guard.missed(GUESSER)
    clock.passes(1)
    guard.hit(GUESSER)
    clock.passes(1)
    await six_accounts_guess(guard)

    await guard.admit(GUESSER)

    clock.passes(1)
    await guard.missed(GUESSER)
    assert await pause(guard, GUESSER) > 0, "an order of their own buys no more than one guess"


async def test_a_miss_of_long_ago_does_not_pause_somebody_with_their_server(clock: Clock) -> None:
    guard = AbuseGuard(clock=clock)
    await guard.missed(GUESSER)
    clock.passes(SUSPECT_FOR.total_seconds())
    await six_accounts_guess(guard)

    await guard.admit(GUESSER)


async def test_a_hit_does_not_end_a_pause_of_ones_own(clock: Clock) -> None:
    guard = AbuseGuard(clock=clock)
    for _ in range(5):
        await guard.missed(GUESSER)
    clock.passes(1)
    guard.hit(GUESSER)

    assert await pause(guard, GUESSER) == 59


async def test_a_known_order_passes_every_pause_but_counts_as_a_lookup(clock: Clock) -> None:
    guard = AbuseGuard(lookups_per_user=3, clock=clock)
    await six_accounts_guess(guard)
    guesser = Requester(10, guild_id=7)

    for _ in range(3):
        await guard.admit(guesser, known=True)

    assert await pause(guard, guesser) == 60
    with pytest.raises(AskedTooOften):
        await guard.admit(guesser, known=True)


async def test_a_thousand_rounds_of_misses_pause_for_no_longer_than_an_hour(clock: Clock) -> None:
    guard = AbuseGuard(misses_per_user=1, clock=clock)
    for _ in range(1100):
        await guard.missed(GUESSER)

    assert await pause(guard, GUESSER) == 3600


async def test_old_misses_are_forgiven(clock: Clock) -> None:
    guard = AbuseGuard(misses_per_user=5, clock=clock)
    for _ in range(4):
        await guard.missed(GUESSER)
    clock.passes(FORGIVEN_AFTER.total_seconds() + 1)
    await guard.missed(GUESSER)

    await guard.admit(GUESSER)


async def test_what_is_remembered_is_bounded() -> None:
    guard = AbuseGuard(most_remembered=100)
    for person in range(1000):
        await guard.admit(Requester(person, guild_id=person))

    assert len(guard._records) <= 100  # noqa: SLF001 - memory is what is promised


@pytest.mark.parametrize(
    ("people", "outage"),
    [([1, 1, 1, 1, 2, 2, 2], False), ([1, 2, 3, 3], False), ([1, 2, 3, 3, 3], True), ([1, 1, 1, 1, 2, 3], True)],
)
def test_denials_are_an_outage_only_if_many_come_in_a_row_for_several_people(
    people: list[int], *, outage: bool, log: Log
) -> None:
    guard = AbuseGuard()

    assert [guard.denied(Requester(person)) for person in people][-1] is outage
    assert len(log.events("fileflare_denies_access")) == outage
    guard.not_denied()
    assert not guard.denied(Requester(9))
