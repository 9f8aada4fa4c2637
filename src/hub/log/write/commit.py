"""One transaction: a batch of arrivals into the log, all of it or nothing."""

import os
import time
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.engine.interfaces import Dialect as SqlDialect
from sqlmodel import Session, col

from hub.database import (
    Bulk,
    Callback,
    DeliveryStat,
    Fingerprint,
    KindRow,
    Kinds,
    LatencyStat,
    Log,
    MessageRow,
    ReceiptRow,
    Store,
    insert_into,
    read_kinds,
    table,
)
from hub.log.derive.corrections import left_by_purged
from hub.log.derive.state import MessageState, PartState
from hub.log.hashing import Hashing
from hub.log.read.entries import EntryReader
from hub.log.write.arrival import Arrival, Outcome
from hub.log.write.batch import Batch, Head
from hub.log.write.callbacks import Callbacks
from hub.log.write.duplicates import recognise
from hub.log.write.quarantine import Quarantine
from hub.log.write.working import Working
from hub.receipt import Micros

_MESSAGE_COLUMNS = [each for each in table(MessageRow).columns if each.name != "parts"]

_BALLAST = 0
"""The id of a callback that never is; theirs begin at 1."""
_BALLAST_BYTES = 262_144


class Committed(NamedTuple):
    """What one transaction did."""

    outcomes: list[Outcome]
    head: int
    batch: Batch


