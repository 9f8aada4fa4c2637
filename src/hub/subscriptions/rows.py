"""Durable subscriptions as they are stored: made, listed, moved, resharded, deleted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlmodel import Session

from hub.database.columns import table
from hub.database.dialect import insert_into
from hub.database.store import Store
from hub.database.tables import Consumer, ParkedRow, ReceiptRow, SubscriptionRow
from hub.errors import NotFound, SubscriptionMismatch
from hub.filter import Shard
from hub.log.bounds import read_bounds
from hub.receipt import Micros
from hub.subscriptions.leases import Key, clock

_ROWS = table(SubscriptionRow)
_PARKED = table(ParkedRow)
_CONSUMERS = table(Consumer)
_RECEIPTS = table(ReceiptRow)


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a reader says of the subscription that it opens; fixed at creation."""

    consumer: str
    name: str
    filter: Mapping[str, Any] | None
    """
    Its conditions as JSON, lists sorted, so that the same ones are equal.  None takes what is
    stored, which for a new one is no condition.
    """
    shard: Shard


@dataclass(frozen=True, slots=True)
class Subscription:
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


async def find(store: Store, wanted: Declaration) -> Key | None:
    """
    The subscription that *wanted* declares; None if there is none of its name.  Raises
    `SubscriptionMismatch` where it was created with another filter or number of shards.
    """

    def work(session: Session) -> tuple[int, Any]:
        connection = session.connection()
        consumer = consumer_id(connection, wanted.consumer)
        statement = select(_ROWS.c.shards, _ROWS.c.filter).where(*_named(consumer, wanted.name))
        row = (connection.execute(statement.limit(1))).one_or_none()
        return consumer, row

    consumer, row = await store.read(work)
    if row is None:
        return None
    if row.shards != wanted.shard.count:
        message = f"the subscription has {row.shards} shards, not {wanted.shard.count}"
        raise SubscriptionMismatch(message, field="open.shard.count")
    if wanted.filter is not None and row.filter != wanted.filter:
        message = "the subscription was created with another filter"
        raise SubscriptionMismatch(message, field="open.filter")
    return Key(consumer, wanted.name, wanted.shard.index)


async def conditions(store: Store, key: Key) -> dict[str, Any]:
    """The filter that the subscription of *key* was created with.  Raises `NotFound`."""

    def work(session: Session) -> Any:
        connection = session.connection()
        statement = select(_ROWS.c.filter).where(*_named(key.consumer, key.name))
        return connection.execute(statement.limit(1)).one_or_none()

    row = await store.read(work)
    _found(0 if row is None else 1, key.name)
    return dict(row.filter) if row else {}


async def create(store: Store, wanted: Declaration, position: int) -> None:
    """Make all shards of *wanted*, starting after *position*, unless its name exists by now."""

    def work(session: Session) -> None:
        connection = session.connection()
        consumer = consumer_id(connection, wanted.consumer)
        statement = insert_into(_ROWS, connection.dialect).on_conflict_do_nothing()
        rows = _shards(connection, consumer, wanted, position)
        first = connection.execute(statement, rows[0])
        if first.rowcount and len(rows) > 1:
            connection.execute(statement, rows[1:])

    await store.write(work)


async def listing(
    store: Store, consumer: str | None = None, name: str | None = None
) -> list[Subscription]:
    """The subscriptions of *consumer*, or of all, by consumer, name and shard."""

    def work(session: Session) -> tuple[Any, ...]:
        connection = session.connection()
        bounds = read_bounds(connection)[0]
        statement = select(_ROWS, _CONSUMERS.c.name.label("owner"), clock(connection)).join(
            _CONSUMERS, _CONSUMERS.c.id == _ROWS.c.consumer
        )
        if consumer is not None:
            statement = statement.where(_CONSUMERS.c.name == consumer)
        if name is not None:
            statement = statement.where(_ROWS.c.name == name)
        ordered = statement.order_by(_CONSUMERS.c.name, _ROWS.c.name, _ROWS.c.shard)
        rows = connection.execute(ordered).all()
        nexts = {max(row.acked + 1, bounds.oldest) for row in rows if row.acked < bounds.head}
        recorded = _recorded_at(connection, nexts)
        parked = _parked_counts(connection)
        return bounds, rows, recorded, parked

    bounds, rows, recorded, parked = await store.read(work)
    return [
        Subscription(
            consumer=row.owner,
            name=row.name,
            shard=row.shard,
            shards=row.shards,
            filter=row.filter,
            acked=row.acked,
            cursor=bounds.cursor(row.acked),
            acked_at=row.acked_at,
            lag=max(0, bounds.head - row.acked),
            lag_seconds=_age(row.now, recorded.get(max(row.acked + 1, bounds.oldest))),
            unacked=row.unacked,
            parked=parked.get((row.consumer, row.name), 0),
            holder=row.holder if row.lease_until > row.now else None,
            created_at=row.created_at,
        )
        for row in rows
    ]


