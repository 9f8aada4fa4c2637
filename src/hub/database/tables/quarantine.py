"""What cannot be read."""

from sqlalchemy import JSON, Column, Index, text
from sqlmodel import Field, SQLModel

from hub.database.columns import ROW_ID, big, raw


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
