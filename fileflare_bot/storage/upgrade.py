"""Alembic, which migrates the tables; imported only when there is something to migrate: it costs time and memory."""

from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from fileflare_bot.settings import SettingsError
from fileflare_bot.storage.database import MIGRATIONS

_NEWER: Final = "DATABASE_URL names a database that a newer version of the bot has changed: run that version."


def upgrade(connection: sa.Connection) -> None:
    """Migrate the tables to the newest version.

    Raises:
        SettingsError: a newer version of the bot has migrated them.
    """
    try:
        command.upgrade(alembic_config(connection), "head")
    except CommandError:
        raise SettingsError([_NEWER]) from None


def alembic_config(connection: sa.Connection) -> Config:
    """Return Alembic's configuration for this connection."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
