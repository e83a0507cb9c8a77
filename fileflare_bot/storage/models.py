"""The tables. What customers and moderators write, and order data, are stored only encrypted."""

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Snowflake: Final = BigInteger()
_AutoIncrement: Final = BigInteger().with_variant(Integer, "sqlite")  # SQLite increments only INTEGER keys


class UtcDateTime(TypeDecorator[datetime]):
    """A UTC time, even in a database without time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Convert a time to UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Mark a time as UTC."""
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """The base of all tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Retried:
    """Columns of what Discord is told: ``retry_at`` is when to try (again), None if nothing is left to do."""

    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    retry_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)


# What part of the rows an index is of stands here for SQLite only, and for PostgreSQL in the migration that makes it: a
# ``postgresql_where`` would import PostgreSQL's dialect wherever the bot starts.
def _index_of_filled(name: str, column: str, *, filled: str) -> Index:
    """Return an index of the rows where a column is filled; one of all rows would tempt SQLite to search for NULL."""
    return Index(name, column, sqlite_where=text(f"{filled} IS NOT NULL"))


class GuildRow(Retried, Base):
    """A guild's settings, and its next ticket number. ``retry_at`` is the leak guard's."""

    __tablename__ = "servers"

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False)
    support_channel_id: Mapped[int | None] = mapped_column(Snowflake)
    log_channel_id: Mapped[int | None] = mapped_column(Snowflake)
    ping_role_id: Mapped[int | None] = mapped_column(Snowflake)
    moderator_role_ids: Mapped[list[int]] = mapped_column(JSON, default=list)
    options: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, server_default="{}")
    leak_rule_id: Mapped[int | None] = mapped_column(Snowflake)
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    next_number: Mapped[int] = mapped_column(Integer, default=1)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    version: Mapped[int] = mapped_column(Integer, default=0, server_default="0")

    __table_args__: Any = (_index_of_filled("ix_servers_left_at", "left_at", filled="left_at"),)


class TicketRow(Retried, Base):
    """A ticket. ``details`` is encrypted; ``order_hash`` is keyed, and empty if no order is known.

    Each change raises ``version``; ``shown_version`` is the one that the card shows, and 0 asks for a new card.
    ``card_wanted_at`` is when somebody last asked for one. ``thread_id`` is 0 if Discord refused the thread;
    ``archived`` is the thread's state. ``pinged_at`` is when moderators were last pinged about it. ``stage`` is a
    Stage; ``stage_ends_at`` is when the bot does something because nobody else has, None if it never does.
    """

    __tablename__ = "help_requests"

    id: Mapped[int] = mapped_column(_AutoIncrement, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    number: Mapped[int] = mapped_column(Integer)
    user_id: Mapped[int] = mapped_column("person_id", Snowflake, index=True)
    channel_id: Mapped[int] = mapped_column(Snowflake)
    locale: Mapped[str] = mapped_column(String(16))
    topic: Mapped[str] = mapped_column(String(32))
    kinds: Mapped[list[str]] = mapped_column(JSON)
    order_hash: Mapped[str] = mapped_column(String(64))
    details: Mapped[str] = mapped_column(Text)
    resolved: Mapped[bool] = mapped_column(Boolean, default=False)
    resolution: Mapped[str | None] = mapped_column(String(32))
    resolved_by: Mapped[int | None] = mapped_column(Snowflake)
    taken_by: Mapped[int | None] = mapped_column(Snowflake)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    card_channel_id: Mapped[int | None] = mapped_column(Snowflake)
    card_message_id: Mapped[int | None] = mapped_column(Snowflake)
    thread_id: Mapped[int | None] = mapped_column(Snowflake)
    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    shown_version: Mapped[int] = mapped_column(Integer, default=0, server_default="1")
    card_wanted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    archived: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    pinged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    stage: Mapped[str | None] = mapped_column(String(16))
    stage_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    stage_ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)

    __table_args__: Any = (
        UniqueConstraint("guild_id", "number"),
        _index_of_filled("ix_help_requests_resolved_at", "resolved_at", filled="resolved_at"),
        _index_of_filled("ix_help_requests_resolved_by", "resolved_by", filled="resolved_by"),
        _index_of_filled("ix_help_requests_taken_by", "taken_by", filled="taken_by"),
        Index(
            "uq_help_requests_open",
            "guild_id",
            "person_id",
            "order_hash",
            unique=True,
            sqlite_where=text("NOT resolved"),
        ),
    )


class MessageRow(Retried, Base):
    """A customer's or moderator's message in a ticket. ``text`` is encrypted; an answer has a ``delivery``.

    ``asking`` marks the bot's own question whether an answer has helped.
    """

    __tablename__ = "messages"

    id: Mapped[int] = mapped_column(_AutoIncrement, primary_key=True)
    ticket_id: Mapped[int] = mapped_column("request_id", ForeignKey("help_requests.id", ondelete="CASCADE"), index=True)
    author_id: Mapped[int] = mapped_column(Snowflake, index=True)
    from_moderator: Mapped[bool] = mapped_column(Boolean)
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    closing: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    asking: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    delivery: Mapped[str | None] = mapped_column(String(16))


class NoteRow(Retried, Base):
    """A note that is not in its ticket's thread yet. ``text`` is encrypted; ``mention`` is a moderator to notify.

    A ``reminder`` goes beside the card and, without such a moderator, notifies the role to ping.
    """

    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(_AutoIncrement, primary_key=True)
    ticket_id: Mapped[int] = mapped_column("request_id", ForeignKey("help_requests.id", ondelete="CASCADE"), index=True)
    text: Mapped[str] = mapped_column(Text)
    colour: Mapped[str] = mapped_column(String(16))
    mention: Mapped[int | None] = mapped_column(Snowflake)
    reminder: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AuditRow(Retried, Base):
    """An audit entry; ``number`` is its ticket's, if it has one. ``changes`` is a list of ``SettingChange``."""

    __tablename__ = "actions"

    id: Mapped[int] = mapped_column(_AutoIncrement, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    number: Mapped[int | None] = mapped_column(Integer)
    actor_id: Mapped[int] = mapped_column(Snowflake, index=True)
    action: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    changes: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))

    __table_args__: Any = (
        Index(None, "guild_id", "number"),
        _index_of_filled("ix_actions_due", "guild_id", filled="retry_at"),
    )


