"""Messages: looked up by name, and in filtered pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from hub.database import MessageRow, Provider, ReceiptRow
from hub.errors import BadInput, RecipientRequired
from hub.filter import Condition, Filter
from hub.log.bounds import Bounds
from hub.log.read.entries import AnySelect
from hub.log.read.merge import merged
from hub.log.read.pages import LOOKED_AT, first_recorded
from hub.log.read.snapshot import Snapshot
from hub.receipt import Message, Micros

_OWN_FIELDS = {"provider", "status", "error_category", "message_id", "recipient"}
"""What a filter tests on the message itself."""

_LOADED_AT_ONCE = 500

_ROWS: AnySelect = select(
    col(MessageRow.id),
    col(MessageRow.key),
    col(MessageRow.kind),
    col(MessageRow.message_id),
    col(MessageRow.recipient),
    col(MessageRow.error_code),
    col(MessageRow.segments),
    col(MessageRow.first_received_at),
    col(MessageRow.status_at),
    col(MessageRow.delivered_at),
    col(MessageRow.receipt_count),
    col(MessageRow.conflict),
)


@dataclass(frozen=True, slots=True)
class MessageLookup:
    """Names one message: by *key*, or by provider, message id and recipient."""

    key: bytes | None = None
    provider: str = ""
    message_id: str = ""
    recipients: tuple[str, ...] = ()
    """What the recipient may be as stored; empty where it was not given."""


@dataclass(frozen=True, slots=True)
class MessagesQuery:
    """What a page of messages is asked for; see `ReceiptLog.messages`."""

    wanted: Filter
    limit: int
    before: int | None = None
    recorded_after: Micros | None = None
    recorded_before: Micros | None = None


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Messages, newest first."""

    messages: list[Message]
    more: bool
    """Whether there may be further ones; false is sure."""
    resume: int
    """`before` of the next page."""
    bounds: Bounds


def by_key(
    snapshot: Snapshot, keys: Sequence[bytes], visible: frozenset[str] | None
) -> dict[bytes, Message]:
    """Those messages of *keys*, as readers see them, that there are in *visible* providers."""
    stored = [snapshot.hashing.stored(key) for key in keys]
    rows = snapshot.among(_ROWS, col(MessageRow.key), stored)
    found = (_message(snapshot, row) for row in rows)
    return {m.key: m for m in found if visible is None or m.provider in visible}


def find(
    snapshot: Snapshot, lookup: MessageLookup, visible: frozenset[str] | None
) -> Message | None:
    """The message that *lookup* names, if there is one in *visible* providers."""
    if lookup.key is not None:
        return (by_key(snapshot, [lookup.key], visible)).get(lookup.key)
    if not lookup.provider or not lookup.message_id:
        message = "name a message by messageKey, or by provider and messageId"
        raise BadInput(message, field="provider" if lookup.message_id else "messageId")
    if visible is not None and lookup.provider not in visible:
        return None
    if lookup.recipients:
        return _by_recipient(snapshot, lookup)
    return _by_id(snapshot, lookup)


def page(snapshot: Snapshot, query: MessagesQuery) -> MessagePage:
    """The page that *query* asks for."""
    span = _span(snapshot, query)
    wanted = query.wanted
    if span is None or snapshot.kinds.matching(_of_kinds(wanted)) == []:
        return MessagePage([], more=False, resume=0, bounds=snapshot.bounds)
    if wanted.recipients or wanted.client_references or wanted.message_ids:
        return _tested(snapshot, query, *span)
    kinds = snapshot.kinds.matching(_of_kinds(wanted))
    found = _by_kinds(snapshot, kinds, span, query.limit + 1)
    return _cut(snapshot, found, query.limit)


def _by_recipient(snapshot: Snapshot, lookup: MessageLookup) -> Message | None:
    provider = _provider_id(snapshot, lookup.provider)
    if provider is None:
        return None
    hashing = snapshot.hashing
    stored = [hashing.key(provider, lookup.message_id, each) for each in lookup.recipients]
    keys = [hashing.shown(key) for key in stored]
    found = by_key(snapshot, keys, None)
    return next((found[key] for key in keys if key in found), None)


def _by_id(snapshot: Snapshot, lookup: MessageLookup) -> Message | None:
    low, high = snapshot.hashing.key_range(lookup.message_id)
    provider = _provider_id(snapshot, lookup.provider)
    statement = _ROWS.where(
        col(MessageRow.key) >= low,
        col(MessageRow.key) <= high,
        col(MessageRow.provider) == provider,
        col(MessageRow.message_id) == lookup.message_id,
    )
    rows = snapshot.connection.execute(statement.limit(2))
    found = [_message(snapshot, row) for row in rows]
    if len(found) > 1:
        raise RecipientRequired
    return found[0] if found else None


def _provider_id(snapshot: Snapshot, name: str) -> int | None:
    statement = select(col(Provider.id)).where(col(Provider.name) == name)
    return (snapshot.connection.execute(statement)).scalar()


def _span(snapshot: Snapshot, query: MessagesQuery) -> tuple[int, int] | None:
    """The ids, lowest and highest, that *query* bounds.  An id is a first receipt's position."""
    low, high = 1, snapshot.bounds.head
    if query.before is not None:
        high = min(high, query.before - 1)
    if query.recorded_after is not None:
        first = first_recorded(snapshot, query.recorded_after + 1)
        low = first if first > snapshot.bounds.oldest else low
    if query.recorded_before is not None:
        first = first_recorded(snapshot, query.recorded_before)
        high = min(high, first - 1)
    return (low, high) if low <= high else None


