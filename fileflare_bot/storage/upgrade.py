"""Alembic, which migrates the tables; imported only when there is something to migrate: it costs time and memory."""

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from fileflare_bot.storage.database import MIGRATIONS, NewerDatabase


def upgrade(connection: sa.Connection) -> None:
    """Migrate the tables to the newest version.

    Raises:
        NewerDatabase: a newer version of the bot has migrated them.
    """
    try:
        command.upgrade(alembic_config(connection), "head")
    except CommandError:
        raise NewerDatabase from None


def alembic_config(connection: sa.Connection) -> Config:
    """Return Alembic's configuration for this connection."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
