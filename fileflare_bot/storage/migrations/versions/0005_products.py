"""The products seen in guilds' orders, of which owners confirm their own."""

from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_UNFORGEABLE: Final = {"product_id", "variant_id"}
_time = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table, and fill it with the products that were seen.

    What was seen beside their IDs is deleted: it can be of any store. Owners whose rules look at it are told.
    """
    op.create_table(
        "seen_products",
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.String(100), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("vendor", sa.String(100), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.BigInteger()),
        sa.Column("first_seen_at", _time, nullable=False),
        sa.Column("last_seen_at", _time, nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "product_id", name="pk_seen_products"),
    )
    op.create_index("ix_seen_products_user_id", "seen_products", ["user_id"])
    op.execute(
        "INSERT INTO seen_products (guild_id, product_id, name, vendor, orders, first_seen_at, last_seen_at) "
        "SELECT guild_id, value, label, '', 1, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP FROM products "
        "WHERE match = 'product_id'"
    )
    op.execute("DELETE FROM products")
    _tell_owners()


def _tell_owners() -> None:
    servers = sa.table("servers", sa.column("guild_id"), sa.column("options", sa.JSON()))
    actions = sa.table(
        "actions",
        sa.column("guild_id", sa.BigInteger()),
        sa.column("actor_id", sa.BigInteger()),
        sa.column("action", sa.String(32)),
        sa.column("attempts", sa.Integer()),
        sa.column("at", _time),
        sa.column("retry_at", _time),
    )
    connection, now = op.get_bind(), datetime.now(UTC)
    rows = [
        {"guild_id": guild_id, "actor_id": 0, "action": "products_needed", "attempts": 0, "at": now, "retry_at": now}
        for guild_id, options in connection.execute(sa.select(*servers.c))
        if any(rule.get("match") not in _UNFORGEABLE for rule in (options or {}).get("rules", ()))
    ]
    if rows:
        connection.execute(sa.insert(actions), rows)
