"""A short storm; `make storm` has long ones, also on PostgreSQL with two clusters."""

from storms.plan import Size, plan
from storms.storm import storm


def test_the_seed_alone_decides_what_happens() -> None:
    assert plan(7, Size(1000, 50)) == plan(7, Size(1000, 50))
    assert plan(7, Size(1000, 50)) != plan(8, Size(1000, 50))


async def test_after_a_storm_what_people_were_told_is_what_is_stored_and_what_discord_shows() -> None:
    outcome = await storm(2, Size(lookups=60, tickets=4))

    assert outcome.wrong == []
    assert outcome.weather.struck["kill"] == outcome.weather.struck["end"] == 1
    assert len(outcome.ledger.closed) == 4
