"""Column types of the tables."""

from typing import Any, cast

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, SmallInteger, Table
from sqlmodel import Field, SQLModel

ROW_ID = BigInteger().with_variant(Integer, "sqlite")
"""SQLite keeps a table in the order of its key, without an index beside it, only for INTEGER."""


def big(*, primary_key: bool = False, nullable: bool = False) -> Any:
    """A 64-bit integer column; as a key it is given by the hub, never by the database."""
    column = Column(
        ROW_ID if primary_key else BigInteger,
        primary_key=primary_key,
        autoincrement=False,
        nullable=nullable,
    )
    return Field(sa_column=column)


def big_part() -> Any:
    """A 64-bit column of a key of several columns."""
    return Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))


def small(*, nullable: bool = False, primary_key: bool = False) -> Any:
    """A 16-bit integer column."""
    column = Column(SmallInteger, primary_key=primary_key, autoincrement=False, nullable=nullable)
    return Field(sa_column=column)


def raw(*, nullable: bool = False) -> Any:
    """A column of bytes."""
    return Field(sa_column=Column(LargeBinary, nullable=nullable))


def table(model: type[SQLModel]) -> Table:
    """The SQLAlchemy table of *model*, for statements that name columns."""
    return cast("Table", model.__table__)  # type: ignore[attr-defined]  # SQLModel sets it
