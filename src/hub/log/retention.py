"""
Purging what is older than its retention, in transactions too small to be noticed by ingest.

Receipts go first, from the oldest on; a subscription that still needs them holds the purge back
up to a limit.  A message's row stays a few days longer than its receipts, so that their late
duplicates are still known.  Statistics stay.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Connection, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from hub.errors import StoreUnavailable
from hub.log.columns import table
from hub.log.commit import lock
from hub.log.dialect import AWAY
from hub.log.log import ReceiptLog
from hub.log.tables import (
    Callback,
    Log,
    MessageRow,
    QuarantineRow,
    ReceiptRow,
    SubscriptionRow,
)
from hub.receipt import Micros
from hub.settings import Settings
from hub.telemetry import Metrics

ROWS_AT_ONCE = 250
SWEEP_SECONDS = 60.0
MESSAGE_GRACE_DAYS = 4.0
"""Carriers report up to 72 hours late, and providers repeat themselves for another day."""

_DAY = 86_400_000_000

logger = structlog.stdlib.get_logger(__name__)


@dataclass(slots=True)
class Purged:
    """Rows that a sweep removed."""

    receipts: int = 0
    messages: int = 0
    callbacks: int = 0
    """Of which the raw body or the whole row is gone."""
    quarantined: int = 0


class Retention:
    """Sweeps a log whose settings set a retention."""

    def __init__(self, log: ReceiptLog, settings: Settings, metrics: Metrics) -> None:
        self._log, self._store = log, log.store
        self._settings, self._metrics = settings, metrics
        self._emptied = 0
        self._looked_at = 0

    async def run(self) -> None:
        """Sweep every minute, until cancelled."""
        while True:
            try:
                await self.sweep()
            except (*AWAY, StoreUnavailable) as error:
                advice = self._store.dialect.advice(error)
                logger.warning("purge failed; it is tried again", advice=advice)
            await asyncio.sleep(SWEEP_SECONDS)

    async def sweep(self, now: Micros | None = None) -> Purged:
        """Purge everything that is due at *now*."""
        now = time.time_ns() // 1000 if now is None else now
        purged = Purged()
        days = self._settings.retention_days
        raw_days = self._settings.raw_retention_days or days
        if days is not None:
            bound = await self._bound(now, days)
            purged.receipts = await self._repeat("receipt", lambda c: self._receipts(c, bound))
            limit = _before(now, days + MESSAGE_GRACE_DAYS)
            self._looked_at = 0
            purged.messages = await self._repeat("message", lambda c: self._messages(c, limit))
            cutoff = _before(now, days)
            purged.callbacks = await self._repeat("callback", lambda c: self._callbacks(c, cutoff))
        if raw_days is not None:
            raw_cutoff = _before(now, raw_days)
            purged.callbacks += await self._repeat("body", lambda c: self._bodies(c, raw_cutoff))
            purged.quarantined = await self._repeat(
                "quarantine", lambda c: self._quarantine(c, raw_cutoff)
            )
        return purged

    async def _repeat(self, what: str, step: Callable[[Connection], int]) -> int:
        """Take *step* in transactions of its own until there is nothing left; pause in between."""
        total = 0
        while True:
            started = time.perf_counter()
            count = await self._store.writing.run(step)
            if not count:
                return total
            total += count
            self._metrics.purged.labels(what).inc(count)
            await asyncio.sleep(time.perf_counter() - started)  # ingest gets half of the time

    async def _bound(self, now: Micros, days: float) -> int:
        """The first position to keep."""
        due = await self._log.position_at(_before(now, days)) + 1
        hard = await self._log.position_at(_before(now, days + self._settings.retention_hold_days))
        async with self._log.reading() as reading:
            statement = select(func.min(col(SubscriptionRow.acked)))
            acked = (await reading.connection.execute(statement)).scalar()
            needed = due if acked is None else min(due, acked + 1)
            bound = max(needed, hard + 1)
            await self._tell_held(reading.connection, reading.bounds.oldest, bound, due, now, days)
            return bound

    async def _tell_held(
        self,
        connection: AsyncConnection,
        oldest: int,
        bound: int,
        due: int,
        now: Micros,
        days: float,
    ) -> None:
        held = 0.0
        if bound < due:
            statement = select(col(ReceiptRow.recorded_at)).where(
                col(ReceiptRow.position) == max(bound, oldest)
            )
            recorded_at = (await connection.execute(statement)).scalar()
            held = 0.0 if recorded_at is None else (_before(now, days) - recorded_at) / 1_000_000
        self._metrics.purge_held.set(held)

    def _receipts(self, connection: Connection, bound: int) -> int:
        head, _ = lock(connection)
        until = min(bound, head.oldest + ROWS_AT_ONCE, head.position + 1)
        if until <= head.oldest:
            return 0
        connection.execute(delete(table(ReceiptRow)).where(col(ReceiptRow.position) < until))
        connection.execute(update(table(Log)).values(oldest=until))
        return until - head.oldest

    def _messages(self, connection: Connection, limit: Micros) -> int:
        """Rows of messages first recorded before *limit* of which no receipt is kept."""
        head, _ = lock(connection)
        row = MessageRow
        number = col(row.id)
        statement = select(number, _kept(number)).where(
            number > self._looked_at, number < head.oldest, col(row.first_recorded_at) < limit
        )
        rows = (connection.execute(statement.order_by(number).limit(ROWS_AT_ONCE))).all()
        if rows:
            self._looked_at = rows[-1][0]
        gone = [message for message, kept in rows if not kept]
        connection.execute(delete(table(row)).where(number.in_(gone)))
        return len(rows)

    def _callbacks(self, connection: Connection, cutoff: Micros) -> int:
        """Rows of callbacks all of whose receipts are purged."""
        row = Callback
        first = select(col(ReceiptRow.callback)).order_by(col(ReceiptRow.position)).limit(1)
        kept = (connection.execute(first)).scalar()
        statement = select(col(row.id)).where(col(row.received_at) < cutoff)
        if kept is not None:
            statement = statement.where(col(row.id) < kept)
        rows = connection.execute(statement.order_by(col(row.id)).limit(ROWS_AT_ONCE))
        gone = list(rows.scalars())
        connection.execute(delete(table(row)).where(col(row.id).in_(gone)))
        return len(gone)

    def _bodies(self, connection: Connection, cutoff: Micros) -> int:
        row = Callback
        statement = (
            select(col(row.id))
            .where(col(row.id) > self._emptied, col(row.received_at) < cutoff)
            .order_by(col(row.id))
            .limit(ROWS_AT_ONCE)
        )
        due = list((connection.execute(statement)).scalars())
        if due:
            connection.execute(
                update(table(row)).where(col(row.id).in_(due)).values(body=None, headers={})
            )
            self._emptied = due[-1]
        return len(due)

    def _quarantine(self, connection: Connection, cutoff: Micros) -> int:
        lock(connection)
        row = QuarantineRow
        statement = select(col(row.id), func.length(col(row.raw))).where(
            col(row.last_seen_at) < cutoff
        )
        due = (connection.execute(statement.limit(ROWS_AT_ONCE))).all()
        if due:
            gone = [number for number, _ in due]
            connection.execute(delete(table(row)).where(col(row.id).in_(gone)))
            freed = sum(size for _, size in due)
            left = table(Log).c.quarantine_bytes - freed
            connection.execute(update(table(Log)).values(quarantine_bytes=left))
        return len(due)


def _before(now: Micros, days: float) -> Micros:
    return now - round(days * _DAY)


def _kept(message: Any) -> Any:
    return exists().where(col(ReceiptRow.message) == message)
