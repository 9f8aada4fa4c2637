"""Durable subscriptions are made, moved, resharded and deleted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, delete, select

from hub.database import Consumer, ParkedRow, Store, SubscriptionRow
from hub.errors import NotFound, SubscriptionMismatch
from hub.filter import Shard
from hub.receipt import Micros
from hub.subscriptions.leases import Key


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


async def find(store: Store, declared: Declaration) -> Key | None:
    """
    The subscription that is *declared*; None if there is none of its name.  Raises
    `SubscriptionMismatch` where it was created with another filter or number of shards.
    """

    def work(session: Session) -> Key | None:
        consumer = consumer_id(session, declared.consumer)
        row = session.get(SubscriptionRow, (consumer, declared.name, 0))
        if row is None:
            return None
        if row.shards != declared.shard.count:
            message = f"the subscription has {row.shards} shards, not {declared.shard.count}"
            raise SubscriptionMismatch(message, field="open.shard.count")
        if declared.filter is not None and row.filter != declared.filter:
            message = "the subscription was created with another filter"
            raise SubscriptionMismatch(message, field="open.filter")
        return Key(consumer, declared.name, declared.shard.index)

    return await store.read(work)


async def conditions(store: Store, key: Key) -> dict[str, Any]:
    """The filter that the subscription of *key* was created with.  Raises `NotFound`."""

    def work(session: Session) -> dict[str, Any]:
        row = session.get(SubscriptionRow, tuple(key))
        if row is None:
            raise _none(key.name)
        return row.filter

    return await store.read(work)


async def create(store: Store, declared: Declaration, position: int) -> None:
    """Make all shards of what is *declared*, from *position* on, unless its name exists by now."""

    def work(session: Session) -> None:
        now = store.dialect.now(session.connection())
        consumer = consumer_id(session, declared.consumer)
        session.add_all(_shards(consumer, declared, position, now))

    try:
        await store.write(work)
    except IntegrityError:  # another reader was faster; all of its shards are there, none of these
        return


async def reset(store: Store, consumer: str, name: str, position: int) -> None:
    """
    Let all shards go on after *position*; whoever reads now is fenced and connects again.  The
    caller has made sure that the log has that position.  Raises `NotFound`.
    """

    def work(session: Session) -> None:
        for row in _rows(session, consumer, name):
            row.acked, row.unacked, row.holder = position, 0, None

    await store.write(work)


async def reshard(store: Store, consumer: str, name: str, shards: int) -> int:
    """
    Give the subscription *shards* shards.  Each starts at the least acknowledged position of the
    former ones, which is returned; whoever reads now is fenced.  Raises `NotFound`.
    """

    def work(session: Session) -> int:
        now = store.dialect.now(session.connection())
        former = _rows(session, consumer, name)
        least = min(row.acked for row in former)
        declared = Declaration(consumer, name, former[0].filter, Shard(0, shards))
        for row in former:
            session.delete(row)
        session.flush()  # the new ones have the same keys
        session.add_all(_shards(former[0].consumer, declared, least, now))
        return least

    return await store.write(work)


async def remove(store: Store, consumer: str, name: str) -> None:
    """Delete the subscription and what it parked; whoever reads it is told.  Raises `NotFound`."""

    def work(session: Session) -> None:
        rows = _rows(session, consumer, name)
        session.exec(
            delete(ParkedRow).where(
                col(ParkedRow.consumer) == rows[0].consumer, col(ParkedRow.subscription) == name
            )
        )
        for row in rows:
            session.delete(row)

    await store.write(work)


def consumer_id(session: Session, name: str) -> int:
    """The row id of the consumer *name*.  Raises `NotFound`."""
    found = session.exec(select(Consumer.id).where(Consumer.name == name)).one_or_none()
    if found is None:
        message = f"there is no consumer named {name}"
        raise NotFound(message)
    return found


def _rows(session: Session, consumer: str, name: str) -> Sequence[SubscriptionRow]:
    """All shards, locked.  Raises `NotFound`."""
    found = session.exec(
        select(SubscriptionRow)
        .where(SubscriptionRow.consumer == consumer_id(session, consumer))
        .where(SubscriptionRow.name == name)
        .order_by(col(SubscriptionRow.shard))
        .with_for_update()
    ).all()
    if not found:
        raise _none(name)
    return found


def _none(name: str) -> NotFound:
    return NotFound(f"there is no subscription named {name}")


def _shards(
    consumer: int, declared: Declaration, position: int, now: Micros
) -> list[SubscriptionRow]:
    return [
        SubscriptionRow(
            consumer=consumer,
            name=declared.name,
            shard=index,
            shards=declared.shard.count,
            filter=dict(declared.filter or {}),
            acked=position,
            acked_at=None,
            unacked=0,
            holder=None,
            renewed_at=0,
            created_at=now,
        )
        for index in range(declared.shard.count)
    ]
