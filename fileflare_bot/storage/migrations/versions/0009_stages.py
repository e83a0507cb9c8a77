"""For whom help requests wait, reminders, and the question whether an answer has helped."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_time = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the columns. An open help request that was never answered waits for the moderators."""
    columns: tuple[sa.Column[Any], ...] = (
        sa.Column("stage", sa.String(16)),
        sa.Column("stage_since", _time),
        sa.Column("stage_ends_at", _time),
    )
    for column in columns:
        op.add_column("help_requests", column)
    op.execute(
        "UPDATE help_requests SET stage = 'waiting', stage_since = created_at "
        "WHERE answered_at IS NULL AND NOT resolved"
    )
    op.create_index("ix_help_requests_stage_ends_at", "help_requests", ["stage_ends_at"])
    op.add_column("messages", sa.Column("asking", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("notes", sa.Column("reminder", sa.Boolean(), nullable=False, server_default=sa.false()))
