"""How bot.py starts: without its dependencies, for the first time, and where Discord makes it wait."""

import asyncio
import re
import sys
import time
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from doubles.loopback_discord import LoopbackDiscord
from forking import inherited
from process import PROMPTLY, ROOT, Start

from fileflare_bot import __version__


async def python(*arguments: str, cwd: Path) -> tuple[int | None, str, str]:
    """Return the exit code of Python, what it printed, and its errors."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=PIPE, stderr=PIPE, cwd=cwd, env=inherited()
    )
    output, errors = await asyncio.wait_for(process.communicate(), timeout=30)
    return process.returncode, output.decode(), errors.decode()


@pytest.mark.parametrize("options", [[], ["--check"], ["--version"], ["--backup", "x"]])
async def test_without_its_dependencies_it_says_what_to_run(options: list[str], tmp_path: Path) -> None:
    bot = tmp_path / "bot.py"
    bot.write_text((ROOT / "bot.py").read_text("utf-8"), "utf-8")

    code, output, errors = await python("-S", str(bot), *options, cwd=tmp_path)
    prepared = tmp_path / ".venv" / "bin" / "python"
    prepared.parent.mkdir(parents=True)
    prepared.touch()
    again = await python("-S", str(bot), *options, cwd=tmp_path)

    assert (code, output) == (2, "")
    (line,) = errors.splitlines()
    assert line.startswith("This Python lacks the bot's dependencies (there is no module ")
    assert "make run" in line
    assert "pip install --require-hashes -r requirements.lock" in line
    assert again[0] == 2
    assert again[2].endswith(f": run {prepared} {bot}\n")


async def test_it_says_its_version(tmp_path: Path) -> None:
    code, output, errors = await python(str(ROOT / "bot.py"), "--version", cwd=tmp_path)

    assert re.fullmatch(rf"Fileflare bot {re.escape(__version__)} \(Python [\d.]+, discord\.py [\d.]+\)\n", output)
    assert (code, errors) == (0, "")


async def test_a_first_start_says_that_database_and_key_are_new_and_a_second_does_not(
    start: Start, discord: LoopbackDiscord, tmp_path: Path
) -> None:
    for expected in (1, 0):
        bot = await start(LOG_FORMAT="json")
        await discord.connected()
        assert await bot.stop() == 0
        created = [line for line in bot.printed.splitlines() if "database_created" in line]
        assert len(created) == expected
        for line in created:
            assert "data/fileflare.db" in line
            assert "data/secret.key" in line
            assert "new and empty" in line
    assert {path.name for path in (tmp_path / "data").iterdir()} >= {"fileflare.db", "secret.key"}


async def test_the_garbage_collector_leaves_what_was_made_at_the_start_alone(
    start: Start, discord: LoopbackDiscord
) -> None:
    at_the_end = "print('collector', gc.get_threshold(), gc.get_freeze_count() > 100_000)"
    bot = await start(first=f"import atexit, gc; atexit.register(lambda: {at_the_end})")
    await discord.connected()

    assert await bot.stop() == 0
    assert "collector (10000, 20, 100) True" in bot.printed


@pytest.mark.parametrize(("method", "path"), [("GET", "/users/@me"), ("GET", "/oauth2/"), ("PUT", "/applications/")])
async def test_where_discord_limits_the_address_it_waits_as_told_says_so_once_and_logs_in(
    start: Start, discord: LoopbackDiscord, method: str, path: str
) -> None:
    discord.answer_next(method, path, 429, headers={"Retry-After": "1"}, times=2)
    asked = time.monotonic()
    bot = await start()
    await discord.connected()

    assert time.monotonic() - asked >= 2
    assert await bot.stop() == 0
    (line,) = [line for line in bot.printed.splitlines() if "discord_asks_to_wait" in line]
    assert "seconds=1" in line
    assert "Traceback" not in bot.printed


async def test_it_stops_at_once_while_discord_makes_it_wait(start: Start, discord: LoopbackDiscord) -> None:
    discord.answer_next("GET", "/users/@me", 429, headers={"Retry-After": "3600"})
    bot = await start()
    await bot.says("discord_asks_to_wait")
    asked = time.monotonic()

    assert await bot.stop() == 0
    assert time.monotonic() - asked < PROMPTLY
    assert "seconds=3600" in bot.printed
