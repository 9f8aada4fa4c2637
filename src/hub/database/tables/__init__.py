"""
The tables.  Instants are `BIGINT` microseconds since 1970-01-01T00:00Z.

Receipts refer to their message by integer and to (provider, status, category, applied) by one
small integer, so that their indexes grow at the end and a filtered page is a merge of ranges.
"""

from hub.database.tables.accounts import Consumer, Provider
from hub.database.tables.log import Callback, Fingerprint, KindRow, Log, MessageRow, ReceiptRow
from hub.database.tables.quarantine import QuarantineRow
from hub.database.tables.statistics import DeliveryStat, LatencyStat
from hub.database.tables.subscriptions import ParkedRow, SubscriptionRow

__all__ = [
    "Callback",
    "Consumer",
    "DeliveryStat",
    "Fingerprint",
    "KindRow",
    "LatencyStat",
    "Log",
    "MessageRow",
    "ParkedRow",
    "Provider",
    "QuarantineRow",
    "ReceiptRow",
    "SubscriptionRow",
]
