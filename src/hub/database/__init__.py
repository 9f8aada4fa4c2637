"""One door to the database: the tables, their migrations, and all in which databases differ."""

from hub.database.columns import table
from hub.database.dialect import Bulk, Dialect, Result, insert_into
from hub.database.kinds import NO_CATEGORY, Kind, Kinds, kind, read_kinds
from hub.database.schema import new_epoch
from hub.database.store import Store, migrated, opened
from hub.database.tables import (
    Callback,
    Consumer,
    DeliveryStat,
    Fingerprint,
    KindRow,
    LatencyStat,
    Log,
    MessageRow,
    ParkedRow,
    Provider,
    QuarantineRow,
    ReceiptRow,
    SubscriptionRow,
)

__all__ = [
    "NO_CATEGORY",
    "Bulk",
    "Callback",
    "Consumer",
    "DeliveryStat",
    "Dialect",
    "Fingerprint",
    "Kind",
    "KindRow",
    "Kinds",
    "LatencyStat",
    "Log",
    "MessageRow",
    "ParkedRow",
    "Provider",
    "QuarantineRow",
    "ReceiptRow",
    "Result",
    "Store",
    "SubscriptionRow",
    "insert_into",
    "kind",
    "migrated",
    "new_epoch",
    "opened",
    "read_kinds",
    "table",
]
