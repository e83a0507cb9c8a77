"""The addresses of databases, as hosting providers spell them."""

import pytest

from fileflare_bot.database_url import database_url, driver_options, ignored_parameters

HOST = "me:pass@db.example:5433/fileflare"
PG = f"postgresql+asyncpg://{HOST}"


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("sqlite:///data/x.db", "sqlite+aiosqlite:///data/x.db"),
        ("sqlite:////var/lib/x.db", "sqlite+aiosqlite:////var/lib/x.db"),
        ("sqlite+aiosqlite:///x.db", "sqlite+aiosqlite:///x.db"),
        ("  sqlite:///x.db\n", "sqlite+aiosqlite:///x.db"),
        (f"postgres://{HOST}", PG),
        (f"postgresql://{HOST}", PG),
        (f"postgresql+asyncpg://{HOST}", PG),
        (f"postgres://{HOST}?sslmode=require", PG),
        (f"postgres://{HOST}?sslmode=verify-full&connect_timeout=3&pgbouncer=true", PG),
        ("postgresql://db.example:5433/fileflare?user=me&password=pass", PG),
        ("postgresql://me:pass@db.example:5433/?dbname=fileflare&user=you", PG),
        ("postgresql://postgres:@/x?host=/run/pg", "postgresql+asyncpg://postgres:@/x?host=%2Frun%2Fpg"),
        ("postgresql://me@/x?host=/run/pg&port=5433", "postgresql+asyncpg://me@/x?host=%2Frun%2Fpg&port=5433"),
        ("postgresql://me:p%40ss%2Fword@db.example/x", "postgresql+asyncpg://me:p%40ss%2Fword@db.example/x"),
    ],
)
def test_an_address_is_understood_as_providers_write_it(given: str, used: str) -> None:
    assert database_url(given).render_as_string(hide_password=False) == used


@pytest.mark.parametrize(
    "given",
    [
        "",
        "nonsense",
        "x.db",
        "data/x.db",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite://data/x.db",
        "mysql://me:s3cret@db.example/x",
        "postgresql+psycopg://me:s3cret@db.example/x",
        "https://me:s3cret@db.example/x",
        "postgresql://",
        "postgresql:///x",
        "postgresql://me:s3cret@/x",
        "postgresql://me:s3cret@db.example:port/x",
    ],
)
def test_what_is_no_address_of_a_database_is_refused_without_showing_it(given: str) -> None:
    with pytest.raises(ValueError, match=r"^(is not|names no|must begin)") as raised:
        database_url(given)

    assert "s3cret" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_an_address_that_is_printed_does_not_show_its_password() -> None:
    assert "pass" not in f"{database_url(f'postgres://{HOST}')!r} {database_url(f'postgres://{HOST}')}"


@pytest.mark.parametrize(
    "given",
    [
        "postgresql://me:s3cret@more@db.example/x",
        "postgresql://me:@s3cret@db.example/x",
        "postgresql://me:s3cret@@db.example/x",
        "postgresql://me:s3cret@mo/re@db.example/x",
        "postgresql://me:s3cret@mo:re@db.example/x",
        "postgresql://me:s3cret@mo?re@db.example/x",
        "postgresql://m/e:s3cret@db.example/x",
    ],
)
def test_special_characters_in_a_password_are_hinted_at_without_showing_it(given: str) -> None:
    with pytest.raises(ValueError, match=r"^must have special characters of its password .* @ as %40") as raised:
        database_url(given)

    assert "s3cret" not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("password", ["p%40ss", "p/ss", "p?ss", "p#ss", "p:ss", "p%ss", "p]ss", "p ss"])
def test_special_characters_that_can_be_told_apart_are_taken_as_they_are(password: str) -> None:
    url = database_url(f"postgresql://me@azure:{password}@db.example/x")

    assert (url.username, url.password, url.host) == ("me@azure", password.replace("%40", "@"), "db.example")


@pytest.mark.parametrize(
    ("query", "ignored"),
    [
        ("", []),
        ("sslmode=require", []),
        ("sslmode=require&channel_binding=require", ["channel_binding"]),
        ("pgbouncer=true&connection_limit=1&sslmode=require", ["connection_limit", "pgbouncer"]),
        ("application_name=me@home", ["application_name"]),
        ("s3cr3t%20%25=1", ["(unreadable)"]),
    ],
)
def test_parameters_of_other_drivers_are_named(query: str, ignored: list[str]) -> None:
    address = f"postgresql://me:pass@db.example/x?{query}"

    assert ignored_parameters(address) == ignored
    assert database_url(address).query == {}


def test_sqlite_takes_no_options_of_postgresql() -> None:
    assert (ignored_parameters("sqlite:///x.db?mode=ro"), driver_options("sqlite:///x.db?sslmode=what")) == ([], {})
