import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STATUS_UNSPECIFIED: _ClassVar[Status]
    STATUS_ACCEPTED: _ClassVar[Status]
    STATUS_SENT: _ClassVar[Status]
    STATUS_BUFFERED: _ClassVar[Status]
    STATUS_UNKNOWN: _ClassVar[Status]
    STATUS_EXPIRED: _ClassVar[Status]
    STATUS_REJECTED: _ClassVar[Status]
    STATUS_UNDELIVERED: _ClassVar[Status]
    STATUS_CANCELLED: _ClassVar[Status]
    STATUS_DELIVERED: _ClassVar[Status]

class ErrorCategory(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ERROR_CATEGORY_UNSPECIFIED: _ClassVar[ErrorCategory]
    ERROR_CATEGORY_UNKNOWN: _ClassVar[ErrorCategory]
    ERROR_CATEGORY_INVALID_NUMBER: _ClassVar[ErrorCategory]
    ERROR_CATEGORY_ABSENT: _ClassVar[ErrorCategory]
    ERROR_CATEGORY_HANDSET: _ClassVar[ErrorCategory]
    ERROR_CATEGORY_SUBSCRIBER: _ClassVar[ErrorCategory]
    ERROR_CATEGORY_BLOCKED: _ClassVar[ErrorCategory]
    ERROR_CATEGORY_CONTENT: _ClassVar[ErrorCategory]
    ERROR_CATEGORY_SENDER: _ClassVar[ErrorCategory]
    ERROR_CATEGORY_RATE_LIMIT: _ClassVar[ErrorCategory]
    ERROR_CATEGORY_NETWORK: _ClassVar[ErrorCategory]
    ERROR_CATEGORY_EXPIRED: _ClassVar[ErrorCategory]
    ERROR_CATEGORY_BILLING: _ClassVar[ErrorCategory]

class DeliveryEvidence(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DELIVERY_EVIDENCE_UNSPECIFIED: _ClassVar[DeliveryEvidence]
    DELIVERY_EVIDENCE_HANDSET: _ClassVar[DeliveryEvidence]
    DELIVERY_EVIDENCE_CARRIER: _ClassVar[DeliveryEvidence]

class StartAt(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    START_AT_UNSPECIFIED: _ClassVar[StartAt]
    START_AT_EARLIEST: _ClassVar[StartAt]
    START_AT_LATEST: _ClassVar[StartAt]

class OnExpired(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_EXPIRED_UNSPECIFIED: _ClassVar[OnExpired]
    ON_EXPIRED_FAIL: _ClassVar[OnExpired]
    ON_EXPIRED_EARLIEST: _ClassVar[OnExpired]

class Order(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_UNSPECIFIED: _ClassVar[Order]
    ORDER_NEWEST_FIRST: _ClassVar[Order]
    ORDER_OLDEST_FIRST: _ClassVar[Order]
STATUS_UNSPECIFIED: Status
STATUS_ACCEPTED: Status
STATUS_SENT: Status
STATUS_BUFFERED: Status
STATUS_UNKNOWN: Status
STATUS_EXPIRED: Status
STATUS_REJECTED: Status
STATUS_UNDELIVERED: Status
STATUS_CANCELLED: Status
STATUS_DELIVERED: Status
ERROR_CATEGORY_UNSPECIFIED: ErrorCategory
ERROR_CATEGORY_UNKNOWN: ErrorCategory
ERROR_CATEGORY_INVALID_NUMBER: ErrorCategory
ERROR_CATEGORY_ABSENT: ErrorCategory
ERROR_CATEGORY_HANDSET: ErrorCategory
ERROR_CATEGORY_SUBSCRIBER: ErrorCategory
ERROR_CATEGORY_BLOCKED: ErrorCategory
ERROR_CATEGORY_CONTENT: ErrorCategory
ERROR_CATEGORY_SENDER: ErrorCategory
ERROR_CATEGORY_RATE_LIMIT: ErrorCategory
ERROR_CATEGORY_NETWORK: ErrorCategory
ERROR_CATEGORY_EXPIRED: ErrorCategory
ERROR_CATEGORY_BILLING: ErrorCategory
DELIVERY_EVIDENCE_UNSPECIFIED: DeliveryEvidence
DELIVERY_EVIDENCE_HANDSET: DeliveryEvidence
DELIVERY_EVIDENCE_CARRIER: DeliveryEvidence
START_AT_UNSPECIFIED: StartAt
START_AT_EARLIEST: StartAt
START_AT_LATEST: StartAt
ON_EXPIRED_UNSPECIFIED: OnExpired
ON_EXPIRED_FAIL: OnExpired
ON_EXPIRED_EARLIEST: OnExpired
ORDER_UNSPECIFIED: Order
ORDER_NEWEST_FIRST: Order
ORDER_OLDEST_FIRST: Order

class Receipt(_message.Message):
    __slots__ = ("position", "message_key", "provider", "message_id", "recipient", "status", "provider_status", "error_code", "error_category", "error_permanent", "delivery_evidence", "occurred_at", "received_at", "recorded_at", "segments", "part", "part_count", "network", "price", "currency", "client_reference", "applied", "message_status", "corrects")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_KEY_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_STATUS_FIELD_NUMBER: _ClassVar[int]
    ERROR_CODE_FIELD_NUMBER: _ClassVar[int]
    ERROR_CATEGORY_FIELD_NUMBER: _ClassVar[int]
    ERROR_PERMANENT_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    RECORDED_AT_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    PART_COUNT_FIELD_NUMBER: _ClassVar[int]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    CLIENT_REFERENCE_FIELD_NUMBER: _ClassVar[int]
    APPLIED_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_STATUS_FIELD_NUMBER: _ClassVar[int]
    CORRECTS_FIELD_NUMBER: _ClassVar[int]
    position: int
    message_key: str
    provider: str
    message_id: str
    recipient: str
    status: Status
    provider_status: str
    error_code: str
    error_category: ErrorCategory
    error_permanent: bool
    delivery_evidence: DeliveryEvidence
    occurred_at: _timestamp_pb2.Timestamp
    received_at: _timestamp_pb2.Timestamp
    recorded_at: _timestamp_pb2.Timestamp
    segments: int
    part: int
    part_count: int
    network: str
    price: str
    currency: str
    client_reference: str
    applied: bool
    message_status: Status
    corrects: int
    def __init__(self, position: _Optional[int] = ..., message_key: _Optional[str] = ..., provider: _Optional[str] = ..., message_id: _Optional[str] = ..., recipient: _Optional[str] = ..., status: _Optional[_Union[Status, str]] = ..., provider_status: _Optional[str] = ..., error_code: _Optional[str] = ..., error_category: _Optional[_Union[ErrorCategory, str]] = ..., error_permanent: _Optional[bool] = ..., delivery_evidence: _Optional[_Union[DeliveryEvidence, str]] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., received_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., recorded_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., segments: _Optional[int] = ..., part: _Optional[int] = ..., part_count: _Optional[int] = ..., network: _Optional[str] = ..., price: _Optional[str] = ..., currency: _Optional[str] = ..., client_reference: _Optional[str] = ..., applied: _Optional[bool] = ..., message_status: _Optional[_Union[Status, str]] = ..., corrects: _Optional[int] = ...) -> None: ...

class Message(_message.Message):
    __slots__ = ("message_key", "provider", "message_id", "recipient", "status", "error_code", "error_category", "segments", "first_received_at", "status_at", "delivered_at", "receipt_count", "conflict", "receipts", "receipts_truncated")
    MESSAGE_KEY_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ERROR_CODE_FIELD_NUMBER: _ClassVar[int]
    ERROR_CATEGORY_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    FIRST_RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    STATUS_AT_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_AT_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_COUNT_FIELD_NUMBER: _ClassVar[int]
    CONFLICT_FIELD_NUMBER: _ClassVar[int]
    RECEIPTS_FIELD_NUMBER: _ClassVar[int]
    RECEIPTS_TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    message_key: str
    provider: str
    message_id: str
    recipient: str
    status: Status
    error_code: str
    error_category: ErrorCategory
    segments: int
    first_received_at: _timestamp_pb2.Timestamp
    status_at: _timestamp_pb2.Timestamp
    delivered_at: _timestamp_pb2.Timestamp
    receipt_count: int
    conflict: bool
    receipts: _containers.RepeatedCompositeFieldContainer[Receipt]
    receipts_truncated: bool
    def __init__(self, message_key: _Optional[str] = ..., provider: _Optional[str] = ..., message_id: _Optional[str] = ..., recipient: _Optional[str] = ..., status: _Optional[_Union[Status, str]] = ..., error_code: _Optional[str] = ..., error_category: _Optional[_Union[ErrorCategory, str]] = ..., segments: _Optional[int] = ..., first_received_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., status_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., delivered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., receipt_count: _Optional[int] = ..., conflict: _Optional[bool] = ..., receipts: _Optional[_Iterable[_Union[Receipt, _Mapping]]] = ..., receipts_truncated: _Optional[bool] = ...) -> None: ...

class ReceiptFilter(_message.Message):
    __slots__ = ("providers", "statuses", "error_categories", "message_ids", "recipients", "client_references", "applied_only")
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    STATUSES_FIELD_NUMBER: _ClassVar[int]
    ERROR_CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_IDS_FIELD_NUMBER: _ClassVar[int]
    RECIPIENTS_FIELD_NUMBER: _ClassVar[int]
    CLIENT_REFERENCES_FIELD_NUMBER: _ClassVar[int]
    APPLIED_ONLY_FIELD_NUMBER: _ClassVar[int]
    providers: _containers.RepeatedScalarFieldContainer[str]
    statuses: _containers.RepeatedScalarFieldContainer[Status]
    error_categories: _containers.RepeatedScalarFieldContainer[ErrorCategory]
    message_ids: _containers.RepeatedScalarFieldContainer[str]
    recipients: _containers.RepeatedScalarFieldContainer[str]
    client_references: _containers.RepeatedScalarFieldContainer[str]
    applied_only: bool
    def __init__(self, providers: _Optional[_Iterable[str]] = ..., statuses: _Optional[_Iterable[_Union[Status, str]]] = ..., error_categories: _Optional[_Iterable[_Union[ErrorCategory, str]]] = ..., message_ids: _Optional[_Iterable[str]] = ..., recipients: _Optional[_Iterable[str]] = ..., client_references: _Optional[_Iterable[str]] = ..., applied_only: _Optional[bool] = ...) -> None: ...

class Shard(_message.Message):
    __slots__ = ("index", "count")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    index: int
    count: int
    def __init__(self, index: _Optional[int] = ..., count: _Optional[int] = ...) -> None: ...

class StreamReceiptsRequest(_message.Message):
    __slots__ = ("filter", "after", "since", "start_at", "max_batch_size", "stop_at_head", "on_expired", "shard")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    START_AT_FIELD_NUMBER: _ClassVar[int]
    MAX_BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    STOP_AT_HEAD_FIELD_NUMBER: _ClassVar[int]
    ON_EXPIRED_FIELD_NUMBER: _ClassVar[int]
    SHARD_FIELD_NUMBER: _ClassVar[int]
    filter: ReceiptFilter
    after: str
    since: _timestamp_pb2.Timestamp
    start_at: StartAt
    max_batch_size: int
    stop_at_head: bool
    on_expired: OnExpired
    shard: Shard
    def __init__(self, filter: _Optional[_Union[ReceiptFilter, _Mapping]] = ..., after: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., start_at: _Optional[_Union[StartAt, str]] = ..., max_batch_size: _Optional[int] = ..., stop_at_head: _Optional[bool] = ..., on_expired: _Optional[_Union[OnExpired, str]] = ..., shard: _Optional[_Union[Shard, _Mapping]] = ...) -> None: ...

class StreamReceiptsResponse(_message.Message):
    __slots__ = ("receipts", "cursor", "lag", "caught_up", "server_time")
    RECEIPTS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    LAG_FIELD_NUMBER: _ClassVar[int]
    CAUGHT_UP_FIELD_NUMBER: _ClassVar[int]
    SERVER_TIME_FIELD_NUMBER: _ClassVar[int]
    receipts: _containers.RepeatedCompositeFieldContainer[Receipt]
    cursor: str
    lag: int
    caught_up: bool
    server_time: _timestamp_pb2.Timestamp
    def __init__(self, receipts: _Optional[_Iterable[_Union[Receipt, _Mapping]]] = ..., cursor: _Optional[str] = ..., lag: _Optional[int] = ..., caught_up: _Optional[bool] = ..., server_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ConsumeRequest(_message.Message):
    __slots__ = ("open", "ack", "park")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    PARK_FIELD_NUMBER: _ClassVar[int]
    open: Open
    ack: Ack
    park: Park
    def __init__(self, open: _Optional[_Union[Open, _Mapping]] = ..., ack: _Optional[_Union[Ack, _Mapping]] = ..., park: _Optional[_Union[Park, _Mapping]] = ...) -> None: ...

class Open(_message.Message):
    __slots__ = ("subscription", "filter", "after", "since", "start_at", "max_batch_size", "max_unacked", "shard", "on_expired")
    SUBSCRIPTION_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    START_AT_FIELD_NUMBER: _ClassVar[int]
    MAX_BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    MAX_UNACKED_FIELD_NUMBER: _ClassVar[int]
    SHARD_FIELD_NUMBER: _ClassVar[int]
    ON_EXPIRED_FIELD_NUMBER: _ClassVar[int]
    subscription: str
    filter: ReceiptFilter
    after: str
    since: _timestamp_pb2.Timestamp
    start_at: StartAt
    max_batch_size: int
    max_unacked: int
    shard: Shard
    on_expired: OnExpired
    def __init__(self, subscription: _Optional[str] = ..., filter: _Optional[_Union[ReceiptFilter, _Mapping]] = ..., after: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., start_at: _Optional[_Union[StartAt, str]] = ..., max_batch_size: _Optional[int] = ..., max_unacked: _Optional[int] = ..., shard: _Optional[_Union[Shard, _Mapping]] = ..., on_expired: _Optional[_Union[OnExpired, str]] = ...) -> None: ...

class Ack(_message.Message):
    __slots__ = ("cursor",)
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    cursor: str
    def __init__(self, cursor: _Optional[str] = ...) -> None: ...

class Park(_message.Message):
    __slots__ = ("position", "reason")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    position: int
    reason: str
    def __init__(self, position: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class ConsumeResponse(_message.Message):
    __slots__ = ("receipts", "cursor", "lag", "caught_up", "server_time", "acked_cursor", "standby")
    RECEIPTS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    LAG_FIELD_NUMBER: _ClassVar[int]
    CAUGHT_UP_FIELD_NUMBER: _ClassVar[int]
    SERVER_TIME_FIELD_NUMBER: _ClassVar[int]
    ACKED_CURSOR_FIELD_NUMBER: _ClassVar[int]
    STANDBY_FIELD_NUMBER: _ClassVar[int]
    receipts: _containers.RepeatedCompositeFieldContainer[Receipt]
    cursor: str
    lag: int
    caught_up: bool
    server_time: _timestamp_pb2.Timestamp
    acked_cursor: str
    standby: bool
    def __init__(self, receipts: _Optional[_Iterable[_Union[Receipt, _Mapping]]] = ..., cursor: _Optional[str] = ..., lag: _Optional[int] = ..., caught_up: _Optional[bool] = ..., server_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., acked_cursor: _Optional[str] = ..., standby: _Optional[bool] = ...) -> None: ...

class ListReceiptsRequest(_message.Message):
    __slots__ = ("filter", "order", "page_size", "page_token", "recorded_after", "recorded_before")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    RECORDED_AFTER_FIELD_NUMBER: _ClassVar[int]
    RECORDED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    filter: ReceiptFilter
    order: Order
    page_size: int
    page_token: str
    recorded_after: _timestamp_pb2.Timestamp
    recorded_before: _timestamp_pb2.Timestamp
    def __init__(self, filter: _Optional[_Union[ReceiptFilter, _Mapping]] = ..., order: _Optional[_Union[Order, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., recorded_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., recorded_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListReceiptsResponse(_message.Message):
    __slots__ = ("receipts", "next_page_token", "head")
    RECEIPTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    receipts: _containers.RepeatedCompositeFieldContainer[Receipt]
    next_page_token: str
    head: str
    def __init__(self, receipts: _Optional[_Iterable[_Union[Receipt, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., head: _Optional[str] = ...) -> None: ...

class GetMessageRequest(_message.Message):
    __slots__ = ("message_key", "provider", "message_id", "recipient", "receipts_after")
    MESSAGE_KEY_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_FIELD_NUMBER: _ClassVar[int]
    RECEIPTS_AFTER_FIELD_NUMBER: _ClassVar[int]
    message_key: str
    provider: str
    message_id: str
    recipient: str
    receipts_after: int
    def __init__(self, message_key: _Optional[str] = ..., provider: _Optional[str] = ..., message_id: _Optional[str] = ..., recipient: _Optional[str] = ..., receipts_after: _Optional[int] = ...) -> None: ...

class GetMessageResponse(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: Message
    def __init__(self, message: _Optional[_Union[Message, _Mapping]] = ...) -> None: ...

class BatchGetMessagesRequest(_message.Message):
    __slots__ = ("requests",)
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[GetMessageRequest]
    def __init__(self, requests: _Optional[_Iterable[_Union[GetMessageRequest, _Mapping]]] = ...) -> None: ...

class BatchGetMessagesResponse(_message.Message):
    __slots__ = ("messages", "not_found")
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    NOT_FOUND_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[Message]
    not_found: _containers.RepeatedCompositeFieldContainer[GetMessageRequest]
    def __init__(self, messages: _Optional[_Iterable[_Union[Message, _Mapping]]] = ..., not_found: _Optional[_Iterable[_Union[GetMessageRequest, _Mapping]]] = ...) -> None: ...

class GetLogRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetLogResponse(_message.Message):
    __slots__ = ("epoch", "oldest", "head")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    OLDEST_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    epoch: str
    oldest: str
    head: str
    def __init__(self, epoch: _Optional[str] = ..., oldest: _Optional[str] = ..., head: _Optional[str] = ...) -> None: ...
