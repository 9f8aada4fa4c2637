"""Receipts that subscriptions have set aside: listed, sent again, dropped."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, select, update
from sqlmodel import Session

from hub.database.columns import table
from hub.database.store import Store
from hub.database.tables import Consumer, Log, ParkedRow
from hub.errors import NotFound
from hub.receipt import Micros
from hub.subscriptions.rows import consumer_id

_PARKED = table(ParkedRow)
_CONSUMERS = table(Consumer)
_LOG = table(Log)


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
    statement = select(_PARKED, _CONSUMERS.c.name.label("owner")).join(
        _CONSUMERS, _CONSUMERS.c.id == _PARKED.c.consumer
    )
    if consumer is not None:
        statement = statement.where(_CONSUMERS.c.name == consumer)
    if name is not None:
        statement = statement.where(_PARKED.c.subscription == name)
    ordered = statement.order_by(_CONSUMERS.c.name, _PARKED.c.subscription, _PARKED.c.position)

    def work(session: Session) -> Sequence[Any]:
        connection = session.connection()
        return connection.execute(ordered).all()

    rows = await store.read(work)
    return [
        Parked(row.owner, row.subscription, row.position, row.reason, row.parked_at, row.replay)
        for row in rows
    ]


async def replay(
    store: Store, consumer: str, name: str, positions: Sequence[int] | None = None
) -> int:
    """
    Send parked receipts again, to whoever reads the subscription now or next: those at
    *positions*, or all.  Those that the log no longer keeps stay as they are.  Returns how many
    are sent; raises `NotFound` if none are.
    """

    def work(session: Session) -> int:
        connection = session.connection()
        kept = _PARKED.c.position >= select(_LOG.c.oldest).scalar_subquery()
        chosen = [*_chosen(connection, consumer, name, positions), kept]
        statement = update(_PARKED).where(*chosen).values(replay=True)
        return _some(connection.execute(statement).rowcount, name)

    return await store.write(work)


async def drop(
    store: Store, consumer: str, name: str, positions: Sequence[int] | None = None
) -> int:
    """Forget parked receipts: those at *positions*, or all.  Raises `NotFound` if none are."""

    def work(session: Session) -> int:
        connection = session.connection()
        statement = delete(_PARKED).where(*_chosen(connection, consumer, name, positions))
        return _some(connection.execute(statement).rowcount, name)

    return await store.write(work)


def _chosen(
    connection: Connection, consumer: str, name: str, positions: Sequence[int] | None
) -> list[ColumnElement[bool]]:
    owner = consumer_id(connection, consumer)
    chosen = [_PARKED.c.consumer == owner, _PARKED.c.subscription == name]
    return chosen if positions is None else [*chosen, _PARKED.c.position.in_(positions)]


def _some(rows: int, name: str) -> int:
    if not rows:
        message = f"the subscription {name} has set aside no such receipt"
        raise NotFound(message)
    return rows
