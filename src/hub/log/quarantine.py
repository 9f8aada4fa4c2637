"""Keeping what cannot be read: one row per distinct bytes, within a bound."""

from typing import Any

from sqlalchemy import Connection, Table, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from hub.errors import StoreUnavailable
from hub.log.arrival import Arrival, Unreadable
from hub.log.columns import table
from hub.log.hashing import digest
from hub.log.tables import QuarantineRow

Kept = tuple[Arrival, Unreadable, int | None]
"""What arrived, what of it cannot be read, and the callback it is part of."""


def store(connection: Connection, kept: list[Kept], held: int, limit: int) -> int:
    """
    Store or count *kept*; return the bytes held afterwards.  Raises `StoreUnavailable` where
    that would pass *limit* even without what was resolved, so that nothing is lost unseen.
    """
    if not kept:
        return held
    rows = _rows(kept)
    known = _known(connection, list(rows))
    more = sum(len(row["raw"]) for mark, row in rows.items() if mark not in known)
    if more and held + more > limit:
        held -= _drop_resolved(connection)
    if more and held + more > limit:
        message = "the quarantine is full: replay or drop what it holds, or raise its limit"
        raise StoreUnavailable(message)
    for row in rows.values():
        connection.execute(_upsert(connection, row))
    return held + more


def _rows(kept: list[Kept]) -> dict[bytes, dict[str, Any]]:
    rows: dict[bytes, dict[str, Any]] = {}
    for arrival, unreadable, callback in kept:
        mark = digest(arrival.provider_id, unreadable.whole, unreadable.raw)
        if mark in rows:
            rows[mark]["count"] += 1
            continue
        rows[mark] = {
            "provider": arrival.provider_id,
            "digest": mark,
            "whole": unreadable.whole,
            "reason": unreadable.reason,
            "adapter": arrival.adapter,
            "raw": unreadable.raw,
            "headers": arrival.headers,
            "callback": callback,
            "first_seen_at": arrival.received_at,
            "last_seen_at": arrival.received_at,
            "count": 1,
            "resolved_at": None,
        }
    return rows


def _known(connection: Connection, marks: list[bytes]) -> set[bytes]:
    column = col(QuarantineRow.digest)
    return set((connection.execute(select(column).where(column.in_(marks)))).scalars())


def _drop_resolved(connection: Connection) -> int:
    resolved = col(QuarantineRow.resolved_at).is_not(None)
    size = select(func.coalesce(func.sum(func.length(col(QuarantineRow.raw))), 0)).where(resolved)
    freed = int((connection.execute(size)).scalar_one())
    connection.execute(delete(table(QuarantineRow)).where(resolved))
    return freed


def _upsert(connection: Connection, row: dict[str, Any]) -> Any:
    rows: Table = table(QuarantineRow)
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = make(rows).values(row)
    return statement.on_conflict_do_update(
        index_elements=[rows.c.digest],
        set_={
            "count": rows.c.count + statement.excluded.count,
            "last_seen_at": statement.excluded.last_seen_at,
            "reason": statement.excluded.reason,
            "adapter": statement.excluded.adapter,
            "resolved_at": None,
        },
    )
