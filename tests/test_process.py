"""The real process, from its start to its end, on a Discord and a Fileflare on loopback."""

import asyncio
import json
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from fileflare_bot import app
from fileflare_bot.demo import orders
from fileflare_bot.demo.loopback_discord import IDENTIFY, PATIENCE_SECONDS, RESUME, LoopbackDiscord
from fileflare_bot.demo.loopback_payloads import CUSTOMER, GUILD, TOKEN
from fileflare_bot.demo.server import SampleFileflare
from fileflare_bot.words import Catalogs

ROOT: Final = Path(__file__).parents[1]
EPHEMERAL: Final = 64
ANSWERED, LOADING, UPDATED = 4, 5, 7
GUILDS_INTENT: Final = 1
SECRETS: Final = (
    *(TOKEN, orders.DOCUMENTED, orders.UNKNOWN, orders.EMPTY),
    *("interaction-token", str(CUSTOMER["username"]), "My new", "Knitting"),
)
AT_ONCE: Final = 1.5  # seconds in which a person sees something
PROMPTLY: Final = 3.0  # seconds; a stop that waits for nothing takes a small part of it
LONG_PAUSES: Final = "discord.backoff.ExponentialBackoff.delay = lambda self: 600.0"  # as after an hour without Discord
SHORT_PAUSES: Final = "discord.backoff.ExponentialBackoff.delay = lambda self: 0.05"
SHORT_DRAIN: Final = "import fileflare_bot.app; fileflare_bot.app.DRAIN_SECONDS = 0.5"


class Bot:
    """The running process, and what it has printed so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.printed = ""
        self._grew = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def says(self, text: str) -> None:
        """Wait until this is printed."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while text not in self.printed:
                self._grew.clear()
                await self._grew.wait()

    async def end(self) -> int:
        """Wait for the end; return the exit code. Nothing that was printed may hold a secret."""
        await asyncio.wait_for(asyncio.shield(self._reading), PATIENCE_SECONDS)
        code = await self.process.wait()
        assert [secret for secret in SECRETS if secret in self.printed] == []
        return code

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal, then wait for the end."""
        self.process.send_signal(number)
        return await self.end()

    async def kill(self) -> None:
        """Leave nothing behind, whatever the test did; show what was printed if it failed."""
        if self.process.returncode is None:
            self.process.kill()
        await self._reading
        await self.process.wait()
        sys.stderr.write(self.printed)

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.printed += line.decode()
            self._grew.set()


Start = Callable[..., Awaitable[Bot]]
FOUND: Final = "Order #1050 · 2 files · 15 downloads left"


@pytest.fixture
async def discord() -> AsyncIterator[LoopbackDiscord]:
    async with LoopbackDiscord().serve() as server:
        yield server


@pytest.fixture
async def start(discord: LoopbackDiscord, sample: SampleFileflare, tmp_path: Path) -> AsyncIterator[Start]:
    """Start bot.py with these settings, away from the developer's own .env."""
    started: list[Bot] = []

    async def start_bot(*, first: str = "", **settings: str) -> Bot:
        process = await asyncio.create_subprocess_exec(
            *discord.command(first=first),
            stdout=PIPE,
            stderr=STDOUT,
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "DISCORD_TOKEN": TOKEN,
                "FILEFLARE_BASE_URL": sample.url,
                **settings,
            },
        )
        started.append(Bot(process))
        return started[-1]

    yield start_bot
    for bot in started:
        await bot.kill()


@pytest.fixture
async def bot(start: Start, discord: LoopbackDiscord) -> Bot:
    """A bot that has come up."""
    running = await start()
    await discord.connected()
    return running


async def ask(discord: LoopbackDiscord) -> str:
    """Ask for the documented order; return what the answer says."""
    answer = await discord.answer_to(await discord.mydownloads(orders.DOCUMENTED))
    return str(answer["content"])


