"""
Statistics from the roll-up, never from a scan.

Receipts count in the bucket that they were recorded in; messages in the bucket of their first
receipt, by their present status and category.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import TextClause, text

from hub.database import Kind
from hub.errors import BadInput
from hub.filter import Filter
from hub.log.derive.latency import percentile
from hub.log.derive.rollup import GRAINS, MINUTE
from hub.log.read.snapshot import Snapshot
from hub.receipt import ErrorCategory, Micros, Status

MOST_BUCKETS = 2000
_EARLIEST = 0
_LATEST = int(datetime(9999, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000


class Bucket(StrEnum):
    """How long a bucket is, in the query's time zone."""

    MINUTE = "MINUTE"
    HOUR = "HOUR"
    DAY = "DAY"


class Group(StrEnum):
    """What rows are told apart by, beside the bucket."""

    PROVIDER = "PROVIDER"
    STATUS = "STATUS"
    ERROR_CATEGORY = "ERROR_CATEGORY"


@dataclass(frozen=True, slots=True)
class StatsQuery:
    """What statistics are asked for: from *since*, included, to *until*, excluded."""

    since: Micros
    until: Micros
    bucket: Bucket
    zone: str = "UTC"
    group_by: frozenset[Group] = frozenset()
    wanted: Filter = field(default_factory=Filter)
    """Only providers, statuses and error categories."""


@dataclass(frozen=True, slots=True)
class StatRow:
    """One bucket and group in which something happened."""

    bucket_start: Micros
    provider: str | None
    status: Status | None
    error_category: ErrorCategory | None
    receipts: int
    segments: int
    messages: int
    delivered_share: float | None
    latency_p50_ms: int | None
    latency_p95_ms: int | None


@dataclass(slots=True)
class _Sum:
    receipts: int = 0
    segments: int = 0
    messages: int = 0
    delivered: int = 0
    latencies: list[tuple[int, int]] = field(default_factory=list)


_Key = tuple[Micros, str | None, Status | None, ErrorCategory | None]
_Piece = tuple[Micros, int, Micros, Micros]
"""Start of the bucket it is part of, grain, from, until."""


def rows(snapshot: Snapshot, query: StatsQuery) -> list[StatRow]:
    """The rows, by bucket and then by group; whole minutes at both ends of the range."""
    pieces = [p for start, end in buckets(query) for p in _pieces(start, end, query)]
    kinds = snapshot.kinds.matching(query.wanted.conditions())
    if kinds == []:
        return []
    sums: defaultdict[_Key, _Sum] = defaultdict(_Sum)
    _add_counts(snapshot, pieces, kinds, query, sums)
    _add_latencies(snapshot, pieces, kinds, query, sums)
    return [_row(key, sums[key]) for key in sorted(sums, key=_order) if _any(sums[key])]


