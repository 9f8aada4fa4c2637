"""
The views `receipts` and `messages`, for people who ask in SQL: names instead of numbers, and
instants instead of microseconds.  They hold nothing, so each migration makes them anew.
"""

from collections.abc import Callable, Iterable
from enum import IntEnum

from sqlalchemy import Connection

from hub.receipt import DeliveryEvidence, ErrorCategory, Status

_Instant = Callable[[str], str]

_RECEIPTS = """
CREATE VIEW receipts AS
SELECT r.position,
       r.message,
       p.name AS provider,
       m.message_id,
       NULLIF(m.recipient, '') AS recipient,
       {status} AS status,
       r.provider_status,
       r.error_code,
       {category} AS error_category,
       r.error_permanent,
       {evidence} AS delivery_evidence,
       {occurred_at} AS occurred_at,
       {received_at} AS received_at,
       {recorded_at} AS recorded_at,
       r.segments,
       r.part,
       r.part_count,
       r.network,
       r.price,
       r.currency,
       r.client_reference,
       k.applied,
       {message_status} AS message_status,
       r.corrects,
       r.callback
FROM receipt r
JOIN message m ON m.id = r.message
JOIN kind k ON k.id = r.kind
JOIN provider p ON p.id = k.provider
"""
_MESSAGES = """
CREATE VIEW messages AS
SELECT m.id,
       p.name AS provider,
       m.message_id,
       NULLIF(m.recipient, '') AS recipient,
       {status} AS status,
       m.error_code,
       {category} AS error_category,
       m.segments,
       {first_received_at} AS first_received_at,
       {first_recorded_at} AS first_recorded_at,
       {status_at} AS status_at,
       {delivered_at} AS delivered_at,
       m.receipt_count,
       m.conflict
FROM message m
JOIN kind k ON k.id = m.kind
JOIN provider p ON p.id = k.provider
"""


def drop(connection: Connection) -> None:
    """Take the views away, since tables do not change beneath them."""
    for view in ("receipts", "messages"):
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {view}")


def create(connection: Connection) -> None:
    """Make the views on the tables as they are."""
    instant = _text if connection.dialect.name == "sqlite" else _timestamp
    words = {"status": _word("k.status", Status), "category": _word("k.category", ErrorCategory)}
    receipt_words = {
        "evidence": _word("r.evidence", DeliveryEvidence),
        "message_status": _word("r.message_status", Status),
    }
    receipt_instants = _instants("r", ("occurred_at", "received_at", "recorded_at"), instant)
    names = ("first_received_at", "first_recorded_at", "status_at", "delivered_at")
    message_instants = _instants("m", names, instant)
    receipts = _RECEIPTS.format(**words, **receipt_words, **receipt_instants)
    connection.exec_driver_sql(receipts)
    connection.exec_driver_sql(_MESSAGES.format(**words, **message_instants))


def _instants(table: str, columns: Iterable[str], instant: _Instant) -> dict[str, str]:
    return {column: instant(f"{table}.{column}") for column in columns}


def _word(column: str, words: type[IntEnum]) -> str:
    """The name that *column* holds the number of; null for a number without one."""
    cases = " ".join(f"WHEN {word.value} THEN '{word.name}'" for word in words)
    return f"CASE {column} {cases} END"


def _timestamp(micros: str) -> str:
    return f"TIMESTAMPTZ 'epoch' + {micros} * INTERVAL '1 microsecond'"


def _text(micros: str) -> str:
    """As SQLite's own functions write an instant in UTC, so that it compares with theirs."""
    fraction = f"({micros} % 1000000 + 1000000) % 1000000"  # % of a negative is negative
    seconds = f"({micros} - {fraction}) / 1000000"
    return f"datetime({seconds}, 'unixepoch') || printf('.%06d', {fraction})"
