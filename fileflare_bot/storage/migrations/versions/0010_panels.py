"""The panels that the bot has posted."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_time: Final = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "panels",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("created_at", _time, nullable=False),
        sa.Column("wanted_at", _time, nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("retry_at", _time, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_panels"),
        sa.UniqueConstraint("guild_id", "message_id", name="uq_panels_guild_id"),
    )
    op.create_index("ix_panels_retry_at", "panels", ["retry_at"])
