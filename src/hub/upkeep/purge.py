"""
The slices that a purge is made of, each a transaction too small for ingest to notice.

Each slice goes on where the one before it ended, which the log's row remembers, and looks at no
more rows than it removes, but for the first young one: what is young is in the same order.
A slice returns how many rows it removed, by table, or None where nothing was due.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import takewhile
from typing import Any, Protocol

from sqlalchemy import Connection, Table, bindparam, delete, exists, func, select, update
from sqlmodel import col

from hub.database import (
    Callback,
    Fingerprint,
    Log,
    MessageRow,
    ParkedRow,
    QuarantineRow,
    ReceiptRow,
    table,
)
from hub.log import lock
from hub.receipt import Micros

ROWS_AT_ONCE = 250
"""Most of them in a slice."""
BYTES_AT_ONCE = 1_048_576
"""Of bodies; a slice that frees more than one of them stays below it."""

Removed = Counter[str] | None


class Step(Protocol):
    """What makes one slice, of at most *rows* of them."""

    def __call__(self, connection: Connection, *, rows: int = ROWS_AT_ONCE) -> Removed:
        """What was removed; None where nothing was due."""
        ...


_KEPT = exists().where(col(ReceiptRow.message) == col(MessageRow.id))
"""Whether a message has receipts."""


def receipts(connection: Connection, *, bound: int, rows: int = ROWS_AT_ONCE) -> Removed:
    """
    Receipts before the position *bound*; and such messages as were passed over because of a
    receipt of theirs that goes now.
    """
    head, _ = lock(connection)
    until = min(bound, head.oldest + rows, head.position + 1)
    if until <= head.oldest:
        return None
    position, message = col(ReceiptRow.position), col(ReceiptRow.message)
    going = [position >= head.oldest, position < until]
    passed = select(message).where(*going, message <= head.swept).distinct()
    messages = set(connection.execute(passed).scalars())
    connection.execute(delete(table(ReceiptRow)).where(*going))
    crowded = _crowded(connection, messages)  # `messages` looks at them again
    swept = min((number - 1 for number in crowded), default=head.swept)
    _remember(connection, oldest=until, swept=swept)
    removed = _without_receipts(connection, col(MessageRow.id).in_(messages - crowded))
    return Counter(receipt=until - head.oldest, message=removed)


def parked(connection: Connection, *, rows: int = ROWS_AT_ONCE) -> Removed:
    """What was set aside of receipts that are purged."""
    head, _ = lock(connection)
    aside = table(ParkedRow)
    due = select(aside).where(aside.c.position < head.oldest).order_by(aside.c.position)
    found = connection.execute(due.limit(rows)).all()
    if not found:
        return None
    _delete(connection, aside, found)
    return Counter(parked=len(found))


def messages(connection: Connection, *, limit: Micros, rows: int = ROWS_AT_ONCE) -> Removed:
    """Messages first recorded before *limit* of which no receipt is kept."""
    head, _ = lock(connection)
    number = col(MessageRow.id)
    found = connection.execute(
        select(number, col(MessageRow.first_recorded_at))
        .where(number > head.swept, number < head.oldest)
        .order_by(number)
        .limit(rows)
    ).all()
    due = list(takewhile(lambda row: row.first_recorded_at < limit, found))
    if not due:
        return None
    looked_at = number.between(due[0].id, due[-1].id)
    fingerprints = _fingerprints(connection, looked_at, rows)
    if len(fingerprints) < rows:
        _remember(connection, swept=due[-1].id)
        removed = _without_receipts(connection, looked_at)
        return Counter(fingerprint=len(fingerprints), message=removed)
    return Counter(fingerprint=len(fingerprints))


def callbacks(connection: Connection, *, cutoff: Micros, rows: int = ROWS_AT_ONCE) -> Removed:
    """Callbacks received before *cutoff* all of whose receipts are purged."""
    head, _ = lock(connection)
    oldest = select(col(ReceiptRow.callback)).where(col(ReceiptRow.position) == head.oldest)
    kept = connection.execute(oldest).scalar()
    number = col(Callback.id)
    bounds = [
        number >= head.oldest_callback,
        number < (head.callbacks + 1 if kept is None else kept),
    ]
    due = _due(_received(connection, bounds, rows), cutoff)
    if not due:
        return None
    until = due[-1].id + 1
    gone = number.between(head.oldest_callback, due[-1].id)
    removed = connection.execute(delete(table(Callback)).where(gone)).rowcount
    _remember(connection, oldest_callback=until)
    return Counter(callback=removed)


def bodies(connection: Connection, *, cutoff: Micros, rows: int = ROWS_AT_ONCE) -> Removed:
    """The bytes of callbacks received before *cutoff*; the rows stay."""
    head, _ = lock(connection)
    number = col(Callback.id)
    start = max(head.emptied + 1, head.oldest_callback)
    due = _due(_received(connection, [number >= start], rows), cutoff)
    if not due:
        return None
    emptied = number.between(start, due[-1].id)
    connection.execute(update(table(Callback)).where(emptied).values(body=None, headers={}))
    _remember(connection, emptied=due[-1].id)
    return Counter(body=len(due))


def quarantine(connection: Connection, *, cutoff: Micros, rows: int = ROWS_AT_ONCE) -> Removed:
    """What could not be read and was last seen before *cutoff*."""
    head, _ = lock(connection)
    number, seen = col(QuarantineRow.id), col(QuarantineRow.last_seen_at)
    size = func.length(col(QuarantineRow.raw)).label("size")
    old = select(number, seen.label("received_at"), size).where(seen < cutoff)
    due = _due(connection.execute(old.order_by(seen).limit(rows)).all(), cutoff)
    if not due:
        return None
    connection.execute(delete(table(QuarantineRow)).where(number.in_([row.id for row in due])))
    _remember(connection, quarantine_bytes=head.quarantine_bytes - sum(row.size for row in due))
    return Counter(quarantine=len(due))


def _crowded(connection: Connection, messages: Collection[int]) -> set[int]:
    """Those of *messages* that have fingerprints beyond those in their rows."""
    number = col(Fingerprint.message)
    statement = select(number).where(number.in_(messages)).distinct()
    return set(connection.execute(statement).scalars())


def _fingerprints(connection: Connection, among: Any, most: int) -> Sequence[Any]:
    """Remove *most* fingerprints of the messages *among* which no receipt is kept; return them."""
    rows = table(Fingerprint)
    going = select(col(MessageRow.id)).where(among, ~_KEPT)
    some = select(rows).where(rows.c.message.in_(going)).limit(most)
    found = connection.execute(some).all()
    if found:
        _delete(connection, rows, found)
    return found


def _delete(connection: Connection, rows: Table, found: Sequence[Any]) -> None:
    """Delete the rows that were *found*, by their keys."""
    key = [column.name for column in rows.primary_key]
    this = [rows.c[name] == bindparam(f"the_{name}") for name in key]
    values = [{f"the_{name}": getattr(row, name) for name in key} for row in found]
    connection.execute(delete(rows).where(*this), values)


def _received(connection: Connection, bounds: list[Any], most: int) -> Sequence[Any]:
    row = Callback
    size = func.coalesce(func.length(col(row.body)), 0).label("size")
    rows = select(col(row.id), col(row.received_at), size).where(*bounds)
    return connection.execute(rows.order_by(col(row.id)).limit(most)).all()


def _due(rows: Sequence[Any], cutoff: Micros) -> list[Any]:
    """The first *rows*, up to a young one, and of at most a slice's bytes or just one."""
    due: list[Any] = []
    held = 0
    for row in takewhile(lambda row: row.received_at < cutoff, rows):
        held += row.size
        if due and held > BYTES_AT_ONCE:
            break
        due.append(row)
    return due


def _without_receipts(connection: Connection, among: Any) -> int:
    """Remove the messages *among* which no receipt is kept; return how many."""
    return connection.execute(delete(table(MessageRow)).where(among, ~_KEPT)).rowcount


def _remember(connection: Connection, **reached: int) -> None:
    connection.execute(update(table(Log)).values(reached))
