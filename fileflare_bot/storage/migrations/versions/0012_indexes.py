"""Indexes for what would read a table as a whole."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Make the indexes."""
    for table, columns in (
        ("servers", ["left_at"]),
        ("help_requests", ["resolved_at"]),
        ("actions", ["guild_id", "number"]),
        ("role_grants", ["user_id"]),
        ("removals", ["guild_id"]),
        ("claims", ["forgotten_at"]),
        ("misses", ["last_at"]),
    ):
        op.create_index(f"ix_{table}_{columns[0]}", table, columns)
    due = sa.text("retry_at IS NOT NULL")
    op.create_index("ix_actions_due", "actions", ["guild_id"], sqlite_where=due, postgresql_where=due)
