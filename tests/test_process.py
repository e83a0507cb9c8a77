"""The real process at work, and what it prints."""

import json
import signal
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from doubles.faulty_fileflare import FaultyFileflare
from doubles.loopback import IDENTIFY
from doubles.loopback_discord import LoopbackDiscord
from doubles.loopback_payloads import GUILD, TOKEN
from process import ANSWERED, AT_ONCE, EPHEMERAL, FOUND, INTENTS, LOADING, SHORT_PAUSES, UPDATED, Bot, Start, ask

from fileflare_bot.demo import orders
from fileflare_bot.i18n import Catalogs

MANAGE_MESSAGES = 1 << 13


async def test_it_starts_and_syncs_its_commands_in_every_language(bot: Bot, discord: LoopbackDiscord) -> None:
    (synced,) = [call for call in discord.calls if call.path.endswith("/commands")]
    commands = {command["name"]: command for command in synced.body}
    code = await bot.stop()

    assert code == 0
    for_moderators = {"requests", "check", "answers", "claims", "Check order in this message", "Help requests"}
    assert set(commands) == {"mydownloads", "myorders", "privacy", "store"} | for_moderators
    for name in for_moderators:
        assert commands[name]["default_member_permissions"] == MANAGE_MESSAGES
    (option,) = commands["mydownloads"]["options"]
    assert (option["name"], option["required"], option["max_length"]) == ("order-id", False, 1500)
    assert {each["name"] for each in commands["store"]["options"]} == {
        "export",
        "import",
        "panel",
        "products",
        "roles",
        "setup",
        "status",
    }
    translated = set(commands["mydownloads"]["description_localizations"])
    assert translated == set(Catalogs().languages) - {"en"}
    assert "warning" not in bot.printed


async def test_it_asks_discord_for_no_privileged_intent(bot: Bot, discord: LoopbackDiscord) -> None:
    (identify,) = [frame for frame in discord.frames if frame["op"] == IDENTIFY]
    code = await bot.stop()

    assert (identify["d"]["intents"], code) == (INTENTS, 0)


async def test_an_order_is_shown_privately_in_one_call(bot: Bot, discord: LoopbackDiscord) -> None:
    token = await discord.mydownloads(orders.DOCUMENTED)
    await discord.answer_to(token)
    code = await bot.stop()

    (call,) = discord.calls_for(token)
    assert (call.method, call.status, call.body["type"]) == ("POST", 200, ANSWERED)
    assert call.body["data"]["flags"] == EPHEMERAL
    assert call.body["data"]["allowed_mentions"] == {"parse": []}
    (embed,) = call.body["data"]["embeds"]
    assert call.body["data"]["content"] == FOUND
    assert "5 of 10 left" in embed["description"]
    assert code == 0


async def test_a_slow_lookup_shows_as_loading_at_once_and_becomes_the_order(
    bot: Bot, discord: LoopbackDiscord, sample: FaultyFileflare
) -> None:
    sample.delay_seconds = 1.3
    asked = time.monotonic()
    token = await discord.mydownloads(orders.DOCUMENTED)
    message = await discord.answer_to(token)
    code = await bot.stop()

    deferred, edited = discord.calls_for(token)
    assert (deferred.method, deferred.status) == ("POST", 200)
    assert deferred.body == {"type": LOADING, "data": {"flags": EPHEMERAL}}
    assert deferred.at - asked < AT_ONCE
    assert (edited.method, edited.status, edited.path.rpartition("/")[2]) == ("PATCH", 200, "@original")
    assert (message["content"], code) == (FOUND, 0)


async def test_a_button_of_a_list_works_for_its_owner_only_and_each_is_answered_in_their_language(
    bot: Bot, discord: LoopbackDiscord
) -> None:
    message = await discord.answer_to(await discord.mydownloads(orders.DOCUMENTED))
    buttons = [button for row in message["components"] for button in row["components"]]
    (refresh,) = [button["custom_id"] for button in buttons if ":refresh:" in button.get("custom_id", "")]
    for_owner = await discord.press(refresh, message)
    assert (await discord.answer_to(for_owner))["content"] == FOUND
    for_stranger = await discord.press(refresh, message, person=1, guild=1, locale="de")
    refusal = await discord.answer_to(for_stranger)
    code = await bot.stop()

    (updated,), (refused,) = discord.calls_for(for_owner), discord.calls_for(for_stranger)
    assert (updated.body["type"], refused.body["type"], refusal["flags"]) == (UPDATED, ANSWERED, EPHEMERAL)
    assert refusal["content"].startswith("**Diese Liste ")
    assert code == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_no_order_and_no_token_is_printed_at_any_level(
    start: Start, discord: LoopbackDiscord, sample: FaultyFileflare, number: signal.Signals
) -> None:
    bot = await start(LOG_LEVEL="DEBUG")
    await discord.connected()
    assert await ask(discord) == FOUND
    unknown = await discord.answer_to(await discord.mydownloads(f"https://x.example/account/orders/{orders.UNKNOWN}"))
    assert "Fileflare knows no order with that ID" in unknown["content"]
    await sample.stop()
    down = await discord.answer_to(await discord.mydownloads(orders.EMPTY))
    assert "Fileflare cannot be reached" in down["content"]

    code = await bot.stop(number)

    assert code == 0
    assert [bot.printed.count(f"outcome={outcome}") for outcome in ("found", "not_found", "down")] == [1, 1, 1]


