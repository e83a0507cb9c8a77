"""``python bot.py --backup``: a copy of a database that is in use, and the way back."""

import asyncio
import os
import re
import shutil
import sqlite3
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Final
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped]
import pytest
import sqlalchemy as sa
from doubles.loopback_payloads import TOKEN
from forking import inherited
from process import ROOT
from storage.samples import CUSTOMER, GUILD, KEY, NEWER_KEY, execute, file, settings

from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.settings import Settings, SettingsError
from fileflare_bot.storage.storage import open_storage

PASSWORD: Final = "s3cret-of-the-test"
WRITES_A_SECOND: Final = 50

BackUp = Callable[..., Awaitable[tuple[int | None, str, str]]]


@pytest.fixture
def back_up(tmp_path: Path) -> BackUp:
    """Run the backup into this folder, away from the developer's .env; return exit code, output and errors."""

    async def run(folder: Path | str, **given: str) -> tuple[int | None, str, str]:
        place = {**inherited(), "DISCORD_TOKEN": TOKEN}
        given = {"DATABASE_URL": f"sqlite:///{tmp_path}/data/fileflare.db", **given}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(ROOT / "bot.py"), "--backup", str(folder)),
            stdout=PIPE,
            stderr=PIPE,
            cwd=tmp_path,
            env=place | given,
        )
        output, errors = await asyncio.wait_for(process.communicate(), timeout=30)
        for secret in (PASSWORD, KEY, TOKEN):
            assert secret not in output.decode() + errors.decode()
        return process.returncode, output.decode(), errors.decode()

    return run


