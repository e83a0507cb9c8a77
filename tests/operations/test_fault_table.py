"""The table of operation, Discord call and fault, on SQLite and PostgreSQL, with the real process.

Each Discord call of each operation fails once, fails for a while, or is where the process is killed; then the person
presses again. Whatever happened, the database and Discord agree in the end, nobody was told that something is done
that is not, and nothing happened twice. The bot's pauses are shortened sixty times, so a minute is a second here; so is
an hour or a day after which moderators are reminded or customers asked.

``make test`` runs a selection with every operation and every kind of fault, ``make test-deep`` the whole table.
"""

import asyncio
import contextlib
import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import product
from typing import Final

import pytest
from cryptography.fernet import Fernet
from doubles.discord_people import Interaction, NothingThere
from doubles.networked_discord import Fault, NetworkedDiscord
from operations.agreement import disagreements, facts, unfinished
from operations.operations import OPERATIONS
from process import Bot, Start
from shop import SOON, Shop

INNER: Final = ("/interactions/", "/webhooks/", "/gateway", "/users/@me/guilds", "/oauth2", "/applications")
A_WHILE: Final = 1.0  # seconds
KEY: Final = Fernet.generate_key().decode()
FAST: Final = f"""{SOON}
import asyncio, types, discord.http
async def _sleep(seconds, *more): return await asyncio.sleep(seconds / 60, *more)
discord.http.asyncio = types.SimpleNamespace(**{{**vars(asyncio), "sleep": _sleep}})
import fileflare_bot.background as background; background.WAIT_SECONDS = 2.0
import fileflare_bot.storage.stages as stages; stages.HOUR = stages.DAY = datetime.timedelta(seconds=1)"""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault; ``killed`` ends the process at the call."""

    status: int
    code: int = 0
    after: bool = False
    lasting: bool = False
    killed: bool = False

    def fault(self, calls: "Calls", bot: Bot) -> Fault:
        """Return the fault for the stand-in."""
        act = bot.process.kill if self.killed else None
        return Fault(calls.is_hit, self.status, self.code, after=self.after, times=None, act=act)


KINDS: Final[dict[str, Kind]] = {
    "429": Kind(429),
    "500": Kind(500),
    "500 after": Kind(500, after=True),
    "503": Kind(503),
    "403": Kind(403, 50001),
    "404": Kind(404),
    "dropped before": Kind(0),
    "dropped after": Kind(0, after=True),
    "failing for a while": Kind(503, lasting=True),
    "killed before": Kind(0, killed=True),
    "killed after": Kind(0, after=True, killed=True),
}
TABLE: Final = [
    (name, kind, number, database)
    for name, operation in OPERATIONS.items()
    for kind, number, database in product(KINDS, range(operation.calls), ("sqlite", "postgresql"))
]
SELECTION: Final = [
    (name, [*KINDS][index % len(KINDS)], index % operation.calls, ("sqlite", "postgresql")[index % 2])
    for index, (name, operation) in enumerate(OPERATIONS.items())
]
CASES: Final = TABLE if os.environ.get("DEEP") else SELECTION


class Calls:
    """Counts the bot's calls to Discord since the operation began, without those of interactions themselves."""

    def __init__(self, number: int, *, lasting: bool = False) -> None:
        self.made: list[tuple[str, str]] = []
        self._number = number
        self._lasting = lasting

    def is_hit(self, method: str, path: str, _body: object) -> bool:
        """Return whether a call is the one that fails; a lasting fault hits its repetitions, too."""
        if path.startswith(INNER):
            return False
        self.made.append((method, path))
        if len(self.made) - 1 == self._number:
            return True
        return self._lasting and (method, path) == self.hit

    @property
    def hit(self) -> tuple[str, str] | None:
        """The call that fails, once it was made."""
        return self.made[self._number] if 0 <= self._number < len(self.made) else None


@pytest.fixture
def begin(start: Start, url: str) -> Callable[[], Awaitable[Bot]]:
    """Start the bot, and wait until it is ready."""

    async def begin() -> Bot:
        bot = await start(first=FAST, LOG_LEVEL="INFO", DATABASE_URL=url, SECRET_KEYS=KEY)
        await bot.says("] guilds=")
        return bot

    return begin


@pytest.fixture
async def first_bot(begin: Callable[[], Awaitable[Bot]], shop: Shop) -> Bot:
    """A bot in a server with a support and a log channel."""
    bot = await begin()
    await shop.set_up()
    await shop.log_everything()
    return bot


def said(told: Interaction) -> str:
    """Return what a reply says."""
    return f"{told.text}\n{told.message.embeds if told.message else ''}"


async def hit(calls: Calls) -> None:
    """Wait until the call was made that fails: what only the reconciler does comes after the reply."""
    for _ in range(100):  # 10 seconds
        if calls.hit is not None:
            return
        await asyncio.sleep(0.1)


async def agree(shop: Shop, url: str) -> None:
    """Wait until nothing is left to be done, and check that the database and Discord agree."""
    for _ in range(150):  # 15 seconds
        if not await unfinished(url):
            break
        await asyncio.sleep(0.1)
    assert await disagreements(shop, url) == []


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_an_operation_makes_as_many_calls_as_the_table_says(
    first_bot: Bot, discord: NetworkedDiscord, shop: Shop, url: str, name: str
) -> None:
    operation = OPERATIONS[name]
    press = await operation.scene(shop)
    await agree(shop, url)
    calls = Calls(-1)
    discord.faults.append(Fault(calls.is_hit, times=None))

    told = await press().done()
    await agree(shop, url)

    # On a busy machine the reconciler's round may read or delete once more what the operation does.
    again = [call for at, call in enumerate(calls.made) if call[0] in {"GET", "DELETE"} and call in calls.made[:at]]
    assert len(calls.made) - len(again) <= operation.calls <= len(calls.made), calls.made
    assert re.search(operation.promise, said(told), re.MULTILINE)
    assert await first_bot.stop() == 0


@pytest.mark.parametrize(("name", "kind", "number", "url"), CASES, indirect=["url"])
async def test_whatever_fails_the_database_and_discord_agree_in_the_end(  # noqa: PLR0917 - fixtures
    begin: Callable[[], Awaitable[Bot]],
    first_bot: Bot,
    discord: NetworkedDiscord,
    shop: Shop,
    url: str,
    name: str,
    kind: str,
    number: int,
) -> None:
    operation, bot = OPERATIONS[name], first_bot
    press = await operation.scene(shop)
    await agree(shop, url)
    calls = Calls(number, lasting=KINDS[kind].lasting)
    discord.faults.append(KINDS[kind].fault(calls, bot))

    told = press()
    if KINDS[kind].killed:
        await bot.process.wait()
        bot = await begin()
        with contextlib.suppress(NothingThere):
            told = press()
            await told.done()
    else:
        await told.done()
        await hit(calls)
    promised = operation.promise and re.search(operation.promise, said(told), re.MULTILINE)
    broken = [each for each in await disagreements(shop, url) + facts(shop) if re.search(operation.broken, each)]
    if KINDS[kind].lasting:
        await asyncio.sleep(A_WHILE)
        discord.faults.clear()

    assert calls.hit is not None
    assert not (promised and broken), said(told)
    await agree(shop, url)
    assert await bot.stop() == 0
