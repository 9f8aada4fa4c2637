"""
Who holds which subscription, and how far it is acknowledged.

A lease ends by the database's clock, which all hubs share.  What a stream writes names it as the
holder, so that nothing of a former one counts.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    bindparam,
    delete,
    func,
    literal,
    literal_column,
    select,
    update,
)
from sqlmodel import Session

from hub.database.columns import table
from hub.database.dialect import insert_into
from hub.database.store import Store
from hub.database.tables import ParkedRow, SubscriptionRow
from hub.errors import NotFound
from hub.receipt import Micros

_ROWS = table(SubscriptionRow)
_PARKED = table(ParkedRow)
_DATABASE_CLOCK = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"


class Key(NamedTuple):
    """One shard of one subscription."""

    consumer: int
    """The consumer's row id."""
    name: str
    shard: int


@dataclass(frozen=True, slots=True)
class Report:
    """What the holder of a subscription has to say of it."""

    key: Key
    holder: str
    acked: int
    unacked: int
    acknowledged: bool
    """Whether a reader acknowledged something since the last report."""
    parked: Sequence[tuple[int, str]] = ()
    """Positions set aside since then, each with its reason."""
    settled: Sequence[int] = ()
    """Replayed positions that were processed since then."""
    leaving: bool = False
    """Whether the holder gives the subscription up."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of reports."""

    held: frozenset[str]
    """The holders that still hold; for the others nothing was written."""
    replays: dict[tuple[int, str], list[int]]
    """By consumer and subscription: the parked positions that are to be sent again."""


async def acquire(store: Store, key: Key, holder: str, lease: Micros) -> tuple[bool, int]:
    """
    Make *holder* hold *key* for *lease* microseconds, unless someone else does.  Returns whether
    it holds, and the acknowledged position.  Raises `NotFound` where *key* was deleted.
    """

    def look(session: Session) -> Any:
        connection = session.connection()
        return _present(connection.execute(_state(connection, key)).one_or_none())

    def take(session: Session) -> tuple[bool, int]:
        connection = session.connection()
        locking = _state(connection, key).with_for_update()
        state = _present(connection.execute(locking).one_or_none())
        if _is_held(state):
            return False, state.acked
        values = {"holder": holder, "lease_until": state.now + lease, "unacked": 0}
        connection.execute(update(_ROWS).where(*_is(key)).values(values))
        return True, state.acked

    state = await store.read(look)
    return (False, state.acked) if _is_held(state) else await store.write(take)


async def keep(store: Store, reports: Sequence[Report], lease: Micros) -> Kept:
    """Write what *reports* say and prolong their leases, all in one transaction."""

    def work(session: Session) -> Kept:
        connection = session.connection()
        held, now = _held(connection, [report.holder for report in reports])
        valid = [report for report in reports if report.holder in held]
        if valid:
            connection.execute(_PROLONG, [_values(report, now, lease) for report in valid])
        _park(connection, valid, now)
        _settle(connection, valid)
        return Kept(held, _replays(connection, valid))

    return await store.write(work)


async def parked(store: Store, key: Key) -> set[int]:
    """The positions that the subscription has set aside, those to be sent again included."""
    statement = select(_PARKED.c.position).where(
        _PARKED.c.consumer == key.consumer, _PARKED.c.subscription == key.name
    )
    return await store.read(lambda session: set(session.connection().execute(statement).scalars()))


def clock(connection: Connection) -> ColumnElement[Any]:
    """The present in microseconds, as a column named `now`."""
    if connection.dialect.name == "sqlite":  # a file of one machine, which has one clock
        return literal(time.time_ns() // 1000).label("now")
    return literal_column(_DATABASE_CLOCK, BigInteger).label("now")


def _state(connection: Connection, key: Key) -> Select[Any]:
    columns = (_ROWS.c.acked, _ROWS.c.holder, _ROWS.c.lease_until, clock(connection))
    return select(*columns).where(*_is(key))


def _present(row: Any) -> Any:
    if row is None:
        message = "the subscription was deleted"
        raise NotFound(message)
    return row


def _is_held(row: Any) -> bool:
    return row.holder is not None and row.lease_until > row.now


def _is(key: Key) -> list[ColumnElement[bool]]:
    values = zip((_ROWS.c.consumer, _ROWS.c.name, _ROWS.c.shard), key, strict=True)
    return [column == value for column, value in values]


def _held(connection: Connection, holders: list[str]) -> tuple[frozenset[str], Micros]:
    statement = select(_ROWS.c.holder, clock(connection)).where(_ROWS.c.holder.in_(holders))
    ordered = statement.order_by(*_ROWS.primary_key.columns).with_for_update()
    rows = (connection.execute(ordered)).all()
    return frozenset(row.holder for row in rows), rows[0].now if rows else 0


_PROLONG = (
    update(_ROWS)
    .where(
        _ROWS.c.consumer == bindparam("of"),
        _ROWS.c.name == bindparam("named"),
        _ROWS.c.shard == bindparam("part"),
        _ROWS.c.holder == bindparam("by"),
    )
    .values(
        acked=bindparam("to"),
        acked_at=func.coalesce(bindparam("at", type_=BigInteger), _ROWS.c.acked_at),
        unacked=bindparam("left"),
        holder=bindparam("next", type_=_ROWS.c.holder.type),
        lease_until=bindparam("until"),
    )
)


def _values(report: Report, now: Micros, lease: Micros) -> dict[str, Any]:
    return {
        "of": report.key.consumer,
        "named": report.key.name,
        "part": report.key.shard,
        "by": report.holder,
        "to": report.acked,
        "at": now if report.acknowledged else None,
        "left": 0 if report.leaving else report.unacked,
        "next": None if report.leaving else report.holder,
        "until": now if report.leaving else now + lease,
    }


def _park(connection: Connection, reports: list[Report], now: Micros) -> None:
    values = [
        {
            "consumer": report.key.consumer,
            "subscription": report.key.name,
            "position": position,
            "reason": reason,
            "parked_at": now,
            "replay": False,
        }
        for report in reports
        for position, reason in report.parked
    ]
    if not values:
        return
    statement = insert_into(_PARKED, connection.dialect)
    again = {name: statement.excluded[name] for name in ("reason", "parked_at", "replay")}
    keys = list(_PARKED.primary_key.columns)
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=again), values)


def _settle(connection: Connection, reports: list[Report]) -> None:
    values = [
        {"of": report.key.consumer, "named": report.key.name, "at": position}
        for report in reports
        for position in report.settled
    ]
    if values:
        statement = delete(_PARKED).where(
            _PARKED.c.consumer == bindparam("of"),
            _PARKED.c.subscription == bindparam("named"),
            _PARKED.c.position == bindparam("at"),
        )
        connection.execute(statement, values)


def _replays(connection: Connection, reports: list[Report]) -> dict[tuple[int, str], list[int]]:
    wanted = {report.key[:2] for report in reports}
    statement = select(_PARKED.c.consumer, _PARKED.c.subscription, _PARKED.c.position).where(
        _PARKED.c.replay, _PARKED.c.consumer.in_({consumer for consumer, _ in wanted})
    )
    found: dict[tuple[int, str], list[int]] = {}
    for consumer, name, position in connection.execute(statement):
        found.setdefault((consumer, name), []).append(position)
    return {key: positions for key, positions in found.items() if key in wanted}
