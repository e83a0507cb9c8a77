"""Alembic's side of the start: it runs on the connection, and in the transaction, that it is handed."""

from alembic import context

from fileflare_bot.storage.models import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
