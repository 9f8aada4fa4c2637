"""
Filtered pages of the log, at a cost that does not grow with it.

A filter by provider, status, category or applied is a list of kinds, and its page a merge of
ranges of the index (kind, position).  Recipients, client references and message ids have an
index each; what else the filter asks for is tested on their rows, of which one page looks at
10,000 at most.  Instants become positions by binary search, since they never decrease.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select, text
from sqlmodel import col

from hub.database import MessageRow, ReceiptRow
from hub.filter import Filter
from hub.log.bounds import Bounds
from hub.log.read.entries import AnySelect, entry_rows
from hub.log.read.merge import merged
from hub.log.read.snapshot import Snapshot
from hub.receipt import Entry, Micros, Order

LOOKED_AT = 10_000
"""Most rows that one page looks at where an index does not answer the whole filter."""

_CHOSEN = entry_rows().where(col(ReceiptRow.position).in_(bindparam("chosen", expanding=True)))
_FIRST = text("""
    WITH RECURSIVE search(low, high) AS (
        SELECT CAST(:low AS BIGINT), CAST(:high AS BIGINT)
        UNION ALL
        SELECT CASE WHEN r.recorded_at < :instant THEN r.position + 1 ELSE low END,
               CASE WHEN r.recorded_at < :instant THEN high ELSE r.position END
        FROM search JOIN receipt r ON r.position = (low + high) / 2
        WHERE low < high
    )
    SELECT low FROM search WHERE low >= high
""")


@dataclass(frozen=True, slots=True)
class PageQuery:
    """What a page is asked for; see `ReceiptLog.page`."""

    wanted: Filter
    order: Order
    limit: int
    after: int | None = None
    before: int | None = None
    recorded_after: Micros | None = None
    recorded_before: Micros | None = None

    @property
    def newest_first(self) -> bool:
        """Whether the page runs down the log."""
        return self.order is Order.NEWEST_FIRST


@dataclass(frozen=True, slots=True)
class Page:
    """Entries in the order asked for."""

    entries: list[Entry]
    more: bool
    """Whether there may be further ones in that direction; false is sure."""
    resume: int
    """Where the next page continues: `before` it, or `after` it for the oldest first."""
    bounds: Bounds
    """The log as the page saw it."""


@dataclass(frozen=True, slots=True)
class Range:
    """Positions from *low* to *high*, both included, walked from one end."""

    low: int
    high: int
    newest_first: bool

    def beyond(self, position: int) -> "Range":
        """What is left after *position* was seen."""
        if self.newest_first:
            return Range(self.low, min(self.high, position - 1), newest_first=True)
        return Range(max(self.low, position + 1), self.high, newest_first=False)

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it."""
        return self.low > self.high


def page(snapshot: Snapshot, query: PageQuery) -> Page:
    """The page that *query* asks for."""
    span = positions(snapshot, query)
    if span.empty:
        return Page([], more=False, resume=_end(span), bounds=snapshot.bounds)
    kinds = snapshot.kinds.matching(query.wanted.conditions())
    if kinds is not None and not kinds:
        return Page([], more=False, resume=_end(span), bounds=snapshot.bounds)
    wanted = query.wanted
    if wanted.recipients or wanted.client_references or wanted.message_ids:
        return _tested(snapshot, query, span)
    if kinds is None:
        found = _fetch(snapshot, [_bounded(span, query.limit + 1)], span, query.limit + 1)
    else:
        found = _of_kinds(snapshot, kinds, span, query.limit + 1)
    return _page(snapshot, found, query.limit, span)


def positions(snapshot: Snapshot, query: PageQuery) -> Range:
    """The positions that *query* bounds."""
    low, high = snapshot.bounds.oldest, snapshot.bounds.head
    if query.after is not None:
        low = max(low, query.after + 1)
    if query.before is not None:
        high = min(high, query.before - 1)
    if query.recorded_after is not None and low <= high:
        low = max(low, first_recorded(snapshot, query.recorded_after + 1))
    if query.recorded_before is not None and low <= high:
        high = min(high, first_recorded(snapshot, query.recorded_before) - 1)
    return Range(low, high, query.newest_first)


def first_recorded(snapshot: Snapshot, instant: Micros) -> int:
    """The first position recorded at *instant* or later; head + 1 where there is none."""
    values = {
        "low": snapshot.bounds.oldest,
        "high": snapshot.bounds.head + 1,
        "instant": max(-(2**62), min(2**62, instant)),
    }
    return int((snapshot.connection.execute(_FIRST, values)).scalar_one())