async def test_every_line_of_a_json_log_is_an_object_those_of_discord_py_and_tracebacks_too(
    start: Start, discord: LoopbackDiscord, sample: FaultyFileflare
) -> None:
    bot = await start(first=SHORT_PAUSES, LOG_FORMAT="json", LOG_LEVEL="DEBUG")
    await discord.connected()
    assert await ask(discord) == FOUND
    sample.answers[orders.EMPTY] = {"order": "not what is documented"}
    unreadable = await discord.answer_to(await discord.mydownloads(orders.EMPTY))
    assert "an answer that I cannot read" in unreadable["content"]
    discord.answer_next("GET", "/gateway", 503)
    await discord.close_gateway(4000)
    await discord.connected()
    await discord.close_gateway(4004)

    code = await bot.end()

    lines: list[dict[str, Any]] = [json.loads(line) for line in bot.printed.splitlines()]
    assert code == 2
    assert {type(line) for line in lines} == {dict}
    assert "DISCORD_TOKEN was refused by Discord" in lines[-1]["event"]
    assert all({"event", "level", "logger", "timestamp"} <= set(line) for line in lines)
    assert {line["logger"].partition(".")[0] for line in lines} >= {"discord", "fileflare_bot"}
    (reconnect,) = [line for line in lines if line["event"].startswith("Attempting a reconnect")]
    assert "Traceback" in reconnect["exception"]


async def test_a_port_that_is_taken_is_reported_in_one_line(start: Start, discord: LoopbackDiscord) -> None:
    bot = await start(METRICS_PORT=str(urlsplit(discord.url).port))

    code = await bot.end()

    assert code == 2
    (line,) = [line for line in bot.printed.splitlines() if "METRICS_PORT" in line]
    assert line == bot.printed.splitlines()[-1]
    assert "For example: METRICS_PORT=9090" in line
    assert "Traceback" not in bot.printed


async def test_a_broken_part_of_the_bot_stops_the_start(start: Start) -> None:
    bot = await start(first="sys.modules['cogs.help'] = None")

    code = await bot.end()

    assert code == 1
    assert "start_failed" in bot.printed
    assert "cogs.help" in bot.printed


async def test_a_refused_token_is_reported_in_one_line(start: Start, discord: LoopbackDiscord) -> None:
    discord.token = TOKEN.replace("x", "y")
    bot = await start()

    code = await bot.end()

    assert code == 2
    assert [line for line in bot.printed.splitlines() if "DISCORD_TOKEN" in line] == [bot.printed.splitlines()[-1]]
    assert "was refused by Discord" in bot.printed
    assert "Traceback" not in bot.printed


async def test_a_token_that_is_taken_back_while_the_bot_runs_is_reported_in_one_line(
    bot: Bot, discord: LoopbackDiscord
) -> None:
    await bot.says("ready")
    await discord.close_gateway(4004)

    code = await bot.end()

    assert code == 2
    assert "DISCORD_TOKEN was refused by Discord" in bot.printed.splitlines()[-1]
    assert "Traceback" not in bot.printed


async def test_a_discord_that_cannot_be_reached_at_the_start_is_reported_in_one_line(
    start: Start, discord: LoopbackDiscord, unused_tcp_port: int
) -> None:
    discord.url = f"http://127.0.0.1:{unused_tcp_port}"
    bot = await start()

    code = await bot.end()

    assert code == 1
    assert "discord_unreachable" in bot.printed.splitlines()[-1]
    assert "Traceback" not in bot.printed


async def test_a_discord_that_refuses_the_start_is_told_apart_from_one_that_is_unreachable(
    start: Start, discord: LoopbackDiscord
) -> None:
    discord.answer_next("PUT", "/applications/", 403, code=50001)
    bot = await start()

    code = await bot.end()

    assert code == 1
    assert "discord_refused" in bot.printed.splitlines()[-1]
    assert "50001" in bot.printed.splitlines()[-1]
    assert "Traceback" not in bot.printed


async def test_a_gateway_that_takes_no_first_connection_is_said_to_be_unreachable(
    start: Start, discord: LoopbackDiscord
) -> None:
    discord.answer_next("GET", "/gateway", 503, times=100)
    bot = await start(first=SHORT_PAUSES)

    code = await bot.end()

    assert code == 1
    assert "discord_unreachable" in bot.printed
    assert "start_failed" not in bot.printed


async def test_copies_of_the_commands_that_an_earlier_version_left_in_a_server_are_removed_once(
    start: Start, discord: LoopbackDiscord
) -> None:
    def removed() -> list[object]:
        return [call.body for call in discord.calls if call.method == "PUT" and f"/guilds/{GUILD}/" in call.path]

    for _ in range(2):
        bot = await start()
        await discord.connected()
        await discord.until(lambda: removed() == [[]])
        await ask(discord)
        assert await bot.stop() == 0

    assert removed() == [[]]
