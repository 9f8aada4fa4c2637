"""
Who holds which subscription, and how far it is acknowledged.

What a stream writes names it as the holder, so that nothing of a former one counts.  A holder
renews its lease every few seconds; one whose lease stands still for `LEASE_SECONDS` is taken for
dead.  Whoever waits measures that by its own monotonic clock, from when it first saw the renewal:
wall clocks differ and are set back, and no instant that is stored is ever compared with one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, exists
from sqlmodel import Session, col, select, update

from hub.database import ParkedRow, Store, SubscriptionRow, insert_into, table
from hub.errors import NotFound
from hub.receipt import Micros

LEASE_SECONDS = 8.0
"""How long a holder that says nothing is still believed to live."""

REPLAYS_AT_ONCE = 1000
"""Most positions to be sent again that a holder is told at a time."""

_PARKED = table(ParkedRow)


class Key(NamedTuple):
    """One shard of one subscription."""

    consumer: int
    """The consumer's row id."""
    name: str
    shard: int


class Renewal(NamedTuple):
    """The newest sign of life of a holder.  Every one differs from the one before."""

    holder: str | None
    """None where nobody holds."""
    at: Micros
    """By the database's clock; tells one renewal from another, and nothing else."""


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
    replays_after: int | None = None
    """Ask for positions to be sent again behind this one; None while there are enough."""
    leaving: bool = False
    """Whether the holder gives the subscription up."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of reports."""

    held: set[str] = field(default_factory=set)
    """The holders that still hold; for the others nothing was written."""
    replays: dict[str, Sequence[int]] = field(default_factory=dict)
    """By holder: parked positions that are to be sent again, those it asked for."""


async def look(store: Store, key: Key) -> tuple[Renewal, int]:
    """The newest renewal of *key*, and its acknowledged position.  Raises `NotFound`."""

    def work(session: Session) -> tuple[Renewal, int]:
        row = _row(session, key)
        return Renewal(row.holder, row.renewed_at), row.acked

    return await store.read(work)


async def take(store: Store, key: Key, seen: Renewal, holder: str) -> int | None:
    """
    Make *holder* hold *key*, unless something happened to the lease since *seen*: of many who try
    at once, one gets it.  Returns the acknowledged position, or None.  Raises `NotFound`.
    """

    def work(session: Session) -> int | None:
        row = _row(session, key, lock=True)
        if (row.holder, row.renewed_at) != seen:
            return None
        row.holder, row.unacked = holder, 0
        row.renewed_at = store.dialect.now(session.connection())
        return row.acked

    return await store.write(work)


async def write(store: Store, reports: Sequence[Report]) -> Written:
    """Write what *reports* say and renew their leases, all in one transaction."""
    holders = [report.holder for report in reports]

    def work(session: Session) -> Written:
        connection, written = session.connection(), Written()
        now = store.dialect.now(connection)
        asked = _HELD.where(col(SubscriptionRow.holder).in_(holders))
        replays = dict(session.exec(asked).all())
        written.held.update(holder for holder in replays if holder)
        valid = [report for report in reports if report.holder in replays]
        if valid:
            session.exec(update(SubscriptionRow), params=[_renewed(each, now) for each in valid])
        _park(connection, valid, now)
        _settle(connection, valid)
        for report in valid:
            if replays[report.holder] and report.replays_after is not None:
                written.replays[report.holder] = _replays(session, report)
        return written

    return await store.write(work)


async def parked(store: Store, key: Key, after: int) -> set[int]:
    """The positions behind *after* that are set aside, those to be sent again included."""
    statement = select(ParkedRow.position).where(*_of(key), col(ParkedRow.position) > after)
    return await store.read(lambda session: set(session.exec(statement)))


async def release_all(store: Store) -> None:
    """Make nobody hold anything."""

    def work(session: Session) -> None:
        for row in session.exec(
            select(SubscriptionRow).where(col(SubscriptionRow.holder).is_not(None))
        ):
            row.holder = None

    await store.write(work)


# Whether there is anything to be sent again is answered by an index, at one look.
_HELD = (
    select(
        SubscriptionRow.holder,
        exists().where(
            col(ParkedRow.consumer) == col(SubscriptionRow.consumer),
            col(ParkedRow.subscription) == col(SubscriptionRow.name),
            col(ParkedRow.replay),
        ),
    )
    .order_by(*table(SubscriptionRow).primary_key.columns)  # so that hubs lock in one order
    .with_for_update(of=SubscriptionRow)
)


def _row(session: Session, key: Key, *, lock: bool = False) -> SubscriptionRow:
    row = session.get(SubscriptionRow, tuple(key), with_for_update=True if lock else None)
    if row is None:
        message = "the subscription was deleted"
        raise NotFound(message)
    return row


def _renewed(report: Report, now: Micros) -> dict[str, Any]:
    """The row of *report* as it is from now on, for an update by its key."""
    changed: dict[str, Any] = {
        **report.key._asdict(),
        "acked": report.acked,
        "unacked": 0 if report.leaving else report.unacked,
        "holder": None if report.leaving else report.holder,
        "renewed_at": now,
    }
    return {**changed, "acked_at": now} if report.acknowledged else changed


def _of(key: Key) -> tuple[bool, bool]:
    return ParkedRow.consumer == key.consumer, ParkedRow.subscription == key.name


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


def _replays(session: Session, report: Report) -> Sequence[int]:
    statement = (
        select(ParkedRow.position)
        .where(*_of(report.key), col(ParkedRow.replay))
        .where(col(ParkedRow.position) > report.replays_after)
        .order_by(col(ParkedRow.position))
        .limit(REPLAYS_AT_ONCE)
    )
    return session.exec(statement).all()
