"""The plans of statements: no table that grows with the guilds or their tickets may be read as a whole."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]
import sqlalchemy as sa
from databases import new_database
from sqlalchemy.orm import Session
from storage.samples import connected

from fileflare_bot.storage.models import Base, LayoutRow, LeaseRow, VaultRow

Asked = dict[tuple[str, str], Any]  # the parameters of each statement, by the database's kind

GROWING: Final = {*Base.metadata.tables} - {row.__tablename__ for row in (LayoutRow, LeaseRow, VaultRow)}
ROWS: Final = 2000
_READS: Final = ("SELECT", "UPDATE", "DELETE", "WITH")
_FOR_SMALL_TABLES: Final = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")
_SCANS: Final = {"Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Index Scan"}
_VALUES: Final = {bool: "n % 2 = 0", int: "n", str: "n::text"}


@contextmanager
def asked() -> Iterator[Asked]:
    """Collect what all sessions inside the block ask."""
    found: Asked = {}

    def begun(_session: object, _transaction: object, connection: sa.Connection) -> None:
        sa.event.listen(connection, "before_cursor_execute", asking)

    def asking(connection: sa.Connection, _: object, statement: str, parameters: Any, *context: Any) -> None:  # noqa: ANN401 - SQLAlchemy's
        if statement.startswith(_READS):
            found[connection.dialect.name, statement] = parameters[0] if context[-1] else parameters

    sa.event.listen(Session, "after_begin", begun)
    try:
        yield found
    finally:
        sa.event.remove(Session, "after_begin", begun)


class Plans:
    """Looks at plans as they are for large tables; remembers what each statement reads as a whole."""

    def __init__(self, server: str, template: str) -> None:
        self._known: dict[tuple[str, str], str] = {}
        self.postgresql = asyncio.run(_large_database(server, template))

    def scans(self, found: Asked) -> list[str]:
        """Return the statements that read a growing table without an index that narrows it down."""
        for kind, look in ("sqlite", _of_sqlite), ("postgresql", self._of_postgresql):
            new = {key: parameters for key, parameters in found.items() if key[0] == kind and key not in self._known}
            self._known.update(look(new) if new else {})
        return [f"{key[0]} reads all of {self._known[key]}: {key[1]}" for key in found if self._known[key]]

    def _of_postgresql(self, new: Asked) -> Asked:
        async def look() -> Asked:
            connection = await asyncpg.connect(self.postgresql)
            for way in _FOR_SMALL_TABLES:
                await connection.execute(f"SET {way} = off")
            plans = {
                key: json.loads(await connection.fetchval(f"EXPLAIN (FORMAT JSON) {key[1]}", *parameters))
                for key, parameters in new.items()
            }
            await connection.close()
            return {key: " ".join(_scanned(plan["Plan"])) for key, (plan,) in plans.items()}

        return asyncio.run(look())


def _of_sqlite(new: Asked) -> Asked:
    """Look in an empty database: without ANALYZE, SQLite plans alike whatever is in it."""
    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    found = {}
    with engine.connect() as connection:
        for key, parameters in new.items():
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {key[1]}", tuple(parameters))
            steps = [row.detail.split() for row in plan]
            found[key] = " ".join(words[1] for words in steps if words[0] == "SCAN" and words[1] in GROWING)
            if any(words[:2] == ["CORRELATED", "LIST"] for words in steps):
                found[key] += "a list for each row"
    return found


def _scanned(node: dict[str, Any], table: str = "") -> Iterator[str]:
    table = node.get("Relation Name", table)
    whole = "Index Cond" not in node and node.get("Index Name") not in ("ix_servers_left_at", "ix_actions_due")
    if node["Node Type"] in _SCANS and whole and table in GROWING:  # those two indexes hold only what is left to do
        yield table
    for child in node.get("Plans", ()):
        yield from _scanned(child, table)


async def _large_database(server: str, template: str) -> str:
    """Fill a copy of a database that the migrations made: the models name no partial index of PostgreSQL's."""
    url = await new_database(server, template)
    async with connected(url) as connection:
        for table in Base.metadata.sorted_tables:
            names = ", ".join(column.name for column in table.columns)  # a migration may have added some later
            row = ", ".join(map(_value, table.columns))
            rows = f"SELECT {row} FROM generate_series(1, {ROWS}) n"  # noqa: S608 - our own
            await connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) {rows} ON CONFLICT DO NOTHING")
        await connection.exec_driver_sql("ANALYZE")
    return url


def _value(column: sa.Column[Any]) -> str:
    if isinstance(column.type, sa.JSON):
        return "'[]'"
    value = _VALUES.get(column.type.python_type, "now() - n * interval '1 hour'")
    return f"CASE WHEN n % 100 = 0 THEN {value} END" if column.nullable else value
