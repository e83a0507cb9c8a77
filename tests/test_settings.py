"""What is read from the environment and .env, and what a person is told when it is wrong."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Final

import pytest
from dotenv import dotenv_values
from doubles.loopback_payloads import TOKEN
from forking import inherited

from fileflare_bot.settings import Settings, SettingsError, load_settings

KEY: Final = "a2V5LW9mLXRoZS10ZXN0cy1hbmQtb2Ytbm9ib2R5LTA="

ROOT: Final = Path(__file__).parents[1]
SECRET: Final = "s3cret-of-the-test"
URL_EXAMPLE: Final = "FILEFLARE_BASE_URL=https://app.digital-downloads.com"
MISSING: Final = (
    "DISCORD_TOKEN is missing: put a line such as "
    "DISCORD_TOKEN=<the token from Discord Developer Portal > Bot> into .env."
)
MALFORMED: Final = (
    "DISCORD_TOKEN is not a bot token: copy it anew from the Discord Developer Portal > Bot > Reset Token. "
    "For example: DISCORD_TOKEN=<the token from Discord Developer Portal > Bot>"
)
PLAIN_ADDRESS: Final = "must be a plain address, without user, query or fragment"
WRONG: Final = (
    ("FILEFLARE_BASE_URL", SECRET, "it should be a valid URL", URL_EXAMPLE),
    ("FILEFLARE_BASE_URL", f"http://fileflare.example/{SECRET}", "must begin with https://", URL_EXAMPLE),
    ("FILEFLARE_BASE_URL", f"http://localhost.example/{SECRET}", "must begin with https://", URL_EXAMPLE),
    ("FILEFLARE_BASE_URL", f"ftp://fileflare.example/{SECRET}", "URL scheme should be 'http' or 'https'", URL_EXAMPLE),
    ("FILEFLARE_BASE_URL", f"https://fileflare.example/?key={SECRET}", PLAIN_ADDRESS, URL_EXAMPLE),
    ("FILEFLARE_BASE_URL", f"https://fileflare.example/#{SECRET}", PLAIN_ADDRESS, URL_EXAMPLE),
    ("FILEFLARE_BASE_URL", f"https://me:{SECRET}@fileflare.example", PLAIN_ADDRESS, URL_EXAMPLE),
    ("FILEFLARE_BASE_URL", "https://fileflare.example/?", PLAIN_ADDRESS, URL_EXAMPLE),
    ("FILEFLARE_BASE_URL", "https://fileflare.example/#", PLAIN_ADDRESS, URL_EXAMPLE),
    ("FILEFLARE_TIMEOUT_SECONDS", "0", "it should be greater than 0", "FILEFLARE_TIMEOUT_SECONDS=15"),
    ("FILEFLARE_TIMEOUT_SECONDS", "1000", "it should be less than or equal to 120", "FILEFLARE_TIMEOUT_SECONDS=15"),
    ("FILEFLARE_TIMEOUT_SECONDS", "nan", "it should be", "FILEFLARE_TIMEOUT_SECONDS=15"),
    *(
        (name.upper(), SECRET, "it should be a valid", f"{name.upper()}=")
        for name, field in Settings.model_fields.items()
        if field.annotation in (int, float, int | None)
    ),
    ("CLUSTERS", "0", "it should be greater than or equal to 1", "CLUSTERS=2"),
    ("CLUSTERS", "2", "must be 1 with SQLite: several processes need the PostgreSQL of DATABASE_URL", "CLUSTERS=2"),
    ("METRICS_PORT", "70000", "it should be less than or equal to 65535", "METRICS_PORT=9090"),
    ("LOG_LEVEL", SECRET, "it should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'", "LOG_LEVEL=INFO"),
    ("LOG_FORMAT", SECRET, "it should be 'console' or 'json'", "LOG_FORMAT=json"),
    ("DEFAULT_LOCALE", SECRET, "is not a language code", "DEFAULT_LOCALE=de"),
    ("DEFAULT_LOCALE", "xx", "is not a language code", "DEFAULT_LOCALE=de"),
    ("DEFAULT_LOCALE", "fr", "is a language that the bot does not speak yet", "DEFAULT_LOCALE=de"),
)


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the developer's environment and .env out, whatever their case."""
    for name in [name for name in os.environ if name.lower() in Settings.model_fields]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def complaints(text: str | bytes) -> list[str]:
    """Return the lines that a person reads if this is their .env."""
    Path(".env").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__, "pydantic's error would show in a traceback"
    return raised.value.lines