def _of_kinds(wanted: Filter) -> list[Condition]:
    applied = [Condition("applied", frozenset((True,)))]
    return [c for c in wanted.conditions() if c.field != "applied"] + applied


def _by_kinds(
    snapshot: Snapshot, kinds: list[int] | None, span: tuple[int, int], limit: int
) -> list[Message]:
    columns = ("message", "id")
    chosen = merged(snapshot.connection, columns, kinds or [], span, limit, newest_first=True)
    return _by_ids(snapshot, chosen)


def _tested(snapshot: Snapshot, query: MessagesQuery, low: int, high: int) -> MessagePage:
    """
    By message ids, recipients or references: a bounded number of candidates is tested.

    A message is found through any of its receipts, and surely through its first one, whose
    position is the message's id, unless that was purged; then through those that are kept.
    """
    candidates, complete_from = _candidates(snapshot, query.wanted, low, high)
    checks = [c for c in query.wanted.conditions() if c.field in _OWN_FIELDS]
    found = []
    for at in range(0, len(candidates), _LOADED_AT_ONCE):
        some = _by_ids(snapshot, candidates[at : at + _LOADED_AT_ONCE])
        found += [message for message in some if _passes(message, checks)]
        if len(found) > query.limit:
            return _cut(snapshot, found, query.limit)
    if complete_from > low:
        return MessagePage(found, more=True, resume=complete_from, bounds=snapshot.bounds)
    return _cut(snapshot, found, query.limit)


def _candidates(snapshot: Snapshot, wanted: Filter, low: int, high: int) -> tuple[list[int], int]:
    """Ids in the range, newest first, and the id from which on they are complete."""
    complete_from = low
    ids: set[int] = set()
    for statement in _statements(snapshot, wanted, low, high):
        rows = (snapshot.connection.execute(statement.limit(LOOKED_AT))).all()
        ids.update(row[0] for row in rows)
        if len(rows) == LOOKED_AT:
            complete_from = max(complete_from, rows[-1][1])
    if wanted.client_references and (wanted.message_ids or wanted.recipients):
        ids &= _with_reference(snapshot, wanted, ids)
    return sorted((i for i in ids if i >= complete_from), reverse=True), complete_from


def _statements(snapshot: Snapshot, wanted: Filter, low: int, high: int) -> list[AnySelect]:
    """Selects of (message, id from which on the rows so far are complete), newest first."""
    hashing = snapshot.hashing
    if wanted.message_ids:
        ranges = map(hashing.key_range, wanted.message_ids)
        return [_by_key_range(start, end, low, high) for start, end in ranges]
    if wanted.recipients:
        marks = [hashing.recipient(recipient) for recipient in wanted.recipients]
        oldest = snapshot.bounds.oldest
        kept = [_by_first_receipt(mark, max(low, oldest), high) for mark in marks]
        if low >= oldest:
            return kept
        column = col(ReceiptRow.recipient_hash)
        return kept + [_by_any_receipt(column, m, low, min(high, oldest - 1)) for m in marks]
    column = col(ReceiptRow.reference_hash)
    marks = [hashing.reference(reference) for reference in wanted.client_references]
    return [_by_any_receipt(column, mark, low, high) for mark in marks]


def _by_key_range(start: bytes, end: bytes, low: int, high: int) -> AnySelect:
    row, key = col(MessageRow.id), col(MessageRow.key)
    statement = select(row, row).where(key >= start, key <= end, row >= low, row <= high)
    return statement.order_by(row.desc())


def _by_first_receipt(mark: int | None, low: int, high: int) -> AnySelect:
    """Every receipt of a message has its recipient, so the first one, at the id, has it."""
    column, position = col(ReceiptRow.recipient_hash), col(ReceiptRow.position)
    statement = select(col(ReceiptRow.message), position).where(
        column == mark, position >= low, position <= high, col(ReceiptRow.message) == position
    )
    return statement.order_by(column.desc(), position.desc())


def _by_any_receipt(column: Any, mark: int | None, low: int, high: int) -> AnySelect:
    message = col(ReceiptRow.message)
    statement = select(message, message).distinct()
    return statement.where(column == mark, message >= low, message <= high).order_by(message.desc())


def _with_reference(snapshot: Snapshot, wanted: Filter, ids: set[int]) -> set[int]:
    marks = [snapshot.hashing.reference(reference) for reference in wanted.client_references]
    message = col(ReceiptRow.message)
    statement = select(message).where(col(ReceiptRow.reference_hash).in_(marks))
    return {row.message for row in snapshot.among(statement, message, ids)}


def _passes(message: Message, checks: list[Condition]) -> bool:
    return all(getattr(message, check.field) in check.values for check in checks)


def _by_ids(snapshot: Snapshot, ids: list[int]) -> list[Message]:
    rows = snapshot.among(_ROWS, col(MessageRow.id), ids)
    found = (_message(snapshot, row) for row in rows)
    return sorted(found, key=lambda message: message.id, reverse=True)


def _message(snapshot: Snapshot, row: Any) -> Message:
    kind = snapshot.kinds.by_id[row.kind]
    return Message(
        row.id,
        snapshot.hashing.shown(row.key),
        kind.provider,
        row.message_id,
        row.recipient or None,
        kind.status,
        row.error_code,
        kind.error_category,
        *row[6:],
    )


def _cut(snapshot: Snapshot, found: list[Message], limit: int) -> MessagePage:
    page = found[:limit]
    resume = page[-1].id if page else 0
    return MessagePage(page, len(found) > limit, resume, snapshot.bounds)
