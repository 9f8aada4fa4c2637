"""The log's own row: where the log begins and ends."""

import re
from typing import Any

from sqlalchemy import func, select
from sqlmodel import col

from hub.database import Callback, ReceiptRow
from hub.upkeep.checks.moment import Moment

_EPOCH = re.compile(r"[0-9a-z]{1,32}")


def check(moment: Moment) -> None:
    """Check the log's row against the ends of the tables that it speaks of."""
    log, problem = moment.log, moment.problem
    if not _EPOCH.fullmatch(log.epoch):
        problem("the log has no name that a cursor can have")
    if log.kinds != len(moment.kinds):
        problem(f"{log.kinds} kinds are counted and there are {len(moment.kinds)}")
    moment.instants("the log", log, "created_at")
    _dense(moment, "receipts", col(ReceiptRow.position), log.oldest, log.head)
    _dense(moment, "callbacks", col(Callback.id), log.oldest_callback, log.callbacks)
    newest = select(col(ReceiptRow.recorded_at)).where(col(ReceiptRow.position) == log.head)
    recorded_at = moment.value(newest)
    if log.recorded_at != (log.recorded_at if recorded_at is None else recorded_at):
        problem("the log was not last written when its newest receipt was recorded")
    if not 0 <= log.emptied <= log.callbacks:
        problem(f"bodies are gone up to callback {log.emptied}, which never was")
    if not 0 <= log.swept < log.oldest:
        problem(f"messages are purged up to {log.swept}, whose receipts are not")


def _dense(moment: Moment, what: str, number: Any, first: int, last: int) -> None:
    statement = select(func.count(), func.min(number), func.max(number))
    count, low, high = moment.connection.execute(statement).one()
    if count != last - first + 1:
        moment.problem(f"{count} {what} stand between {first} and {last}")
    if count and (low, high) != (first, last):
        moment.problem(f"{what} stand from {low} to {high}, not from {first} to {last}")
