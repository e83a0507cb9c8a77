"""What an owner changed: the settings, with their values before and after."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the column."""
    op.add_column("actions", sa.Column("changes", sa.JSON()))
