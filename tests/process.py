"""The real bot.py as a process on a loopback Discord."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

import forking
from doubles.faulty_fileflare import FaultyFileflare
from doubles.loopback import PATIENCE_SECONDS
from doubles.loopback_discord import LoopbackDiscord
from doubles.loopback_payloads import CUSTOMER, TOKEN
from forking import Forked, inherited

from fileflare_bot.demo import orders
from fileflare_bot.settings import Settings

ROOT: Final = Path(__file__).parents[1]
EPHEMERAL: Final = 64
ANSWERED, LOADING, UPDATED = 4, 5, 7
INTENTS: Final = 1 | 1 << 20 | 1 << 21  # guilds; AutoMod's configuration and execution: none is privileged
SECRETS: Final = (
    *(TOKEN, orders.DOCUMENTED, orders.UNKNOWN, orders.EMPTY),
    *("interaction-token", str(CUSTOMER["username"]), "My new", "Knitting"),
)
AT_ONCE: Final = 1.5  # seconds until a person must see something
PROMPTLY: Final = 3.0  # seconds; a stop that waits for nothing takes a fraction of it
LONG_PAUSES: Final = "discord.backoff.ExponentialBackoff.delay = lambda self: 600.0"  # as after an hour without Discord
SHORT_PAUSES: Final = "discord.backoff.ExponentialBackoff.delay = lambda self: 0.05"
SETTINGS: Final = {name.upper() for name in Settings.model_fields}  # libraries read others when they are imported
SHORT_DRAIN: Final = "bot.main(drain_seconds=0.5)"


class Bot:
    """The running process, and what it has printed so far."""

    def __init__(self, process: asyncio.subprocess.Process | Forked) -> None:
        self.process = process
        self.printed = ""
        self._grew = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def says(self, text: str) -> None:
        """Wait until this text is printed."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while text not in self.printed:
                self._grew.clear()
                await self._grew.wait()

    async def end(self) -> int:
        """Wait for the end, check that no secret was printed, and return the exit code."""
        await asyncio.wait_for(asyncio.shield(self._reading), PATIENCE_SECONDS)
        code = await self.process.wait()
        assert [secret for secret in SECRETS if secret in self.printed] == []
        return code

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal, then wait for the end."""
        self.process.send_signal(number)
        return await self.end()

    async def kill(self, *, quiet: bool = False) -> None:
        """Kill the process if it still runs, and print its output, which pytest shows if the test failed."""
        if self.process.returncode is None:
            self.process.kill()
        await self._reading
        await self.process.wait()
        if not quiet:
            sys.stderr.write(self.printed)

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.printed += line.decode()
            self._grew.set()


class _Commands(Protocol):
    def command(self, *arguments: str, first: str = "", main: str = "bot.main()") -> list[str]: ...


Start = Callable[..., Awaitable[Bot]]


@asynccontextmanager
async def starting(
    discord: _Commands, fileflare_url: str, folder: Path, *, quiet: bool = False
) -> AsyncIterator[Start]:
    """Start bot.py with these settings, away from the developer's own .env; all are killed at the end."""
    started: list[Bot] = []

    async def start_bot(*arguments: str, first: str = "", main: str = "bot.main()", **settings: str) -> Bot:
        command = discord.command(*arguments, first=first, main=main)
        environment = {
            **inherited(),
            "PYTHONPATH": str(ROOT),
            "DISCORD_TOKEN": TOKEN,
            "FILEFLARE_BASE_URL": fileflare_url,
            **settings,
        }
        process: asyncio.subprocess.Process | Forked
        if forking.POSSIBLE and settings.keys() <= SETTINGS:
            process = await forking.fork(command[-1], folder, environment)
        else:
            process = await asyncio.create_subprocess_exec(
                *command, stdout=PIPE, stderr=STDOUT, cwd=folder, env=environment
            )
        started.append(Bot(process))
        return started[-1]

    try:
        yield start_bot
    finally:
        for bot in started:
            await bot.kill(quiet=quiet)


FOUND: Final = "Order #1050 · 2 files"


async def ask(discord: LoopbackDiscord) -> str:
    """Look up the documented order; return the reply's content."""
    message = await discord.answer_to(await discord.mydownloads(orders.DOCUMENTED))
    return str(message["content"])


async def ask_slowly(discord: LoopbackDiscord, sample: FaultyFileflare) -> str:
    """Look up an order that Fileflare holds back; return the interaction's token once it shows as loading."""
    sample.gate.clear()
    token = await discord.mydownloads(orders.DOCUMENTED)
    await discord.until(lambda: bool(discord.calls_for(token)))
    assert [call.body["type"] for call in discord.calls_for(token)] == [LOADING]
    return token
