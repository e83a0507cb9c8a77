"""A server's own ready-made answers."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "saved_answers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_saved_answers"),
        sa.UniqueConstraint("guild_id", "name", name="uq_saved_answers_guild_id"),
        sa.ForeignKeyConstraint(
            ["guild_id"], ["servers.guild_id"], name="fk_saved_answers_guild_id", ondelete="CASCADE"
        ),
    )
