"""The log: one durable order of everything that providers reported."""

from hub.log.bounds import Bounds, read_bounds
from hub.log.derive.corrections import Reported, derive_state
from hub.log.derive.latency import LAST_BUCKET
from hub.log.derive.rollup import GRAINS, MINUTE
from hub.log.derive.state import MessageState, PartState
from hub.log.hashing import FINGERPRINT_BYTES, HALF_BYTES, Hashing, digest
from hub.log.read import stored
from hub.log.read.entries import entry_rows
from hub.log.read.log import ReceiptLog
from hub.log.read.message_receipts import Receipts, ReceiptsOf
from hub.log.read.messages import MessageLookup, MessagePage
from hub.log.read.pages import Page, PageQuery
from hub.log.read.quarantine import QuarantineItem, QuarantinePage, reasons
from hub.log.read.snapshot import Snapshot
from hub.log.read.stats import Bucket, Group, StatRow, StatsQuery
from hub.log.write.arrival import Arrival, Unreadable
from hub.log.write.commit import Committer, lock
from hub.log.write.working import FINGERPRINTS_KEPT
from hub.log.write.writer import Writer

__all__ = [
    "FINGERPRINTS_KEPT",
    "FINGERPRINT_BYTES",
    "GRAINS",
    "HALF_BYTES",
    "LAST_BUCKET",
    "MINUTE",
    "Arrival",
    "Bounds",
    "Bucket",
    "Committer",
    "Group",
    "Hashing",
    "MessageLookup",
    "MessagePage",
    "MessageState",
    "Page",
    "PageQuery",
    "PartState",
    "QuarantineItem",
    "QuarantinePage",
    "ReceiptLog",
    "Receipts",
    "ReceiptsOf",
    "Reported",
    "Snapshot",
    "StatRow",
    "StatsQuery",
    "Unreadable",
    "Writer",
    "derive_state",
    "digest",
    "entry_rows",
    "lock",
    "read_bounds",
    "reasons",
    "stored",
]
