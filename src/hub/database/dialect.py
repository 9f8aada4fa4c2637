"""What differs between the databases; `hub.database.sqlite` and `.postgres` provide it."""

from collections.abc import Callable
from enum import Enum, auto
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine

from hub.settings import Settings

Result = TypeVar("Result")

AWAY = (DBAPIError, PoolTimeout, OSError)
"""What a transaction raises where the database cannot be reached or used."""


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

    def writing(self, settings: Settings, writer: AsyncEngine) -> "Transactor":
        """What runs whole transactions that may write, in turn with those on *writer*."""
        ...

    def reading(self, settings: Settings, reader: AsyncEngine) -> "Transactor":
        """What runs whole reads on *reader*'s database."""
        ...

    def announce(self, connection: Connection, head: int) -> None:
        """Tell other processes, at this transaction's commit, that the log ends at *head*."""
        ...

    async def listen(self, settings: Settings, heard: Callable[[], None]) -> None:
        """Call *heard* at announcements, until cancelled; some are missed, so readers poll too."""
        ...


class Transactor(Protocol):
    """Runs transactions that are written as plain functions, each in one go."""

    async def run(self, work: Callable[[Connection], Result]) -> Result:
        """What *work* returns, once its transaction is committed."""
        ...

    async def reconnect(self) -> None:
        """Begin the next transaction on a new connection."""
        ...

    async def close(self) -> None:
        """Let go of the database."""
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

    def run(self, connection: Connection, rows: list[tuple[Any, ...]]) -> None:
        """Execute for *rows*, whose values stand in the order of `columns`."""
        if rows:
            connection.exec_driver_sql(self._sql, rows)


def insert_into(table: Table, engine: AsyncEngine) -> Any:
    """An INSERT of this engine's dialect, which knows ON CONFLICT."""
    if engine.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)
