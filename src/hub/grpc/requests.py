"""Requests as the rest of the hub takes them.  What cannot be read is named by its field."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, TypeVar

from google.protobuf import json_format
from google.protobuf.timestamp_pb2 import Timestamp

from hub.errors import BadInput
from hub.filter import WHOLE, Shard
from hub.queries import MessageName, TypedFilter
from hub.receipt import (
    ErrorCategory,
    Micros,
    OnExpired,
    Order,
    StartAt,
    Status,
)
from hub.subscriptions import Start
from hub.v1 import receipts_pb2 as pb

DEFAULT_SIZE = 100
MAX_SIZE = 1000
DEFAULT_UNACKED = 1000
MAX_UNACKED = 100_000
MAX_REASON = 1000

_NAME = re.compile(r"[A-Za-z0-9._:/-]{1,128}")
_Word = TypeVar("_Word", bound=IntEnum)
_Meaning = TypeVar("_Meaning")
_EARLIEST_SECOND = int(datetime.min.replace(tzinfo=UTC).timestamp())
_LATEST_SECOND = int(datetime.max.replace(tzinfo=UTC, microsecond=0).timestamp())
_NANOS_PER_SECOND = 1_000_000_000
_LARGEST_POSITION = 2**63 - 1
_STARTS: dict[int, StartAt] = {
    pb.START_AT_UNSPECIFIED: StartAt.LATEST,
    pb.START_AT_EARLIEST: StartAt.EARLIEST,
    pb.START_AT_LATEST: StartAt.LATEST,
}
_ON_EXPIRED: dict[int, OnExpired] = {
    pb.ON_EXPIRED_UNSPECIFIED: OnExpired.FAIL,
    pb.ON_EXPIRED_FAIL: OnExpired.FAIL,
    pb.ON_EXPIRED_EARLIEST: OnExpired.EARLIEST,
}
_ORDERS: dict[int, Order] = {
    pb.ORDER_UNSPECIFIED: Order.NEWEST_FIRST,
    pb.ORDER_NEWEST_FIRST: Order.NEWEST_FIRST,
    pb.ORDER_OLDEST_FIRST: Order.OLDEST_FIRST,
}


def receipt_filter(given: pb.ReceiptFilter, field: str = "filter") -> TypedFilter:
    """*given*, which stands in the request as *field*, in the words of both surfaces."""
    return TypedFilter(
        providers=given.providers,
        statuses=_words(Status, given.statuses, f"{field}.statuses"),
        error_categories=_words(ErrorCategory, given.error_categories, f"{field}.error_categories"),
        message_ids=given.message_ids,
        recipients=given.recipients,
        client_references=given.client_references,
        applied_only=given.applied_only,
    )


def start(request: pb.StreamReceiptsRequest | pb.Open, prefix: str = "") -> Start:
    """Where *request* wants to start; *prefix* stands before the names of its fields."""
    given = request.WhichOneof("start")
    since = _round_up(request.since, f"{prefix}since") if given == "since" else None
    return Start(
        after=request.after if given == "after" else None,
        since=since,
        at=_known(_STARTS, request.start_at, f"{prefix}start_at"),
        on_expired=on_expired(request, prefix),
        field=f"{prefix}after",
    )


def on_expired(request: pb.StreamReceiptsRequest | pb.Open, prefix: str = "") -> OnExpired:
    """What *request* wants where receipts are no longer kept."""
    return _known(_ON_EXPIRED, request.on_expired, f"{prefix}on_expired")


def shard(request: pb.StreamReceiptsRequest | pb.Open, prefix: str = "") -> Shard:
    """The share of the log that *request* wants."""
    if not request.HasField("shard"):
        return WHOLE
    try:
        return Shard(request.shard.index, request.shard.count)
    except BadInput as error:
        raise BadInput(str(error), field=f"{prefix}shard") from None


def order(request: pb.ListReceiptsRequest) -> Order:
    """Which end of the log *request* wants first."""
    return _known(_ORDERS, request.order, "order")


def recorded_after(request: pb.ListReceiptsRequest) -> Micros | None:
    """The last microsecond that *request* excludes at the beginning."""
    if not request.HasField("recorded_after"):
        return None
    return _nanos(request.recorded_after, "recorded_after") // 1000


def recorded_before(request: pb.ListReceiptsRequest) -> Micros | None:
    """The first microsecond that *request* excludes at the end."""
    if not request.HasField("recorded_before"):
        return None
    return _round_up(request.recorded_before, "recorded_before")


def size(given: int) -> int:
    """How many receipts to send at once: 100 for 0, and never more than 1000."""
    return min(given or DEFAULT_SIZE, MAX_SIZE)


def subscription(opening: pb.Open) -> str:
    """The name of the subscription in *opening*."""
    if not _NAME.fullmatch(opening.subscription):
        message = "a subscription is named by 1 to 128 letters, digits and the signs . _ : / -"
        raise BadInput(message, field="open.subscription")
    return opening.subscription


def reason(parking: pb.Park) -> str:
    """Why *parking* sets a receipt aside."""
    if len(parking.reason) > MAX_REASON or "\x00" in parking.reason:
        message = f"a reason has at most {MAX_REASON} characters, and no NUL among them"
        raise BadInput(message, field="park.reason")
    return parking.reason


def conditions(wanted: pb.ReceiptFilter) -> dict[str, Any]:
    """*wanted* as JSON that is equal for equal filters, whatever the order of their values."""
    found: dict[str, Any] = {}
    for field, value in wanted.ListFields():
        if not field.is_repeated:
            found[field.name] = value
        elif field.enum_type is None:
            found[field.name] = sorted(set(value))
        else:
            words = field.enum_type.values_by_number
            found[field.name] = [words[number].name for number in sorted(set(value))]
    return found


def stored_filter(stored: Mapping[str, Any]) -> pb.ReceiptFilter:
    """The filter whose `conditions` are *stored*."""
    return json_format.ParseDict(dict(stored), pb.ReceiptFilter())


def max_unacked(given: int) -> int:
    """How many receipts may be sent and not acknowledged: 1000 for 0, and never over 100000."""
    return min(given or DEFAULT_UNACKED, MAX_UNACKED)


def message_name(request: pb.GetMessageRequest, prefix: str = "") -> MessageName:
    """Which message *request* names; *prefix* stands before the names of its fields."""
    return MessageName(
        message_key=request.message_key,
        provider=request.provider,
        message_id=request.message_id,
        recipient=request.recipient,
        prefix=prefix,
    )


def receipts_after(request: pb.GetMessageRequest) -> int:
    """The position behind which a message's receipts are wanted; no log is longer."""
    return min(request.receipts_after, _LARGEST_POSITION)


def _round_up(instant: Timestamp, field: str) -> Micros:
    return -(-_nanos(instant, field) // 1000)


def _nanos(instant: Timestamp, field: str) -> int:
    seconds_fit = _EARLIEST_SECOND <= instant.seconds <= _LATEST_SECOND
    if not (seconds_fit and 0 <= instant.nanos < _NANOS_PER_SECOND):
        message = "an instant lies between the years 1 and 9999, and nanos below a second"
        raise BadInput(message, field=field)
    return instant.seconds * _NANOS_PER_SECOND + instant.nanos


def _words(kind: type[_Word], numbers: Iterable[int], field: str) -> tuple[_Word, ...]:
    words = {word.value: word for word in kind}
    return tuple(_known(words, number, f"{field}[{index}]") for index, number in enumerate(numbers))


def _known(meanings: dict[int, _Meaning], number: int, field: str) -> _Meaning:
    if number not in meanings:
        message = f"{number} is none of the values that this field takes"
        raise BadInput(message, field=field)
    return meanings[number]
