"""Receipts that subscriptions have set aside: listed, sent again, dropped."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, delete, select, update

from hub.database import Consumer, Log, ParkedRow, ReceiptRow, Store
from hub.errors import NotFound
from hub.log import ReceiptLog, Snapshot, entry_rows
from hub.receipt import Entry, Micros
from hub.subscriptions.administration import consumer_id
from hub.subscriptions.leases import Key


@dataclass(frozen=True, slots=True)
class Parked:
    """A receipt that a subscription set aside."""

    consumer: str
    subscription: str
    position: int
    reason: str
    """What the reader said of it."""
    parked_at: Micros
    replay: bool
    """Whether it is to be sent again, and was not yet processed."""


async def listing(
    store: Store, consumer: str | None = None, name: str | None = None
) -> list[Parked]:
    """What is set aside by the subscriptions of *consumer*, or of all, by position."""
    statement = select(ParkedRow, Consumer.name).join(
        Consumer, col(Consumer.id) == col(ParkedRow.consumer)
    )
    if consumer is not None:
        statement = statement.where(Consumer.name == consumer)
    if name is not None:
        statement = statement.where(ParkedRow.subscription == name)
    statement = statement.order_by(
        col(Consumer.name), col(ParkedRow.subscription), col(ParkedRow.position)
    )

    def work(session: Session) -> list[Parked]:
        return [
            Parked(owner, row.subscription, row.position, row.reason, row.parked_at, row.replay)
            for row, owner in session.exec(statement)
        ]

    return await store.read(work)


async def replay(
    store: Store, consumer: str, name: str, positions: Sequence[int] | None = None
) -> int:
    """
    Send parked receipts again, to whoever reads the subscription now or next: those at
    *positions*, or all.  Those that the log no longer keeps stay as they are.  Returns how many
    are sent; raises `NotFound` if none are.
    """

    def work(session: Session) -> int:
        kept = col(ParkedRow.position) >= select(Log.oldest).scalar_subquery()
        chosen = _chosen(session, consumer, name, positions)
        changed = session.exec(update(ParkedRow).where(*chosen, kept).values(replay=True))
        return _some(changed.rowcount, name)

    return await store.write(work)


async def drop(
    store: Store, consumer: str, name: str, positions: Sequence[int] | None = None
) -> int:
    """Forget parked receipts: those at *positions*, or all.  Raises `NotFound` if none are."""

    def work(session: Session) -> int:
        chosen = _chosen(session, consumer, name, positions)
        return _some(session.exec(delete(ParkedRow).where(*chosen)).rowcount, name)

    return await store.write(work)


async def replayed(log: ReceiptLog, key: Key, positions: Sequence[int]) -> list[Entry]:
    """The receipts at *positions* that are still to be sent again and that the log keeps."""
    statement = (
        entry_rows()
        .join(ParkedRow, col(ParkedRow.position) == col(ReceiptRow.position))
        .where(*_of(key.consumer, key.name), col(ParkedRow.replay))
        .where(col(ParkedRow.position).in_(positions))
        .order_by(col(ParkedRow.position))
    )

    def work(snapshot: Snapshot) -> list[Entry]:
        return snapshot.entries.all(snapshot.connection, statement, {})

    return await log.snapshot(work, unhurried=False)


def _chosen(
    session: Session, consumer: str, name: str, positions: Sequence[int] | None
) -> list[ColumnElement[bool]]:
    chosen = _of(consumer_id(session, consumer), name)
    return chosen if positions is None else [*chosen, col(ParkedRow.position).in_(positions)]


def _of(consumer: int, name: str) -> list[ColumnElement[bool]]:
    return [col(ParkedRow.consumer) == consumer, col(ParkedRow.subscription) == name]


def _some(rows: int, name: str) -> int:
    if not rows:
        message = f"the subscription {name} has set aside no such receipt"
        raise NotFound(message)
    return rows
