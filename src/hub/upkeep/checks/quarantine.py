"""What could not be read: its bytes, and the callback that they came with."""

import re
from typing import Any

from sqlalchemy import Select, select
from sqlmodel import col

from hub.database import Callback, QuarantineRow, table
from hub.log import digest
from hub.upkeep.checks.moment import BODIES_AT_ONCE, Moment

_REASON = re.compile(r"[A-Z][A-Z0-9_]*")
_ADAPTER = re.compile(r"[a-z][a-z0-9_-]*/[0-9a-z.]+")


def check(moment: Moment) -> None:
    """Check all that is in quarantine."""
    held = 0
    for row in moment.rows(_rows(), col(QuarantineRow.id), most=BODIES_AT_ONCE):
        held += len(row.raw)
        _bytes(moment, row)
        _words(moment, row)
        _times(moment, row)
        _callback(moment, row)
    counted = moment.log.quarantine_bytes
    if held != counted:
        moment.problem(f"the quarantine holds {held} bytes and {counted} are counted")


def _rows() -> Select[Any]:
    return select(
        *table(QuarantineRow).columns,
        col(Callback.provider).label("sender"),
        col(Callback.received_at).label("arrived_at"),
        col(Callback.headers).label("callback_headers"),
        col(Callback.body).is_not(None).label("whole_callback"),
    ).outerjoin(Callback, col(Callback.id) == col(QuarantineRow.callback))


def _bytes(moment: Moment, row: Any) -> None:
    if row.provider not in moment.providers:
        moment.problem(f"quarantined item {row.id} has no provider")
    if row.digest != digest(row.provider, row.whole, row.raw):
        moment.problem(f"quarantined item {row.id} is not what came")


def _words(moment: Moment, row: Any) -> None:
    texts = all(isinstance(value, str) for value in row.headers.values())
    if not (_REASON.fullmatch(row.reason) and _ADAPTER.fullmatch(row.adapter) and texts):
        moment.problem(f"quarantined item {row.id} has a reason, adapter or headers that none has")


def _times(moment: Moment, row: Any) -> None:
    moment.instants(
        f"quarantined item {row.id}", row, "first_seen_at", "last_seen_at", "resolved_at"
    )
    if row.id < 1 or row.count < 1 or (row.count == 1 and row.last_seen_at != row.first_seen_at):
        moment.problem(f"quarantined item {row.id} was seen more or less often than it counts")


def _callback(moment: Moment, row: Any) -> None:
    if row.callback is None:
        if not row.whole:
            moment.problem(f"quarantined item {row.id} is an item of no callback")
    elif row.sender is None:
        if row.callback >= moment.log.oldest_callback or row.callback < 1:
            moment.problem(f"quarantined item {row.id} has no callback")
    elif (row.sender, row.arrived_at) != (row.provider, row.first_seen_at) or (
        row.whole_callback and row.callback_headers != row.headers
    ):
        moment.problem(f"quarantined item {row.id} came otherwise than its callback")
