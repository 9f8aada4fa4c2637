"""Keeping what cannot be read: one row per distinct bytes, within a bound."""

import json
from collections.abc import Collection
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update
from sqlmodel import col

from hub.database import Bulk, QuarantineRow, Store, table
from hub.log.hashing import digest
from hub.log.write.arrival import Arrival, Unreadable

Unread = tuple[Arrival, Unreadable, int | None]
"""What arrived, what of it cannot be read, and the callback it is part of."""

_ROWS_AT_ONCE = 500


class QuarantineFull(Exception):
    """What is to be stored would pass the limit of the quarantine."""


class Quarantine:
    """
    What cannot be read.  All rows come and go under the log's lock, and their bytes are counted
    from the very rows that do, so the count cannot drift.
    """

    def __init__(self, store: Store, limit: int) -> None:
        self._limit = limit
        self._among = store.dialect.among
        self._insert = Bulk(_insert(), store.sql)
        self._count_again = Bulk(_count_again(), store.sql)

    def store(self, connection: Connection, items: list[Unread], held: int) -> int:
        """
        Store or count *items*; return the bytes held afterwards, where *held* were before.  Raises
        `QuarantineFull` where they would pass the limit even without what was resolved, so that
        nothing is lost unseen.
        """
        if not items:
            return held
        rows = _rows(items)
        known = self._known(connection, rows)
        # First of all, since what comes again is not resolved any more, and so not dropped.
        self._write(connection, self._count_again, [rows[mark] for mark in known])
        fresh = [row for mark, row in rows.items() if mark not in known]
        more = sum(len(row["raw"]) for row in fresh)
        if fresh and held + more > self._limit:
            held -= _drop_resolved(connection, held + more - self._limit)
            if held + more > self._limit:
                raise QuarantineFull
        self._write(connection, self._insert, fresh)
        return held + more

    def _known(self, connection: Connection, marks: Collection[bytes]) -> set[bytes]:
        column = col(QuarantineRow.digest)
        conditions = self._among(column, marks)
        found = (connection.execute(select(column).where(some)).scalars() for some in conditions)
        return set(chain.from_iterable(found))

    @staticmethod
    def _write(connection: Connection, bulk: Bulk, rows: list[dict[str, Any]]) -> None:
        bulk.run(connection, [tuple(row[name] for name in bulk.columns) for row in rows])


def _rows(items: list[Unread]) -> dict[bytes, dict[str, Any]]:
    rows: dict[bytes, dict[str, Any]] = {}
    for arrival, unreadable, callback in items:
        mark = digest(arrival.provider_id, unreadable.whole, unreadable.raw)
        if mark in rows:
            rows[mark]["count"] += 1
        else:
            rows[mark] = _row(mark, arrival, unreadable, callback)
    return rows


def _row(
    mark: bytes, arrival: Arrival, unreadable: Unreadable, callback: int | None
) -> dict[str, Any]:
    return {
        "provider": arrival.provider_id,
        "digest": mark,
        "whole": unreadable.whole,
        "reason": unreadable.reason,
        "adapter": arrival.adapter,
        "raw": unreadable.raw,
        "headers": json.dumps(arrival.headers),
        "callback": callback,
        "first_seen_at": arrival.received_at,
        "last_seen_at": arrival.received_at,
        "count": 1,
        "resolved_at": None,
    }


class _Resolved(NamedTuple):
    id: int
    size: int


def _drop_resolved(connection: Connection, needed: int) -> int:
    """Drop what was resolved, the longest resolved first, until *needed* bytes are free."""
    freed = 0
    while freed < needed and (oldest := _oldest_resolved(connection)):
        gone = []
        for row in oldest:
            if freed >= needed:
                break
            freed += row.size
            gone.append(row.id)
        connection.execute(delete(table(QuarantineRow)).where(col(QuarantineRow.id).in_(gone)))
    return freed


def _oldest_resolved(connection: Connection) -> list[_Resolved]:
    number, resolved_at = col(QuarantineRow.id), col(QuarantineRow.resolved_at)
    statement = (
        select(number, func.length(col(QuarantineRow.raw)))
        .where(resolved_at.is_not(None))
        .order_by(resolved_at, number)
        .limit(_ROWS_AT_ONCE)
    )
    return [_Resolved(*row) for row in connection.execute(statement)]


def _insert() -> Any:
    rows = table(QuarantineRow)
    given = [column for column in rows.columns if not column.primary_key]
    values = {column.name: bindparam(column.name, type_=column.type) for column in given}
    return insert(rows).values(values).inline()  # nobody asks for the ids


def _count_again() -> Any:
    rows = table(QuarantineRow)
    names = ("last_seen_at", "reason", "adapter", "resolved_at")
    return (
        update(rows)
        .where(rows.c.digest == bindparam("digest"))
        .values({name: bindparam(name, type_=rows.c[name].type) for name in names})
        .values(count=rows.c.count + bindparam("count", type_=rows.c["count"].type))
    )
