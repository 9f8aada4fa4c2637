"""
Keeping SQLite's write-ahead log bounded, out of the way of commits.

A commit that also copies the write-ahead log back is a hundred times as slow as its neighbours,
so the hub copies it back in a thread of its own, beside the commits.  It can start anew only at
a moment when nobody reads, which may never come under many readers; beyond a size the writer
asks for that moment: it holds the write lock, readers that come meanwhile use the database file
alone, and those before them finish within milliseconds, since no read of the hub is long.
"""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import structlog

from hub.database import Store, sqlite
from hub.errors import StoreUnavailable
from hub.telemetry import Metrics

LOOK_SECONDS = 0.5
COPY_BYTES = 4_194_304
"""Size beyond which the write-ahead log is copied back."""
MOST_BYTES = 67_108_864
"""Size beyond which it is started anew."""

logger = structlog.stdlib.get_logger(__name__)


class Upkeep:
    """Looks after the files of an embedded database."""

    def __init__(self, store: Store, metrics: Metrics) -> None:
        self._store, self._metrics = store, metrics

    async def run(self) -> None:
        """Look twice a second, until cancelled; on PostgreSQL there is nothing to do."""
        if not self._store.settings.embedded:
            return
        database = sqlite.file(self._store.settings)
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look(database)

    async def look(self, database: Path) -> None:
        """Measure the write-ahead log; copy it back, and start it anew, where it is too large."""
        size = _size(wal_file(database))
        self._metrics.wal_bytes.set(size)
        try:
            if size > COPY_BYTES:
                await asyncio.to_thread(_copy_back, database)
            done = size <= MOST_BYTES or await self._store.checkpoint()
        except (StoreUnavailable, sqlite3.Error, OSError) as error:
            logger.warning("checkpoint failed", advice=self._store.dialect.advice(error))
        else:
            if not done:
                logger.warning(
                    "the write-ahead log cannot be emptied: another process reads the database"
                    " for a long time; end it",
                    bytes=size,
                )


def wal_file(database: Path) -> Path:
    """Where SQLite keeps what is not yet in the *database* file."""
    return database.with_name(f"{database.name}-wal")


def _copy_back(database: Path) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
