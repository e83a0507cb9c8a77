"""When moderators were last pinged about a help request."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column."""
    op.add_column("help_requests", sa.Column("pinged_at", sa.DateTime(timezone=True)))
