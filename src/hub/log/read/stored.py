"""Bytes that were kept, to be read again: what is in quarantine, and callbacks as they came."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlmodel import col

from hub.database.columns import table
from hub.database.dialect import AWAY
from hub.database.store import Store
from hub.database.tables import Callback, MessageRow, Provider, QuarantineRow, ReceiptRow
from hub.errors import StoreUnavailable
from hub.log.hashing import fingerprint, stored_fingerprint
from hub.log.read.quarantine import QuarantineItem
from hub.log.read.snapshot import Reading
from hub.receipt import Entry, Micros, Receipt

_AT_ONCE = 500
"""Receipts that are looked up by one statement."""


@dataclass(frozen=True, slots=True)
class StoredCallback:
    """A callback as it came."""

    id: int
    received_at: Micros
    body: bytes
    headers: dict[str, str]


async def unresolved(
    reading: Reading, *, provider: str = "", reason: str = "", after: int, limit: int
) -> list[QuarantineItem]:
    """What is in quarantine and cannot be read yet, oldest first, after the id *after*."""
    row = QuarantineRow
    columns = (row.id, Provider.name, row.reason, row.adapter, row.first_seen_at, row.last_seen_at)
    more = (row.count, row.resolved_at, row.raw, row.whole, row.headers, row.provider, row.callback)
    statement = (
        select(*(col(column) for column in (*columns, *more)))
        .join(Provider, col(Provider.id) == col(row.provider))
        .where(col(row.resolved_at).is_(None), col(row.id) > after)
        .order_by(col(row.id))
        .limit(limit)
    )
    if provider:
        statement = statement.where(col(Provider.name) == provider)
    if reason:
        statement = statement.where(col(row.reason) == reason)
    rows: Sequence[Any] = (await reading.connection.execute(statement)).all()
    return [QuarantineItem(*values) for values in rows]


async def resolve(store: Store, item: int) -> None:
    """Mark that the quarantined *item* was read at last.  Raises `StoreUnavailable`."""
    rows = table(QuarantineRow)
    now = time.time_ns() // 1000
    try:
        async with store.writer.begin() as connection:
            await connection.execute(update(rows).where(rows.c.id == item).values(resolved_at=now))
    except AWAY as error:
        raise StoreUnavailable(store.dialect.advice(error)) from error


async def callbacks(
    reading: Reading, *, provider: int, since: Micros, after: int, limit: int
) -> list[StoredCallback]:
    """Callbacks of *provider* received at *since* or later whose bodies are kept, oldest first."""
    row = Callback
    statement = (
        select(col(row.id), col(row.received_at), col(row.body), col(row.headers))
        .where(
            col(row.provider) == provider,
            col(row.received_at) >= since,
            col(row.body).is_not(None),
            col(row.id) > after,
        )
        .order_by(col(row.id))
        .limit(limit)
    )
    rows: Sequence[Any] = (await reading.connection.execute(statement)).all()
    return [StoredCallback(*values) for values in rows]


async def as_logged(
    reading: Reading, provider: int, receipts: Sequence[Receipt]
) -> list[Entry | None]:
    """
    What the log has of each of *receipts*: the entry, or the last correction of it; None where
    it has nothing that came as this one did.
    """
    found: list[Entry | None] = []
    for start in range(0, len(receipts), _AT_ONCE):
        found += await _as_logged(reading, provider, receipts[start : start + _AT_ONCE])
    return found


async def _as_logged(
    reading: Reading, provider: int, receipts: Sequence[Receipt]
) -> list[Entry | None]:
    keys = [reading.hashing.key(provider, r.message_id, r.recipient) for r in receipts]
    known = select(col(MessageRow.key), col(MessageRow.id)).where(
        col(MessageRow.key).in_(set(keys))
    )
    rows: Sequence[Any] = (await reading.connection.execute(known)).all()
    messages: dict[bytes, int] = dict(rows)
    entries = await reading.entries.of_messages(reading.connection, list(messages.values()))
    latest = _latest(entries)
    origins = await _origins(reading, list(messages.values()))
    found: list[Entry | None] = []
    for receipt, key in zip(receipts, keys, strict=True):
        mark = stored_fingerprint(fingerprint(receipt))
        origin = origins.get((messages.get(key, 0), mark))
        found.append(None if origin is None else latest.get(origin))
    return found


def _latest(entries: Sequence[Entry]) -> dict[int, Entry]:
    """By the position of each original receipt, its last correction, or itself."""
    origin: dict[int, int] = {}
    latest: dict[int, Entry] = {}
    for entry in entries:
        corrects = entry.corrects
        origin[entry.position] = (
            entry.position if corrects is None else origin.get(corrects, corrects)
        )
        latest[origin[entry.position]] = entry
    return latest


async def _origins(reading: Reading, messages: list[int]) -> dict[tuple[int, int], int]:
    """Positions of original receipts by message and fingerprint."""
    rows = await reading.connection.execute(
        select(
            col(ReceiptRow.message), col(ReceiptRow.fingerprint), col(ReceiptRow.position)
        ).where(col(ReceiptRow.message).in_(messages), col(ReceiptRow.corrects).is_(None))
    )
    return {(message, mark): position for message, mark, position in rows}
