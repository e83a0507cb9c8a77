"""People who ask too often, or guess, have to wait; others do not notice."""

import pytest
from desk import Log

from fileflare_bot.fileflare.abuse import FORGIVEN_AFTER, AbuseGuard
from fileflare_bot.fileflare.errors import AskedTooOften
from fileflare_bot.fileflare.request_queue import Requester

GUESSER, OTHER = Requester(1, guild_id=7), Requester(2, guild_id=7)


@pytest.fixture
def clock() -> list[float]:
    return [100_000.0]


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


async def test_a_server_has_a_limit_of_lookups_and_another_does_not_notice() -> None:
    guard = AbuseGuard(lookups_per_guild=5)
    for person in range(5):
        await guard.admit(Requester(person, guild_id=7))

    assert await pause(guard, Requester(99, guild_id=7)) == pytest.approx(12)
    await guard.admit(Requester(99, guild_id=8))
    await guard.admit(Requester(98))


async def test_misses_lead_to_pauses_that_grow(clock: list[float], log: Log) -> None:
    guard = AbuseGuard(misses_per_user=5, misses_per_guild=1000, clock=lambda: clock[0])
    pauses = []
    for _ in range(8):
        for _ in range(5):
            guard.missed(GUESSER)
        pauses.append(await pause(guard, GUESSER))
        await guard.admit(OTHER)
        clock[0] += pauses[-1]

    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    events = log.events("guessing_suspected")
    assert len(events) == 8
    assert (events[0]["user_id"], events[0]["guild_id"], events[0]["pause_seconds"]) == (1, 7, 60)


async def test_guesses_from_many_accounts_of_one_server_count_together(clock: list[float]) -> None:
    guard = AbuseGuard(misses_per_guild=10, clock=lambda: clock[0])
    for person in range(10):
        guard.missed(Requester(person, guild_id=7))

    assert await pause(guard, Requester(50, guild_id=7)) == 60
    await guard.admit(Requester(50, guild_id=8))
    clock[0] += 60
    await guard.admit(Requester(50, guild_id=7))


async def test_old_misses_are_forgiven(clock: list[float]) -> None:
    guard = AbuseGuard(misses_per_user=5, clock=lambda: clock[0])
    for _ in range(4):
        guard.missed(GUESSER)
    clock[0] += FORGIVEN_AFTER + 1
    guard.missed(GUESSER)

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
