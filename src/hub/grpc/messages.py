"""Entries and messages as the proto has them.  Recipients are masked here."""

from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from hub.access import mask
from hub.log import Receipts
from hub.receipt import EARLIEST, LATEST, Entry, Message, Micros, message_key
from hub.v1 import receipts_pb2 as pb

_SECOND = 1_000_000
_FRAMING = 8
"""Most bytes around a receipt in an answer."""
_RECEIPT = tuple(
    field.name
    for field in pb.Receipt.DESCRIPTOR.fields
    if field.name in Entry._fields and field.name != "recipient" and not field.message_type
)
"""Fields of an entry that are sent as they are, where there is a value."""

_MESSAGE = (
    "provider",
    "message_id",
    "status",
    "error_code",
    "error_category",
    "segments",
    "receipt_count",
    "conflict",
)
"""Fields of a message that are sent as they are, where there is a value."""


def receipt(entry: Entry, *, unmasked: bool) -> pb.Receipt:
    """*entry* as it is sent; with its recipient in full only if *unmasked*."""
    sent = pb.Receipt()
    for name in _RECEIPT:
        _set(sent, name, getattr(entry, name))
    sent.message_key = message_key(entry.key)
    if entry.recipient is not None:
        sent.recipient = entry.recipient if unmasked else mask(entry.recipient)
    _set_instant(sent.received_at, entry.received_at)
    _set_instant(sent.recorded_at, entry.recorded_at)
    _set_instant(sent.occurred_at, entry.occurred_at)
    return sent


def message(known: Message, *, unmasked: bool) -> pb.Message:
    """*known* without its receipts; with its recipient in full only if *unmasked*."""
    sent = pb.Message()
    for name in _MESSAGE:
        _set(sent, name, getattr(known, name))
    sent.message_key = message_key(known.key)
    if known.recipient is not None:
        sent.recipient = known.recipient if unmasked else mask(known.recipient)
    _set_instant(sent.first_received_at, known.first_received_at)
    _set_instant(sent.status_at, known.status_at)
    _set_instant(sent.delivered_at, known.delivered_at)
    return sent


def add_receipts(sent: pb.Message, found: Receipts, space: int, *, unmasked: bool) -> int:
    """Add what is *found* to *sent* as far as the *space*, in bytes, lasts; return what is left."""
    sent.receipts_truncated = found.more
    for entry in found.entries:
        encoded = receipt(entry, unmasked=unmasked)
        space -= encoded.ByteSize() + _FRAMING
        if space < 0:
            sent.receipts_truncated = True
            return 0
        sent.receipts.append(encoded)
    return space


def instant(value: Micros) -> Timestamp:
    """*value* as the proto has it."""
    seconds, micros = divmod(value, _SECOND)
    return Timestamp(seconds=seconds, nanos=micros * 1000)


def _set(sent: pb.Receipt | pb.Message, name: str, value: Any) -> None:
    if value is not None:
        setattr(sent, name, value)


def _set_instant(field: Timestamp, value: Micros | None) -> None:
    """Set *field*, unless there is no value or clients could not read it."""
    if value is None or not EARLIEST <= value <= LATEST:
        return
    seconds, micros = divmod(value, _SECOND)
    field.seconds = seconds
    field.nanos = micros * 1000
