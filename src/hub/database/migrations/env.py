"""Runs migrations on the connection that `hub.database.schema` hands over."""

from alembic import context

from hub.database import views

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=context.config.attributes["metadata"],
    transaction_per_migration=False,
)
with context.begin_transaction():
    views.drop(connection)
    context.run_migrations()
    views.create(connection)
