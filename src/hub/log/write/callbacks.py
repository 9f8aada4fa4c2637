"""Callbacks as they came, and what is added to those that are stored."""

from operator import add
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from hub.database import Bulk, Callback, Store, table
from hub.log.hashing import HALF_BYTES
from hub.log.write.batch import Batch

_ROWS = table(Callback)
_CHANGING = ("receipts", "duplicates", "quarantined", "digest")


class Callbacks:
    """Writes the callbacks of batches."""

    def __init__(self, store: Store) -> None:
        self._among = store.dialect.among
        self._insert = Bulk(insert(_ROWS), store.sql)
        self._update = Bulk(_update(), store.sql)

    def store(self, connection: Connection, batch: Batch) -> None:
        """Insert those of *batch* that are new, and count what others have more than before."""
        self._insert.run(connection, batch.callback_rows)
        fixed = (_ROWS.c.id, _ROWS.c.provider, _ROWS.c.received_at)
        wanted = select(*fixed, *(_ROWS.c[name] for name in _CHANGING))
        for some in self._among(_ROWS.c.id, batch.callback_sums):
            rows = connection.execute(wanted.where(some)).all()
            self._update.run(connection, [_more(row, batch) for row in rows])


def _more(row: Any, batch: Batch) -> tuple[Any, ...]:
    number, provider, received_at, *before, digest = row
    counts = tuple(map(add, before, batch.callback_sums[number]))
    rest = batch.hashing.callback(number, provider, received_at, *counts)
    return (*counts, digest[:HALF_BYTES] + rest, number)


def _update() -> Any:
    new = {name: bindparam(name, type_=_ROWS.c[name].type) for name in _CHANGING}
    return update(_ROWS).where(_ROWS.c.id == bindparam("row")).values(new)