async def ask_slowly(discord: LoopbackDiscord, sample: SampleFileflare) -> str:
    """Ask for an order that Fileflare holds back; return the interaction's token once it shows as loading."""
    sample.gate.clear()
    token = await discord.mydownloads(orders.DOCUMENTED)
    await discord.until(lambda: bool(discord.calls_for(token)))
    assert [call.body["type"] for call in discord.calls_for(token)] == [LOADING]
    return token


async def test_it_comes_up_and_tells_discord_of_its_commands_in_every_language(
    bot: Bot, discord: LoopbackDiscord
) -> None:
    (synced,) = [call for call in discord.calls if call.path.endswith("/commands")]
    commands = {command["name"]: command for command in synced.body}
    code = await bot.stop()

    assert code == 0
    assert set(commands) == {"mydownloads", "store"}
    (option,) = commands["mydownloads"]["options"]
    assert (option["name"], option["required"], option["max_length"]) == ("order-id", False, 1500)
    assert [each["name"] for each in commands["store"]["options"]] == ["panel"]
    translated = set(commands["mydownloads"]["description_localizations"])
    assert translated == set(Catalogs().languages) - {"en"}
    assert "warning" not in bot.printed


async def test_it_asks_discord_for_no_privileged_intent(bot: Bot, discord: LoopbackDiscord) -> None:
    (identify,) = [frame for frame in discord.frames if frame["op"] == IDENTIFY]
    code = await bot.stop()

    assert (identify["d"]["intents"], code) == (GUILDS_INTENT, 0)


async def test_an_order_is_answered_privately_in_one_call(bot: Bot, discord: LoopbackDiscord) -> None:
    token = await discord.mydownloads(orders.DOCUMENTED)
    await discord.answer_to(token)
    code = await bot.stop()

    (call,) = discord.calls_for(token)
    assert (call.method, call.status, call.body["type"]) == ("POST", 200, ANSWERED)
    assert call.body["data"]["flags"] == EPHEMERAL
    assert call.body["data"]["allowed_mentions"] == {"parse": []}
    (embed,) = call.body["data"]["embeds"]
    assert "**Order #1050**" in embed["description"]
    assert "5 of 10 downloads left" in embed["description"]
    assert code == 0


async def test_a_slow_lookup_shows_as_loading_at_once_and_becomes_the_order(
    bot: Bot, discord: LoopbackDiscord, sample: SampleFileflare
) -> None:
    sample.delay_seconds = 1.3
    asked = time.monotonic()
    token = await discord.mydownloads(orders.DOCUMENTED)
    answer = await discord.answer_to(token)
    code = await bot.stop()

    deferred, edited = discord.calls_for(token)
    assert (deferred.method, deferred.status) == ("POST", 200)
    assert deferred.body == {"type": LOADING, "data": {"flags": EPHEMERAL}}
    assert deferred.at - asked < AT_ONCE
    assert (edited.method, edited.status, edited.path.rpartition("/")[2]) == ("PATCH", 200, "@original")
    assert (answer["content"], code) == (FOUND, 0)


async def test_a_button_of_a_list_works_for_its_owner_only_and_each_is_answered_in_their_language(
    bot: Bot, discord: LoopbackDiscord
) -> None:
    message = await discord.answer_to(await discord.mydownloads(orders.DOCUMENTED))
    buttons = [button for row in message["components"] for button in row["components"]]
    (refresh,) = [button["custom_id"] for button in buttons if "custom_id" in button]
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
async def test_it_stops_at_once_when_nothing_runs(bot: Bot, number: signal.Signals) -> None:
    asked = time.perf_counter()

    code = await bot.stop(number)

    assert code == 0
    assert time.perf_counter() - asked < PROMPTLY


