"""The vocabulary's enums as GraphQL enums, with a sentence for each value."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from hub.log import Bucket, Group
from hub.receipt import DeliveryEvidence, ErrorCategory, OnExpired, Order, Status

__all__ = [
    "Bucket",
    "DeliveryEvidence",
    "ErrorCategory",
    "Group",
    "OnExpired",
    "Order",
    "Status",
]


def _describe(enum: type[Enum], description: str, values: Mapping[Any, str]) -> None:
    described: Any = strawberry.enum(enum, description=description)
    definition: StrawberryEnumDefinition = described.__strawberry_definition__
    for value, member in zip(definition.values, enum, strict=True):
        value.description = values[member]


_describe(
    Status,
    "What is known of a message.  A status of higher rank replaces one of lower rank.",
    {
        Status.ACCEPTED: "The provider took it; nothing was sent yet.  Rank 10.",
        Status.SENT: "It left for the carrier.  Rank 20.",
        Status.BUFFERED: "The carrier holds it, for instance while the handset is off.  Rank 25.",
        Status.UNKNOWN: "The provider said something without a sure meaning; its own word"
        " is in providerStatus.  Rank 50.",
        Status.EXPIRED: "A failure: the carrier gave up after its time limit.  Rank 80.",
        Status.REJECTED: "A failure: refused before it reached the network.  Rank 80.",
        Status.UNDELIVERED: "A failure: the network could not deliver it.  Rank 80.",
        Status.CANCELLED: "A failure: withdrawn or deleted.  Rank 80.",
        Status.DELIVERED: "It arrived.  Rank 90.",
    },
)
_describe(
    ErrorCategory,
    "Why a message failed, in words that need no table of codes.",
    {
        ErrorCategory.UNKNOWN: "There is a code, and its meaning is not known.",
        ErrorCategory.INVALID_NUMBER: "No such number: stop sending to it.",
        ErrorCategory.ABSENT: "Switched off or out of coverage: try later.",
        ErrorCategory.HANDSET: "The device refused it, for instance with a full memory.",
        ErrorCategory.SUBSCRIBER: "The line is suspended, barred or without SMS.",
        ErrorCategory.BLOCKED: "A blacklist, an opt-out or a complaint.",
        ErrorCategory.CONTENT: "A keyword, a template or a spam check.",
        ErrorCategory.SENDER: "The signature, sender or service is not registered.",
        ErrorCategory.RATE_LIMIT: "Too many messages in a time.",
        ErrorCategory.NETWORK: "A carrier or gateway failed or did not answer.",
        ErrorCategory.EXPIRED: "Not delivered within the time limit.",
        ErrorCategory.BILLING: "The sender's account or its balance.",
    },
)
_describe(
    DeliveryEvidence,
    "Who vouches for a delivery.",
    {
        DeliveryEvidence.UNSPECIFIED: "The provider does not say.",
        DeliveryEvidence.HANDSET: "The handset acknowledged it.",
        DeliveryEvidence.CARRIER: "The carrier took it; the handset may not have.",
    },
)
_describe(
    Order,
    "Which end of the log a list starts from.",
    {
        Order.NEWEST_FIRST: "Positions go down.",
        Order.OLDEST_FIRST: "Positions go up.",
    },
)
_describe(
    OnExpired,
    "What to do with a cursor whose next receipts are no longer kept.",
    {
        OnExpired.FAIL: "Refuse it with CURSOR_EXPIRED.",
        OnExpired.EARLIEST: "Go on with the oldest receipt that is kept.",
    },
)
_describe(
    Bucket,
    "How long a bucket of statistics is, in the time zone asked for.",
    {
        Bucket.MINUTE: "A minute.",
        Bucket.HOUR: "An hour.",
        Bucket.DAY: "A day, which is 23 or 25 hours where the clocks change.",
    },
)
_describe(
    Group,
    "What statistics are told apart by, beside the bucket.",
    {
        Group.PROVIDER: "By provider account.",
        Group.STATUS: "By status.",
        Group.ERROR_CATEGORY: "By error category.",
    },
)