def test_without_a_token_one_line_says_so() -> None:
    assert complaints("") == [MISSING]
    assert complaints("DISCORD_TOKEN=\n") == [MISSING]


@pytest.mark.parametrize("value", [SECRET, f"Bots {TOKEN}", TOKEN.replace(".", ""), f"{TOKEN}é"])
def test_a_malformed_token_is_reported_in_one_line_that_does_not_hold_it(value: str) -> None:
    assert complaints(f"DISCORD_TOKEN={value}\n") == [MALFORMED]


@pytest.mark.parametrize(("name", "value", "what", "example"), WRONG)
def test_a_wrong_setting_gets_one_line_with_an_example(name: str, value: str, what: str, example: str) -> None:
    (line,) = complaints(f"DISCORD_TOKEN={TOKEN}\n{name}='{value}'\n")

    assert line.startswith(f"{name} ")
    assert what in line
    assert f". For example: {example}" in line
    assert "\n" not in line
    assert SECRET not in line
    assert TOKEN not in line


def test_postgresql_needs_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    monkeypatch.setenv("DATABASE_URL", f"postgresql://me:{SECRET}@db.example/x")

    with pytest.raises(SettingsError) as refused:
        load_settings()

    (line,) = refused.value.lines
    assert line.startswith("SECRET_KEYS is missing: with PostgreSQL it is needed, and is the same for every process")
    assert SECRET not in line


def test_every_wrong_setting_gets_a_line_of_its_own() -> None:
    lines = complaints("LOG_LEVEL=loud\nFILEFLARE_TIMEOUT_SECONDS=0\n")

    assert [line.split()[0] for line in lines] == ["DISCORD_TOKEN", "FILEFLARE_TIMEOUT_SECONDS", "LOG_LEVEL"]


def test_a_wrong_environment_variable_is_reported_like_one_in_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "loud")

    assert [line.split()[0] for line in complaints(f"DISCORD_TOKEN={TOKEN}\nLOG_LEVEL=INFO\n")] == ["LOG_LEVEL"]


@pytest.mark.parametrize("start", ["", "\ufeff", "export ", "  "])
def test_spaces_quotes_and_capitals_in_env_do_not_matter(start: str) -> None:
    Path(".env").write_text(
        f"{start}DISCORD_TOKEN = \" {TOKEN} \"  \nLOG_LEVEL=' debug '\nLOG_FORMAT=JSON # for machines\n"
        f'SECRET_KEYS=" {KEY} , {KEY},"\nDEFAULT_LOCALE= de-DE \nFILEFLARE_BASE_URL=" https://x.example/ "\r\n',
        encoding="utf-8",
    )

    settings = load_settings()

    assert settings.discord_token.get_secret_value() == TOKEN
    assert (settings.log_level, settings.log_format, settings.default_locale) == ("DEBUG", "json", "de_DE")
    assert [key.get_secret_value() for key in settings.secret_keys] == [KEY, KEY]
    assert settings.fileflare_base_url == "https://x.example"


