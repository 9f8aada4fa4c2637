"""
A check of a whole database: what is stored is dense, unique, complete, and what is derived from
the log equals what the log says.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, func, select
from sqlmodel import Session, col

from hub.database.columns import table
from hub.database.kinds import Kinds, read_kinds
from hub.database.store import Store
from hub.database.tables import (
    Callback,
    Log,
    MessageRow,
    QuarantineRow,
    ReceiptRow,
    SubscriptionRow,
)
from hub.log.bounds import read_bounds
from hub.log.hashing import Hashing
from hub.log.read.entries import EntryReader, entry_rows
from hub.upkeep.recount import Recount
from hub.upkeep.verify_messages import MessageCheck

CHUNK = 2000
"""Rows that are read at once."""

MOST_PROBLEMS = 100

Progress = Callable[[int, int], None]
"""Called with rows checked and rows in all."""


@dataclass(slots=True)
class Report:
    """What was checked and what is wrong."""

    receipts: int = 0
    messages: int = 0
    problems: list[str] = field(default_factory=list)
    """Sentences without any number or token of a person; at most `MOST_PROBLEMS`."""
    found: int = 0
    """Problems in all."""

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.found

    def problem(self, sentence: str) -> None:
        """Note what is wrong."""
        self.found += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(sentence)


async def verify(store: Store, progress: Progress = lambda _done, _total: None) -> Report:
    """Check the whole database as of one moment.  Raises `StoreUnavailable`."""
    report = Report()

    def work(session: Session) -> None:
        kinds = read_kinds(session)
        _Verification(session.connection(), kinds, report, progress).run()

    await store.read(work, unhurried=True)
    return report


class _Ranges:
    """A set of numbers that are mostly dense, added in order."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, number: int) -> None:
        if self._ends and self._ends[-1] == number - 1:
            self._ends[-1] = number
        else:
            self._starts.append(number)
            self._ends.append(number)

    @property
    def first(self) -> int:
        """The least one; those before it were purged."""
        return self._starts[0] if self._starts else 1

    def hold(self, number: int) -> bool:
        at = bisect_right(self._starts, number) - 1
        return at >= 0 and number <= self._ends[at]


