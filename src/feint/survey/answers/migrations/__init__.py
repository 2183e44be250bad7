"""The history of the answers' tables; `database.Storage` runs it with alembic."""