def _tested(snapshot: Snapshot, query: PageQuery, span: Range) -> Page:
    test = query.wanted.test()
    assert test is not None  # noqa: S101  # the caller saw a condition
    found: list[Entry] = []
    looked_at = 0
    size = max(query.limit + 1, 200)
    while len(found) <= query.limit and looked_at < LOOKED_AT and not span.empty:
        rows = _fetch(snapshot, _indexed(snapshot, query.wanted, span, size), span, size)
        looked_at += len(rows)
        found += filter(test, rows)
        if len(rows) < size:
            return _page(snapshot, found, query.limit, span)
        span = span.beyond(rows[-1].position)
        size = min(size * 4, 2000)
    if len(found) > query.limit or span.empty:
        return _page(snapshot, found, query.limit, span)
    resume = span.high + 1 if span.newest_first else span.low - 1
    return Page(found, more=True, resume=resume, bounds=snapshot.bounds)


def _indexed(snapshot: Snapshot, wanted: Filter, span: Range, limit: int) -> list[AnySelect]:
    """Selects of the positions in *span* by the index that says most."""
    hashing = snapshot.hashing
    if wanted.recipients:
        marks = [hashing.recipient(recipient) for recipient in wanted.recipients]
        return [_by_hash(col(ReceiptRow.recipient_hash), mark, span, limit) for mark in marks]
    if wanted.client_references:
        marks = [hashing.reference(reference) for reference in wanted.client_references]
        return [_by_hash(col(ReceiptRow.reference_hash), mark, span, limit) for mark in marks]
    ranges = [hashing.key_range(message_id) for message_id in wanted.message_ids]
    return [_by_message_id(low, high, span, limit) for low, high in ranges]


def _by_hash(column: Any, mark: int | None, span: Range, limit: int) -> AnySelect:
    position = col(ReceiptRow.position)
    statement = select(position).where(column == mark, position >= span.low, position <= span.high)
    order = (column.desc(), position.desc()) if span.newest_first else (column, position)
    return statement.order_by(*order).limit(limit)


def _by_message_id(low: bytes, high: bytes, span: Range, limit: int) -> AnySelect:
    statement = (
        select(col(ReceiptRow.position))
        .join(MessageRow, col(MessageRow.id) == col(ReceiptRow.message))
        .where(col(MessageRow.key) >= low, col(MessageRow.key) <= high)
    )
    return _walked(statement, span, limit)


def _bounded(span: Range, limit: int) -> AnySelect:
    return _walked(select(col(ReceiptRow.position)), span, limit)


def _walked(statement: AnySelect, span: Range, limit: int) -> AnySelect:
    position = col(ReceiptRow.position)
    order = position.desc() if span.newest_first else position.asc()
    return statement.where(position >= span.low, position <= span.high).order_by(order).limit(limit)


def _of_kinds(snapshot: Snapshot, kinds: list[int], span: Range, limit: int) -> list[Entry]:
    chosen = merged(
        snapshot.connection,
        ("receipt", "position"),
        kinds,
        (span.low, span.high),
        limit,
        newest_first=span.newest_first,
    )
    return _entries(snapshot, chosen, span)


def _fetch(snapshot: Snapshot, selects: list[AnySelect], span: Range, limit: int) -> list[Entry]:
    """The first *limit* entries of all *selects* together."""
    found: set[int] = set()
    for statement in selects:
        found.update((snapshot.connection.execute(statement)).scalars())
    return _entries(snapshot, sorted(found, reverse=span.newest_first)[:limit], span)


def _entries(snapshot: Snapshot, chosen: list[int], span: Range) -> list[Entry]:
    found = snapshot.entries.all(snapshot.connection, _CHOSEN, {"chosen": chosen})
    return sorted(found, key=lambda entry: entry.position, reverse=span.newest_first)


def _page(snapshot: Snapshot, found: list[Entry], limit: int, span: Range) -> Page:
    entries = found[:limit]
    resume = entries[-1].position if len(found) > limit else _end(span)
    return Page(entries, more=len(found) > limit, resume=resume, bounds=snapshot.bounds)


def _end(span: Range) -> int:
    """Where a walk of the whole *span* ends."""
    return span.low if span.newest_first else max(span.high, span.low - 1)
