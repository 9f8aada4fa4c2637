"""
What a batch adds to the statistics.

The same sums are kept by the minute, the quarter of an hour, the hour and six hours, so that a
day of any time zone is a handful of buckets and a year of them costs little more to add up.
"""

from collections import defaultdict
from typing import Any

from hub.receipt import Micros

MINUTE = 60_000_000
GRAINS = (1, 15, 60, 360)
"""Minutes per bucket, each a multiple of the one before.  Zones are whole quarters apart."""


class Rollup:
    """Sums of increments, by grain, bucket and kind."""

    def __init__(self) -> None:
        self._cells: defaultdict[tuple[Micros, int], list[int]] = defaultdict(lambda: [0, 0, 0])
        self._latencies: defaultdict[tuple[Micros, int, int], int] = defaultdict(int)

    def receipt(self, recorded_at: Micros, kind: int, segments: int | None) -> None:
        """Count a receipt."""
        cell = self._cells[recorded_at - recorded_at % MINUTE, kind]
        cell[0] += 1
        cell[1] += segments or 0

    def message(self, first: Micros, kind: int, latency: int | None, change: int) -> None:
        """Count a message first recorded at *first* in (1) or out (-1)."""
        bucket = first - first % MINUTE
        self._cells[bucket, kind][2] += change
        if latency is not None:
            self._latencies[bucket, kind, latency] += change

    def cells(self) -> list[tuple[int, ...]]:
        """Rows of `delivery_stat`: grain, bucket, kind, receipts, segments, messages."""
        sums: defaultdict[tuple[int, Micros, int], list[int]] = defaultdict(lambda: [0, 0, 0])
        for (bucket, kind), values in self._cells.items():
            for grain in GRAINS:
                total = sums[grain, _start(bucket, grain), kind]
                for index, value in enumerate(values):
                    total[index] += value
        return [(*key, *values) for key, values in sorted(sums.items()) if any(values)]

    def latencies(self) -> list[tuple[int, ...]]:
        """Rows of `latency_stat`: grain, bucket, kind, latency, messages."""
        sums: defaultdict[Any, int] = defaultdict(int)
        for (bucket, kind, latency), change in self._latencies.items():
            for grain in GRAINS:
                sums[grain, _start(bucket, grain), kind, latency] += change
        return [(*key, change) for key, change in sorted(sums.items()) if change]


def _start(bucket: Micros, grain: int) -> Micros:
    return bucket - bucket % (grain * MINUTE)
