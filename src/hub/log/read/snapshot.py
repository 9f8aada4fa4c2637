"""One moment of the log."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Row
from sqlmodel import Session

from hub.database import Dialect, Kinds
from hub.log.bounds import Bounds
from hub.log.hashing import Hashing
from hub.log.read.entries import AnySelect, EntryReader


@dataclass(frozen=True)
class Snapshot:
    """A session whose reads all see the log as it was at one moment, and how to find rows."""

    session: Session
    bounds: Bounds
    kinds: Kinds
    hashing: Hashing
    dialect: Dialect

    @cached_property
    def connection(self) -> Connection:
        """For statements that give no instances of models."""
        return self.session.connection()

    @cached_property
    def entries(self) -> EntryReader:
        """Makes entries of rows."""
        return EntryReader(self.kinds, self.hashing)

    def among(
        self, statement: AnySelect, column: Any, values: Collection[Any]
    ) -> Iterator[Row[Any]]:
        """Rows of *statement* whose *column* is one of *values*, however many there are."""
        for condition in self.dialect.among(column, values):
            yield from self.connection.execute(statement.where(condition))
