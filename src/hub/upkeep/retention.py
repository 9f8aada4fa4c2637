"""
Purging what is older than its retention, in transactions too small to be noticed by ingest.

Receipts go first, from the oldest on; a subscription that still needs them holds the purge back
up to a limit.  A message's row stays a few days longer than its receipts, so that their late
duplicates are still known.  What a subscription has set aside goes with its receipt, without which
it cannot be sent again.  Statistics stay.
"""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial

import structlog
from sqlalchemy import func, select
from sqlmodel import Session, col

from hub.database import ReceiptRow, SubscriptionRow
from hub.errors import StoreUnavailable
from hub.log import ReceiptLog, Snapshot
from hub.receipt import Micros
from hub.settings import Settings
from hub.telemetry import Metrics
from hub.upkeep import purge
from hub.upkeep.purge import ROWS_AT_ONCE, Removed, Step

SWEEP_SECONDS = 60.0
MESSAGE_GRACE_DAYS = 4.0
"""Carriers report up to 72 hours late, and providers repeat themselves for another day."""

SLICE_SECONDS = 0.003
"""Longest that a slice of a purge should take, without its commit."""
FIRST_ROWS = 16
"""Rows of the first slice, before it is known how long they take."""
LEAST_ROWS = 8
PAUSES = 3
"""
How many times as long as a slice took none follows.  Its wait for a turn between commits comes on
top, which grows with the load; were that counted too, a purge would fall behind busy providers.
"""

_DAY = 86_400_000_000

logger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Purged:
    """Rows that a sweep removed."""

    receipts: int = 0
    messages: int = 0
    callbacks: int = 0
    """Of which the raw body or the whole row is gone."""
    quarantined: int = 0
    parked: int = 0


class Retention:
    """Sweeps a log whose settings set a retention."""

    def __init__(self, log: ReceiptLog, settings: Settings, metrics: Metrics) -> None:
        self._log, self._store = log, log.store
        self._settings, self._metrics = settings, metrics

    async def run(self) -> None:
        """Sweep every minute, until cancelled."""
        while True:
            try:
                await self.sweep()
            except StoreUnavailable as error:
                advice = error.advice
                logger.warning("purge failed; it is tried again", advice=advice)
            await asyncio.sleep(SWEEP_SECONDS)

    async def sweep(self, now: Micros | None = None) -> Purged:
        """Purge everything that is due at *now*."""
        now = time.time_ns() // 1000 if now is None else now
        total: Counter[str] = Counter()
        for step in await self._steps(now):
            total.update(await self._repeat(step))
        return Purged(
            receipts=total["receipt"],
            messages=total["message"],
            callbacks=total["callback"] + total["body"],
            quarantined=total["quarantine"],
            parked=total["parked"],
        )

    async def _steps(self, now: Micros) -> list[Step]:
        steps: list[Step] = []
        days = self._settings.retention_days
        raw_days = self._settings.raw_retention_days or days
        if days is not None:
            steps += [
                partial(purge.receipts, bound=await self._bound(now, days)),
                purge.parked,
                partial(purge.messages, limit=_before(now, days + MESSAGE_GRACE_DAYS)),
                partial(purge.callbacks, cutoff=_before(now, days)),
            ]
        if raw_days is not None:
            cutoff = _before(now, raw_days)
            steps += [
                partial(purge.bodies, cutoff=cutoff),
                partial(purge.quarantine, cutoff=cutoff),
            ]
        return steps

    async def _repeat(self, step: Step) -> Counter[str]:
        """
        Take *step* in transactions of its own until nothing is due.  A callback may have to wait
        for one of them, so each is as small as takes a few milliseconds, and most of the time is
        left to ingest.
        """
        total: Counter[str] = Counter()
        rows = FIRST_ROWS
        while True:
            removed, seconds = await self._store.write(partial(_timed, step, rows))
            if removed is None:
                return total
            total.update(removed)
            for what, count in removed.items():
                self._metrics.purged.labels(what).inc(count)
            rows = paced(rows, seconds)
            await asyncio.sleep(PAUSES * seconds)

    async def _bound(self, now: Micros, days: float) -> int:
        """The first position to keep."""
        due = await self._log.position_at(_before(now, days)) + 1
        hard = await self._log.position_at(_before(now, days + self._settings.retention_hold_days))

        def work(snapshot: Snapshot) -> tuple[int, float]:
            statement = select(func.min(col(SubscriptionRow.acked)))
            acked = snapshot.connection.execute(statement).scalar()
            needed = due if acked is None else min(due, acked + 1)
            bound = max(needed, hard + 1)
            if bound >= due:
                return bound, 0.0
            first = max(bound, snapshot.bounds.oldest)
            statement = select(col(ReceiptRow.recorded_at)).where(col(ReceiptRow.position) == first)
            recorded_at = snapshot.connection.execute(statement).scalar()
            late = 0 if recorded_at is None else _before(now, days) - recorded_at
            return bound, late / 1_000_000

        bound, held = await self._log.snapshot(work)
        self._metrics.purge_held.set(held)
        return bound


def paced(rows: int, seconds: float) -> int:
    """How many rows the next slice may have, where one of *rows* took *seconds*."""
    if seconds > SLICE_SECONDS:
        return max(LEAST_ROWS, rows // 2)
    return min(rows + LEAST_ROWS // 2, ROWS_AT_ONCE)


def _before(now: Micros, days: float) -> Micros:
    return now - round(days * _DAY)


def _timed(step: Step, rows: int, session: Session) -> tuple[Removed, float]:
    started = time.perf_counter()
    return step(session.connection(), rows=rows), time.perf_counter() - started
