"""One short read of the log."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from hub.database.store import Store
from hub.log.bounds import Bounds
from hub.log.hashing import Hashing
from hub.log.read.entries import EntryReader


@dataclass(frozen=True, slots=True)
class Reading:
    """A connection, where the log ends for it, and how to find rows."""

    connection: AsyncConnection
    bounds: Bounds
    entries: EntryReader
    hashing: Hashing
    store: Store
