"""What differs between the databases.  `hub.log.sqlite` and `hub.log.postgres` provide it."""

from enum import Enum, auto
from typing import Any, Protocol

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from hub.settings import Settings


class Fault(Enum):
    """Why a transaction failed."""

    DATA = auto()
    """A value that the database refuses; the same rows fail again."""
    UNAVAILABLE = auto()
    """The database cannot take anything now."""


class Dialect(Protocol):
    """A database that the log can live in; a module satisfies it."""

    def writer(self, settings: Settings) -> AsyncEngine:
        """An engine whose transactions may write; its locks wait `lock_seconds`."""
        ...

    def reader(self, settings: Settings) -> AsyncEngine:
        """An engine for short reads, each transaction a consistent view of the log."""
        ...

    def fault(self, error: BaseException) -> Fault:
        """What kind of failure *error* is."""
        ...

    def advice(self, error: BaseException) -> str:
        """What an operator should do about *error*."""
        ...

    async def announce(self, connection: AsyncConnection, head: int) -> None:
        """Tell other processes, at this transaction's commit, that the log ends at *head*."""
        ...


class Bulk:
    """
    A statement for many rows, compiled once and handed to the driver as it is.

    SQLAlchemy would process every value of every row again; on the way of each receipt that
    costs more than the rest of the hub.  Values must be what the driver takes: integers, text,
    bytes, and JSON as text.
    """

    def __init__(self, statement: Any, engine: AsyncEngine) -> None:
        compiled = statement.compile(dialect=engine.dialect)
        self._sql = str(compiled)
        self.columns: tuple[str, ...] = tuple(compiled.positiontup)

    async def run(self, connection: AsyncConnection, rows: list[tuple[Any, ...]]) -> None:
        """Execute for *rows*, whose values stand in the order of `columns`."""
        if rows:
            await connection.exec_driver_sql(self._sql, rows)


def insert_into(table: Table, engine: AsyncEngine) -> Any:
    """An INSERT of this engine's dialect, which knows ON CONFLICT."""
    if engine.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)
