"""What Discord still has to be told: cards, notes, answers, log lines, roles, removals; and versions of settings."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_counted = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_time = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables and columns. What earlier versions have done counts as told."""
    with op.batch_alter_table("claims") as claims:
        claims.add_column(sa.Column("forgotten_at", _time))
        claims.alter_column("person_id", existing_type=sa.BigInteger(), nullable=True)
    op.add_column("servers", sa.Column("version", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("servers", sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("servers", sa.Column("retry_at", _time))
    op.create_index("ix_servers_retry_at", "servers", ["retry_at"])
    ticket_columns: tuple[sa.Column[Any], ...] = (
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("shown_version", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("card_wanted_at", _time),
        sa.Column("archived", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("retry_at", _time),
    )
    for column in ticket_columns:
        op.add_column("help_requests", column)
    op.execute("UPDATE help_requests SET shown_version = 0 WHERE card_message_id IS NULL AND NOT resolved")
    op.execute("UPDATE help_requests SET retry_at = created_at WHERE shown_version = 0")
    op.create_index("ix_help_requests_retry_at", "help_requests", ["retry_at"])
    message_columns: tuple[sa.Column[Any], ...] = (
        sa.Column("closing", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("delivery", sa.String(16)),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("retry_at", _time),
    )
    for column in message_columns:
        op.add_column("messages", column)
    op.create_index("ix_messages_retry_at", "messages", ["retry_at"])
    op.add_column("actions", sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("actions", sa.Column("retry_at", _time))
    op.create_index("ix_actions_retry_at", "actions", ["retry_at"])
    op.create_table(
        "notes",
        sa.Column("id", _counted, nullable=False),
        sa.Column("request_id", _counted, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("colour", sa.String(16), nullable=False),
        sa.Column("mention", sa.BigInteger()),
        sa.Column("created_at", _time, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("retry_at", _time),
        sa.PrimaryKeyConstraint("id", name="pk_notes"),
        sa.ForeignKeyConstraint(["request_id"], ["help_requests.id"], name="fk_notes_request_id", ondelete="CASCADE"),
    )
    op.create_index("ix_notes_request_id", "notes", ["request_id"])
    op.create_index("ix_notes_retry_at", "notes", ["retry_at"])
    op.create_table(
        "removals",
        sa.Column("id", _counted, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger()),
        sa.Column("moderator_id", sa.BigInteger()),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger()),
        sa.Column("created_at", _time, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("retry_at", _time),
        sa.PrimaryKeyConstraint("id", name="pk_removals"),
    )
    op.create_index("ix_removals_user_id", "removals", ["user_id"])
    op.create_index("ix_removals_retry_at", "removals", ["retry_at"])
    op.create_table(
        "role_grants",
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("role_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("retry_at", _time),
        sa.PrimaryKeyConstraint("guild_id", "user_id", "role_id", name="pk_role_grants"),
    )
    op.create_index("ix_role_grants_retry_at", "role_grants", ["retry_at"])
    _keep_grants()


def _keep_grants() -> None:
    """Take every role of an earlier claim for one that the bot gave: nothing else is known."""
    claims = sa.table(
        "claims", *(sa.column(name) for name in ("guild_id", "person_id")), sa.column("role_ids", sa.JSON())
    )
    grants = sa.table("role_grants", *(sa.column(name) for name in ("guild_id", "user_id", "role_id", "state")))
    connection = op.get_bind()
    known = {
        (guild_id, user_id, role_id)
        for guild_id, user_id, role_ids in connection.execute(sa.select(*claims.c))
        for role_id in role_ids
    }
    rows = [
        {"guild_id": guild_id, "user_id": user_id, "role_id": role_id, "state": "granted"}
        for guild_id, user_id, role_id in sorted(known)
    ]
    if rows:
        connection.execute(sa.insert(grants), rows)
