"""Two processes on one SQLite file: the second waits for the first to leave."""

import signal

import pytest
from doubles.loopback_discord import LoopbackDiscord
from process import FOUND, Bot, Start, ask

from fileflare_bot.storage import sole_process

SHORT_WAIT = "import fileflare_bot.storage.sole_process as sole_process; sole_process.WAIT_SECONDS = 1.0"


async def test_a_second_process_on_the_same_file_exits_with_code_2_and_says_why(
    start: Start, bot: Bot, discord: LoopbackDiscord
) -> None:
    second = await start(first=SHORT_WAIT)

    assert await second.end() == 2
    assert "database_in_use" in second.printed
    assert "DATABASE_URL names a file that another process of the bot has open" in second.printed.splitlines()[-1]
    assert "Traceback" not in second.printed
    assert len(discord.opcodes()) == 1, "it has not connected"
    assert await ask(discord) == FOUND
    assert await bot.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_a_second_process_begins_as_soon_as_the_first_has_left(
    start: Start, bot: Bot, discord: LoopbackDiscord, number: signal.Signals
) -> None:
    second = await start()
    await second.says("database_in_use")

    bot.process.send_signal(number)
    await bot.end()

    await second.says("ready")
    assert await ask(discord) == FOUND
    assert await second.stop() == 0


@pytest.mark.parametrize(
    ("arguments", "said"), [(["--check"], "database   good"), (["--backup", "backups"], "The backup is in")]
)
async def test_check_and_backup_work_beside_a_running_bot(
    start: Start, bot: Bot, arguments: list[str], said: str
) -> None:
    beside = await start(*arguments)

    assert await beside.end() == 0
    assert said in beside.printed
    assert bot.process.returncode is None


def test_it_waits_for_a_minute() -> None:
    assert sole_process.WAIT_SECONDS == 60.0