MEANT: Final = (
    ("discord_token", TOKEN),
    ("fileflare_base_url", "https://x.example"),
    ("fileflare_timeout_seconds", "30"),
    ("fileflare_requests_per_minute", "61"),
    ("fileflare_fastest_per_minute", "240"),
    ("lookups_per_person", "21"),
    ("lookups_per_server", "121"),
    ("database_url", "sqlite:///x.db"),
    ("secret_keys", KEY),
    ("clusters", "1"),
    ("keep_resolved_days", "91"),
    ("keep_left_servers_days", "31"),
    ("help_open_per_person", "4"),
    ("help_a_day_per_person", "11"),
    ("https_proxy", "http://proxy.example:3128"),
    ("http_proxy", "http://proxy.example:3128"),
    ("no_proxy", "x.example"),
    ("metrics_host", "0.0.0.0"),  # noqa: S104 - a setting's value
    ("metrics_port", "9091"),
    ("log_level", "ERROR"),
    ("log_format", "json"),
    ("default_locale", "de"),
)


@pytest.mark.parametrize(("name", "value"), MEANT)
def test_what_is_pasted_along_with_a_value_is_taken_off(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    monkeypatch.setenv(name.upper(), value)
    meant = load_settings()
    own_name = name.upper()

    for pasted in (
        *(f'"{value}"', f"'{value}'", f"`{value}`", f"“{value}”", f"„{value}“", f' " {value} " ', f"'\"{value}\"'"),
        *(f"{own_name}={value}", f'{own_name} = "{value}"', f'"{own_name}={value}"', f"export {own_name}='{value}'"),
        f"\ufeff{value}\u200b",
    ):
        monkeypatch.setenv(own_name, pasted)
        assert load_settings() == meant, pasted


def test_every_setting_is_tried_with_quotes() -> None:
    assert [name for name, _ in MEANT] == [*Settings.model_fields]


@pytest.mark.parametrize("pasted", ["Bot {}", "bot  {}", '"Bot {}"', "Bot '{}'", "Authorization: Bot {}"])
def test_the_prefix_of_a_token_is_taken_off(pasted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", pasted.format(TOKEN))

    assert load_settings().discord_token.get_secret_value() == TOKEN


@pytest.mark.parametrize("empty", ["", '""', "''", " ", "METRICS_PORT="])
def test_a_value_of_nothing_but_quotes_counts_as_not_given(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    monkeypatch.setenv("METRICS_PORT", empty)

    assert load_settings().metrics_port is None


@pytest.mark.parametrize("pasted", ["psql '{}'", "psql {}", "\"psql '{}'\""])
def test_the_command_around_a_databases_address_is_taken_off(pasted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    address = "postgresql://me:pass@db.example/x?sslmode=require&channel_binding=require"
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    monkeypatch.setenv("SECRET_KEYS", KEY)
    monkeypatch.setenv("DATABASE_URL", pasted.format(address))

    assert load_settings().database_url.get_secret_value() == address


def test_keys_may_each_have_quotes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    monkeypatch.setenv("SECRET_KEYS", f'"{KEY}", "{KEY}"')

    assert [key.get_secret_value() for key in load_settings().secret_keys] == [KEY, KEY]


@pytest.mark.parametrize("value", ["socks5://me:{}@proxy.example", "ftp://{}", "http://", "http://me:{}@proxy:port"])
def test_a_proxy_that_cannot_be_used_is_reported_without_its_value(value: str) -> None:
    (line,) = complaints(f"DISCORD_TOKEN={TOKEN}\nHTTPS_PROXY={value.format(SECRET)}\n")

    assert line.startswith("HTTPS_PROXY ")
    assert line.endswith("For example: HTTPS_PROXY=http://proxy.example:3128")
    assert SECRET not in line


def test_proxies_are_taken_as_curl_takes_them_and_are_not_shown() -> None:
    Path(".env").write_text(f"DISCORD_TOKEN={TOKEN}\nhttps_proxy=me:{SECRET}@proxy.example:3128\n", encoding="utf-8")
    settings = load_settings()

    assert settings.https_proxy is not None
    assert settings.https_proxy.get_secret_value() == f"http://me:{SECRET}@proxy.example:3128"
    assert SECRET not in f"{settings!r} {settings}"


@pytest.mark.parametrize(("given", "used"), [("[::1]", "::1"), ("::", "::"), ("127.0.0.1", "127.0.0.1")])
def test_the_metrics_address_may_have_the_brackets_of_an_address(
    given: str, used: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    monkeypatch.setenv("METRICS_HOST", given)

    assert load_settings().metrics_host == used


@pytest.mark.parametrize(
    ("query", "named"), [("sslmode=strict", "sslmode"), ("sslmode=verify-full&sslrootcert=/nowhere", "sslrootcert")]
)
def test_tls_that_cannot_be_honoured_is_reported_in_one_line(query: str, named: str) -> None:
    lines = complaints(
        f"DISCORD_TOKEN={TOKEN}\nSECRET_KEYS={KEY}\nDATABASE_URL=postgresql://me:{SECRET}@db.example/x?{query}\n"
    )

    assert [line.split()[0] for line in lines] == ["DATABASE_URL"]
    assert named in lines[0]
    assert SECRET not in lines[0]


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1:1", "[::1]:1"])
def test_this_computer_may_be_asked_without_encryption(host: str) -> None:
    Path(".env").write_text(f"DISCORD_TOKEN={TOKEN}\nFILEFLARE_BASE_URL=http://{host}\n", encoding="utf-8")

    assert load_settings().fileflare_base_url == f"http://{host}"


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_an_env_file_that_is_no_utf_8_is_reported_in_one_line(encoding: str) -> None:
    lines = complaints(f"# für den Bot\nDISCORD_TOKEN={TOKEN}\n".encode(encoding))

    assert lines == [".env cannot be read (UnicodeDecodeError): save it as plain UTF-8 text."]


def test_settings_that_are_printed_do_not_show_the_token() -> None:
    Path(".env").write_text(f"DISCORD_TOKEN={TOKEN}\n", encoding="utf-8")

    assert TOKEN not in f"{load_settings()!r} {load_settings()}"


def test_the_example_file_holds_every_setting_and_no_other() -> None:
    assert [*dotenv_values(ROOT / ".env.example")] == [name.upper() for name in Settings.model_fields]


def test_every_setting_of_the_example_file_has_one_comment_above() -> None:
    _, *blocks = (ROOT / ".env.example").read_text(encoding="utf-8").strip().split("\n\n")

    shapes = [[line.startswith("# ") and line.endswith(".") for line in block.splitlines()] for block in blocks]
    assert shapes == [[True, False]] * len(Settings.model_fields)


def test_the_example_file_shows_the_defaults() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    Path(".env").write_text(example.replace("DISCORD_TOKEN=", f"DISCORD_TOKEN={TOKEN}"), encoding="utf-8")

    shown = load_settings().model_dump(exclude={"discord_token"})

    fields = {name: field for name, field in Settings.model_fields.items() if name != "discord_token"}
    assert shown == {name: field.default for name, field in fields.items()}
    empty = {name.lower() for name, value in dotenv_values(ROOT / ".env.example").items() if value == ""}
    assert empty == {"discord_token"} | {name for name, field in fields.items() if field.default in ((), None)}


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({}, MISSING),
        ({"DISCORD_TOKEN": SECRET}, MALFORMED),
        (
            {"DISCORD_TOKEN": TOKEN, "FILEFLARE_BASE_URL": f"http://x.example/{SECRET}"},
            f"FILEFLARE_BASE_URL must begin with https://, as order IDs travel to it. For example: {URL_EXAMPLE}",
        ),
    ],
)
async def test_bot_py_stops_with_that_line_and_nothing_else(settings: dict[str, str], line: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, ROOT / "bot.py", stdout=PIPE, stderr=PIPE, env={**inherited(), **settings}
    )

    output, errors = await asyncio.wait_for(process.communicate(), timeout=15)

    assert (process.returncode, output, errors.decode()) == (2, b"", f"{line}\n")
