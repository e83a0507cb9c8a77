"""The misses of users and guilds, which all processes count together."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_time: Final = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "misses",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", _time, nullable=False),
        sa.Column("paused_until", _time, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "guild_id", name="pk_misses"),
    )
