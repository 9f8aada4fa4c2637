"""Where the log begins and ends."""

from dataclasses import dataclass

from sqlalchemy import Connection, select
from sqlmodel import col

from hub.database import Log
from hub.errors import CursorExpired, CursorInvalid
from hub.receipt import Cursor, OnExpired

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

    def position(self, cursor: str, *, field: str = "after") -> int:
        """
        The position of the *cursor* that a request has as *field*, kept or not.  Raises
        `CursorForeign`, and `CursorInvalid` where it cannot be read or is ahead of the log.
        """
        position = Cursor.parse(cursor, self.epoch, field=field).position
        if position > self.head:
            message = "the cursor is ahead of the log"
            raise CursorInvalid(message, field=field)
        return position

    def resume(
        self, cursor: str, on_expired: OnExpired = OnExpired.FAIL, *, field: str = "after"
    ) -> int:
        """
        The same, where everything behind it is kept.  Raises `CursorExpired` where it is not,
        unless *on_expired* says to start from the oldest receipt then.
        """
        position = self.position(cursor, field=field)
        if position >= self.oldest - 1:
            return position
        if on_expired is OnExpired.EARLIEST:
            return self.oldest - 1
        raise CursorExpired(oldest=self.oldest_cursor, head=self.head_cursor)

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
