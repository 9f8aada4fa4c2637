"""Rows of the log as entries."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from hub.database.kinds import Kinds
from hub.database.tables import MessageRow, ReceiptRow
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


def _of_messages(messages: Sequence[int]) -> AnySelect:
    rows = entry_rows().where(col(ReceiptRow.message).in_(messages))
    return rows.order_by(col(ReceiptRow.position))


class EntryReader:
    """Makes entries of rows; reads the kinds again when it meets an unknown one."""

    def __init__(self, kinds: Kinds, hashing: Hashing) -> None:
        self.hashing = hashing
        self._kinds = kinds

    async def all(
        self, connection: AsyncConnection, statement: AnySelect, values: dict[str, Any]
    ) -> list[Entry]:
        """The entries that *statement*, made of `entry_rows`, gives for *values*."""
        rows = (await connection.execute(statement, values)).all()
        if self._strange(rows):
            await self._kinds.load(connection)
        return [self._entry(row) for row in rows]

    async def of_messages(
        self, connection: AsyncConnection, messages: Sequence[int]
    ) -> list[Entry]:
        """All kept receipts of *messages*, by position."""
        return await self.all(connection, _of_messages(messages), {})

    def of_message_now(self, connection: Connection, message: int) -> list[Entry]:
        """All kept receipts of *message*, by position, in a plain function."""
        return self.all_now(connection, _of_messages([message]), {})

    def all_now(
        self, connection: Connection, statement: AnySelect, values: dict[str, Any]
    ) -> list[Entry]:
        """As `all`, in a plain function."""
        rows = connection.execute(statement, values).all()
        if self._strange(rows):
            self._kinds.load_now(connection)
        return [self._entry(row) for row in rows]

    def _strange(self, rows: Sequence[Any]) -> bool:
        known = self._kinds.by_id
        return any(row[1] not in known for row in rows)

    def _entry(self, row: Any) -> Entry:
        position, number, key, message, message_id, recipient, provider_status, *rest = row
        error_code, permanent, evidence, *given, message_status, corrects = rest
        kind = self._kinds.by_id[number]
        return Entry._make(
            (
                position,
                self.hashing.shown(key),
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
