"""Shared fixtures: the sample Fileflare, the bot on the simulated Discord, and the log."""

import importlib
import logging
import os
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import hypothesis
import pytest
import stamina
import structlog
from desk import SETTLE_SECONDS, DeclaringClient, Desk, Log
from doubles.faulty_fileflare import FaultyFileflare
from doubles.loopback_discord import LoopbackDiscord
from doubles.strictness import mixes_components_v2
from hypothesis import Phase
from process import Bot, Start, starting
from pydantic import SecretStr
from quick_simulator import settle_quickly
from simcord.backend import Backend
from simcord.env import Env
from simcord.http import router

from fileflare_bot.app import FileflareBot
from fileflare_bot.demo import orders
from fileflare_bot.fileflare.abuse import AbuseGuard
from fileflare_bot.fileflare.lookups import build_lookups
from fileflare_bot.fileflare.pace import Pace
from fileflare_bot.fileflare.request_queue import RequestQueue
from fileflare_bot.i18n import Catalogs
from fileflare_bot.logs import configure_logging
from fileflare_bot.metrics import Metrics
from fileflare_bot.settings import Settings
from fileflare_bot.storage.database import utc_now
from fileflare_bot.storage.encryption import make_key
from fileflare_bot.storage.storage import Storage, open_storage

pytest_plugins = ["databases"]

# No deadline: the machines that run this are shared. A mutant's failure is as good unshrunk.
hypothesis.settings.register_profile("quick", deadline=None, max_examples=60)
hypothesis.settings.register_profile("deep", deadline=None, max_examples=2000)
hypothesis.settings.register_profile("mutants", deadline=None, max_examples=30, phases=[Phase.explicit, Phase.generate])
hypothesis.settings.load_profile("deep" if os.environ.get("DEEP") else "quick")

# The simulator looks every 50 ms whether the bot is idle, which was most of the time that a test took.
settle_quickly()

ABUSE_LIMITS = {"misses_per_user", "misses_per_guild"}
QUEUE_LIMITS = {"at_once", "longest_wait", "longest_queue"}
SECRETS = (
    orders.DOCUMENTED,
    orders.LARGE,
    orders.USED_UP,
    orders.EMPTY,
    orders.SLOW,
    orders.HOSTILE,
    orders.UNKNOWN,
    "/download/",
    "evil.example/",
    "simcord.fake.token",
    "casey",
)


def pytest_xdist_auto_num_workers() -> int:
    """Use two workers for each processor: half of the time, tests wait for processes and clocks."""
    return 2 * (os.cpu_count() or 1)


@pytest.fixture(autouse=True)
def log() -> Iterator[Log]:
    """Everything that is logged; no test may leave a secret in it."""
    written = Log()
    configure_logging("DEBUG", "json")
    handler = logging.getLogger().handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written)
    yield written
    logging.getLogger().removeHandler(handler)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    for secret in SECRETS:
        assert secret not in written.getvalue()


@pytest.fixture(scope="session", autouse=True)
def _cogs_are_read_once() -> Iterator[None]:
    """Import each cog once instead of once for each bot, which is what discord.py does with an extension."""

    async def load(bot: FileflareBot, name: str) -> None:
        await importlib.import_module(name).setup(bot)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FileflareBot, "load_extension", load)
        yield


