"""Durable subscriptions as they are stored: made, listed, moved, resharded, deleted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.database.columns import table
from hub.database.dialect import insert_into
from hub.database.store import Store
from hub.database.tables import Consumer, ParkedRow, ReceiptRow, SubscriptionRow
from hub.errors import NotFound, SubscriptionMismatch
from hub.filter import Shard
from hub.log.bounds import read_bounds
from hub.receipt import Micros
from hub.subscriptions.leases import Key, clock, transaction

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
    async with transaction(store, store.reader) as connection:
        consumer = await consumer_id(connection, wanted.consumer)
        statement = select(_ROWS.c.shards, _ROWS.c.filter).where(*_named(consumer, wanted.name))
        row = (await connection.execute(statement.limit(1))).one_or_none()
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
    async with transaction(store, store.reader) as connection:
        statement = select(_ROWS.c.filter).where(*_named(key.consumer, key.name))
        row = (await connection.execute(statement.limit(1))).one_or_none()
    _found(0 if row is None else 1, key.name)
    return dict(row.filter) if row else {}


async def create(store: Store, wanted: Declaration, position: int) -> None:
    """Make all shards of *wanted*, starting after *position*, unless its name exists by now."""
    async with transaction(store, store.writer) as connection:
        consumer = await consumer_id(connection, wanted.consumer)
        statement = insert_into(_ROWS, connection.engine).on_conflict_do_nothing()
        rows = await _shards(connection, consumer, wanted, position)
        first = await connection.execute(statement, rows[0])
        if first.rowcount and len(rows) > 1:
            await connection.execute(statement, rows[1:])


async def listing(
    store: Store, consumer: str | None = None, name: str | None = None
) -> list[Subscription]:
    """The subscriptions of *consumer*, or of all, by consumer, name and shard."""
    async with transaction(store, store.reader) as connection:
        bounds, _kinds = await read_bounds(connection)
        statement = select(_ROWS, _CONSUMERS.c.name.label("owner"), clock(connection)).join(
            _CONSUMERS, _CONSUMERS.c.id == _ROWS.c.consumer
        )
        if consumer is not None:
            statement = statement.where(_CONSUMERS.c.name == consumer)
        if name is not None:
            statement = statement.where(_ROWS.c.name == name)
        ordered = statement.order_by(_CONSUMERS.c.name, _ROWS.c.name, _ROWS.c.shard)
        rows = (await connection.execute(ordered)).all()
        nexts = {max(row.acked + 1, bounds.oldest) for row in rows if row.acked < bounds.head}
        recorded = await _recorded_at(connection, nexts)
        parked = await _parked_counts(connection)
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
    async with transaction(store, store.writer) as connection:
        owner = await consumer_id(connection, consumer)
        values = {"acked": position, "unacked": 0, "holder": None, "lease_until": 0}
        changed = await connection.execute(update(_ROWS).where(*_named(owner, name)).values(values))
        _found(changed.rowcount, name)


async def reshard(store: Store, consumer: str, name: str, shards: int) -> int:
    """
    Give the subscription *shards* shards.  Each starts at the least acknowledged position of the
    former ones, which is returned; whoever reads now is fenced.  Raises `NotFound`.
    """
    async with transaction(store, store.writer) as connection:
        owner = await consumer_id(connection, consumer)
        named = _named(owner, name)
        statement = select(_ROWS.c.acked, _ROWS.c.filter).where(*named).with_for_update()
        former = (await connection.execute(statement)).all()
        _found(len(former), name)
        least = min(row.acked for row in former)
        await connection.execute(delete(_ROWS).where(*named))
        wanted = Declaration(consumer, name, former[0].filter, Shard(0, shards))
        rows = await _shards(connection, owner, wanted, least)
        await connection.execute(insert(_ROWS), rows)
        return int(least)


async def remove(store: Store, consumer: str, name: str) -> None:
    """Delete the subscription and what it parked; whoever reads it is told.  Raises `NotFound`."""
    async with transaction(store, store.writer) as connection:
        owner = await consumer_id(connection, consumer)
        gone = await connection.execute(delete(_ROWS).where(*_named(owner, name)))
        _found(gone.rowcount, name)
        await connection.execute(
            delete(_PARKED).where(_PARKED.c.consumer == owner, _PARKED.c.subscription == name)
        )


async def consumer_id(connection: AsyncConnection, name: str) -> int:
    """The row id of the consumer *name*.  Raises `NotFound`."""
    statement = select(_CONSUMERS.c.id).where(_CONSUMERS.c.name == name)
    found = (await connection.execute(statement)).scalar_one_or_none()
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


async def _shards(
    connection: AsyncConnection, consumer: int, wanted: Declaration, position: int
) -> list[dict[str, Any]]:
    now = (await connection.execute(select(clock(connection)))).scalar_one()
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


async def _recorded_at(connection: AsyncConnection, positions: set[int]) -> dict[int, Micros]:
    statement = select(_RECEIPTS.c.position, _RECEIPTS.c.recorded_at).where(
        _RECEIPTS.c.position.in_(positions)
    )
    rows = await connection.execute(statement)
    return {row.position: row.recorded_at for row in rows}


async def _parked_counts(connection: AsyncConnection) -> dict[tuple[int, str], int]:
    keys = (_PARKED.c.consumer, _PARKED.c.subscription)
    rows = await connection.execute(select(*keys, func.count().label("n")).group_by(*keys))
    return {(row.consumer, row.subscription): row.n for row in rows}


def _age(now: Micros, since: Micros | None) -> float:
    return max(0, now - since) / 1_000_000 if since is not None else 0.0
