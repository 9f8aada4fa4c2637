"""One transaction: a batch of arrivals into the log, all of it or nothing."""

import time
from collections import defaultdict
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlmodel import col

from hub.log import quarantine
from hub.log.arrival import Arrival, Outcome
from hub.log.batch import Batch, Head
from hub.log.columns import table
from hub.log.dialect import Bulk, Dialect, insert_into
from hub.log.entries import EntryReader
from hub.log.hashing import Hashing
from hub.log.kinds import Kinds
from hub.log.state import MessageState, PartState
from hub.log.tables import Callback, DeliveryStat, LatencyStat, Log, MessageRow, ReceiptRow
from hub.log.tables import Kind as KindRow
from hub.log.working import FINGERPRINTS_KEPT, History, Working
from hub.receipt import Micros

_MESSAGE_COLUMNS = [column for column in table(MessageRow).columns if column.name != "parts"]


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

    def __init__(
        self, engine: AsyncEngine, dialect: Dialect, kinds: Kinds, quarantine_limit: int
    ) -> None:
        self.engine = engine
        self.dialect = dialect
        self._kinds = kinds
        self._quarantine_limit = quarantine_limit
        self._hashing: Hashing | None = None
        self._insert_receipt = Bulk(insert(table(ReceiptRow)), engine)
        self._insert_message = Bulk(insert(table(MessageRow)), engine)
        self._update_message = Bulk(_update_message(), engine)
        self._insert_callback = Bulk(insert(table(Callback)), engine)
        self._add_delivery = Bulk(_add(DeliveryStat, engine), engine)
        self._add_latency = Bulk(_add(LatencyStat, engine), engine)

    async def commit(self, arrivals: list[Arrival]) -> Committed:
        """Commit *arrivals*; every database error passes through, with nothing written."""
        async with self.engine.begin() as connection:
            head, secret = await lock(connection)
            if self._hashing is None:
                self._hashing = Hashing(secret)
            batch = Batch(arrivals, self._hashing)
            if head.kinds != len(self._kinds.by_id):
                await self._kinds.load(connection)
            await self._load(connection, batch)
            after = batch.place(head, self._kinds, max(_now(), head.recorded_at))
            await self._write(connection, batch)
            after = after._replace(
                quarantine_bytes=await quarantine.store(
                    connection, batch.unreadable, head.quarantine_bytes, self._quarantine_limit
                )
            )
            await self._advance(connection, head, after)
        for number, provider, key in batch.new_kinds:
            self._kinds.add(number, provider, key)
        return Committed(batch.outcomes, after.position, batch)

    async def probe(self) -> None:
        """Write nothing in particular, to learn whether the database takes writes."""
        async with self.engine.begin() as connection:
            head, _secret = await lock(connection)
            values = {"callbacks": head.callbacks}
            await connection.execute(update(table(Log)).values(values))

    async def _load(self, connection: AsyncConnection, batch: Batch) -> None:
        keys = batch.keys
        if not keys:
            return
        rows = await connection.execute(
            select(*_MESSAGE_COLUMNS, col(MessageRow.parts)).where(col(MessageRow.key).in_(keys))
        )
        for row in rows:
            batch.messages[row.key] = self._working(row)
        crowded = [m.id for m in batch.messages.values() if _crowded(m)]
        if crowded:
            batch.known(await _fingerprints(connection, crowded))
        for key in batch.corrected:
            if key in batch.messages:
                message = batch.messages[key]
                message.history = await self._history(connection, message.id)

    def _working(self, row: Any) -> Working:
        kind = self._kinds.by_id[row.kind]
        whole = PartState(
            kind.status, row.error_code, kind.error_category, row.segments, row.conflict
        )
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

    async def _history(self, connection: AsyncConnection, message: int) -> History:
        entries = await EntryReader(self._kinds).of_messages(connection, [message])
        return [(e.position, e.corrects, e, e.received_at, e.recorded_at) for e in entries]

    async def _write(self, connection: AsyncConnection, batch: Batch) -> None:
        if batch.new_kinds:
            await connection.execute(insert(table(KindRow)), _kind_rows(batch))
        await self._insert_message.run(connection, batch.new_message_rows())
        await self._update_message.run(
            connection,
            [
                tuple(values[name] for name in self._update_message.columns)
                for values in batch.changed_message_values()
            ],
        )
        await self._insert_receipt.run(connection, batch.receipt_rows)
        await self._insert_callback.run(connection, batch.callback_rows)
        await self._add_delivery.run(connection, batch.rollup.cells())
        await self._add_latency.run(connection, batch.rollup.latencies())

    async def _advance(self, connection: AsyncConnection, before: Head, after: Head) -> None:
        if after != before:
            await connection.execute(
                update(table(Log)).values(
                    head=after.position,
                    recorded_at=after.recorded_at,
                    callbacks=after.callbacks,
                    kinds=after.kinds,
                    quarantine_bytes=after.quarantine_bytes,
                )
            )
        if after.position != before.position:
            await self.dialect.announce(connection, after.position)


async def lock(connection: AsyncConnection) -> tuple[Head, bytes]:
    """Lock the log until the end of the transaction; return its head and its secret."""
    row = (
        await connection.execute(
            select(
                col(Log.head),
                col(Log.recorded_at),
                col(Log.callbacks),
                col(Log.kinds),
                col(Log.quarantine_bytes),
                col(Log.oldest),
                col(Log.secret),
            ).with_for_update()
        )
    ).one()
    return Head(*row[:-1]), row.secret


def _now() -> Micros:
    return time.time_ns() // 1000


def _crowded(message: Working) -> bool:
    return message.state.receipt_count > FINGERPRINTS_KEPT


async def _fingerprints(connection: AsyncConnection, messages: list[int]) -> dict[int, set[bytes]]:
    rows = await connection.execute(
        select(col(ReceiptRow.message), col(ReceiptRow.fingerprint)).where(
            col(ReceiptRow.message).in_(messages)
        )
    )
    found: defaultdict[int, set[bytes]] = defaultdict(set)
    for message, fingerprint in rows:
        found[message].add(fingerprint.to_bytes(8, signed=True))
    return found


def _kind_rows(batch: Batch) -> list[dict[str, Any]]:
    names = ("provider", "status", "category", "applied")
    return [
        {"id": number, **dict(zip(names, key, strict=True))} for number, _, key in batch.new_kinds
    ]


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


def _add(model: type[DeliveryStat] | type[LatencyStat], engine: AsyncEngine) -> Any:
    rows = table(model)
    statement = insert_into(rows, engine)
    sums = [c for c in rows.columns if not c.primary_key]
    return statement.on_conflict_do_update(
        index_elements=list(rows.primary_key.columns),
        set_={c.name: c + statement.excluded[c.name] for c in sums},
    )