class CannedAnswerRow(Base):
    """A guild's canned answer. ``text`` is encrypted."""

    __tablename__ = "saved_answers"

    id: Mapped[int] = mapped_column(_AutoIncrement, primary_key=True)
    guild_id: Mapped[int] = mapped_column(ForeignKey("servers.guild_id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(100))
    text: Mapped[str] = mapped_column(Text)

    __table_args__: Any = (UniqueConstraint("guild_id", "name"),)


class VaultRow(Base):
    """A key or a mark that all processes share. ``value`` is encrypted."""

    __tablename__ = "vault"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class RoleGrantRow(Retried, Base):
    """What is known of a role that a user's claims bring; ``state`` is a GrantState."""

    __tablename__ = "role_grants"

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False, index=True)
    role_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(String(16))


class RemovalRow(Retried, Base):
    """A message that is still to be deleted, or without one the thread itself.

    ``user_id`` is whose data it is; ``moderator_id`` is who deletes it, for the audit entry.
    """

    __tablename__ = "removals"

    id: Mapped[int] = mapped_column(_AutoIncrement, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake, index=True)
    user_id: Mapped[int | None] = mapped_column(Snowflake, index=True)
    moderator_id: Mapped[int | None] = mapped_column(Snowflake)
    channel_id: Mapped[int] = mapped_column(Snowflake)
    message_id: Mapped[int | None] = mapped_column(Snowflake)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PanelRow(Retried, Base):
    """A panel. ``message_id`` is None until it is posted; each change of its look renews ``wanted_at``.

    ``locale`` is the guild's, for owners who chose no language. ``attempts`` counts failures since the last success.
    """

    __tablename__ = "panels"

    id: Mapped[int] = mapped_column(_AutoIncrement, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    channel_id: Mapped[int] = mapped_column(Snowflake)
    message_id: Mapped[int | None] = mapped_column(Snowflake)
    locale: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    wanted_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__: Any = (UniqueConstraint("guild_id", "message_id"),)


class ClaimRow(Base):
    """A claim, and the roles that the order brings. ``label`` is encrypted.

    A user who had their data deleted leaves it without a user and with ``forgotten_at``.
    """

    __tablename__ = "claims"

    id: Mapped[int] = mapped_column(_AutoIncrement, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    order_hash: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[int | None] = mapped_column("person_id", Snowflake, index=True)
    label: Mapped[str] = mapped_column(Text)
    role_ids: Mapped[list[int]] = mapped_column(JSON)
    claimed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    forgotten_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__: Any = (
        UniqueConstraint("guild_id", "order_hash", "person_id"),
        _index_of_filled("ix_claims_forgotten_at", "forgotten_at", filled="forgotten_at"),
    )


class SeenProductRow(Base):
    """A product seen in a guild's orders; ``user_id`` opened the first of them."""

    __tablename__ = "seen_products"

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False)
    product_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    vendor: Mapped[str] = mapped_column(String(100))
    orders: Mapped[int] = mapped_column(Integer)
    user_id: Mapped[int | None] = mapped_column(Snowflake, index=True)
    first_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PropertyRow(Base):
    """A property of one of a guild's confirmed products, for the owner's role rules."""

    __tablename__ = "products"

    id: Mapped[int] = mapped_column(_AutoIncrement, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    match: Mapped[str] = mapped_column(String(32))
    value: Mapped[str] = mapped_column(String(100))
    label: Mapped[str] = mapped_column(String(100))

    __table_args__: Any = (UniqueConstraint("guild_id", "match", "value"),)


class MissesRow(Base):
    """How often a user has looked up orders that do not exist (``guild_id`` is 0), or a guild (``user_id`` is 0)."""

    __tablename__ = "misses"

    user_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False)
    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False)
    count: Mapped[int] = mapped_column(Integer)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    paused_until: Mapped[datetime] = mapped_column(UtcDateTime)


class LeaseRow(Base):
    """A right that one process has at a time, until it expires by the database's clock."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    holder: Mapped[str] = mapped_column(String(32))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LayoutRow(Base):
    """The only row: into how many clusters how many shards are divided. Whoever takes a cluster locks it."""

    __tablename__ = "layouts"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    shards: Mapped[int] = mapped_column(Integer)
    clusters: Mapped[int] = mapped_column(Integer)


class SavedOrderRow(Base):
    """A user's saved order. ``label`` and ``reference`` are encrypted."""

    __tablename__ = "saved_orders"

    id: Mapped[int] = mapped_column(_AutoIncrement, primary_key=True)
    user_id: Mapped[int] = mapped_column("person_id", Snowflake)
    order_hash: Mapped[str] = mapped_column(String(64))
    label: Mapped[str] = mapped_column(Text)
    reference: Mapped[str] = mapped_column(Text)
    saved_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__: Any = (UniqueConstraint("person_id", "order_hash"),)
