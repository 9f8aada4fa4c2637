"""Receipts in the order of the log: their times, and what they refer to."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased
from sqlmodel import col

from hub.database import Callback, MessageRow, ReceiptRow
from hub.upkeep.checks.moment import Moment
from hub.upkeep.checks.statistics import Recount, receipts_recount


def check(moment: Moment) -> None:
    """Check all receipts, and hold them against the statistics."""
    recount, recorded_at = receipts_recount(moment), 0
    for row in moment.rows(_rows(), col(ReceiptRow.position)):
        if row.recorded_at < recorded_at:
            moment.problem(f"receipt {row.position} was recorded before the one in front of it")
        recorded_at = row.recorded_at
        _receipt(moment, row)
        _count(recount, row)
        moment.checked()
    recount.end()


def _rows() -> Any:
    row, corrected = ReceiptRow, aliased(ReceiptRow)
    own = (row.position, row.kind, row.message, row.callback, row.received_at, row.recorded_at)
    return (
        select(
            *map(col, own),
            col(row.segments),
            col(row.corrects),
            col(MessageRow.id),
            col(Callback.provider),
            col(Callback.received_at).label("arrived_at"),
            col(corrected.message).label("corrected"),
        )
        .outerjoin(MessageRow, col(MessageRow.id) == col(row.message))
        .outerjoin(Callback, col(Callback.id) == col(row.callback))
        .outerjoin(corrected, col(corrected.position) == col(row.corrects))
    )


def _receipt(moment: Moment, row: Any) -> None:
    problem, log = moment.problem, moment.log
    kind = moment.kinds.by_id.get(row.kind)
    if kind is None:
        problem(f"receipt {row.position} has kind {row.kind}, which is unknown")
    if row.id is None:
        problem(f"receipt {row.position} has no message")
    if row.provider is None:
        if row.callback >= log.oldest_callback:
            problem(f"receipt {row.position} has no callback")
    elif kind and (row.provider, row.arrived_at) != (kind.provider_id, row.received_at):
        problem(f"receipt {row.position} came otherwise than its callback")
    if row.corrects is not None and not _may_correct(moment, row):
        problem(f"receipt {row.position} corrects one that is not of its message and before it")


def _may_correct(moment: Moment, row: Any) -> bool:
    if row.corrected is None:
        return bool(0 < row.corrects < moment.log.oldest)
    return bool(row.corrected == row.message and row.corrects < row.position)


def _count(recount: Recount, row: Any) -> None:
    recount.add(row.recorded_at, (row.kind,), (1, row.segments or 0))
