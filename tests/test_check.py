"""``python bot.py --check``: is everything there that the bot needs?"""

import asyncio
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest
from cryptography.fernet import Fernet
from doubles import loopback_payloads
from doubles.faulty_fileflare import FaultyFileflare
from doubles.loopback_discord import LoopbackDiscord
from doubles.loopback_payloads import TOKEN
from forking import inherited
from process import ROOT
from storage.samples import KEY
from storage.samples import settings as storage_settings

from fileflare_bot.storage.storage import open_storage

TRY_AGAIN: Final = "Look at the network, then try again."

Check = Callable[..., Awaitable[tuple[int, list[str]]]]


@pytest.fixture
def check(discord: LoopbackDiscord, sample: FaultyFileflare, tmp_path: Path) -> Check:
    """Run the check away from the developer's .env; return the exit code and what it printed."""

    async def run(**settings: str) -> tuple[int, list[str]]:
        place = {**inherited(), "PYTHONPATH": str(ROOT)}
        needed = {"DISCORD_TOKEN": TOKEN, "FILEFLARE_BASE_URL": sample.url}
        process = await asyncio.create_subprocess_exec(
            *discord.command("--check"), stdout=PIPE, stderr=PIPE, cwd=tmp_path, env=place | needed | settings
        )
        output, errors = await asyncio.wait_for(process.communicate(), timeout=15)
        assert TOKEN.encode() not in output + errors
        assert errors.decode() == ""
        assert process.returncode is not None
        return process.returncode, output.decode(settings.get("PYTHONIOENCODING", "utf-8")).splitlines()

    return run


async def test_four_lines_say_that_all_is_good(check: Check, tmp_path: Path) -> None:
    code, (settings, database, fileflare, discord_line) = await check()

    assert settings == "settings   good"
    file = tmp_path / "data" / "fileflare.db"
    assert database == f"database   good: {file} (new: the start makes its tables)"
    assert re.fullmatch(r"Fileflare  good: it answers \(\d+ ms\)", fileflare)
    assert discord_line == "Discord    good: logged in as loopback"
    assert code == 0


async def test_it_starts_nothing_on_discord(check: Check, discord: LoopbackDiscord) -> None:
    await check()

    assert {call.method for call in discord.calls} == {"GET"}
    assert discord.frames == []


async def test_a_fileflare_that_is_down_is_named_and_discord_still_checked(
    check: Check, sample: FaultyFileflare
) -> None:
    await sample.stop()

    code, (_, _, fileflare, discord_line) = await check()

    assert fileflare.startswith("Fileflare  failed: ")
    assert "FILEFLARE_BASE_URL" in fileflare
    assert discord_line == "Discord    good: logged in as loopback"
    assert code == 1


async def test_an_address_that_is_not_fileflare_fails(check: Check, discord: LoopbackDiscord) -> None:
    discord.answer_next("GET", "/customer-account-orders", 200, times=9)

    code, (_, _, fileflare, _) = await check(FILEFLARE_BASE_URL=discord.url)

    assert fileflare.startswith("Fileflare  failed: ")
    assert "FILEFLARE_BASE_URL" in fileflare
    assert code == 1


async def test_a_refused_token_is_named(check: Check, discord: LoopbackDiscord) -> None:
    discord.token = TOKEN.replace("x", "y")

    code, (_, _, fileflare, discord_line) = await check()

    assert fileflare.startswith("Fileflare  good")
    assert discord_line.startswith("Discord    failed: DISCORD_TOKEN was refused by Discord")
    assert code == 1


async def test_a_failing_discord_is_told_apart_from_a_lost_network(check: Check, discord: LoopbackDiscord) -> None:
    discord.answer_next("GET", "/users/@me", 403)

    code, (_, _, _, discord_line) = await check()

    assert discord_line == "Discord    failed: it answered with status 403. Try again in a few minutes."
    assert code == 1


async def test_an_unreachable_discord_is_not_blamed_on_the_token(
    check: Check, discord: LoopbackDiscord, unused_tcp_port: int
) -> None:
    discord.url = f"http://127.0.0.1:{unused_tcp_port}"

    code, (_, _, _, discord_line) = await check()

    assert discord_line == f"Discord    failed: no connection (ClientConnectorError). {TRY_AGAIN}"
    assert code == 1


async def test_an_unreachable_or_impossible_database_is_named(check: Check) -> None:
    key = {"SECRET_KEYS": Fernet.generate_key().decode()}

    code, (_, away, *_rest) = await check(DATABASE_URL="postgresql://me:pass-word@127.0.0.1:1/x", **key)
    wrong_code, (_, wrong, *_rest) = await check(DATABASE_URL="sqlite:////proc/nowhere/fileflare.db")

    assert away.startswith("database   failed: it does not answer (ConnectionRefusedError)")
    assert "pass-word" not in away
    assert wrong.startswith("database   failed: DATABASE_URL names a file that cannot be used as a database")
    assert (code, wrong_code) == (1, 1)


async def test_a_console_that_cannot_show_an_emoji_gets_its_code(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(loopback_payloads.BOT, "username", "Laden 🤖 läuft")

    code, (*_, discord_line) = await check(PYTHONIOENCODING="cp1252")
    failed, (*_, failed_line) = await check(PYTHONIOENCODING="ascii", FILEFLARE_BASE_URL="http://127.0.0.1:1")

    assert discord_line == "Discord    good: logged in as Laden \\U0001f916 läuft"
    assert failed_line == "Discord    good: logged in as Laden \\U0001f916 l\\xe4uft"
    assert (code, failed) == (0, 1)


async def test_where_a_used_database_is_and_that_it_is_used_is_said(check: Check, tmp_path: Path) -> None:
    async with open_storage(storage_settings(f"sqlite:///{tmp_path}/shop.db")):
        pass

    _, (_, database, *_) = await check(
        DATABASE_URL=f'"sqlite:///{tmp_path}/shop.db"', SECRET_KEYS=f"'{KEY}'", METRICS_PORT='""'
    )

    assert database == f"database   good: {tmp_path}/shop.db"


async def test_a_limit_of_discord_is_named_with_its_wait(check: Check, discord: LoopbackDiscord) -> None:
    discord.answer_next("GET", "/users/@me", 429, headers={"Retry-After": "1234"})

    code, (*_, discord_line) = await check()

    assert discord_line == "Discord    failed: it answered with status 429. Try again in 1234 seconds."
    assert code == 1


async def test_a_key_can_be_made_before_anything_is_set(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(ROOT / "bot.py"), "--new-key", stdout=PIPE, cwd=tmp_path
    )
    output, _ = await process.communicate()

    key = Fernet(output.strip())
    assert key.decrypt(key.encrypt(b"a secret")) == b"a secret"
    assert process.returncode == 0
