"""
The tables.  Instants are `BIGINT` microseconds since 1970-01-01T00:00Z.

Receipts refer to their message by integer and to (provider, status, category, applied) by one
small integer, so that their indexes grow at the end and a filtered page is a merge of ranges.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Index,
    LargeBinary,
    text,
)
from sqlmodel import Field, SQLModel

from hub.database.columns import ROW_ID, big, big_part, raw, small


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


class Provider(SQLModel, table=True):
    """An account at an SMS provider: who may call which callback URL, and in which dialect."""

    __tablename__ = "provider"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    adapter: str
    timezone: str
    """IANA zone of the provider's local times."""
    region: str
    """Where numbers without a country code are at home, such as CN."""
    allow_ips: list[str] = Field(sa_column=Column(JSON, nullable=False))
    """Addresses or networks that may call; empty for any."""
    credentials: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))
    """What the adapter's signature check needs."""
    protocol: str = ""
    """The gateway protocol that bare numeric codes belong to, such as SGIP; empty if unknown."""
    secret_hash: bytes = raw()
    old_secrets: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    """Secrets before rotations that still work: `hash` in hexadecimal, and `until` when."""
    created_at: int = big()
    disabled_at: int | None = big(nullable=True)


class Consumer(SQLModel, table=True):
    """Someone who reads: a token, its scopes and its limits."""

    __tablename__ = "consumer"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    token_hash: bytes = raw()
    scopes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    providers: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    """Names of the only providers it sees; null for all."""
    created_at: int = big()
    expires_at: int | None = big(nullable=True)
    revoked_at: int | None = big(nullable=True)


class Kind(SQLModel, table=True):
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


class QuarantineRow(SQLModel, table=True):
    """What could not be read, with its bytes."""

    __tablename__ = "quarantine"
    __table_args__ = (
        Index("quarantine_by_digest", "digest", unique=True),
        Index("quarantine_by_last_seen", "last_seen_at"),
        Index("quarantine_by_provider", "provider", "id"),
        Index(
            "quarantine_by_resolution",
            "resolved_at",
            "id",
            sqlite_where=text("resolved_at IS NOT NULL"),
            postgresql_where=text("resolved_at IS NOT NULL"),
        ),
    )

    id: int | None = Field(
        default=None,
        sa_column=Column(ROW_ID, primary_key=True),
    )
    provider: int
    digest: bytes = raw()
    """Of provider, whole-or-item, and bytes: an identical one is counted, not stored again."""
    whole: bool
    """Whether the bytes are a whole body, else one item of it."""
    reason: str
    adapter: str
    """Name and version of the adapter that could not read it."""
    raw: bytes = raw()
    headers: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))
    callback: int | None = big(nullable=True)
    """The callback it came with; null for a body of which nothing could be read."""
    first_seen_at: int = big()
    last_seen_at: int = big()
    count: int
    resolved_at: int | None = big(nullable=True)


class DeliveryStat(SQLModel, table=True):
    """The roll-up; see `hub.log.derive.rollup`."""

    __tablename__ = "delivery_stat"
    __table_args__ = {"sqlite_with_rowid": False}  # SQLModel reads a plain dict

    grain: int = small(primary_key=True)
    """Minutes per bucket."""
    bucket: int = big_part()
    """Start of the bucket."""
    kind: int = small(primary_key=True)
    receipts: int
    segments: int = big()
    messages: int
    """Messages first reported in the bucket whose present status and category are the kind's."""


class LatencyStat(SQLModel, table=True):
    """Of the messages of a `DeliveryStat`, how many took how long."""

    __tablename__ = "latency_stat"
    __table_args__ = {"sqlite_with_rowid": False}  # SQLModel reads a plain dict

    grain: int = small(primary_key=True)
    bucket: int = big_part()
    kind: int = small(primary_key=True)
    latency: int = small(primary_key=True)
    """Number of the latency bucket; see `hub.log.derive.latency`."""
    messages: int


class SubscriptionRow(SQLModel, table=True):
    """A durable subscription of a consumer, one row per shard."""

    __tablename__ = "subscription"

    consumer: int = Field(primary_key=True)
    name: str = Field(primary_key=True)
    shard: int = small(primary_key=True)
    shards: int = small()
    filter: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    acked: int = big()
    """Position up to which everything that matches was acknowledged; grows on idle filters too."""
    acked_at: int | None = big(nullable=True)
    unacked: int
    """Receipts sent and not acknowledged, as of the last renewal."""
    holder: str | None
    """Random name of the stream that reads it, without which nothing is acknowledged; or null."""
    renewed_at: int = big()
    """
    When the holder last said that it lives, by the database's clock.  Another reader takes over
    once this has stood still for the length of a lease.
    """
    created_at: int = big()


class ParkedRow(SQLModel, table=True):
    """A receipt that a subscription set aside."""

    __tablename__ = "parked"
    __table_args__ = (
        Index(
            "parked_to_replay",
            "consumer",
            "subscription",
            "position",
            sqlite_where=text("replay = 1"),
            postgresql_where=text("replay"),
        ),
        Index("parked_by_position", "position"),
    )

    consumer: int = Field(primary_key=True)
    subscription: str = Field(primary_key=True)
    position: int = big_part()
    reason: str
    parked_at: int = big()
    replay: bool
    """Whether it is to be sent again."""