@pytest.fixture(autouse=True)
def _strict_discord(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test in which the bot sends what Discord rejects, but the simulated Discord need not."""
    rejected: list[str] = []
    dispatch = router.dispatch

    def strict(backend: Backend, method: str, path: str, **call: Any) -> Any:  # noqa: ANN401 - simcord's own
        if mixes_components_v2(backend, method, path, call.get("json")):
            rejected.append(f"{method} {path}: {call['json']}")
        return dispatch(backend, method, path, **call)

    monkeypatch.setattr(router, "dispatch", strict)
    yield
    assert rejected == []


@pytest.fixture(autouse=True)
def _no_waits_between_tries() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3):
        yield


@pytest.fixture
async def sample() -> AsyncIterator[FaultyFileflare]:
    async with FaultyFileflare().serve() as server:
        yield server


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def bot_settings(sample: FaultyFileflare, request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings with wide limits; ``@pytest.mark.settings(...)`` narrows them."""
    wide: dict[str, Any] = {"fileflare_timeout_seconds": 3, "fileflare_requests_per_minute": 6000}
    wide |= {"database_url": SecretStr(f"sqlite:///{tmp_path}/fileflare.db")}
    wide |= {"lookups_per_person": 1000, "lookups_per_server": 1000}
    marker = request.node.get_closest_marker("settings")
    given = {**wide, **(marker.kwargs if marker else {})}
    token = SecretStr("this-is-no-real-token.test.this-is-no-real-token")
    return Settings(_env_file=None, discord_token=token, fileflare_base_url=sample.url, **given)


@pytest.fixture
def stored(tmp_path: Path) -> Callable[[], bytes]:
    """Return what is written in the files of this test's database."""
    return lambda: b"".join(path.read_bytes() for path in sorted(tmp_path.glob("fileflare.db*")))


@pytest.fixture
async def storage(
    bot_settings: Settings, stored: Callable[[], bytes], tmp_path: Path, sqlite_with_tables: Path
) -> AsyncIterator[Storage]:
    """A storage in a database file of this test's own, in which no test may leave a secret."""
    file = tmp_path / "fileflare.db"
    if not file.exists():
        make_key(file)
        shutil.copy(sqlite_with_tables, file)
    async with open_storage(bot_settings) as opened:
        yield opened
    written = stored()
    assert b"help_requests" in written
    for secret in SECRETS:
        assert secret.encode() not in written


@pytest.fixture(scope="session")
def catalogs() -> Catalogs:
    """Every language, read once."""
    return Catalogs()


@pytest.fixture
def ipv6() -> str:
    """The loopback address of IPv6, on a computer that has it; containers often have none."""
    try:
        with socket.socket(socket.AF_INET6) as tried:
            tried.bind(("::1", 0))
    except OSError:
        pytest.skip("this computer has no IPv6")
    return "::1"


@pytest.fixture
def build(
    bot_settings: Settings,
    session: aiohttp.ClientSession,
    storage: Storage,
    catalogs: Catalogs,
    request: pytest.FixtureRequest,
) -> Callable[[], FileflareBot]:
    """Build a bot as bot.py does; ``@pytest.mark.limits(...)`` overrides its limits."""
    marker = request.node.get_closest_marker("limits")
    given = marker.kwargs if marker else {}
    wide = {"lookups_per_user": bot_settings.lookups_per_person, "misses_per_user": 100}
    guard = wide | {name: value for name, value in given.items() if name in ABUSE_LIMITS}
    queue = {name: value for name, value in given.items() if name in QUEUE_LIMITS}
    burst = given.get("burst")
    assert {*guard, *queue, "burst"} >= {*given} - {"fresh_seconds", "refresh_seconds"}

    started = utc_now()  # no pause ends while a slow computer runs a test

    def build_bot() -> FileflareBot:
        metrics = Metrics()
        per_minute = bot_settings.fileflare_requests_per_minute
        lookups = build_lookups(
            bot_settings,
            session,
            metrics,
            queue=RequestQueue(Pace(per_minute, burst=burst), **queue),
            abuse=AbuseGuard(**guard, shared=storage.misses, clock=lambda: started),
        )
        lookups.fresh_seconds = given.get("fresh_seconds", lookups.fresh_seconds)
        lookups.refresh_seconds = given.get("refresh_seconds", lookups.refresh_seconds)
        lookups.client.__class__ = DeclaringClient
        return FileflareBot(lookups=lookups, storage=storage, catalogs=catalogs, metrics=metrics)

    return build_bot


@pytest.fixture
async def env(build: Callable[[], FileflareBot]) -> AsyncIterator[Env]:
    """Run the bot on a simulated Discord; an unhandled error fails the test."""
    running = Env(build(), shard_count=1, settle_timeout=SETTLE_SECONDS)
    await running.start()
    try:
        yield running
    finally:
        await running.shutdown()
    unhandled = running.errors_since(running._errors_acknowledged)  # noqa: SLF001 - as simcord's own fixture does
    assert not unhandled


@pytest.fixture
def desk(env: Env, sample: FaultyFileflare, build: Callable[[], FileflareBot]) -> Desk:
    """The bot in a guild of a simulated Discord, with a customer in its channel."""
    return Desk(env, sample, build)


@pytest.fixture
async def discord() -> AsyncIterator[LoopbackDiscord]:
    async with LoopbackDiscord().serve() as server:
        yield server


@pytest.fixture
async def start(discord: LoopbackDiscord, sample: FaultyFileflare, tmp_path: Path) -> AsyncIterator[Start]:
    """Start bot.py with these settings, away from the developer's own .env."""
    async with starting(discord, sample.url, tmp_path) as start_bot:
        yield start_bot


@pytest.fixture
async def bot(start: Start, discord: LoopbackDiscord) -> Bot:
    """A bot process that is ready."""
    running = await start()
    await discord.connected()
    return running