class Committer:
    """
    Writes batches.  The transaction locks the log's one row first, so that positions are given
    out, committed and seen in the same order, by however many processes.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        sql = store.sql
        self._quarantine = Quarantine(store, store.settings.quarantine_max_bytes)
        self._hashing: Hashing | None = None
        self._insert_receipt = Bulk(insert(table(ReceiptRow)), sql)
        self._insert_message = Bulk(insert(table(MessageRow)), sql)
        self._update_message = Bulk(_update_message(), sql)
        self._insert_fingerprint = Bulk(insert(table(Fingerprint)), sql)
        self._callbacks = Callbacks(store)
        self._add_delivery = Bulk(_add(DeliveryStat, sql), sql)
        self._add_latency = Bulk(_add(LatencyStat, sql), sql)

    async def commit(self, arrivals: list[Arrival]) -> Committed:
        """Commit *arrivals*; every database error passes through, with nothing written."""
        committed = await self._store.write(lambda session: self._commit(session, arrivals))
        if len(committed.batch.kinds) > len(self._store.kinds):
            self._store.kinds = committed.batch.kinds
        return committed

    async def reconnect(self) -> None:
        """Begin the next transaction on a new connection: the present one may be what is broken."""
        await self._store.reconnect()

    async def probe(self) -> None:
        """Learn whether the database takes writes, such as need space too."""
        await self._store.write(_probe)

    def _commit(self, session: Session, arrivals: list[Arrival]) -> Committed:
        connection = session.connection()
        head, secret = lock(connection)
        if self._hashing is None:
            self._hashing = Hashing(secret)
        kinds = self._store.kinds
        if head.kinds != len(kinds):
            kinds = read_kinds(session)
        batch = Batch(arrivals, self._hashing, kinds)
        self._load(connection, batch)
        after = batch.place(head, max(_now(), head.recorded_at))
        self._write(connection, batch)
        held = self._quarantine.store(connection, batch.unreadable, head.quarantine_bytes)
        self._advance(connection, head, after._replace(quarantine_bytes=held))
        return Committed(batch.outcomes, after.position, batch)

    def _load(self, connection: Connection, batch: Batch) -> None:
        keys = batch.keys
        if not keys:
            return
        wanted = select(*_MESSAGE_COLUMNS, col(MessageRow.parts))
        for some in self._store.dialect.among(col(MessageRow.key), keys):
            for row in connection.execute(wanted.where(some)):
                batch.messages[row.key] = _working(row, batch.kinds)
        recognise(connection, batch)
        for key in batch.corrected:
            if key in batch.messages:
                _load_history(connection, batch.messages[key], batch)

    def _write(self, connection: Connection, batch: Batch) -> None:
        if batch.new_kinds:
            rows = [(kind.id, *kind.key) for kind in batch.new_kinds]
            connection.execute(insert(table(KindRow)).values(rows))
        self._insert_message.run(connection, batch.new_message_rows())
        self._update_message.run(
            connection,
            [
                tuple(changes[name] for name in self._update_message.columns)
                for changes in batch.changed_message_values()
            ],
        )
        self._insert_fingerprint.run(connection, batch.fingerprint_rows())
        self._insert_receipt.run(connection, batch.receipt_rows)
        self._callbacks.store(connection, batch)
        self._add_delivery.run(connection, batch.rollup.cells())
        self._add_latency.run(connection, batch.rollup.latencies())

    def _advance(self, connection: Connection, before: Head, after: Head) -> None:
        if after != before:
            connection.execute(
                update(table(Log)).values(
                    head=after.position,
                    recorded_at=after.recorded_at,
                    callbacks=after.callbacks,
                    kinds=after.kinds,
                    quarantine_bytes=after.quarantine_bytes,
                )
            )
        if after.position != before.position:
            self._store.dialect.announce(connection, after.position)


def _working(row: Any, kinds: Kinds) -> Working:
    kind = kinds.by_id[row.kind]
    whole = PartState(kind.status, row.error_code, kind.error_category, row.segments, row.conflict)
    state = MessageState(
        whole,
        receipt_count=row.receipt_count,
        status_at=row.status_at,
        delivered_at=row.delivered_at,
        latency=row.latency,
    )
    state.load_parts(row.parts)
    return Working(
        id=row.id,
        key=row.key,
        provider=row.provider,
        message_id=row.message_id,
        recipient=row.recipient,
        first_received_at=row.first_received_at,
        first_recorded_at=row.first_recorded_at,
        state=state,
        fingerprints=row.fingerprints,
        stored=(row.kind, row.latency),
    )


def _load_history(connection: Connection, message: Working, batch: Batch) -> None:
    entries = EntryReader(batch.kinds, batch.hashing).of_message(connection, message.id)
    if not entries or entries[0].position != message.id:
        message.left = left_by_purged(message.state, entries)
    message.history = [(e.position, e.corrects, e, e.received_at, e.recorded_at) for e in entries]


def lock(connection: Connection) -> tuple[Head, bytes]:
    """Lock the log until the end of the transaction; return its head and its secret."""
    row = (
        connection.execute(
            select(
                col(Log.head),
                col(Log.recorded_at),
                col(Log.callbacks),
                col(Log.kinds),
                col(Log.quarantine_bytes),
                col(Log.oldest),
                col(Log.oldest_callback),
                col(Log.emptied),
                col(Log.swept),
                col(Log.secret),
            ).with_for_update()
        )
    ).one()
    return Head._make(row[:-1]), row.secret


def _probe(session: Session) -> None:
    """A row that nobody else ever sees comes and goes."""
    connection = session.connection()
    lock(connection)
    connection.execute(insert(table(Callback)), _ballast())
    connection.execute(delete(table(Callback)).where(col(Callback.id) == _BALLAST))


def _now() -> Micros:
    return time.time_ns() // 1000


def _ballast() -> dict[str, Any]:
    """Bytes that no database can store in less space."""
    return {
        "id": _BALLAST,
        "provider": 0,
        "received_at": 0,
        "body": os.urandom(_BALLAST_BYTES),
        "headers": {},
        "receipts": 0,
        "duplicates": 0,
        "quarantined": 0,
        "digest": b"",
    }


def _update_message() -> Any:
    names = (
        "kind",
        "error_code",
        "segments",
        "status_at",
        "delivered_at",
        "latency",
        "receipt_count",
        "conflict",
        "parts",
        "fingerprints",
    )
    rows = table(MessageRow)
    return (
        update(rows)
        .where(rows.c.id == bindparam("row"))
        .values({name: bindparam(name, type_=rows.c[name].type) for name in names})
    )


def _add(model: type[DeliveryStat] | type[LatencyStat], sql: SqlDialect) -> Any:
    rows = table(model)
    statement = insert_into(rows, sql)
    sums = [c for c in rows.columns if not c.primary_key]
    return statement.on_conflict_do_update(
        index_elements=list(rows.primary_key.columns),
        set_={c.name: c + statement.excluded[c.name] for c in sums},
    )
