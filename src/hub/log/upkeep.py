"""
Keeping SQLite's write-ahead log bounded.

SQLite copies the write-ahead log back by itself, but can start it anew only at a moment when
nobody reads, which may never come under many readers.  Here the writer asks for that moment: it
holds the write lock, readers that come meanwhile use the database file alone, and those before
them finish within milliseconds, since no read of the hub is long.
"""

import asyncio
import sqlite3
from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from hub.log import sqlite
from hub.log.dialect import AWAY
from hub.log.store import Store
from hub.telemetry import Metrics

LOOK_SECONDS = 2.0
MOST_BYTES = 33_554_432
"""Size beyond which the write-ahead log is started anew."""

logger = structlog.stdlib.get_logger(__name__)


class Upkeep:
    """Looks after the files of an embedded database."""

    def __init__(self, store: Store, metrics: Metrics) -> None:
        self._store, self._metrics = store, metrics

    async def run(self) -> None:
        """Look every two seconds, until cancelled; on PostgreSQL there is nothing to do."""
        if not self._store.settings.embedded:
            return
        wal = wal_file(sqlite.file(self._store.settings))
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look(wal)

    async def look(self, wal: Path) -> None:
        """Measure the write-ahead log; start it anew where it is too large."""
        size = _size(wal)
        self._metrics.wal_bytes.set(size)
        if size > MOST_BYTES:
            try:
                done = await truncate(self._store.writer)
            except (*AWAY, sqlite3.Error) as error:
                logger.warning("checkpoint failed", advice=self._store.dialect.advice(error))
                return
            if not done:
                logger.warning(
                    "the write-ahead log cannot be emptied: another process reads the database"
                    " for a long time; end it",
                    bytes=size,
                )


def wal_file(database: Path) -> Path:
    """Where SQLite keeps what is not yet in the *database* file."""
    return database.with_name(f"{database.name}-wal")


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


async def truncate(engine: AsyncEngine) -> bool:
    """Copy the write-ahead log back and empty it; False where a reader was in the way."""
    async with engine.connect() as connection:
        raw = await connection.get_raw_connection()
        driver = raw.driver_connection
        assert driver is not None  # noqa: S101
        # Not by SQLAlchemy, which would begin a transaction around it.
        cursor = await driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        row = await cursor.fetchone()
        await cursor.close()
    return bool(row is not None and row[0] == 0)