async def test_a_backup_made_during_fifty_writes_a_second_restores_with_nothing_torn(
    back_up: BackUp, tmp_path: Path
) -> None:
    data, restored = tmp_path / "data", tmp_path / "restored"
    written, busy = 0, asyncio.Event()
    async with open_storage(settings(f"sqlite:///{data}/fileflare.db", keys=(), help_a_day_per_person=1000)) as storage:

        async def write() -> None:
            nonlocal written
            while True:
                written += 1
                if written == WRITES_A_SECOND:
                    busy.set()
                await asyncio.gather(
                    file(storage, written, f"order-{written}", words=f"help {written} " * 50),
                    asyncio.sleep(1 / WRITES_A_SECOND),
                )

        writing = asyncio.create_task(write())
        await busy.wait()
        before = written
        code, output, errors = await back_up(tmp_path / "backups")
        during = written
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)

    assert (code, errors) == (0, "")
    assert during - before >= 10, "it was written to meanwhile"
    (copy,) = (tmp_path / "backups").iterdir()
    assert str(copy) in output
    assert f"keep a copy of {data}/secret.key too, in another place" in output
    assert (copy.stat().st_mode & 0o777, copy.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    restored.mkdir()
    shutil.copy(copy, restored / "fileflare.db")
    shutil.copy(data / "secret.key", restored)
    with closing(sqlite3.connect(restored / "fileflare.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        numbers = [row[0] for row in connection.execute("SELECT number FROM help_requests ORDER BY number")]
        (next_number,) = connection.execute("SELECT next_number FROM servers").fetchone()
    assert numbers == [*range(1, next_number)]
    assert before - 1 <= len(numbers) <= during
    async with open_storage(settings(f"sqlite:///{restored}/fileflare.db", keys=())) as storage:
        page = await storage.tickets.page(GUILD, 1)
        assert page.total == len(numbers)
        for ticket in page.tickets:
            assert ticket.details.words == f"help {ticket.user_id} " * 50
        assert (await file(storage, 2**40)).number == next_number


async def test_two_backups_stand_beside_each_other_and_what_is_deleted_is_not_in_them(
    back_up: BackUp, tmp_path: Path
) -> None:
    async with open_storage(settings(f"sqlite:///{tmp_path}/data/fileflare.db")) as storage:
        await file(storage, 1)
    with closing(sqlite3.connect(tmp_path / "data" / "fileflare.db", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE other (text)")
        connection.execute("INSERT INTO other VALUES ('this-was-deleted')")
        connection.execute("DELETE FROM other")
    for number in (1, 2):
        code, output, _ = await back_up("my backups", SECRET_KEYS=KEY)
        assert code == 0
        assert "keep a copy of SECRET_KEYS too" in output
        await asyncio.sleep(1.1)
        copies = [*(tmp_path / "my backups").iterdir()]
        assert len(copies) == number
        assert all(b"this-was-deleted" not in copy.read_bytes() for copy in copies)


async def test_with_postgresql_the_command_that_backs_up_is_named(back_up: BackUp, tmp_path: Path) -> None:
    url = f"postgresql://me:{PASSWORD}@db.example/x"

    code, output, errors = await back_up("my backups", DATABASE_URL=url, SECRET_KEYS=KEY)

    assert (code, output) == (2, "")
    (line,) = errors.splitlines()
    assert "pg_dump --format=custom --file='my backups/fileflare.dump' \"$DATABASE_URL\"" in line
    assert not (tmp_path / "my backups").exists()


async def test_where_there_is_no_database_or_no_room_nothing_is_made_and_the_line_says_why(
    back_up: BackUp, tmp_path: Path
) -> None:
    missing = await back_up("backups")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "fileflare.db").write_text("my holiday diary " * 1000)
    (tmp_path / "file").touch()
    no_database = await back_up("backups")
    no_folder = await back_up("file")

    assert missing == (2, "", f"There is no database at {tmp_path}/data/fileflare.db: look at DATABASE_URL.\n")
    assert no_database[0] == 1
    assert no_database[2].startswith(f"The backup of {tmp_path}/data/fileflare.db failed (file is not a database)")
    assert no_folder[0] == 2
    assert no_folder[2].startswith(f"{tmp_path}/file cannot hold the backup (")
    assert [*(tmp_path / "backups").iterdir()] == []


async def fill(given: Settings) -> None:
    """Keep a help request and a saved order in this database."""
    async with open_storage(given) as storage:
        await file(storage, CUSTOMER, "order-of-the-ticket", words="It does not open.")
        await storage.saved_orders.save(CUSTOMER, OrderReference("order-that-is-saved"), "For Casey")


async def check_restored(given: Settings) -> None:
    """Check that the database holds what fill() kept, and no more, and that the bot can go on with it."""
    async with open_storage(given) as storage:
        (ticket,) = (await storage.tickets.page(GUILD, 1)).tickets
        assert ticket.details.words == "It does not open."
        assert ticket.details.reference == OrderReference("order-of-the-ticket")
        (saved,) = await storage.saved_orders.of_user(CUSTOMER)
        assert saved.label == "For Casey"
        assert await storage.saved_orders.get(CUSTOMER, saved.id) == OrderReference("order-that-is-saved")
        assert (await file(storage, CUSTOMER + 1)).number == 2


async def follow(documents: str, cwd: Path, **environment: str) -> None:
    """Run the commands of the operators' page that begin like this, which must all succeed."""
    text = (ROOT / "docs" / "operators.md").read_text("utf-8")
    (commands,) = re.findall(rf"^```sh\n({re.escape(documents)}.+?)^```", text, re.DOTALL | re.MULTILINE)
    (example,) = set(re.findall(r"fileflare-\d{8}T\d{6}Z\.db", text))
    for copy in (cwd / "backups").glob("*.db"):
        commands = commands.replace(example, copy.name)
    process = await asyncio.create_subprocess_exec(
        "sh", "-eu", "-c", commands, cwd=cwd, stdout=PIPE, stderr=STDOUT, env={**inherited(), **environment}
    )
    printed = (await asyncio.wait_for(process.communicate(), timeout=60))[0].decode()
    assert process.returncode == 0, printed


@pytest.mark.parametrize("lost", [False, True], ids=["over a newer database", "on an empty disk"])
async def test_the_documents_commands_restore_sqlite_and_its_key(
    back_up: BackUp, tmp_path: Path, *, lost: bool
) -> None:
    data = tmp_path / "data"
    given = settings(f"sqlite:///{data}/fileflare.db", keys=())
    await fill(given)
    assert (await back_up("backups"))[0] == 0
    shutil.copy(data / "secret.key", tmp_path / "secret.key.backup")
    async with open_storage(given) as storage:
        await file(storage, CUSTOMER, "since")
    if lost:
        shutil.rmtree(data)

    await follow("mkdir -p data && rm -f data/fileflare.db-wal", tmp_path)

    assert {path.name for path in data.iterdir()} <= {"fileflare.db", "secret.key"}
    assert {path.stat().st_mode & 0o777 for path in data.iterdir()} == {0o600}
    await check_restored(given)


@pytest.fixture
def owned_postgresql(postgres: str) -> Callable[[], Awaitable[str]]:
    """Make an empty PostgreSQL database whose owner has no other rights; return its address."""

    async def make() -> str:
        name = f"test_{uuid4().hex}"
        connection = await asyncpg.connect(postgres)
        await connection.execute(f"CREATE ROLE {name} LOGIN")
        await connection.execute(f"CREATE DATABASE {name} OWNER {name}")
        await connection.close()
        return re.sub(r"//\w+:@/postgres\?", f"//{name}@/{name}?", postgres)

    return make


async def test_the_documents_commands_restore_postgresql_and_only_its_keys_open_it(
    owned_postgresql: Callable[[], Awaitable[str]], postgres: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    connection = await asyncpg.connect(postgres)
    programs = await connection.fetchval("SELECT setting FROM pg_config WHERE name = 'BINDIR'")
    await connection.close()
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")  # of the server's own version
    url, elsewhere = await owned_postgresql(), await owned_postgresql()
    await fill(settings(url))
    await follow("pg_dump", tmp_path, DATABASE_URL=url)
    async with open_storage(settings(url)) as storage:
        await file(storage, CUSTOMER, "since")
    await execute(url, sa.text("CREATE TABLE made_by_a_newer_version (id integer)"))

    for database in (url, elsewhere):
        await follow("psql", tmp_path, DATABASE_URL=database)
        with pytest.raises(SettingsError):
            async with open_storage(settings(database, keys=(NEWER_KEY,))):
                pass
        await check_restored(settings(database))
    await execute(url, sa.text("CREATE TABLE made_by_a_newer_version (id integer)"))  # nothing of it is left