async def reset(store: Store, consumer: str, name: str, position: int) -> None:
    """
    Let all shards go on after *position*; whoever reads now is fenced and connects again.  The
    caller has made sure that the log has that position.  Raises `NotFound`.
    """

    def work(session: Session) -> None:
        connection = session.connection()
        owner = consumer_id(connection, consumer)
        values = {"acked": position, "unacked": 0, "holder": None, "lease_until": 0}
        changed = connection.execute(update(_ROWS).where(*_named(owner, name)).values(values))
        _found(changed.rowcount, name)

    await store.write(work)


async def reshard(store: Store, consumer: str, name: str, shards: int) -> int:
    """
    Give the subscription *shards* shards.  Each starts at the least acknowledged position of the
    former ones, which is returned; whoever reads now is fenced.  Raises `NotFound`.
    """

    def work(session: Session) -> int:
        connection = session.connection()
        owner = consumer_id(connection, consumer)
        named = _named(owner, name)
        statement = select(_ROWS.c.acked, _ROWS.c.filter).where(*named).with_for_update()
        former = connection.execute(statement).all()
        _found(len(former), name)
        least = min(row.acked for row in former)
        connection.execute(delete(_ROWS).where(*named))
        wanted = Declaration(consumer, name, former[0].filter, Shard(0, shards))
        rows = _shards(connection, owner, wanted, least)
        connection.execute(insert(_ROWS), rows)
        return int(least)

    return await store.write(work)


async def remove(store: Store, consumer: str, name: str) -> None:
    """Delete the subscription and what it parked; whoever reads it is told.  Raises `NotFound`."""

    def work(session: Session) -> None:
        connection = session.connection()
        owner = consumer_id(connection, consumer)
        gone = connection.execute(delete(_ROWS).where(*_named(owner, name)))
        _found(gone.rowcount, name)
        connection.execute(
            delete(_PARKED).where(_PARKED.c.consumer == owner, _PARKED.c.subscription == name)
        )

    await store.write(work)


def consumer_id(connection: Connection, name: str) -> int:
    """The row id of the consumer *name*.  Raises `NotFound`."""
    statement = select(_CONSUMERS.c.id).where(_CONSUMERS.c.name == name)
    found = connection.execute(statement).scalar_one_or_none()
    if found is None:
        message = f"there is no consumer named {name}"
        raise NotFound(message)
    return int(found)


def _named(consumer: int, name: str) -> tuple[Any, Any]:
    return _ROWS.c.consumer == consumer, _ROWS.c.name == name


def _found(rows: int, name: str) -> None:
    if not rows:
        message = f"there is no subscription named {name}"
        raise NotFound(message)


def _shards(
    connection: Connection, consumer: int, wanted: Declaration, position: int
) -> list[dict[str, Any]]:
    now = (connection.execute(select(clock(connection)))).scalar_one()
    return [
        {
            "consumer": consumer,
            "name": wanted.name,
            "shard": index,
            "shards": wanted.shard.count,
            "filter": dict(wanted.filter or {}),
            "acked": position,
            "acked_at": None,
            "unacked": 0,
            "holder": None,
            "lease_until": 0,
            "created_at": now,
        }
        for index in range(wanted.shard.count)
    ]


def _recorded_at(connection: Connection, positions: set[int]) -> dict[int, Micros]:
    statement = select(_RECEIPTS.c.position, _RECEIPTS.c.recorded_at).where(
        _RECEIPTS.c.position.in_(positions)
    )
    rows = connection.execute(statement)
    return {row.position: row.recorded_at for row in rows}


def _parked_counts(connection: Connection) -> dict[tuple[int, str], int]:
    keys = (_PARKED.c.consumer, _PARKED.c.subscription)
    rows = connection.execute(select(*keys, func.count().label("n")).group_by(*keys))
    return {(row.consumer, row.subscription): row.n for row in rows}


def _age(now: Micros, since: Micros | None) -> float:
    return max(0, now - since) / 1_000_000 if since is not None else 0.0
