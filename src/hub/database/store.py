"""The database, opened: its engines, its dialect and the kinds known of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from hub.database import postgres, sqlite
from hub.database.dialect import Dialect, Transactor
from hub.database.kinds import Kinds
from hub.database.schema import migrate
from hub.settings import Settings


@dataclass(frozen=True, slots=True)
class Store:
    """What the modules of the log work with."""

    settings: Settings
    dialect: Dialect
    writer: AsyncEngine
    """Transactions that may write."""
    reader: AsyncEngine
    """Short reads."""
    kinds: Kinds
    writing: Transactor
    """Transactions that may write, as plain functions."""
    reading: Transactor
    """Reads, as plain functions."""


def dialect_of(settings: Settings) -> Dialect:
    """The module for the settings' database."""
    return sqlite if settings.embedded else postgres


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Store]:
    """Open and migrate the database; close it at the end.  Failures are `StartError`."""
    dialect = dialect_of(settings)
    writer = dialect.writer(settings)
    try:
        await migrate(writer, dialect)
        reader = dialect.reader(settings)
        writing = dialect.writing(settings, writer)
        reading = dialect.reading(settings, reader)
        try:
            yield Store(settings, dialect, writer, reader, Kinds(), writing, reading)
        finally:
            await writing.close()
            await reading.close()
            await reader.dispose()
    finally:
        await writer.dispose()
