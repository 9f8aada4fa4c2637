"""Callbacks: whole as they came, and as many receipts as they count."""

from sqlalchemy import func, select
from sqlmodel import col

from hub.database import Callback, ReceiptRow, table
from hub.log import HALF_BYTES
from hub.upkeep.checks.moment import BODIES_AT_ONCE, Moment


def check(moment: Moment) -> None:
    """Check all callbacks."""
    receipts = 0
    for row in moment.rows(select(table(Callback)), col(Callback.id), most=BODIES_AT_ONCE):
        receipts += row.receipts
        _callback(moment, row)
    if moment.unpurged and moment.log.oldest_callback == 1:
        stored = moment.value(select(func.count()).select_from(ReceiptRow))
        if receipts != stored:
            moment.problem(f"callbacks count {receipts} receipts and there are {stored}")


def _callback(moment: Moment, row: Callback) -> None:
    problem, hashing = moment.problem, moment.hashing
    if row.provider not in moment.providers:
        problem(f"callback {row.id} has no provider")
    if (row.body is None) != (row.id <= moment.log.emptied):
        problem(f"callback {row.id} keeps its body otherwise than the log says")
    what, rest = row.digest[:HALF_BYTES], row.digest[HALF_BYTES:]
    counts = (row.receipts, row.duplicates, row.quarantined)
    if rest != hashing.callback(row.id, row.provider, row.received_at, *counts):
        problem(f"callback {row.id} was changed")
    if (what != hashing.body(row.body, row.headers)) if row.body is not None else row.headers:
        problem(f"callback {row.id} does not have the body or the headers that came")
