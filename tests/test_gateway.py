"""The real process when Discord's gateway or its responses fail."""

import aiohttp
import pytest
from doubles.loopback import IDENTIFY, RESUME
from doubles.loopback_discord import LoopbackDiscord
from process import FOUND, Bot, Start, ask

from fileflare_bot.demo import orders


@pytest.mark.parametrize("code", [1000, 1001, 4000, 4009])
async def test_a_lost_connection_is_resumed_and_missed_interactions_get_a_reply(
    bot: Bot, discord: LoopbackDiscord, code: int
) -> None:
    await discord.close_gateway(code)
    assert await ask(discord) == FOUND

    assert discord.opcodes() == [IDENTIFY, RESUME]
    assert await bot.stop() == 0


async def test_a_request_to_reconnect_is_followed(bot: Bot, discord: LoopbackDiscord) -> None:
    await discord.ask_to_reconnect()
    assert await ask(discord) == FOUND

    assert discord.opcodes() == [IDENTIFY, RESUME]
    assert await bot.stop() == 0


async def test_a_lost_session_is_replaced_by_a_new_one(bot: Bot, discord: LoopbackDiscord) -> None:
    await discord.invalidate_session()
    await discord.connected()
    assert await ask(discord) == FOUND

    assert discord.opcodes() == [IDENTIFY, IDENTIFY]
    assert await bot.stop() == 0


async def test_a_reply_that_discord_makes_wait_still_arrives(bot: Bot, discord: LoopbackDiscord) -> None:
    discord.answer_next("POST", "/callback", 429, headers={"Via": "1.1 google"}, retry_after=0.1)
    token = await discord.mydownloads(orders.DOCUMENTED)
    await discord.answer_to(token)

    assert [call.status for call in discord.calls_for(token)] == [429, 200]
    assert await bot.stop() == 0


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [(404, 10062, "too_late"), (400, 40060, "already_acknowledged"), (401, 50027, "expired")],
)
async def test_a_reply_that_discord_no_longer_accepts_is_only_logged(
    bot: Bot, discord: LoopbackDiscord, status: int, code: int, outcome: str
) -> None:
    discord.answer_next("POST", "/callback", status, code=code)
    token = await discord.mydownloads(orders.DOCUMENTED)
    await bot.says(f"outcome=undelivered.{outcome}")

    assert await ask(discord) == FOUND
    assert [call.status for call in discord.calls_for(token)] == [status]
    assert await bot.stop() == 0
    assert "Traceback" not in bot.printed


async def test_retries_by_discord_py_show_in_the_metrics(
    start: Start, discord: LoopbackDiscord, unused_tcp_port: int
) -> None:
    await start(METRICS_PORT=str(unused_tcp_port))
    await discord.connected()
    discord.answer_next("POST", "/callback", 502)

    assert await ask(discord) == FOUND

    async with aiohttp.ClientSession(f"http://127.0.0.1:{unused_tcp_port}") as session:
        async with session.get("/metrics") as response:
            assert 'fileflare_bot_discord_troubles_total{status="5xx"} 1.0' in await response.text()
        async with session.get("/readyz") as response:
            assert (response.status, await response.text()) == (200, "ready\n")
