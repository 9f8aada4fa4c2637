"""Messages held against their receipts, which are read beside them, in the same order."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import exists, select
from sqlmodel import col

from hub.database import Fingerprint, MessageRow, ReceiptRow, table
from hub.log import LAST_BUCKET
from hub.receipt import Status
from hub.upkeep.checks.fingerprints import Marks
from hub.upkeep.checks.history import History, Report
from hub.upkeep.checks.moment import Moment
from hub.upkeep.checks.statistics import latencies_recount, messages_recount

Rows = Iterator[Any]


def check(moment: Moment) -> None:
    """Check all messages, and hold them against the statistics."""
    messages, latencies = messages_recount(moment), latencies_recount(moment)
    receipts = _Receipts(moment)
    for row in moment.rows(select(table(MessageRow)), col(MessageRow.id)):
        kind = moment.kinds.by_id.get(row.kind)
        if kind is None:
            moment.problem(f"message {row.id} has kind {row.kind}, which is unknown")
        else:
            _Check(moment, row).run(receipts.of(row.id))
        messages.add(row.first_recorded_at, (row.kind,), (1,))
        if row.latency is not None:
            latencies.add(row.first_recorded_at, (row.kind, row.latency), (1,))
        moment.checked()
    messages.end()
    latencies.end()
    _strays(moment)


class _Receipts:
    """All receipts, by message."""

    def __init__(self, moment: Moment) -> None:
        row = ReceiptRow
        statement = select(table(row))
        rows = moment.rows(statement, col(row.message), col(row.position))
        self._groups = groupby(rows, lambda found: found.message)
        self._next = next(self._groups, None)

    def of(self, message: int) -> Rows:
        """Those of *message*, to be read before those of the next one are asked for."""
        while self._next is not None and self._next[0] < message:
            self._next = next(self._groups, None)  # of no message, of which receipts tell
        if self._next is None or self._next[0] != message:
            return iter(())
        return self._next[1]


class _Check:
    """The check of one message."""

    def __init__(self, moment: Moment, row: Any) -> None:
        self._moment, self._row = moment, row
        self._kind = moment.kinds.by_id[row.kind]

    def run(self, receipts: Rows) -> None:
        """Check it with all its *receipts* that are kept."""
        self._own()
        first = next(receipts, None)
        whole = self._row.id >= self._moment.log.oldest
        marks = Marks(self._moment, self._row, whole=whole)
        if first is None:
            if whole or self._row.id <= self._moment.log.swept:
                self._problem("has no receipts")
            marks.none()
        elif whole and first.position != self._row.id:
            self._problem("has no first receipt")
        else:
            self._receipts(first, receipts, marks, whole=whole)

    def _own(self) -> None:
        """What a message says of itself, whether its receipts are kept or not."""
        row, kind = self._row, self._kind
        if self._moment.hashing.key(row.provider, row.message_id, row.recipient) != row.key:
            self._problem("has a key that is not its own")
        if not (kind.applied and kind.provider_id == row.provider):
            self._problem("is of a kind that no message of its provider is")
        delivered = kind.status is Status.DELIVERED
        if row.delivered_at != (row.status_at if delivered else None):
            self._problem("was delivered when it was not")
        if not 0 <= (row.latency or 0) <= LAST_BUCKET:
            self._problem("has a latency that is none")
        times = ("first_received_at", "first_recorded_at", "status_at")
        self._moment.instants(f"message {row.id}", row, *times)

    def _receipts(self, first: Any, rest: Rows, marks: Marks, *, whole: bool) -> None:
        row, count, history = self._row, 0, History(self._moment, whole=whole)
        if whole and (first.received_at, first.recorded_at) != (
            row.first_received_at,
            row.first_recorded_at,
        ):
            self._problem("did not begin with its first receipt")
        for receipt in _chained(first, rest):
            count += 1
            kind = self._moment.kinds.by_id.get(receipt.kind)
            if kind is None:
                return  # which was told of the receipt
            self._receipt(receipt)
            marks.add(self._moment.hashing.mixed(receipt, kind.key))
            if not history.agrees(receipt, Report.of(receipt, kind), applied=kind.applied):
                self._moment.problem(
                    f"receipt {receipt.position} says otherwise of its message's status"
                )
        marks.end()
        if count > row.receipt_count:
            self._problem("counts fewer receipts than there are")
        if not history.leads_to(row, self._kind):
            self._problem("is not what its receipts say")

    def _receipt(self, receipt: Any) -> None:
        hashing = self._moment.hashing
        hashes = (
            hashing.recipient(self._row.recipient),
            hashing.reference(receipt.client_reference or ""),
        )
        if (receipt.recipient_hash, receipt.reference_hash) != hashes:
            self._moment.problem(f"receipt {receipt.position} is not found by what it speaks of")

    def _problem(self, sentence: str) -> None:
        self._moment.problem(f"message {self._row.id} {sentence}")


def _chained(first: Any, rest: Rows) -> Rows:
    yield first
    yield from rest


def _strays(moment: Moment) -> None:
    """Fingerprints of messages that there are not."""
    its = col(MessageRow.id) == col(Fingerprint.message)
    statement = select(col(Fingerprint.message)).where(~exists().where(its)).distinct().limit(100)
    for message in moment.connection.execute(statement).scalars():
        moment.problem(f"there are fingerprints of message {message}, which is not there")
