"""The roll-up."""

from sqlmodel import SQLModel

from hub.database.columns import big, big_part, small


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