def buckets(query: StatsQuery) -> list[tuple[Micros, Micros]]:
    """The buckets, start and end, that the query's range touches."""
    if query.until <= query.since:
        message = "until must be later than since"
        raise BadInput(message, field="until")
    try:
        zone = ZoneInfo(query.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = "timeZone takes an IANA name such as Asia/Shanghai"
        raise BadInput(message, field="timeZone") from error
    if query.since < _EARLIEST or query.until > _LATEST:
        message = "since and until lie between the years 1970 and 9998"
        raise BadInput(message, field="since")
    found: list[tuple[Micros, Micros]] = []
    start = _floor(query.since, query.bucket, zone)
    while start < query.until:
        if len(found) == MOST_BUCKETS:
            message = f"the range has more than {MOST_BUCKETS} buckets; take a larger bucket"
            raise BadInput(message, field="bucket")
        end = _next(start, query.bucket, zone)
        found.append((start, end))
        start = end
    return found


def _floor(instant: Micros, bucket: Bucket, zone: ZoneInfo) -> Micros:
    if bucket is Bucket.MINUTE:
        return instant - instant % MINUTE
    local = datetime.fromtimestamp(instant // 1_000_000, zone)
    if bucket is Bucket.HOUR:
        # The fold stays: an hour that comes twice is two.  Where clocks jump by half an hour, one
        # hour of the day is half as long, and another one half as long again.
        start = _micros(local.replace(minute=0, second=0))
        return start - start % MINUTE  # offsets of former times had seconds
    return _micros(local.replace(hour=0, minute=0, second=0, fold=0))


def _next(start: Micros, bucket: Bucket, zone: ZoneInfo) -> Micros:
    if bucket is Bucket.MINUTE:
        return start + MINUTE
    if bucket is Bucket.HOUR:
        following = _floor(start + 60 * MINUTE, bucket, zone)
        return following if following > start else _floor(start + 90 * MINUTE, bucket, zone)
    local = datetime.fromtimestamp(start // 1_000_000, zone)
    day = (local + timedelta(days=1, hours=2)).replace(hour=0, minute=0, second=0, fold=0)
    return _micros(day)


def _micros(local: datetime) -> Micros:
    return int(local.astimezone(UTC).timestamp()) * 1_000_000


def _pieces(start: Micros, end: Micros, query: StatsQuery) -> Iterator[_Piece]:
    """*start* to *end*, cut to the query's range, in the longest buckets there are."""
    low = max(start, query.since - query.since % MINUTE)
    high = min(end, query.until + -query.until % MINUTE)
    return _cut(start, low, high, len(GRAINS) - 1)


def _cut(start: Micros, low: Micros, high: Micros, level: int) -> Iterator[_Piece]:
    grain = GRAINS[level] * MINUTE
    inner_low, inner_high = low + -low % grain, high - high % grain
    if inner_low < inner_high:
        yield (start, GRAINS[level], inner_low, inner_high)
        edges = [(low, inner_low), (inner_high, high)]
    else:
        edges = [(low, high)]
    for edge_low, edge_high in edges:
        if edge_low < edge_high:
            yield from _cut(start, edge_low, edge_high, level - 1)


def _add_counts(
    snapshot: Snapshot,
    pieces: list[_Piece],
    kinds: list[int] | None,
    query: StatsQuery,
    sums: dict[_Key, _Sum],
) -> None:
    columns = (
        "start, s.kind AS kind, SUM(s.receipts) AS receipts, SUM(s.segments) AS segments,"
        " SUM(s.messages) AS messages"
    )
    statement = _statement(columns, "delivery_stat", pieces, kinds)
    for row in snapshot.connection.execute(statement):
        kind = snapshot.kinds.by_id[row.kind]
        total = sums[_key(row.start, kind, query)]
        total.receipts += int(row.receipts)
        total.segments += int(row.segments)
        total.messages += int(row.messages)
        total.delivered += int(row.messages) if kind.status is Status.DELIVERED else 0


def _add_latencies(
    snapshot: Snapshot,
    pieces: list[_Piece],
    kinds: list[int] | None,
    query: StatsQuery,
    sums: dict[_Key, _Sum],
) -> None:
    columns = "start, s.kind AS kind, s.latency AS latency, SUM(s.messages) AS messages"
    statement = _statement(columns, "latency_stat", pieces, kinds, ", s.latency")
    for row in snapshot.connection.execute(statement):
        kind = snapshot.kinds.by_id[row.kind]
        key = _key(row.start, kind, query)
        sums[key].latencies.append((row.latency, int(row.messages)))


def _statement(
    columns: str, table: str, pieces: list[_Piece], kinds: list[int] | None, group: str = ""
) -> TextClause:
    """Sums per piece and kind.  The values are integers of our own, so they stand in the text."""
    values = ", ".join(f"({start}, {grain}, {low}, {high})" for start, grain, low, high in pieces)
    wanted = "" if kinds is None else f"AND s.kind IN ({', '.join(map(str, kinds))})"
    return text(
        f"""
        WITH piece(start, grain, low, high) AS (VALUES {values})
        SELECT {columns} FROM piece CROSS JOIN {table} s
        WHERE s.grain = piece.grain AND s.bucket >= low AND s.bucket < high {wanted}
        GROUP BY start, s.kind{group}
        """  # noqa: S608
    )


def _key(start: Micros, kind: Kind, query: StatsQuery) -> _Key:
    groups = query.group_by
    return (
        start,
        kind.provider if Group.PROVIDER in groups else None,
        kind.status if Group.STATUS in groups else None,
        kind.error_category if Group.ERROR_CATEGORY in groups else None,
    )


def _order(key: _Key) -> tuple[Micros, str, int, int]:
    start, provider, status, category = key
    return (start, provider or "", status or 0, category or 0)


def _any(total: _Sum) -> bool:
    return bool(total.receipts or total.messages)


def _row(key: _Key, total: _Sum) -> StatRow:
    counts: defaultdict[int, int] = defaultdict(int)
    for number, messages in total.latencies:
        counts[number] += messages
    return StatRow(
        *key,
        receipts=total.receipts,
        segments=total.segments,
        messages=total.messages,
        delivered_share=total.delivered / total.messages if total.messages else None,
        latency_p50_ms=percentile(counts.items(), 0.50),
        latency_p95_ms=percentile(counts.items(), 0.95),
    )
