"""Servers, help requests, messages and actions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_counted = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_time = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "servers",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("support_channel_id", sa.BigInteger()),
        sa.Column("log_channel_id", sa.BigInteger()),
        sa.Column("ping_role_id", sa.BigInteger()),
        sa.Column("moderator_role_ids", sa.JSON(), nullable=False),
        sa.Column("next_number", sa.Integer(), nullable=False),
        sa.Column("changed_at", _time, nullable=False),
        sa.PrimaryKeyConstraint("guild_id", name="pk_servers"),
    )
    op.create_index("ix_servers_changed_at", "servers", ["changed_at"])
    op.create_table(
        "help_requests",
        sa.Column("id", _counted, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("topic", sa.String(32), nullable=False),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.Column("order_hash", sa.String(64), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("resolved", sa.Boolean(), nullable=False),
        sa.Column("resolution", sa.String(32)),
        sa.Column("resolved_by", sa.BigInteger()),
        sa.Column("taken_by", sa.BigInteger()),
        sa.Column("created_at", _time, nullable=False),
        sa.Column("answered_at", _time),
        sa.Column("resolved_at", _time),
        sa.Column("card_channel_id", sa.BigInteger()),
        sa.Column("card_message_id", sa.BigInteger()),
        sa.Column("thread_id", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_help_requests"),
        sa.UniqueConstraint("guild_id", "number", name="uq_help_requests_guild_id"),
    )
    op.create_index("ix_help_requests_person_id", "help_requests", ["person_id"])
    op.create_index(
        "uq_help_requests_open",
        "help_requests",
        ["guild_id", "person_id", "order_hash"],
        unique=True,
        sqlite_where=sa.text("NOT resolved"),
        postgresql_where=sa.text("NOT resolved"),
    )
    op.create_table(
        "messages",
        sa.Column("id", _counted, nullable=False),
        sa.Column("request_id", _counted, nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("from_moderator", sa.Boolean(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", _time, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.ForeignKeyConstraint(
            ["request_id"], ["help_requests.id"], name="fk_messages_request_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_messages_request_id", "messages", ["request_id"])
    op.create_table(
        "actions",
        sa.Column("id", _counted, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer()),
        sa.Column("actor_id", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("at", _time, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_actions"),
    )
    op.create_index("ix_actions_actor_id", "actions", ["actor_id"])
    op.create_index("ix_actions_at", "actions", ["at"])
