"""Rows of the log as entries."""

from typing import Any

from sqlalchemy import Connection, Select, bindparam, select
from sqlmodel import col

from hub.database import Kinds, MessageRow, ReceiptRow
from hub.log.hashing import Hashing
from hub.receipt import DeliveryEvidence, Entry, Status

AnySelect = Select[*tuple[Any, ...]]
"""A SELECT of whatever columns."""

_STATUSES = {status.value: status for status in Status}
_EVIDENCE = {evidence.value: evidence for evidence in DeliveryEvidence}


def entry_rows() -> AnySelect:
    """Every receipt with its message, in the order of columns that `EntryReader` takes."""
    return select(
        col(ReceiptRow.position),
        col(ReceiptRow.kind),
        col(MessageRow.key),
        col(ReceiptRow.message),
        col(MessageRow.message_id),
        col(MessageRow.recipient),
        col(ReceiptRow.provider_status),
        col(ReceiptRow.error_code),
        col(ReceiptRow.error_permanent),
        col(ReceiptRow.evidence),
        col(ReceiptRow.occurred_at),
        col(ReceiptRow.received_at),
        col(ReceiptRow.recorded_at),
        col(ReceiptRow.segments),
        col(ReceiptRow.part),
        col(ReceiptRow.part_count),
        col(ReceiptRow.network),
        col(ReceiptRow.price),
        col(ReceiptRow.currency),
        col(ReceiptRow.client_reference),
        col(ReceiptRow.message_status),
        col(ReceiptRow.corrects),
    ).join(MessageRow, col(MessageRow.id) == col(ReceiptRow.message))


class EntryReader:
    """Makes entries of rows whose kinds are all among *kinds*."""

    def __init__(self, kinds: Kinds, hashing: Hashing) -> None:
        self._kinds, self._hashing = kinds.by_id, hashing

    def all(
        self, connection: Connection, statement: AnySelect, values: dict[str, Any]
    ) -> list[Entry]:
        """The entries that *statement*, made of `entry_rows`, gives for *values*."""
        return [self.entry(row) for row in connection.execute(statement, values)]

    def of_message(self, connection: Connection, message: int) -> list[Entry]:
        """All kept receipts of *message*, by position."""
        return self.all(connection, _OF_MESSAGE, {"of_message": message})

    def entry(self, row: Any) -> Entry:
        """The entry of one row of `entry_rows`."""
        position, number, key, message, message_id, recipient, provider_status, *rest = row
        error_code, permanent, evidence, *given, message_status, corrects = rest
        kind = self._kinds[number]
        return Entry._make(
            (
                position,
                self._hashing.shown(key),
                message,
                kind.provider,
                message_id,
                recipient or None,
                kind.status,
                provider_status,
                error_code,
                kind.error_category,
                permanent,
                _EVIDENCE[evidence],
                *given,
                kind.applied,
                _STATUSES[message_status],
                corrects,
            )
        )


_OF_MESSAGE = (
    entry_rows()
    .where(col(ReceiptRow.message) == bindparam("of_message"))
    .order_by(col(ReceiptRow.position))
)