class _Verification:
    def __init__(
        self, connection: Connection, kinds: Kinds, report: Report, progress: Progress
    ) -> None:
        self._connection, self._kinds = connection, kinds
        self._report, self._progress = report, progress
        self._recount = Recount()

    def run(self) -> None:
        self._bounds, _ = read_bounds(self._connection)
        self._file()
        self._ends()
        self._total = (self._bounds.head - self._bounds.oldest + 1) + self._messages_stored()
        self._receipts()
        self._messages()
        self._statistics()
        self._rest()

    def _file(self) -> None:
        if self._connection.dialect.name == "sqlite":
            rows = (self._connection.exec_driver_sql("PRAGMA quick_check(5)")).scalars()
            for sentence in rows:
                if sentence != "ok":
                    self._report.problem(f"the database file is damaged: {sentence}")

    def _ends(self) -> None:
        position = col(ReceiptRow.position)
        row = (
            self._connection.execute(
                select(func.count(), func.min(position), func.max(position)).select_from(ReceiptRow)
            )
        ).one()
        count, low, high = row
        bounds = self._bounds
        if count != bounds.head - bounds.oldest + 1:
            self._report.problem(
                f"{count} receipts stand between oldest {bounds.oldest} and head {bounds.head}"
            )
        if count and (low, high) != (bounds.oldest, bounds.head):
            self._report.problem(
                f"receipts stand from {low} to {high}, not from {bounds.oldest} to {bounds.head}"
            )

    def _messages_stored(self) -> int:
        statement = select(func.count()).select_from(MessageRow)
        return int(self._connection.execute(statement).scalar_one())

    def _receipts(self) -> None:
        known = self._callbacks()
        after, recorded_at = self._bounds.oldest - 1, 0
        row = ReceiptRow
        while True:
            rows = (
                self._connection.execute(
                    select(
                        col(row.position),
                        col(row.kind),
                        col(row.callback),
                        col(row.recorded_at),
                        col(row.segments),
                        col(row.message),
                        col(MessageRow.id),
                    )
                    .outerjoin(MessageRow, col(MessageRow.id) == col(row.message))
                    .where(col(row.position) > after)
                    .order_by(col(row.position))
                    .limit(CHUNK)
                )
            ).all()
            if not rows:
                return
            for found in rows:
                self._receipt(found, after, recorded_at, known)
                after, recorded_at = found.position, found.recorded_at
            self._report.receipts += len(rows)
            self._told()

    def _receipt(self, row: Any, before: int, recorded_at: int, callbacks: _Ranges) -> None:
        problem = self._report.problem
        if row.position != before + 1:
            problem(f"positions {before + 1} to {row.position - 1} are missing")
        if row.recorded_at < recorded_at:
            problem(f"receipt {row.position} was recorded before the one in front of it")
        if row.kind not in self._kinds.by_id:
            problem(f"receipt {row.position} has kind {row.kind}, which is unknown")
        if row.id is None:
            problem(f"receipt {row.position} has no message")
        if not callbacks.hold(row.callback) and row.callback >= callbacks.first:
            problem(f"receipt {row.position} has no callback")
        self._recount.receipt(row.recorded_at, row.kind, row.segments)

    def _callbacks(self) -> _Ranges:
        """The ids of the callbacks that are kept, as ranges: few, since they are dense."""
        ranges = _Ranges()
        after = 0
        while True:
            number = col(Callback.id)
            statement = select(number).where(number > after).order_by(number).limit(20_000)
            rows = list(self._connection.execute(statement).scalars())
            if not rows:
                return ranges
            for found in rows:
                ranges.add(found)
            after = rows[-1]

    def _messages(self) -> None:
        secret = (self._connection.execute(select(col(Log.secret)))).scalar_one()
        kinds, hashing = self._kinds, Hashing(secret)
        reader = EntryReader(kinds, hashing)
        check = MessageCheck(kinds, hashing, self._bounds, self._report.problem)
        after = 0
        while True:
            number = col(MessageRow.id)
            rows = (
                self._connection.execute(
                    select(table(MessageRow)).where(number > after).order_by(number).limit(CHUNK)
                )
            ).all()
            if not rows:
                return
            ids = [row.id for row in rows]
            of_these = col(ReceiptRow.message).between(ids[0], ids[-1])
            ordered = entry_rows().where(of_these).order_by(col(ReceiptRow.position))
            entries = reader.all(self._connection, ordered, {})
            marks = self._fingerprints(ids)
            check.messages(rows, entries, marks)
            for row in rows:
                self._recount.message(row.first_recorded_at, row.kind, row.latency)
            after = ids[-1]
            self._report.messages += len(rows)
            self._told()

    def _fingerprints(self, ids: list[int]) -> dict[int, int]:
        statement = select(col(ReceiptRow.position), col(ReceiptRow.fingerprint)).where(
            col(ReceiptRow.message).in_(ids)
        )
        rows = self._connection.execute(statement)
        return {row.position: row.fingerprint for row in rows}

    def _statistics(self) -> None:
        oldest = col(ReceiptRow.recorded_at)
        statement = select(oldest).order_by(col(ReceiptRow.position)).limit(1)
        first = self._connection.execute(statement).scalar()
        self._recount.compare(
            self._connection, first, self._report.problem, purged=self._bounds.oldest > 1
        )

    def _rest(self) -> None:
        row = SubscriptionRow
        statement = select(col(row.name), col(row.shard), col(row.acked))
        for name, shard, acked in self._connection.execute(statement):
            if not 0 <= acked <= self._bounds.head:
                self._report.problem(
                    f"subscription {name} shard {shard} acknowledged {acked}, which is no position"
                )
        size = select(func.coalesce(func.sum(func.length(col(QuarantineRow.raw))), 0))
        held = int(self._connection.execute(size).scalar_one())
        counted = (self._connection.execute(select(col(Log.quarantine_bytes)))).scalar_one()
        if held != counted:
            self._report.problem(f"the quarantine holds {held} bytes and {counted} are counted")

    def _told(self) -> None:
        self._progress(self._report.receipts + self._report.messages, self._total)
