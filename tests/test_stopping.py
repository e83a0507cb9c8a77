"""The real process when it is told to stop."""

import signal
import time

import pytest
from doubles.faulty_fileflare import FaultyFileflare
from doubles.loopback_discord import LoopbackDiscord
from process import EPHEMERAL, FOUND, LONG_PAUSES, PROMPTLY, SHORT_DRAIN, Bot, Start, ask_slowly

from fileflare_bot import app
from fileflare_bot.demo import orders


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_stops_at_once_when_nothing_runs(bot: Bot, number: signal.Signals) -> None:
    asked = time.perf_counter()

    code = await bot.stop(number)

    assert code == 0
    assert time.perf_counter() - asked < PROMPTLY


async def test_running_replies_finish_before_the_stop_and_new_ones_are_refused_kindly(
    bot: Bot, discord: LoopbackDiscord, sample: FaultyFileflare
) -> None:
    slow = await ask_slowly(discord, sample)
    bot.process.send_signal(signal.SIGTERM)
    await bot.says("stopping")
    refused = await discord.mydownloads(orders.EMPTY)
    refusal = await discord.answer_to(refused)
    assert refusal["content"] == "**I am restarting.** Please try again in a minute."
    assert refusal["flags"] == EPHEMERAL
    sample.gate.set()
    code = await bot.end()

    assert [(call.method, call.status) for call in discord.calls_for(slow)] == [("POST", 200), ("PATCH", 200)]
    assert (await discord.answer_to(slow))["content"] == FOUND
    assert code == 0
    assert "replies_cut_off" not in bot.printed


async def test_a_reply_that_takes_too_long_does_not_hold_the_stop(
    start: Start, discord: LoopbackDiscord, sample: FaultyFileflare
) -> None:
    bot = await start(main=SHORT_DRAIN)
    await discord.connected()
    slow = await ask_slowly(discord, sample)
    asked = time.perf_counter()

    code = await bot.stop()

    assert "I am restarting" in (await discord.answer_to(slow))["content"]
    assert code == 0
    assert time.perf_counter() - asked < PROMPTLY
    assert "replies_cut_off" in bot.printed
    assert "Traceback" not in bot.printed


async def test_a_stop_waits_ten_seconds_at_most_for_replies() -> None:
    assert app.DRAIN_SECONDS == 10.0


async def test_it_stops_at_once_while_discord_is_gone(start: Start, discord: LoopbackDiscord) -> None:
    bot = await start(first=LONG_PAUSES)
    await discord.connected()
    discord.answer_next("GET", "/gateway", 503, times=100)
    await discord.close_gateway(4000)
    await bot.says("Attempting a reconnect")
    asked = time.perf_counter()

    code = await bot.stop()

    assert code == 0
    assert time.perf_counter() - asked < PROMPTLY


async def test_it_stops_at_once_while_discord_makes_it_wait_to_log_in(start: Start, discord: LoopbackDiscord) -> None:
    discord.answer_next("GET", "/users/@me", 429, headers={"Via": "1.1 google"}, retry_after=60)
    bot = await start()
    await bot.says("Retrying in 60.00 seconds")

    code = await bot.stop()

    assert code == 0
    assert "Traceback" not in bot.printed
