"""Indexes for what would read a table as a whole."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Make the indexes; those of columns that are mostly empty hold only what is not."""
    for table, columns in (
        ("actions", ["guild_id", "number"]),
        ("messages", ["author_id"]),
        ("role_grants", ["user_id"]),
        ("removals", ["guild_id"]),
        ("misses", ["last_at"]),
    ):
        op.create_index(f"ix_{table}_{columns[0]}", table, columns)
    for name, table, column, filled in (
        ("ix_servers_left_at", "servers", "left_at", "left_at"),
        ("ix_help_requests_resolved_at", "help_requests", "resolved_at", "resolved_at"),
        ("ix_help_requests_resolved_by", "help_requests", "resolved_by", "resolved_by"),
        ("ix_help_requests_taken_by", "help_requests", "taken_by", "taken_by"),
        ("ix_claims_forgotten_at", "claims", "forgotten_at", "forgotten_at"),
        ("ix_actions_due", "actions", "guild_id", "retry_at"),
    ):
        where = sa.text(f"{filled} IS NOT NULL")
        op.create_index(name, table, [column], sqlite_where=where, postgresql_where=where)
