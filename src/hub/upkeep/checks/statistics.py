"""
The statistics, counted again from the log an hour at a time.

The log and its messages are in the order of time, so what was counted of an hour is compared, and
forgotten, when the next one begins.  Only the finest sums are counted from the log; each of the
coarser ones must be what the finer ones come to.
"""

from itertools import pairwise
from typing import Any

from sqlalchemy import func, or_, select
from sqlmodel import col

from hub.database import DeliveryStat, LatencyStat, ReceiptRow, table
from hub.log import GRAINS, MINUTE
from hub.receipt import Micros
from hub.upkeep.checks.moment import Moment

HOUR = 60 * MINUTE
_NEVER = 2**62

Key = tuple[int, ...]


class Recount:
    """Sums that are counted in the order of time, and compared with some columns of a table."""

    def __init__(self, moment: Moment, model: Any, sums: tuple[str, ...]) -> None:
        rows = table(model)
        self._moment, self._what = moment, rows.name
        self._bucket, self._sums = rows.c.bucket, [rows.c[name] for name in sums]
        self._stored = select(*list(rows.primary_key)[1:], *self._sums).where(
            rows.c.grain == GRAINS[0], or_(*(column != 0 for column in self._sums))
        )
        self._first = _first_whole_minute(moment)
        self._compared = self._first
        """Everything before is compared or, since the log no longer holds it, never is."""
        self._counted: dict[Key, list[int]] = {}

    def add(self, instant: Micros, key: Key, values: tuple[int, ...]) -> None:
        """Count *values* at *instant*, which is not before the hour of the one before."""
        hour = instant - instant % HOUR
        if hour > self._compared:
            self._compare(hour)
        bucket = instant - instant % MINUTE
        if bucket >= self._first:
            counted = self._counted.setdefault((bucket, *key), [0] * len(values))
            for index, value in enumerate(values):
                counted[index] += value

    def end(self) -> None:
        """Compare what is left."""
        self._compare(_NEVER)

    def _compare(self, until: Micros) -> None:
        within = self._stored.where(self._bucket >= self._compared, self._bucket < until)
        counted = {key: tuple(sums) for key, sums in self._counted.items() if any(sums)}
        width = len(self._sums)
        wrong = 0
        for row in self._moment.connection.execute(within):
            wrong += counted.pop(tuple(row[:-width]), None) != tuple(row[-width:])
        if wrong + len(counted):
            self._moment.problem(
                f"{wrong + len(counted)} rows of {self._what} from {self._compared} on are not"
                " what the log comes to"
            )
        self._counted, self._compared = {}, until


def receipts_recount(moment: Moment) -> Recount:
    """To be given receipts: by kind, how many and how many segments."""
    return Recount(moment, DeliveryStat, ("receipts", "segments"))


def messages_recount(moment: Moment) -> Recount:
    """To be given messages: by kind, how many."""
    return Recount(moment, DeliveryStat, ("messages",))


def latencies_recount(moment: Moment) -> Recount:
    """To be given messages that have a latency: by kind and latency, how many."""
    return Recount(moment, LatencyStat, ("messages",))


def check(moment: Moment) -> None:
    """Check that the coarser sums are what the finer ones come to, whatever was purged."""
    for model in (DeliveryStat, LatencyStat):
        for finer, coarser in pairwise(GRAINS):
            _check(moment, model, finer, coarser)


def _check(moment: Moment, model: Any, finer: int, coarser: int) -> None:
    rows, width = table(model), GRAINS[-1] * MINUTE
    start = 0
    while True:
        both = rows.c.grain.in_((finer, coarser))
        first = moment.value(select(func.min(rows.c.bucket)).where(both, rows.c.bucket >= start))
        if first is None:
            return
        start = first - first % width + width
        ranges = (rows.c.bucket >= start - width, rows.c.bucket < start)
        together = rows.c.bucket - rows.c.bucket % (coarser * MINUTE)
        made = _sums(moment, rows, finer, together, *ranges)
        if made != _sums(moment, rows, coarser, rows.c.bucket, *ranges):
            moment.problem(
                f"the {coarser}-minute rows of {rows.name} at {start - width} are not what the"
                f" {finer}-minute rows come to"
            )


def _sums(moment: Moment, rows: Any, grain: int, bucket: Any, *where: Any) -> set[tuple[int, ...]]:
    """The rows of one *grain*, those of one *bucket* put together."""
    keys = [bucket, *list(rows.primary_key)[2:]]
    sums = [func.sum(column) for column in rows.columns if not column.primary_key]
    some = or_(*(total != 0 for total in sums))
    statement = select(*keys, *sums).where(rows.c.grain == grain, *where)
    found = moment.connection.execute(statement.group_by(*keys).having(some))
    return {tuple(map(int, row)) for row in found}


def _first_whole_minute(moment: Moment) -> Micros:
    """After a purge, the statistics know more than the log of what was recorded before."""
    if moment.unpurged:
        return 0
    oldest = select(col(ReceiptRow.recorded_at)).where(
        col(ReceiptRow.position) == moment.log.oldest
    )
    first = moment.value(oldest)
    return _NEVER if first is None else first - first % MINUTE + MINUTE
