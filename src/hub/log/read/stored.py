"""Bytes that were kept, to be read again: what is in quarantine, and callbacks as they came."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from hub.database import Callback, MessageRow, QuarantineRow, ReceiptRow, Store, table
from hub.log.hashing import fingerprint, stored_fingerprint
from hub.log.read.entries import entry_rows
from hub.log.read.quarantine import QuarantineItem, item, quarantined
from hub.log.read.snapshot import Snapshot
from hub.receipt import Entry, Micros, Receipt

_ORIGINALS = select(*table(ReceiptRow).columns).where(col(ReceiptRow.corrects).is_(None))


@dataclass(frozen=True, slots=True)
class StoredCallback:
    """A callback as it came."""

    id: int
    received_at: Micros
    body: bytes
    headers: dict[str, str]


def unresolved(
    snapshot: Snapshot, *, provider: str = "", reason: str = "", after: int, limit: int
) -> list[QuarantineItem]:
    """What is in quarantine and cannot be read yet, oldest first, after the id *after*."""
    row = QuarantineRow
    statement = quarantined(provider).where(col(row.resolved_at).is_(None), col(row.id) > after)
    if reason:
        statement = statement.where(col(row.reason) == reason)
    found = snapshot.session.exec(statement.order_by(col(row.id)).limit(limit))
    return [item(*each) for each in found]


async def resolve(store: Store, number: int) -> None:
    """Mark that the quarantined item *number* was read at last.  Raises `StoreUnavailable`."""

    def work(session: Session) -> None:
        if row := session.get(QuarantineRow, number):
            row.resolved_at = time.time_ns() // 1000

    await store.write(work)


def callbacks(
    snapshot: Snapshot, *, provider: int, since: Micros, after: int, limit: int
) -> list[StoredCallback]:
    """Callbacks of *provider* received at *since* or later whose bodies are kept, oldest first."""
    statement = select(Callback).where(
        col(Callback.provider) == provider,
        col(Callback.received_at) >= since,
        col(Callback.body).is_not(None),
        col(Callback.id) > after,
    )
    rows = snapshot.session.exec(statement.order_by(col(Callback.id)).limit(limit))
    return [StoredCallback(r.id, r.received_at, r.body or b"", r.headers) for r in rows]


def as_logged(snapshot: Snapshot, provider: int, receipts: Sequence[Receipt]) -> list[Entry | None]:
    """
    What the log has of each of *receipts*: the entry, or the last correction of it; None where
    it has nothing that came as this one did.
    """
    keys = [snapshot.hashing.key(provider, r.message_id, r.recipient) for r in receipts]
    known = select(col(MessageRow.key), col(MessageRow.id))
    rows = snapshot.among(known, col(MessageRow.key), set(keys))
    messages = {row.key: row.id for row in rows}
    of_message = col(ReceiptRow.message)
    ordered = entry_rows().order_by(col(ReceiptRow.position))
    found = snapshot.among(ordered, of_message, messages.values())
    latest = _latest(snapshot.entries.entry(row) for row in found)
    originals = snapshot.among(_ORIGINALS, of_message, messages.values())
    origins = {(row.message, _fingerprint(row, snapshot)): row.position for row in originals}
    logged: list[Entry | None] = []
    for receipt, key in zip(receipts, keys, strict=True):
        mark = stored_fingerprint(fingerprint(receipt))
        origin = origins.get((messages.get(key, 0), mark))
        logged.append(None if origin is None else latest.get(origin))
    return logged


def _fingerprint(row: Any, snapshot: Snapshot) -> int:
    return snapshot.hashing.mixed(row, snapshot.kinds.by_id[row.kind].key)


def _latest(entries: Iterable[Entry]) -> dict[int, Entry]:
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
