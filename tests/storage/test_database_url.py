"""The addresses of databases, as hosting providers spell them."""

import pytest

from fileflare_bot.database_url import database_url

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
        (f"postgres://{HOST}?sslmode=require", f"{PG}?ssl=require"),
        (f"postgres://{HOST}?ssl=require", f"{PG}?ssl=require"),
        (f"postgres://{HOST}?sslmode=verify-full&connect_timeout=3&pgbouncer=true", f"{PG}?ssl=verify-full"),
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
