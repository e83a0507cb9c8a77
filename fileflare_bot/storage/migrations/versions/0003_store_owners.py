"""Owners' options, buyers' claims and products, saved orders, and the key of the hashes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_counted = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_time = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables and columns."""
    op.add_column("servers", sa.Column("options", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("servers", sa.Column("leak_rule_id", sa.BigInteger()))
    op.add_column("servers", sa.Column("left_at", _time))
    op.create_table(
        "vault",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_vault"),
    )
    op.create_table(
        "claims",
        sa.Column("id", _counted, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("order_hash", sa.String(64), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("role_ids", sa.JSON(), nullable=False),
        sa.Column("claimed_at", _time, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_claims"),
        sa.UniqueConstraint("guild_id", "order_hash", "person_id", name="uq_claims_guild_id"),
    )
    op.create_index("ix_claims_person_id", "claims", ["person_id"])
    op.create_table(
        "products",
        sa.Column("id", _counted, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("match", sa.String(32), nullable=False),
        sa.Column("value", sa.String(100), nullable=False),
        sa.Column("label", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_products"),
        sa.UniqueConstraint("guild_id", "match", "value", name="uq_products_guild_id"),
    )
    op.create_table(
        "saved_orders",
        sa.Column("id", _counted, nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("order_hash", sa.String(64), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("saved_at", _time, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_saved_orders"),
        sa.UniqueConstraint("person_id", "order_hash", name="uq_saved_orders_person_id"),
    )
