"""The receipts of messages, of which one answer holds a bounded number."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import bindparam
from sqlmodel import col

from hub.database import ReceiptRow
from hub.log.read.entries import entry_rows
from hub.log.read.snapshot import Snapshot
from hub.receipt import Entry, Message

MOST_OF_MESSAGE = 100
"""Receipts of one message in an answer."""
MOST_TOGETHER = 10_000
"""Receipts of all messages in an answer, where many are asked for at once."""

_NEXT = (
    entry_rows()
    .where(
        col(ReceiptRow.message) == bindparam("of_message"),
        col(ReceiptRow.position) > bindparam("after"),
    )
    .order_by(col(ReceiptRow.position))
    .limit(bindparam("most"))
)
_BY_POSITION = entry_rows().order_by(col(ReceiptRow.position))


class ReceiptsOf(NamedTuple):
    """Asks for the receipts of *message* behind the position *after*."""

    message: Message
    after: int = 0


@dataclass(frozen=True, slots=True)
class Receipts:
    """Kept receipts of a message, in the order of the log."""

    entries: Sequence[Entry]
    more: bool
    """Whether there are further ones behind them."""


def receipts_of(snapshot: Snapshot, asked: Sequence[ReceiptsOf]) -> list[Receipts]:
    """
    What is kept for each of *asked*, from the oldest on.  Messages of few receipts, nearly all,
    take one statement together; one of more takes a statement that ends at the bound.
    """
    most = min(MOST_OF_MESSAGE, max(1, MOST_TOGETHER // max(1, len(asked))))
    few = [each.message.id for each in asked if each.message.receipt_count <= most]
    together: dict[int, list[Entry]] = defaultdict(list)
    if few:
        for row in snapshot.among(_BY_POSITION, col(ReceiptRow.message), few):
            entry = snapshot.entries.entry(row)
            together[entry.message].append(entry)
    found = []
    for message, after in asked:
        if message.receipt_count <= most:
            entries = [entry for entry in together[message.id] if entry.position > after]
        else:
            values = {"of_message": message.id, "after": after, "most": most + 1}
            entries = snapshot.entries.all(snapshot.connection, _NEXT, values)
        found.append(Receipts(entries[:most], more=len(entries) > most))
    return found
