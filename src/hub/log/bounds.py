"""Where the log begins and ends."""

from dataclasses import dataclass

from sqlalchemy import Connection, select
from sqlmodel import col

from hub.database.tables import Log
from hub.receipt import Cursor

_ROW = select(col(Log.epoch), col(Log.oldest), col(Log.head), col(Log.kinds))


@dataclass(frozen=True, slots=True)
class Bounds:
    """One moment of a log."""

    epoch: str
    oldest: int
    """Position of the oldest kept entry; head + 1 where none is kept."""
    head: int
    """Position of the newest entry; 0 before the first."""

    def cursor(self, position: int) -> str:
        """The cursor of *position* in this log."""
        return str(Cursor(self.epoch, position))

    @property
    def oldest_cursor(self) -> str:
        """The cursor from which everything that is kept follows."""
        return self.cursor(self.oldest - 1)

    @property
    def head_cursor(self) -> str:
        """The cursor from which only what comes later follows."""
        return self.cursor(self.head)


def read_bounds(connection: Connection) -> tuple[Bounds, int]:
    """The bounds now, and how many kinds there are."""
    row = connection.execute(_ROW).one()
    return Bounds(row.epoch, row.oldest, row.head), row.kinds
