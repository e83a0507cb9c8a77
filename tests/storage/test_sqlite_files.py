"""SQLite's file and the key beside it: readable by their owner alone, and what is said when they cannot be used."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from desk import Log
from sqlalchemy.exc import OperationalError
from storage.samples import CUSTOMER, KEY, at_once, file, held, new_ticket, settings

from fileflare_bot.settings import SettingsError
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.start_failures import start_failure
from fileflare_bot.storage.storage import Storage, open_storage

START = """
import asyncio, sys
from storage.samples import file, settings
from structlog.testing import capture_logs
from fileflare_bot.storage.storage import open_storage

async def main():
    print("ready", flush=True)
    sys.stdin.readline()
    with capture_logs():
        async with open_storage(settings(sys.argv[1], keys=())) as storage:
            print((await file(storage, int(sys.argv[2]), words="please help")).number)

asyncio.run(main())
"""
UNUSABLE = "DATABASE_URL names a file that cannot be used as a database"


async def refusal(path: Path | str, *keys: str) -> str:
    """Return the one line that a refused start prints."""
    with pytest.raises(SettingsError) as raised:
        async with open_storage(settings(f"sqlite:///{path}", keys=keys)):
            pass
    error = raised.value
    assert error.__suppress_context__ or error.__context__ is None, "the driver's error would show in a traceback"
    (line,) = error.lines
    assert "\n" not in line
    return line


@pytest.mark.usefixtures("no_umask")
async def test_the_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    async with open_storage(settings(f"sqlite:///{folder}/fileflare.db", keys=())) as storage:
        await file(storage)
        modes = {path.name: path.stat().st_mode & 0o777 for path in [*folder.iterdir(), folder]}

    assert modes.pop("data") == 0o700
    assert {"fileflare.db", "fileflare.db-wal", "secret.key"} <= {*modes}
    assert {*modes.values()} == {0o600}


def open_up(folder: Path) -> None:
    """Let everybody read and write what is in it."""
    folder.chmod(0o777)
    for path in folder.iterdir():
        path.chmod(0o666)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


@pytest.mark.usefixtures("no_umask")
async def test_files_that_others_may_read_are_closed_to_them_at_the_start(tmp_path: Path, log: Log) -> None:
    database = tmp_path / "fileflare.db"
    async with open_storage(settings(f"sqlite:///{database}", keys=())):
        open_up(tmp_path)
        assert {*modes(tmp_path)} >= {"fileflare.db-wal", "fileflare.db-shm", "secret.key"}

        async with open_storage(settings(f"sqlite:///{database}", keys=())) as storage:  # as after a crash
            await file(storage)
            assert {*modes(tmp_path).values()} == {0o600}

    assert not log.events("file_open_to_others")


async def test_a_file_that_the_bot_may_not_close_is_named_once_with_what_closes_it(
    shut: Path, request: pytest.FixtureRequest, log: Log
) -> None:
    if os.geteuid():
        pytest.skip("only root can give the file to another user")
    database = shut / "fileflare.db"
    async with open_storage(settings(f"sqlite:///{database}", keys=())):
        pass
    open_up(shut)
    request.getfixturevalue("unprivileged")

    storage = Storage(settings(f"sqlite:///{database}", keys=()))
    for _ in range(2):
        await storage.tend()
    await storage.close()

    lines = {event["file"]: event["fix"] for event in log.events("file_open_to_others")}
    assert {*lines} == {"secret.key", "fileflare.db"}
    assert len(log.events("file_open_to_others")) == 2
    assert lines["secret.key"].startswith("chmod 600 ")


async def test_the_key_that_was_made_opens_everything_after_a_restart(sqlite_url: str) -> None:
    async with open_storage(settings(sqlite_url, keys=())) as storage:
        ticket = await file(storage, words="please help")

    async with open_storage(settings(sqlite_url, keys=())) as storage:
        assert (await storage.tickets.get(ticket.id)).details.words == "please help"


async def test_the_content_of_the_key_file_may_be_a_setting_instead(sqlite_url: str, tmp_path: Path) -> None:
    async with open_storage(settings(sqlite_url, keys=())) as storage:
        ticket = await file(storage, words="please help")
    key = (tmp_path / "secret.key").read_text()
    (tmp_path / "secret.key").unlink()

    async with open_storage(settings(sqlite_url, keys=(key,))) as storage:
        assert (await storage.tickets.get(ticket.id)).details.words == "please help"
    assert not (tmp_path / "secret.key").exists()


async def test_processes_that_start_at_once_make_one_key(sqlite_url: str, tmp_path: Path) -> None:
    said = await at_once(START, [(sqlite_url, str(person)) for person in range(1, 5)])

    assert sorted(said) == [["1"], ["2"], ["3"], ["4"]]
    async with open_storage(settings(sqlite_url, keys=())) as storage:
        tickets = (await storage.tickets.page(2**62, 1)).tickets
        assert [ticket.details.words for ticket in tickets] == ["please help"] * 4
    assert {name for name in os.listdir(tmp_path) if name.startswith("secret")} == {"secret.key"}  # noqa: PTH208


async def test_a_database_whose_key_is_gone_is_refused_in_one_line(sqlite_url: str, tmp_path: Path) -> None:
    async with open_storage(settings(sqlite_url, keys=())) as storage:
        await file(storage)
    (tmp_path / "secret.key").unlink()

    assert (await refusal(tmp_path / "fileflare.db")).startswith("secret.key is missing beside the database")
    assert not (tmp_path / "secret.key").exists()


@pytest.mark.parametrize("content", ["", "no key"])
async def test_a_key_file_that_holds_no_key_is_refused_in_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "secret.key").write_text(content)

    assert "secret.key" in await refusal(tmp_path / "fileflare.db")


@pytest.mark.parametrize("keys", [(), (KEY,)])
async def test_a_path_that_cannot_be_made_is_refused_in_one_line(tmp_path: Path, keys: tuple[str, ...]) -> None:
    (tmp_path / "file").write_text("")

    assert (await refusal(tmp_path / "file" / "fileflare.db", *keys)).startswith(UNUSABLE)
    assert (await refusal(tmp_path / "file" / "data" / "fileflare.db", *keys)).startswith(UNUSABLE)
    assert (await refusal(tmp_path / ("long" * 100), *keys)).startswith(UNUSABLE)


@pytest.fixture
def unprivileged() -> Iterator[int]:
    """Become a user who may not write everywhere, as the bot is in its container; return their ID."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    yield os.geteuid()
    os.seteuid(before)