async def test_a_reply_that_runs_is_finished_before_the_stop_and_new_ones_are_refused_kindly(
    bot: Bot, discord: LoopbackDiscord, sample: SampleFileflare
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
    start: Start, discord: LoopbackDiscord, sample: SampleFileflare
) -> None:
    bot = await start(first=SHORT_DRAIN)
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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_no_order_and_no_token_is_printed_at_any_level(
    start: Start, discord: LoopbackDiscord, sample: SampleFileflare, number: signal.Signals
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
    start: Start, discord: LoopbackDiscord, sample: SampleFileflare
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


async def test_a_port_that_is_taken_is_said_in_one_line(start: Start, discord: LoopbackDiscord) -> None:
    bot = await start(METRICS_PORT=str(urlsplit(discord.url).port))

    code = await bot.end()

    assert code == 2
    (line,) = [line for line in bot.printed.splitlines() if "METRICS_PORT" in line]
    assert line == bot.printed.splitlines()[-1]
    assert "For example: METRICS_PORT=9090" in line
    assert "Traceback" not in bot.printed


async def test_a_part_of_the_bot_that_is_broken_stops_the_start(start: Start) -> None:
    bot = await start(first="import fileflare_bot.app; fileflare_bot.app.COGS = ('cogs.nothing',)")

    code = await bot.end()

    assert code == 1
    assert "start_failed" in bot.printed
    assert "cogs.nothing" in bot.printed


async def test_a_refused_token_is_said_in_one_line(start: Start, discord: LoopbackDiscord) -> None:
    discord.token = TOKEN.replace("x", "y")
    bot = await start()

    code = await bot.end()

    assert code == 2
    assert [line for line in bot.printed.splitlines() if "DISCORD_TOKEN" in line] == [bot.printed.splitlines()[-1]]
    assert "was refused by Discord" in bot.printed
    assert "Traceback" not in bot.printed


async def test_a_token_that_is_taken_back_while_the_bot_runs_is_said_in_one_line(
    bot: Bot, discord: LoopbackDiscord
) -> None:
    await discord.close_gateway(4004)

    code = await bot.end()

    assert code == 2
    assert "DISCORD_TOKEN was refused by Discord" in bot.printed.splitlines()[-1]
    assert "Traceback" not in bot.printed


async def test_a_discord_that_cannot_be_reached_at_the_start_is_said_in_one_line(
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
    discord.answer_next("PUT", f"/guilds/{GUILD}/commands", 403, code=50001)
    bot = await start(DISCORD_SYNC_GUILDS=GUILD)

    code = await bot.end()

    assert code == 1
    assert "discord_refused" in bot.printed.splitlines()[-1]
    assert "50001" in bot.printed.splitlines()[-1]
    assert "Traceback" not in bot.printed


async def test_commands_are_synced_to_each_development_server_and_to_all(
    start: Start, discord: LoopbackDiscord
) -> None:
    bot = await start(DISCORD_SYNC_GUILDS=f"{GUILD}, 1234")
    await discord.connected()

    code = await bot.stop()

    synced = [call.path.partition("/applications/")[2] for call in discord.calls if call.method == "PUT"]
    assert [path.split("/")[1:] for path in synced] == [
        ["guilds", GUILD, "commands"],
        ["guilds", "1234", "commands"],
        ["commands"],
    ]
    assert code == 0


@pytest.mark.parametrize("code", [1000, 1001, 4000, 4009])
async def test_a_lost_connection_is_resumed_and_what_came_meanwhile_is_answered(
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


async def test_a_lost_session_is_begun_anew(bot: Bot, discord: LoopbackDiscord) -> None:
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
async def test_an_answer_that_discord_takes_no_more_is_a_line_in_the_log_and_that_is_all(
    bot: Bot, discord: LoopbackDiscord, status: int, code: int, outcome: str
) -> None:
    discord.answer_next("POST", "/callback", status, code=code)
    token = await discord.mydownloads(orders.DOCUMENTED)
    await bot.says(f"outcome=undelivered.{outcome}")

    assert await ask(discord) == FOUND
    assert [call.status for call in discord.calls_for(token)] == [status]
    assert await bot.stop() == 0
    assert "Traceback" not in bot.printed
