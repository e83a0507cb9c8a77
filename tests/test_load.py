"""Launch day: the real process on a Discord and a Fileflare on loopback, with clocks that run faster."""

import asyncio
import os
import re
import time

import pytest
from crowd import Asked, ask, give_orders, until_served
from doubles.faulty_fileflare import FaultyFileflare
from doubles.loopback_discord import LoopbackDiscord
from doubles.rate_limit import RateLimit
from process import Start

FASTER = 20  # times: a minute takes three seconds
PER_SECOND = 20
IN_TIME = 3.0  # seconds; then Discord shows an error
PLACE = re.compile(r"A place is reserved for you: ask again in (\d+) seconds?, at <t:(\d+):t>")


def clocks(longest_wait: float, kept: float) -> str:
    """Return the code that makes the line's clocks faster, with the longest wait and how long places are kept."""
    return "\n".join(
        (
            "from fileflare_bot.fileflare import pace, request_queue, reserved_places",
            "from fileflare_bot.interactions import waiting_room",
            f"pace.WINDOW_SECONDS /= {FASTER}",
            f"pace.BURST_SECONDS /= {FASTER}",
            f"waiting_room.SECONDS_BETWEEN_MESSAGES /= {FASTER}",
            f"request_queue.RequestQueue.__init__.__kwdefaults__['longest_wait'] = {longest_wait}",
            f"reserved_places.ReservedPlaces.__init__.__defaults__ = ({kept},)",
        )
    )


def served_in_order(crowd: list[Asked]) -> list[Asked]:
    return sorted((asked for asked in crowd if asked.served < float("inf")), key=lambda asked: asked.at + asked.served)


async def test_200_people_at_once_all_get_their_links_without_asking_again(
    start: Start, discord: LoopbackDiscord, sample: FaultyFileflare
) -> None:
    orders = give_orders(sample, 203)
    limit = sample.fault = RateLimit(sample.answers, allowed=60, window=0.8 * 60 / FASTER)  # a busy machine is late
    await start(first=clocks(14 * 60 / FASTER, 30), FILEFLARE_REQUESTS_PER_MINUTE=str(60 * FASTER))
    await discord.connected()

    crowd = [await ask(discord, order, person=number) for number, order in enumerate(orders[:200])]
    quiet = [await ask(discord, order, person=500 + number, guild=1) for number, order in enumerate(orders[200:])]
    await until_served(crowd + quiet, 30)

    assert len(served_in_order(crowd)) == 200
    assert max(asked.acknowledged for asked in crowd + quiet) < IN_TIME
    assert max(asked.served for asked in quiet) < 10 / FASTER + 1.5  # the rest is this machine's
    assert max(asked.served for asked in crowd) < 1.1 * 203 * 60 / FASTER / 60 + 1.5
    assert len(limit.refused) <= 2
    assert sum(sample.requests.values()) == 203 + len(limit.refused)
    assert all(asked.edits <= 10 for asked in crowd)


@pytest.mark.parametrize("people", [250, 1000] if os.environ.get("DEEP") else [250])
async def test_those_beyond_the_line_get_a_place_for_later_which_is_honoured(
    start: Start, discord: LoopbackDiscord, sample: FaultyFileflare, people: int
) -> None:
    room = people * 4 // 5
    orders = give_orders(sample, people + 150)
    seconds = room / PER_SECOND
    await start(first=clocks(seconds, kept=60), FILEFLARE_REQUESTS_PER_MINUTE=str(60 * PER_SECOND))
    await discord.connected()

    began = time.monotonic()
    crowd = [await ask(discord, order, person=number) for number, order in enumerate(orders[:people])]
    await discord.until(lambda: all(asked.said for asked in crowd))
    beyond = [asked for asked in crowd if PLACE.search(asked.said)]
    assert abs(len(beyond) - (people - room)) < people / 10  # those who were served meanwhile
    assert max(asked.acknowledged for asked in crowd) < IN_TIME

    early = await ask(discord, beyond[0].order, person=beyond[0].number)
    await discord.until(lambda: bool(early.said))
    assert PLACE.search(early.said)

    await asyncio.sleep(began + seconds - 3 - time.monotonic())
    more = [await ask(discord, order, person=5000 + number) for number, order in enumerate(orders[people:])]
    inside = [asked for asked in crowd if asked not in beyond]
    await until_served(inside, seconds + 2)
    assert len(served_in_order(inside)) > 0.9 * room
    assert all(asked.served < float("inf") or "you go first" in asked.said for asked in inside)

    named = [int(found[2]) for asked in beyond[:5] if (found := PLACE.search(asked.said))]
    await asyncio.sleep(max(0.0, max(named) - time.time()))
    on_time = [await ask(discord, asked.order, person=asked.number) for asked in beyond[:5]]
    await until_served([*more, *on_time], 60)
    last = max(asked.at + asked.served for asked in on_time)
    assert last < max(asked.at + asked.served for asked in more if asked.served < float("inf"))
