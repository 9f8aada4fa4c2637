"""The log's own tables: its head, what came, and what was made of it."""

from typing import Any

from sqlalchemy import JSON, Column, Index, LargeBinary, text
from sqlmodel import Field, SQLModel

from hub.database.columns import big, big_part, raw, small


class Log(SQLModel, table=True):
    """The one row that writers lock: the name of this log and where it ends."""

    __tablename__ = "log"

    id: int = small(primary_key=True)
    epoch: str
    """Names this log in cursors; made with the database, renewed after a restore."""
    head: int = big()
    """Position of the newest receipt; 0 before the first."""
    oldest: int = big()
    """Position of the oldest kept receipt; head + 1 while none is kept."""
    recorded_at: int = big()
    """When the newest receipt was committed: the next one is not recorded before it."""
    callbacks: int = big()
    """Id of the newest callback."""
    oldest_callback: int = big()
    """Id of the oldest kept callback; callbacks + 1 while none is kept."""
    emptied: int = big()
    """Id of the newest callback whose body retention took."""
    swept: int = big()
    """Id up to which a purge has looked at messages; those that are left have receipts."""
    quarantine_bytes: int = big()
    """Raw bytes in quarantine."""
    kinds: int = small()
    """How many kinds there are: a process that knows fewer reads them again."""
    secret: bytes = raw()
    """Key of the hashes in this database, so that they show nothing of a number."""
    created_at: int = big()


class KindRow(SQLModel, table=True):
    """One combination that receipts and messages are found by; there are a few dozen."""

    __tablename__ = "kind"

    id: int = small(primary_key=True)
    provider: int
    status: int
    category: int
    """0 where there is none."""
    applied: bool


class Callback(SQLModel, table=True):
    """
    A call by a provider that was answered with success, as it came.  One of nothing but items that
    cannot be read, and more of them than are kept one by one, stands in quarantine alone.
    """

    __tablename__ = "callback"
    __table_args__ = (Index("callback_by_provider", "provider", "received_at"),)

    id: int = big(primary_key=True)
    provider: int
    received_at: int = big()
    body: bytes | None = raw(nullable=True)
    """As received; null once its retention is over."""
    headers: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))
    """Those that tell how to read the body."""
    receipts: int
    """Receipts of the log that belong to it."""
    duplicates: int
    """Those of its receipts that the log had already."""
    quarantined: int
    """What was set aside of it: items, or itself."""
    digest: bytes = raw()
    """Keyed hash of body and headers (8 bytes), then of the rest (8 bytes): shows any change."""


class ReceiptRow(SQLModel, table=True):
    """The log.  Append-only."""

    __tablename__ = "receipt"
    __table_args__ = (
        Index("receipt_by_kind", "kind", "position"),
        Index("receipt_by_message", "message", "position"),
        Index(
            "receipt_by_recipient",
            "recipient_hash",
            "position",
            sqlite_where=text("recipient_hash IS NOT NULL"),
            postgresql_where=text("recipient_hash IS NOT NULL"),
        ),
        Index(
            "receipt_by_reference",
            "reference_hash",
            "position",
            sqlite_where=text("reference_hash IS NOT NULL"),
            postgresql_where=text("reference_hash IS NOT NULL"),
        ),
    )

    position: int = big(primary_key=True)
    kind: int = small()
    message: int = big()
    callback: int = big()
    fingerprint: int = big()
    """Mixed with a hash of the rest of the row, so that it shows any change of that."""
    recipient_hash: int | None = big(nullable=True)
    reference_hash: int | None = big(nullable=True)
    received_at: int = big()
    recorded_at: int = big()
    occurred_at: int | None = big(nullable=True)
    provider_status: str
    error_code: str | None
    error_permanent: bool | None
    evidence: int = small()
    segments: int | None
    part: int | None
    part_count: int | None
    network: str | None
    price: str | None
    currency: str | None
    client_reference: str | None
    message_status: int = small()
    corrects: int | None = big(nullable=True)


class MessageRow(SQLModel, table=True):
    """The state of each message, derived from the log in the same transaction."""

    __tablename__ = "message"
    __table_args__ = (Index("message_by_kind", "kind", "id"),)

    id: int = big(primary_key=True)
    """Position of its first receipt."""
    key: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    """Keyed hash of the message id (8 bytes), then of id, provider and recipient (8 bytes)."""
    kind: int = small()
    provider: int
    message_id: str
    recipient: str
    """Empty where none was given, since unique indexes treat NULLs as different."""
    error_code: str | None
    segments: int | None
    first_received_at: int = big()
    first_recorded_at: int = big()
    status_at: int = big()
    delivered_at: int | None = big(nullable=True)
    latency: int | None = small(nullable=True)
    """Bucket of occurred_at → recorded_at of the receipt that set the status."""
    receipt_count: int
    conflict: bool
    parts: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    """What is known of each part; null while no receipt spoke of a part."""
    fingerprints: bytes = raw()
    """Of its receipts, 8 bytes each, the first ones: duplicates are known without reading them."""


class Fingerprint(SQLModel, table=True):
    """A fingerprint of a message's receipt that the message's row has no room for."""

    __tablename__ = "fingerprint"
    __table_args__ = {"sqlite_with_rowid": False}  # SQLModel reads a plain dict

    message: int = big_part()
    fingerprint: int = big_part()
