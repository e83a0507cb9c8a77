"""Alembic's entry point: migrates on the connection, and in the transaction, that the bot passes."""

from alembic import context

from fileflare_bot.storage.models import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
