"""
What a Python service imports to read the hub.

    from hub.client import Client

    async with Client("hub.example.com:50051", token) as client:
        async with client.subscription("billing") as receipts:
            async for receipt in receipts:
                book(receipt)
                await receipts.ack()

It reconnects, resumes and watches for silence by itself; what it cannot cure it raises as one of
the errors below.  `hub.client.blocking` has the same without `async`.
"""

from hub.client.client import Client
from hub.client.connection import Tls
from hub.client.errors import (
    AckAhead,
    CursorExpired,
    CursorForeign,
    CursorInvalid,
    Draining,
    Fenced,
    Forbidden,
    HubCallError,
    HubFault,
    InvalidRequest,
    NotFound,
    Overloaded,
    RecipientRequired,
    SilentStream,
    SlowReader,
    StoreUnavailable,
    SubscriptionMismatch,
    TooManyStreams,
    Unauthenticated,
    Unavailable,
)
from hub.client.stream import Batch
from hub.client.subscription import Subscription
from hub.v1.receipts_pb2 import Message, Receipt, ReceiptFilter, Shard

__all__ = [
    "AckAhead",
    "Batch",
    "Client",
    "CursorExpired",
    "CursorForeign",
    "CursorInvalid",
    "Draining",
    "Fenced",
    "Forbidden",
    "HubCallError",
    "HubFault",
    "InvalidRequest",
    "Message",
    "NotFound",
    "Overloaded",
    "Receipt",
    "ReceiptFilter",
    "RecipientRequired",
    "Shard",
    "SilentStream",
    "SlowReader",
    "StoreUnavailable",
    "Subscription",
    "SubscriptionMismatch",
    "Tls",
    "TooManyStreams",
    "Unauthenticated",
    "Unavailable",
]
