"""One moment of a database under examination, and rows of it a bounded number at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, tuple_

from hub.database import Kinds, Log
from hub.log import Hashing
from hub.receipt import EARLIEST, LATEST

ROWS_AT_ONCE = 2000
"""Rows that are held at once."""
BODIES_AT_ONCE = 64
"""Rows with bytes as they came, which may be a megabyte each."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What a check is given."""

    connection: Connection
    log: Log
    """The log's row."""
    kinds: Kinds
    hashing: Hashing
    providers: frozenset[int]
    """Ids of the accounts that there are."""
    problem: Callable[[str], None]
    """Called with what is wrong: a sentence without any number or token of a person."""
    checked: Callable[[], None]
    """Called for each receipt and each message."""

    @property
    def unpurged(self) -> bool:
        """Whether everything that ever came is kept."""
        return self.log.oldest == 1

    def rows(self, statement: Select[Any], *key: Any, most: int | None = None) -> Iterator[Any]:
        """Rows of *statement* in the order of the columns *key*, of which it selects each."""
        size = ROWS_AT_ONCE if most is None else most
        page = statement.order_by(*key).limit(size)
        while True:
            rows = self.connection.execute(page).all()
            yield from rows
            if len(rows) < size:
                return
            last = [getattr(rows[-1], column.key) for column in key]
            page = statement.where(_behind(key, last)).order_by(*key).limit(size)

    def value(self, statement: Select[Any]) -> Any:
        """The one value that *statement* finds; None without a row."""
        return self.connection.execute(statement).scalar()

    def instants(self, what: str, row: Any, *names: str) -> None:
        """Check that each of the columns *names* of *row* is an instant or null."""
        for name in names:
            value = getattr(row, name)
            if value is not None and not EARLIEST <= value <= LATEST:
                self.problem(f"{what} has a {name} that is no instant")


def _behind(key: tuple[Any, ...], last: list[Any]) -> Any:
    if len(key) == 1:
        return key[0] > last[0]
    return tuple_(*key) > tuple_(*last)