@pytest.fixture
def shut(tmp_path: Path) -> Iterator[Path]:
    """A folder that others may enter, and nobody but root may write to."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and not folder.stat().st_mode & 0o001:
            folder.chmod(0o711)
    folder = tmp_path / "data"
    folder.mkdir()
    yield folder
    folder.chmod(0o755)


def close(folder: Path) -> None:
    """Let only root write to it."""
    folder.chmod(0o555)


@pytest.fixture
def closed(shut: Path) -> Path:
    close(shut)
    return shut


@pytest.mark.parametrize("keys", [(), (KEY,)])
async def test_a_folder_that_the_bots_user_may_not_write_is_named_with_what_fixes_it(
    closed: Path, unprivileged: int, keys: tuple[str, ...]
) -> None:
    line = await refusal(closed / "fileflare.db", *keys)

    assert line.startswith("DATABASE_URL names a file that the bot may not write: ")
    assert f"its user has the ID {unprivileged}, so run: sudo chown -R {unprivileged} {closed} (" in line


async def test_a_folder_that_the_bots_user_may_not_make_is_named_with_what_makes_it(
    closed: Path, unprivileged: int
) -> None:
    line = await refusal(closed / "deeper" / "fileflare.db", KEY)

    assert f"run: sudo install -d -o {unprivileged} {closed}/deeper (" in line


async def test_a_database_that_the_bots_user_may_only_read_is_named_with_what_fixes_it(
    shut: Path, request: pytest.FixtureRequest
) -> None:
    async with open_storage(settings(f"sqlite:///{shut}/fileflare.db")):
        pass
    (shut / "fileflare.db").chmod(0o444)
    close(shut)
    user = request.getfixturevalue("unprivileged")

    line = await refusal(shut / "fileflare.db", KEY)

    assert f"sudo chown -R {user} {shut} (" in line


async def test_a_key_that_cannot_be_read_is_named_and_not_the_database(
    shut: Path, request: pytest.FixtureRequest
) -> None:
    async with open_storage(settings(f"sqlite:///{shut}/fileflare.db", keys=())):
        pass
    (shut / "secret.key").chmod(0o000)
    user = request.getfixturevalue("unprivileged")

    for keys in ((), (KEY,)):
        line = await refusal(shut / "fileflare.db", *keys)
        assert line.startswith("secret.key beside the database of DATABASE_URL cannot be read by the bot: ")
        assert f"sudo chown -R {user} {shut}/secret.key (" in line


async def test_a_folder_in_place_of_the_key_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret.key").mkdir()

    line = await refusal(tmp_path / "fileflare.db")

    assert line.startswith("secret.key beside the database of DATABASE_URL cannot be read (IsADirectoryError)")


@pytest.mark.parametrize("text", ["database or disk is full", "disk I/O error", "database is locked"])
def test_a_disk_that_is_full_or_failing_is_an_outage_and_not_a_wrong_setting(text: str, tmp_path: Path) -> None:
    failed = OperationalError("INSERT", None, sqlite3.OperationalError(text))

    assert isinstance(start_failure(failed, tmp_path / "fileflare.db"), StorageUnavailable)


def test_a_read_only_file_system_is_named(tmp_path: Path) -> None:
    failed = start_failure(OSError(errno.EROFS, "Read-only file system"), tmp_path / "fileflare.db")

    assert "read-only" in str(failed)


async def test_a_first_start_says_in_one_line_where_the_new_database_and_its_key_are(log: Log) -> None:
    with TemporaryDirectory(prefix="x") as folder:  # a short name, which the log does not take for a secret
        for _ in range(2):
            async with open_storage(settings(f"sqlite:///{folder}/fileflare.db", keys=())):
                pass

        (line,) = log.events("database_created")
        assert (line["place"], line["key"]) == (f"{folder}/fileflare.db", f"{folder}/secret.key")


async def test_a_directory_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()

    assert (await refusal(tmp_path / "data", KEY)).startswith(UNUSABLE)
    assert await refusal(tmp_path / "data")


async def test_a_file_that_is_no_database_is_refused_in_one_line_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "fileflare.db"
    path.write_text("my holiday diary " * 1000)

    assert (await refusal(path, KEY)).startswith(UNUSABLE)
    assert path.read_text() == "my holiday diary " * 1000
    assert await refusal(path)


async def test_another_programs_database_keeps_its_tables(tmp_path: Path) -> None:
    path = tmp_path / "fileflare.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE messages (text TEXT)")
    other.close()

    assert (await refusal(path, KEY)).startswith(UNUSABLE)

    other = sqlite3.connect(path)
    assert other.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall() == [("messages",)]
    other.close()


async def test_a_database_that_another_process_keeps_locked_is_unavailable_until_it_is_free(sqlite_url: str) -> None:
    async with open_storage(settings(sqlite_url), busy_seconds=0.05) as storage:
        ticket = await file(storage)
        async with held(sqlite_url):
            with pytest.raises(StorageUnavailable):
                await storage.tickets.wrote_back(ticket.id, CUSTOMER, "hello?")
            with pytest.raises(StorageUnavailable):
                await storage.tickets.file(new_ticket(2))
            assert await storage.tickets.get(ticket.id) == ticket

        assert (await file(storage, 2)).number == 2


async def test_what_a_start_beside_a_lock_skips_is_done_later(sqlite_url: str) -> None:
    async with open_storage(settings(sqlite_url)):
        pass
    storage = Storage(settings(sqlite_url), busy_seconds=0.05)
    async with held(sqlite_url):
        await storage.tend()
        assert not storage.available

    await storage.tend()

    assert storage.available
    assert (await file(storage)).number == 1
    await storage.close()


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    failed = start_failure(OSError(errno.ENOSPC, "No space left on device"), tmp_path / "fileflare.db")

    assert "on a disk that is full: make room there" in str(failed)


def test_nobody_is_told_to_take_over_the_whole_computer() -> None:
    failed = str(start_failure(PermissionError(), Path("/fileflare.db")))

    assert "so use a path in a folder that is theirs" in failed
    assert "chown" not in failed
