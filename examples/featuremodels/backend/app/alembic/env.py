"""Runs the migrations on the application's own engine."""

import logging

from alembic import context
from sqlmodel import SQLModel

from app import models  # noqa: F401  # fills SQLModel.metadata
from app.core.db import engine

logging.basicConfig(format="%(message)s")
logging.getLogger("alembic.runtime.migration").setLevel(logging.INFO)

with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=SQLModel.metadata)
    with context.begin_transaction():
        context.run_migrations()
