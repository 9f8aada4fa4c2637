"""The statistics counted again from the log, to be held against the roll-up."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, select

from hub.database.columns import table
from hub.database.tables import DeliveryStat, LatencyStat
from hub.log.derive.rollup import GRAINS, MINUTE, Rollup
from hub.receipt import Micros

Rows = dict[tuple[int, ...], tuple[int, ...]]


class Recount:
    """Sums over the whole log and all messages."""

    def __init__(self) -> None:
        self._rollup = Rollup()

    def receipt(self, recorded_at: Micros, kind: int, segments: int | None) -> None:
        """Count a receipt."""
        self._rollup.receipt(recorded_at, kind, segments)

    def message(self, first_recorded_at: Micros, kind: int, latency: int | None) -> None:
        """Count a message."""
        self._rollup.message(first_recorded_at, kind, latency, 1)

    def compare(
        self,
        connection: Connection,
        oldest: Micros | None,
        problem: Callable[[str], None],
        *,
        purged: bool,
    ) -> None:
        """
        Tell *problem* every bucket whose stored sums differ.  After a purge the statistics know
        more than the log: then buckets up to that of *oldest*, the first kept receipt, are left.
        """
        self._deliveries(connection, _from(oldest, purged=purged), problem)
        self._latencies(connection, _from(oldest, purged=purged), problem)

    def _deliveries(
        self, connection: Connection, start: Micros, problem: Callable[[str], None]
    ) -> None:
        rows = connection.execute(select(table(DeliveryStat)))
        stored = {tuple(row[:3]): tuple(row[3:]) for row in rows if any(row[3:])}
        counted = {row[:3]: row[3:] for row in self._rollup.cells()}
        _differences("statistics", stored, counted, start, problem)

    def _latencies(
        self, connection: Connection, start: Micros, problem: Callable[[str], None]
    ) -> None:
        rows = connection.execute(select(table(LatencyStat)))
        stored = {tuple(row[:4]): tuple(row[4:]) for row in rows if any(row[4:])}
        counted = {row[:4]: row[4:] for row in self._rollup.latencies()}
        _differences("latencies", stored, counted, start, problem)


def _from(oldest: Micros | None, *, purged: bool) -> Micros:
    if not purged:
        return 0
    if oldest is None:
        return 2**62
    coarse = GRAINS[-1] * MINUTE
    return oldest - oldest % coarse + coarse


def _differences(
    what: str, stored: Rows, counted: Any, start: Micros, problem: Callable[[str], None]
) -> None:
    wrong: Counter[tuple[int, int]] = Counter()
    for key in stored.keys() | counted.keys():
        if key[1] >= start and stored.get(key) != counted.get(key):
            wrong[key[0], key[1]] += 1
    for (grain, bucket), rows in sorted(wrong.items()):
        problem(f"{what} of the {grain}-minute bucket at {bucket} differ in {rows} rows")
