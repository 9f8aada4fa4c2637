"""Runs migrations on the connection that `hub.log.schema` hands over."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["metadata"],
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
