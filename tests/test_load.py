"""Two hundred people at once, in real time: the real process with its own settings, on a Discord on loopback."""

import asyncio
import time

from doubles.loopback_discord import LoopbackDiscord
from process import Start

from fileflare_bot.demo.orders import answer, asset
from fileflare_bot.demo.sample_fileflare import SampleFileflare

PEOPLE = 200
IN_TIME = 3.0


async def test_200_people_at_once_are_acknowledged_in_time_and_served_or_told_when_to_try_again(
    start: Start, discord: LoopbackDiscord, sample: SampleFileflare
) -> None:
    orders = [f"0123456789abcdef{number:016x}" for number in range(PEOPLE)]
    for order in orders:
        file = asset(order, "file.zip", f"{sample.url}/download/{order}")
        sample.answers[order] = answer(1, [], [file], title=None, text=None)
    await start()
    await discord.connected()

    sent = [
        (time.monotonic(), await discord.mydownloads(order, person=number, guild=number // 100))
        for number, order in enumerate(orders)
    ]
    async with asyncio.timeout(20):
        messages = await asyncio.gather(*(_final(discord, token) for _, token in sent))

    answered = [text for text in messages if text.startswith("Order #1 · 1 file")]
    told = [text for text in messages if "There is room for you in" in text]
    assert max(discord.calls_for(token)[0].at - asked for asked, token in sent) < IN_TIME
    assert len(answered) + len(told) == PEOPLE
    assert len(answered) >= 15
    assert sum(sample.requests.values()) == len(answered)


async def _final(discord: LoopbackDiscord, token: str) -> str:
    while True:
        calls = [call for call in discord.calls_for(token) if call.status == 200 and call.body]
        texts = [(call.body.get("data") or call.body).get("content") for call in calls]
        if texts and texts[-1]:
            return str(texts[-1])
        await asyncio.sleep(0.05)
