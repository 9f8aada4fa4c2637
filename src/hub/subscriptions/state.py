"""Durable subscriptions as they are now: for lists, for readers of the API, and as metrics."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import Gauge
from sqlalchemy import func
from sqlmodel import Session, col, select

from hub.database import Consumer, ParkedRow, ReceiptRow, Store, SubscriptionRow, table
from hub.log import Bounds, read_bounds
from hub.receipt import Micros
from hub.subscriptions.leases import LEASE_SECONDS
from hub.telemetry import Metrics

_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class SubscriptionState:
    """One shard of a durable subscription, as it is now."""

    consumer: str
    name: str
    shard: int
    shards: int
    filter: Mapping[str, Any]
    acked: int
    """Position up to which everything that matches was acknowledged."""
    cursor: str
    """The same as a cursor."""
    acked_at: Micros | None
    """When a reader last acknowledged something; None if it never did."""
    lag: int
    """Positions between the cursor and the head, whether they match or not."""
    lag_seconds: float
    """Age of the first receipt behind the cursor; 0 at the head."""
    unacked: int
    """Receipts that were sent and not acknowledged, as of a few seconds ago."""
    parked: int
    """Receipts that were set aside, of all shards together."""
    holder: str | None
    """Random name of the stream that reads it now; None while nobody does."""
    created_at: Micros


async def states(
    store: Store,
    consumer: str | None = None,
    name: str | None = None,
    *,
    counts_parked: bool = True,
) -> list[SubscriptionState]:
    """
    The subscriptions of *consumer*, or of all, by consumer, name and shard.  To count what is
    parked is work for each receipt that is; without it, 0 is said.
    """
    statement = _ROWS if consumer is None else _ROWS.where(Consumer.name == consumer)
    if name is not None:
        statement = statement.where(SubscriptionRow.name == name)

    def work(session: Session) -> list[SubscriptionState]:
        connection = session.connection()
        bounds, now = read_bounds(connection)[0], store.dialect.now(connection)
        rows = session.exec(statement).all()
        recorded = _recorded(session, {_next(row, bounds) for row, _ in rows})
        parked = _parked(session, {row.consumer for row, _ in rows}) if counts_parked else {}
        return [
            _state(
                row,
                owner,
                parked.get((row.consumer, row.name), 0),
                bounds,
                now,
                recorded.get(_next(row, bounds)),
            )
            for row, owner in rows
        ]

    return await store.read(work)


def show(metrics: Metrics, found: Iterable[SubscriptionState]) -> None:
    """Set the gauges of subscriptions: of its shards, the one that is most behind counts."""
    shards: dict[tuple[str, str], list[SubscriptionState]] = {}
    last_ack = metrics.subscription_last_ack
    last_ack.clear()
    for each in found:
        shards.setdefault((each.consumer, each.name), []).append(each)
        if each.acked_at is not None:
            last_ack.labels(each.consumer, each.name, each.shard).set(each.acked_at / _SECOND)
    gauges: list[tuple[Gauge, Callable[[list[SubscriptionState]], float]]] = [
        (metrics.subscription_lag, lambda some: max(each.lag for each in some)),
        (metrics.subscription_lag_seconds, lambda some: max(each.lag_seconds for each in some)),
        (metrics.subscription_unacked, lambda some: sum(each.unacked for each in some)),
        (metrics.subscription_held, lambda some: min(each.holder is not None for each in some)),
    ]
    for gauge, value in gauges:
        gauge.clear()
        for labels, some in shards.items():
            gauge.labels(*labels).set(value(some))


_ROWS = (
    select(SubscriptionRow, Consumer.name)
    .join(Consumer, col(Consumer.id) == col(SubscriptionRow.consumer))
    .order_by(col(Consumer.name), *table(SubscriptionRow).primary_key.columns)
)


def _parked(session: Session, consumers: set[int]) -> dict[tuple[int, str], int]:
    """How many receipts each subscription of *consumers* has set aside."""
    keys = ParkedRow.consumer, ParkedRow.subscription
    statement = select(*keys, func.count()).where(col(ParkedRow.consumer).in_(consumers))
    rows = session.exec(statement.group_by(*map(col, keys)))
    return {(consumer, name): count for consumer, name, count in rows}


def _next(row: SubscriptionRow, bounds: Bounds) -> int:
    """Position of the first receipt behind the cursor."""
    return max(row.acked + 1, bounds.oldest)


def _recorded(session: Session, positions: set[int]) -> dict[int, Micros]:
    """When the receipts at *positions* were recorded, those that there are."""
    statement = select(ReceiptRow.position, ReceiptRow.recorded_at)
    return dict(session.exec(statement.where(col(ReceiptRow.position).in_(positions))).all())


def _state(
    row: SubscriptionRow,
    owner: str,
    parked: int,
    bounds: Bounds,
    now: Micros,
    next_recorded_at: Micros | None,
) -> SubscriptionState:
    # Only for show, so the clock will do; one that was set back is right again at a renewal.
    lives = abs(now - row.renewed_at) <= LEASE_SECONDS * _SECOND
    behind = 0 if next_recorded_at is None else max(0, now - next_recorded_at)
    return SubscriptionState(
        consumer=owner,
        name=row.name,
        shard=row.shard,
        shards=row.shards,
        filter=row.filter,
        acked=row.acked,
        cursor=bounds.cursor(row.acked),
        acked_at=row.acked_at,
        lag=max(0, bounds.head - row.acked),
        lag_seconds=behind / _SECOND,
        unacked=row.unacked,
        parked=parked,
        holder=row.holder if lives else None,
        created_at=row.created_at,
    )
