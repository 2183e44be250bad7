"""The tables' history, for alembic; `storage.Storage` runs it."""
