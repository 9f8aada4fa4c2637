"""What differs between the databases; `hub.database.sqlite` and `.postgres` provide it."""

from collections.abc import Callable, Collection, Iterator
from enum import Enum, auto
from typing import Any, Protocol, TypeVar

from sqlalchemy import ColumnElement, Connection, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import Dialect as SqlDialect
from sqlmodel import Session

from hub.receipt import Micros
from hub.settings import Settings

Result = TypeVar("Result")
Work = Callable[[Session], Result]
"""A transaction: a plain function, so that it runs in one go whatever the driver."""

READ_WAIT_SECONDS = 10.0
"""Longest that a read waits for its turn."""


class Fault(Enum):
    """Why a transaction failed."""

    DATA = auto()
    """A value that the database refuses; the same rows fail again."""
    UNAVAILABLE = auto()
    """The database cannot take or give anything now."""


class Transactions(Protocol):
    """Runs transactions on one database."""

    sql: SqlDialect
    """How statements are written for it."""

    async def read(self, work: Work[Result], *, unhurried: bool) -> Result:
        """What *work* finds; all its statements see one moment, and none of them may write."""
        ...

    async def write(self, work: Work[Result], *, unhurried: bool) -> Result:
        """What *work* returns, once its transaction is on disk."""
        ...

    async def checkpoint(self) -> bool:
        """Empty the log beside the database file; false where a reader was in the way."""
        ...

    async def reconnect(self) -> None:
        """Write the next transaction on a new connection."""
        ...

    async def close(self) -> None:
        """Let go of the database."""
        ...


class Dialect(Protocol):
    """A database that the log can live in; a module satisfies it."""

    def transactions(self, settings: Settings) -> Transactions:
        """What runs transactions on the database of *settings*; opens nothing yet."""
        ...

    def fault(self, error: BaseException) -> Fault:
        """What kind of failure *error* is."""
        ...

    def advice(self, error: BaseException) -> str:
        """What an operator should do about *error*."""
        ...

    def among(self, column: Any, values: Collection[Any]) -> list[ColumnElement[bool]]:
        """
        Conditions that together say that *column* is one of *values*, however many there are:
        one statement for each.
        """
        ...

    def now(self, connection: Connection) -> Micros:
        """The present, by the clock that all hubs on this database share."""
        ...

    def damage(self, connection: Connection) -> Iterator[str]:
        """What is wrong with the database itself, such as indexes that differ from tables."""
        ...

    def announce(self, connection: Connection, head: int) -> None:
        """Tell other processes, at this transaction's commit, that the log ends at *head*."""
        ...

    async def listen(self, settings: Settings, heard: Callable[[], None]) -> None:
        """Call *heard* at announcements, until cancelled; some are missed, so readers poll too."""
        ...


class Bulk:
    """
    A statement for many rows, compiled once and handed to the driver as it is.

    SQLAlchemy would process every value of every row again; on the way of each receipt that
    costs more than the rest of the hub.  Values must be what the driver takes: integers, text,
    bytes, and JSON as text.
    """

    def __init__(self, statement: Any, sql: SqlDialect) -> None:
        compiled = statement.compile(dialect=sql)
        self._sql = str(compiled)
        self.columns: tuple[str, ...] = tuple(compiled.positiontup)

    def run(self, connection: Connection, rows: list[tuple[Any, ...]]) -> None:
        """Execute for *rows*, whose values stand in the order of `columns`."""
        if rows:
            connection.exec_driver_sql(self._sql, rows)


def insert_into(table: Table, sql: SqlDialect) -> Any:
    """An INSERT of this dialect, which knows ON CONFLICT."""
    return sqlite.insert(table) if sql.name == "sqlite" else postgresql.insert(table)
