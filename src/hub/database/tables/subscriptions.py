"""Durable readers, and what they set aside."""

from typing import Any

from sqlalchemy import JSON, Column, Index, text
from sqlmodel import Field, SQLModel

from hub.database.columns import big, big_part, small


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
